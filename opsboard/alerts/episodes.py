"""From changed verdicts to episodes and mails, in the judge's own transaction."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from opsboard.accounts.models import Membership, Role, User
from opsboard.kpis.judge import Change
from opsboard.kpis.models import Verdict
from opsboard.kpis.registry import kpis

from . import outbox
from .models import Episode, EpisodeEvent

#: More episodes than this at once are one mail to a person, not many.
GROUP_OVER = 5
_OVER = {Verdict.Status.OK, Verdict.Status.WARN, Verdict.Status.NO_LIMIT}


def follow(changes: list[Change]) -> list[Episode]:
    """Open, update or close episodes after a judgement; returns those opened.

    Unknown neither opens nor closes: missing data is no news about the seller. Must run in the
    transaction that wrote the verdicts; the mails are committed with it.
    """
    opened = []
    for change in changes:
        verdict = change.verdict
        if verdict.status == Verdict.Status.BREACH:
            episode, is_new = _open_or_update(verdict)
            if is_new:
                opened.append(episode)
        elif verdict.status in _OVER:
            _resolve(verdict)
    if opened:
        _mail(opened)
    return opened


def _running(verdict: Verdict) -> Episode | None:
    return (
        Episode.objects.select_for_update()
        .filter(
            account=verdict.account_id, marketplace=verdict.marketplace_id, kpi=verdict.kpi, resolved_at__isnull=True
        )
        .first()
    )


def _open_or_update(verdict: Verdict) -> tuple[Episode, bool]:
    assert verdict.value is not None
    figures = {
        "value": verdict.value,
        "low": verdict.low,
        "high": verdict.high,
        "limit_source": verdict.limit_source,
        "since": verdict.breached_since,
        "first": verdict.first,
        "last": verdict.last,
    }
    running = _running(verdict)
    if running is None:
        try:
            with transaction.atomic():
                episode = Episode.objects.create(
                    account_id=verdict.account_id,
                    marketplace_id=verdict.marketplace_id,
                    kpi=verdict.kpi,
                    worst=verdict.value,
                    **figures,
                )
                EpisodeEvent.objects.create(episode=episode, new=Episode.State.OPEN, value=verdict.value)
                return episode, True
        except IntegrityError:  # another worker opened it between our look and our insert
            running = _running(verdict)
            if running is None:
                raise
    for name, value in figures.items():
        setattr(running, name, value)
    running.since = min(filter(None, (running.since, verdict.breached_since)), default=None)
    running.worst = _worse(running.worst, verdict)
    running.save(update_fields=[*figures, "worst"])
    return running, False


def _worse(worst: Decimal, verdict: Verdict) -> Decimal:
    assert verdict.value is not None
    if verdict.high is not None and verdict.value > verdict.high:
        return max(worst, verdict.value)
    return min(worst, verdict.value)


def _resolve(verdict: Verdict) -> None:
    episode = _running(verdict)
    if episode is None:
        return
    EpisodeEvent.objects.create(
        episode=episode, old=episode.state, new=Episode.State.RESOLVED, value=verdict.value
    )
    episode.state = Episode.State.RESOLVED
    episode.resolved_at = timezone.now()
    episode.save(update_fields=["state", "resolved_at"])


def acknowledge(episode_id: int, user: User) -> bool:
    """Mark an open episode as seen by `user`; False when it is not open any more."""
    with transaction.atomic():
        episode = Episode.objects.select_for_update().get(pk=episode_id)
        if episode.state != Episode.State.OPEN:
            return False
        EpisodeEvent.objects.create(
            episode=episode, by=user, old=episode.state, new=Episode.State.ACKNOWLEDGED, value=episode.value
        )
        episode.state = Episode.State.ACKNOWLEDGED
        episode.acknowledged_by = user
        episode.acknowledged_at = timezone.now()
        episode.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])
    return True


def _mail(opened: list[Episode]) -> None:
    """One mail a person and episode; one for all when there are many at once."""
    by_organisation: dict[int, list[Episode]] = defaultdict(list)
    for episode in opened:
        by_organisation[episode.account.organisation_id].append(episode)
    order = {key: at for at, key in enumerate(kpis())}
    for organisation_id, episodes in by_organisation.items():
        episodes.sort(key=lambda episode: order.get(episode.kpi, 0))
        members = Membership.objects.filter(
            organisation=organisation_id, mail_alerts=True, user__is_active=True
        ).select_related("user")
        for member in members:
            if not member.at_least(Role.OPERATOR):
                continue
            groups = [episodes] if len(episodes) > GROUP_OVER else [[episode] for episode in episodes]
            for group in groups:
                outbox.enqueue(group, member)
