"""A summary's plain data in the reader's language: what the page, the mail and the workbook all show.

One reading for all three, so that they cannot say different things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.alerts import words as alert_words
from opsboard.alerts.models import Episode, EpisodeEvent, Rule
from opsboard.feeds import coverage
from opsboard.kpis import movers
from opsboard.kpis.figures import change_of, in_words, limit_words, status_words
from opsboard.kpis.registry import Kpi, Unit, kpis
from opsboard.ui import formats, joins

from .report import AlertLine, Figure, KpiLine, MoverBlock, MoverLine, Report, RestatedLine, Section
from .slots import Week

#: Shown of every scope, in this order, besides what is over or close to its limit.
HEAD = ("ordered_sales", "unit_session", "buy_box", "acos", "tacos", "days_of_supply", "odr_mfn", "ipi")
_RANK = {"breach": 0, "warn": 1}
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """What every line of a section needs to be put into words."""

    scope: int
    marketplace: Marketplace
    base: str
    days: tuple[date, date] | None


def read(
    told: Data,
    scopes: Sequence[AccountMarketplace],
    zone: ZoneInfo,
    *,
    base: str = "",
    changes: Mapping[int, Sequence[Data]] | None = None,
) -> Report:
    """The summary over these scopes (others of it are left out), in the active language.

    `base` goes before every address, for mails; `changes` is the addendum (content.changes).
    """
    by_pk = {scope.pk: scope for scope in scopes}
    sections = tuple(
        _section(one, by_pk[one["scope"]], told, base, (changes or {}).get(one["scope"], ()))
        for one in told.get("sections", ())
        if one["scope"] in by_pk
    )
    if told.get("kind") == "daily":
        sections = tuple(sorted(sections, key=lambda section: -section.worst))
    week = Week.parse(told.get("period", ""))
    made = datetime.fromisoformat(told["made_at"]) if told.get("made_at") else None
    restated = Week.parse(told.get("restated_week", ""))
    return Report(
        title=_title(told, week),
        finding=_finding(told, sections),
        period=_period(told, week),
        made=_("as known on %(when)s, %(zone)s") % {"when": clock(made, zone), "zone": zone.key} if made else "",
        restated_title=_("Week %(week)s as it was told, and as it reads now") % {"week": restated.number}
        if restated
        else _("Restated since yesterday"),
        sections=sections,
    )


def clock(at: datetime, zone: ZoneInfo) -> str:
    """ "Tue 24 Nov 2026 09:00" on a zone's clock."""
    local = at.astimezone(zone)
    return f"{formats.full_day(local.date())} {local:%H:%M}"


def _title(told: Data, week: Week | None) -> str:
    if week is not None:
        return _("Week %(week)s of %(year)s") % {"week": week.number, "year": week.monday.isocalendar().year}
    return _("Brief of %(day)s") % {"day": formats.full_day(date.fromisoformat(told["period"]))}


def _period(told: Data, week: Week | None) -> str:
    if week is None:
        return ""
    return f"{formats.full_day(week.days.first)} – {formats.full_day(week.days.last)}"


def _finding(told: Data, sections: Sequence[Section]) -> str:
    """The one line on top: limits broken, new and over; then the marketplace whose sales moved most."""
    alerts = [line for section in sections for line in section.alerts]
    running = [line for line in alerts if line.state != Episode.State.RESOLVED]
    new, over = sum(line.new for line in running), len(alerts) - len(running)
    parts: list[str] = []
    if running:
        parts.append(ngettext("%(n)s limit broken", "%(n)s limits broken", len(running)) % {"n": len(running)})
        if new:
            parts[-1] = _("%(limits)s (%(n)s new)") % {"limits": parts[-1], "n": new}
    elif any(line.status == "ok" for section in sections for line in section.kpis):
        parts.append(_("Every limit is kept"))
    elif any(section.kpis for section in sections):
        parts.append(_("Nothing is judged yet"))
    elif any(section.figures for section in sections):
        parts.append(_("No limit was broken"))
    if over:
        parts.append(ngettext("%(n)s kept again", "%(n)s kept again", over) % {"n": over})
    if told.get("kind") == "weekly" and (most := _sales_moved(told, sections)):
        parts.append(most)
    return " · ".join(parts) or _("No figures yet")


