"""Adding seller accounts and connecting them, through the real pages."""

from __future__ import annotations

import base64
import logging

import pytest
from django.http import HttpRequest
from django.test import Client
from django.views.debug import ExceptionReporter
from pytest_django.fixtures import Settings

from opsboard.accounts import connections, sealing
from opsboard.accounts.models import AuditEvent, Credential, Marketplace, Role, SellerAccount
from tests.factories import make_account, make_org, make_scope, make_user

from .conftest import SignIn

pytestmark = pytest.mark.django_db
SECRETS = {
    "client_id": "amzn1.application-oa2-client.marker-client",
    "client_secret": "marker-secret-8f2c",
    "refresh_token": "Atzr|marker-token-77",
}


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.SEAL_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()


def shop(code: str) -> int:
    return Marketplace.objects.get(code=code).pk


def test_an_owner_adds_an_account_with_its_marketplaces(sign_in: SignIn) -> None:
    organisation = make_org()
    client = sign_in(make_user(organisation))
    values = {
        "organisation": organisation.pk,
        "name": "Acme EU",
        "region": "EU",
        "selling_partner_id": "A1B2C3D4E5F6G7",
    }

    refused = client.post("/settings/accounts/new/", {**values, "marketplaces": [shop("DE"), shop("US")]})
    assert refused.status_code == 422 and "Not in this region: United States" in refused.content.decode()
    answer = client.post("/settings/accounts/new/", {**values, "marketplaces": [shop("DE"), shop("FR")]})

    account = SellerAccount.objects.get()
    assert answer["Location"] == f"/settings/account/{account.pk}/"
    assert [s.marketplace.code for s in account.scopes.all()] == ["DE", "FR"]
    assert AuditEvent.objects.get(action="account.created").after["marketplaces"] == {"DE": "", "FR": ""}


def test_an_account_cannot_be_added_to_a_strangers_organisation(sign_in: SignIn) -> None:
    mine, theirs = make_org(), make_org()
    client = sign_in(make_user(mine))
    client.post(
        "/settings/accounts/new/",
        {"organisation": theirs.pk, "name": "X", "region": "NA", "marketplaces": [shop("US")]},
    )
    assert not SellerAccount.objects.exists()


def test_the_same_name_twice_in_an_organisation_is_said(sign_in: SignIn) -> None:
    account = make_account(name="Acme")
    client = sign_in(make_user(account.organisation))
    answer = client.post(
        "/settings/accounts/new/",
        {"organisation": account.organisation.pk, "name": "Acme", "region": "NA", "marketplaces": [shop("US")]},
    )
    assert answer.status_code == 422
    renamed = make_account(account.organisation, "Other")
    assert client.post(f"/settings/account/{renamed.pk}/", {"name": "Acme", "active": "on"}).status_code == 422


def test_marketplaces_are_added_paused_and_given_ads_profiles(sign_in: SignIn) -> None:
    account = make_account(name="Acme")
    make_scope(account, "US", ads_profile_id="1111111")
    client = sign_in(make_user(account.organisation))
    url = f"/settings/account/{account.pk}/"

    values = {"name": "Acme", "active": "on", f"sells_{shop('CA')}": "on", f"profile_{shop('CA')}": "2222222"}
    assert client.post(url, {**values, f"profile_{shop('CA')}": "abc"}).status_code == 422
    assert client.post(url, values).status_code == 302

    scopes = {s.marketplace.code: (s.active, s.ads_profile_id) for s in account.scopes.all()}
    assert scopes == {"US": (False, ""), "CA": (True, "2222222")}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.MANAGER])
def test_who_is_not_owner_reads_an_account_and_changes_nothing(sign_in: SignIn, role: Role) -> None:
    account = make_account(name="Acme")
    sealing.store(account, "sp_api", SECRETS)
    client, base = sign_in(make_user(account.organisation, role)), f"/settings/account/{account.pk}/"

    page = client.get(base)
    assert page.status_code == 200 and b"Only an owner can change" in page.content
    assert client.post(base, {"name": "Stolen"}).status_code == 403
    for path in ("credentials/sp_api/", "credentials/sp_api/remove/", "credentials/sp_api/test/"):
        assert client.post(base + path, SECRETS).status_code == 403
    assert client.get(base + "credentials/sp_api/").status_code == 403
    account.refresh_from_db()
    assert account.name == "Acme" and account.credentials.count() == 1


# --- credentials --------------------------------------------------------------------------------


def connect(client: Client, account: SellerAccount, kind: str = "sp_api", **changes: str) -> int:
    return client.post(f"/settings/account/{account.pk}/credentials/{kind}/", {**SECRETS, **changes}).status_code


