"""Checking a connection names what is wrong, each thing by its own name, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from opsboard.accounts import connections, sealing
from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.amazon import throttle, tokens
from opsboard.amazon.connect import ROLES
from opsboard.amazon.findings import FINDINGS
from opsboard.simulator import DEMO_CREDENTIALS
from opsboard.simulator.server import Running, start_in_thread
from tests.factories import make_account, make_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator(settings: Settings) -> Iterator[Running]:
    """Each region at an address of its own, as Amazon's are."""
    with start_in_thread(delay_factor=0.0) as running:
        settings.SP_API_ENDPOINT = settings.ADS_API_ENDPOINT = running.url + "/{region}"
        settings.LWA_TOKEN_URL = f"{running.url}/auth/o2/token"
        settings.SEAL_KEYS = sealing.new_key()
        tokens._held.clear()
        yield running


def connect(key: str = "NA", marketplace: str = "US", region: str = "", **changed: str) -> AccountMarketplace:
    demo = {name: str(value) for name, value in DEMO_CREDENTIALS[key].items()} | changed
    account = make_account(region=region or key)
    scope = make_scope(account, marketplace, ads_profile_id=demo["ads_profile_id"])
    for kind in ("sp_api", "ads"):
        sealing.store(account, kind, {name: demo[name] for name in ("client_id", "client_secret", "refresh_token")})
    return scope


def check(scope: AccountMarketplace, kind: str = "sp_api") -> list[str]:
    """The codes of the findings, in order, those of the roles left out where all are well."""
    tester = connections.tester_for(kind)
    assert tester
    steps = tester(scope.account)
    for step in steps:
        told = connections.shown(step)
        assert "%(" not in told.sentence + told.fix + told.title and told.sentence, step
        if told.found is connections.Found.FAIL:
            assert told.fix, step
    return [step.code for step in steps if step.code != "role.ok"]


def test_a_good_connection_passes_every_step_and_asks_for_one_report_a_day_at_most(simulator: Running) -> None:
    scope = connect()
    result = connections.check(scope.account, "sp_api")
    assert result.ok and len(result.steps) == 4 + len(ROLES), result
    assert simulator.state.calls["createReport"] == 1 and simulator.state.calls["getReports"] == 1

    assert check(scope) == ["sign_in.ok", "region.ok", "marketplaces.ok", "reports.made"]
    assert simulator.state.calls["createReport"] == 1
    assert check(scope, "ads") == ["sign_in.ok", "ads.ok", "profile.ok"]


@pytest.mark.parametrize("kind", ["sp_api", "ads"])
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": "amzn1.application-oa2-client.nobody"}, "sign_in.wrong_secret"),
        ({"client_secret": "mistyped"}, "sign_in.wrong_secret"),
        ({"refresh_token": "Atzr|old"}, "sign_in.revoked"),
    ],
)
def test_credentials_that_are_mistyped_or_old_are_told_apart(
    simulator: Running, kind: str, changed: dict[str, str], code: str
) -> None:
    found = check(connect(**changed), kind)
    assert found[0] == code and {one.partition(".")[2] for one in found[1:]} == {"skipped"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("revoked", "sign_in.revoked"),
        ("wrong_secret", "sign_in.wrong_secret"),
        ("server_error", "sign_in.unknown"),
        ("html", "sign_in.unknown"),
        ("throttle", "sign_in.unknown"),
    ],
)
def test_what_worked_yesterday_is_asked_again_and_not_taken_from_memory(
    simulator: Running, fault: str, code: str
) -> None:
    scope = connect()
    assert check(scope)[0] == "sign_in.ok"
    simulator.state.faults.plan(fault, operation="token")
    assert check(scope)[0] == code
    assert check(scope)[0] == "sign_in.ok"


def test_an_access_token_that_ran_out_is_renewed_and_is_no_finding(simulator: Running) -> None:
    simulator.state.faults.plan("unauthorized", operation="getMarketplaceParticipations")
    assert check(connect())[:2] == ["sign_in.ok", "region.ok"]


def test_a_token_refused_again_and_again_is_its_own_finding(simulator: Running) -> None:
    simulator.state.faults.plan("token_refused", times=100)
    found = check(connect())
    assert found[0] == "sign_in.token_refused" and {one.partition(".")[2] for one in found[1:]} == {"skipped"}


@pytest.mark.parametrize(
    ("role", "report"),
    [(role, report) for role, report in ROLES.items() if role != "Selling Partner Insights"],
)
def test_the_missing_role_is_named_and_the_others_pass(simulator: Running, role: str, report: str) -> None:
    simulator.state.faults.plan("role_missing", report_type=report, times=100)
    result = connections.check(connect().account, "sp_api")
    failed = [step.title for step in result.steps if step.found is connections.Found.FAIL]
    assert failed == [f"Role: {role}"] and not result.unknown


