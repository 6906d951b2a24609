"""Amazon credentials at rest: sealed, bound to their row, rotated, never printed."""

from __future__ import annotations

import base64
import logging

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from opsboard.accounts import checks, sealing
from opsboard.accounts.models import Credential
from tests.factories import make_account

KEY_1 = "k1:" + base64.b64encode(b"1" * 32).decode()
KEY_2 = "k2:" + base64.b64encode(b"2" * 32).decode()
OTHER_KEY_1 = "k1:" + base64.b64encode(b"x" * 32).decode()
VALUES = {
    "client_id": "amzn1.application-oa2-client.marker-client",
    "client_secret": "marker-secret-8f2c",
    "refresh_token": "Atzr|marker-token-77",
}
MARKERS = ("marker-client", "marker-secret-8f2c", "marker-token-77")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.SEAL_KEYS = KEY_1


def test_what_was_stored_opens_again() -> None:
    account = make_account()
    assert sealing.credentials_of(account, "sp_api") is None

    row = sealing.store(account, "sp_api", VALUES)

    assert row.key_id == "k1"
    assert sealing.credentials_of(account, "sp_api") == VALUES
    assert sealing.credentials_of(account, "ads") is None


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=5))
@effort(max_examples=50, deadline=None)
def test_anything_seals_and_opens(values: dict[str, str]) -> None:
    blob, key_id = sealing.seal(values, 7, "ads")
    assert sealing.unseal(blob, key_id, 7, "ads") == values


def test_storing_again_replaces() -> None:
    account = make_account()
    sealing.store(account, "sp_api", VALUES)
    sealing.store(account, "sp_api", {**VALUES, "client_secret": "new"})

    opened = sealing.credentials_of(account, "sp_api")
    assert opened is not None and opened["client_secret"] == "new"
    assert Credential.objects.filter(account=account).count() == 1


def test_a_wrong_key_under_the_same_id_is_refused(settings: Settings) -> None:
    account = make_account()
    sealing.store(account, "sp_api", VALUES)
    settings.SEAL_KEYS = OTHER_KEY_1

    with pytest.raises(sealing.SealError, match="do not open with key 'k1'"):
        sealing.credentials_of(account, "sp_api")


@pytest.mark.parametrize("configured", ["", KEY_2])
def test_a_missing_key_is_refused_with_what_to_do(settings: Settings, configured: str) -> None:
    account = make_account()
    sealing.store(account, "sp_api", VALUES)
    settings.SEAL_KEYS = configured

    with pytest.raises(sealing.SealError, match="'k1', which is not in OPSBOARD_SEAL_KEYS"):
        sealing.credentials_of(account, "sp_api")


def test_nothing_is_stored_without_a_key(settings: Settings) -> None:
    settings.SEAL_KEYS = ""
    with pytest.raises(sealing.SealError, match="OPSBOARD_SEAL_KEYS is not set"):
        sealing.store(make_account(), "sp_api", VALUES)
    assert not Credential.objects.exists()


@pytest.mark.parametrize(
    "bad",
    ["k1", "k1:", "k1:not base64!", "k1:" + base64.b64encode(b"short").decode(), f"{KEY_1},{KEY_1}", ":" + "A" * 44],
)
def test_a_malformed_key_list_is_refused_without_showing_it(settings: Settings, bad: str) -> None:
    settings.SEAL_KEYS = bad
    with pytest.raises(sealing.SealError) as refused:
        sealing.keys()
    material = bad.partition(":")[2]
    assert not material or material not in str(refused.value)
    assert [m.id for m in checks.seal_keys_are_well_formed(None)] == ["accounts.E001"]


