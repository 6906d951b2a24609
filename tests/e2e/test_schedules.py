"""Schedules and back-fills in a real browser: accessible, narrow, and usable without scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from opsboard.accounts.models import AccountMarketplace, Credential, User
from opsboard.feeds import backfill, registry, schedule
from opsboard.feeds.models import Feed, Fetch
from tests.feeds.shops import end

pytestmark = pytest.mark.django_db(transaction=True)
Shop = tuple[User, list[AccountMarketplace]]
Open = Callable[..., Any]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def scope(shop: Shop) -> AccountMarketplace:
    """A connected marketplace with a back-fill under way."""
    _user, scopes = shop
    found = scopes[0]
    for kind in ("sp_api", "ads"):
        Credential.objects.create(account=found.account, kind=kind, sealed=b"", key_id="k")
    AccountMarketplace.objects.update(ads_profile_id="1")
    found.refresh_from_db()
    schedule.ensure_feeds(found)
    first = found.marketplace.today() - timedelta(days=100)
    plan = backfill.start(found, first, [registry.spec("sales_and_traffic_asin"), registry.spec("sb_campaigns")])
    for fetch in plan.fetches.order_by("pk")[:5]:
        end(fetch, Fetch.State.DONE)
    return found


def addresses(scope: AccountMarketplace) -> list[str]:
    return [f"/settings/schedules/?scope={scope.pk}", f"/data/backfill/?scope={scope.pk}&far=all"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_are_accessible_quiet_and_narrow(
    open_page: Open, live_server: Any, scope: AccountMarketplace, theme: str
) -> None:
    page = open_page(theme, width=320)
    found = {}
    for address in addresses(scope):
        page.goto(live_server.url + address)
        for summary in page.locator("main details > summary").all()[:3]:
            summary.click()
        results = Axe().run(page, options={"runOnly": RULES})
        if results.violations_count:
            found[address] = [
                (v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in results.response["violations"]
            ]
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address
    assert not found
    assert page.complaints == []


def test_without_scripts_a_schedule_is_changed_in_place_and_a_back_fill_paused(
    open_page: Open, live_server: Any, scope: AccountMarketplace
) -> None:
    page = open_page(scripts=False)
    page.goto(live_server.url + addresses(scope)[0])
    page.click("#stock summary")
    page.select_option("#stock select", "chosen")
    page.fill("#stock input[name=stock-hours]", "4, 25")
    page.click("#stock button:has-text('Save')")
    assert "“25” is no hour of the day" in page.locator("#stock").inner_text()
    page.fill("#stock input[name=stock-hours]", "4, 16")
    page.click("#stock button:has-text('Save')")
    assert "daily at 04:" in page.locator("#stock").inner_text() and "your own" in page.locator("#stock").inner_text()
    assert Feed.objects.get(account=scope.account_id, marketplace=scope.marketplace_id, spec="stock").hours == [4, 16]

    page.goto(live_server.url + addresses(scope)[1])
    page.click("text=Pause")
    assert "Paused at" in page.locator("#plan").inner_text()
    page.click("text=Go on")
    assert "Under way" in page.locator("#plan").inner_text()
