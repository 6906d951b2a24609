"""The probes, and in which language a page speaks."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from tests.factories import make_account, make_org, make_user

from .conftest import SignIn

pytestmark = pytest.mark.django_db


def test_probes_answer_without_a_sign_in(client: Client) -> None:
    for path in ("/livez", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, b"ok\n")
        assert answer["Content-Type"] == "text/plain"


def test_readyz_says_when_a_migration_is_pending(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'accounts')"
        )
    answer = client.get("/readyz")
    assert answer.status_code == 503 and b"migrate" in answer.content


def test_readyz_says_when_credentials_do_not_open(client: Client, settings: Settings) -> None:
    settings.SEAL_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()
    sealing.store(make_account(), "ads", {"client_id": "x"})
    settings.SEAL_KEYS = ""
    answer = client.get("/readyz")
    assert answer.status_code == 503 and b"credentials" in answer.content


def test_the_language_of_the_profile_wins(sign_in: SignIn) -> None:
    user = make_user(make_org())
    client = sign_in(user, headers={"Accept-Language": "zh-hans"})
    assert client.get("/settings/profile/")["Content-Language"] == "zh-hans"

    client.post("/settings/profile/", {"name": "Anna", "language": "en", "theme": "dark"})

    assert client.get("/settings/profile/")["Content-Language"] == "en"
    user.refresh_from_db()
    assert (user.name, user.theme) == ("Anna", "dark")
    assert not user.memberships.get().mail_alerts  # the box was not ticked
