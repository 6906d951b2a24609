"""What is posted to a channel: JSON to a webhook, a few lines of text to a chat."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.ui import joins

from . import members
from .mail import Letter, Story, story, title
from .models import Channel, Episode, OutboxMessage

#: A chat message names so many alerts; the rest is one link away.
MOST_LINES = 20


def compose(
    episodes: Sequence[Episode], channel: Channel, purpose: OutboxMessage.Purpose, lead: Callable[[], str]
) -> Letter:
    """The post about these episodes in the channel's language."""
    with translation.override(channel.language or settings.LANGUAGE_CODE):
        stories = [story(episode, evidence=False) for episode in episodes]
        subject = title(stories)
        if channel.kind == Channel.Kind.WEBHOOK:
            return Letter(subject, _json(stories, channel, purpose), "")
        return Letter(subject, _lines(stories, lead()), "")


def test(channel: Channel) -> Letter:
    with translation.override(channel.language or settings.LANGUAGE_CODE):
        subject = _("A test of %(channel)s from opsboard") % {"channel": channel.name}
        if channel.kind == Channel.Kind.WEBHOOK:
            return Letter(subject, _json([], channel, OutboxMessage.Purpose.TEST), "")
        return Letter(
            subject, _("Alerts of %(organisation)s arrive here.") % {"organisation": channel.organisation}, ""
        )


def _lines(stories: Sequence[Story], lead: str) -> str:
    lines = [lead, ""] if lead else []
    for item in stories[:MOST_LINES]:
        lines.append(joins.headed(item.what, item.where))
        if len(stories) == 1 and item.next_step:
            lines.append(item.next_step)
        lines.append(item.url)
    more = len(stories) - MOST_LINES
    if more > 0:
        lines.append(ngettext("and %(n)s more:", "and %(n)s more:", more) % {"n": more})
        lines.append(settings.BASE_URL + reverse("alerts:index"))
    return "\n".join(lines)


def _json(stories: Sequence[Story], channel: Channel, purpose: OutboxMessage.Purpose) -> str:
    """The body a webhook gets. Figures are strings, exact, in the KPI's own unit (money in minor units).

    Those of a change of SKUs or campaigns one by one are shares of what each figure was before.
    """
    alerts = [
        {
            "id": item.episode.pk,
            "kpi": item.episode.kpi,
            "kind": item.episode.kind,
            "severity": item.episode.severity,
            "account": item.episode.account.name,
            "marketplace": item.episode.marketplace.code,
            "value": str(item.episode.value),
            "low": None if item.episode.low is None else str(item.episode.low),
            "high": None if item.episode.high is None else str(item.episode.high),
            "since": item.episode.since.isoformat() if item.episode.since else None,
            "text": joins.headed(item.what, item.where),
            "url": item.url,
            **({"entities": _entities(item.episode)} if item.episode.snapshot else {}),
        }
        for item in stories
    ]
    body = {
        "type": f"alert.{purpose.value}",
        "timestamp": timezone.now().isoformat(),
        "data": {"organisation": channel.organisation.name, "alerts": alerts},
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _entities(episode: Episode) -> dict[str, object]:
    """What an alert about SKUs or campaigns one by one holds: how many of what, the worst of them by id."""
    worst = [row.entity for row in members.worst_first(episode)[:MOST_LINES]]
    return {"of": episode.snapshot, "count": episode.count, "worst": worst}
