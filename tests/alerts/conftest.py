"""What the alert tests share: declarations of their own, a breach to plant, a mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.tasks import judge_scope
from tests.kpis.fixtures import declared, hints, scope
from tests.kpis.planted import plant_acos

from .postbox import Postbox, running

__all__ = ["acos", "declared", "hints", "mail_settings", "postbox", "scope"]


@pytest.fixture(autouse=True)
def mail_settings(settings: Settings) -> Postbox:
    """Mail goes over SMTP to a port where nobody listens until `postbox` does."""
    box = Postbox()
    with running(box):
        pass  # reserves the port number
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
    settings.BASE_URL = "https://ops.example.com"
    settings.DEFAULT_FROM_EMAIL = "opsboard <alerts@ops.example.com>"
    return box


@pytest.fixture
def postbox(mail_settings: Postbox) -> Iterator[Postbox]:
    with running(mail_settings):
        yield mail_settings


@pytest.fixture
def acos(declared: None, hints: object) -> Callable[[AccountMarketplace, int], int]:
    """acos(scope, 40): have the scope's ACoS be 40 % and judge it; how many episodes that opened."""

    def judged(scope: AccountMarketplace, percent: int) -> int:
        plant_acos(scope, percent, 100, today=scope.marketplace.today(), count=30)
        return judge_scope(scope.account_id, scope.marketplace_id)

    return judged
