"""What managers do with a summary that was sent: sign it off, say something about it. Neither changes it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from opsboard.accounts import audit
from opsboard.accounts.models import User

from .models import Comment, Summary


@transaction.atomic
def sign_off(summary_id: int, user: User) -> bool:
    """Put a name under a summary that was sent; False when there is one already, or it was not sent."""
    summary = Summary.objects.select_for_update().get(pk=summary_id)
    if summary.state != Summary.State.MADE or summary.signed_at is not None:
        return False
    summary.signed_by, summary.signed_at = user, timezone.now()
    summary.save(update_fields=["signed_by", "signed_at"])
    audit.record(summary.organisation, user, "summary.signed", f"{summary.kind} {summary.period}")
    return True


@transaction.atomic
def comment(summary: Summary, user: User, text: str) -> Comment:
    """Keep what somebody said about a summary."""
    audit.record(summary.organisation, user, "summary.commented", f"{summary.kind} {summary.period}")
    return Comment.objects.create(summary=summary, by=user, text=text.strip())
