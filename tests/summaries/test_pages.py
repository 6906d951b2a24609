"""Weekly on screen: frozen, signed off, commented, taken away as a file; and the hour it is made."""

from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from listings.models import Listing, SalesDay
from opsboard.accounts.models import AccountMarketplace, AuditEvent, Membership, Role, User
from opsboard.summaries import work
from opsboard.summaries.models import Comment, Kind, Reader, Schedule, Summary
from tests.factories import make_user

from .conftest import TUESDAY, WEEK, japan
from .test_content import restate

pytestmark = pytest.mark.django_db
Shop = tuple[User, AccountMarketplace]


@pytest.fixture
def sent(shop: Shop) -> Summary:
    """The summary of week 47, sent."""
    user, scope = shop
    work.schedule_of(scope.account.organisation)
    Schedule.objects.update(since=TUESDAY - timedelta(days=30), hour=9)
    (summary,) = work.plan(TUESDAY)
    assert work.make(summary.pk)
    for item in summary.sends.all():
        assert work.send(item.pk)
    summary.refresh_from_db()
    return summary


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def page(user: User, **query: str | int) -> str:
    answer = browser(user).get("/weekly/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_week_that_was_sent_stays_as_it_was_told(shop: Shop, sent: Summary) -> None:
    user, scope = shop
    before = page(user, week=WEEK)
    assert "Mailed to 1 person, frozen since." in before and "Addendum" not in before
    row = before[before.index(">Ordered sales</a>") :].partition("</tr>")[0]
    assert row.count("$") == 2

    restate(scope, date(2026, 11, 19), ordered_sales_minor=5)
    after = page(user, week=WEEK)

    assert row in after
    assert "Addendum: restated since it was sent" in after
    assert row not in page(user, week="2026-W48")


def test_weeks_nobody_was_told_of_say_so(shop: Shop, sent: Summary) -> None:
    user, _scope = shop

    assert "No summary of this week was sent" in page(user, week="2026-W40")
    running = page(user, week="2026-W48")
    assert "This week is not over" in running and "It is frozen and mailed Tue 1 Dec 2026 09:00" in running
    for nonsense in ("2031-W01", "yesterday", "2026-W99"):
        assert "Week 47 of 2026" in page(user, week=nonsense)


def test_the_address_holds_week_and_account(shop: Shop) -> None:
    user, scope = shop
    other = japan(user, scope.account.organisation)

    both, one = page(user, week=WEEK), page(user, week=WEEK, scope=other.pk)

    assert f'id="scope-{scope.pk}"' in both and f'id="scope-{other.pk}"' in both
    assert f'id="scope-{scope.pk}"' not in one and f'id="scope-{other.pk}"' in one
    assert f"?week=2026-W46&amp;scope={other.pk}" in one or f"?scope={other.pk}&amp;week=2026-W46" in one
    assert browser(user).get("/weekly/", {"organisation": 1}).status_code == 404


def test_a_manager_signs_off_once_and_an_operator_does_not(shop: Shop, sent: Summary) -> None:
    user, scope = shop
    organisation = scope.account.organisation
    operator, manager = make_user(organisation, Role.OPERATOR), make_user(organisation, Role.MANAGER)
    address = f"/weekly/{sent.pk}/sign-off/"

    assert browser(operator).post(address).status_code == 403
    assert address not in page(operator, week=WEEK) and address in page(manager, week=WEEK)
    assert browser(manager).post(address).status_code == 302
    assert browser(user).post(address).status_code == 302

    sent.refresh_from_db()
    assert sent.signed_by == manager
    assert f"Signed off by {manager}" in page(operator, week=WEEK)
    assert AuditEvent.objects.filter(action="summary.signed").count() == 1


def test_a_week_that_was_not_sent_cannot_be_signed_off(shop: Shop) -> None:
    user, scope = shop
    waiting = Summary.objects.create(
        organisation=scope.account.organisation, kind=Kind.WEEKLY, period=WEEK, slot=TUESDAY
    )

    assert browser(user).post(f"/weekly/{waiting.pk}/sign-off/").status_code == 302
    waiting.refresh_from_db()
    assert waiting.signed_at is None


def test_comments_stand_under_the_week_as_they_were_written(shop: Shop, sent: Summary) -> None:
    user, scope = shop
    viewer = make_user(scope.account.organisation, Role.VIEWER)
    address = f"/weekly/{sent.pk}/comment/"

    assert browser(viewer).post(address, {"text": "me too"}).status_code == 403
    browser(user).post(address, {"text": "<b>We keep the price.</b>"})
    browser(user).post(address, {"text": "   "})

    assert [item.text for item in Comment.objects.all()] == ["<b>We keep the price.</b>"]
    assert "&lt;b&gt;We keep the price.&lt;/b&gt;" in page(viewer, week=WEEK)


def test_the_workbook_holds_typed_figures_and_runs_no_formula(shop: Shop, sent: Summary) -> None:
    user, scope = shop
    Listing.objects.filter(asin="B000000002").update(title='=HYPERLINK("http://evil")')
    answer = browser(user).get("/weekly/export.xlsx", {"week": WEEK})

    assert answer["Content-Disposition"] == 'attachment; filename="weekly-2026-w47.xlsx"'
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["KPIs", "Movers", "Alerts", "Missing days", "Restated", "About"]
    rows = {row[1]: row for row in book["KPIs"].iter_rows(values_only=True)}
    sold = sum(
        SalesDay.objects.filter(date__range=(date(2026, 11, 16), date(2026, 11, 22))).values_list(
            "ordered_sales_minor", flat=True
        )
    )
    assert rows["Ordered sales"][2:4] == ("USD", sold / 100)
    assert rows["ACoS"][2:4] == ("%", 40) and rows["ACoS"][7] == 25
    for sheet in book:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_the_schedule_is_set_by_managers_and_kept_in_the_trail(shop: Shop) -> None:
    user, scope = shop
    organisation = scope.account.organisation
    operator = make_user(organisation, Role.OPERATOR)
    address = f"/settings/summaries/{organisation.pk}/schedule/"
    values = {
        "weekly": "on",
        "weekday": 0,
        "hour": 7,
        "zone_name": "Asia/Shanghai",
        "role": "operator",
        "daily_hour": 6,
    }

    assert browser(operator).post(address, values).status_code == 403
    assert browser(user).post(address, {**values, "zone_name": "Mars/Olympus"}).status_code == 200
    assert browser(user).post(address, values).status_code == 302

    when = Schedule.objects.get(organisation=organisation)
    assert (when.weekday, when.hour, when.zone_name, when.role) == (0, 7, "Asia/Shanghai", "operator")
    event = AuditEvent.objects.get(action="summary.schedule")
    assert event.before["weekday"] == 1 and event.after["weekday"] == 0
    assert "Monday, 07:00, Asia/Shanghai" in browser(operator).get("/settings/summaries/").content.decode()


def test_switching_it_on_again_does_not_mail_the_past(shop: Shop) -> None:
    user, scope = shop
    organisation = scope.account.organisation
    when = work.schedule_of(organisation)
    Schedule.objects.update(weekly=False, since=TUESDAY - timedelta(days=60))
    values = {"weekday": 1, "hour": 9, "zone_name": when.zone_name, "role": "manager", "daily_hour": 8}

    browser(user).post(f"/settings/summaries/{organisation.pk}/schedule/", {**values, "weekly": "on"})

    assert work.plan(timezone.now()) == []
    with time_machine.travel(TUESDAY + timedelta(days=7), tick=False):
        assert [item.period for item in work.plan()] == ["2026-W48"]


def test_everybody_chooses_their_own_mails_and_managers_those_of_others(shop: Shop) -> None:
    user, scope = shop
    organisation = scope.account.organisation
    operator, other = make_user(organisation, Role.OPERATOR), make_user(organisation, Role.OPERATOR)
    mine = Membership.objects.get(user=operator).pk
    values = {"weekly": "on", "daily": "on", "accounts": [scope.account_id]}

    assert browser(other).post(f"/settings/summaries/{mine}/reader/", values).status_code == 404
    assert browser(operator).post(f"/settings/summaries/{mine}/reader/", values).status_code == 302
    reader = Reader.objects.get(membership=mine)
    assert (reader.weekly, reader.daily, reader.accounts.count()) == (True, True, 1)
    assert browser(user).post(f"/settings/summaries/{mine}/reader/", {"weekly": ""}).status_code == 302
    reader.refresh_from_db()
    assert (reader.weekly, reader.daily, reader.accounts.count()) == (None, False, 0)
    assert AuditEvent.objects.filter(action="summary.reader", target=operator.email).count() == 2


def test_the_brief_says_what_changed_within_a_day(shop: Shop) -> None:
    user, _scope = shop

    text = browser(user).get("/weekly/brief/").content.decode()

    assert "3 limits broken (3 new)" in text and "ACoS 40.0" in text
    with time_machine.travel(TUESDAY + timedelta(days=2), tick=False):
        later = browser(user).get("/weekly/brief/").content.decode()
    assert "ACoS 40.0" not in later or "new, open" not in later
