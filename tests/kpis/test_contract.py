"""What a tile promises when its (i) is opened."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from health.models import MetricDay
from opsboard.accounts.models import AccountMarketplace, Role
from opsboard.kpis import rollup
from opsboard.kpis.cards import Card
from opsboard.kpis.contract import Contract
from tests.e2e.shop import stock_shop
from tests.factories import make_scope, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> AccountMarketplace:
    scope = make_scope()
    stock_shop(scope)
    return scope


def contract(scope: AccountMarketplace, page: str, key: str) -> Contract:
    client = Client()
    client.force_login(make_user(scope.account.organisation, Role.VIEWER))
    tiles: list[Card] = client.get(page, {"scope": scope.pk}).context["tiles"]
    found = next(tile.contract for tile in tiles if tile.key == key)
    assert found is not None
    return found


def said(found: Contract) -> dict[str, str]:
    return {fact.term: " ".join(f"{fact.text} {fact.note}".split()) for fact in found.facts}


def test_it_says_which_days_which_report_and_until_when_it_may_move(shop: AccountMarketplace) -> None:
    found = contract(shop, "/ads/", "acos")
    lines = said(found)

    assert "30 days" in lines["Judged"] and lines["Judged"].startswith("40.0 % over ")
    assert lines["Source"].startswith("Sponsored Products campaigns up to ")
    assert lines["Maturity"].startswith("final after 7 days, provisional from ")
    assert lines["Since it was final"].startswith("restated: was ")
    assert lines["Campaigns"] == "5 over the limit, 0 close to it"
    assert found.rows_url.startswith("/ads/?") and found.rows_url.endswith("#campaigns")
    assert found.help_url == "/settings/kpis/#acos"
    assert [(line.words.split()[-2], line.current) for line in found.history] == [("25.0", True)]


def test_amazons_figure_stands_beside_ours_and_they_may_differ(shop: AccountMarketplace) -> None:
    assert said(contract(shop, "/health/", "late_shipment"))["Amazon's own"].startswith("2.2 %, the same as ours")

    # Amazon's own example says 0.5 % of 551 in 17,197.
    MetricDay.objects.filter(metric="cancellation").update(numerator=551, denominator=17197, rate=Decimal("0.005"))
    rollup.rebuild(shop.account_id, shop.marketplace_id)

    assert said(contract(shop, "/health/", "cancellation"))["Amazon's own"].startswith("Amazon 0.50 % · ours 3.2 %")


def test_amazons_own_days_are_told_where_it_states_them(shop: AccountMarketplace) -> None:
    lines = said(contract(shop, "/health/", "odr_mfn"))

    assert lines["Amazon counted"].endswith("61 days") and "Judged" not in lines


def test_a_figure_that_is_not_judged_says_why(shop: AccountMarketplace) -> None:
    MetricDay.objects.filter(account_id=shop.account_id).delete()

    lines = said(contract(shop, "/health/", "negative_feedback"))
    assert lines["Judged"] == "not: no data for these days"
    assert lines["Source"] == "Seller feedback not fetched yet"


def test_plain_numbers_have_a_contract_too(shop: AccountMarketplace) -> None:
    lines = said(contract(shop, "/ads/", "ads.spend"))

    assert lines["Maturity"] == "final after 3 days" and lines["Source"].startswith("Sponsored Products campaigns")


def test_no_contract_speaks_of_another_tenant(shop: AccountMarketplace) -> None:
    from opsboard.kpis.models import ThresholdOverride

    other = make_scope()
    ThresholdOverride.objects.create(
        account=other.account,
        kpi="acos",
        high=Decimal("0.11"),
        valid_from=other.marketplace.today() - timedelta(days=3),
        note="theirs",
    )

    assert len(contract(shop, "/ads/", "acos").history) == 1
