"""Brand Analytics by the week: what people search, and how the seller's ASINs do in it.

Search Query Performance is asked for ASIN by ASIN: eighteen names fit into a request, the best sellers of the
week first, and each further request of the week asks for the next. Top Search Terms tells the whole
marketplace; only the terms in which one of the seller's own ASINs is among the clicked are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument, WrongMarketplace
from opsboard.feeds.models import Document
from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, Period, ReportSpec, Scope, register

from .models import AsinDay, Listing, SearchQuery, SearchQueryWeek, SearchTermWeek

INTEGER, MONEY, TEXT = Kind.INTEGER, Kind.MONEY, Kind.TEXT
QUERIES_KEY = "search_query_performance"
#: Amazon's limit to the option `asin`, in characters.
ASIN_CHARACTERS = 200


def own_asins(account_id: int, marketplace_id: int, first: date, last: date) -> Mapping[str, str] | None:
    """The next ASINs to ask about for a week, best sellers first; None when all were asked about."""
    mine = {"account_id": account_id, "marketplace_id": marketplace_id}
    sold = (
        AsinDay.objects.filter(**mine, date__range=(first, last))
        .values("asin")
        .annotate(sales=Sum("ordered_sales_minor"), visits=Sum("sessions"))
        .order_by("-sales", "-visits", "asin")
    )
    known = [row["asin"] for row in sold]
    if not known:
        listed = Listing.objects.filter(**mine).exclude(asin="").order_by("asin")
        known = list(listed.values_list("asin", flat=True).distinct())
    told = Document.objects.filter(**mine, spec=QUERIES_KEY, window_start=first, window_end=last, withdrawn_at=None)
    asked = {
        asin for options in told.values_list("options", flat=True) for asin in str(options.get("asin", "")).split()
    }
    left = [asin for asin in known if asin not in asked]
    if not left:
        return None
    return {"asin": " ".join(left[: (ASIN_CHARACTERS + 1) // 11])}


def check_week(key: str, value: Any, document: Document) -> None:
    """Refuse what is not one whole week (Sunday to Saturday) of this marketplace."""
    if key != "reportSpecification":
        return
    options = value.get("reportOptions") if isinstance(value, dict) else None
    period = options.get("reportPeriod") if isinstance(options, dict) else None
    if period != "WEEK":
        raise BadDocument(
            _("Its rows are totals by %(period)s, and opsboard keeps weeks") % {"period": str(period).lower()},
            todo=_("Ask for the report by week (reportPeriod WEEK)."),
        )
    try:
        first, last = (date.fromisoformat(str(value[name])[:10]) for name in ("dataStartTime", "dataEndTime"))
    except (KeyError, ValueError):
        first = last = date.min
    if not Period.WEEK.begins(first) or last - first != timedelta(days=6):
        raise BadDocument(
            _("It does not say which week it is about, Sunday to Saturday"), todo=_("Download the report again.")
        )
    if (document.window_start, document.window_end) != (first, last):
        raise BadDocument(
            _("It is about %(first)s to %(last)s, which is not what was asked for") % {"first": first, "last": last},
            todo=_("Nothing was changed. Ask for the report again."),
        )
    theirs = value.get("marketplaceIds")
    if isinstance(theirs, list) and theirs and set(map(str, theirs)) != {document.marketplace.amazon_id}:
        raise WrongMarketplace(
            _("It is about marketplace %(theirs)s, not %(ours)s (%(code)s)")
            % {"theirs": theirs[0], "ours": document.marketplace.amazon_id, "code": document.marketplace.code},
            todo=_("Choose the marketplace the report was made for."),
        )


def once_listed(account_id: int, marketplace_id: int, _first: date, _last: date) -> Mapping[str, str] | None:
    """Nothing to ask before it is known which ASINs are the seller's own."""
    return {} if _lists_anything(account_id, marketplace_id) else None


def _lists_anything(account_id: int, marketplace_id: int) -> bool:
    return Listing.objects.filter(account_id=account_id, marketplace_id=marketplace_id).exclude(asin="").exists()


def check_own_asins_are_known(cursor: Any, table: str, document: Document) -> None:
    """A `Dataset.verify`: without listings every term would be dropped as nobody's."""
    if not _lists_anything(document.account_id, document.marketplace_id):
        raise BadDocument(
            _("opsboard keeps the terms in which your own ASINs are clicked, and knows none of your ASINs yet"),
            todo=_("Fetch or send the All Listings report first, then read this document again."),
        )


