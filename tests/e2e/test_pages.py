"""Every page in both themes, both languages, on a phone: readable, quiet, accessible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from opsboard.accounts.models import AccountMarketplace, User
from opsboard.alerts.models import Episode
from opsboard.feeds.models import Document
from tests.watch.conftest import lived

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Shop = tuple[User, list[AccountMarketplace]]
Open = Callable[..., Any]


def addresses(scopes: list[AccountMarketplace]) -> list[str]:
    us = f"?scope={scopes[0].pk}"
    document = Document.objects.filter(account=scopes[0].account).order_by("pk").first()
    episode = Episode.objects.filter(account=scopes[0].account, kpi="acos").first()
    skus = Episode.objects.filter(account=scopes[0].account, snapshot="skus").first()
    assert document is not None and episode is not None and skus is not None
    return [
        "/",
        f"/{us}",
        f"/listings/{us}",
        f"/listings/asin/B000000002/{us}",
        f"/ads/{us}&chart=acos",
        f"/ads/terms/{us}",
        f"/ads/campaign/101/{us}",
        f"/ads/term/2/{us}",
        f"/inventory/{us}",
        f"/inventory/sku/SKU-001/{us}",
        f"/health/{us}",
        f"/health/metric/odr_mfn/{us}",
        "/data/",
        f"/data/document/{document.pk}/",
        f"/data/document/{document.pk}/line/2/",
        "/data/documents/",
        "/data/coverage/",
        f"/data/coverage/{us}",
        f"/data/coverage/{us}&months=1&state=missing",
        f"/data/coverage/sales_by_date/{us}",
        f"/data/coverage/sp_campaigns/{(scopes[0].marketplace.today() - timedelta(days=12)).isoformat()}/{us}",
        "/data/upload/",
        f"/data/reconciliation/{us}",
        f"/data/reconciliation/sales_by_asin/{us}",
        "/alerts/",
        "/settings/rules/",
        f"/settings/rules/new/{scopes[0].account.organisation_id}/",
        f"/settings/rules/new/{scopes[0].account.organisation_id}/change/",
        f"/settings/rules/new/{scopes[0].account.organisation_id}/supply/",
        "/settings/tags/",
        f"/settings/tags/new/{scopes[0].account.organisation_id}/",
        "/settings/delivery/",
        "/settings/delivery/log/",
        f"/settings/delivery/hours/{scopes[0].account.organisation_id}/",
        f"/alerts/{episode.pk}/",
        f"/alerts/{skus.pk}/",
        f"/diagnosis/acos/{us}",
        f"/diagnosis/odr_mfn/{us}",
        f"/diagnosis/run/new-shop/{us}",
        f"/settings/kpis/{us}",
        f"/weekly/{us}",
        "/weekly/brief/",
        "/settings/summaries/",
        "/settings/system/",
        f"/ads/{us}&explore=1",
        f"/ads/{us}&chart=ads.spend&known=2026-01-01",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_is_accessible_and_quiet(
    open_page: Open, live_server: Any, shop: Shop, theme: str, language: str
) -> None:
    page = open_page(theme, language)
    found = {}
    for address in addresses(shop[1]):
        answer = page.goto(live_server.url + address)
        page.wait_for_load_state("networkidle")
        assert answer.status == 200, address
        assert page.get_attribute("html", "lang") == language
        results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        if results.violations_count:
            found[address] = [
                (v["id"], [node["html"][:120] for node in v["nodes"][:3]]) for v in results.response["violations"]
            ]

    assert not found
    assert page.complaints == []


@pytest.mark.parametrize("width", [320, 360, 768])
def test_no_page_scrolls_sideways(open_page: Open, live_server: Any, shop: Shop, width: int) -> None:
    page = open_page(width=width)
    wide = []
    for address in addresses(shop[1]):
        page.goto(live_server.url + address)
        page.wait_for_load_state("networkidle")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(address)

    assert wide == []


def test_the_banner_stands_above_the_figures_and_is_accessible(open_page: Open, live_server: Any, shop: Shop) -> None:
    lived("clock", seen=6 * 3600)
    for theme, width in (("light", 1440), ("dark", 360)):
        page = open_page(theme, width=width)
        for address in ("/", "/settings/system/"):
            page.goto(live_server.url + address)
            banner, heading = page.locator(".banner"), page.locator("h1")
            assert "Standing still" in banner.inner_text() and banner.get_attribute("aria-live") == "polite"
            assert banner.bounding_box()["y"] < heading.bounding_box()["y"]
            assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
            assert results.violations_count == 0
        assert page.complaints == []


def test_tables_behind_a_chart_stay_within_a_phone(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page(width=360)
    page.goto(f"{live_server.url}/ads/?scope={shop[1][0].pk}&chart=acos")
    page.click("text=1 day was restated after it was final")

    assert "39.3" in page.locator(".tile:has-text('ACoS')").first.inner_text()  # what it was
    assert page.locator("figure .twin[open] table").is_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_the_address_holds_the_whole_state(open_page: Open, live_server: Any, shop: Shop) -> None:
    page, other = open_page(), open_page()
    page.goto(f"{live_server.url}/ads/?scope={shop[1][0].pk}")
    page.click("#campaigns-by-clicks")
    page.wait_for_url("**sort=-clicks**")
    page.locator("#context summary").nth(1).click()
    page.click("text=Last 14 days")
    page.wait_for_url("**period=14d**")

    other.goto(page.url)

    assert "sort=-clicks" in page.url
    assert other.locator("th[aria-sort=descending]").inner_text().startswith("Clicks")
    assert other.locator("main").inner_text() == page.locator("main").inner_text()
    page.go_back()
    page.wait_for_url(lambda address: "period=14d" not in address)
    assert "30" in page.locator("#context summary").nth(1).inner_text()


def test_sorting_keeps_the_focus_and_turns_round(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/ads/?scope={shop[1][0].pk}")
    page.focus("#campaigns-by-orders")
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=descending] #campaigns-by-orders")

    assert page.evaluate("document.activeElement.id") == "campaigns-by-orders"
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=ascending] #campaigns-by-orders")
    assert page.complaints == []


def test_from_a_tile_to_the_document_line_in_three_clicks(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/?scope={shop[1][0].pk}")

    page.click(".tile__label a:has-text('ACoS')")
    page.click("#campaigns tbody a >> nth=0")
    evidence = page.locator("td.source a").first
    assert "report-sp_campaigns" in evidence.inner_text() and "line 2" in evidence.inner_text()
    evidence.click()

    assert "report-sp_campaigns" in page.locator("main").inner_text()


def test_everything_reads_and_works_without_scripts(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page(scripts=False)
    page.goto(f"{live_server.url}/listings/?scope={shop[1][0].pk}")

    page.click("#asins-by-sessions")
    page.locator("#context summary").nth(2).click()
    page.click("#context >> text=a year before")

    assert "compare=year" in page.url and "sort=-sessions" in page.url
    assert page.locator("#asins tbody tr").count() == 5


def test_keys_step_the_period_and_open_the_help(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page()
    page.goto(live_server.url + "/")

    page.keyboard.press("w")
    page.wait_for_url("**period=7d**")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**period=custom**")
    page.keyboard.press("?")

    assert page.locator("#keys").is_visible()


def test_a_first_view_needs_little_script(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page()
    weight = []
    page.on("response", lambda answer: answer.url.endswith(".js") and weight.append(len(answer.body())))
    page.goto(live_server.url + "/")
    page.wait_for_load_state("networkidle")

    assert 0 < sum(weight) < 100_000


def test_the_arrow_keys_walk_the_calendar_and_tab_only_to_what_wants_a_person(
    open_page: Open, live_server: Any, shop: Shop
) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/data/coverage/?scope={shop[1][0].pk}")
    missing = page.locator("a.day--missing").first
    assert missing.get_attribute("tabindex") is None
    assert page.locator("a.day--final").first.get_attribute("tabindex") == "-1"

    missing.focus()
    page.keyboard.press("ArrowLeft")
    neighbour = page.evaluate("document.activeElement.title")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.getAttribute('href')")

    assert neighbour.endswith("final") and neighbour != missing.get_attribute("title")
    assert below.split("/")[3] != missing.get_attribute("href").split("/")[3]
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('What is known')")
    assert below.split("?")[0] in page.url


def test_a_contract_opens_by_keyboard_and_gives_the_focus_back(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/health/?scope={shop[1][0].pk}")
    opener = page.locator(".tile__info > summary").first
    card = page.locator(".tile__info > .menu__card").first
    opener.focus()
    page.keyboard.press("Enter")
    assert card.is_visible() and "in force" in card.inner_text()

    page.keyboard.press("Escape")

    assert card.is_hidden() and opener.evaluate("one => one === document.activeElement")
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 600, 1440])
def test_a_contract_opens_without_scripts_inside_the_screen_and_above_everything(
    open_page: Open, live_server: Any, shop: Shop, width: int
) -> None:
    page = open_page(width=width, scripts=False)
    page.goto(f"{live_server.url}/health/?scope={shop[1][0].pk}")
    for at in (0, 1, 3):
        page.locator(".tile__info > summary").nth(at).click()
        box = page.locator(".tile__info > .menu__card").nth(at).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, (at, box)
        page.locator(".tile__info > summary").nth(at).click()
    page.locator(".tile__info > summary").nth(1).click()
    page.locator(".tile__info[open] a").last.click()
    assert page.url.endswith("#odr_afn")
