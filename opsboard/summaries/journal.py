"""What happened to alerts between two instants: broken, seen by whom, kept again, still open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.models import Episode, EpisodeEvent


def alerts(scope: AccountMarketplace, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The scope's alerts that were open at some time of the span, the newly opened first."""
    episodes = (
        Episode.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, opened_at__lte=until)
        .filter(Q(resolved_at=None) | Q(resolved_at__gt=since))
        .select_related("acknowledged_by")
        .order_by("-opened_at", "-id")
    )
    last = {
        event.episode_id: event
        for event in EpisodeEvent.objects.filter(episode__in=episodes, at__lte=until)
        .exclude(reason="comment")
        .order_by("at", "id")
    }
    return [_told(episode, last.get(episode.pk), since) for episode in episodes]


def _told(episode: Episode, last: EpisodeEvent | None, since: datetime) -> dict[str, Any]:
    resolved = episode.resolved_at is not None
    again = last is not None and last.reason == EpisodeEvent.Reason.AGAIN and last.at > since
    return {
        "id": episode.pk,
        "kpi": episode.kpi,
        "kind": episode.kind,
        "snapshot": episode.snapshot,
        "count": episode.count,
        "value": format(episode.value, "f"),
        "low": format(episode.low, "f") if episode.low is not None else None,
        "high": format(episode.high, "f") if episode.high is not None else None,
        "opened_at": episode.opened_at.isoformat(),
        "new": episode.opened_at > since or again,
        "state": Episode.State.RESOLVED.value if resolved else episode.state,
        "by": str(episode.acknowledged_by) if episode.acknowledged_by else "",
        "acknowledged_at": episode.acknowledged_at.isoformat() if episode.acknowledged_at else None,
        "resolved_at": episode.resolved_at.isoformat() if episode.resolved_at else None,
        "reason": last.reason if resolved and last is not None else "",
    }
