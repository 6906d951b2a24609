"""A report that is empty all at once is asked for once more, and only then called suspicious."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from listings.models import Listing
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import dispatch, standing
from opsboard.feeds.models import Document, Feed, Fetch, Ingest
from tests.amazon.scripted import Says, ScriptedAmazon, sp_status

from .test_fetching import LISTINGS, REPORTS, make_fetch

pytestmark = pytest.mark.django_db
HEADER = LISTINGS.splitlines(keepends=True)[0]


def come(amazon: ScriptedAmazon, content: bytes, number: int) -> None:
    """Amazon makes one report after the other."""
    amazon.sp_report(content)
    amazon.on("POST", REPORTS, Says({"reportId": f"R{number}"}, 202))
    amazon.on("GET", f"{REPORTS}/R{number}", Says({**sp_status(), "reportId": f"R{number}"}))


def work(fetch: Fetch) -> Fetch:
    Fetch.objects.filter(pk=fetch.pk, finished_at=None).update(not_before=timezone.now() - timedelta(seconds=1))
    dispatch.work(seconds=5)
    fetch.refresh_from_db()
    return fetch


@pytest.fixture
def stored(amazon: ScriptedAmazon, scope: AccountMarketplace) -> Fetch:
    """One listing is stored; the next report of the type is asked for."""
    come(amazon, LISTINGS, 1)
    work(make_fetch(scope, slot=timezone.now() - timedelta(days=1)))
    assert Listing.objects.count() == 1
    return make_fetch(scope)


def test_an_empty_report_is_held_and_asked_for_once_more(amazon: ScriptedAmazon, stored: Fetch) -> None:
    come(amazon, HEADER, 2)

    work(stored)

    assert (stored.outcome, stored.state, stored.finished_at) == ("emptied", "waiting", None)
    assert stored.not_before > timezone.now() + timedelta(minutes=20)
    assert Ingest.objects.get(document__fetch=stored).state == Ingest.State.HELD
    assert Listing.objects.count() == 1


def test_the_second_one_counts_and_nobody_has_to_look(amazon: ScriptedAmazon, stored: Fetch) -> None:
    come(amazon, HEADER, 2)
    work(stored)
    come(amazon, LISTINGS.replace(b"9.99", b"8.99"), 3)

    work(stored)

    assert (stored.outcome, stored.state) == ("done", "done")
    states = Ingest.objects.filter(document__fetch=stored).order_by("pk").values_list("state", flat=True)
    assert list(states) == [Ingest.State.SUPERSEDED, Ingest.State.APPLIED]


def test_empty_twice_is_suspicious_is_not_applied_and_is_not_asked_for_again(
    amazon: ScriptedAmazon, scope: AccountMarketplace, stored: Fetch
) -> None:
    asked = amazon.count("POST", REPORTS)
    come(amazon, HEADER, 2)
    work(stored)
    come(amazon, HEADER, 3)
    work(stored)
    work(stored)

    assert (stored.outcome, stored.state) == ("suspicious", "done")
    assert amazon.count("POST", REPORTS) == asked + 2
    assert Listing.objects.count() == 1
    last = Feed.objects.get(spec="listings").last_success_at
    (groups,) = standing.of([scope]).values()
    told = standing.worst(groups, last)
    assert told is not None and (told.outcome, told.severity) == ("suspicious", "breach")


def test_an_empty_report_of_a_seller_with_nothing_stored_is_refused_and_not_doubted(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    come(amazon, HEADER, 1)
    fetch = work(make_fetch(scope))
    assert fetch.outcome == "done"
    assert Ingest.objects.get(document=Document.objects.get()).state == Ingest.State.REFUSED
