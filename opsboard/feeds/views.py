"""The Data page: what is fetched, how fresh it is, what became of each document."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from opsboard.accounts.access import has_role
from opsboard.accounts.models import User
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import backfill, documents, overview, standing
from .models import Document


def index(request: HttpRequest) -> HttpResponse:
    """Every feed of the chosen scopes, back-fill progress and the newest documents."""
    state = PageState.from_request(request)
    if not state.scopes:
        return no_account(request)
    lines = overview.feed_lines(state.scopes)
    context = {
        "lines": lines,
        "troubled": sum(line.status == "breach" for line in lines),
        "late": sum(line.status == "warn" for line in lines),
        "backfills": backfill.open_progress(state.scopes),
        "documents": overview.recent_documents(state.scopes),
    }
    return render(request, "feeds/index.html", context)


def document(request: HttpRequest, pk: int) -> HttpResponse:
    """One document: where it came from and what it changed; 404 unless its scope is visible."""
    state = PageState.from_request(request)
    found = Document.objects.prefetch_related("ingests").select_related("uploaded_by", "fetch").filter(pk=pk).first()
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in state.every_scope}
    scope = by_pair.get((found.account_id, found.marketplace_id)) if found else None
    if found is None or scope is None:
        raise Http404("no such document")
    assert isinstance(request.user, User)
    context = {
        "line": overview.document_line(found, scope),
        "document": found,
        "scope": scope,
        "standings": documents.standings(found),
        "journal": documents.journal(found),
        "way": standing.way(found.fetch),
        "may_act": has_role(request.user, scope.account.organisation_id, documents.MAY_ACT),
    }
    return render(request, "feeds/document.html", context)
