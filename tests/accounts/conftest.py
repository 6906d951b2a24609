"""What the account tests share: an inbox behind a real SMTP server, and quick sign-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts.models import User
from tests.factories import PASSWORD

from .mailserver import Inbox, mail_server

SignIn = Callable[..., Client]


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mail_server() as (inbox, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.BASE_URL = "http://testserver"
        yield inbox


@pytest.fixture
def sign_in() -> SignIn:
    """Sign a person in through the real form; returns the browser. Asserts that it worked."""

    def signed_in(user: User, password: str = PASSWORD, **browser: str) -> Client:
        client = Client(**browser)  # type: ignore[arg-type]
        answer = client.post("/accounts/login/", {"login": user.email, "password": password})
        assert answer.status_code == 302, answer.content.decode()
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _fresh_counters(db: None) -> None:
    cache.clear()
