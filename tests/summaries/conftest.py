"""What the tests of summaries share: a shop on a Tuesday, a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from opsboard.accounts.models import AccountMarketplace, Marketplace, User
from tests.alerts.conftest import mail_settings, postbox
from tests.e2e.shop import stock_shop
from tests.factories import make_account, make_scope, make_seller
from tests.kpis.fixtures import hints, scope

__all__ = ["hints", "mail_settings", "postbox", "scope"]
#: Noon in Los Angeles, the Tuesday after week 47 (16 to 22 November 2026).
TUESDAY = datetime(2026, 11, 24, 20, tzinfo=UTC)
WEEK = "2026-W47"


@pytest.fixture
def tuesday() -> Iterator[object]:
    with time_machine.travel(TUESDAY, tick=False) as clock:
        yield clock


@pytest.fixture
def shop(db: None, tuesday: object, hints: object) -> tuple[User, AccountMarketplace]:
    """An owner and a marketplace with figures; Sunday the 15th is missing."""
    user, (one,) = make_seller(("US",))
    stock_shop(one)
    return user, one


def japan(user: User, organisation: object) -> AccountMarketplace:
    """A second account of the organisation, in yen."""
    account = make_account(organisation, "Nippon", region=Marketplace.objects.get(code="JP").region)  # type: ignore[arg-type]
    found = make_scope(account, "JP")
    stock_shop(found)
    return found
