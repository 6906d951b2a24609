"""Which rules count in a scope and for which KPIs; keeping, switching off and deleting them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from opsboard.accounts import audit
from opsboard.accounts.models import Membership, Organisation, User
from opsboard.kpis import again, held
from opsboard.kpis.entities import EntityKpi, entity_kpi, entity_kpis
from opsboard.kpis.registry import Kpi, Unit, Window, kpis

from .models import Channel, Rule

Kind = Rule.Kind
#: What the rule that every organisation has is called until somebody names it.
DEFAULT_NAME = gettext_noop("Every limit in force")
#: Kinds that may be about every KPI at once.
FOR_ALL = frozenset({Kind.LIMIT, Kind.NO_DATA})
#: Kinds that may look at SKUs, ASINs, campaigns or terms one by one.
ONE_BY_ONE = frozenset({Kind.LIMIT, Kind.THRESHOLD, Kind.SUPPLY, Kind.CHANGE})
#: What is written into the audit.
_TOLD = (
    "name", "kind", "kpi", "account_id", "marketplace_id", "snapshot", "low", "high", "change_up", "change_down",
    "days", "for_days", "clear_by", "severity", "enabled", "mails", "escalate_after",
)  # fmt: skip


def default_of(organisation_id: int) -> Rule:
    """The rule an organisation always has: any limit in force, told to everybody who wants mails."""
    found = Rule.objects.filter(organisation=organisation_id, is_default=True).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Rule.objects.create(
                organisation_id=organisation_id, name=DEFAULT_NAME, kind=Kind.LIMIT, is_default=True
            )
    except IntegrityError:  # somebody else made it between our look and our insert
        return Rule.objects.get(organisation=organisation_id, is_default=True)


def of(organisation_id: int) -> list[Rule]:
    """Every rule that is not deleted, the general one first."""
    rules = _all(organisation_id)
    lacking = _starters().keys() - {rule.starter for rule in rules}
    if lacking or not any(rule.is_default for rule in rules):
        default_of(organisation_id)
        _start(organisation_id, lacking)
        rules = _all(organisation_id)
    return [rule for rule in rules if rule.deleted_at is None]


def _all(organisation_id: int) -> list[Rule]:
    rules = Rule.objects.filter(organisation=organisation_id)
    rules = rules.select_related("account", "marketplace", "organisation", "changed_by", "tag")
    return list(rules.prefetch_related("tag__accounts", "tag__entities"))


def _starters() -> dict[str, EntityKpi]:
    """What an organisation starts with a rule for, as declared beside the KPIs, by `Rule.starter`."""
    return {f"{item.snapshot.key}:{item.kpi}": item for item in entity_kpis() if item.starter and item.kpi in kpis()}


def _start(organisation_id: int, lacking: Collection[str]) -> None:
    """Make the rules an organisation starts with; each once, deleted ones included."""
    declared = _starters()
    for key in lacking:
        item = declared[key]
        assert item.starter is not None
        kind = Kind.SUPPLY if suits(Kind.SUPPLY, kpis()[item.kpi]) and item.starter.high is None else Kind.THRESHOLD
        rule = Rule(organisation_id=organisation_id, name=item.starter.name, kind=kind, kpi=item.kpi, starter=key)
        rule.snapshot, rule.low, rule.high = item.snapshot.key, item.starter.low, item.starter.high
        Rule.objects.bulk_create([rule], ignore_conflicts=True)  # somebody else may just be making it


def title(rule: Rule) -> str:
    named = {DEFAULT_NAME, *(item.starter.name for item in entity_kpis() if item.starter)}
    return _(rule.name) if rule.name in named else rule.name


def suits(kind: str, kpi: Kpi) -> bool:
    """Whether a rule of this kind can say anything of the KPI."""
    if kind == Kind.WEEKDAY:
        return kpi.window is Window.SUM
    return kpi.unit is Unit.DAYS if kind == Kind.SUPPLY else True


def suits_each(kind: str, item: EntityKpi) -> bool:
    """Whether a rule of this kind can look at the SKUs, ASINs, campaigns or terms of the KPI one by one."""
    if kind not in ONE_BY_ONE or item.kpi not in kpis():
        return False
    if kind == Kind.CHANGE:
        return held.can_change(item)
    return not (kind == Kind.LIMIT and item.is_sum) and suits(kind, kpis()[item.kpi])


def in_scope(rules: Sequence[Rule], account_id: int, marketplace_id: int) -> Iterator[tuple[Rule, Kpi]]:
    """The rules about the marketplace as a whole that count in a scope, with each KPI they are about.

    Of the rules about the limit in force only the narrowest counts for a KPI: one breach is one alert.
    """
    mine = [
        rule
        for rule in _here(rules, account_id, marketplace_id)
        if not rule.snapshot and (rule.tag is None or carries(rule, account_id))
    ]
    for kpi in kpis().values():
        about = [rule for rule in mine if rule.kpi in {"", kpi.key} and suits(rule.kind, kpi)]
        limits = [rule for rule in about if rule.kind == Kind.LIMIT]
        if limits:
            yield max(limits, key=_narrowness), kpi
        for rule in about:
            if rule.kind != Kind.LIMIT:
                yield rule, kpi


@dataclass(frozen=True, slots=True)
class Set:
    """A rule that looks at the entities of a scope one by one, and at which: None is every one."""

    rule: Rule
    item: EntityKpi
    only: frozenset[str] | None


def sets_in_scope(rules: Sequence[Rule], account_id: int, marketplace_id: int) -> Iterator[Set]:
    """The rules about SKUs, ASINs, campaigns or terms that count in a scope, each with what it looks at."""
    for rule in _here(rules, account_id, marketplace_id):
        item = entity_kpi(rule.snapshot, rule.kpi) if rule.snapshot else None
        if item is not None and suits_each(rule.kind, item):
            yield Set(rule, item, only(rule, account_id))


def only(rule: Rule, account_id: int) -> frozenset[str] | None:
    """Which entities of an account a rule looks at: those it lists, those that carry its tag; None is every one."""
    listed = frozenset(rule.entities) if rule.entities else None
    if rule.tag is None or carries(rule, account_id):
        return listed
    tagged = frozenset(item.entity for item in rule.tag.entities.all() if item.kind == rule.snapshot)
    return tagged if listed is None else tagged & listed


def carries(rule: Rule, account_id: int) -> bool:
    """Whether an account carries the tag that a rule asks for."""
    return rule.tag is not None and any(account.pk == account_id for account in rule.tag.accounts.all())


def _here(rules: Sequence[Rule], account_id: int, marketplace_id: int) -> list[Rule]:
    return [
        rule
        for rule in rules
        if rule.enabled
        and rule.deleted_at is None
        and rule.account_id in {None, account_id}
        and rule.marketplace_id in {None, marketplace_id}
    ]


def _narrowness(rule: Rule) -> tuple[bool, bool, bool, bool, int]:
    placed = rule.marketplace_id is not None, rule.account_id is not None, rule.tag_id is not None
    return bool(rule.kpi), *placed, rule.pk


@transaction.atomic
def save(rule: Rule, user: User, who: tuple[list[Membership], list[Channel]] | None = None) -> Rule:
    """Keep a new or changed rule as its next version, audited, and have it asked of every scope at once.

    `who`: the people and channels it names; None leaves them.
    """
    before: dict[str, Any] = {}
    if rule.pk:
        stored = Rule.objects.select_for_update().get(pk=rule.pk)
        before = _told(stored)
        rule.version = stored.version + 1
    rule.changed_at, rule.changed_by = timezone.now(), user
    rule.save()
    if who is not None:
        rule.people.set(who[0])
        rule.channels.set(who[1])
    action = "rule.changed" if before else "rule.created"
    audit.record(rule.organisation, user, action, rule.name, before=before, after=_told(rule))
    _ask_again(rule.organisation)
    return rule


@transaction.atomic
def switch(rule: Rule, user: User, enabled: bool) -> Rule:
    """On or off; off, its running alerts are over."""
    rule.enabled = enabled
    return save(rule, user)


@transaction.atomic
def delete(rule: Rule, user: User) -> bool:
    """Take a rule away; the general one stays."""
    if rule.is_default:
        return False
    # Its tag is let go, so that it can be deleted too.
    Rule.objects.filter(pk=rule.pk).update(deleted_at=timezone.now(), enabled=False, tag=None)
    audit.record(rule.organisation, user, "rule.deleted", rule.name, before=_told(rule))
    _ask_again(rule.organisation)
    return True


def _told(rule: Rule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in _TOLD}
    told = {name: value if isinstance(value, bool | int) else str(value or "") for name, value in values.items()}
    told["tag"] = str(rule.tag or "")
    told["entities"] = ", ".join(rule.entities)
    told["people"] = ", ".join(sorted(member.user.email for member in rule.people.select_related("user")))
    told["channels"] = ", ".join(sorted(rule.channels.values_list("name", flat=True)))
    return told


def _ask_again(organisation: Organisation) -> None:
    for account in organisation.accounts.filter(active=True):
        again.judge_again(account)
