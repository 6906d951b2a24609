"""The banner: what a page says when its figures are old or nobody makes new ones."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.feeds import registry, slots
from opsboard.watch import banner
from tests.factories import make_scope, make_user

from .conftest import all_alive, feed, lived

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client, scope: AccountMarketplace) -> User:
    user = make_user(scope.account.organisation, Role.OWNER)
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return user


def said(client: Client, url: str = "/data/") -> str:
    """The banner's words; "" when it is silent."""
    answer = client.get(url)
    assert answer.status_code == 200
    found = re.search(r'<div class="banner"[^>]*>(.*?)</div>', answer.content.decode(), re.DOTALL)
    assert found is not None
    return " ".join(unescape(re.sub(r"<[^>]+>", "", found[1])).split())


@pytest.mark.usefixtures("owner")
class TestEveryPage:
    def test_says_nothing_while_all_is_well_or_nothing_has_run_yet(
        self, client: Client, scope: AccountMarketplace
    ) -> None:
        assert said(client) == ""
        all_alive()
        feed(scope, hours=1)
        assert said(client) == ""

    @pytest.mark.parametrize("url", ["/", "/data/", "/alerts/", "/ads/", "/settings/profile/"])
    def test_says_since_when_the_dispatcher_has_not_run(
        self, client: Client, scope: AccountMarketplace, url: str
    ) -> None:
        all_alive()
        lived("clock", seen=6 * 3600)
        feed(scope, hours=7)
        words = said(client, url)
        assert words.startswith("Standing still. The dispatcher has not run since ")
        assert "The newest report below arrived at" in words and "What is wrong and what to do" in words

    def test_answers_with_a_banner_while_redis_is_away(
        self, client: Client, scope: AccountMarketplace, settings: Settings
    ) -> None:
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
        all_alive()
        lived("worker", saw={"redis": {"status": "fail"}})
        assert "Redis does not answer" in said(client, "/")

    def test_says_that_no_worker_runs_and_that_a_worker_is_deaf(
        self, client: Client, scope: AccountMarketplace
    ) -> None:
        all_alive()
        row = lived("worker", worked=300)
        row.deaf_since = row.__class__.objects.values_list("seen_at", flat=True).first()
        row.save(update_fields=["deaf_since"])
        assert "hears nothing" in said(client)
        lived("worker", seen=600, deaf_since=None)
        assert "No worker has run since" in said(client)
        lived("worker")
        assert said(client) == ""  # dismissed by being fixed

    def test_turns_amber_then_red_as_a_report_grows_old(self, client: Client, scope: AccountMarketplace) -> None:
        all_alive()
        spec = registry.spec("listings")
        row = feed(scope, "listings", hours=slots.late_after(spec).total_seconds() / 3600 - 0.1)
        assert said(client) == ""
        row.delete()
        row = feed(scope, "listings", hours=slots.late_after(spec).total_seconds() / 3600 + 0.1)
        assert said(client).startswith("Late figures. ")
        row.delete()
        row = feed(scope, "listings", hours=slots.stale_after(spec).total_seconds() / 3600 + 0.1)
        assert said(client).startswith("Stale figures. ")
        row.delete()
        feed(scope, "listings", hours=1000, enabled=False)  # switched off on purpose
        assert said(client) == ""

    def test_speaks_of_the_shown_scopes_only(self, client: Client, scope: AccountMarketplace) -> None:
        all_alive()
        stranger = make_scope(marketplace="DE")
        feed(stranger, "listings", hours=1000)
        other = make_scope(scope.account, "JP")
        feed(other, "listings", hours=1000)
        assert said(client, f"/data/?scope={scope.pk}") == ""
        assert said(client, f"/data/?scope={other.pk}").startswith("Stale figures")

    def test_speaks_chinese(self, client: Client, scope: AccountMarketplace, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(language="zh-hans")
        all_alive()
        lived("clock", seen=6 * 3600)
        assert client.get("/data/").status_code == 200


def test_a_viewer_is_told_whom_to_ask(client: Client, scope: AccountMarketplace) -> None:
    viewer = make_user(scope.account.organisation, Role.VIEWER)
    client.force_login(viewer, "allauth.account.auth_backends.AuthenticationBackend")
    all_alive()
    lived("clock", seen=600)
    assert "Tell whoever runs this installation" in said(client)
    assert client.get("/settings/system/").status_code == 403


def test_the_sign_in_page_says_nothing_about_the_machine(client: Client) -> None:
    lived("clock", seen=600)
    assert b'class="banner"' not in client.get("/accounts/login/").content


def test_it_costs_one_query_whatever_it_says(scope: AccountMarketplace) -> None:
    all_alive()
    for seen in (0, 6 * 3600):
        lived("clock", seen=seen)
        with CaptureQueriesContext(connection) as queries:
            banner.notices([scope])
        assert len(queries) == 1
