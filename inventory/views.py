"""Inventory: what is there, how long it lasts, how old it is."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import freshness
from opsboard.feeds.provenance import trace
from opsboard.kpis.cards import cards, chosen
from opsboard.kpis.trends import chart, explorable
from opsboard.ui import charts, entities, formats, tables
from opsboard.ui.filters import PageState
from opsboard.ui.pages import export_address, no_account, one_scope_or_404, span_params, table_export

from . import queries

TILES = (
    "inventory.available",
    "days_of_supply",
    "turnover",
    "in_stock_rate",
    "ipi",
    "excess_share",
    "aged_share",
    "stranded_share",
)


def _params(state: PageState, scope: AccountMarketplace) -> dict[str, Any]:
    params = span_params(state, scope)
    return {**params, "day": queries.newest_day(params)}


def index(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    scope = state.one
    if scope is None:
        return no_account(request)
    params = _params(state, scope)

    def entity(record: tables.Record) -> tuple[str, str, str]:
        sub = " · ".join(part for part in (record["key"], record["asin"]) if part)
        return record["name"], sub, reverse("inventory:sku", args=[record["key"]]) + state.carried(scope)

    sold_out = queries.sold_out(params)
    for row in sold_out:
        row["url"] = reverse("inventory:sku", args=[row["key"]]) + state.carried(scope)
    shown = chosen(request, TILES)
    context = {
        "page_scope": scope,
        "day": params["day"],
        "tiles": cards(TILES, scope, state),
        "chart": chart(shown, scope, state),
        "explore": explorable(TILES, shown, scope, state),
        "sold_out": sold_out,
        "bands": _bands(queries.ages(params)),
        "table": tables.page(
            queries.SKUS, state, params, scope.marketplace, entity, export_address("inventory:export")
        ),
    }
    return render(request, "inventory/index.html", context)


def _bands(ages: dict[str, Any]) -> list[dict[str, Any]]:
    """Age bands with their units and share, youngest first; empty when nothing is known."""
    named = (
        ("a0", _("0–90 days"), 3),
        ("a91", _("91–180 days"), 6),
        ("a181", _("181–270 days"), 5),
        ("a271", _("271–365 days"), 2),
        ("a365", _("over 365 days"), 4),
    )
    everything = sum(ages[key] or 0 for key, _label, _colour in named)
    if not everything:
        return []
    found, at = [], 0.0
    for key, label, colour in named:
        share = (ages[key] or 0) * 100 / everything
        found.append(
            {
                "label": label,
                "units": ages[key] or 0,
                "x": f"{at:.2f}",
                "width": f"{share:.2f}",
                "share": formats.decimals(share, 1),
                "colour": colour,
            }
        )
        at += float(share)
    return found


def export(request: HttpRequest, ending: str) -> HttpResponse:
    state, scope = one_scope_or_404(request)
    return table_export(request, ending, queries.SKUS, _params(state, scope), freshness.sentence([scope]))


def sku(request: HttpRequest, sku: str) -> HttpResponse:
    """One SKU: its stock, pace and age over the days, and the document lines behind them."""
    state, scope = one_scope_or_404(request)
    market, params = scope.marketplace, span_params(state, scope)
    days, item = queries.sku_days(params, sku), queries.item(params, sku)
    if item is None and not days:
        raise Http404("no such SKU")
    now = state.snapshot_days(scope)
    latest: dict[str, Any] = days[0] if days else {}
    cover = entities.ratio(latest.get("available"), latest.get("shipped_30"))
    figures = [
        entities.figure(_("Available"), latest.get("available"), None, "count", market),
        entities.figure(_("Inbound"), latest.get("inbound"), None, "count", market),
        entities.figure(_("Shipped, 30 days"), latest.get("shipped_30"), None, "count", market),
        entities.figure(_("Days of supply"), None if cover is None else cover * 30, None, "count", market),
        entities.figure(_("181+ days old"), latest.get("aged"), None, "count", market),
    ]
    drawn = [
        charts.trend(
            _("Available units"),
            [entities.series(_("Available"), days, now, "available", colour=1, bars=True)],
            show=entities.shower("count", market),
            show_tick=entities.tick_shower("count", market),
        )
    ]
    evidence = trace(
        scope,
        (
            (
                row["date"],
                tuple(formats.decimals(row[key]) for key in ("available", "inbound", "shipped_30", "aged")),
                row["document_id"],
                row["line"],
            )
            for row in days
        ),
    )
    context = {
        "page_scope": scope,
        "name": (item or {}).get("name") or sku,
        "sub": " · ".join(part for part in (sku, (item or {}).get("asin"), (item or {}).get("fnsku")) if part),
        "back_url": reverse("inventory:index") + state.carried(),
        "back_words": _("Inventory"),
        "figures": figures,
        "charts": drawn,
        "evidence": evidence,
        "evidence_headers": (_("Available"), _("Inbound"), _("Shipped, 30 days"), _("181+ days old")),
    }
    return render(request, "ui/entity.html", context)
