"""Missing is never zero: a gap is planted, and every kind of page, chart, tile, total and export is looked at."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from openpyxl import load_workbook

from ads.models import CampaignDay, SearchTermDay
from health.models import MetricDay
from health.views import _line
from inventory.models import PlanningDay
from listings import playbooks
from listings.models import AsinDay, SalesDay
from opsboard.accounts.models import AccountMarketplace, Role
from opsboard.feeds.models import Coverage
from opsboard.kpis import cards, rollup, trends
from opsboard.ui.filters import PageState
from tests.e2e.shop import stock_shop
from tests.factories import make_scope, make_user

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
#: Days of the newest thirty that no document covers, in days ago.
GAP = (6, 7, 8, 9)
FACTS: dict[str, Any] = {
    "sales_by_date": SalesDay,
    "sales_by_asin": AsinDay,
    "sp_campaigns": CampaignDay,
    "sp_search_terms": SearchTermDay,
    "planning": PlanningDay,
    "performance": MetricDay,
}


@pytest.fixture
def scope() -> AccountMarketplace:
    """A shop where every day is like every other, and four days are not known at all."""
    scope = make_scope()
    stock_shop(scope)
    mine = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    SalesDay.objects.filter(**mine).update(ordered_sales_minor=90000)
    for ago in GAP:
        forget(scope, scope.marketplace.today() - timedelta(days=ago))
    follow(scope)
    return scope


def forget(scope: AccountMarketplace, day: date) -> None:
    mine = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id, "date": day}
    for model in FACTS.values():
        model.objects.filter(**mine).delete()
    Coverage.objects.filter(**mine, dataset__in=FACTS).delete()
    from opsboard.kpis.models import AccountDay

    AccountDay.objects.filter(**mine).delete()


def follow(scope: AccountMarketplace) -> None:
    with transaction.atomic():
        rollup.rebuild(scope.account_id, scope.marketplace_id)


@pytest.fixture
def viewer(scope: AccountMarketplace) -> Client:
    client = Client()
    client.force_login(make_user(scope.account.organisation, Role.VIEWER), BACKEND)
    return client


def state_of(scope: AccountMarketplace, rf: Any, **query: str) -> PageState:
    request = rf.get("/", query)
    request.user = make_user(scope.account.organisation, Role.VIEWER)
    return PageState.from_request(request)


def text(answer: Any) -> str:
    assert answer.status_code == 200
    content: str = answer.content.decode()
    return content


def exported(client: Client, address: str, **query: str) -> tuple[str, list[dict[str, str]]]:
    about, head, *rows = csv.reader(io.StringIO(client.get(address, query).content.decode("utf-8-sig")))
    return " ".join(about), [dict(zip(head, row, strict=True)) for row in rows]


def twin(chart: Any, scope: AccountMarketplace, ago: int) -> tuple[str, ...]:
    """The cells of a chart's own table for a day."""
    day = scope.marketplace.today() - timedelta(days=ago)
    return tuple(next(row for row in chart.twin if row.day == day).cells)


# --- tiles and trends -----------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["ordered_sales", "listings.units", "ads.spend", "ads.sales"])
def test_a_tile_does_not_fall_because_days_are_missing_and_says_how_many_are(
    key: str, scope: AccountMarketplace, rf: Any
) -> None:
    (card,) = cards.cards([key], scope, state_of(scope, rf))
    assert card.change.lstrip("+").startswith("0.0")
    assert re.search(r"[456] of \d\d days missing", card.as_of)


def test_a_trend_has_a_hole_and_no_zero(scope: AccountMarketplace, rf: Any) -> None:
    for key in ("ordered_sales", "acos", "inventory.available", "odr_mfn"):
        drawn = trends.chart(key, scope, state_of(scope, rf))
        for ago in GAP:
            assert twin(drawn, scope, ago)[0] == "–", key
        assert twin(drawn, scope, 12)[0] not in {"–", "0", "$0"}, key
        assert drawn.gaps, key


def test_the_interactive_chart_gets_no_zero_either(scope: AccountMarketplace, rf: Any) -> None:
    figure = trends.explorable(("ads.spend",), "ads.spend", scope, state_of(scope, rf, explore="1"))
    assert figure is not None
    by_day = dict(zip(figure["traces"][0]["x"], figure["traces"][0]["y"], strict=True))
    today = scope.marketplace.today()
    assert {by_day[(today - timedelta(days=ago)).isoformat()] for ago in GAP} == {None}
    assert by_day[(today - timedelta(days=12)).isoformat()] == 200.0


def test_a_day_that_is_covered_and_idle_is_a_zero(scope: AccountMarketplace, rf: Any) -> None:
    day = scope.marketplace.today() - timedelta(days=12)
    CampaignDay.objects.filter(account_id=scope.account_id, date=day).delete()
    follow(scope)
    assert twin(trends.chart("ads.spend", scope, state_of(scope, rf)), scope, 12)[0] == "$0.00"


