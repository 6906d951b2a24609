"""The banner above every page."""

from __future__ import annotations

from typing import Any

from django import template

from opsboard.accounts.access import memberships
from opsboard.accounts.models import Role

from .. import banner

register = template.Library()


@register.inclusion_tag("watch/banner.html", takes_context=True)
def watch_banner(context: template.Context) -> dict[str, Any]:
    """What is to be said above this page, and where more of it is said."""
    frame = context.get("frame") or {}
    state = frame.get("state")
    if not state:
        return {"notices": []}
    chosen = context.get("page_scope")
    notices = banner.notices([chosen] if chosen else state.scopes)
    manages = any(notice.machine for notice in notices) and any(
        member.at_least(Role.MANAGER) for member in memberships(context["request"].user)
    )
    return {"notices": notices, "manages": manages, "carried": state.carried()}
