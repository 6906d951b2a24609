"""Brand Analytics as its page gives it (CSV): a line that says what was chosen, the header, the rows.

The ASIN and whether it is weeks stand in the first line only; the rows name the Saturday their week ends on.
In another language of which that column's name is not known, the first line tells it too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Document
from opsboard.feeds.registry import Column, Kind, ReportSpec, register
from opsboard.feeds.staging import canonical
from opsboard.feeds.tables import Prepare, Table

from . import reports_spellings
from .reports_brand import SEARCH_QUERIES, SEARCH_TERMS, check_own_asins_are_known

INTEGER, MONEY, TEXT, PERCENT = Kind.INTEGER, Kind.MONEY, Kind.TEXT, Kind.PERCENT
#: One choice of the page as the first line tells it: `ASIN or Product=["B0..."]`.
_CHOICE = re.compile(r"([^,=\[\]\"]+)=\[([^\]]*)\]")
_WEEK = re.compile(r"\d{4}-\d{2}-\d{2} - (\d{4}-\d{2}-\d{2})")
_SATURDAY = 6
_WEEK_END = Column("week_end", Kind.DATE, ("Reporting Date",), required=True)
_SUNDAY = {"date": "s.week_end - 6"}


def _chosen(options: Mapping[str, Any]) -> dict[str, str]:
    """What was chosen on the page, by its names; BadDocument when the line above the header does not say weeks."""
    said = " ".join(map(str, options.get("preamble") or []))
    chosen = {name.strip(): value.replace('"', "").strip() for name, value in _CHOICE.findall(said)}
    if not reports_spellings.WEEKLY.items() & chosen.items():
        raise BadDocument(
            _('The line above the header does not say “Reporting Range=["Weekly"]”, and opsboard keeps weeks'),
            line=1,
            todo=_("On the Brand Analytics page in English, choose “Weekly” and download it again, unchanged."),
        )
    return chosen


def name_asin(options: Mapping[str, Any]) -> Prepare:
    """A `Table.prepare` that puts the ASIN of the first line, and the end of its week, into every row."""
    chosen = _chosen(options)
    asin = next((value for name, value in chosen.items() if name.startswith("ASIN")), "")
    if not re.fullmatch("[A-Z0-9]{10}", asin):
        raise BadDocument(
            _("The line above the header does not name the one ASIN the rows are about"),
            line=1,
            todo=_("On the page, choose the ASIN View and one ASIN, and download it again."),
        )
    week = next(filter(None, map(_WEEK.search, chosen.values())), None)

    def prepare(batch: dict[str, list[str]]) -> None:
        rows = max(map(len, batch.values()), default=0)
        batch.setdefault("ASIN", [asin] * rows)
        if "reportingdate" not in map(canonical, batch):
            if week is None:
                raise BadDocument(
                    _("Neither its rows nor the line above the header say which week it is about"),
                    line=1,
                    todo=_("On the page in English, choose the week and download it again, unchanged."),
                )
            batch["Reporting Date"] = [week[1]] * rows

    return prepare


def only_weeks(options: Mapping[str, Any]) -> Prepare:
    """A `Table.prepare` that refuses what is no week, and a week of which only what was searched for is there."""
    for name, value in _chosen(options).items():
        if value and name not in {*reports_spellings.WEEKLY, *reports_spellings.CHOSEN_WEEK}:
            raise BadDocument(
                _("It holds only the terms of “%(name)s”, and opsboard keeps a week as a whole") % {"name": name},
                line=1,
                todo=_("On the page, choose the week and nothing else, and download it again."),
            )
    return lambda batch: None


def check_saturdays(cursor: Any, table: str, document: Document) -> None:
    """A `Dataset.verify`: a week of Amazon's ends on a Saturday."""
    cursor.execute(f"SELECT week_end, line FROM {table} WHERE extract(dow FROM week_end) <> %s LIMIT 1", [_SATURDAY])
    if other := cursor.fetchone():
        raise BadDocument(
            _("%(day)s is not the last day of a week (a Saturday)") % {"day": other[0]},
            line=other[1],
            todo=_("Download it again by week."),
        )


def check_terms(cursor: Any, table: str, document: Document) -> None:
    """A `Dataset.verify`: weeks, known ASINs, and shares that are percentages."""
    check_saturdays(cursor, table, document)
    cursor.execute(f"SELECT max(click_share_1) FROM {table}")
    most = cursor.fetchone()[0]
    if most is not None and most <= 1:
        raise BadDocument(
            _("No click share is over 1: they may be fractions or very small percentages"),
            todo=_("Nothing was changed. Download it again, and do not open it in a spreadsheet before sending it."),
        )
    check_own_asins_are_known(cursor, table, document)


def _names(what: str, kind: str) -> tuple[str, ...]:
    return (f"{what}: {kind}", *((f"Basket Adds: {kind}",) if what == "Cart Adds" else ()))


