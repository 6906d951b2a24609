"""What an alert mail says: the fact first, the evidence, one thing to do, why you get it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import css_inline
from django.conf import settings
from django.core import signing
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import Membership
from opsboard.kpis import cards, causes
from opsboard.kpis.registry import Evidence, Kpi, kpis
from opsboard.ui import formats, joins

from . import members, words
from .models import Episode, OutboxMessage, Rule, is_shared

MAX_ROWS = 10
#: A mail tells so many alerts one by one; the rest is one link away.
MAX_STORIES = 25
WIDTH = 72
_SALT = "opsboard.alerts.unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing a letter tells of."""

    what: str  # "ACoS 31.2 % over 25 %"
    where: str
    #: What happened, where that is more than its heading.
    note: str = ""
    window: str = ""
    since: str = ""
    limit: str = ""  # "at most 25.0 % (Operators' handbook)"
    evidence: Evidence | None = None
    #: What it most likely comes from; "" where no step of its playbook is off.
    cause: str = ""
    next_step: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story(Told):
    """One episode in words."""

    episode: Episode


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


def story(episode: Episode, *, evidence: bool = True) -> Story:
    """Tell an episode in the active language; its evidence is looked up only where it is shown."""
    kpi: Kpi = kpis()[episode.kpi]
    marketplace = episode.marketplace
    found = None
    if evidence and episode.snapshot:
        found = members.evidence(episode, MAX_ROWS)
    elif evidence and kpi.evidence and episode.kind != Rule.Kind.NO_DATA and episode.first and episode.last:
        found = kpi.evidence(episode.account_id, episode.marketplace_id, episode.first, episode.last)
    window = ""
    if episode.first and episode.last:
        days = {"first": formats.day(episode.first), "last": formats.day(episode.last)}
        window = _("%(first)s to %(last)s") % days if episode.first != episode.last else days["last"]
    if counted := cards.counted(episode.kpi, episode.account_id, episode.marketplace_id, episode):
        window = joins.aside(window, counted)
    pair = (episode.account_id, episode.marketplace_id)
    likely = causes.known([pair]).get((*pair, episode.kpi)) if is_shared(episode) else None
    return Story(
        episode=episode,
        what=words.what(episode, kpi, mailed=True),
        where=joins.listed((episode.account.name, marketplace.code)),
        note=members.joined_words(episode) if episode.snapshot else "",
        window=window,
        since=formats.day(episode.since) if episode.since else "",
        limit=words.limit(episode, kpi),
        evidence=found,
        next_step=(likely.action if likely else "") or str(kpi.next_step),
        url=settings.BASE_URL + reverse("alerts:episode", args=[episode.pk]),
        cause=members.causes(episode) if episode.snapshot else causes.words(likely),
    )


def title(stories: Sequence[Story], count: int = 0) -> str:
    """The fact first: of one episode itself, of several how many and which is the first."""
    count = max(count, len(stories))
    if count == 1:
        return joins.headed(stories[0].what, stories[0].where)
    return _("%(count)d limits breached, first: %(what)s") % {"count": count, "what": stories[0].what}


def compose(episodes: list[Episode], member: Membership, lead: Callable[[], str] = str) -> Letter:
    """The letter about these episodes in the member's language; `lead` is a sentence before them."""
    with translation.override(member.user.language or settings.LANGUAGE_CODE):
        stories = [story(episode, evidence=len(episodes) == 1) for episode in episodes[:MAX_STORIES]]
        more = len(episodes) - len(stories)
        subject = title(stories, len(episodes))
        url = stories[0].url if len(episodes) == 1 else settings.BASE_URL + reverse("alerts:index")
        told = ngettext("and %(n)s more", "and %(n)s more", more) % {"n": more} if more else ""
        return letter(stories, subject, url, member, lead=lead(), more=told)


