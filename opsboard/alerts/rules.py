"""Which rules count in a scope and for which KPIs; keeping, switching off and deleting them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from opsboard.accounts import audit
from opsboard.accounts.models import Membership, Organisation, User
from opsboard.kpis import again
from opsboard.kpis.registry import Kpi, Unit, Window, kpis

from .models import Channel, Rule

Kind = Rule.Kind
#: What the rule that every organisation has is called until somebody names it.
DEFAULT_NAME = gettext_noop("Every limit in force")
#: Kinds that may be about every KPI at once.
FOR_ALL = frozenset({Kind.LIMIT, Kind.NO_DATA})
#: What is written into the audit.
_TOLD = (
    "name", "kind", "kpi", "account_id", "marketplace_id", "low", "high", "change_up", "change_down", "days",
    "for_days", "clear_by", "severity", "enabled", "mails", "escalate_after",
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
    default_of(organisation_id)
    rules = Rule.objects.filter(organisation=organisation_id, deleted_at=None)
    return list(rules.select_related("account", "marketplace", "organisation", "changed_by"))


def title(rule: Rule) -> str:
    return _(rule.name) if rule.name == DEFAULT_NAME else rule.name


def suits(kind: str, kpi: Kpi) -> bool:
    """Whether a rule of this kind can say anything of the KPI."""
    if kind == Kind.WEEKDAY:
        return kpi.window is Window.SUM
    return kpi.unit is Unit.DAYS if kind == Kind.SUPPLY else True


def in_scope(rules: Sequence[Rule], account_id: int, marketplace_id: int) -> Iterator[tuple[Rule, Kpi]]:
    """The rules that count in a scope, with each KPI they are about.

    Of the rules about the limit in force only the narrowest counts for a KPI: one breach is one alert.
    """
    mine = [
        rule
        for rule in rules
        if rule.enabled
        and rule.deleted_at is None
        and rule.account_id in {None, account_id}
        and rule.marketplace_id in {None, marketplace_id}
    ]
    for kpi in kpis().values():
        about = [rule for rule in mine if rule.kpi in {"", kpi.key} and suits(rule.kind, kpi)]
        limits = [rule for rule in about if rule.kind == Kind.LIMIT]
        if limits:
            yield max(limits, key=_narrowness), kpi
        for rule in about:
            if rule.kind != Kind.LIMIT:
                yield rule, kpi


def _narrowness(rule: Rule) -> tuple[bool, bool, bool, int]:
    return bool(rule.kpi), rule.marketplace_id is not None, rule.account_id is not None, rule.pk


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
    Rule.objects.filter(pk=rule.pk).update(deleted_at=timezone.now(), enabled=False)
    audit.record(rule.organisation, user, "rule.deleted", rule.name, before=_told(rule))
    _ask_again(rule.organisation)
    return True


def _told(rule: Rule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in _TOLD}
    told = {name: value if isinstance(value, bool | int) else str(value or "") for name, value in values.items()}
    told["people"] = ", ".join(sorted(member.user.email for member in rule.people.select_related("user")))
    told["channels"] = ", ".join(sorted(rule.channels.values_list("name", flat=True)))
    return told


def _ask_again(organisation: Organisation) -> None:
    for account in organisation.accounts.filter(active=True):
        again.judge_again(account)
