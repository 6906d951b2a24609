"""Each reader gets each ISO week once: whatever happens to clocks, people and workers in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership, Organisation, Role, User
from opsboard.alerts import outbox
from opsboard.alerts.models import OutboxMessage
from opsboard.summaries import lists, work
from opsboard.summaries.models import Kind, Reader, Schedule, Send, Summary
from tests.alerts.postbox import Postbox
from tests.factories import make_account, make_org, make_scope, make_user

pytestmark = pytest.mark.django_db(transaction=True)
#: Monday before the week's summary is due.
START = datetime(2026, 10, 19, tzinfo=UTC)


@pytest.fixture
def organisation(hints: object) -> Organisation:
    """An organisation that sells in Germany, its summary on Tuesdays at nine in Berlin; a manager and an operator."""
    made = make_org("Acme")
    make_scope(make_account(made, region="EU"), "DE")
    Schedule.objects.create(organisation=made, zone_name="Europe/Berlin", weekday=1, hour=9, since=START)
    make_user(made, Role.MANAGER, "manager@example.com")
    make_user(made, Role.OPERATOR, "operator@example.com")
    return made


def moved(**fields: object) -> Callable[[Organisation], object]:
    return lambda organisation: Schedule.objects.filter(organisation=organisation).update(**fields)


def joins(organisation: Organisation) -> None:
    make_user(organisation, Role.MANAGER, "late@example.com")


def nothing(_organisation: Organisation) -> None: ...


def dies_making(_organisation: Organisation) -> None:
    """A worker that claimed the row and was struck down: its lease runs out."""
    from opsboard.feeds import leases

    for row in Summary.objects.filter(finished_at=None):
        leases.claim(Summary, row.pk, 0.001)


TUESDAY_10 = datetime(2026, 10, 27, 9, tzinfo=UTC)  # in Berlin, an hour after the clocks' Sunday and the slot


@pytest.mark.parametrize(
    ("what", "when"),
    [
        (nothing, TUESDAY_10),
        (moved(zone_name="America/Los_Angeles"), TUESDAY_10 - timedelta(hours=4)),
        (moved(zone_name="America/Los_Angeles"), TUESDAY_10 + timedelta(hours=4)),
        (moved(zone_name="Asia/Tokyo"), TUESDAY_10 - timedelta(hours=4)),
        (moved(zone_name="Asia/Tokyo"), TUESDAY_10 + timedelta(hours=4)),
        (moved(zone_name="Pacific/Kiritimati"), TUESDAY_10 - timedelta(days=1)),
        (moved(weekday=0), TUESDAY_10 + timedelta(hours=4)),
        (moved(weekday=4), TUESDAY_10 + timedelta(hours=4)),
        (moved(weekday=4), TUESDAY_10 - timedelta(hours=4)),
        (moved(weekday=6, hour=23), TUESDAY_10 - timedelta(hours=4)),
        (dies_making, TUESDAY_10),
    ],
)
def test_each_manager_gets_each_week_once(
    what: Callable[[Organisation], object], when: datetime, organisation: Organisation
) -> None:
    done = False
    for hours in range(0, 24 * 28 + 8, 4):
        now = START + timedelta(hours=hours)
        work.plan(now)
        work.plan(now)  # two beats
        if now >= when and not done:
            what(organisation)
            done = True
        work.work()

    got = Counter(Send.objects.filter(kind="weekly").values_list("recipient__email", "period"))
    assert set(got.values()) == {1}
    assert {email for email, _period in got} == {"manager@example.com"}
    assert sorted(period for _email, period in got) == ["2026-W42", "2026-W43", "2026-W44", "2026-W45"]
    assert OutboxMessage.objects.count() == 4
    assert Send.objects.filter(finished_at=None).count() == 0


def test_who_joins_before_the_hour_gets_the_week_and_who_joins_after_it_the_next(organisation: Organisation) -> None:
    work.plan(TUESDAY_10 - timedelta(days=7))
    work.work()
    make_user(organisation, Role.MANAGER, "before@example.com")
    work.plan(TUESDAY_10)
    work.work()
    make_user(organisation, Role.MANAGER, "after@example.com")
    work.plan(TUESDAY_10 + timedelta(hours=1))
    work.work()

    by_person: dict[str, list[str]] = {}
    for email, period in Send.objects.order_by("period").values_list("recipient__email", "period"):
        by_person.setdefault(email, []).append(period)
    assert by_person == {"manager@example.com": ["2026-W42", "2026-W43"], "before@example.com": ["2026-W43"]}


def test_a_summary_is_frozen_and_never_made_again(organisation: Organisation) -> None:
    (summary,) = work.plan(TUESDAY_10)

    assert work.make(summary.pk)
    assert not work.make(summary.pk)
    assert work.plan(TUESDAY_10 + timedelta(hours=2)) == []
    summary.refresh_from_db()
    assert summary.state == Summary.State.MADE and summary.made_at and summary.content["period"] == "2026-W43"


def test_a_worker_that_was_declared_dead_freezes_nothing(organisation: Organisation, monkeypatch: object) -> None:
    (summary,) = work.plan(TUESDAY_10)
    real = work.build

    def slow(*arguments: object) -> object:
        with connection.cursor() as cursor:  # meanwhile the lease is given to somebody else
            cursor.execute("UPDATE summaries_summary SET fence = fence + 1 WHERE id = %s", [summary.pk])
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "build", slow)  # type: ignore[attr-defined]

    assert not work.make(summary.pk)
    assert Summary.objects.get().made_at is None
    assert not Send.objects.exists()


def test_roles_decide_unless_a_person_does(organisation: Organisation) -> None:
    manager, operator = (Membership.objects.get(user__email=f"{name}@example.com") for name in ("manager", "operator"))
    Reader.objects.create(membership=manager, weekly=False)
    Reader.objects.create(membership=operator, weekly=True)

    schedule = Schedule.objects.get()
    assert [member.pk for member in lists.readers(organisation, Kind.WEEKLY, schedule)] == [operator.pk]
    assert list(lists.readers(organisation, Kind.DAILY, schedule)) == []


def test_a_person_reads_about_the_accounts_they_chose(organisation: Organisation) -> None:
    other = make_scope(make_account(organisation, "Amazonia", region="EU"), "FR")
    reader = Reader.objects.create(membership=Membership.objects.get(user__email="manager@example.com"))
    reader.accounts.add(other.account)
    work.plan(TUESDAY_10)
    work.work()

    message = OutboxMessage.objects.get()
    assert "Amazonia · FR" in message.text and "· DE" not in message.text
    assert len(Summary.objects.get().content["sections"]) == 2


def test_the_mail_leaves_its_own_list_only(organisation: Organisation, postbox: Postbox) -> None:
    work.plan(TUESDAY_10)
    work.work()
    message = OutboxMessage.objects.get()
    assert outbox.deliver(message.pk)

    (mail,) = postbox.mails
    address = mail["List-Unsubscribe"].strip().strip("<>")
    assert address.startswith("https://ops.example.com/weekly/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == outbox.message_id(f"weekly:{organisation.pk}:2026-W43:{message.recipient_id}")
    from django.test import Client

    path = address.removeprefix("https://ops.example.com")
    assert Client().get(path).status_code == 200
    member = Membership.objects.get(user=message.recipient)
    assert lists.wants(member, Kind.WEEKLY)
    assert Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    member = Membership.objects.get(user=message.recipient)
    assert not lists.wants(member, Kind.WEEKLY) and member.mail_alerts
    assert Client().get(path[:-3] + "x/").status_code == 404


def test_who_stops_it_before_it_is_sent_is_not_mailed(organisation: Organisation, postbox: Postbox) -> None:
    work.plan(TUESDAY_10)
    work.work()
    message = OutboxMessage.objects.get()
    lists.stop(Membership.objects.get(user=message.recipient), Kind.WEEKLY)

    assert outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer, postbox.mails) == ("failed", lists.TURNED_OFF, [])


def test_a_quiet_morning_sends_no_brief(organisation: Organisation) -> None:
    operator = Membership.objects.get(user__email="operator@example.com")
    Reader.objects.create(membership=operator, daily=True)
    (summary,) = [item for item in work.plan(TUESDAY_10) if item.kind == "daily"]

    work.work()

    summary.refresh_from_db()
    assert summary.state == Summary.State.SILENT
    assert not Send.objects.filter(kind="daily").exists()


def test_a_broken_limit_is_in_the_brief_of_those_who_asked(
    organisation: Organisation, acos_breach: Callable[[AccountMarketplace], None]
) -> None:
    operator = Membership.objects.get(user__email="operator@example.com")
    Reader.objects.create(membership=operator, daily=True)
    now = timezone.now()
    Schedule.objects.update(weekly=False, zone_name="UTC", daily_hour=now.hour, since=now - timedelta(days=2))
    acos_breach(AccountMarketplace.objects.get())
    work.plan(now)
    work.plan(now)
    work.work()

    letter = OutboxMessage.objects.get(purpose="daily")
    assert letter.recipient.email == "operator@example.com"
    assert letter.subject.startswith("Brief of") and "1 limit broken (1 new)" in letter.subject
    assert "ACoS 40.0" in letter.text and len(letter.text.splitlines()) <= 40


@pytest.fixture
def acos_breach() -> Callable[[AccountMarketplace], None]:
    """Break the scope's ACoS as of now."""
    from decimal import Decimal

    from opsboard.alerts.models import Episode, EpisodeEvent

    def broken(scope: AccountMarketplace) -> None:
        episode = Episode.objects.create(
            account=scope.account,
            marketplace=scope.marketplace,
            kpi="acos",
            value=Decimal("0.4"),
            worst=Decimal("0.4"),
            high=Decimal("0.25"),
        )
        EpisodeEvent.objects.create(episode=episode, new="open", value=Decimal("0.4"), reason="breach")

    return broken


