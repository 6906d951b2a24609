"""When a snooze is over: its day has come, or the figure got worse than it allowed. One mail says so."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from . import audience, outbox, routes
from .models import Episode, EpisodeEvent, OutboxMessage, Rule

_Reason = EpisodeEvent.Reason


def look(episode: Episode) -> bool:
    """End the snooze of an episode whose figure is beyond what was allowed; must run in a transaction."""
    beyond = episode.snoozed_beyond
    if episode.state != Episode.State.SNOOZED or beyond is None:
        return False
    if (episode.value > beyond) if episode.over else (episode.value < beyond):
        _end(episode, _Reason.WORSE)
        return True
    return False


def wake_due() -> int:
    """End every snooze whose day has come (called at each tick); how many."""
    due = Episode.objects.filter(state=Episode.State.SNOOZED, snoozed_until__lte=Now())
    ended = 0
    for pk in list(due.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            episode = due.select_for_update(skip_locked=True, of=("self",)).select_related("account").filter(pk=pk)
            if (found := episode.first()) is not None:  # else another tick or the judge was faster
                _end(found, _Reason.AWAKE)
                ended += 1
    return ended


def _end(episode: Episode, reason: EpisodeEvent.Reason) -> None:
    event = EpisodeEvent.objects.create(
        episode=episode, old=episode.state, new=Episode.State.OPEN, value=episode.value, reason=reason
    )
    episode.state = Episode.State.OPEN
    episode.snoozed_until = episode.snoozed_beyond = None
    episode.acknowledged_at = episode.acknowledged_by = None
    episode.save(update_fields=["state", "snoozed_until", "snoozed_beyond", "acknowledged_at", "acknowledged_by"])

    def lead() -> str:
        if reason is _Reason.WORSE:
            return _("This alert was snoozed. It got worse than the snooze allowed.")
        return _("This alert was snoozed until today, and the limit is still broken.")

    urgent = episode.severity == Rule.Severity.CRITICAL
    for member in audience.responsible_for(episode):
        when = routes.due(routes.of(member), timezone.now(), urgent=urgent)
        to = outbox.Person(member)
        about = str(event.pk)
        outbox.enqueue([episode], to, OutboxMessage.Purpose.AWAKE, lead=lead, about=about, due=when, urgent=urgent)
