"""Episodes and their journal in the reader's language."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import Marketplace
from opsboard.kpis import figures
from opsboard.kpis.registry import Kpi, Unit
from opsboard.kpis.snapshots import snapshots
from opsboard.kpis.words import source_words
from opsboard.ui import formats, joins

from .models import Episode, EpisodeEvent, Rule

_State = Episode.State
_Reason = EpisodeEvent.Reason
_Kind = Rule.Kind


def what(episode: Episode, kpi: Kpi, *, mailed: bool = False) -> str:
    """What an episode is about: "ACoS 31.2 % against 25.0 %"; as a mail's subject says it: "over 25.0 %"."""
    if episode.snapshot:
        count, bounds = counted(episode.snapshot, episode.count), (episode.low, episode.high)
        return group(count, kpi, episode.value, bounds, episode.marketplace, share=is_share(episode))
    match episode.kind:
        case _Kind.NO_DATA:
            days = int(episode.value)
            return ngettext("%(kpi)s: no data for %(n)s day", "%(kpi)s: no data for %(n)s days", days) % {
                "kpi": kpi.label,
                "n": days,
            }
        case _Kind.CHANGE:
            text = _("%(kpi)s %(value)s, %(change)s against the period before")
        case _Kind.WEEKDAY:
            text = _("%(kpi)s %(value)s, %(change)s against the same weekdays before")
        case _Kind.FORECAST:
            if episode.expected_on is None:
                text = _("%(kpi)s %(value)s against %(limit)s, as forecast")
            elif episode.over:
                text = _("%(kpi)s %(value)s, expected over %(limit)s on %(day)s ± %(error)s days")
            else:
                text = _("%(kpi)s %(value)s, expected under %(limit)s on %(day)s ± %(error)s days")
        case _ if mailed:
            text = _("%(kpi)s %(value)s over %(limit)s") if episode.over else _("%(kpi)s %(value)s under %(limit)s")
        case _:
            text = _("%(kpi)s %(value)s against %(limit)s")
    marketplace = episode.marketplace
    change, _tone = figures.change_of(episode.value, episode.compared, kpi.unit, 0, marketplace)
    return text % {
        "kpi": kpi.label,
        "value": figures.in_words(episode.value, kpi.unit, marketplace),
        "limit": figures.in_words(limit_of(episode), kpi.unit, marketplace),
        "change": change,
        "day": formats.day(episode.expected_on) if episode.expected_on else "",
        "error": episode.error_days or 0,
    }


def group(
    count: str,
    kpi: Kpi,
    worst: Decimal | None,
    bounds: tuple[Decimal | None, Decimal | None],
    marketplace: Marketplace,
    *,
    share: bool = False,
) -> str:
    """ "4 SKUs: Days of supply under 14 days, worst 0 days"; `bounds` are the lower and the upper one.

    Of a `share` of what each figure was: "2 ASINs: Ordered sales down by more than 40.0 %, most by 62.0 %".
    """
    low, high = bounds
    if share:
        return _changed(count, kpi, worst, low, high)
    if low is not None and high is not None:
        text = _("%(count)s: %(kpi)s under %(low)s or over %(high)s, worst %(value)s")
    elif high is not None:
        text = _("%(count)s: %(kpi)s over %(high)s, worst %(value)s")
    else:
        text = _("%(count)s: %(kpi)s under %(low)s, worst %(value)s")
    figures_ = {"low": low, "high": high, "value": worst}
    told = {name: figures.in_words(value, kpi.unit, marketplace) for name, value in figures_.items()}
    return text % {**told, "count": count, "kpi": kpi.label}


def _changed(count: str, kpi: Kpi, most: Decimal | None, low: Decimal | None, high: Decimal | None) -> str:
    if low is not None and high is not None:
        text = _("%(count)s: %(kpi)s down by more than %(low)s or up by more than %(high)s, most by %(value)s")
    elif high is not None:
        text = _("%(count)s: %(kpi)s up by more than %(high)s, most by %(value)s")
    else:
        text = _("%(count)s: %(kpi)s down by more than %(low)s, most by %(value)s")
    shares = {"low": low, "high": high, "value": most}
    told = {name: formats.percent(None if share is None else abs(share)) for name, share in shares.items()}
    if low is not None and high is not None and most is not None:  # which way it went is not said yet
        told["value"] = formats.signed(formats.percent(most), most)
    return text % {**told, "count": count, "kpi": kpi.label}


def counted(snapshot: str, count: int) -> str:
    """ "4 SKUs"."""
    found = snapshots().get(snapshot)
    return found.naming.counted(count) if found else formats.decimals(Decimal(count))


