"""The upload pages: hand over files, see what each is and would change, answer, have them brought in.

A request only keeps bytes or writes down what a person said; workers do the rest (opsboard.feeds.batches).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from opsboard.accounts import audit
from opsboard.accounts.access import has_role, require_role, visible_scopes
from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import batches, cells, previews, registry, waiting_room
from .models import RememberedAnswer, UploadBatch, UploadItem

MAY_UPLOAD = Role.OPERATOR
#: Encodings a person may say a file is in, where its bytes do not tell.
CHARSETS = ("cp1252", "iso8859-15", "cp1250", "cp932", "gb18030", "big5")
#: How long batches stay on the upload page.
RECENT = timedelta(days=7)


class AnswersForm(forms.Form):
    """What only the person knows about a file; all optional, asked for when the file leaves it open."""

    kind = forms.ChoiceField(required=False)
    day = forms.DateField(required=False)
    date_order = forms.ChoiceField(required=False, choices=[("", ""), (cells.DMY, ""), (cells.MDY, "")])
    point = forms.ChoiceField(required=False, choices=[("", ""), (".", ""), (",", "")])
    charset = forms.ChoiceField(required=False, choices=[("", ""), *((name, name) for name in CHARSETS)])
    remember = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [("", gettext_lazy("find out by its columns")), *((s.key, s.label) for s in registry.specs())]

    def said(self) -> dict[str, Any]:
        """What was said, as a row keeps it."""
        found = {name: value for name, value in self.cleaned_data.items() if value}
        if "day" in found:
            found["day"] = found["day"].isoformat()
        return found


@login_required
def upload_report(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: keep the files as a batch, or as more of one (`batch`, for files sent one by one)."""
    state = PageState.from_request(request)
    assert isinstance(request.user, User)
    if not state.every_scope:
        return no_account(request)
    scopes = [s for s in state.every_scope if has_role(request.user, s.account.organisation_id, MAY_UPLOAD)]
    if not scopes:
        raise PermissionDenied(_("Your role does not allow uploads. Ask an owner of your organisation."))
    if request.method != "POST":
        return _form_page(request, scopes, state.scope)
    scope = next((s for s in scopes if str(s.pk) == request.POST.get("account")), None)
    if scope is None:
        raise Http404("no such account and marketplace")
    form = AnswersForm(request.POST)
    if not form.is_valid():
        return _form_page(request, scopes, scope, _("That is no kind of report opsboard knows."), 400)
    files = [file for file in request.FILES.getlist("file") if isinstance(file, UploadedFile)]
    if not files:
        return _form_page(request, scopes, scope, _("Choose a file first."), 400)
    batch = _more_of(request, request.user, scope) or batches.open_batch(scope, request.user, form.cleaned_data["kind"])
    try:
        for file in files:
            batches.add(batch, file.name or "?", file.chunks())
    except OSError as error:
        problem = _("The server could not keep the file (%(why)s).") % {"why": error.strerror}
        return _form_page(request, scopes, scope, problem, 507)
    page = reverse("feeds:upload-batch", args=[batch.pk])
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"batch": batch.pk, "page": page})
    return HttpResponseRedirect(page)


def _more_of(request: HttpRequest, user: User, scope: AccountMarketplace) -> UploadBatch | None:
    """The batch that files are added to; only one's own, for the same account and marketplace."""
    asked = request.POST.get("batch", "")
    if not asked:
        return None
    own = UploadBatch.objects.filter(user=user, account=scope.account_id, marketplace=scope.marketplace_id)
    found = own.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is None:
        raise Http404("no such upload")
    return found


