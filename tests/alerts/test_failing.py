"""A report that fails for a day is told once by mail, to whom alerts are mailed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership
from opsboard.alerts import failing, outbox
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds.models import Feed, Fetch
from tests.factories import make_seller

from .postbox import Postbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hints")]
SAID = "The requested dates are not available."


def fail(scope: AccountMarketplace, spec: str = "listings", hours: float = 25, **fields: object) -> Feed:
    """A report that succeeded two days ago and ended badly so many hours ago."""
    ended = timezone.now() - timedelta(hours=hours)
    day = ended.date()
    Fetch.objects.create(
        account=scope.account, marketplace=scope.marketplace, spec=spec, window_start=day, window_end=day, slot=ended,
        **{"finished_at": ended, "state": "failed", "outcome": "fatal_explained", "said": SAID, **fields},
    )  # fmt: skip
    return Feed.objects.update_or_create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec=spec,
        defaults={"last_error": "Amazon could not make it.", "last_success_at": timezone.now() - timedelta(days=2)},
    )[0]


def test_a_report_that_fails_for_a_day_is_one_mail_that_says_why_and_what_to_do(postbox: Postbox) -> None:
    user, (scope,) = make_seller(("US",))
    fail(scope)

    assert [failing.tell(), failing.tell()] == [1, 0]

    outbox.deliver(OutboxMessage.objects.get().pk)
    (letter,) = postbox.mails
    assert letter["To"] == user.email
    assert str(letter["Subject"]).startswith("A report fails: All listings") and "US" in str(letter["Subject"])
    for part in letter.get_payload():
        text = " ".join(part.get_payload(decode=True).decode().split())
        assert SAID in text and "Amazon could not make this report and says why." in text
        assert "The last one came at" in text and "/data/" in text


def test_what_has_failed_for_an_hour_or_only_waits_is_no_mail() -> None:
    _user, (scope,) = make_seller(("US",))
    fail(scope, hours=1)
    fail(scope, "sp_campaigns", state="waiting", finished_at=None, outcome="amazon_down")
    fail(scope, "orders", kind="backfill")
    assert failing.tell() == 0


def test_all_that_fails_at_once_is_one_mail_and_what_fails_an_hour_later_waits_a_day(postbox: Postbox) -> None:
    _user, (us, ca) = make_seller(("US", "CA"))
    fail(us)
    fail(ca)
    assert failing.tell() == 1
    assert OutboxMessage.objects.get().subject.startswith("2 reports fail, first: ")
    fail(us, "orders")
    assert failing.tell() == 0
    Feed.objects.exclude(told_failing_at=None).update(told_failing_at=timezone.now() - timedelta(hours=25))
    assert failing.tell() == 1


def test_a_report_that_came_again_and_fails_again_is_told_again() -> None:
    _user, (scope,) = make_seller(("US",))
    feed = fail(scope)
    failing.tell()
    Feed.objects.update(
        told_failing_at=timezone.now() - timedelta(days=9), last_success_at=timezone.now() - timedelta(days=3)
    )
    assert failing.tell() == 1
    assert OutboxMessage.objects.count() == 2
    feed.refresh_from_db()
    assert feed.told_failing_at is not None


def test_who_turned_alert_mails_off_is_not_told() -> None:
    _user, (scope,) = make_seller(("US",))
    Membership.objects.update(mail_alerts=False)
    fail(scope)
    assert failing.tell() == 0
    assert not OutboxMessage.objects.exists()
