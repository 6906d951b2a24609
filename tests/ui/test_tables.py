"""Tables: only declared columns sort, pages follow by key, totals are made of sums."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.http import QueryDict

from opsboard.ui.tables import Asked, Choice, Column, Filter, Table, fetch

ROWS = """
    SELECT 'k' || lpad(n::text, 3, '0') AS key, 'Item ' || n AS name, n * 100 AS spend,
           CASE WHEN mod(n, 10) = 0 THEN 0 ELSE n * 10 END AS sales
      FROM generate_series(1, 120) AS n
"""
TABLE = Table(
    name="things",
    title="Things",
    rows_sql=ROWS,
    sums=("spend", "sales"),
    texts=(),
    columns=(
        Column("name", "Name", "text", "name"),
        Column("spend", "Spend", "money"),
        Column("sales", "Sales", "money", shown=False),
        Column("ratio", "Ratio", "rate", "spend::numeric / nullif(sales, 0)"),
    ),
    sort="-spend",
    filters=(Filter("show", "Show", (Choice("none", "Without sales", "sales = 0"),)),),
    search=("name",),
)


def asked(query: str = "") -> Asked:
    return Asked.of(TABLE, QueryDict(query))


@pytest.mark.parametrize("sort", ["password", "spend;drop table x", "-key", "--spend' OR 1=1", "name desc"])
def test_only_declared_columns_sort(sort: str) -> None:
    query = QueryDict(mutable=True)
    query["sort"] = sort

    assert Asked.of(TABLE, query).column.key == "spend"


def test_unknown_columns_and_filters_are_as_if_not_there() -> None:
    found = asked("cols=spend,secret&show=everything")

    assert [column.key for column in found.columns] == ["name", "spend"]
    assert not found.filters


@pytest.mark.parametrize("after", ["x", "1", "drop~", "abc~k001", "1~k\0"])
def test_a_broken_page_key_shows_the_first_page(after: str) -> None:
    query = QueryDict(mutable=True)
    query["after"] = after

    assert Asked.of(TABLE, query).after is None


@pytest.mark.django_db
@pytest.mark.parametrize("sort", ["spend", "-spend", "name", "-name", "ratio", "-ratio"])
def test_pages_by_key_show_every_row_once(sort: str) -> None:
    seen: list[str] = []
    after = ""
    for _page in range(10):
        query = QueryDict(mutable=True)
        query.update({"sort": sort, "after": after})
        _totals, rows = fetch(TABLE, Asked.of(TABLE, query), {}, 50)
        if not rows:
            break
        seen += [row["key"] for row in rows]
        after = f"{rows[-1]['sort_value']}~{rows[-1]['key']}"

    assert len(seen) == len(set(seen)) == 120


@pytest.mark.django_db
@pytest.mark.parametrize("sort", ["ratio", "-ratio"])
def test_rows_without_a_figure_come_last_either_way(sort: str) -> None:
    _totals, rows = fetch(TABLE, asked("sort=" + sort), {}, 200)

    assert all(row["ratio"] is None for row in rows[-12:])
    assert rows[0]["ratio"] is not None


@pytest.mark.django_db
def test_a_total_rate_is_a_ratio_of_sums_over_all_rows_not_of_the_page() -> None:
    totals, _rows = fetch(TABLE, asked(), {}, 5)

    spend = sum(n * 100 for n in range(1, 121))
    sales = sum(n * 10 for n in range(1, 121) if n % 10)
    assert totals["spend"] == spend
    assert totals["ratio"].quantize(Decimal("0.000001")) == (Decimal(spend) / sales).quantize(Decimal("0.000001"))


@pytest.mark.django_db
def test_filters_and_search_narrow_the_totals_too() -> None:
    totals, rows = fetch(TABLE, asked("show=none&q=Item 1"), {}, 50)

    assert int(totals["key"]) == len(rows) == 4  # Item 10, 100, 110, 120


@pytest.mark.django_db
def test_a_percent_sign_in_a_search_is_a_percent_sign() -> None:
    totals, _rows = fetch(TABLE, asked("q=%25"), {}, 50)

    assert int(totals["key"]) == 0
