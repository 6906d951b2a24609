"""What a person may do with a kept document: fetch its bytes, have it read again, take it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from opsboard.accounts import audit
from opsboard.accounts.access import require_role, visible_scopes
from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.ui import formats

from . import rawstore, registry, withdrawal
from .models import Coverage, Document, DocumentDay, Ingest
from .registry import Scope

#: Who may take a document back, or carry its raw bytes away.
MAY_ACT = Role.MANAGER
_BLOCK = 1 << 16
_ENDINGS = {"tsv": "txt", "json": "json", "csv": "csv"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a document counts for now, and what would become of its days without it (numbers of days)."""

    label: str
    spoken: str  # the days it speaks for, as a span
    days: int
    held: int
    falls_back: int
    goes_missing: int


def visible_or_404(user: User, pk: int) -> tuple[Document, AccountMarketplace]:
    """A document of one of the user's scopes; a stranger's and an unknown one answer alike."""
    document = Document.objects.select_related("account", "marketplace").filter(pk=pk).first()
    if document is not None:
        scopes = visible_scopes(user).filter(account=document.account_id, marketplace=document.marketplace_id)
        if (scope := scopes.first()) is not None:
            return document, scope
    raise Http404(_("There is no such document."))


def standings(document: Document) -> list[Standing]:
    """One line a dataset the document speaks about."""
    spoken: dict[str, set[date]] = {}
    for key, day in document.spoken_days.values_list("dataset", "date"):
        spoken.setdefault(key, set()).add(day)
    mine = {"account": document.account_id, "marketplace": document.marketplace_id}
    holding = set(Coverage.objects.filter(**mine, document=document).values_list("dataset", "date"))
    others = DocumentDay.objects.filter(**mine, dataset__in=spoken, document__withdrawn_at=None).exclude(
        document=document
    )
    # Leans on documentday_by_day; a document speaks for a month or so.
    elsewhere = set(
        others.filter(date__in={d for days in spoken.values() for d in days}).values_list("dataset", "date")
    )
    told_before = set(others.values_list("dataset", flat=True).distinct())
    datasets = registry.datasets()
    found = []
    for key, days in sorted(spoken.items()):
        held = {day for day in days if (key, day) in holding}
        is_state = key in datasets and datasets[key].scope is Scope.STATE
        kept = held if is_state and key in told_before else {day for day in held if (key, day) in elsewhere}
        found.append(
            Standing(
                str(datasets[key].label) if key in datasets else key,
                formats.span(min(days), max(days)),
                len(days),
                len(held),
                len(kept),
                len(held) - len(kept),
            )
        )
    return found


@require_safe
def raw(request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The document's bytes as they were received; managers only, and noted in the audit trail."""
    assert isinstance(request.user, User)
    document, scope = visible_or_404(request.user, pk)
    require_role(request.user, scope.account.organisation, MAY_ACT)
    try:
        content = rawstore.open_raw(document.sha256)
    except OSError:
        messages.error(request, _("The file is no longer there: somebody removed it from the disk."))
        return HttpResponseRedirect(reverse("feeds:document", args=[document.pk]))
    audit.record(scope.account.organisation, request.user, "document.downloaded", str(document))
    ending = _ENDINGS.get(registry.spec(document.spec).format, "bin") if document.spec in _keys() else "bin"
    name = document.file_name or f"{document.report_type}-{document.pk}.{ending}"
    # Not FileResponse: the server would send the file behind it, which is compressed.
    answer = StreamingHttpResponse(iter(partial(content.read, _BLOCK), b""), content_type="application/octet-stream")
    answer["Content-Length"] = str(document.size)
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


def _keys() -> Iterable[str]:
    return {spec.key for spec in registry.specs()}


class ActForm(forms.Form):
    """What is to be done with a document, and why."""

    act = forms.ChoiceField(choices=[(act, act) for act in ("replay", "force", "withdraw", "restore")])
    why = forms.CharField(max_length=300, required=False, strip=True)

    def clean(self) -> dict[str, str]:
        said: dict[str, str] = {**(super().clean() or {}), **self.cleaned_data}
        if said.get("act") in {"withdraw", "force"} and not said.get("why"):
            self.add_error("why", _("Say why: whoever asks later will want to know."))
        return said


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the document read again, applied although held, withdrawn or restored: a worker does it."""
    assert isinstance(request.user, User)
    document, scope = visible_or_404(request.user, pk)
    require_role(request.user, scope.account.organisation, MAY_ACT)
    form = ActForm(request.POST)
    page = HttpResponseRedirect(reverse("feeds:document", args=[document.pk]))
    if not form.is_valid():
        for problem in form.errors.get("why", [_("That is nothing one can do with a document.")]):
            messages.error(request, str(problem))
        return page
    wanted, why = form.cleaned_data["act"], form.cleaned_data["why"]
    is_withdrawn = document.withdrawn_at is not None
    if (wanted == "restore") != is_withdrawn:
        messages.error(request, _("Somebody was quicker: look at what became of the document."))
        return page
    if wanted == "withdraw":
        withdrawal.withdraw(document, user=request.user, why=why)
    else:
        withdrawal.replay(document, user=request.user, why=why, force=wanted == "force")
    audit.record(scope.account.organisation, request.user, f"document.{wanted}", str(document), after={"why": why})
    messages.success(request, _("It is asked for; a worker does it as soon as one is free."))
    return page


def journal(document: Document) -> list[Ingest]:
    """Everything that was done with the document, the newest first."""
    return list(document.ingests.select_related("asked_by").order_by("-pk"))
