"""What the Data page says of each feed: what holds it up, since when, when it is tried again, what to do."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import overview
from opsboard.feeds.models import Feed, Fetch
from opsboard.feeds.outcomes import MEANINGS, Outcome
from tests.factories import make_seller

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def page() -> tuple[Client, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    client = Client()
    client.force_login(user)
    return client, scope


def plant(scope: AccountMarketplace, outcome: str, spec: str = "stock", **fields: Any) -> Fetch:
    now = timezone.now()
    Feed.objects.get_or_create(
        account=scope.account, marketplace=scope.marketplace, spec=spec, defaults={"next_due": now + HOUR}
    )
    values = {
        "window_start": now.date(),
        "window_end": now.date(),
        "slot": now,
        "outcome": outcome,
        "outcome_since": now - 2 * HOUR,
        "not_before": now + HOUR / 2,
        **fields,
    }
    return Fetch.objects.create(account=scope.account, marketplace=scope.marketplace, spec=spec, **values)


def line(scope: AccountMarketplace) -> overview.FeedLine:
    return overview.feed_lines([scope])[0]


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.DONE])
def test_each_outcome_is_said_with_what_to_do(page: tuple[Client, AccountMarketplace], outcome: Outcome) -> None:
    client, scope = page
    meaning = MEANINGS[outcome]
    open_ = not meaning.ends or bool(meaning.waits) or meaning.severity == "provisional"
    plant(scope, outcome, finished_at=None if open_ else timezone.now())

    text = unescape(client.get("/data/").content.decode())

    assert str(meaning.word) in text and str(meaning.sentence) in text and str(meaning.todo) in text
    assert "since " in text and ("next try" in text) is open_
    if meaning.link == "account":
        assert f"/settings/account/{scope.account_id}/" in text


def test_a_guess_is_called_one_and_amazons_words_are_quoted(page: tuple[Client, AccountMarketplace]) -> None:
    client, scope = page
    plant(scope, "cancelled_by_someone", guessed=True, said="Stopped <b>by</b> user")
    text = client.get("/data/").content.decode().replace("&#x27;", "'")
    assert "Most likely:" in text and "Amazon's words: “Stopped &lt;b&gt;by&lt;/b&gt; user”" in text


def test_the_worst_is_shown_and_how_many_requests_it_is_true_of(page: tuple[Client, AccountMarketplace]) -> None:
    _client, scope = page
    day = timezone.now().date()
    for age in range(3):
        plant(scope, "waiting_turn", window_start=day - timedelta(days=age))
    plant(scope, "amazon_down", window_start=day - timedelta(days=5))
    plant(scope, "amazon_down", window_start=day - timedelta(days=6))
    told = line(scope).told
    assert told and (told.outcome, told.severity, told.count) == ("amazon_down", "warn", 2)


def test_what_went_wrong_before_the_last_report_came_is_history(page: tuple[Client, AccountMarketplace]) -> None:
    _client, scope = page
    now = timezone.now()
    plant(scope, "fatal_unexplained", state="failed", finished_at=now - 3 * HOUR)
    assert line(scope).status == "breach"
    plant(scope, "done", state="done", finished_at=now - HOUR, window_start=now.date() - timedelta(days=1))
    assert (line(scope).status, line(scope).told) == ("ok", None)
    plant(scope, "throttled", window_start=now.date() - timedelta(days=2))
    told = line(scope).told
    assert told and told.outcome == "throttled" and told.next_try


def test_an_answer_without_a_report_is_said_until_the_next_report_comes(
    page: tuple[Client, AccountMarketplace],
) -> None:
    _client, scope = page
    now = timezone.now()
    plant(scope, "no_data", state="empty", finished_at=now - HOUR)
    Feed.objects.update(last_success_at=now - HOUR + timedelta(milliseconds=5))
    told = line(scope).told
    assert told and told.outcome == "no_data" and line(scope).status == "no_limit"
    plant(scope, "done", state="done", finished_at=now, window_start=now.date() - timedelta(days=1))
    assert (line(scope).status, line(scope).told) == ("ok", None)


def test_what_waits_for_days_is_late_and_says_what_it_waits_for(page: tuple[Client, AccountMarketplace]) -> None:
    _client, scope = page
    now = timezone.now()
    plant(scope, "throttled")
    Feed.objects.update(last_success_at=now - timedelta(days=3))
    told = line(scope).told
    assert line(scope).status == "warn" and told and told.outcome == "throttled"


def test_an_outcome_of_a_newer_version_is_left_to_the_old_words(page: tuple[Client, AccountMarketplace]) -> None:
    client, scope = page
    plant(scope, "from_the_future")
    assert client.get("/data/").status_code == 200


def test_nothing_of_another_account_is_said(page: tuple[Client, AccountMarketplace]) -> None:
    client, scope = page
    _user, (stranger,) = make_seller(("US",))
    plant(stranger, "access_revoked", finished_at=timezone.now())
    plant(scope, "in_queue")
    assert str(MEANINGS[Outcome.ACCESS_REVOKED].sentence) not in client.get("/data/").content.decode()
