"""Whoever looks at a figure is told when it no longer says what it said when its days were final."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import pytest
import time_machine
from django.test import Client

from opsboard.feeds import withdrawal
from opsboard.feeds.models import Document
from opsboard.feeds.pipeline import run_ingest
from tests.factories import make_user
from tests.feeds.test_pipeline import Desk, campaign, desk, kept

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def day(desk: Desk) -> date:
    return desk.scope.marketplace.today() - timedelta(days=20)


def hand_in(desk: Desk, day: date, age: int, cost: float, sales: float) -> Document:
    """A document of the day's one campaign, `age` days later at nine in the morning there."""
    moment = datetime.combine(day + timedelta(days=age), time(9), desk.scope.marketplace.zone)
    with time_machine.travel(moment, tick=False):
        ingest = desk.keep([campaign(1, cost, day, sales7d=sales)], made=moment, window=(day, day))
        run_ingest(ingest.pk)
    return ingest.document


def page(desk: Desk, day: date, chart: str, **more: str) -> str:
    client = Client()
    client.force_login(
        make_user(desk.scope.account.organisation), "allauth.account.auth_backends.AuthenticationBackend"
    )
    span = {"period": "custom", "from": day.isoformat(), "to": day.isoformat()}
    return client.get("/ads/", {"scope": desk.scope.pk, "chart": chart, **span, **more}).content.decode()


def test_a_tile_and_its_trend_say_what_it_was_and_which_document_changed_it(desk: Desk, day: date) -> None:
    hand_in(desk, day, 1, 10, 40)
    hand_in(desk, day, 3, 10, 50)
    assert "restated" not in page(desk, day, "acos")  # it was not final yet
    late = hand_in(desk, day, 12, 12.5, 50)

    shown = page(desk, day, "acos")

    assert "restated: was $10.00, now $12.50 (+25.0\N{NARROW NO-BREAK SPACE}%)" in shown
    assert "restated: was 20.0\N{NARROW NO-BREAK SPACE}%, now 25.0\N{NARROW NO-BREAK SPACE}% (+5.0 pts)" in shown
    assert "1 day was restated after it was final" in shown
    assert f'href="/data/document/{late.pk}/"' in shown


def test_a_figure_that_came_back_to_what_it_was_is_not_restated(desk: Desk, day: date) -> None:
    hand_in(desk, day, 5, 10, 40)
    hand_in(desk, day, 12, 11, 40)
    hand_in(desk, day, 13, 10, 40)
    assert "restated" not in page(desk, day, "ads.spend")


def test_a_day_taken_back_is_restated_to_missing_and_not_to_zero(desk: Desk, day: date) -> None:
    document = hand_in(desk, day, 1, 10, 40)
    run_ingest(withdrawal.withdraw(document, user=None, why="other shop").pk)
    shown = page(desk, day, "ads.spend")
    assert "restated: was $10.00, now –" in shown and "now $0" not in shown


def test_another_tenants_restatement_is_not_told(desk: Desk, day: date) -> None:
    from tests.factories import make_scope

    hand_in(desk, day, 5, 10, 40)
    hand_in(desk, day, 12, 11, 40)
    other = Desk(make_scope())
    hand_in(other, day, 5, 10, 40)
    assert "restated" in page(desk, day, "ads.spend") and "restated" not in page(other, day, "ads.spend")


def test_a_trend_is_drawn_beside_what_was_known_on_a_day(desk: Desk, day: date) -> None:
    hand_in(desk, day, 5, 10, 40)
    hand_in(desk, day, 12, 13, 40)

    def known(age: int) -> list[str]:
        shown = page(desk, day, "ads.spend", known=(day + timedelta(days=age)).isoformat())
        assert "as known on" in shown
        twin = re.search(r"<tbody>(.*?)</tbody>", shown[shown.index("Show as table") :], re.DOTALL)
        assert twin is not None
        return re.findall(r'<td class="num">(.*?)</td>', twin[1])

    assert known(4) == ["$13.00", "–"]  # nobody had said anything yet: missing, not zero
    assert known(5) == known(11) == ["$13.00", "$10.00"]
    assert known(12) == ["$13.00", "$13.00"]
    assert "as known on" not in page(desk, day, "ads.spend", known="yesterday")
