"""The letter: the fact first, 72 columns, small, in the reader's language, a way out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership, User
from opsboard.alerts.mail import Letter
from opsboard.summaries import mail, work
from opsboard.summaries.models import Kind, Summary
from tests.e2e.shop import stock_shop
from tests.factories import make_account, make_scope

from .conftest import TUESDAY, WEEK

pytestmark = pytest.mark.django_db
Shop = tuple[User, AccountMarketplace]


def letter(shop: Shop, kind: Kind = Kind.WEEKLY, language: str = "en") -> Letter:
    user, scope = shop
    organisation = scope.account.organisation
    work.schedule_of(organisation)
    User.objects.filter(pk=user.pk).update(language=language)
    period = WEEK if kind == Kind.WEEKLY else TUESDAY.date().isoformat()
    summary = Summary(organisation=organisation, kind=kind, period=period, slot=TUESDAY)
    summary.content = work.build(organisation, kind, period, TUESDAY, timezone.now() + timedelta(minutes=1))
    member = Membership.objects.select_related("user", "organisation").get(user=user)
    made = mail.compose(summary, member, None)
    assert made is not None
    return made


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", list(Kind))
def test_the_plain_part_stands_alone_in_72_columns(shop: Shop, kind: Kind, language: str) -> None:
    made = letter(shop, kind, language)

    wide = [line for line in made.text.splitlines() if mail.cells(line) > 72 and "https://" not in line]
    assert wide == []
    assert "https://ops.example.com/weekly/" in made.text and "\n-- \n" in made.text
    assert "/weekly/unsubscribe/" in made.text and "/weekly/unsubscribe/" in made.html


def test_the_subject_is_the_finding_and_the_period_is_printed_with_its_zone(shop: Shop) -> None:
    made = letter(shop)

    assert made.subject.startswith("Week 47 of 2026: 3 limits broken (3 new) · ordered sales +")
    for part in (made.text, made.html):
        assert "Mon 16 Nov 2026 – Sun 22 Nov 2026" in part and "America/Los_Angeles" in part


def test_a_mail_of_many_marketplaces_is_cut_off_nowhere(shop: Shop) -> None:
    organisation = shop[1].account.organisation
    for n, code in enumerate(("CA", "MX", "BR")):
        for copy in range(3):
            scope = make_scope(make_account(organisation, f"Seller {n}{copy}"), code)
            stock_shop(scope)

    made = letter(shop)

    assert len(made.html.encode()) < 100_000
    assert all(
        f"Seller {n}{copy}" in made.html and f"Seller {n}{copy}" in made.text for n in range(3) for copy in range(3)
    )


def test_chinese_lines_break_between_signs_and_never_inside_a_figure() -> None:
    text = (
        "销售额变动，按两周都有数据的六个相同星期日期对比，Account 2 JP +2.6\N{NARROW NO-BREAK SPACE}% 与上周相比；" * 4
    )

    lines = mail._wrap(text, "- ", "  ")

    assert max(map(mail.cells, lines)) <= 72 and len(lines) > 4
    assert all(line[2] not in "，。：；、） %\N{NARROW NO-BREAK SPACE}" for line in lines)
    assert "".join(line[2:] for line in lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(mail.cells, mail._wrap("活动" + "x" * 300))) <= 72


def test_names_from_amazon_are_text(shop: Shop) -> None:
    from datetime import date

    from listings.models import AsinDay

    AsinDay.objects.filter(asin="B000000004", date__gte=date(2026, 11, 16)).update(ordered_sales_minor=9)

    made = letter(shop)

    assert "Baking mat, &lt;b&gt;large&lt;/b&gt;" in made.html and "Baking mat, <b>large</b>" in made.text
    assert "<b>large" not in made.html and "<script" not in made.html and "<img" not in made.html
