"""Episodes and their journal in the reader's language."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace
from opsboard.kpis import figures
from opsboard.kpis.registry import Kpi
from opsboard.ui import formats

from .models import Episode, EpisodeEvent

_State = Episode.State
_Reason = EpisodeEvent.Reason


def snooze_words(episode: Episode, kpi: Kpi) -> str:
    """Until when an episode is snoozed: "snoozed until 3 Dec or over 45.0 %"."""
    return _ends(episode.snoozed_until, episode.snoozed_beyond, episode, kpi, episode.marketplace)


def journal_words(event: EpisodeEvent, episode: Episode, kpi: Kpi, marketplace: Marketplace) -> str:
    """What happened, as the head of a journal line."""
    if event.reason == _Reason.COMMENT:
        return _("Comment")
    if event.reason == _Reason.ASSIGNED:
        return _("Given to %(who)s") % {"who": event.assignee} if event.assignee else _("Given back: nobody has it")
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
        "value": figures.in_words(beyond, kpi.unit, marketplace) if beyond is not None else "",
    }
    over = episode.over
    if until and beyond is not None:
        text = _("snoozed until %(day)s or over %(value)s") if over else _("snoozed until %(day)s or under %(value)s")
    elif until:
        text = _("snoozed until %(day)s")
    else:
        text = _("snoozed until over %(value)s") if over else _("snoozed until under %(value)s")
    return text % parts