def test_a_blob_moved_to_another_account_or_kind_does_not_open() -> None:
    mine, stranger = make_account(), make_account()
    row = sealing.store(mine, "sp_api", VALUES)
    Credential.objects.create(account=stranger, kind="sp_api", sealed=row.sealed, key_id=row.key_id)
    Credential.objects.create(account=mine, kind="ads", sealed=row.sealed, key_id=row.key_id)

    with pytest.raises(sealing.SealError):
        sealing.credentials_of(stranger, "sp_api")
    with pytest.raises(sealing.SealError):
        sealing.credentials_of(mine, "ads")


def test_a_changed_or_cut_blob_does_not_open() -> None:
    blob, key_id = sealing.seal(VALUES, 1, "sp_api")
    for broken in (blob[:-1] + bytes([blob[-1] ^ 1]), blob[:5], b""):
        with pytest.raises(sealing.SealError):
            sealing.unseal(broken, key_id, 1, "sp_api")


def test_rotation_puts_everything_under_the_first_key(settings: Settings) -> None:
    accounts = [make_account() for _ in range(3)]
    before = [sealing.store(account, "sp_api", VALUES).updated_at for account in accounts]
    settings.SEAL_KEYS = f"{KEY_2},{KEY_1}"
    assert sealing.credentials_of(accounts[0], "sp_api") == VALUES  # readable before, during and after

    call_command("rotate_keys", verbosity=0)

    settings.SEAL_KEYS = KEY_2
    for account, updated_at in zip(accounts, before, strict=True):
        assert sealing.credentials_of(account, "sp_api") == VALUES
        assert Credential.objects.get(account=account).updated_at == updated_at
    assert sealing.rotate() == 0


def test_rotation_is_all_or_nothing(settings: Settings) -> None:
    good, lost = make_account(), make_account()
    sealing.store(good, "sp_api", VALUES)
    settings.SEAL_KEYS = "k9:" + base64.b64encode(b"9" * 32).decode()
    sealing.store(lost, "sp_api", VALUES)
    settings.SEAL_KEYS = f"{KEY_2},{KEY_1}"  # k9 is gone

    with pytest.raises(CommandError, match="'k9'"):
        call_command("rotate_keys")
    assert Credential.objects.get(account=good).key_id == "k1"


def test_a_new_key_is_one_the_setting_takes(settings: Settings) -> None:
    settings.SEAL_KEYS = sealing.new_key()
    assert len(sealing.keys()) == 1


def test_a_dump_of_the_database_holds_no_secret() -> None:
    account = make_account(name="visible-name")
    sealing.store(account, "sp_api", VALUES)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        dump = ""
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            dump += "\n".join(row for (row,) in cursor.fetchall())
    assert "visible-name" in dump and "k1" in dump
    for marker in MARKERS:
        assert marker not in dump
        assert marker.encode().hex() not in dump
        assert base64.b64encode(marker.encode()).decode().rstrip("=")[:-1] not in dump


def test_printing_or_logging_opened_credentials_shows_no_value(caplog: pytest.LogCaptureFixture) -> None:
    account = make_account()
    row = sealing.store(account, "sp_api", VALUES)
    opened = sealing.credentials_of(account, "sp_api")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("opsboard").warning("opened %s %r of %r with %r", opened, opened, row, sealing.keys())
    for marker in (*MARKERS, KEY_1.partition(":")[2], "1111"):
        assert marker not in caplog.text
    assert "client_secret" in repr(opened)


def test_the_start_is_refused_when_stored_credentials_do_not_open(settings: Settings) -> None:
    sealing.store(make_account(), "sp_api", VALUES)
    assert checks.stored_credentials_open(None, ["default"]) == []

    settings.SEAL_KEYS = KEY_2
    assert [m.id for m in checks.stored_credentials_open(None, ["default"])] == ["accounts.E002"]
    with pytest.raises(Exception, match=r"accounts\.E002"):
        call_command("check", databases=["default"])


def test_without_credentials_no_key_is_needed_to_start(settings: Settings) -> None:
    settings.SEAL_KEYS = ""
    assert checks.stored_credentials_open(None, ["default"]) == []
    call_command("check", databases=["default"])