# --- tables, entities, exports --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "change"), [("/listings/", "Sales change (%)"), ("/ads/", "Spend change (%)"), ("/ads/terms/", "")]
)
def test_a_table_names_the_missing_days_and_its_changes_are_of_known_ones(
    page: str, change: str, scope: AccountMarketplace, viewer: Client
) -> None:
    assert re.search(r"[456] of 30 days are missing", text(viewer.get(page)))
    about, rows = exported(viewer, f"{page}export.csv")
    assert re.search(r"[456] of 30 days are missing", about)
    if change:
        assert {float(row[change]) for row in rows} == {0.0}


def test_an_entity_is_compared_over_days_known_on_both_sides(scope: AccountMarketplace, viewer: Client) -> None:
    for address in ("/listings/asin/B000000000/", "/ads/campaign/100/"):
        answer = viewer.get(address)
        assert re.search(r"[456] of 30 days are missing", text(answer))
        assert {figure.change.lstrip("+")[:3] for figure in answer.context["figures"]} <= {"0.0", ""}
        for chart in answer.context["charts"]:
            assert all(set(twin(chart, scope, ago)) == {"–"} for ago in GAP)


def test_a_campaign_without_a_row_in_covered_days_spent_nothing_and_in_unknown_days_nobody_knows(
    scope: AccountMarketplace, viewer: Client
) -> None:
    CampaignDay.objects.filter(account_id=scope.account_id, campaign_id=101).delete()
    known = viewer.get("/ads/campaign/101/").context["figures"][0].text
    day = (scope.marketplace.today() - timedelta(days=GAP[0])).isoformat()
    unknown = viewer.get("/ads/campaign/101/", {"period": "custom", "from": day, "to": day}).context["figures"][0].text
    assert (known, unknown) == ("$0.00", "–")


def test_stock_and_health_of_a_missing_day_are_no_zero(scope: AccountMarketplace, viewer: Client) -> None:
    for address in ("/inventory/sku/SKU-000/", "/health/metric/odr_mfn/"):
        (chart,) = viewer.get(address).context["charts"]
        assert all(set(twin(chart, scope, ago)) == {"–"} for ago in GAP)


def test_what_amazon_left_out_is_an_empty_cell_in_csv_and_xlsx_and_enters_no_ratio(
    scope: AccountMarketplace, viewer: Client
) -> None:
    PlanningDay.objects.filter(account_id=scope.account_id, sku="SKU-000").update(inbound=None, excess=None)
    _about, rows = exported(viewer, "/inventory/export.csv", cols="inbound,excess,sell_through")
    row = next(row for row in rows if row["Key"] == "SKU-000")
    assert (row["Inbound"], row["Excess"], row["Sell-through, 90 days"]) == ("", "", "")

    content = viewer.get("/inventory/export.xlsx", {"cols": "inbound,available"}).content
    head, *cells = load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    by_sku = {line[0]: dict(zip(head, line, strict=True)) for line in cells}
    assert by_sku["SKU-000"]["Inbound"] is None
    assert by_sku["SKU-001"]["Available"] == 0


def test_an_unknown_count_of_violations_is_not_fine(scope: AccountMarketplace, rf: Any) -> None:
    row = {"rate": None, "target": None, "status": "", "numerator": None}
    assert _line("safety", "Safety", row, state_of(scope, rf), scope)["status"] == "unknown"
    assert _line("safety", "Safety", {**row, "numerator": 0}, state_of(scope, rf), scope)["status"] == "ok"


def test_a_buy_box_nobody_stated_is_no_lost_page_view(scope: AccountMarketplace) -> None:
    AsinDay.objects.filter(account_id=scope.account_id).update(buy_box_rate=None)
    today = scope.marketplace.today()
    found = playbooks.asins_by_lost_buy_box(
        scope.account_id, scope.marketplace_id, today - timedelta(days=20), today - timedelta(days=11)
    )
    assert {row.cells[-1] for row in found.rows} == {"–"}


# --- nothing known at all -------------------------------------------------------------------------


def test_a_shop_nobody_knows_anything_of_is_not_called_fine() -> None:
    scope = make_scope()
    client = Client()
    client.force_login(make_user(scope.account.organisation, Role.VIEWER), BACKEND)
    for page, never in (
        ("/listings/", "Every listing can be bought"),
        ("/inventory/", "Nothing that sells is out"),
        ("/ads/", "None in these days"),
        ("/", "Every limit is kept"),
    ):
        assert never not in text(client.get(page)), page
    for page in ("/listings/", "/ads/", "/inventory/", "/health/"):
        for card in client.get(page).context["tiles"]:
            assert (card.value, card.change, card.as_of) == ("–", "", "no data in these days"), (page, card.key)
