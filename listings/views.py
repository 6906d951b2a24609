"""Listings: what sold, what was seen, and what cannot be bought."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import freshness
from opsboard.feeds.provenance import trace
from opsboard.kpis import diagnosis
from opsboard.kpis.cards import cards, chosen
from opsboard.kpis.trends import chart, explorable
from opsboard.ui import charts, entities, formats, tables
from opsboard.ui.filters import PageState
from opsboard.ui.pages import export_address, no_account, one_scope_or_404, span_params, table_export

from . import queries

TILES = (
    "ordered_sales",
    "listings.units",
    "listings.sessions",
    "unit_session",
    "buy_box",
    "refund_rate",
    "suppressed",
    "listings.page_views",
)


def _params(state: PageState, scope: AccountMarketplace) -> tuple[dict[str, Any], entities.Alike]:
    """Spans, the days that can be compared, and the covered days of the period."""
    known = freshness.alike(scope, "sales_by_asin", state.days(scope), state.compared(scope))
    return {**span_params(state, scope), "alike": sorted(known.now), "palike": sorted(known.before)}, known


def index(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    scope = state.one
    if scope is None:
        return no_account(request)
    params, known = _params(state, scope)

    def entity(record: tables.Record) -> tuple[str, str, str]:
        sub = " · ".join(part for part in (record["key"], record["sku"]) if part)
        return record["name"], sub, reverse("listings:asin", args=[record["key"]]) + state.carried(scope)

    shown = chosen(request, TILES)
    table, spans = queries.asins(state.period.key, params)
    context = {
        "page_scope": scope,
        "tiles": cards(TILES, scope, state),
        "chart": chart(shown, scope, state),
        "explore": explorable(TILES, shown, scope, state),
        "table": tables.page(table, state, spans, scope.marketplace, entity, export_address("listings:export")),
        "table_note": freshness.holes(state.days(scope), known),
        "stopped": queries.stopped(params),
        "spotted": diagnosis.spotted([scope], "listings"),
        "listings_known": bool(freshness.covered([scope], ["listings"])[0].last),
    }
    return render(request, "listings/index.html", context)


def export(request: HttpRequest, ending: str) -> HttpResponse:
    state, scope = one_scope_or_404(request)
    params, known = _params(state, scope)
    table, spans = queries.asins(state.period.key, params)
    return table_export(request, ending, table, spans, freshness.told(scope, state.days(scope), known))


def asin(request: HttpRequest, asin: str) -> HttpResponse:
    """One child ASIN: its figures, its days, the document lines behind them."""
    state, scope = one_scope_or_404(request)
    market, params = scope.marketplace, span_params(state, scope)
    days, offers = queries.asin_days(params, asin), queries.offers(params, asin)
    if not days and not offers:
        raise Http404("no such ASIN")
    now, before = state.days(scope), state.compared(scope)
    covered = freshness.covered_days(scope, "sales_by_asin", (before or now).first, now.last)
    moving = freshness.provisional_from("sales_by_asin", scope)

    known = entities.Alike.of(covered, now, before)
    sales, units, sessions, views = (
        entities.Sums.of(days, key, known) for key in ("ordered_sales_minor", "units_ordered", "sessions", "page_views")
    )
    figures = [
        entities.summed(_("Ordered sales"), sales, "money", market),
        entities.summed(_("Units ordered"), units, "count", market),
        entities.summed(_("Sessions"), sessions, "count", market),
        entities.summed(_("Page views"), views, "count", market),
        entities.rated(_("Unit session percentage"), units, sessions, "rate", market),
    ]
    shape: dict[str, Any] = {"covered": covered, "before": before, "provisional_from": moving}
    drawn = [
        charts.trend(
            _("Units ordered"),
            [entities.series(_("Units ordered"), days, now, "units_ordered", bars=True, colour=1, **shape)],
            show=entities.shower("count", market),
            show_tick=entities.tick_shower("count", market),
        ),
        charts.trend(
            _("Unit session percentage"),
            [entities.series(_("Unit session percentage"), days, now, "units_ordered", "sessions", colour=3, **shape)],
            show=entities.shower("rate", market),
            show_tick=entities.tick_shower("rate", market),
            scale=entities.scale("rate", market),
        ),
    ]
    evidence = trace(
        scope,
        (
            (
                row["date"],
                (
                    formats.money(row["ordered_sales_minor"], market),
                    formats.decimals(row["units_ordered"]),
                    formats.decimals(row["sessions"]),
                    formats.percent(row["buy_box_rate"]),
                ),
                row["document_id"],
                row["line"],
            )
            for row in days
            if now.first <= row["date"] <= now.last
        ),
    )
    first = offers[0] if offers else {}
    context = {
        "page_scope": scope,
        "name": first.get("title") or asin,
        "sub": " · ".join([asin, *(offer["sku"] for offer in offers[:3])]),
        "back_url": reverse("listings:index") + state.carried(),
        "back_words": _("Listings"),
        "figures": figures,
        "holes": freshness.holes(now, known),
        "charts": drawn,
        "evidence": evidence,
        "evidence_headers": (_("Ordered sales"), _("Units ordered"), _("Sessions"), _("Buy Box percentage")),
    }
    return render(request, "ui/entity.html", context)
