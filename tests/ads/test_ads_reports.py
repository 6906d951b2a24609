"""Every Ads v3 report against the made-up seller's own truth, asked for as opsboard asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Sum

from ads.models import AdGroup, BrandsCampaignDay, BrandsTargetDay, Campaign, PurchasedProductDay, Target, TargetDay
from opsboard.feeds import registry
from opsboard.feeds.models import Ingest
from opsboard.feeds.registry import ReportSpec
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports import advertising
from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk, desk, kept
from tests.simulator.seller import ANCHOR

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db
State = Ingest.State
FIRST, LAST = ANCHOR - timedelta(days=24), ANCHOR - timedelta(days=20)  # old enough to be final
NINE = (
    "sp_targets",
    "sp_advertised_products",
    "sp_purchased_products",
    "sb_campaigns",
    "sb_targets",
    "sb_search_terms",
    "sd_campaigns",
    "sd_advertised_products",
    "sd_targets",
)


def served(spec: ReportSpec, key: str = "NA", today: Any = ANCHOR) -> list[dict[str, Any]]:
    columns = list(spec.ads_configuration["columns"])
    return advertising.rows(Truth(1, ANCHOR), ACCOUNTS[key], spec.report_type, FIRST, LAST, columns, today, daily=True)


def sums(spec: ReportSpec, **fields: str) -> dict[str, Any]:
    return spec.datasets[0].model._default_manager.aggregate(**{name: Sum(field) for name, field in fields.items()})


def test_all_that_amazon_has_of_ads_is_declared() -> None:
    assert {spec.report_type for spec in registry.specs() if spec.api == "ads"} == set(advertising.TYPES)
    assert {model.__name__ for model in apps.get_app_config("ads").get_models()} >= {
        registry.spec(key).datasets[0].model.__name__ for key in NINE
    }


@pytest.mark.parametrize("key", NINE)
@pytest.mark.parametrize("account", ["NA", "FE"])
def test_a_report_holds_to_the_cent_what_the_ads_brought(kept: None, key: str, account: str) -> None:
    spec, truth = registry.spec(key), Truth(1, ANCHOR)
    mine = Desk(make_scope(marketplace={"NA": "US", "FE": "JP"}[account]))
    rows = served(spec, account)
    outcome = mine.ingest(rows, key, (FIRST, LAST))
    assert (outcome.state, outcome.refused, outcome.unknown_columns) == (State.APPLIED, 0, [])
    assert outcome.changed == len(rows) > 0 and len(outcome.days) == 5

    product = spec.ads_configuration["adProduct"]
    items = [
        item for n in range(5) for item in advertising.items_of(truth, account, FIRST + timedelta(days=n), product)
    ]
    scale = 10 ** ACCOUNTS[account].digits
    sold = sum(item.orders * item.campaign.price for item in items)
    assert sums(spec, sales="sales_minor")["sales"] == pytest.approx(round(sold * scale), abs=len(rows))
    assert sums(spec, orders="orders")["orders"] == sum(item.orders for item in items)
    if key != "sp_purchased_products":  # it tells of purchases only
        told = sums(spec, clicks="clicks", impressions="impressions", spend="spend_minor")
        assert told["clicks"] == sum(item.clicks for item in items)
        assert told["impressions"] == sum(item.impressions for item in items)
        assert told["spend"] == round(sum(round(item.cost, 2) for item in items) * scale)


@pytest.mark.parametrize("key", ["sp_targets", "sb_campaigns", "sd_targets"])
def test_sales_that_come_in_later_replace_the_first_ones(desk: Desk, key: str) -> None:
    spec = registry.spec(key)
    early = served(spec, today=LAST + timedelta(days=1))
    desk.ingest(early, key, (FIRST, LAST))
    before = sums(spec, sales="sales_minor", spend="spend_minor")
    desk.ingest(served(spec), key, (FIRST, LAST))
    after = sums(spec, sales="sales_minor", spend="spend_minor")
    assert after["spend"] == before["spend"] and after["sales"] > before["sales"]
    assert desk.ingest(served(spec), key, (FIRST, LAST)).state == State.UNCHANGED


def test_names_of_ad_groups_targets_and_campaigns_come_along(desk: Desk) -> None:
    desk.ingest(served(registry.spec("sp_targets")), "sp_targets", (FIRST, LAST))
    desk.ingest(served(registry.spec("sb_campaigns")), "sb_campaigns", (FIRST, LAST))
    row = TargetDay.objects.first()
    assert row is not None
    assert AdGroup.objects.get(ad_group_id=row.ad_group_id).campaign_id == row.campaign_id
    assert Target.objects.get(target_id=row.target_id).match_type
    assert all(name.startswith("SB-") for name in Campaign.objects.values_list("name", flat=True))


def test_sales_of_clicks_and_of_new_customers_are_kept_apart(desk: Desk) -> None:
    rows = served(registry.spec("sb_campaigns"))
    desk.ingest(rows, "sb_campaigns", (FIRST, LAST))
    found = BrandsCampaignDay.objects.aggregate(
        all=Sum("sales_minor"), clicked=Sum("clicked_sales_minor"), new=Sum("new_to_brand_orders"), orders=Sum("orders")
    )
    assert 0 < found["clicked"] < found["all"] and 0 < found["new"] < found["orders"]
    assert found["clicked"] == round(sum(row["salesClicks"] for row in rows) * 100)


def test_what_else_was_bought_is_told_from_the_advertised_product(desk: Desk) -> None:
    desk.ingest(served(registry.spec("sp_purchased_products")), "sp_purchased_products", (FIRST, LAST))
    same = PurchasedProductDay.objects.filter(other_sales_minor=0)
    others = PurchasedProductDay.objects.filter(other_sales_minor__gt=0)
    assert same.exists() and others.exists()
    assert all(row.other_sales_minor == row.sales_minor for row in others)
    assert all(row.advertised_asin == row.purchased_asin for row in same.filter(sales_minor__gt=0))


def test_a_target_of_brands_without_a_keyword_goes_by_its_own_id(desk: Desk) -> None:
    rows = served(registry.spec("sb_targets"))[:2]
    rows[0]["keywordId"], rows[1]["keywordId"], rows[1]["targetingId"] = None, None, None
    own = rows[0]["targetingId"]
    assert desk.ingest(rows, "sb_targets", (FIRST, LAST)).state == State.APPLIED
    assert set(BrandsTargetDay.objects.values_list("target_id", flat=True)) == {own, 0}


@pytest.mark.parametrize("key", ["sp_targets", "sb_campaigns"])
def test_a_duplicate_row_is_added_up_and_not_lost(desk: Desk, key: str) -> None:
    row = served(registry.spec(key))[0]
    desk.ingest([row, row], key, (FIRST, LAST))
    assert sums(registry.spec(key), clicks="clicks")["clicks"] == 2 * row["clicks"]
