from __future__ import annotations

from django.http import Http404, HttpRequest

from ..models import User


def person(request: HttpRequest) -> User:
    """The signed-in person; the middleware lets nobody else come this far."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user
