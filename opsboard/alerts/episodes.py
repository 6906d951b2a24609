"""From changed verdicts to episodes and mails, in the judge's own transaction.

A figure that wavers around its limit is one story, not many: an episode that is over stays ready
for QUIET, and a breach within that time goes on with it, in the journal and the inbox, unmailed.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from opsboard.kpis.judge import Change
from opsboard.kpis.models import Verdict
from opsboard.kpis.registry import kpis

from . import audience, outbox, snoozes
from .models import Episode, EpisodeEvent

#: More episodes than this at once are one mail to a person, not many.
GROUP_OVER = 5
#: A breach so soon after the last one is the same episode going on; nobody is mailed again.
QUIET = timedelta(days=3)
_KEPT = {Verdict.Status.OK, Verdict.Status.WARN, Verdict.Status.NO_LIMIT}
_Reason = EpisodeEvent.Reason


def follow(changes: list[Change]) -> list[Episode]:
    """Open, update or close episodes after a judgement; returns those opened.

    Unknown and provisional neither open nor close: missing data is no news about the seller. Must
    run in the transaction that wrote the verdicts; the mails are committed with it.
    """
    opened = []
    for change in changes:
        verdict = change.verdict
        if verdict.status == Verdict.Status.BREACH:
            if _closed_by_hand(verdict) is not None:
                continue
            episode, is_new = _open_or_update(verdict)
            if is_new:
                opened.append(episode)
            else:
                snoozes.look(episode)
        elif verdict.status in _KEPT:
            _resolve(verdict)
    if opened:
        _mail(opened)
    return opened


def _of(verdict: Verdict) -> models.QuerySet[Episode]:
    return Episode.objects.select_for_update().filter(
        account=verdict.account_id, marketplace=verdict.marketplace_id, kpi=verdict.kpi
    )


def _running(verdict: Verdict) -> Episode | None:
    return _of(verdict).filter(resolved_at__isnull=True).first()


def _closed_by_hand(verdict: Verdict) -> Episode | None:
    """The episode a person closed while this very breach lasted: it stays closed until the limit is kept once."""
    if _running(verdict) is not None:
        return None
    last = _of(verdict).order_by("-resolved_at").first()
    return last if last is not None and last.closed_by_id and last.kept_at is None else None


def _open_or_update(verdict: Verdict) -> tuple[Episode, bool]:
    """The running episode of a breach, and whether it is a new one."""
    assert verdict.value is not None
    running = _running(verdict) or _go_on(verdict)
    if running is None:
        try:
            with transaction.atomic():
                return _open(verdict), True
        except IntegrityError:  # another worker opened it between our look and our insert
            running = _running(verdict)
            if running is None:
                raise
    figures = _figures(verdict)
    for name, value in figures.items():
        setattr(running, name, value)
    running.worst = _worse(running.worst, verdict)
    running.save(update_fields=[*figures, "worst"])
    return running, False


def _figures(verdict: Verdict) -> dict[str, Any]:
    return {
        "value": verdict.value,
        "low": verdict.low,
        "high": verdict.high,
        "limit_source": verdict.limit_source,
        "since": verdict.breached_since,
        "first": verdict.first,
        "last": verdict.last,
    }


def _open(verdict: Verdict) -> Episode:
    assert verdict.value is not None
    episode = Episode.objects.create(
        account_id=verdict.account_id,
        marketplace_id=verdict.marketplace_id,
        kpi=verdict.kpi,
        worst=verdict.value,
        **_figures(verdict),
    )
    EpisodeEvent.objects.create(episode=episode, new=Episode.State.OPEN, value=verdict.value, reason=_Reason.BREACH)
    return episode


def _go_on(verdict: Verdict) -> Episode | None:
    """Take up the episode that was over a short while ago."""
    recent = _of(verdict).filter(resolved_at__gt=timezone.now() - QUIET).order_by("-resolved_at").first()
    if recent is None or recent.closed_by_id:
        return None
    EpisodeEvent.objects.create(
        episode=recent, old=recent.state, new=Episode.State.OPEN, value=verdict.value, reason=_Reason.AGAIN
    )
    recent.state = Episode.State.OPEN
    recent.resolved_at = recent.acknowledged_at = recent.acknowledged_by = None
    recent.save(update_fields=["state", "resolved_at", "acknowledged_at", "acknowledged_by"])
    return recent


def _worse(worst: Decimal, verdict: Verdict) -> Decimal:
    assert verdict.value is not None
    if verdict.high is not None and verdict.value > verdict.high:
        return max(worst, verdict.value)
    return min(worst, verdict.value)


def _resolve(verdict: Verdict) -> None:
    episode = _running(verdict)
    if episode is None:
        if (closed := _closed_by_hand(verdict)) is not None:
            closed.kept_at = timezone.now()
            closed.save(update_fields=["kept_at"])
        return
    reason = _Reason.LIMIT if _breaks_old_limit(episode, verdict) else _Reason.RECOVERED
    EpisodeEvent.objects.create(
        episode=episode, old=episode.state, new=Episode.State.RESOLVED, value=verdict.value, reason=reason
    )
    episode.state = Episode.State.RESOLVED
    episode.resolved_at = timezone.now()
    episode.snoozed_until = episode.snoozed_beyond = None
    episode.save(update_fields=["state", "resolved_at", "snoozed_until", "snoozed_beyond"])


def _breaks_old_limit(episode: Episode, verdict: Verdict) -> bool:
    """Whether the figure would still be a breach by the limit the episode was about."""
    value = verdict.value
    if value is None:
        return False
    return (episode.high is not None and value > episode.high) or (episode.low is not None and value < episode.low)


def _mail(opened: list[Episode]) -> None:
    """One mail a person and episode; one for all when there are many at once."""
    by_organisation: dict[int, list[Episode]] = defaultdict(list)
    for episode in opened:
        by_organisation[episode.account.organisation_id].append(episode)
    order = {key: at for at, key in enumerate(kpis())}
    for organisation_id, episodes in by_organisation.items():
        episodes.sort(key=lambda episode: order.get(episode.kpi, 0))
        for member in audience.of(organisation_id):
            groups = [episodes] if len(episodes) > GROUP_OVER else [[episode] for episode in episodes]
            for group in groups:
                outbox.enqueue(group, member)
