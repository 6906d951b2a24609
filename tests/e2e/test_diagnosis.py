"""From the mail to the line of the report in three clicks, and the alert acknowledged, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace, User
from opsboard.alerts import outbox
from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.feeds import dispatch
from opsboard.simulator import stories
from opsboard.simulator.business import campaigns
from tests.accounts.mailserver import mail_server
from tests.factories import make_account, make_scope
from tests.kpis.served import Served

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_mail_to_the_document_line_in_three_clicks_and_acknowledged(
    open_page: Callable[..., Any],
    live_server: Any,
    shop: tuple[User, list[AccountMarketplace]],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, scopes = shop
    settings.DOCUMENT_DIR, settings.BASE_URL = tmp_path, live_server.url
    settings.EMAIL_BACKEND, settings.ALERT_GROUP_SECONDS = "django.core.mail.backends.smtp.EmailBackend", 0
    monkeypatch.setattr(dispatch, "hint", lambda *_args, **_more: False)
    planted = make_scope(make_account(scopes[0].account.organisation, "Northwind"), "US")
    served = Served("NA", planted).ads(75, "sp_campaigns")
    runaway = campaigns(1, "NA")[stories.RUNAWAY_CAMPAIGN].name
    OutboxMessage.objects.all().delete()  # what the other shops have to tell would hold this letter back
    episode = served.judge()["acos"]
    with mail_server() as (inbox, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        outbox.deliver(OutboxMessage.objects.get(recipient=user, episodes=episode).pk)
        letter = inbox.text()
    assert runaway in letter.replace("\n", " ") and "Do first: Lower the bids" in letter
    (link,) = set(re.findall(rf"{live_server.url}/alerts/\d+/", letter))

    page = open_page(width=360)
    page.goto(link)  # the first click, in the mail
    step = page.locator(".step--likely")
    assert "off" in step.inner_text() and runaway in step.inner_text()
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    step.locator("tbody a").first.click()
    assert runaway in page.locator("h1").inner_text()
    page.locator("td.source a").first.click()
    assert re.search(r"/data/document/\d+/line/\d+/", page.url)
    assert runaway in page.locator("main").inner_text()

    page.goto(link)
    page.click("button:has-text('Acknowledge')")
    page.wait_for_selector("text=the others see that you are on it")
    assert Episode.objects.get(pk=episode.pk).acknowledged_by == user
    assert page.complaints == []


def test_a_diagnosis_reads_without_scripts(
    open_page: Callable[..., Any], live_server: Any, shop: tuple[User, list[AccountMarketplace]]
) -> None:
    page = open_page(scripts=False)
    page.goto(f"{live_server.url}/ads/?scope={shop[1][0].pk}")
    page.locator(".tile:has-text('ACoS') summary").first.click()
    page.click("text=Diagnose")

    assert "/diagnosis/acos/" in page.url
    assert page.locator(".step").count() == 7
    likely = page.locator(".step--likely")
    assert likely.locator("tbody tr").first.is_visible()
    other = page.locator(".step:not(.step--likely) details").first
    if other.count():
        other.locator("summary").click()
        assert other.locator("tbody tr").first.is_visible()
