"""What an alert mail says: the fact first, the evidence, one thing to do, why you get it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import css_inline
from django.conf import settings
from django.core import signing
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from opsboard.accounts.models import Membership
from opsboard.kpis import cards
from opsboard.kpis.registry import Evidence, Kpi, kpis
from opsboard.kpis.words import source_words
from opsboard.ui import formats

from .models import Episode

MAX_ROWS = 10
WIDTH = 72
_SALT = "opsboard.alerts.unsubscribe"


@dataclass(frozen=True, slots=True)
class Story:
    """One episode in words."""

    episode: Episode
    what: str  # "ACoS 31.2 % over 25 %"
    where: str
    window: str
    since: str
    limit: str  # "at most 25.0 % (Operators' handbook)"
    evidence: Evidence | None
    next_step: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


def story(episode: Episode) -> Story:
    """Tell an episode in the active language."""
    kpi: Kpi = kpis()[episode.kpi]
    marketplace = episode.marketplace
    over = episode.high is not None and episode.value > episode.high
    limit = episode.high if over else episode.low
    shown = {
        "kpi": kpi.label,
        "value": cards.in_words(episode.value, kpi.unit, marketplace),
        "limit": cards.in_words(limit, kpi.unit, marketplace),
    }
    evidence = None
    if kpi.evidence and episode.first and episode.last:
        evidence = kpi.evidence(episode.account_id, episode.marketplace_id, episode.first, episode.last)
    window = ""
    if episode.first and episode.last:
        days = {"first": formats.day(episode.first), "last": formats.day(episode.last)}
        window = _("%(first)s to %(last)s") % days if episode.first != episode.last else days["last"]
    if counted := cards.counted(episode.kpi, episode.account_id, episode.marketplace_id, episode):
        window = f"{window} ({counted})"
    return Story(
        episode=episode,
        what=(_("%(kpi)s %(value)s over %(limit)s") if over else _("%(kpi)s %(value)s under %(limit)s")) % shown,
        where=f"{episode.account.name}, {marketplace.code}",
        window=window,
        since=formats.day(episode.since) if episode.since else "",
        limit=_limit_and_source(episode, kpi),
        evidence=evidence,
        next_step=str(kpi.next_step),
        url=settings.BASE_URL + reverse("alerts:episode", args=[episode.pk]),
    )


def _limit_and_source(episode: Episode, kpi: Kpi) -> str:
    words, source = cards.limit_words(episode, kpi, episode.marketplace), source_words(episode.limit_source)
    return f"{words} ({source})" if words and source else words


def compose(episodes: list[Episode], member: Membership) -> Letter:
    """The letter about these episodes in the member's language."""
    with translation.override(member.user.language or settings.LANGUAGE_CODE):
        stories = [story(episode) for episode in episodes]
        if len(stories) == 1:
            subject = f"{stories[0].what}: {stories[0].where}"
            url = stories[0].url
        else:
            subject = _("%(count)d limits breached, first: %(what)s") % {"count": len(stories), "what": stories[0].what}
            url = settings.BASE_URL + reverse("alerts:index")
        context = {
            "subject": subject,
            "stories": stories,
            "url": url,
            "rows": MAX_ROWS if len(stories) == 1 else 0,
            "organisation": member.organisation,
            "unsubscribe_url": unsubscribe_url(member),
            "language": translation.get_language(),
        }
        html = css_inline.inline(render_to_string("alerts/mail.html", context), keep_style_tags=True)
        return Letter(_one_line(subject), _text(context), html)


def _one_line(subject: str) -> str:
    """A subject with no line break in it, whatever a title contains."""
    return " ".join(subject.split())[:240]


def _text(context: dict[str, object]) -> str:
    """The plain part: stands alone, 72 columns, tables aligned."""
    stories: list[Story] = context["stories"]  # type: ignore[assignment]
    lines: list[str] = []
    for item in stories:
        lines += [*textwrap.wrap(f"{item.what}: {item.where}", WIDTH), ""]
        if item.window:
            lines += textwrap.wrap(_("Judged over: %(days)s") % {"days": item.window}, WIDTH)
        if item.since:
            lines += textwrap.wrap(_("Breached since: %(day)s") % {"day": item.since}, WIDTH)
        if item.limit:
            lines += textwrap.wrap(_("Limit: %(limit)s") % {"limit": item.limit}, WIDTH)
        if item.next_step:
            lines += ["", *textwrap.wrap(_("Do first: %(step)s") % {"step": item.next_step}, WIDTH)]
        if item.evidence and context["rows"]:
            lines += ["", *_text_table(item.evidence)]
        lines += ["", item.url, ""]
    stop = _("Stop these mails: %(url)s") % {"url": context["unsubscribe_url"]}
    lines += ["-- ", *textwrap.wrap(_why(context), WIDTH), stop]
    return "\n".join(lines) + "\n"


def _why(context: dict[str, object]) -> str:
    return _("You get this because alerts of %(organisation)s are mailed to you.") % context


def _text_table(evidence: Evidence) -> list[str]:
    lines = textwrap.wrap(evidence.title, WIDTH)
    for row in evidence.rows[:MAX_ROWS]:
        cells = ", ".join(f"{header} {cell}" for header, cell in zip(evidence.headers[1:], row.cells, strict=True))
        lines += textwrap.wrap(f"- {' '.join(row.label.split())[:60]}", WIDTH, subsequent_indent="  ")
        lines += textwrap.wrap(cells, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return lines


# --- unsubscribing ------------------------------------------------------------------------------


def unsubscribe_url(member: Membership) -> str:
    token = signing.dumps(member.pk, salt=_SALT)
    return settings.BASE_URL + reverse("alerts:unsubscribe", args=[token])


def member_of(token: str) -> Membership | None:
    """The membership a signed token is about; None for a forged or outlived one."""
    try:
        pk = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return Membership.objects.select_related("user", "organisation").filter(pk=pk).first()