def _sales_moved(told: Data, sections: Sequence[Section]) -> str:
    by_scope = {section.scope_id: section for section in sections}
    found: list[tuple[Decimal, str]] = []
    for one in told["sections"]:
        section = by_scope.get(one["scope"])
        row = next((row for row in one["kpis"] if row["key"] == "ordered_sales"), None)
        if section is None or row is None or not row["like"] or not row["before"] or not Decimal(row["before"]):
            continue
        by = (Decimal(row["like"]) - Decimal(row["before"])) / Decimal(row["before"])
        where = f"{one['account']} · {one['marketplace']}"
        words = {"change": formats.relative(Decimal(row["like"]), Decimal(row["before"])), "where": where}
        text = _("ordered sales %(change)s") if len(sections) == 1 else _("ordered sales %(change)s in %(where)s")
        found.append((abs(by), text % words))
    return max(found, default=(Decimal(0), ""))[1]


def _section(one: Data, scope: AccountMarketplace, told: Data, base: str, changes: Iterable[Data]) -> Section:
    week = Week.parse(told.get("period", ""))
    days = (week.days.first, week.days.last) if week else None
    place = _Place(scope.pk, scope.marketplace, base, days)
    lines = sorted(
        (kpi for row in one.get("kpis", ()) if (kpi := _kpi(row, place)) is not None),
        key=lambda line: (_RANK.get(line.status, 2), HEAD.index(line.key) if line.key in HEAD else len(HEAD)),
    )
    alerts = sorted(
        (seen for alert in one["alerts"] if (seen := _alert(alert, place)) is not None),
        key=lambda line: (line.state == Episode.State.RESOLVED, not line.new, -line.severity),
    )
    not_over = [date.fromisoformat(day) for day in one.get("not_over", ())]
    return Section(
        scope_id=scope.pk,
        where=f"{one['account']} · {one['marketplace']}",
        country=formats.country(scope.marketplace),
        currency=scope.marketplace.currency,
        zone=scope.marketplace.time_zone,
        lead=_lead(lines, alerts),
        kpis=tuple(lines),
        figures=tuple(figure for row in one.get("figures", ()) if (figure := _figure(row, place)) is not None),
        movers=tuple(block for row in one.get("movers", ()) if (block := _block(row, place)) is not None),
        alerts=tuple(alerts),
        gaps=tuple(_gaps(one["gaps"])),
        restated=tuple(_restated(one["restated"], place)),
        addendum=tuple(_restated(changes, place)),
        not_over=_("not over yet when it was made: %(days)s") % {"days": _days(not_over)} if not_over else "",
    )


def _lead(lines: Sequence[KpiLine], alerts: Sequence[AlertLine]) -> str:
    sales = next((line for line in lines if line.key == "ordered_sales"), None)
    running = sum(line.state != Episode.State.RESOLVED for line in alerts)
    parts = [f"{sales.label} {sales.now}" + (f" ({sales.change})" if sales.change else "")] if sales else []
    if running:
        parts.append(ngettext("%(n)s limit broken", "%(n)s limits broken", running) % {"n": running})
    return " · ".join(parts)


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _days(days: Sequence[date]) -> str:
    return joins.listed(f"{formats.weekday(day)} {formats.day(day)}" for day in days)


# --- KPIs -------------------------------------------------------------------------------------


def _kpi(row: Data, place: _Place) -> KpiLine | None:
    kpi = kpis().get(row["key"])
    if kpi is None:  # no longer declared: its rows stay in the summary, nobody can say what they mean
        return None
    market = place.marketplace
    before, like = _number(row["before"]), _number(row["like"])
    change, tone = change_of(like, before, kpi.unit, kpi.direction, market)
    limit, status = _limit(row, kpi, market), row["status"]
    return KpiLine(
        key=kpi.key,
        label=str(kpi.label),
        url=_kpi_url(kpi, place),
        now=in_words(_number(row["now"]), kpi.unit, market, whole=True),
        before=in_words(before, kpi.unit, market, whole=True),
        change=change,
        tone=tone,
        limit=limit,
        status=status if limit else "no_limit",
        word=_status_words(row),
        judged=_judged(row, kpi, market) if limit else "",
        note=_note(row),
        head=status in _RANK or kpi.key in HEAD,
    )


def _limit(row: Data, kpi: Kpi, market: Marketplace) -> str:
    limits = SimpleNamespace(**{name: _number(row.get(name)) for name in ("low", "high", "warn_low", "warn_high")})
    return limit_words(limits, kpi, market)


def _status_words(row: Data) -> str:
    held = {name: _number(row.get(key)) for name, key in (("value", "judged"), ("low", "low"), ("high", "high"))}
    return status_words(SimpleNamespace(status=row["status"], **held))


