"""Rules that look at SKUs or campaigns one by one: who is beyond the limit in a scope, kept and told as one alert.

One statement a rule and scope finds those beyond the limit; only what changed is written. Each one is told of once:
in the letter that opens the alert or, joining later, in one letter a day at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis import held
from opsboard.kpis.entities import EntityKpi
from opsboard.kpis.held import Seen
from opsboard.kpis.limits import in_force
from opsboard.kpis.models import ThresholdOverride
from opsboard.kpis.registry import kpis

from . import audience, groups, post
from .evaluation import Finding
from .groups import Bounds, Member
from .models import Episode, EpisodeEvent, OutboxMessage, Rule, RuleEntity
from .rules import Set

_Reason = EpisodeEvent.Reason


@dataclass(slots=True)
class Look:
    """What a rule found in a scope, not written yet."""

    rule: Rule
    finding: Finding
    rows: dict[str, RuleEntity]
    members: dict[str, Member]
    #: Of what the rule was about before it was changed.
    strays: list[RuleEntity]

    @property
    def new(self) -> list[str]:
        """Those that are in the alert from now on."""
        return [entity for entity, member in self.members.items() if member.joined and not self._was_in(entity)]

    @property
    def gone(self) -> list[RuleEntity]:
        return [row for entity, row in self.rows.items() if entity not in self.members] + self.strays

    def _was_in(self, entity: str) -> bool:
        return entity in self.rows and self.rows[entity].joined_at is not None


def look(scope: AccountMarketplace, wanted: Set) -> Look | None:
    """What the rule finds in a scope; None where nobody can know. Needs a transaction."""
    rule, item = wanted.rule, wanted.item
    pair = (scope.account_id, scope.marketplace_id)
    of_days = held.compared_window if rule.kind == Rule.Kind.CHANGE else held.judged_window
    window = of_days(item.snapshot, pair)
    if window is None:
        return None
    stored = _rows(scope, rule)
    rows = {row.entity: row for row in stored if (row.snapshot, row.kpi) == (rule.snapshot, rule.kpi)}
    strays = [row for row in stored if rows.get(row.entity) is not row]
    allowed = {entity: row for entity, row in rows.items() if wanted.only is None or entity in wanted.only}
    bounds = bounds_of(rule, item, scope)
    seen = _seen(wanted, pair, window, bounds, allowed)
    members = groups.after(rule, bounds, {e: _member(row) for e, row in allowed.items()}, seen, window[1])
    # What a person closed stays closed as long as it lasts: it is not told of again.
    told = [m for e, m in members.items() if m.joined and not (e in rows and _is_closed(rows[e]))]
    return Look(rule, groups.finding(bounds, told, *window), rows, members, strays)


def bounds_of(rule: Rule, item: EntityKpi, scope: AccountMarketplace) -> Bounds:
    """What a rule holds each one of a scope against today."""
    if rule.kind != Rule.Kind.LIMIT:
        return groups.bounds(rule, None)
    overrides = list(ThresholdOverride.objects.filter(account=scope.account_id, kpi=item.kpi))
    limit = in_force(kpis()[item.kpi], scope.marketplace, scope.marketplace.today(), overrides)
    return groups.bounds(rule, limit)


def _seen(
    wanted: Set, pair: tuple[int, int], window: tuple[date, date], bounds: Bounds, rows: Mapping[str, RuleEntity]
) -> dict[str, Seen]:
    if wanted.rule.kind == Rule.Kind.CHANGE:
        found = held.changed(wanted.item, pair, window, bounds.low, bounds.high, only=wanted.only, also=rows)
        return {entity: Seen(one.change, one.beyond) for entity, one in found.items()}
    if wanted.rule.kind == Rule.Kind.LIMIT:
        return held.broken(wanted.item, pair, only=wanted.only, also=rows)
    return held.beyond(wanted.item, pair, bounds.low, bounds.high, only=wanted.only, also=rows)


def _rows(scope: AccountMarketplace, rule: Rule) -> list[RuleEntity]:
    """Who was beyond the rule's limit when it was last looked at. Leans on ruleentity_once."""
    rows = RuleEntity.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, rule=rule)
    return list(rows.filter(left_at=None).select_related("episode"))


