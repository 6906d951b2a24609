"""Which pages a signed-out person may open: everything else asks for a sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., Any])

#: Pages of django-allauth that must work signed out, by URL name.
PUBLIC_NAMES = frozenset(
    {
        "account_login",
        "account_logout",
        "account_signup",
        "account_inactive",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)


def public(view: View) -> View:
    """Mark a view as open to everyone; the scoping test asks for the reason."""
    view.public = True  # type: ignore[attr-defined]
    return view


def is_public(request: HttpRequest, view: Callable[..., Any]) -> bool:
    match = request.resolver_match
    if getattr(view, "public", False) or getattr(getattr(view, "view_class", None), "public", False):
        return True
    return match is not None and match.view_name in PUBLIC_NAMES
