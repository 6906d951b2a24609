"""What nobody has taken in the time its rule gives is told to the managers, once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Now

from . import audience, post
from .models import Episode, EpisodeEvent, OutboxMessage


def escalate_due() -> int:
    """Escalate every open episode whose time is over (called at each tick); how many."""
    hour = Value(timedelta(hours=1), output_field=DurationField())
    patience = ExpressionWrapper(F("rule__escalate_after") * hour, output_field=DurationField())
    due = Episode.objects.filter(
        state=Episode.State.OPEN, escalated_at=None, rule__escalate_after__isnull=False, opened_at__lte=Now() - patience
    )
    escalated = 0
    for organisation_id in list(due.values_list("account__organisation", flat=True).distinct()):
        with transaction.atomic():
            mine = due.filter(account__organisation=organisation_id).select_for_update(skip_locked=True, of=("self",))
            episodes = list(mine.select_related("account", "marketplace")[:500])
            for episode in episodes:
                EpisodeEvent.objects.create(
                    episode=episode,
                    old=episode.state,
                    new=episode.state,
                    value=episode.value,
                    reason=EpisodeEvent.Reason.ESCALATED,
                )
            Episode.objects.filter(pk__in=[e.pk for e in episodes]).update(escalated_at=Now())
            if episodes:
                for member in audience.managers(organisation_id):
                    post.tell(member, episodes, OutboxMessage.Purpose.ESCALATED)
            escalated += len(episodes)
    return escalated
