"""The front of Settings, and a person's own profile."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ..access import memberships
from ..forms import ProfileForm
from ..models import Role
from ._person import person


def index(request: HttpRequest) -> HttpResponse:
    mine = list(memberships(request.user))
    context = {
        "memberships": mine,
        "manages": any(m.at_least(Role.MANAGER) for m in mine),
        "owns": any(m.at_least(Role.OWNER) for m in mine),
    }
    return render(request, "settings/index.html", context)


def edit(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=person(request), memberships=list(memberships(request.user)))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("settings:profile")
    return render(request, "settings/profile.html", {"form": form})
