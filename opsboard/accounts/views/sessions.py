"""Ending one of one's own sessions (the list itself is allauth's)."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ._person import person


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a session of the signed-in person at once; anybody else's answers 404."""
    session = get_object_or_404(UserSession, pk=pk, user=person(request))
    session.end()
    messages.success(request, _("The session has ended."))
    return redirect("usersessions_list")