@pytest.mark.parametrize("kind", ["sp_api", "ads"])
def test_credentials_are_stored_sealed_and_never_shown_again(
    sign_in: SignIn, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation))
    with caplog.at_level(logging.DEBUG):
        assert connect(client, account, kind) == 302

    assert sealing.credentials_of(account, kind) == SECRETS
    pages = "".join(
        client.get(path).content.decode()
        for path in (
            f"/settings/account/{account.pk}/",
            f"/settings/account/{account.pk}/credentials/{kind}/",
            "/settings/accounts/",
            "/settings/audit/",
        )
    )
    assert "sealed with key k1" in pages
    for secret in SECRETS.values():
        assert secret not in pages
        assert secret not in caplog.text
    assert "marker" not in str(AuditEvent.objects.values_list("before", "after"))


def test_a_refused_form_does_not_send_the_secrets_back(sign_in: SignIn) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation))
    answer = client.post(
        f"/settings/account/{account.pk}/credentials/sp_api/", {**SECRETS, "refresh_token": "Atza|short-lived"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422 and "access token" in page
    assert SECRETS["client_secret"] not in page and "short-lived" not in page


def test_the_application_id_is_not_taken_for_the_client_id(sign_in: SignIn) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation))
    assert connect(client, account, client_id="amzn1.sp.solution.x") == 422
    assert not Credential.objects.exists()


def test_without_a_key_nothing_is_stored_and_the_page_says_what_to_do(sign_in: SignIn, settings: Settings) -> None:
    settings.SEAL_KEYS = ""
    account = make_account()
    client = sign_in(make_user(account.organisation))
    answer = client.post(f"/settings/account/{account.pk}/credentials/sp_api/", SECRETS)
    assert answer.status_code == 422 and "OPSBOARD_SEAL_KEYS is not set" in answer.content.decode()
    assert not Credential.objects.exists()


def test_an_error_report_hides_the_secrets(
    sign_in: SignIn, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation))
    client.raise_request_exception = False

    def broken(account_id: int, kind: str) -> bytes:
        raise RuntimeError("planted")

    monkeypatch.setattr(sealing, "_bound_to", broken)
    assert connect(client, account) == 500

    record = next(r for r in caplog.records if r.name == "django.request" and r.exc_info)
    assert record.exc_info
    kind, error, traceback = record.exc_info
    request: HttpRequest = record.request  # type: ignore[attr-defined]
    reporter = ExceptionReporter(request, kind, error, traceback, is_email=True)
    for report in (reporter.get_traceback_html(), reporter.get_traceback_text(), caplog.text):
        assert "planted" in report
        for secret in ("marker-secret-8f2c", "marker-token-77"):
            assert secret not in report


def test_credentials_are_replaced_and_removed(sign_in: SignIn) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation))
    connect(client, account)
    connect(client, account, client_secret="newer")
    opened = sealing.credentials_of(account, "sp_api")
    assert opened is not None and opened["client_secret"] == "newer"

    client.post(f"/settings/account/{account.pk}/credentials/sp_api/remove/")

    assert not Credential.objects.exists()
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "credentials.stored",
        "credentials.stored",
        "credentials.removed",
    ]


def test_the_connection_is_tried_with_what_is_stored(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation))
    connect(client, account)
    tried: list[SellerAccount] = []

    def tester(which: SellerAccount) -> list[connections.Step]:
        tried.append(which)
        return [connections.Step("sign_in.ok"), connections.Step("role.missing", {"role": "Pricing", "report": "X"})]

    monkeypatch.setitem(connections._testers, "sp_api", tester)
    url = f"/settings/account/{account.pk}/"
    assert b"Test the connection" in client.get(url).content
    page = f"{url}credentials/sp_api/test/"
    assert b"signs in at Amazon" in client.get(page).content and not tried  # looking asks nobody
    answer = client.post(page, follow=True)

    assert tried == [account]
    for words in (b"1 thing to fix", b"Role: Pricing", b"Amazon denies the reports of this role (asked for: X)."):
        assert words in answer.content
    assert b"Amazon accepts client id" in client.get(page).content and len(tried) == 1
    sealing.store(account, "sp_api", {"client_id": "new", "client_secret": "s", "refresh_token": "r"})
    assert b"1 thing to fix" not in client.get(page).content  # that was said of other credentials


def test_a_member_who_is_not_owner_does_not_check_the_connection(sign_in: SignIn) -> None:
    account = make_account()
    client = sign_in(make_user(account.organisation, Role.MANAGER))
    assert client.post(f"/settings/account/{account.pk}/credentials/sp_api/test/").status_code == 403
