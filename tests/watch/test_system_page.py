"""The System page: what managers see of the machine, and nothing of anybody else's."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace, Role
from tests.factories import make_scope, make_user

from .conftest import all_alive, feed, lived
from .test_faults import letter

pytestmark = pytest.mark.django_db


def page(client: Client, scope: AccountMarketplace, role: Role = Role.MANAGER) -> str:
    user = make_user(scope.account.organisation, role)
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    answer = client.get("/settings/system/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_that_everything_runs_when_it_does(client: Client, scope: AccountMarketplace) -> None:
    all_alive()
    seen = {"status": "ok", "sentences": {"en": "Seen."}}
    lived(
        "worker",
        saw=dict.fromkeys(("redis", "redis_eviction", "document_disk", "documents_writable", "database_disk"), seen),
    )
    assert "Everything runs" in page(client, scope)


def test_it_names_what_is_wrong_with_the_fix(client: Client, scope: AccountMarketplace) -> None:
    all_alive()
    lived("clock", seen=600)
    shown = page(client, scope)
    assert "The dispatcher does not run" in shown and "docker compose up -d beat" in shown


def test_it_tells_what_workers_saw_and_asks_neither_redis_nor_a_disk(
    client: Client, scope: AccountMarketplace, settings: Settings
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    all_alive()
    lived("worker", saw={"document_disk": {"status": "warn", "sentences": {"en": "7 MB are left."}}})
    shown = page(client, scope)
    assert "7 MB are left." in shown and "No worker runs that could have looked." in shown


def test_another_organisations_trouble_is_not_shown(client: Client, scope: AccountMarketplace) -> None:
    all_alive()
    stranger = make_scope(marketplace="DE")
    feed(stranger, "listings", hours=1000, last_error="ZQX7MARKER")
    letter(stranger, 500, answer="451 ZQX7MARKER")
    shown = page(client, scope)
    assert "ZQX7MARKER" not in shown
    assert "Every report arrives in its rhythm." in shown and "No mail waits." in shown