def _member(row: RuleEntity) -> Member:
    return Member(row.entity, row.value, row.worst, row.since, row.last, row.joined_at is not None)


def _is_closed(row: RuleEntity) -> bool:
    return row.episode is not None and row.episode.closed_by_id is not None and row.episode.resolved_at is not None


def write(scope: AccountMarketplace, found: Look, episode: Episode | None, *, opened: bool) -> None:
    """Keep who is beyond the limit now, those in the alert with its episode; their coming and going is journalled."""
    now = timezone.now()
    new = set(found.new)
    told_before = _told_before(episode, new) if episode is not None and not opened else {}
    made, changed = [], []
    for entity, member in found.members.items():
        row = found.rows.get(entity) or RuleEntity(
            rule=found.rule,
            account_id=scope.account_id,
            marketplace_id=scope.marketplace_id,
            snapshot=found.rule.snapshot,
            kpi=found.rule.kpi,
            entity=entity,
        )
        before = (row.value, row.worst, row.since, row.last, row.joined_at) if row.pk else None
        row.value, row.worst, row.since, row.last = member.value, member.worst, member.since, member.last
        if entity in new:
            row.episode, row.joined_at = episode, now
            row.told_at = now if opened else told_before.get(entity)
        if before is None:
            made.append(row)
        elif before != (row.value, row.worst, row.since, row.last, row.joined_at):
            changed.append(row)
    left = [row for row in found.gone if row.joined_at is not None]
    RuleEntity.objects.filter(pk__in=[row.pk for row in left]).update(left_at=now)
    RuleEntity.objects.filter(pk__in=[row.pk for row in found.gone if row.joined_at is None]).delete()
    RuleEntity.objects.bulk_create(made, batch_size=2000)
    kept = ["value", "worst", "since", "last", "episode", "joined_at", "told_at"]
    RuleEntity.objects.bulk_update(changed, kept, batch_size=2000)
    if episode is not None and not opened:
        for reason, count in (
            (_Reason.JOINED, len(new)),
            (_Reason.LEFT, sum(row.episode_id == episode.pk for row in left)),
        ):
            if count and episode.resolved_at is None:
                EpisodeEvent.objects.create(
                    episode=episode, old=episode.state, new=episode.state, reason=reason, count=count
                )


def _told_before(episode: Episode, entities: set[str]) -> dict[str, datetime | None]:
    """When those that left this same alert a short while ago were told of: nobody hears of them twice."""
    past = RuleEntity.objects.filter(episode=episode, entity__in=entities).exclude(told_at=None)
    return dict(past.values_list("entity", "told_at"))


def let_go(episode: Episode) -> None:
    """The rule of an alert asks no more: nobody is in it."""
    RuleEntity.objects.filter(episode=episode, left_at=None).update(left_at=timezone.now())
    RuleEntity.objects.filter(
        rule=episode.rule_id,
        account=episode.account_id,
        marketplace=episode.marketplace_id,
        snapshot=episode.snapshot,
        kpi=episode.kpi,
        joined_at=None,
    ).delete()


def tell_joined(scope: AccountMarketplace, episodes: list[Episode]) -> None:
    """One letter a marketplace day at most about those that joined running alerts and nobody was told of."""
    untold = RuleEntity.objects.filter(episode__in=episodes, joined_at__isnull=False, told_at=None, left_at=None)
    waiting = {row.episode_id for row in untold}
    about = []
    for episode in (item for item in episodes if item.pk in waiting):
        if episode.state != Episode.State.SNOOZED:  # whose end is a letter about all of them
            last = episode.mails.filter(purpose=OutboxMessage.Purpose.JOINED).order_by("-id").first()
            if last is not None and scope.marketplace.day_of(last.created_at) == scope.marketplace.today():
                continue
            about.append(episode)
        RuleEntity.objects.filter(episode=episode, told_at=None, left_at=None).update(told_at=timezone.now())
    if not about:
        return
    key = scope.marketplace.today().isoformat()
    for member, some in audience.mailed(scope.account.organisation_id, about):
        post.tell(member, some, OutboxMessage.Purpose.JOINED, about=key)
    for channel, some in audience.posted(about):
        post.announce(channel, some, OutboxMessage.Purpose.JOINED, about=key)
