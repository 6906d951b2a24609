"""Health: Amazon's own figures about the account, its own targets beside them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import freshness
from opsboard.feeds.provenance import trace
from opsboard.kpis.cards import cards, chosen
from opsboard.kpis.trends import chart, explorable
from opsboard.ui import charts, entities, formats
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account, one_scope_or_404, span_params, table_export

from . import queries

TILES = (
    "odr_mfn",
    "odr_afn",
    "late_shipment",
    "valid_tracking",
    "cancellation",
    "on_time_delivery",
    "negative_feedback",
    "account_rating",
)
#: Rates where more is better; of the others less is.
_MORE_IS_BETTER = {"valid_tracking", "on_time_delivery", "unit_on_time_delivery"}


#: What Amazon calls how it judges.
_STATED = {
    "NORMAL": gettext_lazy("normal"),
    "GREAT": gettext_lazy("great"),
    "GOOD": gettext_lazy("good"),
    "FAIR": gettext_lazy("fair"),
    "AT_RISK": gettext_lazy("at risk"),
    "BAD": gettext_lazy("bad"),
    "CRITICAL": gettext_lazy("critical"),
    "DEACTIVATED": gettext_lazy("deactivated"),
}


def _stated(word: str) -> str:
    """Amazon's judgement in the reader's words; one we have no word for as Amazon says it."""
    return str(_STATED.get(word, word))


def _params(state: PageState, scope: AccountMarketplace) -> dict[str, Any]:
    params = span_params(state, scope)
    return {**params, "day": queries.newest_day(params)}


def index(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    scope = state.one
    if scope is None:
        return no_account(request)
    params = _params(state, scope)
    metrics = queries.metrics(params)
    shown = chosen(request, TILES)
    context = {
        "page_scope": scope,
        "day": params["day"],
        "tiles": cards(TILES, scope, state),
        "chart": chart(shown, scope, state),
        "explore": explorable(TILES, shown, scope, state),
        "rating": metrics.get("account_health_rating"),
        "said": {
            name: _stated(metrics[name]["status"])
            for name in ("account_status", "account_health_rating")
            if name in metrics
        },
        "rates": [_line(n, words, metrics[n], state, scope) for n, words in queries.RATES.items() if n in metrics],
        "counters": [
            _line(n, words, metrics[n], state, scope) for n, words in queries.COUNTERS.items() if n in metrics
        ],
        "export": {
            ending: reverse("health:export", args=[ending]) + state.carried(scope) for ending in ("csv", "xlsx")
        },
    }
    return render(request, "health/index.html", context)


def _line(
    name: str, words: str | Promise, row: dict[str, Any], state: PageState, scope: AccountMarketplace
) -> dict[str, Any]:
    """A metric as the page says it; its status is Amazon's word, ours only where Amazon gives none."""
    rate, target = row["rate"], row["target"]
    stated = {"GOOD": "ok", "NONE": "unknown", "FAIR": "warn", "AT_RISK": "warn", "BAD": "breach", "CRITICAL": "breach"}
    status = stated.get(row["status"], "")
    if name in queries.COUNTERS:
        status = status or ("unknown" if row["numerator"] is None else "breach" if row["numerator"] else "ok")
    elif not status:
        status = "unknown" if rate is None or target is None else "ok" if _within(name, rate, target) else "breach"
    return {
        "name": words,
        "row": row,
        "status": status,
        "word": _stated(row["status"]),
        "target": formats.percent(target, 1 if target % Decimal("0.01") else 0) if target is not None else "",
        "more": name in _MORE_IS_BETTER,
        "url": reverse("health:metric", args=[name]) + state.carried(scope),
    }


def _within(name: str, rate: Decimal, target: Decimal) -> bool:
    return rate > target if name in _MORE_IS_BETTER else rate < target


def export(request: HttpRequest, ending: str) -> HttpResponse:
    state, scope = one_scope_or_404(request)
    return table_export(request, ending, queries.METRICS, _params(state, scope), freshness.sentence([scope]))


def metric(request: HttpRequest, metric: str) -> HttpResponse:
    """One metric as Amazon stated it day by day, with its target and the document lines behind it."""
    if metric not in queries.NAMES:
        raise Http404("no such metric")
    state, scope = one_scope_or_404(request)
    market, params = scope.marketplace, span_params(state, scope)
    days = queries.metric_days(params, metric)
    now, unit = state.snapshot_days(scope), "rate" if metric in queries.RATES else "count"
    value = "rate" if unit == "rate" else "numerator"
    latest: dict[str, Any] = days[0] if days else {}
    words = queries.NAMES[metric]
    target = latest.get("target")
    figures = [entities.figure(words, latest.get(value), None, unit, market)]
    if unit == "rate":
        figures += [
            entities.figure(_("Count"), latest.get("numerator"), None, "count", market),
            entities.figure(_("Of"), latest.get("denominator"), None, "count", market),
            entities.figure(_("Amazon's target"), target, None, "rate", market),
        ]
    limit = None
    if target is not None and unit == "rate":
        limit = charts.LimitLine(target, _("Amazon's target %(value)s") % {"value": formats.percent(target)})
    drawn = [
        charts.trend(
            words,
            [entities.series(words, days, now, value, colour=1)],
            show=entities.shower(unit, market),
            show_tick=entities.tick_shower(unit, market),
            scale=entities.scale(unit, market),
            limit=limit,
        )
    ]
    evidence = trace(
        scope,
        (
            (
                row["date"],
                (
                    formats.percent(row["rate"], 2) if unit == "rate" else formats.NOTHING,
                    formats.decimals(row["numerator"]),
                    formats.decimals(row["denominator"]),
                    row["status"],
                ),
                row["document_id"],
                row["line"],
            )
            for row in days
        ),
    )
    context = {
        "page_scope": scope,
        "name": words,
        "sub": _("as Amazon states it"),
        "back_url": reverse("health:index") + state.carried(),
        "back_words": _("Health"),
        "figures": figures,
        "charts": drawn,
        "evidence": evidence,
        "evidence_headers": (_("Rate"), _("Count"), _("Of"), _("Amazon says")),
    }
    return render(request, "ui/entity.html", context)