def limit_of(episode: Episode) -> Decimal | None:
    """The limit that an episode is about, of the two there may be."""
    return episode.high if episode.over else episode.low


def headroom(episode: Episode, kpi: Kpi) -> str:
    """By how much; empty where the episode's name says it already."""
    if episode.snapshot or episode.kind in {_Kind.NO_DATA, _Kind.FORECAST, _Kind.CHANGE, _Kind.WEEKDAY}:
        return ""
    return figures.headroom(episode, kpi, episode.marketplace)


def limit(episode: Episode, kpi: Kpi) -> str:
    """What the figure is held against, and where that comes from."""
    marketplace = episode.marketplace
    match episode.kind:
        case _Kind.NO_DATA:
            return _("fewer than %(n)s days without data") % {"n": int(episode.high or 0)}
        case _Kind.CHANGE if is_share(episode):
            parts = []
            if episode.low is not None:
                parts.append(_("down by at most %(share)s") % {"share": formats.percent(-episode.low)})
            if episode.high is not None:
                parts.append(_("up by at most %(share)s") % {"share": formats.percent(episode.high)})
            return _("%(limit)s, compared with the period before") % {"limit": joins.listed(parts)}
        case _Kind.CHANGE | _Kind.WEEKDAY:
            then = figures.in_words(episode.compared, kpi.unit, marketplace)
            words = figures.limit_words(episode, kpi, marketplace)
            return _("%(limit)s, compared with %(then)s") % {"limit": words, "then": then}
    words, source = figures.limit_words(episode, kpi, marketplace), source_words(episode.limit_source)
    return joins.aside(words, source) if words else ""


def value(number: Decimal | None, episode: Episode, kpi: Kpi) -> str:
    """A value of the episode's: of the KPI's unit, days, or by what share something changed."""
    if is_share(episode):
        return formats.NOTHING if number is None else formats.signed(formats.percent(number), number)
    unit = Unit.DAYS if episode.kind == _Kind.NO_DATA else kpi.unit
    return figures.in_words(number, unit, episode.marketplace)


def is_share(one: Episode | Rule) -> bool:
    """Whether its values are shares of what each figure was before: a change of SKUs or campaigns one by one."""
    return bool(one.snapshot) and one.kind == _Kind.CHANGE


def snooze_words(episode: Episode, kpi: Kpi) -> str:
    """Until when an episode is snoozed: "snoozed until 3 Dec or over 45.0 %"."""
    return _ends(episode.snoozed_until, episode.snoozed_beyond, episode, kpi, episode.marketplace)


def journal_words(event: EpisodeEvent, episode: Episode, kpi: Kpi, marketplace: Marketplace) -> str:
    """What happened, as the head of a journal line."""
    if event.reason == _Reason.COMMENT:
        return _("Comment")
    if event.reason == _Reason.ASSIGNED and event.assignee_id == event.by_id:
        return _("Taken")
    if event.reason == _Reason.ASSIGNED:
        return _("Given to %(who)s") % {"who": event.assignee} if event.assignee else _("Given back: nobody has it")
    if event.reason == _Reason.ESCALATED:
        return _("Told to the managers")
    if event.reason == _Reason.JOINED:
        return _("%(count)s more") % {"count": counted(episode.snapshot, event.count or 0)}
    if event.reason == _Reason.LEFT:
        return _("%(count)s fewer") % {"count": counted(episode.snapshot, event.count or 0)}
    if event.new == _State.SNOOZED:
        words = _ends(event.until, event.beyond, episode, kpi, marketplace)
        return words[:1].upper() + words[1:]
    if event.new == _State.ACKNOWLEDGED:
        return _("Acknowledged")
    if event.new == _State.RESOLVED:
        return _("Closed by hand") if event.by_id else _("Over")
    if event.by_id and event.old in {_State.ACKNOWLEDGED, _State.SNOOZED}:
        return _("Taken back")
    return _("Open again") if event.old else _("Opened")


def _ends(until: datetime | None, beyond: Decimal | None, episode: Episode, kpi: Kpi, marketplace: Marketplace) -> str:
    parts = {
        "day": formats.day(marketplace.day_of(until)) if until else "",
        "value": value(beyond, episode, kpi) if beyond is not None else "",
    }
    over = episode.over
    if until and beyond is not None:
        text = _("snoozed until %(day)s or over %(value)s") if over else _("snoozed until %(day)s or under %(value)s")
    elif until:
        text = _("snoozed until %(day)s")
    else:
        text = _("snoozed until over %(value)s") if over else _("snoozed until under %(value)s")
    return text % parts
