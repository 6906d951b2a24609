"""One fetch's way through everything Amazon can do to it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Credential
from opsboard.feeds import fetching, leases, pipeline, rawstore, registry, schedule
from opsboard.feeds.models import Coverage, Document, Feed, Fetch, Ingest, Rest
from tests.amazon.scripted import Says, ScriptedAmazon, sp_status

pytestmark = pytest.mark.django_db
REPORTS, ADS = "/reports/2021-06-30/reports", "/reporting/reports"
LISTINGS = b"item-name\tseller-sku\tasin1\tprice\tquantity\tstatus\nMug\tMUG-1\tB000000001\t9.99\t5\tActive\n"
S3_ERROR = b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>"


def make_fetch(scope: AccountMarketplace, spec: str = "listings", **fields: Any) -> Fetch:
    day = timezone.now().date() - timedelta(days=3)
    Feed.objects.get_or_create(account=scope.account, marketplace=scope.marketplace, spec=spec)
    values = {"window_start": day, "window_end": day, "slot": timezone.now(), **fields}
    return Fetch.objects.create(account=scope.account, marketplace=scope.marketplace, spec=spec, **values)


def advance(fetch: Fetch) -> fetching.Advanced:
    """Carry the fetch on as if its waiting time were over."""
    Fetch.objects.filter(pk=fetch.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    advanced = fetching.advance(fetch.pk)
    fetch.refresh_from_db()
    assert advanced is not None
    return advanced


def wait_of(fetch: Fetch) -> float:
    return (fetch.not_before - timezone.now()).total_seconds()


def feed_of(fetch: Fetch) -> Feed:
    return Feed.objects.get(account=fetch.account_id, spec=fetch.spec)


# --- when all goes well ---------------------------------------------------------------------------


def test_a_quick_report_is_asked_for_downloaded_and_kept_in_one_go(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    fetch = make_fetch(scope)

    advanced = advance(fetch)

    assert fetch.state == Fetch.State.DONE and fetch.finished_at and fetch.attempts == 1
    document = Document.objects.get(fetch=fetch)
    assert (document.source, document.report_id, document.size) == ("sp_api", "R1", len(LISTINGS))
    assert document.source_created_at == datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
    assert document.window_start == document.window_end == date(2026, 11, 20)  # a snapshot is of the day it was made
    assert advanced.ingest_id == Ingest.objects.get(document=document).pk
    assert feed_of(fetch).last_success_at and not feed_of(fetch).last_error


def test_an_ads_report_goes_the_same_way(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"[]", updatedAt="2026-11-20T11:00:00Z")
    fetch = make_fetch(scope, "sp_campaigns")

    advance(fetch)

    assert fetch.state == Fetch.State.DONE
    document = Document.objects.get(fetch=fetch)
    assert (document.source, document.report_id) == ("ads_api", "A1")
    assert (document.window_start, document.window_end) == (fetch.window_start, fetch.window_end)
    assert document.source_created_at == datetime(2026, 11, 20, 11, tzinfo=UTC)


def test_the_kept_document_is_ingested(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    advanced = advance(make_fetch(scope))
    assert advanced.ingest_id
    outcome = pipeline.run_ingest(advanced.ingest_id)
    assert outcome is not None and outcome.state == Ingest.State.APPLIED, outcome


# --- when Amazon takes its time -------------------------------------------------------------------


def test_a_slow_report_is_waited_for_across_workers_and_asked_for_once(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS, status="IN_QUEUE")
    fetch = make_fetch(scope)

    advance(fetch)
    assert fetch.state == Fetch.State.REQUESTED and fetch.lease_until is None
    assert 15 < wait_of(fetch) <= 20
    assert fetch.reason.startswith("Waiting for Amazon since ") and fetch.reason.endswith(" UTC.")

    waits = []
    for minutes in (2, 10, 60, 6 * 60):
        Fetch.objects.update(requested_at=timezone.now() - timedelta(minutes=minutes))
        advance(fetch)
        waits.append(round(wait_of(fetch)))
    assert waits == [30, 150, 300, 300]
    assert fetch.outcome == "in_queue_long"  # since an hour after it was asked for

    amazon.on("GET", f"{REPORTS}/", Says(sp_status()))
    advance(fetch)
    assert fetch.state == Fetch.State.DONE and amazon.count("POST", REPORTS) == 1 and fetch.attempts == 1


def test_after_two_days_patience_ends(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS, status="IN_PROGRESS")
    fetch = make_fetch(scope)
    advance(fetch)
    Fetch.objects.update(requested_at=timezone.now() - timedelta(hours=49))
    advance(fetch)
    assert fetch.state == Fetch.State.FAILED and "two days" in fetch.reason


def test_a_throttled_request_is_parked_and_holds_no_worker(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("POST", REPORTS, Says(b"", 429, {"x-amzn-RateLimit-Limit": "0.0083"}))
    fetch = make_fetch(scope)

    advance(fetch)

    assert fetch.state == Fetch.State.WAITING and fetch.lease_until is None and fetch.attempts == 0
    assert 115 < wait_of(fetch) <= 121 and fetch.outcome == "throttled"
    assert 115 < (Rest.objects.get(api="sp", state="waiting").until - timezone.now()).total_seconds() <= 121
    assert "asked again by itself" in fetch.reason and not feed_of(fetch).last_error
    for _ in range(20):
        advance(fetch)
    assert amazon.count("POST", REPORTS) == 1 and fetch.state == Fetch.State.WAITING and fetch.attempts == 0


def test_an_outage_is_waited_out_and_is_no_failure(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("GET", f"{REPORTS}/", Says(b"<html>", 503))
    fetch = make_fetch(scope)
    for _ in range(10):
        advance(fetch)
    assert fetch.state == Fetch.State.REQUESTED and fetch.attempts == 0 and 50 < wait_of(fetch) <= 60
    assert fetch.outcome == "amazon_down"
    assert "does not answer as it should" in feed_of(fetch).last_error

    amazon.on("GET", f"{REPORTS}/", Says(sp_status()))
    advance(fetch)
    assert fetch.state == Fetch.State.DONE and not feed_of(fetch).last_error and amazon.count("POST", REPORTS) == 1


# --- when Amazon refuses --------------------------------------------------------------------------


STARTED = {"processingStartTime": "2026-11-20T10:01:00+00:00"}


def cancelled(amazon: ScriptedAmazon, why: str = "", **extra: Any) -> None:
    document = json.dumps({"errorDetails": why}).encode()
    reason: dict[str, Any] = {"reportDocumentId": "D1"} if why else {}
    amazon.sp_report(document, status="CANCELLED", **reason, **extra)


def test_cancelled_while_it_was_being_made_means_no_data_and_that_is_a_guess(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    cancelled(amazon, **STARTED)
    fetch = make_fetch(scope, "sales_and_traffic")
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.EMPTY, "no_data", True)
    assert feed_of(fetch).last_success_at and not feed_of(fetch).last_error  # asked and answered
    assert not Document.objects.exists() and not Coverage.objects.exists()  # and still nothing is called zero


def test_no_data_in_amazons_own_words_is_no_guess(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    cancelled(amazon, "There is no data for the requested dates.")
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.EMPTY, "no_data", False)
    assert fetch.said == "There is no data for the requested dates."


def test_cancelled_because_we_asked_a_moment_ago_is_asked_when_amazons_rest_is_over(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    cancelled(amazon, **STARTED)
    ten_minutes_ago = timezone.now() - timedelta(minutes=10)
    make_fetch(scope, state="done", requested_at=ten_minutes_ago, finished_at=timezone.now(), slot=ten_minutes_ago)
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.WAITING, "too_soon", True)
    assert 20 * 60 < wait_of(fetch) <= 22 * 60 and fetch.report_id == ""
    assert not Coverage.objects.exists()

    amazon.sp_report(LISTINGS)
    advance(fetch)
    assert fetch.outcome == "done" and amazon.count("POST", REPORTS) == 2


def test_too_soon_in_amazons_own_words_is_no_guess(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    cancelled(amazon, "This report was requested again too soon.")
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.WAITING, "too_soon", False)
    assert wait_of(fetch) > 25 * 60


def test_cancelled_in_the_queue_was_somebody_and_a_second_time_there_is_no_data(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    cancelled(amazon)
    fetch = make_fetch(scope, "sales_and_traffic")
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.WAITING, "cancelled_by_someone", True)
    assert wait_of(fetch) > 290 and fetch.report_id == "" and not Coverage.objects.exists()
    Fetch.objects.filter(pk=fetch.pk).update(requested_at=timezone.now() - timedelta(hours=1))
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.EMPTY, "no_data", True)


def test_days_known_to_have_rows_are_never_called_empty_because_a_report_was_cancelled(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(b"{}")
    first = make_fetch(scope, "sales_and_traffic")
    advance(first)
    Fetch.objects.filter(pk=first.pk).update(requested_at=timezone.now() - timedelta(days=1))
    Coverage.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        dataset=registry.spec("sales_and_traffic").datasets[0].key,
        date=first.window_start,
        document=Document.objects.get(),
        source_created_at=timezone.now(),
        rows=500,
    )
    cancelled(amazon, **STARTED)
    fetch = make_fetch(scope, "sales_and_traffic")
    for _ in range(3):
        advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.CANCELLED, "cancelled_by_someone", True)
    assert Coverage.objects.get().rows == 500


def test_an_ads_report_is_cancelled_by_somebody_only(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"", status="CANCELLED")
    fetch = make_fetch(scope, "sp_campaigns")
    advance(fetch)
    assert (fetch.state, fetch.outcome, fetch.guessed) == (Fetch.State.WAITING, "cancelled_by_someone", False)


@pytest.mark.parametrize("compressed", [True, False])
def test_amazons_reason_for_a_fatal_report_is_shown_and_the_third_time_ends_it(
    amazon: ScriptedAmazon, scope: AccountMarketplace, compressed: bool
) -> None:
    reason = json.dumps({"errorDetails": "The option dateGranularity is wrong."}).encode()
    amazon.sp_report(reason, status="FATAL", reportDocumentId="D1", compressed=compressed)
    fetch = make_fetch(scope)

    waits = []
    for _ in range(2):
        advance(fetch)
        waits.append(round(wait_of(fetch)))
        assert fetch.state == Fetch.State.WAITING and fetch.report_id == ""
    advance(fetch)

    assert waits == [300, 1800]
    assert fetch.state == Fetch.State.FAILED and amazon.count("POST", REPORTS) == 3
    assert fetch.reason == ("Amazon could not make this report. Amazon says: The option dateGranularity is wrong.")
    assert feed_of(fetch).last_error == fetch.reason and not Document.objects.exists()
    assert fetch.outcome == "fatal_explained" and fetch.said == "The option dateGranularity is wrong."
    told = [(entry["outcome"], entry["report"]) for entry in fetch.journal]
    assert told == [("in_queue", "R1"), ("fatal_explained", "R1")] * 3  # every try is on record


def test_a_fatal_report_without_a_word_says_so(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(b"", status="FATAL")
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.reason == "Amazon could not make this report. Amazon gave no reason."
    assert fetch.outcome == "fatal_unexplained" and not fetch.said


def test_fatal_without_a_word_a_moment_after_our_own_request_was_too_soon(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(b"", status="FATAL")
    before = timezone.now() - timedelta(minutes=10)
    make_fetch(scope, state="done", requested_at=before, finished_at=timezone.now(), slot=before)
    fetch = make_fetch(scope)
    advance(fetch)
    assert (fetch.outcome, fetch.guessed) == ("too_soon", True) and wait_of(fetch) > 19 * 60


def test_the_ads_api_gives_its_reason_itself(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"", status="FAILED", failureReason="Report generation failed due to an internal error.")
    fetch = make_fetch(scope, "sp_campaigns")
    advance(fetch)
    assert fetch.state == Fetch.State.WAITING and "internal error" in fetch.reason


def test_a_duplicate_ads_request_adopts_the_report_being_made(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.ads_report(b"[]")
    amazon.on("POST", ADS, Says({"code": "425", "detail": "The Request is a duplicate of : ADOPTED-1"}, 425))
    fetch = make_fetch(scope, "sp_campaigns")
    advance(fetch)
    assert fetch.state == Fetch.State.DONE and fetch.report_id == "ADOPTED-1"
    assert amazon.count("POST", ADS) == 1 and amazon.count("GET", f"{ADS}/ADOPTED-1") == 1
    assert [entry["outcome"] for entry in fetch.journal] == ["duplicate_adopted", "done"]
    assert fetch.journal[0]["report"] == "ADOPTED-1"


def test_refused_credentials_say_what_to_do_and_the_others_of_the_account_rest(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.on("POST", "/auth/o2/token", Says({"error": "invalid_grant"}, 400))
    fetch, sibling = make_fetch(scope), make_fetch(scope, "stock")
    of_ads = make_fetch(scope, "sp_campaigns")

    advance(fetch)

    assert fetch.state == Fetch.State.FAILED and "Authorise the application again" in fetch.reason
    sibling.refresh_from_db()
    of_ads.refresh_from_db()
    assert wait_of(sibling) > 3500 and sibling.reason == fetch.reason
    assert fetch.outcome == sibling.outcome == "access_revoked" and of_ads.outcome == ""
    assert wait_of(of_ads) <= 0


def test_new_credentials_wake_what_rested_and_retry_what_was_refused(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.on("POST", "/auth/o2/token", Says({"error": "invalid_grant"}, 400))
    fetch, sibling = make_fetch(scope), make_fetch(scope, "stock")
    advance(fetch)
    schedule.plan_due()
    sibling.refresh_from_db()
    assert wait_of(sibling) > 3500  # nothing has changed yet

    Credential.objects.update(updated_at=timezone.now())
    schedule.plan_due()

    sibling.refresh_from_db()
    fetch.refresh_from_db()
    assert wait_of(sibling) <= 0
    assert fetch.state == Fetch.State.WAITING and fetch.attempts == 0


def test_a_missing_role_rests_that_report_only(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sign_in()
    amazon.on("POST", REPORTS, Says({"errors": [{"code": "Unauthorized", "message": "Access denied"}]}, 403))
    day = timezone.now().date()
    fetch, same, other = make_fetch(scope), make_fetch(scope, window_start=day), make_fetch(scope, "stock")
    advance(fetch)
    same.refresh_from_db()
    other.refresh_from_db()
    assert fetch.state == Fetch.State.FAILED and "Check the roles" in fetch.reason
    assert wait_of(same) > 3500 and wait_of(other) <= 0


def test_removed_credentials_are_told(scope: AccountMarketplace) -> None:
    Credential.objects.all().delete()
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.state == Fetch.State.FAILED and "No Amazon credentials" in fetch.reason


def test_a_request_amazon_will_never_accept_fails_with_amazons_words(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in()
    amazon.on("POST", REPORTS, Says({"errors": [{"message": "Invalid reportType"}]}, 400))
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.state == Fetch.State.FAILED and "Invalid reportType" in fetch.reason


def test_a_report_amazon_forgot_is_asked_for_anew(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    fetch = make_fetch(scope, state=Fetch.State.REQUESTED, report_id="GONE", requested_at=timezone.now())
    amazon.on("GET", f"{REPORTS}/GONE", Says({"errors": [{"message": "unknown"}]}, 404))
    advance(fetch)
    assert fetch.state == Fetch.State.WAITING and fetch.report_id == ""
    advance(fetch)
    assert fetch.state == Fetch.State.DONE and fetch.report_id == "R1"


def test_days_amazon_no_longer_has_are_not_asked_for(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"[]")
    today = scope.marketplace.today()
    old = make_fetch(scope, "sp_campaigns", window_start=today - timedelta(120), window_end=today - timedelta(96))
    half = make_fetch(scope, "sp_campaigns", window_start=today - timedelta(110), window_end=today - timedelta(90))

    advance(old)
    advance(half)

    assert old.state == Fetch.State.EMPTY and "95 days" in old.reason
    asked = [one.json for one in amazon.asked if one.path == ADS]
    assert [one["startDate"] for one in asked] == [str(today - timedelta(95))]
    assert Document.objects.get().window_start == today - timedelta(95)


# --- when the document does not come --------------------------------------------------------------


def test_an_expired_address_is_asked_for_again_and_the_report_is_not(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("GET", "/file", Says(S3_ERROR, 403), Says(gzip.compress(LISTINGS)))
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.state == Fetch.State.DONE and fetch.attempts == 1
    assert amazon.count("POST", REPORTS) == 1 and amazon.count("GET", "/reports/2021-06-30/documents/D1") == 2


def test_an_expired_ads_address_is_asked_for_again(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"[]")
    amazon.on("GET", "/file", Says(S3_ERROR, 403), Says(gzip.compress(b"[]")))
    fetch = make_fetch(scope, "sp_campaigns")
    advance(fetch)
    assert fetch.state == Fetch.State.DONE and amazon.count("POST", ADS) == 1


@pytest.mark.parametrize("announced", [True, False])
def test_a_document_cut_off_is_not_kept_but_downloaded_again(
    amazon: ScriptedAmazon, scope: AccountMarketplace, announced: bool
) -> None:
    amazon.sp_report(LISTINGS)
    whole = gzip.compress(LISTINGS)
    cut = whole[: len(whole) // 2]
    amazon.on("GET", "/file", Says(cut, announced=len(whole) if announced else None), Says(whole))
    fetch = make_fetch(scope)

    advance(fetch)
    assert fetch.state == Fetch.State.READY and not Document.objects.exists() and not Ingest.objects.exists()
    advance(fetch)

    assert fetch.state == Fetch.State.DONE and amazon.count("POST", REPORTS) == 1


def test_a_document_that_never_comes_whole_is_given_up_after_three_tries(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("GET", "/file", Says(b"\x1f\x8b", announced=100))
    fetch = make_fetch(scope)
    for _ in range(3):
        advance(fetch)
    assert fetch.state == Fetch.State.FAILED and "did not arrive whole" in fetch.reason


def test_no_address_and_no_secret_is_ever_written_down(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("GET", "/file", Says(S3_ERROR, 403))
    fetch = make_fetch(scope)
    advance(fetch)
    assert "expired" in fetch.reason and amazon.url not in fetch.reason and "SECRET" not in fetch.reason


def test_a_full_disk_parks_the_fetch(
    amazon: ScriptedAmazon, scope: AccountMarketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    amazon.sp_report(LISTINGS)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rawstore, "store", full)
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.attempts == 0 and not fetch.finished_at and "disk is full" in feed_of(fetch).last_error
    monkeypatch.undo()


# --- when the worker does not live to see it ------------------------------------------------------


def test_a_worker_that_lost_its_claim_keeps_nothing(
    amazon: ScriptedAmazon, scope: AccountMarketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    amazon.sp_report(LISTINGS)
    fetch = make_fetch(scope)
    keep = pipeline.keep

    def another_takes_over(*args: Any, **kwargs: Any) -> Document:
        Fetch.objects.filter(pk=fetch.pk).update(fence=99)
        return keep(*args, **kwargs)

    monkeypatch.setattr(pipeline, "keep", another_takes_over)
    advanced = advance(fetch)

    assert advanced.ingest_id is None and not Document.objects.exists()
    assert fetch.state != Fetch.State.DONE


def test_a_worker_that_died_after_asking_leaves_the_report_to_the_next(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    fetch = make_fetch(scope)
    fence = leases.claim(Fetch, fetch.pk)
    assert fence
    leases.write(Fetch, fetch.pk, fence, state="requested", report_id="R1", requested_at=timezone.now())
    assert fetching.advance(fetch.pk) is None  # still held

    Fetch.objects.filter(pk=fetch.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    advance(fetch)

    assert fetch.state == Fetch.State.DONE and amazon.count("POST", REPORTS) == 0
