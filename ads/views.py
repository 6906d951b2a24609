"""Ads: what is spent, what it brings, and what brings nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.feeds import attribution, freshness
from opsboard.feeds.provenance import trace
from opsboard.kpis.cards import cards, chosen
from opsboard.kpis.trends import chart, explorable, limit_of
from opsboard.ui import charts, entities, formats, tables
from opsboard.ui.filters import Days, PageState
from opsboard.ui.pages import export_address, no_account, one_scope_or_404, span_params, table_export

from . import queries

TILES = ("ads.spend", "ads.sales", "acos", "tacos", "roas", "ctr", "cpc", "ad_cvr")


#: What Amazon calls the states of a campaign.
_STATES = {
    "ENABLED": gettext_lazy("enabled"),
    "PAUSED": gettext_lazy("paused"),
    "ARCHIVED": gettext_lazy("archived"),
}


def _state(stated: str) -> str:
    """A campaign's state in the reader's words; one we have no word for as Amazon says it."""
    return str(_STATES.get(stated.upper(), stated))


def _known(state: PageState, scope: AccountMarketplace, dataset: str) -> entities.Alike:
    return freshness.alike(scope, dataset, state.days(scope), state.compared(scope))


def _params(state: PageState, scope: AccountMarketplace, known: entities.Alike) -> dict[str, Any]:
    """Spans, the days that can be compared, and the limits the "over the limit" filters hold against."""
    acos, ctr = limit_of("acos", scope), limit_of("ctr", scope)
    return {
        **span_params(state, scope),
        "alike": sorted(known.now),
        "palike": sorted(known.before),
        "acos_limit": acos.high if acos and acos.high is not None else "Infinity",
        "ctr_limit": ctr.low if ctr and ctr.low is not None else 0,
    }


def index(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    scope = state.one
    if scope is None:
        return no_account(request)
    known = _known(state, scope, "sp_campaigns")
    params = _params(state, scope, known)

    def entity(record: tables.Record) -> tuple[str, str, str]:
        return (
            record["name"],
            _state(record["status"]),
            reverse("ads:campaign", args=[record["key"]]) + state.carried(scope),
        )

    waste = queries.waste(params)
    for row in waste:
        row["url"] = reverse("ads:term", args=[row["key"]]) + state.carried(scope)
    shown = chosen(request, TILES)
    context = {
        "page_scope": scope,
        "tiles": cards(TILES, scope, state),
        "chart": chart(shown, scope, state),
        "explore": explorable(TILES, shown, scope, state),
        "waste": waste,
        "terms_known": bool(_known(state, scope, "sp_search_terms").days),
        "table_note": freshness.holes(state.days(scope), known),
        "terms_url": reverse("ads:terms") + state.carried(scope),
        "wasted_url": reverse("ads:terms") + state.carried(scope, terms="wasted"),
        "table": tables.page(
            _campaigns(params), state, params, scope.marketplace, entity, export_address("ads:export")
        ),
    }
    return render(request, "ads/index.html", context)


def terms(request: HttpRequest) -> HttpResponse:
    """Search terms, those that cost and brought nothing first."""
    state = PageState.from_request(request)
    scope = state.one
    if scope is None:
        return no_account(request)
    known = _known(state, scope, "sp_search_terms")
    params = _params(state, scope, known)

    def entity(record: tables.Record) -> tuple[str, str, str]:
        return record["term"], "", reverse("ads:term", args=[record["key"]]) + state.carried(scope)

    waste = queries.waste(params)
    context = {
        "page_scope": scope,
        "waste": waste,
        "table_note": freshness.holes(state.days(scope), known),
        "campaigns_url": reverse("ads:index") + state.carried(scope),
        "table": tables.page(
            _terms(params), state, params, scope.marketplace, entity, export_address("ads:terms_export")
        ),
    }
    return render(request, "ads/terms.html", context)


def export(request: HttpRequest, ending: str) -> HttpResponse:
    return _export(request, ending, _campaigns, "sp_campaigns")


def terms_export(request: HttpRequest, ending: str) -> HttpResponse:
    return _export(request, ending, _terms, "sp_search_terms")


def _export(
    request: HttpRequest, ending: str, table: Callable[[dict[str, Any]], tables.Table], dataset: str
) -> HttpResponse:
    state, scope = one_scope_or_404(request)
    known = _known(state, scope, dataset)
    params = _params(state, scope, known)
    counted = attribution.words(queries.windows(params, dataset))
    as_of = _("; ").join(filter(None, [freshness.told(scope, state.days(scope), known), counted]))
    return table_export(request, ending, table(params), params, as_of)


def _campaigns(params: dict[str, Any]) -> tables.Table:
    return queries.told(queries.CAMPAIGNS, queries.windows(params, "sp_campaigns"))


def _terms(params: dict[str, Any]) -> tables.Table:
    return queries.told(queries.TERMS, queries.windows(params, "sp_search_terms"))


def campaign(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """One campaign: its figures, its days, the document lines behind them."""
    state, scope = one_scope_or_404(request)
    params = span_params(state, scope)
    number = _id(campaign_id)
    known, days = queries.campaign(params, number), queries.campaign_days(params, number)
    if known is None and not days:
        raise Http404("no such campaign")
    sub = [_("Campaign"), campaign_id]
    if known and known["status"]:
        sub.append(_state(known["status"]))
    if known and known["budget_minor"] is not None:
        sub.append(_("budget %(money)s") % {"money": formats.money(known["budget_minor"], scope.marketplace)})
    name = (known or {}).get("name") or campaign_id
    back = (_("Ads"), reverse("ads:index") + state.carried())
    return _entity(request, state, scope, name, " · ".join(sub), back, days, "sp_campaigns", [])


def term(request: HttpRequest, term_id: str) -> HttpResponse:
    """One search term: where it was matched, what it cost, what it brought."""
    state, scope = one_scope_or_404(request)
    params = span_params(state, scope)
    number = _id(term_id)
    text, days = queries.term(params, number), queries.term_days(params, number)
    if text is None and not days:
        raise Http404("no such search term")
    where = [(row["campaign"], " ".join(part for part in (row["target"], row["match_type"]) if part)) for row in days]
    back = (_("Search terms"), reverse("ads:terms") + state.carried())
    return _entity(request, state, scope, text or term_id, _("Search term"), back, days, "sp_search_terms", where)


def _sales(minor: int, marketplace: Marketplace, window: int | None) -> str:
    """An amount, with the days it was counted over where the days of the page differ."""
    shown = formats.money(minor, marketplace)
    return shown if window is None else _("%(money)s (%(days)d days)") % {"money": shown, "days": window}


def _counted(scope: AccountMarketplace, dataset: str, found: Counter[int], before: Days | None) -> str:
    compared = None
    if before is not None:
        compared = attribution.windows(scope.account_id, scope.marketplace_id, dataset, before.first, before.last)
    return attribution.words(found, compared)


def _id(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise Http404("no such id")
    return number


def _entity(
    request: HttpRequest,
    state: PageState,
    scope: AccountMarketplace,
    name: str,
    sub: str,
    back: tuple[str, str],
    days: list[dict[str, Any]],
    dataset: str,
    where: Sequence[tuple[str, str]],
) -> HttpResponse:
    market = scope.marketplace
    now, before = state.days(scope), state.compared(scope) if dataset == "sp_campaigns" else None
    summed: list[dict[str, Any]] = []
    for row in days:  # a search term has a row a target; a chart has one a day
        if summed and summed[-1]["date"] == row["date"]:
            for key in ("impressions", "clicks", "spend_minor", "sales_minor", "orders"):
                summed[-1][key] += row[key]
        else:
            summed.append(dict(row))

    window_of = attribution.by_day(scope.account_id, scope.marketplace_id, dataset, now.first, now.last)
    found = Counter(window_of.values())
    sales_label = queries.sales_label(found)
    first = min(before.first, now.first) if before else now.first
    covered = freshness.covered_days(scope, dataset, first, now.last)
    known = entities.Alike.of(covered, now, before)
    spend, sales, clicks, orders, seen = (
        entities.Sums.of(summed, key, known)
        for key in ("spend_minor", "sales_minor", "clicks", "orders", "impressions")
    )
    figures = [
        entities.summed(_("Ad spend"), spend, "money", market, 0),
        entities.summed(sales_label, sales, "money", market),
        entities.rated(_("ACoS"), spend, sales, "rate", market, -1),
        entities.summed(_("Orders"), orders, "count", market),
        entities.summed(_("Clicks"), clicks, "count", market, 0),
        entities.rated(_("CTR"), clicks, seen, "rate", market),
    ]
    moving = freshness.provisional_from(dataset, scope)
    limit = limit_of("acos", scope)
    drawn = [
        charts.trend(
            _("Spend and ad sales"),
            [
                entities.series(
                    _("Ad spend"), summed, now, "spend_minor", covered=covered, provisional_from=moving, colour=2
                ),
                entities.series(
                    sales_label, summed, now, "sales_minor", covered=covered, provisional_from=moving, colour=1
                ),
            ],
            show=entities.shower("money", market),
            show_tick=entities.tick_shower("money", market),
            scale=entities.scale("money", market),
        ),
        charts.trend(
            _("ACoS"),
            [
                entities.series(
                    _("ACoS"),
                    summed,
                    now,
                    "spend_minor",
                    "sales_minor",
                    before=before,
                    provisional_from=moving,
                    colour=5,
                )
            ],
            show=entities.shower("rate", market),
            show_tick=entities.tick_shower("rate", market),
            scale=entities.scale("rate", market),
            limit=charts.LimitLine(limit.high, _("limit %(value)s") % {"value": formats.percent(limit.high, 0)})
            if limit and limit.high is not None
            else None,
        ),
    ]
    places = list(where) or [("", "")] * len(days)
    evidence = trace(
        scope,
        (
            (
                row["date"],
                (
                    *(place if where else ()),
                    formats.money(row["spend_minor"], market),
                    _sales(row["sales_minor"], market, window_of.get(row["date"]) if len(found) > 1 else None),
                    formats.decimals(row["clicks"]),
                    formats.decimals(row["orders"]),
                ),
                row["document_id"],
                row["line"],
            )
            for row, place in zip(days, places, strict=True)
            if now.first <= row["date"] <= now.last
        ),
    )
    headers = (_("Ad spend"), sales_label, _("Clicks"), _("Orders"))
    context = {
        "page_scope": scope,
        "name": name,
        "sub": " · ".join(filter(None, [sub, _counted(scope, dataset, found, before)])),
        "back_words": back[0],
        "back_url": back[1],
        "figures": figures,
        "holes": freshness.holes(now, known),
        "charts": drawn,
        "evidence": evidence,
        "evidence_headers": ((_("Campaign"), _("Target"), *headers) if where else headers),
    }
    return render(request, "ui/entity.html", context)
