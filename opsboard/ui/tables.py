"""Tables by declaration: columns over summed rows, sorted, filtered and paged in SQL.

A table's `rows_sql` gives one row per entity with a text `key`, other text columns, and plain
sums; every shown figure is an expression over those sums. The totals row applies the same
expressions to the sums of the sums, so a total rate is never a mean of rates. Sorting and
columns are whitelisted by the declaration; values travel as parameters only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlencode

from django.db import connection
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from . import formats
from .filters import PageState

PAGE_ROWS: Final = 50
#: An export stops here and says so; nobody reads more in a sheet.
EXPORT_ROWS: Final = 200_000

Words = str | Promise
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A shown figure or text. `sql` is an expression over the columns of `rows_sql`."""

    key: str
    label: Words
    #: text, money, count, rate (fraction), change (relative), points, number, days; status: "breach|words for people"
    unit: str
    sql: str = ""
    total: bool = True
    shown: bool = True
    #: Draws an inline bar: the cell's share of the column's total.
    share: bool = False
    #: For changes: +1 more is better, -1 less is better, 0 neither.
    direction: int = 0
    help: Words = ""
    digits: int = 1

    @property
    def expression(self) -> str:
        return self.sql or self.key

    @property
    def numeric(self) -> bool:
        return self.unit not in {"text", "status"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter chip: `sql` is a condition over the columns of `rows_sql`."""

    value: str
    label: Words
    sql: str


@dataclass(frozen=True, slots=True)
class Filter:
    key: str
    label: Words
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A declared table. The first column is the entity and always shown."""

    name: str
    title: Words
    rows_sql: str
    #: Columns of `rows_sql` that add up, and text columns carried to the page (not shown by themselves).
    sums: tuple[str, ...]
    texts: tuple[str, ...]
    columns: tuple[Column, ...]
    sort: str
    filters: tuple[Filter, ...] = ()
    #: Text columns a search looks into.
    search: tuple[str, ...] = ()
    search_label: Words = ""
    #: What an empty table means.
    empty: Words = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of a table, checked against its declaration."""

    column: Column
    descending: bool
    columns: tuple[Column, ...]
    filters: Mapping[str, Choice]
    search: str
    after: tuple[str, str] | None
    compact: bool

    @classmethod
    def of(cls, table: Table, query: QueryDict) -> Asked:
        """Unknown sort keys, columns, filters and page keys are as if they were not there."""
        by_key = {column.key: column for column in table.columns}
        sort = query.get("sort", "")
        if sort.lstrip("-") not in by_key:
            sort = table.sort
        wanted = {key for value in query.getlist("cols") for key in value.split(",")} & set(by_key)
        head, *rest = table.columns
        shown = tuple(column for column in rest if (column.key in wanted if wanted else column.shown))
        filters = {}
        for one in table.filters:
            for choice in one.choices:
                if query.get(one.key) == choice.value:
                    filters[one.key] = choice
        column = by_key[sort.lstrip("-")]
        return cls(
            column=column,
            descending=sort.startswith("-"),
            columns=(head, *shown),
            filters=filters,
            search=query.get("q", "").strip()[:200],
            after=_page_key(query.get("after", ""), column),
            compact=query.get("density") == "compact",
        )


def _page_key(text: str, column: Column) -> tuple[str, str] | None:
    value, mark, key = text.partition("~")
    if not mark:
        return None
    if column.numeric:
        try:
            Decimal(value)
        except InvalidOperation:
            return None
    return (value, key) if "\0" not in text else None


def statement(table: Table, asked: Asked, *, limit: int) -> tuple[str, dict[str, Any]]:
    """The one query of a page: the totals row first (part 0), then the rows of the page (part 1)."""
    params: dict[str, Any] = {}
    conditions = [f"({choice.sql})" for choice in asked.filters.values()]
    if asked.search and table.search:
        conditions.append("(" + " OR ".join(f"{name} ILIKE %(search)s" for name in table.search) + ")")
        escaped = asked.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        params["search"] = f"%{escaped}%"
    where = " AND ".join(conditions) or "true"
    figures = [column for column in table.columns if column.numeric]
    texts = [*table.texts, *(c.key for c in table.columns if not c.numeric and c.sql)]
    text_sql = [*table.texts, *(f"{c.sql} AS {c.key}" for c in table.columns if not c.numeric and c.sql)]
    column, way = asked.column, "DESC" if asked.descending else "ASC"
    if column.numeric:
        last = "-Infinity" if asked.descending else "Infinity"
        sort_sql, cast = f"coalesce(({column.expression})::numeric, '{last}')", "numeric"
    else:
        sort_sql, cast = f"lower(coalesce(({column.expression})::text, ''))", "text"
    page = "true"
    if asked.after is not None:
        page = f"(sort_value, key) {'<' if asked.descending else '>'} (%(after_value)s::{cast}, %(after_key)s)"
        params["after_value"], params["after_key"] = asked.after
    total = [f"({c.expression})::numeric AS {c.key}" if c.total else f"NULL::numeric AS {c.key}" for c in figures]
    shown = [f"({c.expression})::numeric AS {c.key}" for c in figures]
    sql = f"""
        WITH base AS MATERIALIZED (SELECT * FROM ({table.rows_sql}) AS every WHERE {where}),
             sums AS (SELECT count(*) AS n{"".join(f", sum({name}) AS {name}" for name in table.sums)} FROM base),
             rows AS (SELECT key, {sort_sql} AS sort_value{"".join(", " + t for t in text_sql)}
                             {"".join(", " + s for s in shown)} FROM base)
        SELECT 0 AS part, n::text AS key, NULL::{cast} AS sort_value{"".join(f", NULL::text AS {t}" for t in texts)}
               {"".join(", " + t for t in total)} FROM sums
        UNION ALL
        (SELECT 1, key, sort_value{"".join(f", {t}::text" for t in texts)}{"".join(f", {c.key}" for c in figures)}
           FROM rows WHERE {page} ORDER BY sort_value {way}, key {way} LIMIT {int(limit)})
    """
    return sql, params


def fetch(table: Table, asked: Asked, params: Mapping[str, Any], limit: int) -> tuple[Record, list[Record]]:
    """(totals, rows); totals["key"] is how many entities match."""
    sql, own = statement(table, asked, limit=limit)
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, **own})
        names = [description[0] for description in cursor.description or ()]
        records = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    rows = [record for record in records if record["part"] == 1]
    return next(record for record in records if record["part"] == 0), rows


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    numeric: bool = True
    missing: bool = False
    tone: str = ""
    share: str = ""
    sub: str = ""
    url: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    key: str
    label: str
    unit: str
    numeric: bool
    help: str
    sort_url: str
    aria_sort: str
    shown: bool


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class TablePage:
    """A table ready for templates/ui/table.html."""

    name: str
    title: str
    headers: tuple[Header, ...]
    choosable: tuple[Header, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[Cell, ...]
    matches: int
    next_url: str
    first_url: str
    chips: tuple[tuple[str, tuple[Chip, ...]], ...]
    search: str
    search_label: str
    narrowed: bool
    clear_url: str
    compact: bool
    density_url: str
    export_url: str
    carried: tuple[tuple[str, str], ...]
    empty: str
    shown_note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Whether any column of it has a total."""
        return any(cell.text and not cell.missing for cell in self.totals)


#: (record) -> (words, small words under them, address) of the entity cell.
Entity = Callable[[Record], tuple[str, str, str]]


def page(
    table: Table,
    state: PageState,
    params: Mapping[str, Any],
    marketplace: Marketplace,
    entity: Entity,
    export_url: str,
) -> TablePage:
    """Run the page's query and make it readable."""
    asked = Asked.of(table, state.query_dict)
    totals, records = fetch(table, asked, params, PAGE_ROWS + 1)
    more, records = len(records) > PAGE_ROWS, records[:PAGE_ROWS]
    next_url = ""
    if more:
        last = records[-1]
        next_url = state.query(after=f"{last['sort_value']}~{last['key']}")
    headers = tuple(_header(column, asked, state, marketplace) for column in asked.columns)
    shown = {column.key for column in asked.columns}
    choosable = tuple(_header(column, asked, state, marketplace, shown) for column in table.columns[1:])
    drop = {"cols", "q", "after", *(f.key for f in table.filters)}
    return TablePage(
        name=table.name,
        title=str(table.title),
        headers=headers,
        choosable=choosable,
        rows=tuple(_row(asked, record, totals, marketplace, entity) for record in records),
        totals=tuple(_cell(column, totals, totals, marketplace) for column in asked.columns[1:]),
        matches=int(totals["key"]),
        next_url=next_url,
        first_url=state.query(after=None) if asked.after else "",
        chips=tuple(_chips(one, asked, state) for one in table.filters),
        search=asked.search,
        search_label=str(table.search_label),
        narrowed=bool(asked.search or asked.filters),
        clear_url=state.query(q=None, **{one.key: None for one in table.filters}),
        compact=asked.compact,
        density_url=state.query(density=None if asked.compact else "compact"),
        export_url=export_url + "?" + urlencode([*state.query_dict.lists()], doseq=True),
        carried=tuple((k, v) for k, vs in state.query_dict.lists() for v in vs if k not in drop),
        empty=str(table.empty),
    )


def unit_label(column: Column, marketplace: Marketplace) -> str:
    """The unit as the header says it."""
    match column.unit:
        case "money":
            return marketplace.currency
        case "rate" | "change":
            return "%"
        case "points":
            return _("pts")
        case "days":
            return _("days")
        case _:
            return ""


def _header(
    column: Column, asked: Asked, state: PageState, marketplace: Marketplace, shown: set[str] | None = None
) -> Header:
    current = asked.column.key == column.key
    # A first click sorts figures from the top and words from A; a second turns it round.
    descending = not asked.descending if current else column.numeric
    return Header(
        key=column.key,
        label=str(column.label),
        unit=unit_label(column, marketplace),
        numeric=column.numeric,
        help=str(column.help),
        sort_url=state.query(sort=("-" if descending else "") + column.key),
        aria_sort=("descending" if asked.descending else "ascending") if current else "",
        shown=shown is None or column.key in shown,
    )


def _chips(one: Filter, asked: Asked, state: PageState) -> tuple[str, tuple[Chip, ...]]:
    chosen = asked.filters.get(one.key)
    return str(one.label), tuple(
        Chip(str(c.label), state.query(**{one.key: None if c is chosen else c.value}), c is chosen) for c in one.choices
    )


def _row(asked: Asked, record: Record, totals: Record, marketplace: Marketplace, entity: Entity) -> tuple[Cell, ...]:
    words, sub, url = entity(record)
    head = Cell(words, numeric=False, sub=sub, url=url)
    return (head, *(_cell(column, record, totals, marketplace) for column in asked.columns[1:]))


def _cell(column: Column, record: Record, totals: Record, marketplace: Marketplace) -> Cell:
    value = record.get(column.key)
    if not column.numeric:
        if column.unit == "status":
            status, _bar, words = (value or "").partition("|")
            return Cell(words or status, numeric=False, status=status)
        return Cell(value or "", numeric=False)
    tone = ""
    if column.unit in {"change", "points"} and value and column.direction:
        tone = "good" if (value > 0) == (column.direction > 0) else "bad"
    share = ""
    if column.share and value is not None and totals.get(column.key) and record is not totals:
        share = f"{max(0, min(100, value * 100 / totals[column.key])):.1f}"
    return Cell(show(column, value, marketplace), missing=value is None, tone=tone, share=share)


def show(column: Column, value: Decimal | None, marketplace: Marketplace) -> str:
    """A figure of this column without its unit (the header carries it)."""
    if value is None:
        return formats.NOTHING
    match column.unit:
        case "money":
            return formats.decimals(value.scaleb(-marketplace.minor_digits), marketplace.minor_digits)
        case "rate":
            return formats.decimals(value * 100, column.digits)
        case "change":
            if abs(value) >= 10:
                return _("× %(times)s") % {"times": formats.decimals(value + 1)}
            return formats.signed(formats.decimals(value * 100, 1), value)
        case "points":
            return formats.signed(formats.decimals(value * 100, 1), value)
        case "number":
            return formats.decimals(value, column.digits)
        case _:
            return formats.decimals(value)


def exported(table: Table, state: PageState, params: Mapping[str, Any]) -> tuple[Asked, Record, Iterator[Record]]:
    """Everything the page would show on all its pages, for opsboard.ui.exports."""
    asked = Asked.of(table, state.query_dict)
    everything = Asked(asked.column, asked.descending, asked.columns, asked.filters, asked.search, None, asked.compact)
    totals, rows = fetch(table, everything, params, EXPORT_ROWS)
    return everything, totals, iter(rows)