def _form_page(
    request: HttpRequest,
    scopes: list[AccountMarketplace],
    chosen: AccountMarketplace | None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    accounts = {scope.account_id for scope in scopes}
    pairs = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    recent = UploadBatch.objects.filter(account__in=accounts, created_at__gt=timezone.now() - RECENT)
    remembered = RememberedAnswer.objects.select_related("account", "answered_by").filter(account__in=accounts)
    context = {
        "scopes": scopes,
        "chosen": chosen,
        "problem": problem,
        "form": AnswersForm(),
        "kinds": registry.specs(),
        "recent": [
            {
                "batch": batch,
                "scope": pairs[batch.account_id, batch.marketplace_id],
                "finding": previews.finding([previews.line(item) for item in batches.items(batch)]),
            }
            for batch in recent.select_related("user").order_by("-pk")[:10]
            if (batch.account_id, batch.marketplace_id) in pairs
        ],
        "remembered": [previews.remembered(one) for one in remembered.order_by("-answered_at")[:50]],
    }
    return render(request, "feeds/upload.html", context, status=status)


def _batch_or_404(request: HttpRequest, pk: int) -> tuple[UploadBatch, AccountMarketplace]:
    """A batch of one of the user's scopes; 404 for a stranger's, 403 where the role does not do."""
    assert isinstance(request.user, User)
    batch = UploadBatch.objects.select_related("account", "marketplace", "user").filter(pk=pk).first()
    if batch is not None:
        scope = visible_scopes(request.user).filter(account=batch.account, marketplace=batch.marketplace).first()
        if scope is not None:
            require_role(request.user, scope.account.organisation, MAY_UPLOAD)
            return batch, scope
    raise Http404(_("There is no such upload."))


@login_required
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: how far each file is. POST: bring in all that are ready, or leave out all that wait."""
    found, scope = _batch_or_404(request, pk)
    if request.method == "POST":
        return _act_on_all(request, found)
    lines = [previews.line(item) for item in batches.items(found)]
    context = {
        "batch": found,
        "scope": scope,
        "lines": lines,
        "finding": previews.finding(lines),
        "moves": any(line.moves for line in lines),
        "ready": sum(line.item.state == UploadItem.State.READY for line in lines),
        "done": sum(not line.moves for line in lines),
        "waiting": sum(line.opens for line in lines),
        "keep_minutes": waiting_room.KEEP_SECONDS // 60,
    }
    part = bool(request.headers.get("HX-Request"))
    answer = render(
        request, "feeds/upload_items.html" if part else "feeds/upload_batch.html", {**context, "part": part}
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _act_on_all(request: HttpRequest, found: UploadBatch) -> HttpResponse:
    page = HttpResponseRedirect(reverse("feeds:upload-batch", args=[found.pk]))
    waiting = list(found.items.filter(state__in=batches.SHOWN))
    if request.POST.get("act") == "drop":
        count = sum(batches.leave_out(item) for item in waiting)
        messages.success(request, ngettext("%(n)d file left out.", "%(n)d files left out.", count) % {"n": count})
    elif request.POST.get("act") == "keep":
        count = sum(batches.want(item) for item in waiting if item.state == UploadItem.State.READY)
        messages.success(
            request,
            ngettext("%(n)d file is being brought in.", "%(n)d files are being brought in.", count) % {"n": count},
        )
    return page


@login_required
def item(request: HttpRequest, pk: int, item: int) -> HttpResponse:
    """GET: what the file is and would change, or the question about it. POST: an answer, bring it in, leave it out."""
    found, scope = _batch_or_404(request, pk)
    one = found.items.select_related("document").filter(pk=item).first()
    if one is None:
        raise Http404(_("There is no such file."))
    if request.method == "POST":
        return _act_on(request, found, one)
    needs = one.question.get("needs") or ""
    asked = request.GET.get("change", "")
    if one.state == UploadItem.State.READY and asked in {"date_order", "point", "kind"}:
        needs = asked
    if one.state not in batches.SHOWN:
        return HttpResponseRedirect(reverse("feeds:upload-batch", args=[found.pk]))
    kinds = one.question.get("choices") or [spec.key for spec in registry.specs()]
    context = {
        "batch": found,
        "scope": scope,
        "line": previews.line(one),
        "item": one,
        "preview": previews.Preview.of(one, scope.marketplace) if one.preview else None,
        "needs": needs,
        "kinds": [registry.spec(key) for key in kinds if key in {s.key for s in registry.specs()}]
        if needs == "kind"
        else [],
        "charsets": CHARSETS,
        "today": scope.marketplace.today(),
    }
    return render(request, "feeds/upload_item.html", context)


def _act_on(request: HttpRequest, found: UploadBatch, one: UploadItem) -> HttpResponse:
    act = request.POST.get("act")
    here = reverse("feeds:upload-item", args=[found.pk, one.pk])
    page = reverse("feeds:upload-batch", args=[found.pk])
    if act == "keep":
        done = batches.want(one)
    elif act == "drop":
        done = batches.leave_out(one)
    else:
        form = AnswersForm(request.POST)
        if not form.is_valid() or not (said := form.said()):
            messages.error(request, _("Choose one of the answers."))
            return HttpResponseRedirect(here)
        done = batches.answer(one, {"remember": False, **said})
    if not done:
        messages.error(request, _("Somebody was quicker, or the file has waited too long: see what became of it."))
    return HttpResponseRedirect(page)


@require_POST
@login_required
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget what was answered: the next such file asks again."""
    assert isinstance(request.user, User)
    accounts = {scope.account_id for scope in visible_scopes(request.user)}
    found = RememberedAnswer.objects.select_related("account__organisation").filter(pk=pk, account__in=accounts).first()
    if found is None:
        raise Http404(_("There is no such answer."))
    require_role(request.user, found.account.organisation, MAY_UPLOAD)
    audit.record(found.account.organisation, request.user, "answer.forgotten", str(found), before=found.answers)
    found.delete()
    messages.success(request, _("Forgotten: the next such file asks again."))
    return HttpResponseRedirect(reverse("feeds:upload"))