def test_an_organisation_without_a_schedule_starts_with_its_next_week(hints: object) -> None:
    make_user(made := make_org(), Role.OWNER)
    make_scope(make_account(made, region="EU"), "DE")

    assert work.plan() == []
    when = Schedule.objects.get(organisation=made)
    assert (when.zone_name, when.weekday, when.hour, when.role) == ("Europe/Berlin", 1, 9, "manager")


def test_who_left_gets_nothing(organisation: Organisation) -> None:
    (summary,) = work.plan(TUESDAY_10)
    assert work.make(summary.pk)
    User.objects.get(email="manager@example.com").memberships.all().delete()
    send = Send.objects.get()

    assert work.send(send.pk)
    send.refresh_from_db()
    assert send.finished_at and send.message is None and not OutboxMessage.objects.exists()


def test_a_summary_that_cannot_be_made_is_given_up_and_the_system_page_says_so(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsboard.watch.looks.shop import _summaries
    from opsboard.watch.registry import Sight, Status

    assert _summaries(Sight()).status is Status.OK
    (summary,) = work.plan(TUESDAY_10)

    def broken(*_arguments: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(work, "build", broken)
    for _try in range(4):
        work.work()
        Summary.objects.exclude(lease_until=None).update(lease_until=timezone.now() - timedelta(minutes=1))

    summary.refresh_from_db()
    assert summary.state == Summary.State.FAILED and summary.finished_at
    assert _summaries(Sight()).status is Status.WARN
    assert not Send.objects.exists()


@pytest.mark.parametrize(("hours_ago", "since_hours_ago"), [(20, 20), (50, 50), (200, 24)])
def test_a_brief_goes_on_where_the_one_before_ended_unless_that_is_long_ago(
    hours_ago: int, since_hours_ago: int, organisation: Organisation
) -> None:
    slot = datetime(2026, 10, 27, 7, tzinfo=UTC)
    made = slot - timedelta(hours=hours_ago)
    Summary.objects.create(
        organisation=organisation, kind=Kind.DAILY, period=made.date().isoformat(), slot=made, made_at=made
    )

    told = work.build(organisation, Kind.DAILY, "2026-10-27", slot, slot)

    assert told["since"] == (slot - timedelta(hours=since_hours_ago)).isoformat()
