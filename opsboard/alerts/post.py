"""Which letters episodes become: for whom, together with what, and when they may leave.

A first alert is told at once. What comes up within ALERT_GROUP_SECONDS of the last letter to the same addressee, in
quiet hours, before a digest or while the mail server is away joins the letter that waits already: 400 breaches are
one mail. A letter that may have been handed over is never touched again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import Membership
from opsboard.kpis.registry import kpis

from . import outbox, routes
from .models import Channel, Episode, OutboxMessage, Route, Rule

Purpose = OutboxMessage.Purpose
#: More episodes than this at once are one mail to a person, not many.
GROUP_OVER = 5


def tell(
    member: Membership, episodes: Sequence[Episode], purpose: Purpose = Purpose.OPENED, *, about: str = ""
) -> None:
    """Mail a person of these episodes, critical ones apart: they wait for no hour of the day.

    `about` tells letters of one purpose about the same episodes apart.
    """
    route, now = routes.of(member), timezone.now()
    for urgent in (True, False):
        some = [e for e in _in_order(episodes) if (e.severity == Rule.Severity.CRITICAL) is urgent]
        if some:
            lead = leads(purpose, route if not urgent else None)
            _tell(outbox.Person(member), some, purpose, routes.due(route, now, urgent=urgent), urgent, lead, about)


def announce(
    channel: Channel, episodes: Sequence[Episode], purpose: Purpose = Purpose.OPENED, *, about: str = ""
) -> None:
    """Post these episodes to a channel."""
    urgent = any(episode.severity == Rule.Severity.CRITICAL for episode in episodes)
    _tell(outbox.Place(channel), _in_order(episodes), purpose, timezone.now(), urgent, leads(purpose, None), about)


def leads(purpose: Purpose, route: Route | None) -> Callable[[], str]:
    """The sentence before the episodes, in the language that is active when it is asked for."""

    def lead() -> str:
        if purpose is Purpose.ESCALATED:
            return _("Nobody has taken this yet, so the managers are told.")
        if purpose is Purpose.JOINED:
            return _("An alert you know got longer: more of them are beyond the limit.")
        if route is not None and route.mode == Route.Mode.DIGEST:
            return _("Your daily digest of alerts.")
        return ""

    return lead


def _in_order(episodes: Sequence[Episode]) -> list[Episode]:
    order = {key: at for at, key in enumerate(kpis())}
    return sorted(episodes, key=lambda episode: (order.get(episode.kpi, 0), episode.pk))


def _tell(
    to: outbox.Addressee,
    episodes: list[Episode],
    purpose: Purpose,
    due: datetime,
    urgent: bool,
    lead: Callable[[], str],
    about: str,
) -> None:
    now = timezone.now()
    lane = to.messages().filter(purpose=purpose, urgent=urgent)
    # Held back, or tried in vain: with an answer it has been to the mail server's door.
    held_back = Q(due_at__gt=now) | ~Q(answer="")
    waiting = lane.filter(held_back, finished_at=None, tries=0, lease_until=None)
    # A sender that takes it at this moment holds the row: then it is on its way, and we write another.
    joined = waiting.select_for_update(skip_locked=True, of=("self",)).order_by("-id").first()
    if joined is not None:
        outbox.join(joined, to, episodes, lead)
        return
    last = lane.order_by("-due_at").values_list("due_at", flat=True).first()
    window = timedelta(seconds=settings.ALERT_GROUP_SECONDS)
    held = last is not None and due < last + window
    if last is not None and held:
        due = last + window
    together = held or due > now or to.together or len(episodes) > GROUP_OVER
    for group in [episodes] if together else [[episode] for episode in episodes]:
        told = f"{group[0].pk}:{about}" if about else ""
        outbox.enqueue(group, to, purpose, lead=lead, about=told, due=due, urgent=urgent)
