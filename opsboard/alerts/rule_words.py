"""A rule in a sentence, in the reader's language."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import Marketplace
from opsboard.kpis import figures
from opsboard.kpis.registry import Kpi, Unit, kpis
from opsboard.kpis.snapshots import snapshots
from opsboard.ui import formats, joins

from . import words
from .backtest import Fired
from .models import Rule

Kind = Rule.Kind


def place(rule: Rule) -> str:
    if rule.account and rule.marketplace:
        found = f"{rule.account.name} · {formats.country(rule.marketplace)}"
    elif rule.account:
        found = rule.account.name
    elif rule.marketplace:
        found = _("%(shop)s, every account") % {"shop": formats.country(rule.marketplace)}
    else:
        found = _("Every account and marketplace")
    return _("%(place)s, tagged “%(tag)s”") % {"place": found, "tag": rule.tag} if rule.tag else found


def condition(rule: Rule, marketplace: Marketplace) -> str:
    """ "ACoS over 30.0 %, on 3 days in a row"; money in the marketplace's currency."""
    kpi = kpis().get(rule.kpi)
    label = str(kpi.label) if kpi else _("Every KPI")
    if rule.snapshot:
        label = of_each(kpi, rule.snapshot, len(rule.entities)) if kpi else label
    parts = [_clause(rule, label, kpi, marketplace)]
    if rule.for_days > 1:
        parts.append(ngettext("on %(n)s day in a row", "on %(n)s days in a row", rule.for_days) % {"n": rule.for_days})
    if rule.clear_by:
        parts.append(_("over when back inside by %(share)s") % {"share": formats.percent(rule.clear_by)})
    return joins.listed(parts)


def of_each(kpi: Kpi, snapshot: str, count: int = 0) -> str:
    """ "ACoS (Campaigns, one by one)", or "ACoS (3 campaigns, one by one)"."""
    found = snapshots().get(snapshot)
    which = words.counted(snapshot, count) if count or found is None else found.label
    return _("%(kpi)s (%(which)s, one by one)") % {"kpi": kpi.label, "which": which}


def _clause(rule: Rule, label: str, kpi: Kpi | None, marketplace: Marketplace) -> str:
    told: dict[str, object] = {"kpi": label, "days": rule.days}
    match rule.kind:
        case Kind.LIMIT:
            return _("%(kpi)s breaks the limit in force") % told
        case Kind.NO_DATA:
            return _("%(kpi)s: no data for %(days)s days") % told
        case Kind.FORECAST:
            return _("%(kpi)s crosses the limit within %(days)s days, as forecast") % told
    ends: list[str] = []
    if rule.kind in {Kind.CHANGE, Kind.WEEKDAY}:
        for share, text in ((rule.change_up, _("higher by %(n)s")), (rule.change_down, _("lower by %(n)s"))):
            if share is not None:
                ends.append(text % {"n": formats.percent(share, 0)})
        told["ends"] = _(" or ").join(ends)
        if rule.kind == Kind.CHANGE:
            return _("%(kpi)s %(ends)s than the period before") % told
        return _("%(kpi)s %(ends)s than the same weekdays before") % told
    for bound, text in ((rule.low, _("under %(n)s")), (rule.high, _("over %(n)s"))):
        if bound is not None:
            ends.append(text % {"n": _number(bound, kpi, marketplace)})
    return _("%(kpi)s %(ends)s") % {"kpi": label, "ends": _(" or ").join(ends)}


def fired(item: Fired, rule: Rule) -> str:
    """One alert of a replay: "ACoS 31.2 %, Kitchen US"."""
    kind, marketplace = rule.kind, item.scope.marketplace
    if rule.snapshot:
        count = words.counted(rule.snapshot, item.count)
        bounds = item.bounds.low, item.bounds.high
        told = words.group(count, item.kpi, item.value, bounds, marketplace, share=words.is_share(rule))
        return joins.listed((told, item.scope))
    unit = Unit.DAYS if kind == Kind.NO_DATA else item.kpi.unit
    value = figures.in_words(item.value, unit, marketplace)
    return joins.listed((f"{item.kpi.label} {value}", item.scope))


def _number(value: Decimal, kpi: Kpi | None, marketplace: Marketplace) -> str:
    return figures.in_words(value, kpi.unit, marketplace) if kpi else formats.decimals(value)
