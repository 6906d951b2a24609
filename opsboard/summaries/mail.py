"""The letters: the finding first, each marketplace in a screen, why you get it, the way out of this list."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import cast

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsboard.accounts.models import Membership
from opsboard.alerts.mail import WIDTH, Letter
from opsboard.ui import joins

from . import content, lists, words
from . import report as reports
from .models import Kind, Schedule, Summary

#: Mail programs cut off what is longer; then fewer marketplaces are told in full, and the others a line each.
LARGEST, FULL_SECTIONS = 95_000, 6
#: So many movers of a figure; the page has the others.
MOVERS = 3
#: So many lines of anything in the brief: one screen.
BRIEF_LINES = 8


def compose(summary: Summary, member: Membership, accounts: Collection[int] | None) -> Letter | None:
    """The letter in the member's language about these accounts (None: all); no letter when nothing in it is theirs."""
    scopes = [
        scope
        for scope in content.scopes_of(summary.organisation_id)
        if accounts is None or scope.account_id in accounts
    ]
    kind = Kind(summary.kind)
    schedule = Schedule.objects.get(organisation=summary.organisation_id)
    with translation.override(member.user.language or settings.LANGUAGE_CODE):
        report = words.read(summary.content, scopes, schedule.zone, base=settings.BASE_URL)
        if not report.sections:
            return None
        weekly = kind == Kind.WEEKLY
        place = reverse("summaries:weekly") + f"?week={summary.period}" if weekly else reverse("summaries:brief")
        context = {
            "report": report,
            "lines": f":{BRIEF_LINES}",
            "movers": f":{MOVERS}",
            "organisation": member.organisation,
            "subject": joins.headed(report.title, report.finding),
            "url": settings.BASE_URL + place,
            "unsubscribe_url": lists.unsubscribe_url(member, kind),
            "language": translation.get_language(),
        }
        for full in range(FULL_SECTIONS, 0, -1):
            context |= {"full": report.sections[:full], "more": report.sections[full:]}
            html = css_inline.inline(
                render_to_string(f"summaries/mail_{kind.value}.html", context), keep_style_tags=True
            )
            if len(html.encode()) < LARGEST:
                break
        text = _weekly_text(report, context) if weekly else _brief_text(report, context)
        subject = joins.aside(joins.headed(report.title, report.finding), member.organisation.name)
        return Letter(" ".join(subject.split())[:240], text, html)


# --- the plain part -----------------------------------------------------------------------------


def _weekly_text(report: reports.Report, context: dict[str, object]) -> str:
    lines = [*_wrap(joins.headed(report.title, report.finding)), *_wrap(report.period), *_wrap(report.made)]
    for section in cast("Sequence[reports.Section]", context["full"]):
        lines += ["", *_title(section.where), *_wrap(_("Days of %(zone)s") % {"zone": section.zone}), ""]
        lines += _kpi_table(section.head)
        for block in section.movers:
            lines += ["", *_wrap(joins.headed(block.title, f"{block.change} {block.days}".strip()))]
            for line in block.lines[:MOVERS]:
                lines += _item(f"{line.change}  {line.label}", (joins.listed([*line.parts, *line.clues]),))
        lines += _part(_("Alerts"), ((line.what, line.did) for line in section.alerts))
        lines += _part(_("Missing days"), ((gap,) for gap in section.gaps))
        lines += _part(report.restated_title, ((_was_now(line),) for line in section.restated))
    for section in cast("Sequence[reports.Section]", context["more"]):
        lines += _item(joins.headed(section.where, section.lead))
    return "\n".join([*lines, "", str(context["url"]), *_foot(context)]) + "\n"


def _brief_text(report: reports.Report, context: dict[str, object]) -> str:
    lines = [*_wrap(joins.headed(report.title, report.finding)), *_wrap(report.made)]
    for section in report.sections:
        alerts = [line for line in section.alerts if line.new or line.state == "resolved"]
        if not (alerts or section.gaps or section.restated):
            continue
        lines += ["", *_title(section.where)]
        for figure in section.figures:
            told = joins.aside(f"{figure.label} {figure.now}", figure.change)
            lines += _wrap(joins.listed((told, figure.day)))
        for alert in alerts[:BRIEF_LINES]:
            lines += _item(alert.what, (alert.did,))
        for gap in section.gaps[:BRIEF_LINES]:
            lines += _item(gap)
        for restated in section.restated[:BRIEF_LINES]:
            lines += _item(_was_now(restated))
    return "\n".join([*lines, "", str(context["url"]), *_foot(context)]) + "\n"


def _foot(context: dict[str, object]) -> list[str]:
    stop = _("Stop these mails: %(url)s") % {"url": context["unsubscribe_url"]}
    return ["-- ", *_wrap(_("You get this because summaries of %(organisation)s are mailed to you.") % context), stop]


def _was_now(line: reports.RestatedLine) -> str:
    told = _("%(what)s: was %(was)s, now %(now)s") % {"what": line.label, "was": line.was, "now": line.now}
    return joins.aside(told, line.change)


#: What a line of Chinese may be broken between: spaces, words and figures, signs with what must not begin a line.
_PIECES = re.compile(r" +|[^ \u2e80-\uffff]+|[\u2e80-\uffff][，。：；、）]*")


def _wrap(text: str, indent: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most 72 columns, where a Chinese sign takes two."""
    rest = indent if rest is None else rest
    if cells(text) == len(text):
        return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=rest)
    lines: list[str] = []
    line = indent
    for piece in _PIECES.findall(text):
        for part in [piece] if cells(rest + piece) <= WIDTH else piece:
            if cells(line + part) > WIDTH:
                lines, line = [*lines, line.rstrip()], rest
                part = part.lstrip(" ")
            line += part
    return [*lines, line] if line.strip() else lines


def cells(text: str) -> int:
    """How many columns a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _title(text: str) -> list[str]:
    return [*_wrap(text), "=" * min(WIDTH, cells(text))]


def _item(text: str, more: Iterable[str] = ()) -> list[str]:
    lines = _wrap(text, "- ", "  ")
    for one in more:
        lines += _wrap(one, "  ") if one else []
    return lines


def _part(title: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [line for what, *more in rows for line in _item(what, more)]
    return ["", *_wrap(title), *lines] if lines else []


def _kpi_table(lines: Sequence[reports.KpiLine]) -> list[str]:
    """KPI, the week, the week before, the change: aligned, with what is over its limit marked and said below."""
    found = [_row("", _("This week"), _("Week before"), pgettext("of a figure", "Change"))]
    for line in lines:
        mark = {"breach": "! ", "warn": "~ "}.get(line.status, "  ")
        found.append(_row(mark + line.label, line.now, line.before, line.change))
        if line.status in {"breach", "warn"} and line.limit:
            found += _wrap(joins.clauses((_("limit %(value)s") % {"value": line.limit}, line.judged)), "    ")
        found += _wrap(line.note, "    ") if line.note else []
    return found


def _row(label: str, *figures: str) -> str:
    while cells(label) > 30:
        label = label[:-2] + "…"
    return (label + " " * (30 - cells(label)) + "".join(" " * (14 - cells(text)) + text for text in figures)).rstrip()
