"""Every report opsboard asks Amazon for, from its own spelling to the stored row."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from health.models import MetricDay
from inventory.models import Item, PlanningDay, StockDay
from listings.models import AsinDay, Listing, SalesDay
from opsboard.accounts.models import Marketplace
from opsboard.feeds.models import Coverage, Document, Ingest
from opsboard.feeds.pipeline import apply
from tests.factories import make_scope

from .test_pipeline import DAY, NOON, Desk, days, desk, kept

__all__ = ["desk", "kept"]
State = Ingest.State
LATER = DAY + timedelta(days=1)


def money(amount: float, currency: str = "USD") -> dict[str, Any]:
    return {"amount": amount, "currencyCode": currency}


def sales_day(day: Any = DAY, sales: float = 123.45, sessions: int = 200) -> dict[str, Any]:
    return {
        "date": str(day),
        "salesByDate": {
            "orderedProductSales": money(sales),
            "unitsOrdered": 12,
            "totalOrderItems": 10,
            "unitsRefunded": 1,
            "shippedProductSales": money(99.99),
            "unitsShipped": 9,
            "ordersShipped": 8,
            "claimsGranted": 0,
        },
        "trafficByDate": {
            "sessions": sessions,
            "pageViews": 400,
            "browserSessions": 120,
            "mobileAppSessions": 80,
            "buyBoxPercentage": 97.25,
            "unitSessionPercentage": 6.0,
            "feedbackReceived": 1,
            "negativeFeedbackReceived": 0,
        },
    }


def asin(code: str, sales: float = 10.0) -> dict[str, Any]:
    return {
        "parentAsin": "B0PARENT00",
        "childAsin": code,
        "salesByAsin": {"orderedProductSales": money(sales), "unitsOrdered": 2, "totalOrderItems": 2},
        "trafficByAsin": {"sessions": 20, "pageViews": 30, "buyBoxPercentage": 50, "unitSessionPercentage": 150.5},
    }


def traffic(
    by_date: list[Any], by_asin: list[Any], grain: str = "CHILD", period: str = "DAY", market: str = "ATVPDKIKX0DER"
) -> dict[str, Any]:
    return {
        "reportSpecification": {
            "reportType": "GET_SALES_AND_TRAFFIC_REPORT",
            "reportOptions": {"dateGranularity": period, "asinGranularity": grain},
            "marketplaceIds": [market],
        },
        "salesAndTrafficByDate": by_date,
        "salesAndTrafficByAsin": by_asin,
    }


# --- sales and traffic ------------------------------------------------------------------------------


def test_a_day_of_sales_and_traffic_is_stored_with_rates_as_fractions(desk: Desk) -> None:
    outcome = desk.ingest(traffic([sales_day()], [], "PARENT"), "sales_and_traffic")
    assert outcome.state == State.APPLIED
    row = SalesDay.objects.get()
    assert (row.ordered_sales_minor, row.shipped_sales_minor, row.units_ordered) == (12345, 9999, 12)
    assert (row.buy_box_rate, row.unit_session_rate) == (Decimal("0.9725"), Decimal("0.06"))


def test_one_day_by_child_asin_feeds_the_day_and_its_asins(desk: Desk) -> None:
    report = traffic([sales_day()], [asin("B000000001", 100), asin("B000000002", 23.45)])
    outcome = desk.ingest(report, "sales_and_traffic_asin")
    assert (outcome.state, sorted(outcome.datasets)) == (State.APPLIED, ["sales_by_asin", "sales_by_date"])
    assert SalesDay.objects.get().ordered_sales_minor == 12345
    found = {row.asin: (row.date, row.ordered_sales_minor, row.unit_session_rate) for row in AsinDay.objects.all()}
    assert found == {
        "B000000001": (DAY, 10000, Decimal("1.505")),
        "B000000002": (DAY, 2345, Decimal("1.505")),
    }


def test_several_days_leave_the_asins_out_because_they_are_totals(desk: Desk) -> None:
    report = traffic([sales_day(), sales_day(LATER)], [asin("B000000001", 100)])
    outcome = desk.ingest(report, "sales_and_traffic_asin", window=(DAY, LATER))
    assert (outcome.state, outcome.datasets) == (State.APPLIED, ["sales_by_date"])
    assert SalesDay.objects.count() == 2
    assert not AsinDay.objects.exists()
    assert not Coverage.objects.filter(dataset="sales_by_asin").exists()


def test_a_day_without_sales_is_a_row_of_zeroes_and_no_asins(desk: Desk) -> None:
    day = sales_day(sales=0.0, sessions=0)
    day["trafficByDate"]["buyBoxPercentage"] = None
    assert desk.ingest(traffic([day], []), "sales_and_traffic_asin").state == State.APPLIED
    row = SalesDay.objects.get()
    assert (row.ordered_sales_minor, row.buy_box_rate) == (0, None)
    assert Coverage.objects.get(dataset="sales_by_asin").rows == 0


@pytest.mark.parametrize("period", ["WEEK", "MONTH"])
def test_weekly_and_monthly_totals_are_refused(desk: Desk, period: str) -> None:
    outcome = desk.ingest(traffic([sales_day()], [], period=period), "sales_and_traffic")
    assert outcome.state == State.REFUSED
    assert period.lower() in outcome.reason
    assert not SalesDay.objects.exists()


def test_parent_asins_are_not_taken_for_children(desk: Desk) -> None:
    outcome = desk.ingest(traffic([sales_day()], [asin("B000000001")], "PARENT"), "sales_and_traffic_asin")
    assert outcome.state == State.REFUSED
    assert not SalesDay.objects.exists()
    assert not AsinDay.objects.exists()


def test_the_report_of_another_marketplace_is_refused(desk: Desk) -> None:
    outcome = desk.ingest(traffic([sales_day()], [], market="A1PA6795UKMFR9"), "sales_and_traffic")
    assert outcome.state == State.REFUSED
    assert "A1PA6795UKMFR9" in outcome.reason


@pytest.mark.parametrize("options", [["DAY"], "DAY", 3])
def test_options_that_cannot_be_read_are_refused(desk: Desk, options: Any) -> None:
    report = traffic([sales_day()], [])
    report["reportSpecification"]["reportOptions"] = options
    outcome = desk.ingest(report, "sales_and_traffic")
    assert outcome.state == State.REFUSED
    assert "reportOptions" in outcome.reason
    assert not SalesDay.objects.exists()


def test_what_amazon_documents_is_no_drift_and_what_is_new_is(desk: Desk) -> None:
    day = sales_day()
    day["salesByDate"] |= {"unitsOrderedB2B": 1, "orderedProductSalesB2B": money(3), "unitsGivenAway": 4}
    day["trafficByDate"] |= {"browserPageViews": 3, "averageOfferCount": 2}
    outcome = desk.ingest(traffic([day], []), "sales_and_traffic")
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, ["salesByDate.unitsGivenAway"])


def test_a_report_without_its_days_is_refused(desk: Desk) -> None:
    whole = traffic([sales_day()], [])
    del whole["salesAndTrafficByDate"]
    outcome = desk.ingest(whole, "sales_and_traffic")
    assert outcome.state == State.REFUSED
    assert "salesAndTrafficByDate" in outcome.reason


def test_both_datasets_change_or_none(desk: Desk) -> None:
    report = traffic([sales_day()], [asin("B000000001", 100), asin("B000000001", 1)])
    outcome = desk.ingest(report, "sales_and_traffic_asin")
    assert outcome.state == State.REFUSED
    assert "line 1" in outcome.reason
    assert outcome.errors[0]["line"] == 2
    assert not SalesDay.objects.exists()
    assert not Coverage.objects.exists()


def test_two_reports_feed_one_day_and_the_newest_stands(desk: Desk) -> None:
    first = traffic([sales_day(sales=1)], [], "PARENT")
    desk.ingest(first, "sales_and_traffic")
    desk.ingest(traffic([sales_day(sales=2)], []), "sales_and_traffic_asin")
    assert desk.ingest(first, "sales_and_traffic").state == State.APPLIED
    assert SalesDay.objects.get().ordered_sales_minor == 100


# --- listings -----------------------------------------------------------------------------------------

HEADER = "item-name\titem-description\tseller-sku\tprice\tquantity\tasin1\tstatus\tfulfillment-channel\tlisting-id\n"


def listing(sku: str, price: str = "19.99", quantity: str = "5") -> str:
    return f'Bowl 24" {sku}\t\t{sku}\t{price}\t{quantity}\tB000000001\tActive\tDEFAULT\tX1\n'


def test_the_listings_are_replaced_as_a_whole(desk: Desk) -> None:
    desk.ingest((HEADER + listing("A") + listing("B")).encode(), "listings", window=None)
    outcome = desk.ingest(
        (HEADER + listing("B", "24.00") + listing("C", quantity="")).encode(), "listings", window=None
    )
    assert (outcome.state, outcome.deleted) == (State.APPLIED, 1)
    assert outcome.unknown_columns == []
    found = {item.sku: (item.price_minor, item.quantity, item.title) for item in Listing.objects.all()}
    assert found == {"B": (2400, 5, 'Bowl 24" B'), "C": (1999, None, 'Bowl 24" C')}


def test_tomorrows_listings_replace_todays_even_with_none_in_common(desk: Desk) -> None:
    desk.ingest((HEADER + listing("A") + listing("B")).encode(), "listings", window=None)
    tomorrow = {"made": NOON + timedelta(days=1)}
    outcome = desk.ingest((HEADER + listing("C") + listing("D")).encode(), "listings", window=None, **tomorrow)
    assert (outcome.changed, outcome.deleted) == (2, 2)
    assert set(Listing.objects.values_list("sku", flat=True)) == {"C", "D"}
    later = {"made": NOON + timedelta(days=2)}
    assert desk.ingest((HEADER + listing("D") + listing("C")).encode(), "listings", window=None, **later).changed == 0
    assert Coverage.objects.get(dataset="listings").date == outcome.days[0] + timedelta(days=1)


def test_yesterdays_listings_never_replace_todays(desk: Desk) -> None:
    new, old = (HEADER + listing("NEW")).encode(), (HEADER + listing("OLD")).encode()
    desk.ingest(new, "listings", window=None, made=NOON)
    assert desk.ingest(old, "listings", window=None, made=NOON - timedelta(days=1)).state == State.SUPERSEDED
    assert [item.sku for item in Listing.objects.all()] == ["NEW"]
    assert Coverage.objects.get(dataset="listings").date == NOON.date()


def test_the_state_of_listings_is_of_one_day(desk: Desk) -> None:
    for day in range(3):
        desk.ingest((HEADER + listing("A")).encode(), "listings", window=None, made=NOON + timedelta(days=day))
    assert [item.date for item in Coverage.objects.filter(dataset="listings")] == [NOON.date() + timedelta(days=2)]


def test_a_sku_listed_twice_cannot_be_told_apart(desk: Desk) -> None:
    outcome = desk.ingest((HEADER + listing("A") + listing("B") + listing("A", "1")).encode(), "listings", window=None)
    assert outcome.state == State.REFUSED
    assert outcome.errors[0]["line"] == 4
    assert "line 2" in outcome.reason
    assert not Listing.objects.exists()


def test_a_japanese_listings_file_in_shift_jis_is_read_by_its_own_headers(kept: None, db: None) -> None:
    shop = Desk(make_scope(marketplace="JP"))
    text = "商品名\t出品者SKU\tasin1\t価格\t数量\tステータス\n蒜泥器 2個\tJP-1\tB000000001\t1980\t3\tActive\n"
    assert shop.ingest(text.encode("shift_jis"), "listings", window=None).state == State.APPLIED
    item = Listing.objects.get()
    assert (item.sku, item.title, item.price_minor, item.quantity) == ("JP-1", "蒜泥器 2個", 1980, 3)


@pytest.mark.parametrize("text", [HEADER, HEADER + "\n\n"])
def test_a_listings_file_of_a_header_alone_is_held_where_there_were_rows(desk: Desk, text: str) -> None:
    assert desk.ingest(text.encode(), "listings", window=None).state == State.REFUSED
    desk.ingest((HEADER + listing("A")).encode(), "listings", window=None)
    outcome = desk.ingest(text.encode(), "listings", window=None)
    assert outcome.state == State.HELD
    assert Listing.objects.count() == 1
    assert apply(Document.objects.latest("pk"), force=True).state == State.REFUSED  # there is nothing to apply
    assert Listing.objects.count() == 1


def test_a_ragged_line_refuses_the_file_by_number(desk: Desk) -> None:
    outcome = desk.ingest((HEADER + listing("A") + "half\ta line\n").encode(), "listings", window=None)
    assert outcome.state == State.REFUSED
    assert outcome.errors[0]["line"] == 3


# --- stock --------------------------------------------------------------------------------------------

OLD = "snapshot-date\tsku\tfnsku\tasin\tproduct-name\tavailable\tinv-age-0-to-90-days\tinv-age-365-plus-days"
NEW = OLD.replace("inv-age-365-plus-days", "inv-age-366-to-455-days\tinv-age-456-plus-days")
TAIL = "\tcurrency\tunits-shipped-t7\tunits-shipped-t30\tunits-shipped-t90\tyour-price\tsell-through\n"


@pytest.mark.parametrize(
    ("header", "ages", "oldest"),
    [
        (OLD, "70\t9", 9),
        (NEW, "70\t5\t4", 9),
        (NEW.replace("-", "_").upper(), "70\t5\t4", 9),
        (OLD.replace("\tinv-age-365-plus-days", ""), "70", 0),
    ],
)
def test_inventory_age_is_read_in_every_generation_of_the_header(
    desk: Desk, header: str, ages: str, oldest: int
) -> None:
    row = f"{DAY}\tSKU-1\tX001\tB000000001\tBowl\t79\t{ages}\tUSD\t7\t\t90\t19.99\t1.25\n"
    outcome = desk.ingest((header + TAIL + row).encode(), "planning")
    assert outcome.state == State.APPLIED, outcome.reason
    item = PlanningDay.objects.get()
    assert (item.age_0_90, item.age_over_365, item.available) == (70, oldest, 79)
    assert (item.shipped_7, item.shipped_30, item.shipped_90) == (7, 0, 90)
    assert (item.price_minor, item.sell_through) == (1999, Decimal("1.250"))
    assert Item.objects.get().name == "Bowl"
    assert desk.ingest((header + TAIL + row + "\n").encode(), "planning").state == State.UNCHANGED


def test_a_snapshot_is_of_the_day_amazon_says_not_of_the_day_it_was_asked(desk: Desk) -> None:
    row = f"{DAY}\tSKU-1\tX001\tB000000001\tBowl\t79\t70\t9\tUSD\t7\t30\t90\t19.99\t1\n"
    outcome = desk.ingest((OLD + TAIL + row).encode(), "planning", window=(LATER, LATER))
    assert (outcome.state, outcome.days) == (State.APPLIED, [DAY])
    assert PlanningDay.objects.get().date == DAY


def test_planning_in_another_currency_is_refused(desk: Desk) -> None:
    row = f"{DAY}\tSKU-1\tX001\tB000000001\tBowl\t79\t70\t9\tEUR\t7\t30\t90\t19.99\t1\n"
    outcome = desk.ingest((OLD + TAIL + row).encode(), "planning")
    assert outcome.state == State.REFUSED
    assert outcome.errors[0] | {"why": ""} == {"line": 2, "column": "currency", "value": "", "why": ""}


def test_undated_stock_is_dated_by_its_document_and_its_history_kept(desk: Desk) -> None:
    head = "sku\tfnsku\tasin\tproduct-name\tyour-price\tafn-fulfillable-quantity\tafn-total-quantity\n"
    text = (head + "S1\tX\tB000000001\tBowl\t9.99\t5\t8\nS2\tX\tB000000002\tCup\t\t\t2\n").encode()
    for day in days(DAY, 2):
        outcome = desk.ingest(text, "stock", window=(day, day))
        assert outcome.state == State.APPLIED
    found = {(row.date, row.sku): (row.fulfillable, row.total, row.price_minor) for row in StockDay.objects.all()}
    assert found == {
        (day, sku): figures for day in days(DAY, 2) for sku, figures in (("S1", (5, 8, 999)), ("S2", (0, 2, None)))
    }


# --- account health --------------------------------------------------------------------------------------


def span() -> dict[str, str]:
    return {"reportingDateFrom": "2026-09-03T00:00:00Z", "reportingDateTo": "2026-11-01T00:00:00Z"}


def performance(example: bool = False) -> dict[str, Any]:
    """Amazon's schema, or its own example, which spells some keys differently."""
    defects = {
        "rate": 0.0123,
        "orderWithDefects": {"count": 9, "status": "NONE"},
        "orderCount": 731,
        "targetValue": 0.01,
        "targetCondition": "LESS_THAN",
        "status": "BAD",
        "fulfillmentType": "MFN",
        "reportingDateRange": span(),
        "claims": {"count": 4, "status": "NONE"},
    }
    late = {"rate": 0.02, "lateShipmentCount": 2, "orderCount": 100, "targetValue": 0.04, "status": "GOOD"}
    rating = {"ahrScore": 950, "ahrStatus" if not example else "accountHealthRatingStatus": "GREAT"}
    return {
        "accountStatuses": [{"marketplaceId": "ATVPDKIKX0DER", "status": "NORMAL"}],
        "performanceMetrics": [
            {
                "marketplaceId": "ATVPDKIKX0DER",
                "orderDefectRate": {"mfn": defects, "afn": defects | {"rate": 0, "orderWithDefects": {"count": 0}}},
                ("lateShipmentRateList" if example else "lateShipmentRate"): late,
                ("prefulfillmentCancelRate" if example else "preFulfillmentCancellationRate"): late
                | {"cancellationCount": 1},
                ("documentRequest" if example else "documentRequests"): {"defectsCount": 3, "status": "GOOD"},
                "accountHealthRating": rating,
            }
        ],
    }