def _judged(row: Data, kpi: Kpi, market: Marketplace) -> str:
    if row.get("judged") is None or not row.get("judged_last"):
        return ""
    first, last = date.fromisoformat(row["judged_first"]), date.fromisoformat(row["judged_last"])
    words = {
        "value": in_words(_number(row["judged"]), kpi.unit, market),
        "days": formats.span(first, last),
    }
    return (_("%(value)s on %(days)s") if first == last else _("%(value)s over %(days)s")) % words


def _note(row: Data) -> str:
    """What is to be known before a figure is believed."""
    parts = []
    if row["missing"] and row["days"]:
        parts.append(_("%(n)s of %(all)s days") % {"n": row["days"], "all": row["days"] + len(row["missing"])})
    if row["before"] is not None and 0 < row["matched"] < row["days"]:
        parts.append(_("compared over %(n)s weekdays that both weeks have") % {"n": row["matched"]})
    if row["provisional"]:
        parts.append(_("provisional from %(day)s") % {"day": formats.day(date.fromisoformat(row["provisional"]))})
    return joins.listed(parts)


def _kpi_url(kpi: Kpi, place: _Place) -> str:
    query: dict[str, str] = {"scope": str(place.scope), "chart": kpi.key}
    if place.days:
        query |= {"period": "custom", "from": place.days[0].isoformat(), "to": place.days[1].isoformat()}
    try:
        return f"{place.base}{reverse(f'{kpi.domain}:index')}?{urlencode(query)}#trend"
    except NoReverseMatch:
        return ""


def _figure(row: Data, place: _Place) -> Figure | None:
    kpi = kpis().get(row["key"])
    if kpi is None:
        return None
    now, before = _number(row["now"]), _number(row["before"])
    change, tone = change_of(now, before, kpi.unit, kpi.direction, place.marketplace)
    day = date.fromisoformat(row["day"])
    words = f"{formats.weekday(day)} {formats.day(day)}"
    return Figure(
        str(kpi.label),
        in_words(now, kpi.unit, place.marketplace, whole=True),
        change,
        tone,
        joins.listed((words, _("provisional"))) if row["provisional"] else words,
    )


def _restated(rows: Iterable[Data], place: _Place) -> Iterable[RestatedLine]:
    """Those that read otherwise than they did; what rounds to the same is no news."""
    for row in rows:
        kpi = kpis().get(row["key"])
        if kpi is None:
            continue
        was, now = _number(row["was"]), _number(row["now"])
        words = [in_words(value, kpi.unit, place.marketplace) for value in (was, now)]
        if words[0] == words[1]:
            continue
        if row["was_days"] != row["now_days"]:
            words = [
                joins.aside(text, ngettext("%(n)s day", "%(n)s days", days) % {"n": days})
                for text, days in zip(words, (row["was_days"], row["now_days"]), strict=True)
            ]
        change, _tone = change_of(now, was, kpi.unit, 0, place.marketplace)
        yield RestatedLine(str(kpi.label), words[0], words[1], change)


# --- movers -----------------------------------------------------------------------------------


def _block(row: Data, place: _Place) -> MoverBlock | None:
    declared = movers.movers().get(row["key"])
    if declared is None:
        return None
    unit, market = declared.unit, place.marketplace
    change = _number(row["change"]) or Decimal(0)
    others = ngettext("%(n)s other: %(change)s", "%(n)s others: %(change)s", row["others"]) % {
        "n": formats.decimals(row["others"]),
        "change": _signed(_number(row["others_change"]) or Decimal(0), unit, market),
    }
    return MoverBlock(
        title=str(declared.title),
        now=in_words(_number(row["now"]), unit, market),
        before=in_words(_number(row["before"]), unit, market),
        change=_signed(change, unit, market),
        tone=_tone(change, declared.direction),
        lines=tuple(_mover(item, declared, place) for item in row["items"]),
        others=others if row["others"] else "",
        days=_("over %(n)s weekdays that both weeks have") % {"n": row["days"]} if row["days"] < 7 else "",
    )


def mover(item: Data, declared: movers.Movers, scope: AccountMarketplace) -> MoverLine:
    """One mover in words."""
    return _mover(item, declared, _Place(scope.pk, scope.marketplace, "", None))


def _mover(item: Data, declared: movers.Movers, place: _Place) -> MoverLine:
    unit, market = declared.unit, place.marketplace
    change = Decimal(item["change"])
    return MoverLine(
        label=" ".join(item["label"].split())[:90],
        url=_mover_url(item["key"], declared, place),
        now=in_words(_number(item["now"]), unit, market),
        before=in_words(_number(item["before"]), unit, market),
        change=_signed(change, unit, market),
        tone=_tone(change, declared.direction),
        up=change > 0,
        parts=tuple(
            f"{declared.factors[code]} {_signed(Decimal(value), unit, market)}"
            for code, value in item["parts"]
            if code in declared.factors and Decimal(value)
        ),
        clues=tuple(text for clue in item["clues"] if (text := _clue(clue, declared, market))),
    )


