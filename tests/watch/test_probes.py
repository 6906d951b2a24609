"""/livez and /readyz: what they answer, to whom, and when they turn red."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from tests.factories import make_account

from .conftest import all_alive, due_fetch, lived

pytestmark = pytest.mark.django_db


def test_probes_answer_without_a_sign_in(client: Client) -> None:
    for path in ("/livez", "/readyz", "/readyz?only=serving"):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, b"ok\n")
        assert answer["Content-Type"].startswith("text/plain")


def test_readyz_says_when_a_migration_is_pending(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'accounts')"
        )
    for path in ("/readyz", "/readyz?only=serving"):
        answer = client.get(path)
        assert answer.status_code == 503 and b"migrate" in answer.content


def test_readyz_says_when_credentials_do_not_open(client: Client, settings: Settings) -> None:
    settings.SEAL_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()
    sealing.store(make_account(name="Northwind"), "ads", {"client_id": "x"})
    settings.SEAL_KEYS = ""
    answer = client.get("/readyz")
    assert answer.status_code == 503 and b"credential" in answer.content
    assert b"Northwind" not in answer.content


@pytest.mark.parametrize("kind", ["clock", "tick", "worker"])
def test_readyz_turns_red_when_a_process_died_and_green_when_it_is_back(client: Client, kind: str) -> None:
    all_alive()
    assert client.get("/readyz").status_code == 200
    lived(kind, seen=600, worked=600)
    assert client.get("/readyz").status_code == 503
    assert client.get("/readyz?only=serving").status_code == 200  # pages go on
    lived(kind)
    assert client.get("/readyz").status_code == 200


def test_readyz_turns_red_for_a_deaf_worker(client: Client, scope: AccountMarketplace) -> None:
    all_alive()
    lived("worker", worked=200)
    due_fetch(scope, 200)
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.content.startswith(b"deaf: ")
    assert answer.content.count(b"\n") == 1


def test_readyz_asks_redis_nothing(client: Client, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    all_alive()
    assert client.get("/readyz").status_code == 200