SEARCH_QUERIES = Dataset(
    key=QUERIES_KEY,
    label=gettext_lazy("Search query performance"),
    model=SearchQueryWeek,
    scope=Scope.GROUPS,
    group=("date", "asin"),
    period=Period.WEEK,
    rows="dataByAsin",
    lag_days=10,
    mature_days=10,
    columns=(
        Column("date", Kind.DATE, ("startDate",), required=True),
        Column("asin", TEXT, ("asin",), required=True),
        Column("query_id", Kind.KEY, ("searchQueryData.searchQuery",), required=True, text_field="query_text"),
        Column("score", INTEGER, ("searchQueryData.searchQueryScore",)),
        Column("volume", INTEGER, ("searchQueryData.searchQueryVolume",)),
        Column("impressions_total", INTEGER, ("impressionData.totalQueryImpressionCount",)),
        Column("impressions_asin", INTEGER, ("impressionData.asinImpressionCount",), required=True),
        Column("clicks_total", INTEGER, ("clickData.totalClickCount",)),
        Column("clicks_asin", INTEGER, ("clickData.asinClickCount",)),
        Column("cart_adds_total", INTEGER, ("cartAddData.totalCartAddCount",)),
        Column("cart_adds_asin", INTEGER, ("cartAddData.asinCartAddCount",)),
        Column("purchases_total", INTEGER, ("purchaseData.totalPurchaseCount",)),
        Column("purchases_asin", INTEGER, ("purchaseData.asinPurchaseCount",)),
        Column("currency", Kind.CURRENCY, ("clickData.totalMedianClickPrice.currencyCode",)),
        Column("click_price_total_minor", MONEY, ("clickData.totalMedianClickPrice.amount",)),
        Column("click_price_asin_minor", MONEY, ("clickData.asinMedianClickPrice.amount",)),
        Column("purchase_price_total_minor", MONEY, ("purchaseData.totalMedianPurchasePrice.amount",)),
        Column("purchase_price_asin_minor", MONEY, ("purchaseData.asinMedianPurchasePrice.amount",)),
    ),
    dimensions=(Dimension(SearchQuery, key=("query_id",), columns={"text": "query_text"}),),
)

#: The terms one of whose clicked ASINs is listed by the seller, with all of the ASINs.
OWN_TERMS = (
    "(SELECT s.* FROM {table} s WHERE (s.department, s.term_id) IN (SELECT t.department, t.term_id FROM {table} t "
    "JOIN listings_listing l ON l.asin = t.asin WHERE l.account_id = %(account)s "
    "AND l.marketplace_id = %(marketplace)s))"
)
SEARCH_TERMS = Dataset(
    key="top_search_terms",
    label=gettext_lazy("Search terms in which own ASINs are clicked"),
    model=SearchTermWeek,
    scope=Scope.GROUPS,
    group=("date",),
    period=Period.WEEK,
    rows="dataByDepartmentAndSearchTerm",
    lag_days=10,
    mature_days=10,
    source=OWN_TERMS,
    verify=check_own_asins_are_known,
    # A row does not name its week; the document does.
    derived={"date": "(SELECT d.window_start FROM feeds_document d WHERE d.id = %(document)s)"},
    columns=(
        Column("department", TEXT, ("departmentName",), required=True, default=""),
        Column("term_id", Kind.KEY, ("searchTerm",), required=True),
        Column("term", TEXT, ("searchTerm",), required=True),
        Column("rank", INTEGER, ("searchFrequencyRank",), required=True),
        Column("asin", TEXT, ("clickedAsin",), required=True),
        Column("position", INTEGER, ("clickShareRank",), low=1),
        Column("click_share", Kind.RATE, ("clickShare",), high=1),
        Column("conversion_share", Kind.RATE, ("conversionShare",), high=1),
    ),
)

register(
    ReportSpec(
        key=QUERIES_KEY,
        label=SEARCH_QUERIES.label,
        report_type="GET_BRAND_ANALYTICS_SEARCH_QUERY_PERFORMANCE_REPORT",
        api="sp",
        format="json",
        datasets=(SEARCH_QUERIES,),
        options={"reportPeriod": "WEEK"},
        ask=own_asins,
        max_days=7,
        lookback_days=43,
        modest=True,
        every_hours=24,
        reask_days=21,
        until_final_days=42,
        fastest_hours=24,
        source_page="Brands > Brand Analytics > Search Query Performance",
        preflight=check_week,
        unstored=("endDate", "*Share", "*Rate", "*Shipping*", "*.currencyCode", "*Price", "cartAddData.*Price.amount"),
    ),
    ReportSpec(
        key="top_search_terms",
        label=SEARCH_TERMS.label,
        report_type="GET_BRAND_ANALYTICS_SEARCH_TERMS_REPORT",
        api="sp",
        format="json",
        datasets=(SEARCH_TERMS,),
        options={"reportPeriod": "WEEK"},
        ask=once_listed,
        # Gigabytes a week in a large marketplace.
        max_days=7,
        lookback_days=22,
        modest=True,
        every_hours=24,
        reask_days=14,
        until_final_days=21,
        fastest_hours=24,
        source_page="Brands > Brand Analytics > Top Search Terms",
        preflight=check_week,
    ),
)