def _clue(clue: Data, declared: movers.Movers, market: Marketplace) -> str:
    witness = movers.witnesses().get(clue["witness"])
    label = witness.clue if witness else declared.clues.get(clue["code"], "")
    return str(label) % {name: in_words(Decimal(value), Unit(unit), market) for name, unit, value in clue["values"]}


def _mover_url(key: str, declared: movers.Movers, place: _Place) -> str:
    query: dict[str, str] = {"scope": str(place.scope)}
    if place.days:
        query |= {"period": "custom", "from": place.days[0].isoformat(), "to": place.days[1].isoformat()}
    try:
        return f"{place.base}{reverse(declared.page, args=[key])}?{urlencode(query)}"
    except NoReverseMatch:
        return ""


def _signed(value: Decimal, unit: Unit, market: Marketplace) -> str:
    if unit is Unit.RATE:
        return formats.points(value, 2)
    return formats.signed(in_words(value, unit, market), value)


def _tone(change: Decimal, direction: int) -> str:
    if not direction or not change:
        return ""
    return "good" if (change > 0) == (direction > 0) else "bad"


# --- alerts and gaps --------------------------------------------------------------------------


def _alert(alert: Data, place: _Place) -> AlertLine | None:
    kpi = kpis().get(alert["kpi"])
    if kpi is None:
        return None
    value, low, high = Decimal(alert["value"]), _number(alert["low"]), _number(alert["high"])
    limit = high if high is not None and (low is None or value > high) else low
    severity = abs(value - limit) / abs(limit) if limit else Decimal(0)
    what = _("%(kpi)s %(value)s against %(limit)s") % {
        "kpi": kpi.label,
        "value": in_words(value, kpi.unit, place.marketplace),
        "limit": in_words(limit, kpi.unit, place.marketplace),
    }
    if limit is None:  # a rule about something else than a limit: a change, no data
        what = f"{kpi.label} {in_words(value, kpi.unit, place.marketplace)}"
    elif alert.get("snapshot"):  # SKUs or campaigns one by one; summaries from before there were such have none
        count = alert_words.counted(alert["snapshot"], alert["count"])
        share = alert.get("kind") == Rule.Kind.CHANGE
        what = alert_words.group(count, kpi, value, (low, high), place.marketplace, share=share)
    url = place.base + reverse("alerts:episode", args=[alert["id"]])
    return AlertLine(what, url, alert["state"], alert["new"], " · ".join(_did(alert, place.marketplace)), severity)


def _did(alert: Data, market: Marketplace) -> Iterable[str]:
    """What became of an alert, each with its moment on the marketplace's clock."""

    def moment(name: str) -> str:
        return formats.instant(datetime.fromisoformat(alert[name]), market)

    yield _("broken %(when)s") % {"when": moment("opened_at")}
    if alert["acknowledged_at"]:
        words = {"who": alert["by"] or _("somebody"), "when": moment("acknowledged_at")}
        yield _("acknowledged by %(who)s %(when)s") % words
    if alert["resolved_at"]:
        reason = alert["reason"]
        why = str(EpisodeEvent.Reason(reason).label) if reason in EpisodeEvent.Reason.values else _("resolved")
        yield f"{why} {moment('resolved_at')}"
    elif not alert["acknowledged_at"]:
        yield _("nobody is on it yet")


def _gaps(rows: Sequence[Data]) -> Iterable[str]:
    """Missing days and why, the datasets that miss the same ones together."""
    days: dict[tuple[str, str, str], list[date]] = {}
    for row in rows:
        days.setdefault((row["dataset"], row["state"], row["why"]), []).append(date.fromisoformat(row["day"]))
    names: dict[tuple[tuple[date, ...], str, str], list[str]] = {}
    for (key, state, why), found in days.items():
        dataset = coverage.declared().get(key)
        names.setdefault((tuple(found), state, why), []).append(str(dataset.label if dataset else key))
    for (found_days, state, why), labels in names.items():
        told = _("%(what)s: no data for %(days)s") % {"what": joins.listed(labels), "days": _days(found_days)}
        reason = coverage.WHY.get(why) if state == coverage.State.MISSING else coverage.WORDS[coverage.State(state)][1]
        yield joins.aside(told, str(reason or "").rstrip(".。"))
