"""From what the rules find to episodes and mails, in the judge's own transaction.

A figure that wavers around its limit is one story, not many: an episode that is over stays ready
for QUIET, and a breach within that time goes on with it, in the journal and the inbox, unmailed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis import judge
from opsboard.kpis.judge import Change
from opsboard.kpis.models import ThresholdOverride, Verdict
from opsboard.kpis.registry import Kpi, kpis

from . import audience, evaluation, grouped, post, rules, snoozes
from .evaluation import Finding
from .models import Episode, EpisodeEvent, Rule, is_shared

#: A breach so soon after the last one is the same episode going on; nobody is mailed again.
QUIET = timedelta(days=3)
_Reason = EpisodeEvent.Reason
#: An episode's own key in its scope: what of it (KPI, entities), and the rule where it is not the limit in force.
Key = tuple[str, str, int | None]


def follow(changes: list[Change]) -> list[Episode]:
    """Ask the rules of every scope whose verdicts changed; returns the episodes opened."""
    scopes = {(change.verdict.account_id, change.verdict.marketplace_id) for change in changes}
    return [episode for scope in sorted(scopes) for episode in follow_scope(*scope)]


def follow_scope(account_id: int, marketplace_id: int) -> list[Episode]:
    """Open, update or close episodes by what the rules find in a scope; returns those opened.

    Unknown and provisional neither open nor close: missing data is no news about the seller. Must
    run in the transaction that wrote the verdicts; the mails are committed with it.
    """
    scope = AccountMarketplace.objects.select_related("account", "marketplace").get(
        account=account_id, marketplace=marketplace_id
    )
    running = {_key(item): item for item in _of(scope).filter(resolved_at=None)}
    # What a person closed stays closed until the limit was kept once.
    closed = {_key(item): item for item in _of(scope).exclude(closed_by=None).filter(kept_at=None)}
    opened: list[Episode] = []
    seen: set[Key] = set()
    counting = rules.of(scope.account.organisation_id)
    for rule, kpi, found in _findings(scope, running, counting):
        key = _key_of(rule, kpi)
        seen.add(key)
        episode = running.get(key)
        if found.fires and (episode is not None or key not in closed):
            _open_or_update(scope, rule, kpi, found, episode, opened)
        elif found.fires is False and episode is not None:
            reason = _Reason.LIMIT if _breaks_old_limit(episode, found.value) else _Reason.RECOVERED
            _close(episode, reason, found.value)
        elif found.fires is False and key in closed:
            closed[key].kept_at = timezone.now()
            closed[key].save(update_fields=["kept_at"])
    groups = _follow_sets(scope, counting, running, closed, opened, seen)
    for key, episode in running.items():
        if key not in seen and episode.kpi in kpis():
            _close(episode, _Reason.RULE, episode.value)
            if episode.snapshot:
                grouped.let_go(episode)
    if opened:
        _tell(scope.account.organisation_id, opened)
    grouped.tell_joined(scope, groups)
    return opened


def _follow_sets(
    scope: AccountMarketplace,
    counting: list[Rule],
    running: dict[Key, Episode],
    closed: dict[Key, Episode],
    opened: list[Episode],
    seen: set[Key],
) -> list[Episode]:
    """The same for the rules that look at SKUs or campaigns one by one; the episodes that go on."""
    going_on = []
    for wanted in rules.sets_in_scope(counting, scope.account_id, scope.marketplace_id):
        kpi = kpis()[wanted.item.kpi]
        key = _key_of(wanted.rule, kpi)
        seen.add(key)
        look = grouped.look(scope, wanted)
        if look is None:
            continue
        episode, before = running.get(key), len(opened)
        if look.finding.fires:
            episode = _open_or_update(scope, wanted.rule, kpi, look.finding, episode, opened)
        is_new = len(opened) > before
        grouped.write(scope, look, episode, opened=is_new)
        if not look.finding.fires and episode is not None:
            _close(episode, _Reason.RECOVERED, None)
        elif episode is not None and not is_new:
            going_on.append(episode)
        if key in closed and not look.members:
            closed[key].kept_at = timezone.now()
            closed[key].save(update_fields=["kept_at"])
    return going_on


def _findings(
    scope: AccountMarketplace, running: dict[Key, Episode], counting: list[Rule]
) -> Iterator[tuple[Rule, Kpi, Finding]]:
    """What each rule says of each of its KPIs; KPIs that were never judged are left out."""
    verdicts = {v.kpi: v for v in Verdict.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id)}
    known: evaluation.Known | None = None
    for rule, kpi in rules.in_scope(counting, scope.account_id, scope.marketplace_id):
        is_running = _key_of(rule, kpi) in running
        if rule.kind == Rule.Kind.LIMIT:
            if (verdict := verdicts.get(kpi.key)) is not None:
                yield rule, kpi, evaluation.of_verdict(rule, verdict, is_running)
            continue
        known = known or _known(scope)
        yield rule, kpi, evaluation.evaluate(rule, kpi, known, is_running)


def _known(scope: AccountMarketplace) -> evaluation.Known:
    today = scope.marketplace.today()
    figures = judge.Figures(scope.account_id, scope.marketplace, today - timedelta(days=judge.reach_days()), today)
    overrides = list(ThresholdOverride.objects.filter(account=scope.account_id))
    return evaluation.Known(figures, scope.marketplace, today, overrides)


def _key(episode: Episode) -> Key:
    return episode.kpi, episode.snapshot, None if is_shared(episode) else episode.rule_id


def _key_of(rule: Rule, kpi: Kpi) -> Key:
    return kpi.key, rule.snapshot, None if is_shared(rule) else rule.pk


def _of(scope: AccountMarketplace) -> models.QuerySet[Episode]:
    mine = Episode.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id)
    return mine.select_for_update(of=("self",)).select_related("account", "marketplace")


def _same(scope: AccountMarketplace, rule: Rule, kpi: Kpi) -> models.QuerySet[Episode]:
    """The episodes that are the same story as one of this rule about this KPI would be."""
    same = _of(scope).filter(kpi=kpi.key, kind=rule.kind, snapshot=rule.snapshot)
    return same if is_shared(rule) else same.filter(rule=rule)


def _open_or_update(
    scope: AccountMarketplace, rule: Rule, kpi: Kpi, found: Finding, running: Episode | None, opened: list[Episode]
) -> Episode:
    """The running episode of a breach, brought up to date; a new one is opened and added to `opened`."""
    assert found.value is not None
    running = running or _go_on(scope, rule, kpi, found)
    if running is None:
        try:
            with transaction.atomic():
                opened.append(_open(scope, rule, kpi, found))
                return opened[-1]
        except IntegrityError:  # another worker opened it between our look and our insert
            running = _same(scope, rule, kpi).filter(resolved_at=None).first()
            if running is None:
                raise
    fields = _figures(rule, found)
    changed = {name for name, value in fields.items() if getattr(running, name) != value}
    for name in changed:
        setattr(running, name, fields[name])
    worst = _worse(running, found.value)
    if worst != running.worst:
        running.worst = worst
        changed.add("worst")
    if changed:
        running.save(update_fields=sorted(changed))
        snoozes.look(running)
    return running


def _figures(rule: Rule, found: Finding) -> dict[str, Any]:
    return {
        "rule_id": rule.pk,
        "rule_version": rule.version,
        "severity": rule.severity,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "limit_source": found.source[:200],
        "since": found.since,
        "first": found.first,
        "last": found.last,
        "compared": found.compared,
        "expected_on": found.expected_on,
        "error_days": found.error_days,
        "count": found.count,
    }


def _open(scope: AccountMarketplace, rule: Rule, kpi: Kpi, found: Finding) -> Episode:
    assert found.value is not None
    episode = Episode.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        kpi=kpi.key,
        kind=rule.kind,
        snapshot=rule.snapshot,
        worst=found.value,
        **_figures(rule, found),
    )
    EpisodeEvent.objects.create(episode=episode, new=Episode.State.OPEN, value=found.value, reason=_Reason.BREACH)
    return episode


def _go_on(scope: AccountMarketplace, rule: Rule, kpi: Kpi, found: Finding) -> Episode | None:
    """Take up the episode that was over a short while ago."""
    just = _same(scope, rule, kpi).filter(resolved_at__gt=timezone.now() - QUIET)
    recent = just.order_by("-resolved_at").first()
    if recent is None or recent.closed_by_id:
        return None
    EpisodeEvent.objects.create(
        episode=recent, old=recent.state, new=Episode.State.OPEN, value=found.value, reason=_Reason.AGAIN
    )
    recent.state = Episode.State.OPEN
    recent.resolved_at = recent.acknowledged_at = recent.acknowledged_by = None
    recent.save(update_fields=["state", "resolved_at", "acknowledged_at", "acknowledged_by"])
    return recent


def _worse(episode: Episode, value: Decimal) -> Decimal:
    return max(episode.worst, value) if episode.over else min(episode.worst, value)


def _close(episode: Episode, reason: EpisodeEvent.Reason, value: Decimal | None) -> None:
    EpisodeEvent.objects.create(
        episode=episode, old=episode.state, new=Episode.State.RESOLVED, value=value, reason=reason
    )
    episode.state = Episode.State.RESOLVED
    episode.resolved_at = timezone.now()
    episode.snoozed_until = episode.snoozed_beyond = None
    episode.save(update_fields=["state", "resolved_at", "snoozed_until", "snoozed_beyond"])


def _breaks_old_limit(episode: Episode, value: Decimal | None) -> bool:
    """Whether the figure would still be a breach by the limit the episode was about."""
    if value is None or episode.kind != Rule.Kind.LIMIT:
        return False
    return (episode.high is not None and value > episode.high) or (episode.low is not None and value < episode.low)


def _tell(organisation_id: int, opened: list[Episode]) -> None:
    """Mail the people and post to the channels that the rules name."""
    for member, episodes in audience.mailed(organisation_id, opened):
        post.tell(member, episodes)
    for channel, episodes in audience.posted(opened):
        post.announce(channel, episodes)
