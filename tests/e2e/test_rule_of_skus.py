"""A rule about a set of SKUs: made, tried on the past, kept, and its one alert read, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from opsboard.accounts.models import AccountMarketplace, User
from opsboard.alerts.models import Episode, Rule
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds.models import Document
from tests.alerts.shelf import Shelf

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hints")]
PLENTY, SHORT = (900, 300), (100, 300)


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> None:
    from opsboard.feeds import dispatch

    monkeypatch.setattr(dispatch, "hint", lambda *_args, **_more: False)


def history(scope: AccountMarketplace) -> None:
    """Three weeks of reports that came on their days: SHELF-1 ran short last week and does today, with SHELF-2."""
    for back in range(20, -1, -1):
        day = scope.marketplace.today() - timedelta(days=back)
        one, two = SHORT if back in {0, 7, 8} else PLENTY, SHORT if back == 0 else PLENTY
        Shelf(scope).stock({"SHELF-1": one, "SHELF-2": two, "OTHER": SHORT}, day)
        came = datetime.combine(day, time(0, 1), scope.marketplace.zone)
        Document.objects.filter(pk=Document.objects.latest("pk").pk).update(received_at=came)


@pytest.mark.parametrize(("scripts", "width", "language"), [(True, 1440, "en"), (False, 320, "zh-hans")])
def test_a_rule_about_a_set_of_skus_is_made_tried_kept_and_its_alert_lists_them(
    open_page: Callable[..., Any],
    live_server: Any,
    shop: tuple[User, list[AccountMarketplace]],
    scripts: bool,
    width: int,
    language: str,
) -> None:
    _user, scopes = shop
    scope = scopes[0]
    history(scope)
    page = open_page(width=width, scripts=scripts, language=language)
    page.goto(f"{live_server.url}/settings/rules/new/{scope.account.organisation_id}/supply/")
    page.fill("[name=name]", "My shelf")
    page.select_option("[name=kpi]", "skus:days_of_supply")
    page.select_option("[name=where]", f"s{scope.pk}")
    page.fill("[name=low]", "21")

    page.fill("[name=only]", "SHELF-1\nSHELF-9")
    page.click("button:has-text('90')")
    assert "SHELF-9" in page.locator("#id_only ~ .errorlist").inner_text()
    page.fill("[name=only]", "SHELF-1")
    page.fill("[name=find]", "shelf-2")
    page.press("[name=find]", "Enter")
    page.check("[name=picked][value='SHELF-2']")
    page.click("button:has-text('90')")

    assert page.input_value("[name=only]") == "SHELF-1\nSHELF-2"
    tried = page.locator("section[role=status]").inner_text()
    assert "1" in tried and "21" in tried and "SKU" in tried
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    assert not Rule.objects.filter(name="My shelf").exists()
    page.click(".form__actions button.button--primary")
    rule = Rule.objects.get(name="My shelf")
    assert rule.entities == ["SHELF-1", "SHELF-2"]

    judge_scope(scope.account_id, scope.marketplace_id)
    episode = Episode.objects.get(rule=rule)
    page.goto(f"{live_server.url}/alerts/{episode.pk}/")
    assert page.locator("h1").inner_text().startswith("2")
    rows = page.locator("section[aria-labelledby=members-title] tbody tr")
    assert rows.count() == 2
    first = rows.first.inner_text()
    assert "SHELF-1" in first and "Thing SHELF-1" in first and "100" in first and "300" in first
    rows.first.locator("a").click()
    assert "SHELF-1" in page.locator("main").inner_text()
    assert [told for told in page.complaints if "422" not in told] == []  # the list with a line nobody knows
