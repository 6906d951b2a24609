"""Every way a fetch can go has its own state, sentence and rule, and none is mistaken for another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon import tokens
from opsboard.feeds import dispatch, outcomes, schedule
from opsboard.feeds.models import Fetch
from opsboard.feeds.outcomes import MEANINGS, Outcome
from tests.amazon.scripted import Asked, Says, ScriptedAmazon, sp_status

from .test_fetching import ADS, LISTINGS, REPORTS, S3_ERROR, advance, make_fetch, wait_of

pytestmark = pytest.mark.django_db
LWA, SELLERS, PROFILES = "/auth/o2/token", "/sellers/v1/marketplaceParticipations", "/v2/profiles"
DENIED = Says({"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}, 403)
KNOWN = Says({"payload": [{"marketplace": {"id": "ATVPDKIKX0DER"}, "participation": {"isParticipating": True}}]})


def test_every_outcome_is_declared_with_a_sentence_and_what_to_do_where_it_does_not_go_well() -> None:
    assert set(MEANINGS) == set(Outcome)
    words = [str(meaning.sentence) for meaning in MEANINGS.values()]
    assert len(set(words)) == len(words)
    for outcome, meaning in MEANINGS.items():
        assert str(meaning.sentence).endswith(".") and meaning.severity in {
            "ok",
            "provisional",
            "warn",
            "breach",
            "no_limit",
        }, outcome
        if meaning.severity in {"warn", "breach"}:
            assert str(meaning.todo).endswith("."), outcome
        if meaning.severity == "breach" and not meaning.waits:
            assert meaning.link or outcome is Outcome.SET_ASIDE, outcome
    assert outcomes.meaning("from the future") is None


def asks(amazon: ScriptedAmazon, answer: Says) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("POST", REPORTS, answer)


@pytest.mark.parametrize(
    ("says", "outcome", "state", "attempts"),
    [
        (Says(b"", 429), "throttled", "waiting", 0),
        (Says(b"<html>slow down</html>", 429), "throttled", "waiting", 0),
        (Says({"errors": [{"message": "down"}]}, 503), "amazon_down", "waiting", 0),
        (Says(b"<html>maintenance</html>", 502), "amazon_down", "waiting", 0),
        (Says(b"<html>sign in to the hotel</html>", 200), "html_answer", "waiting", 0),
        (Says({"errors": [{"message": "Invalid reportType"}]}, 400), "request_refused", "failed", 1),
        (DENIED, "role_missing", "failed", 1),
        (Says({"errors": [{"message": "nobody"}]}, 401), "token_expired", "waiting", 1),
    ],
)
def test_what_amazon_says_to_a_request(
    amazon: ScriptedAmazon, scope: AccountMarketplace, says: Says, outcome: str, state: str, attempts: int
) -> None:
    asks(amazon, says)
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.outcome, fetch.state, fetch.attempts) == (outcome, state, attempts), fetch.reason
    assert fetch.outcome_since and fetch.reason and fetch.journal[-1]["outcome"] == outcome


def test_a_machine_without_a_connection_is_not_amazon_being_down(
    amazon: ScriptedAmazon, scope: AccountMarketplace, settings: Settings
) -> None:
    amazon.sign_in()
    settings.SP_API_ENDPOINT = "http://127.0.0.1:9"
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.outcome, fetch.state, fetch.attempts) == ("unreachable", "waiting", 0)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("invalid_client", "wrong_secret"),
        ("invalid_grant", "access_revoked"),
        ("unauthorized_client", "wrong_secret"),
        ("invalid_scope", "sign_in_refused"),
    ],
)
def test_refusals_to_sign_in_are_told_apart(
    amazon: ScriptedAmazon, scope: AccountMarketplace, error: str, outcome: str
) -> None:
    amazon.on("POST", LWA, Says({"error": error, "error_description": "so"}, 400))
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.outcome, fetch.state) == (outcome, "failed")


def test_a_token_that_expired_while_amazon_worked_is_renewed_and_nobody_notices(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    amazon.sign_in("T1", "T2")

    def looked_at(asked: Asked) -> Says:
        old = asked.headers["x-amz-access-token"] == "T1"
        return (
            Says({"errors": [{"message": "The access token you provided has expired."}]}, 403)
            if old
            else Says(sp_status())
        )

    amazon.on("GET", f"{REPORTS}/", looked_at)
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.outcome == "done" and amazon.count("POST", LWA) == 2 and amazon.count("POST", REPORTS) == 1


def test_a_token_refused_three_times_ends_with_the_connection_to_check(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    asks(amazon, Says({"errors": [{"message": "nobody"}]}, 401))
    fetch = make_fetch(scope)
    for _ in range(3):
        advance(fetch)
    assert (fetch.outcome, fetch.state) == ("token_expired", "failed")


def test_a_missing_role_is_certain_where_the_region_knows_the_seller_and_a_guess_where_nobody_does(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    asks(amazon, DENIED)
    amazon.on("GET", SELLERS, KNOWN, DENIED)
    certain, guess = make_fetch(scope), make_fetch(scope, "stock")
    advance(certain)
    advance(guess)
    assert (certain.outcome, certain.guessed) == ("role_missing", False)
    assert (guess.outcome, guess.guessed) == ("role_missing", True)


def test_credentials_of_another_region_are_named_as_such(
    amazon: ScriptedAmazon, scope: AccountMarketplace, settings: Settings
) -> None:
    settings.SP_API_ENDPOINT = f"{amazon.url}/{{region}}"
    amazon.sign_in()
    amazon.on("POST", f"/NA{REPORTS}", DENIED)
    amazon.on("GET", "/NA/sellers/", DENIED)
    amazon.on("GET", "/FE/sellers/", DENIED)
    amazon.on("GET", "/EU/sellers/", KNOWN)
    fetch, sibling = make_fetch(scope), make_fetch(scope, "stock")
    advance(fetch)
    sibling.refresh_from_db()
    assert (fetch.outcome, fetch.guessed, sibling.outcome) == ("wrong_region", False, "wrong_region")


def test_an_advertising_profile_of_somebody_else_is_named_as_such(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in()
    amazon.on("POST", ADS, Says({"message": "Not authorized"}, 401))
    amazon.on("GET", PROFILES, Says([{"profileId": 99, "countryCode": "DE"}]))
    fetch = make_fetch(scope, "sp_campaigns")
    advance(fetch)
    assert (fetch.outcome, fetch.state) == ("wrong_profile", "failed")


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((Says(S3_ERROR, 403),), "url_expired"),
        ((Says(b"<!doctype html><p>sign in"),), "page_instead"),
        ((Says(b"\x1f\x8b", announced=100),), "cut_off"),
    ],
)
def test_documents_that_do_not_come_are_told_apart_and_their_report_is_kept(
    amazon: ScriptedAmazon, scope: AccountMarketplace, answers: tuple[Any, ...], outcome: str
) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("GET", "/file", *answers)
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.outcome, fetch.state, fetch.report_id) == (outcome, "ready", "R1")
    amazon.sp_report(LISTINGS)
    advance(fetch)
    assert fetch.outcome == "done" and amazon.count("POST", REPORTS) == 1


def test_a_report_without_one_row_is_done_and_says_that_it_is_empty(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.ads_report(b"[]")
    fetch = make_fetch(scope, "sp_campaigns")
    dispatch.work(seconds=5)
    fetch.refresh_from_db()
    assert (fetch.state, fetch.outcome) == ("done", "done_empty")


def test_six_hours_in_amazons_queue_and_three_restarts_cost_one_request(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS, status="IN_QUEUE")
    fetch = make_fetch(scope)
    for hours in (0, 2, 4, 6):
        if hours:
            Fetch.objects.update(requested_at=timezone.now() - timedelta(hours=hours))
        # A worker that was killed leaves its claim; the next one finds the lease run out.
        Fetch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        tokens._held.clear()
        advance(fetch)
        assert fetch.state == "requested" and fetch.outcome == ("in_queue_long" if hours else "in_queue")
        assert wait_of(fetch) <= 300
    assert fetch.outcome_since is not None and fetch.outcome_since < timezone.now() - timedelta(hours=1)
    amazon.on("GET", f"{REPORTS}/", Says(sp_status()))
    advance(fetch)
    assert fetch.outcome == "done" and amazon.count("POST", REPORTS) == 1


def test_what_starts_again_has_no_outcome_of_the_time_before(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    asks(amazon, Says({"errors": [{"message": "Invalid reportType"}]}, 400))
    fetch = make_fetch(scope)
    advance(fetch)
    schedule.reopen(Fetch.objects.all())
    fetch.refresh_from_db()
    assert (fetch.outcome, fetch.said, fetch.guessed) == ("", "", False) and len(fetch.journal) == 1