def test_without_the_role_that_names_marketplaces_they_are_not_known_and_the_region_is(simulator: Running) -> None:
    simulator.state.faults.plan("role_missing", report_type=ROLES["Selling Partner Insights"], times=100)
    assert check(connect()) == [
        "sign_in.ok",
        "region.ok",
        "marketplaces.unknown",
        "role.missing",
        "reports.denied",
    ]


def test_when_nothing_is_allowed_anywhere_it_is_the_authorisation(simulator: Running) -> None:
    simulator.state.faults.plan("role_missing", times=1000)
    found = check(connect())
    assert found == ["sign_in.ok", "region.denied", "marketplaces.skipped", *["role.missing"] * 6, "reports.skipped"]


def test_credentials_of_another_region_are_told_which(simulator: Running) -> None:
    scope = connect("EU", "US", region="NA")
    assert check(scope) == ["sign_in.ok", "region.elsewhere", "marketplaces.skipped", "reports.skipped"]
    assert check(scope, "ads") == ["sign_in.ok", "region.elsewhere", "profile.skipped"]
    step = connections.check(scope.account, "sp_api").steps[1]
    assert "Europe" in step.sentence and "North America" in step.sentence and "Europe" in step.fix


def test_a_marketplace_the_seller_does_not_sell_in_is_named(simulator: Running) -> None:
    scope = connect()
    make_scope(scope.account, "CA")
    assert "marketplaces.missing" in check(scope)
    step = connections.check(scope.account, "sp_api").steps[2]
    assert "Canada" in step.sentence and step.sentence.endswith("US.")


def test_suspended_listings_are_said(simulator: Running) -> None:
    simulator.state.faults.plan("suspended", operation="getMarketplaceParticipations")
    assert "marketplaces.suspended" in check(connect())


def test_a_profile_of_somebody_else_or_of_another_marketplace_or_none_is_told_apart(simulator: Running) -> None:
    stranger = connect(ads_profile_id="99")
    assert check(stranger, "ads") == ["sign_in.ok", "ads.ok", "profile.stranger"]
    step = connections.check(stranger.account, "ads").steps[2]
    assert str(DEMO_CREDENTIALS["NA"]["ads_profile_id"]) in step.sentence  # the ones there are

    abroad = connect(marketplace="CA")
    assert check(abroad, "ads")[2] == "profile.country"
    none = connect(ads_profile_id="")
    assert check(none, "ads")[2] == "profile.missing" and not connections.check(none.account, "ads").ok


def test_a_profile_in_another_currency_is_not_taken_for_the_marketplaces(simulator: Running) -> None:
    scope = connect()
    Marketplace.objects.filter(pk=scope.marketplace_id).update(currency="CAD")
    assert check(scope, "ads")[2] == "profile.country"


def test_an_application_that_amazon_has_not_let_into_the_ads_api_is_told_so(simulator: Running) -> None:
    simulator.state.faults.plan("no_ads_access", operation="listProfiles")
    assert check(connect(), "ads") == ["sign_in.ok", "ads.denied", "profile.skipped"]


@pytest.mark.parametrize("fault", ["throttle", "server_error", "html"])
def test_what_amazon_does_not_answer_now_is_not_known_and_never_passed(simulator: Running, fault: str) -> None:
    scope = connect()
    simulator.state.faults.plan(fault, operation="getMarketplaceParticipations")
    result = connections.check(scope.account, "sp_api")
    assert not result.ok and result.unknown and not result.failed
    simulator.state.faults.plan(fault, operation="createReport")
    simulator.state.reports.clear()
    assert check(scope)[-1] == "reports.unknown"


def test_a_check_uses_the_reserve_and_never_asks_what_amazon_would_refuse(simulator: Running) -> None:
    scope = connect()
    for _ in range(20):
        check(scope)
    assert simulator.state.calls["getReports"] == 10  # the burst
    assert check(scope)[-1] in {"reports.unknown", "reports.made", "reports.ok"}
    assert throttle.RATES["getReports"][1] == 10


def test_every_finding_that_fails_names_its_fix() -> None:
    for code, finding in FINDINGS.items():
        assert finding.found is not connections.Found.FAIL or str(finding.fix).endswith("."), code


def test_without_credentials_nobody_is_asked(simulator: Running) -> None:
    account = make_scope(make_account(region="NA"), "US")
    assert check(account)[0] == "sign_in.missing" and not simulator.state.calls
