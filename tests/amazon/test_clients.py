"""What Amazon answers, and what we make of it, through the real libraries and a real socket."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from opsboard.accounts.models import AccountMarketplace, Credential
from opsboard.amazon import errors, tokens
from opsboard.amazon.models import Bucket
from opsboard.amazon.reports import Progress, Request, reports_for

from .scripted import Says, ScriptedAmazon, sp_status

SALES = Request(
    "GET_SALES_AND_TRAFFIC_REPORT",
    "ATVPDKIKX0DER",
    date(2026, 11, 1),
    date(2026, 11, 2),
    {"dateGranularity": "DAY", "asinGranularity": "CHILD"},
)
CAMPAIGNS = Request(
    "spCampaigns",
    "ATVPDKIKX0DER",
    date(2026, 11, 1),
    date(2026, 11, 2),
    configuration={"adProduct": "SPONSORED_PRODUCTS", "groupBy": ["campaign"], "columns": ["date", "cost"]},
)
REPORTS = "/reports/2021-06-30/reports"


def test_a_report_is_asked_for_in_amazons_words(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(b"{}")

    assert reports_for(scope, "sp").request(SALES) == "R1"

    asked = amazon.asked[-1]
    assert asked.json == {
        "reportType": "GET_SALES_AND_TRAFFIC_REPORT",
        "marketplaceIds": ["ATVPDKIKX0DER"],
        "reportOptions": {"dateGranularity": "DAY", "asinGranularity": "CHILD"},
        "dataStartTime": "2026-11-01T00:00:00Z",
        "dataEndTime": "2026-11-02T23:59:59Z",
    }
    assert asked.headers["x-amz-access-token"] == "T1"
    assert asked.headers["Host"] == amazon.url.removeprefix("http://")


def test_an_ads_report_is_asked_for_in_amazons_words(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"[]")

    assert reports_for(scope, "ads").request(CAMPAIGNS) == "A1"

    asked = amazon.asked[-1]
    assert (asked.json["startDate"], asked.json["endDate"]) == ("2026-11-01", "2026-11-02")
    assert asked.json["configuration"] == {
        "adProduct": "SPONSORED_PRODUCTS",
        "groupBy": ["campaign"],
        "columns": ["date", "cost"],
        "reportTypeId": "spCampaigns",
        "timeUnit": "DAILY",
        "format": "GZIP_JSON",
    }
    assert asked.headers["Content-Type"] == "application/vnd.createasyncreportrequest.v3+json"
    assert asked.headers["Amazon-Advertising-API-Scope"] == "4711"
    assert asked.headers["Authorization"] == "Bearer T1"


def test_a_finished_report_tells_its_document_and_when_it_was_made(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(b"{}")
    reports = reports_for(scope, "sp")

    status = reports.look("R1")

    assert (status.progress, status.document_id) == (Progress.DONE, "D1")
    assert status.created_at == datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
    link = reports.locate("R1", status.document_id)
    assert link.gzip and "SECRETSIGNATURE" in link.url and "SECRETSIGNATURE" not in repr(link)


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (Says(b"<html>slow down</html>", 429), errors.Throttled),
        (Says(b"", 429), errors.Throttled),
        (Says({"errors": [{"code": "QuotaExceeded", "message": "x"}]}, 429), errors.Throttled),
        (Says(b"<html>oops</html>", 503), errors.TemporarilyDown),
        (Says(b"", 500), errors.TemporarilyDown),
        (Says(b"", 502), errors.TemporarilyDown),
        (Says(b"", 504), errors.TemporarilyDown),
        (Says(b"<html>welcome</html>", 200), errors.NotAmazon),
        (Says({}, 202), errors.TemporarilyDown),
        (Says({"errors": [{"code": "InvalidInput", "message": "bad dates"}]}, 400), errors.BadRequest),
        (Says({"errors": [{"code": "Unauthorized", "message": "no role"}]}, 403), errors.AuthRefused),
        (Says({"errors": [{"code": "NotFound", "message": "unknown"}]}, 404), errors.NotFound),
    ],
)
@pytest.mark.parametrize("api", ["sp", "ads"])
def test_no_failure_passes_as_an_answer(
    amazon: ScriptedAmazon, scope: AccountMarketplace, says: Says, error: type[Exception], api: str
) -> None:
    amazon.sign_in()
    amazon.on("POST", "/repor", says)

    with pytest.raises(error) as raised:
        reports_for(scope, api).request(SALES if api == "sp" else CAMPAIGNS)

    assert type(raised.value) is error
    assert str(raised.value).endswith((".", "bad dates", "no role", "unknown", "JSON", "0", "2", "3", "4", "Id"))


def test_amazons_own_words_reach_the_seller(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sign_in()
    detail = "startDate to endDate range (32 days) must not exceed maximum range (31 days)"
    amazon.on("POST", "/reporting/reports", Says({"code": "400", "detail": detail}, 400))

    with pytest.raises(errors.BadRequest, match="does not accept this request. Amazon says: startDate to endDate"):
        reports_for(scope, "ads").request(CAMPAIGNS)


def test_a_duplicate_names_the_report_that_is_being_made(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sign_in()
    body = {"code": "425", "detail": "The Request is a duplicate of : 75e94ba8-b9df-4a4c-a1c9-b0ecd4b8a2b0"}
    amazon.on("POST", "/reporting/reports", Says(body, 425))

    with pytest.raises(errors.Duplicate) as raised:
        reports_for(scope, "ads").request(CAMPAIGNS)

    assert raised.value.report_id == "75e94ba8-b9df-4a4c-a1c9-b0ecd4b8a2b0"


@pytest.mark.parametrize(
    "says", [Says(b"", 401), Says({"errors": [{"message": "The token you provided has expired"}]}, 403)]
)
def test_a_refused_token_is_renewed_once(amazon: ScriptedAmazon, scope: AccountMarketplace, says: Says) -> None:
    amazon.sign_in("OLD", "NEW")
    amazon.on("GET", REPORTS, lambda asked: Says(sp_status()) if asked.headers["x-amz-access-token"] == "NEW" else says)

    assert reports_for(scope, "sp").look("R1").progress is Progress.DONE
    assert reports_for(scope, "sp").look("R1").progress is Progress.DONE
    assert amazon.count("POST", "/auth/o2/token") == 2


def test_a_token_that_another_process_left_may_be_taken_back_too(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in("LEFT", "NEW")
    good = {"LEFT"}
    refused = Says(b"", 401)
    amazon.on(
        "GET", REPORTS, lambda asked: Says(sp_status()) if asked.headers["x-amz-access-token"] in good else refused
    )
    assert reports_for(scope, "sp").look("R1").progress is Progress.DONE
    (held,) = tokens._held.values()
    held.token = "OLD"  # this process slept while another one signed in
    good = {"NEW"}

    assert reports_for(scope, "sp").look("R1").progress is Progress.DONE
    assert amazon.count("POST", "/auth/o2/token") == 2


def test_a_token_that_stays_refused_is_the_sellers_business(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sign_in()
    amazon.on("GET", "/reporting/reports/", Says({"message": "Not authorized"}, 401))

    with pytest.raises(errors.AuthRefused, match=r"Enter them again under Settings.*Not authorized"):
        reports_for(scope, "ads").look("A1")
    assert amazon.count("POST", "/auth/o2/token") == 2


@pytest.mark.parametrize(
    ("says", "error", "words"),
    [
        (Says({"error": "invalid_grant", "error_description": "expired"}, 400), errors.AuthRefused, "refresh token"),
        (Says({"error": "invalid_client"}, 401), errors.AuthRefused, "client id and secret"),
        (Says(b"<html>", 200), errors.NotAmazon, "A web page came"),
        (Says(b"<html>", 503), errors.TemporarilyDown, "does not answer as it should"),
        (Says(b"", 429), errors.Throttled, "limits"),
    ],
)
def test_signing_in_can_fail_in_ways_a_seller_understands(
    amazon: ScriptedAmazon, scope: AccountMarketplace, says: Says, error: type[Exception], words: str
) -> None:
    amazon.on("POST", "/auth/o2/token", says)

    with pytest.raises(error, match=words):
        reports_for(scope, "sp").look("R1")


def test_an_expired_token_that_amazon_names_in_the_details_only_is_renewed(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(b"{}")
    amazon.sign_in("T1", "T2")
    said = {
        "code": "Unauthorized",
        "message": "Access to requested resource is denied.",
        "details": "The access token you provided has expired.",
    }
    amazon.on("GET", f"{REPORTS}/", Says({"errors": [said]}, 403), Says(sp_status()))
    assert reports_for(scope, "sp").look("R1").progress is Progress.DONE
    assert amazon.count("POST", "/auth/o2/token") == 2


def test_a_denied_report_is_no_reason_for_another_token(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(b"{}")
    said = {"code": "Unauthorized", "message": "Access to requested resource is denied.", "details": ""}
    amazon.on("POST", REPORTS, Says({"errors": [said]}, 403))
    with pytest.raises(errors.AuthRefused):
        reports_for(scope, "sp").request(SALES)
    assert amazon.count("POST", "/auth/o2/token") == 1 and amazon.count("POST", REPORTS) == 1


def test_another_secret_means_another_token(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    from opsboard.accounts import sealing

    from .fixtures import CREDENTIALS

    amazon.sp_report(b"{}")
    amazon.sign_in("T1", "T2")
    reports_for(scope, "sp").look("R1")
    sealing.store(scope.account, "sp_api", {**CREDENTIALS, "client_id": "another"})

    reports_for(scope, "sp").look("R1")

    assert amazon.asked[-1].headers["x-amz-access-token"] == "T2"


def test_variables_in_the_environment_do_not_replace_the_stored_credentials(
    amazon: ScriptedAmazon, scope: AccountMarketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AD_API_CLIENT_ID", "AD_API_CLIENT_SECRET", "AD_API_REFRESH_TOKEN", "AD_API_PROFILE_ID"):
        monkeypatch.setenv(name, "STRANGER")
    for name in ("SP_API_REFRESH_TOKEN", "LWA_APP_ID", "LWA_CLIENT_SECRET"):
        monkeypatch.setenv(name, "STRANGER")
    monkeypatch.setenv("SP_API_DEFAULT_MARKETPLACE", "DE")
    amazon.sp_report(b"{}")
    amazon.ads_report(b"[]")

    reports_for(scope, "sp").look("R1")
    reports_for(scope, "ads").look("A1")

    assert len(amazon.asked) == 3  # one sign-in, two looks, and nobody went anywhere else
    assert not any("STRANGER" in f"{asked.headers} {asked.body!r}" for asked in amazon.asked)


def test_importing_the_libraries_neither_reads_the_environment_nor_logs() -> None:
    code = (
        "import logging; import opsboard.amazon.libraries as lib; import os;"
        "assert not logging.root.handlers, logging.root.handlers;"
        "assert logging.root.level == logging.WARNING;"
        "assert os.environ['AWS_ENV'] == 'production'"
    )
    environment = {**os.environ, "AWS_ENV": "production", "SP_API_DEFAULT_MARKETPLACE": "nowhere"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_nothing_secret_is_logged(
    amazon: ScriptedAmazon, scope: AccountMarketplace, caplog: pytest.LogCaptureFixture
) -> None:
    amazon.sp_report(b"{}")
    amazon.sign_in("SECRETACCESS")
    with caplog.at_level(logging.INFO):
        reports = reports_for(scope, "sp")
        reports.request(SALES)
        reports.locate("R1", "D1")
    assert "SECRET" not in caplog.text


def test_without_credentials_it_says_what_to_do(db: None, scope: AccountMarketplace) -> None:
    Credential.objects.all().delete()
    for api in ("sp", "ads"):
        with pytest.raises(errors.NoCredentials, match="Enter them under Settings"):
            reports_for(scope, api)


# --- limits ---------------------------------------------------------------------------------------


def test_a_full_bucket_is_spent_and_then_the_caller_is_told_to_wait(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(b"{}")
    reports = reports_for(scope, "sp")
    for _ in range(10):
        reports.request(SALES)

    with pytest.raises(errors.Throttled) as raised:
        reports.request(SALES)

    assert 55 < raised.value.retry_after <= 60  # 0.0167 a second
    assert amazon.count("POST", REPORTS) == 10  # and five are left for what a person waits for
    urgent = reports_for(scope, "sp", urgent=True)
    for _ in range(5):
        urgent.request(SALES)
    with pytest.raises(errors.Throttled):
        urgent.request(SALES)
    assert amazon.count("POST", REPORTS) == 15


def test_the_second_try_after_a_refused_token_takes_a_token_of_the_bucket_too(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(b"{}")
    amazon.sign_in("T1", "T2")
    refused = Says({"errors": [{"message": "The access token you provided has expired."}]}, 401)
    amazon.on("POST", REPORTS, refused, Says({"reportId": "R1"}, 202))
    reports_for(scope, "sp").request(SALES)
    assert Bucket.objects.get(operation="createReport").tokens == pytest.approx(13, abs=0.1)


def test_the_real_limit_is_learnt_from_amazons_header(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(b"{}")
    amazon.on("POST", REPORTS, Says({"reportId": "R1"}, 202, {"x-amzn-RateLimit-Limit": "0.01"}))

    reports_for(scope, "sp").request(SALES)

    assert Bucket.objects.get(operation="createReport").rate == 0.01


def test_after_a_429_nobody_asks_until_the_time_amazon_names(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.ads_report(b"[]")
    amazon.on("POST", "/reporting/reports", Says(b"", 429, {"Retry-After": "120"}))
    reports = reports_for(scope, "ads")

    with pytest.raises(errors.Throttled) as first:
        reports.request(CAMPAIGNS)
    with pytest.raises(errors.Throttled) as second:
        reports.request(CAMPAIGNS)

    assert first.value.retry_after == 120 and first.value.asked
    assert 115 < second.value.retry_after <= 120 and not second.value.asked
    assert amazon.count("POST", "/reporting/reports") == 1


def test_sellers_and_operations_have_buckets_of_their_own(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(b"{}")
    amazon.on("POST", REPORTS, Says(b"", 429))
    reports = reports_for(scope, "sp")

    with pytest.raises(errors.Throttled):
        reports.request(SALES)

    assert reports.look("R1").progress is Progress.DONE