@pytest.mark.parametrize("example", [False, True])
def test_account_health_is_read_in_both_of_amazons_spellings(desk: Desk, example: bool) -> None:
    outcome = desk.ingest(performance(example), "performance")
    assert outcome.state == State.APPLIED, outcome.reason
    found = {row.metric: row for row in MetricDay.objects.all()}
    odr = found["odr_mfn"]
    assert (odr.date, odr.numerator, odr.denominator, odr.rate) == (DAY, 9, 731, Decimal("0.0123"))
    assert (odr.target, odr.status, odr.target_condition) == (Decimal("0.01"), "BAD", "LESS_THAN")
    assert (str(odr.window_start), str(odr.window_end)) == ("2026-09-03", "2026-11-01")
    assert (found["odr_mfn_claims"].numerator, found["odr_afn"].numerator) == (4, 0)
    assert (found["late_shipment"].numerator, found["late_shipment"].denominator) == (2, 100)
    assert found["cancellation"].numerator == 1
    assert found["document_requests"].numerator == 3
    assert (found["account_health_rating"].rate, found["account_health_rating"].status) == (None, "GREAT")
    assert found["account_status"].status == "NORMAL"


def test_the_blocks_of_other_marketplaces_are_left_alone(desk: Desk) -> None:
    report = performance()
    other = performance()["performanceMetrics"][0] | {"marketplaceId": "A2EUQ1WTGCTBG2"}
    other["orderDefectRate"]["mfn"]["orderCount"] = 5
    report["performanceMetrics"].append(other)
    assert desk.ingest(report, "performance").state == State.APPLIED
    assert MetricDay.objects.get(metric="odr_mfn").denominator == 731


