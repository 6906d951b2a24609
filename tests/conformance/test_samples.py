"""Every real file there is to try: what it is recognised as and its rows, or the sentence that refuses it.

The files are not part of the project. OPSBOARD_SHARED names their directory; without it they are
looked for beside the checkout, and the tests are skipped where there are none.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import call_command
from pytest_django.fixtures import Settings

from tests.factories import make_scope

pytestmark = pytest.mark.django_db

SHARED = Path(os.environ.get("OPSBOARD_SHARED", "") or Path(project.BASE_DIR).parent / "shared")
FOLDERS = ("samples", "amazon/report-examples")
NOT_REPORTS = {"samples/README.md"}


@dataclass(frozen=True)
class Taken:
    """Recognised as `type`; `rows` in the file (of the marketplace), all of them stored."""

    type: str
    rows: int
    first: str = ""
    last: str = ""
    #: Rows of facts, where a line of the file becomes several.
    changed: int | None = None


NONE_OF_YOURS = "knows none of your ASINs yet"
TABLE = "looks like “Fivetran table”"

#: file -> (marketplace, extra options, what is to come of it: Taken or a fragment of the sentence)
EXPECTED: dict[str, tuple[str, tuple[str, ...], Taken | str]] = {
    "samples/ads-advertised-product/umair-advertised-in-2020.xlsx": (
        "IN", (), Taken("console_advertised_products_14", 265, "2020-02-01", "2020-02-29")),
    "samples/ads-api/fivetran-advertised_product_report_data.csv": ("US", (), TABLE),
    "samples/ads-api/fivetran-campaign_level_report_data.csv": ("US", (), TABLE),
    "samples/ads-api/fivetran-search_term_ad_keyword_report_data.csv": ("US", (), TABLE),
    "samples/ads-api/fivetran-targeting_keyword_report_data.csv": ("US", (), TABLE),
    "samples/ads-api/recovery-productad-1527901316860.json.gz": ("CA", (), "looks like “Amazon Ads API v2”"),
    "samples/ads-bulk/amandeep-sample-bulk.xlsx": ("US", (), "looks like “Amazon Ads bulk sheet”"),
    "samples/ads-bulk/punya-campaigns-ae-2024.xlsx": ("AE", (), "looks like “Amazon Ads bulk sheet”"),
    "samples/ads-campaign/umair-campaign-in-2020.csv": (
        "IN", (), Taken("console_campaigns_14", 182, "2020-02-01", "2020-02-29")),
    "samples/ads-placement/umair-placement-in-2020.xlsx": ("IN", (), "Sponsored ads placement"),
    "samples/ads-search-term/hub-search-terms-en.csv": ("ES", (), "sales over 14 days (console) or Sponsored Brands"),
    "samples/ads-search-term/mannyv-us-2022.xlsx": ("US", (), "a total from 2022-07-19 to 2022-07-21"),
    "samples/ads-search-term/mikegrant-sample.csv": (
        "US", (), Taken("console_search_terms", 20, "2025-01-01", "2025-01-02")),
    "samples/ads-search-term/noofac-ca-5rows.xlsx": (
        "CA", (), Taken("console_search_terms", 4, "2025-09-07", "2025-09-17")),
    "samples/ads-search-term/progami-uk-gbp-2023.xlsx": (
        "UK", (), Taken("console_search_terms", 2399, "2023-05-18", "2023-07-12")),
    "samples/ads-search-term/umair-in-2020.xlsx": (
        "IN", (), Taken("console_search_terms_14", 923, "2020-02-01", "2020-02-29")),
    "samples/ads-targeting/umair-targeting-in-2020.xlsx": (
        "IN", (), Taken("console_targets_14", 1683, "2020-02-01", "2020-02-29")),
    "samples/api-tables/fivetran-fba_inventory_summary.csv": ("US", (), TABLE),
    "samples/api-tables/fivetran-item_summary.csv": ("US", (), TABLE),
    "samples/api-tables/fivetran-order_item.csv": ("US", (), "SP-API order table"),
    "samples/api-tables/fivetran-orders.csv": ("US", (), "SP-API order table"),
    "samples/brand-analytics/amzn-sellingPartnerSearchQueryPerformanceReport-ex1.json": (
        "US", (), Taken("search_query_performance", 2, "2025-01-05", "2025-01-05")),
    "samples/brand-analytics/amzn-sellingPartnerSearchTermsReport-ex1.json": ("US", (), NONE_OF_YOURS),
    "samples/brand-analytics/eileen-sqp-weekly.csv": ("US", (), "Search Query Performance"),
    "samples/business-report/ahmedk-by-child-2026-one-row.csv": (
        "US", ("--day", "2026-05-01"), Taken("business_report_asin", 1, "2026-05-01", "2026-05-01")),
    "samples/business-report/mikegrant-sample-parent.csv": (
        "US", ("--day", "2025-01-01"), Taken("business_report_parent", 10, "2025-01-01", "2025-01-01")),
    "samples/business-report/mormasa-by-child-2019.csv": (
        "US", ("--day", "2019-05-01"), Taken("business_report_asin", 78, "2019-05-01", "2019-05-01")),
    "samples/date-range-transactions/katoiek-jp-2025Jan1-2025Jun30CustomTransaction.csv": (
        "JP", (), Taken("statement", 1479, "2025-01-01", "2025-06-30")),
    "samples/fba-inventory/hub-fba-inventory-en.txt": (
        "ES", ("--day", "2026-08-17"), Taken("stock", 4, "2026-08-17", "2026-08-17")),
    "samples/fba-inventory/hub-multicountry-en.txt": ("ES", (), "Multi-Country Inventory"),
    "samples/feedback/airbyte-seller-feedback-placeholder.tsv": ("US", (), "has a header and no rows"),
    "samples/fees/hub-fee-preview-en.txt": (
        "ES", ("--day", "2026-08-18"), Taken("fee_preview", 4, "2026-08-18", "2026-08-18")),
    "samples/fees/hub-storage-fees-en.txt": ("ES", (), Taken("storage_fees", 4, "2026-07-01", "2026-07-01")),
    "samples/inventory-health/hub-inventory-planning-en.txt": (
        "ES", (), Taken("planning", 4, "2026-08-17", "2026-08-17")),
    "samples/ledger/airbyte-ledger-summary-placeholder.tsv": ("US", (), "has a header and no rows"),
    "samples/ledger/hub-ledger-detail-en.txt": ("ES", (), "Inventory Ledger Detail"),
    "samples/orders/hub-all-orders-en.txt": ("ES", (), Taken("orders", 95, "2026-05-16", "2026-08-18")),
    "samples/orders/kaggle-in-22cols-small.csv": ("IN", (), "Order list"),
    "samples/orders/kaggle-in-24cols-795rows.csv": ("IN", (), "Order list"),
    "samples/orders/kaggle-in-5cols.csv": ("IN", (), "Order list"),
    "samples/orders/yomajo-unshipped-sample.txt": ("UK", (), "Unshipped Orders"),
    "samples/promotions/amzn-promotionReport-ex1.json": (
        "US", (), Taken("promotions", 2, "2020-11-23", "2020-11-23")),
    "samples/promotions/amzn-sellerCouponReport-ex1.json": (
        "US", (), Taken("coupons", 3, "2021-11-25", "2021-11-25")),
    "samples/reimbursements/airbyte-reimbursements-placeholder.tsv": ("US", (), "has a header and no rows"),
    "samples/returns/airbyte-mfn-returns-placeholder.tsv": ("US", (), "has a header and no rows"),
    "samples/returns/hub-returns-en.txt": ("ES", (), Taken("customer_returns", 38, "2026-06-05", "2026-08-18")),
    "samples/sales-and-traffic-json/amzn-sellerSalesAndTrafficReport-ex1.json": (
        "US", (), Taken("sales_and_traffic", 4, "2021-06-11", "2021-06-14")),
    "samples/sales-and-traffic-json/amzn-sellerSalesAndTrafficReport-ex2.json": ("US", (), "totals by week"),
    "samples/seller-performance/amzn-accountHealthReport-2020-11-18-ex1.json": ("US", (), Taken("performance", 25)),
    "samples/settlement/adw-50011020300.txt": (
        "CA", (), Taken("settlements_wide", 4, "2025-06-05", "2025-08-02")),
    "samples/settlement/adw-50034020328.txt": (
        "CA", (), Taken("settlements_wide", 190, "2025-08-14", "2025-08-30", changed=193)),
    "samples/settlement/airbyte-settlement-v1-flat.tsv": ("US", (), "add up to $16.77 and its header states $1,234.56"),
    "samples/settlement/xieyi-settlement-v2-sample.txt": (
        "US", (), Taken("settlements", 24, "2026-06-16", "2026-07-02")),
    "samples/stranded/airbyte-stranded-placeholder.tsv": ("US", ("--day", "2026-08-18"), "has a header and no rows"),
    "samples/third-party/sellerboard-dog1-de.csv": ("DE", (), "sellerboard export"),
    "amazon/report-examples/GET_BRAND_ANALYTICS_MARKET_BASKET_REPORT.1.json": ("US", (), "Market Basket"),
    "amazon/report-examples/GET_BRAND_ANALYTICS_REPEAT_PURCHASE_REPORT.1.json": ("US", (), "Repeat Purchase"),
    "amazon/report-examples/GET_BRAND_ANALYTICS_SEARCH_CATALOG_PERFORMANCE_REPORT.1.json": (
        "US", (), "Search Catalog Performance"),
    "amazon/report-examples/GET_BRAND_ANALYTICS_SEARCH_QUERY_PERFORMANCE_REPORT.1.json": (
        "US", (), Taken("search_query_performance", 2, "2025-01-05", "2025-01-05")),
    "amazon/report-examples/GET_BRAND_ANALYTICS_SEARCH_TERMS_REPORT.1.json": ("US", (), NONE_OF_YOURS),
    "amazon/report-examples/GET_COUPON_PERFORMANCE_REPORT.1.json": (
        "US", (), Taken("coupons", 3, "2021-11-25", "2021-11-25")),
    "amazon/report-examples/GET_PROMOTION_PERFORMANCE_REPORT.1.json": (
        "US", (), Taken("promotions", 2, "2020-11-23", "2020-11-23")),
    "amazon/report-examples/GET_SALES_AND_TRAFFIC_REPORT.1.json": (
        "US", (), Taken("sales_and_traffic", 4, "2021-06-11", "2021-06-14")),
    "amazon/report-examples/GET_SALES_AND_TRAFFIC_REPORT.2.json": ("US", (), "totals by week"),
    "amazon/report-examples/GET_SALES_AND_TRAFFIC_REPORT.3.json": ("US", (), "totals by month"),
    "amazon/report-examples/GET_V2_SELLER_PERFORMANCE_REPORT.1.json": ("US", (), Taken("performance", 25)),
}  # fmt: skip

needs_files = pytest.mark.skipif(not (SHARED / "samples").is_dir(), reason="no sample files here")


@needs_files
def test_every_file_has_its_expectation() -> None:
    files = {
        path.relative_to(SHARED).as_posix()
        for folder in FOLDERS
        for path in (SHARED / folder).rglob("*")
        if path.is_file()
    }

    assert files - NOT_REPORTS == set(EXPECTED)


@needs_files
@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_file_does_what_is_expected(name: str, settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    marketplace, options, expected = EXPECTED[name]
    scope = make_scope(marketplace=marketplace)
    out, err = io.StringIO(), io.StringIO()
    where = ["--account", str(scope.account_id), "--marketplace", marketplace, *options, "--json"]

    code = 0
    try:
        call_command("import_report", str(SHARED / name), *where, stdout=out, stderr=err)
    except SystemExit as stop:
        code = int(str(stop.code))

    if isinstance(expected, str):
        assert (code, out.getvalue()) == (2, "")
        assert expected in err.getvalue()
        assert err.getvalue().startswith(Path(name).name)
        return
    assert code == 0, err.getvalue()
    said = json.loads(out.getvalue())
    assert (said["type"], said["rows_in"], said["refused"]) == (expected.type, expected.rows, 0)
    assert said["changed"] == (expected.rows if expected.changed is None else expected.changed)
    if expected.first:
        assert (said["first_day"], said["last_day"]) == (expected.first, expected.last)
