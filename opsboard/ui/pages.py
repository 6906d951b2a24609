"""What one-scope pages share: the scope they are about, their SQL parameters, their exports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from opsboard.accounts.models import AccountMarketplace

from . import exports, formats, tables
from .filters import PageState


def no_account(request: HttpRequest) -> HttpResponse:
    """The page of someone who can see no account yet: why, and the one button that helps."""
    return render(request, "ui/no_account.html")


def span_params(state: PageState, scope: AccountMarketplace) -> dict[str, Any]:
    """account, marketplace, first, last (snapshot_last for states), and the compared pfirst and plast.

    Nothing to compare with is an empty span.
    """
    days, before = state.days(scope), state.compared(scope)
    return {
        "account": scope.account_id,
        "marketplace": scope.marketplace_id,
        "first": days.first,
        "last": days.last,
        "snapshot_last": state.snapshot_days(scope).last,
        "pfirst": before.first if before else date.max,
        "plast": before.last if before else date.min,
    }


def one_scope_or_404(request: HttpRequest) -> tuple[PageState, AccountMarketplace]:
    """The scope an entity page or an export is about; 404 for someone without any."""
    state = PageState.from_request(request)
    if state.one is None:
        raise Http404("no account")
    return state, state.one


def export_address(name: str) -> str:
    """An export's address with its ending left open, for `export_as` in the templates."""
    return reverse(name, kwargs={"ending": "csv"}).removesuffix("csv") + "{}"


def table_export(
    request: HttpRequest, ending: str, table: tables.Table, params: Mapping[str, Any], as_of: str
) -> HttpResponse:
    """The table as the page shows it (same columns, sort, search, filters), all pages of it, as a file."""
    state, scope = one_scope_or_404(request)
    asked, totals, rows = tables.exported(table, state, params)
    days = state.days(scope)
    about = exports.About(scope, formats.span(days.first, days.last), as_of)
    return exports.as_file(ending, table, asked, totals, rows, about)