def test_a_report_about_other_marketplaces_only_is_refused(desk: Desk) -> None:
    report = performance()
    for block in report["performanceMetrics"] + report["accountStatuses"]:
        block["marketplaceId"] = "A2EUQ1WTGCTBG2"
    outcome = desk.ingest(report, "performance")
    assert outcome.state == State.REFUSED
    assert "US" in outcome.reason


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"performanceMetrics": 3}',
        b'{"performanceMetrics": [3]}',
        b'{"performanceMetrics": [null], "accountStatuses": []}',
        b'{"performanceMetrics": [], "accountStatuses": "NORMAL"}',
        b'{"performanceMetrics": [], "accountStatuses": [["NORMAL"]]}',
        b'{"performanceMetrics": [{"marketplaceId": "ATVPDKIKX0DER", "orderDefectRate": 0.01}]}',
        b"[1]",
        b'"x"',
        b'{"performanceMetrics": [{]',
    ],
)
def test_what_is_no_performance_report_is_refused(desk: Desk, content: bytes) -> None:
    assert desk.ingest(content, "performance").state == State.REFUSED


def test_every_marketplace_of_an_account_gets_its_own_figures(kept: None, db: None) -> None:
    us = make_scope()
    ca = make_scope(us.account, "CA")
    report = performance()
    mine = Marketplace.objects.get(code="CA").amazon_id
    report["performanceMetrics"].append(report["performanceMetrics"][0] | {"marketplaceId": mine})
    for scope in (us, ca):
        assert Desk(scope).ingest(report, "performance").state == State.APPLIED
    assert set(MetricDay.objects.filter(metric="odr_mfn").values_list("marketplace_id", flat=True)) == {
        us.marketplace_id,
        ca.marketplace_id,
    }
