"""What the pages of Settings say of browsers and of changes."""

from __future__ import annotations

import pytest
from django.test import Client

from opsboard.accounts import audit
from opsboard.accounts.models import Role
from opsboard.accounts.templatetags.settings_rooms import browser, changed
from tests.factories import make_account, make_org, make_user

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome · Windows"),
        (f"{CHROME} Edg/131.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox · Linux"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "–"),
    ],
)
def test_a_session_is_named_by_browser_and_system(agent: str, words: str) -> None:
    assert browser(agent) == words


@pytest.mark.django_db
def test_a_change_shows_what_changed_and_nothing_else() -> None:
    event = audit.record(
        make_org("Ours"),
        None,
        "rule.changed",
        before={"name": "ACoS", "high": "0.25", "people": [], "enabled": True},
        after={"name": "ACoS", "high": "0.30", "people": [], "enabled": False, "reports": ["a", "b", "c", "d"]},
    )
    assert changed(event) == [
        ("high", "0.25", "0.30"),
        ("enabled", "True", "False"),
        ("reports", "", "a, b, c, … (4)"),
    ]


@pytest.mark.django_db
def test_a_page_inside_a_room_of_settings_marks_its_room() -> None:
    organisation = make_org("Ours")
    account, client = make_account(organisation), Client()
    client.force_login(make_user(organisation, Role.OWNER), "allauth.account.auth_backends.AuthenticationBackend")

    body = client.get(f"/settings/account/{account.pk}/").content.decode()

    assert 'href="/settings/accounts/" aria-current="true"' in body and 'aria-current="page">Seller' not in body