def _counts(field: str, what: str) -> tuple[Column, Column]:
    return (
        Column(f"{field}_total", INTEGER, _names(what, "Total Count")),
        Column(f"{field}_asin", INTEGER, _names(what, "ASIN Count"), required=field in {"impressions", "clicks"}),
    )


CONSOLE_QUERIES = replace(
    SEARCH_QUERIES,
    rows="",
    derived=_SUNDAY,
    verify=check_saturdays,
    columns=(
        _WEEK_END,
        Column("asin", TEXT, ("ASIN",), required=True),
        Column("query_id", Kind.KEY, ("Search Query",), required=True, text_field="query_text"),
        Column("score", INTEGER, ("Search Query Score",)),
        Column("volume", INTEGER, ("Search Query Volume",)),
        *_counts("impressions", "Impressions"),
        *_counts("clicks", "Clicks"),
        *_counts("cart_adds", "Cart Adds"),
        *_counts("purchases", "Purchases"),
        Column("click_price_total_minor", MONEY, ("Clicks: Price (Median)",)),
        Column("click_price_asin_minor", MONEY, ("Clicks: ASIN Price (Median)",)),
        Column("purchase_price_total_minor", MONEY, ("Purchases: Price (Median)",)),
        Column("purchase_price_asin_minor", MONEY, ("Purchases: ASIN Price (Median)",)),
    ),
)

_PLACES = (1, 2, 3)
_WIDE = ", ".join(f"(s.asin_{n}, {n}, s.click_share_{n}, s.conversion_share_{n})" for n in _PLACES)
#: A row a term and place, of the terms one of whose ASINs the seller lists.
LONG_TERMS = (
    "(SELECT s.*, p.asin, p.place, p.clicks, p.conversions FROM {table} s "
    f"CROSS JOIN LATERAL (VALUES {_WIDE}) p(asin, place, clicks, conversions) WHERE p.asin <> '' "
    "AND EXISTS (SELECT 1 FROM listings_listing l WHERE l.account_id = %(account)s "
    "AND l.marketplace_id = %(marketplace)s AND l.asin IN (s.asin_1, s.asin_2, s.asin_3) AND l.asin <> ''))"
)


def _place(number: int) -> tuple[Column, ...]:
    product = f"Top Clicked Product #{number}"
    return (
        Column(f"asin_{number}", TEXT, (f"{product}: ASIN",), required=True, default=""),
        Column(f"click_share_{number}", PERCENT, (f"{product}: Click Share",), required=number == 1, high=100),
        Column(f"conversion_share_{number}", PERCENT, (f"{product}: Conversion Share",), high=100),
    )


CONSOLE_TERMS = replace(
    SEARCH_TERMS,
    rows="",
    source=LONG_TERMS,
    verify=check_terms,
    derived={
        **_SUNDAY,
        "department": "''::text",
        "asin": "s.asin",
        "position": "s.place",
        "click_share": "round(s.clicks / 100, 6)",
        "conversion_share": "round(s.conversions / 100, 6)",
    },
    columns=(
        _WEEK_END,
        Column("term_id", Kind.KEY, ("Search Term",), required=True),
        Column("term", TEXT, ("Search Term",), required=True),
        Column("rank", INTEGER, ("Search Frequency Rank",), required=True),
        *(column for number in _PLACES for column in _place(number)),
    ),
)

register(
    ReportSpec(
        key="console_search_queries",
        label=gettext_lazy("Search query performance (download)"),
        report_type="console: Search Query Performance, ASIN View",
        api="",
        format="csv",
        datasets=(CONSOLE_QUERIES,),
        source_page="Brands > Brand Analytics > Search Query Performance > ASIN View",
        unstored=(
            "*%",
            "*Shipping Speed",
            "Cart Adds: *Price (Median)",
            "Basket Adds: *",
            "*配送速度",
            "加入购物车*",
            "购物车添加*",
        ),
        table=Table(
            made={"ASIN": ("Impressions: ASIN Count",), "Reporting Date": ("Impressions: ASIN Count",)},
            spelt=reports_spellings.SEARCH_QUERIES,
            prepare=name_asin,
        ),
    ),
    ReportSpec(
        key="console_top_search_terms",
        label=gettext_lazy("Top search terms (download)"),
        report_type="console: Top Search Terms",
        api="",
        format="csv",
        datasets=(CONSOLE_TERMS,),
        source_page="Brands > Brand Analytics > Top Search Terms",
        unstored=(
            "Top Clicked Brand*",
            "Top Clicked Category*",
            "*: Product Title",
            "点击量*品牌*",
            "点击量*分类",
            "点击量*类别*",
        ),
        table=Table(spelt=reports_spellings.TOP_TERMS, prepare=only_weeks),
    ),
)
