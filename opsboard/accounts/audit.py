"""The audit trail: who changed which setting, when, from what to what."""

from __future__ import annotations

from collections.abc import Mapping

from .models import AuditEvent, Organisation, User


def record(
    organisation: Organisation,
    actor: User | None,
    action: str,
    target: object = "",
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> AuditEvent:
    """Write one event in the caller's transaction; `before` and `after` hold JSON values, never secrets.

    `action` is a short stable word such as "role.changed"; no actor means a command on the server.
    """
    return AuditEvent.objects.create(
        organisation=organisation,
        actor=actor.email if actor else "manage.py",
        action=action,
        target=str(target)[:200],
        before=dict(before or {}),
        after=dict(after or {}),
    )