def letter(
    stories: Sequence[Told], subject: str, url: str, member: Membership, *, lead: str = "", more: str = ""
) -> Letter:
    """These stories as a mail to the member, in the active language; `url` is what its button opens."""
    context: dict[str, object] = {
        "subject": subject,
        "lead": lead,
        "stories": stories,
        "more": more,
        "url": url,
        "rows": MAX_ROWS if len(stories) == 1 else 0,
        "organisation": member.organisation,
        "unsubscribe_url": unsubscribe_url(member),
        "language": translation.get_language(),
    }
    html = css_inline.inline(render_to_string("alerts/mail.html", context), keep_style_tags=True)
    return Letter(_one_line(subject), _text(context), html)


def test(member: Membership) -> Letter:
    """The letter that shows a person that mail arrives."""
    with translation.override(member.user.language or settings.LANGUAGE_CODE):
        arrives = _("Mail arrives: alerts of %(organisation)s will reach you here.")
        arrives %= {"organisation": member.organisation.name}
        url = settings.BASE_URL + reverse("alerts:index")
        return letter([], _("A test from opsboard"), url, member, lead=arrives)


def late(message: OutboxMessage, language: str) -> Letter:
    """A letter that could not leave for a day says so first; nothing else in it changes."""
    with translation.override(language or settings.LANGUAGE_CODE):
        day = {"day": formats.instant(message.due_at)}
        said = _("This is late: it was to leave on %(day)s, and the mail server took no mail until now.") % day
        html = re.sub(
            r"(<body[^>]*>)", rf'\1<p style="max-width:600px;margin:0 auto 12px">{escape(said)}</p>', message.html
        )
        subject = _one_line(_("Late: %(subject)s") % {"subject": message.subject})
        return Letter(subject, "\n".join([*textwrap.wrap(said, WIDTH), "", message.text]), html)


def _one_line(subject: str) -> str:
    """A subject with no line break in it, whatever a title contains."""
    return " ".join(subject.split())[:240]


def _text(context: dict[str, object]) -> str:
    """The plain part: stands alone, 72 columns, tables aligned."""
    stories: Sequence[Told] = context["stories"]  # type: ignore[assignment]
    lines: list[str] = [*textwrap.wrap(str(context["lead"]), WIDTH), ""] if context["lead"] else []
    for item in stories:
        lines += [*textwrap.wrap(joins.headed(item.what, item.where), WIDTH), ""]
        if item.note:
            lines += textwrap.wrap(item.note, WIDTH)
        if item.window:
            lines += textwrap.wrap(_("Judged over: %(days)s") % {"days": item.window}, WIDTH)
        if item.since:
            lines += textwrap.wrap(_("Breached since: %(day)s") % {"day": item.since}, WIDTH)
        if item.limit:
            lines += textwrap.wrap(_("Limit: %(limit)s") % {"limit": item.limit}, WIDTH)
        if item.cause:
            lines += ["", *textwrap.wrap(item.cause, WIDTH)]
        if item.next_step:
            lines += ["", *textwrap.wrap(_("Do first: %(step)s") % {"step": item.next_step}, WIDTH)]
        if item.evidence and context["rows"]:
            lines += ["", *_text_table(item.evidence)]
        lines += ["", item.url, ""]
    if context["more"]:
        lines += [joins.headed(context["more"], context["url"]), ""]
    stop = _("Stop these mails: %(url)s") % {"url": context["unsubscribe_url"]}
    lines += ["-- ", *textwrap.wrap(_why(context), WIDTH), stop]
    return "\n".join(lines) + "\n"


def _why(context: dict[str, object]) -> str:
    return _("You get this because alerts of %(organisation)s are mailed to you.") % context


def _text_table(evidence: Evidence) -> list[str]:
    lines = textwrap.wrap(evidence.title, WIDTH)
    for row in evidence.rows[:MAX_ROWS]:
        cells = joins.listed(f"{header} {cell}" for header, cell in zip(evidence.headers[1:], row.cells, strict=True))
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
