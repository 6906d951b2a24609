"""The upload page: choose a file, read what it is and what is asked, then bring it in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.access import has_role
from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.ui import formats
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import cells, registry, upload, waiting_room
from .errors import Ambiguous, BadDocument
from .models import Ingest
from .survey import Answers


class AnswersForm(forms.Form):
    """What only the person knows about a file; all optional, asked for when the file leaves it open."""

    type = forms.ChoiceField(required=False)
    day = forms.DateField(required=False)
    date_order = forms.ChoiceField(required=False, choices=[("", ""), (cells.DMY, ""), (cells.MDY, "")])
    point = forms.ChoiceField(required=False, choices=[("", ""), (".", ""), (",", "")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["type"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [("", gettext_lazy("find out by its columns")), *((s.key, s.label) for s in registry.specs())]

    def answers(self) -> Answers:
        said = self.cleaned_data if self.is_valid() else {}
        return Answers(said.get("date_order", ""), said.get("point", ""), said.get("day"))

    def kind(self) -> str:
        return str(self.cleaned_data.get("type", "")) if self.is_valid() else ""


@login_required
def upload_report(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST with a file: what it is. POST with its ticket: the same again, or bring it in."""
    state = PageState.from_request(request)
    assert isinstance(request.user, User)
    scopes = [s for s in state.every_scope if has_role(request.user, s.account.organisation_id, Role.OPERATOR)]
    if not state.every_scope:
        return no_account(request)
    if not scopes:
        raise PermissionDenied(_("Your role does not allow uploads. Ask an owner of your organisation."))
    form = AnswersForm(request.POST if request.method == "POST" else None)
    context = {"scopes": scopes, "form": form, "chosen": state.scope, "kinds": registry.specs()}
    if request.method != "POST":
        return render(request, "feeds/upload.html", context)
    scope = next((s for s in scopes if str(s.pk) == request.POST.get("account")), None)
    if scope is None:
        raise Http404("no such account and marketplace")
    file, ticket = request.FILES.get("file"), request.POST.get("ticket", "")
    if file is not None:
        ticket = waiting_room.hold(file, request.user)
    elif not ticket:
        return render(request, "feeds/upload.html", {**context, "chosen": scope, "problem": _("Choose a file first.")})
    try:
        return _answer(request, request.user, scope, ticket, form, {**context, "chosen": scope, "ticket": ticket})
    except waiting_room.Gone:
        problem = _("The file has waited longer than an hour and is gone. Choose it again.")
        return render(request, "feeds/upload.html", {**context, "chosen": scope, "problem": problem})


def _answer(
    request: HttpRequest,
    user: User,
    scope: AccountMarketplace,
    ticket: str,
    form: AnswersForm,
    context: dict[str, Any],
) -> HttpResponse:
    path, name = waiting_room.find(ticket, user)
    told: dict[str, Any] = {
        "account": scope.account,
        "marketplace": scope.marketplace,
        "type": form.kind(),
        "answers": form.answers(),
        "file_name": name,
    }
    try:
        if request.POST.get("act") == "keep":
            document = upload.recognise_and_keep(path, **told, user=user)
            waiting_room.drop(ticket, user)
            outcome = upload.settle(document)
            tell = messages.success if outcome.state in {"applied", "unchanged"} else messages.warning
            tell(request, _("%(file)s: %(state)s") % {"file": name, "state": _state_words(outcome.state)})
            return HttpResponseRedirect(reverse("feeds:document", args=[document.pk]))
        found = upload.look(path, **told)
    except Ambiguous as question:
        needs = "point" if "." in question.choices else "date_order" if question.choices else "day"
        return render(request, "feeds/upload.html", {**context, "name": name, "question": question, "needs": needs})
    except BadDocument as refused:
        waiting_room.drop(ticket, user)
        return render(request, "feeds/upload.html", {**context, "ticket": "", "problem": str(refused)}, status=400)
    days = formats.span(found.first_day, found.last_day) if found.first_day and found.last_day else ""
    return render(request, "feeds/upload.html", {**context, "name": name, "found": found, "days": days})


def _state_words(state: str) -> str:
    return str(Ingest.State(state).label)
