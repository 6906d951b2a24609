"""A real browser on a real server; skipped, with the reason, where there is no Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace, User
from tests.factories import make_seller

from .shop import stock_shop

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
#: Playwright's own loop lives in this thread; the ORM is used between its calls, never inside.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    if not CHROMIUM:
        pytest.skip("no Chromium here: install one or name it in CHROMIUM")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        yield running
        running.close()


@pytest.fixture
def shop(transactional_db: None, settings: Settings) -> tuple[User, list[AccountMarketplace]]:
    """Two marketplaces, one of them in yen, with figures on every page."""
    settings.STORAGES = {
        **django_settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.ALLOWED_HOSTS = ["*"]
    user, scopes = make_seller(("US", "JP"))
    for scope in scopes:
        stock_shop(scope)
    return user, scopes


@pytest.fixture
def open_page(
    browser: object, live_server: object, shop: tuple[User, list[AccountMarketplace]]
) -> Iterator[Callable[..., object]]:
    """open_page(theme=, language=, width=) -> a signed-in page whose console complaints are in page.complaints."""
    contexts = []

    def opened(theme: str = "light", language: str = "en", width: int = 1440, scripts: bool = True) -> object:
        user, _scopes = shop
        User.objects.filter(pk=user.pk).update(language=language, theme="")
        client = Client()
        client.force_login(user)
        context = browser.new_context(  # type: ignore[attr-defined]
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": name, "value": cookie.value, "url": live_server.url} for name, cookie in client.cookies.items()]  # type: ignore[attr-defined]
        )
        page = context.new_page()
        page.complaints = []
        page.on(
            "console", lambda message: message.type in {"error", "warning"} and page.complaints.append(message.text)
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
