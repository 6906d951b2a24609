"""The weekly summary as a person holds it: a mail on a phone, a page in print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership, User
from opsboard.summaries import mail, work
from opsboard.summaries.models import Kind, Summary
from opsboard.summaries.slots import Week

pytestmark = pytest.mark.django_db(transaction=True)
Shop = tuple[User, list[AccountMarketplace]]
Open = Callable[..., Any]


def made(shop: Shop, kind: Kind) -> Summary:
    """A summary of the shop's organisation, sent today."""
    organisation, now = shop[1][0].account.organisation, timezone.now()
    period = str(Week.of(now.date()).step(-1)) if kind == Kind.WEEKLY else now.date().isoformat()
    work.schedule_of(organisation)
    summary = Summary.objects.create(organisation=organisation, kind=kind, period=period, slot=now)
    assert work.make(summary.pk)
    summary.refresh_from_db()
    return summary


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", list(Kind))
def test_the_mail_fits_a_phone_and_is_readable_in_both_themes(
    browser: Any, shop: Shop, kind: Kind, language: str
) -> None:
    User.objects.filter(pk=shop[0].pk).update(language=language)
    member = Membership.objects.select_related("user", "organisation").get(user=shop[0])
    letter = mail.compose(made(shop, kind), member, None)
    assert letter is not None and len(letter.html.encode()) < 100_000
    for theme in ("light", "dark"):
        for width in (360, 640):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
            page = context.new_page()
            page.set_content(letter.html)
            assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
            assert found.violations_count == 0, (theme, width, found.generate_report())
            context.close()


def test_in_print_the_week_stands_alone(open_page: Open, live_server: Any, shop: Shop) -> None:
    made(shop, Kind.WEEKLY)
    page = open_page()
    page.goto(f"{live_server.url}/weekly/")
    assert page.locator("nav.rail").is_visible() and page.locator("#said form").first.is_visible()

    page.emulate_media(media="print")

    assert not page.locator("nav.rail").is_visible() and not page.locator("#context").is_visible()
    assert page.locator("#said form:visible").count() == 0
    assert page.locator("h1").is_visible() and page.locator(".week .table").first.is_visible()
    assert page.pdf(format="A4")[:5] == b"%PDF-"
