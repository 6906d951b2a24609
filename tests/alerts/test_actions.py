"""What people do with an alert: which state allows what, and that everything is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from opsboard.accounts.models import AccountMarketplace, AuditEvent, Membership, Role, User
from opsboard.alerts import actions, snoozes
from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.alerts.tasks import judge_scope
from opsboard.kpis.models import AccountDay
from tests.factories import make_seller, make_user

pytestmark = pytest.mark.django_db
Acos = Callable[[AccountMarketplace, int], int]
State = Episode.State

ACTIONS: dict[str, Callable[[int, User], bool]] = {
    "acknowledge": actions.acknowledge,
    "reopen": actions.reopen,
    "assign": lambda pk, user: actions.assign(pk, user, user),
    "snooze": lambda pk, user: actions.snooze(pk, user, worse_by=Decimal("0.1")),
    "resolve": lambda pk, user: actions.resolve(pk, user, "the bids are lowered"),
    "comment": lambda pk, user: actions.comment(pk, user, "looking into it"),
}
#: What each action makes of each state; None: it is too late for it, and nothing changes.
MATRIX: dict[tuple[str, str], str | None] = {
    ("open", "acknowledge"): "acknowledged",
    ("open", "reopen"): None,
    ("open", "assign"): "open",
    ("open", "snooze"): "snoozed",
    ("open", "resolve"): "resolved",
    ("open", "comment"): "open",
    ("acknowledged", "acknowledge"): None,
    ("acknowledged", "reopen"): "open",
    ("acknowledged", "assign"): "acknowledged",
    ("acknowledged", "snooze"): "snoozed",
    ("acknowledged", "resolve"): "resolved",
    ("acknowledged", "comment"): "acknowledged",
    ("snoozed", "acknowledge"): "acknowledged",
    ("snoozed", "reopen"): "open",
    ("snoozed", "assign"): "snoozed",
    ("snoozed", "snooze"): "snoozed",
    ("snoozed", "resolve"): "resolved",
    ("snoozed", "comment"): "snoozed",
    ("resolved", "acknowledge"): None,
    ("resolved", "reopen"): None,
    ("resolved", "assign"): None,
    ("resolved", "snooze"): None,
    ("resolved", "resolve"): None,
    ("resolved", "comment"): "resolved",
}
#: What the judge makes of each state when the limit is kept again, and when the figure gets worse.
JUDGED = {
    "open": ("resolved", "open"),
    "acknowledged": ("resolved", "acknowledged"),
    "snoozed": ("resolved", "open"),
    "resolved": ("resolved", "resolved"),
}
PREPARE = {"open": (), "acknowledged": ("acknowledge",), "snoozed": ("snooze",), "resolved": ("resolve",)}


@pytest.fixture
def alert(acos: Acos) -> tuple[Episode, User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    return Episode.objects.get(), user, scope


def bring(episode: Episode, user: User, state: str) -> None:
    for action in PREPARE[state]:
        assert ACTIONS[action](episode.pk, user)
    episode.refresh_from_db()
    assert episode.state == state


def test_the_matrix_names_every_state_and_every_action() -> None:
    assert set(MATRIX) == {(state, action) for state in State.values for action in actions.ALLOWED}
    assert set(ACTIONS) == set(actions.ALLOWED)


@pytest.mark.parametrize(("state", "action"), MATRIX)
def test_each_action_in_each_state(alert: tuple[Episode, User, AccountMarketplace], state: str, action: str) -> None:
    episode, user, _scope = alert
    bring(episode, user, state)
    lines, audits = episode.events.count(), AuditEvent.objects.count()

    done = ACTIONS[action](episode.pk, user)

    episode.refresh_from_db()
    expected = MATRIX[state, action]
    assert (done, episode.state) == (expected is not None, expected or state)
    assert episode.events.count() - lines == AuditEvent.objects.count() - audits == int(done)
    assert bool(episode.resolved_at) == (episode.state == "resolved")
    assert bool(episode.snoozed_beyond) == (episode.state == "snoozed")


@pytest.mark.parametrize("state", JUDGED)
def test_what_the_judge_does_in_each_state(
    alert: tuple[Episode, User, AccountMarketplace], acos: Acos, state: str
) -> None:
    episode, user, scope = alert
    kept, worse = JUDGED[state]
    bring(episode, user, state)

    acos(scope, 60)
    episode.refresh_from_db()
    assert episode.state == worse
    acos(scope, 20)
    episode.refresh_from_db()
    assert episode.state == kept
    assert Episode.objects.count() == 1


def test_a_snooze_ends_with_its_day_in_the_marketplaces_zone_and_one_mail_says_so(acos: Acos) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-11-20T20:00:00+00:00"), tick=False) as clock:
        user, (scope,) = make_seller(("US",))
        acos(scope, 40)
        episode = Episode.objects.get()
        assert actions.snooze(episode.pk, user, until=scope.marketplace.today() + timedelta(days=2))
        episode.refresh_from_db()
        # Midnight of the 22nd in Los Angeles.
        assert episode.snoozed_until == datetime.fromisoformat("2026-11-22T08:00:00+00:00")
        acos(scope, 60)
        assert OutboxMessage.objects.count() == 1
        clock.move_to(datetime.fromisoformat("2026-11-22T08:00:01+00:00"))
        Episode.objects.update(snoozed_until=episode.opened_at - timedelta(days=1))  # leases and snoozes: database time

        assert [snoozes.wake_due(), snoozes.wake_due()] == [1, 0]

    episode.refresh_from_db()
    assert episode.state == "open" and not episode.snoozed_until
    told = OutboxMessage.objects.get(purpose="awake")
    assert told.recipient == user and told.subject.startswith("ACoS 60.0")
    assert "snoozed until today" in told.text and "snoozed until today" in told.html


def test_a_snooze_until_worse_wakes_at_the_stated_amount_and_not_before(
    alert: tuple[Episode, User, AccountMarketplace], acos: Acos
) -> None:
    episode, user, scope = alert
    assert actions.snooze(episode.pk, user, worse_by=Decimal("0.05"))

    acos(scope, 45)
    episode.refresh_from_db()
    assert episode.state == "snoozed"
    acos(scope, 46)
    acos(scope, 50)

    episode.refresh_from_db()
    assert episode.state == "open"
    assert OutboxMessage.objects.filter(purpose="awake").count() == 1


def test_a_snooze_of_a_limit_that_is_kept_again_wakes_nobody(
    alert: tuple[Episode, User, AccountMarketplace], acos: Acos
) -> None:
    episode, user, scope = alert
    actions.snooze(episode.pk, user, until=scope.marketplace.today() + timedelta(days=1))
    acos(scope, 20)

    episode.refresh_from_db()
    assert (episode.state, episode.snoozed_until) == ("resolved", None)
    assert snoozes.wake_due() == 0 and OutboxMessage.objects.count() == 1


def test_what_a_person_closed_stays_closed_while_the_breach_lasts_and_a_new_breach_is_a_new_alert(
    alert: tuple[Episode, User, AccountMarketplace], acos: Acos
) -> None:
    episode, user, scope = alert
    actions.resolve(episode.pk, user, "a planned launch")

    assert [acos(scope, 45), acos(scope, 60)] == [0, 0]
    AccountDay.objects.all().delete()
    assert judge_scope(scope.account_id, scope.marketplace_id) == 0  # nobody knows: that is not "kept"
    assert [acos(scope, 45), acos(scope, 20), acos(scope, 40)] == [0, 0, 1]

    assert Episode.objects.count() == OutboxMessage.objects.count() == 2
    assert [e.comment for e in episode.events.all()] == ["", "a planned launch"]


def test_who_is_given_an_alert_is_mailed_once_and_who_takes_it_is_not(
    alert: tuple[Episode, User, AccountMarketplace],
) -> None:
    episode, user, scope = alert
    other = make_user(scope.account.organisation, Role.OPERATOR, name="Li Na")

    actions.assign(episode.pk, user, user)
    actions.assign(episode.pk, user, other, "your campaign")

    told = OutboxMessage.objects.get(purpose="assigned")
    assert told.recipient == other
    assert f"{user} gave you this alert: your campaign" in told.text
    episode.refresh_from_db()
    assert episode.assigned_to == other


@pytest.mark.parametrize("who", ["viewer", "stranger", "gone"])
def test_an_alert_is_given_to_nobody_who_could_not_act(
    alert: tuple[Episode, User, AccountMarketplace], who: str
) -> None:
    episode, user, scope = alert
    organisation = scope.account.organisation
    other = make_user(None if who == "stranger" else organisation, Role.VIEWER if who == "viewer" else Role.OPERATOR)
    if who == "gone":
        Membership.objects.filter(user=other).delete()

    assert not actions.assign(episode.pk, user, other)
    episode.refresh_from_db()
    assert episode.assigned_to is None


def test_a_woken_alert_is_mailed_to_who_has_it_alone(
    alert: tuple[Episode, User, AccountMarketplace], acos: Acos
) -> None:
    episode, user, scope = alert
    other = make_user(scope.account.organisation, Role.OPERATOR)
    actions.assign(episode.pk, user, other)
    actions.snooze(episode.pk, user, worse_by=Decimal("0.05"))

    acos(scope, 60)

    assert [message.recipient for message in OutboxMessage.objects.filter(purpose="awake")] == [other]


# --- over the pages, without any script -----------------------------------------------------------


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_forms_do_what_they_say(alert: tuple[Episode, User, AccountMarketplace]) -> None:
    episode, user, scope = alert
    client = browser(user)
    address = f"/alerts/{episode.pk}/"

    assert client.post(f"{address}snooze/", {"worse_by": "5", "comment": "weekend"}).status_code == 302
    episode.refresh_from_db()
    assert (episode.state, episode.snoozed_beyond) == ("snoozed", Decimal("0.45"))  # five points over 40 %
    page = client.get(address).content.decode()
    assert "napped" not in page and "nooze" in page and "weekend" in page
    assert "45.0" in client.get("/alerts/?show=snoozed").content.decode()
    assert client.post(f"{address}snooze/", {"days": "3"}).status_code == 302
    episode.refresh_from_db()
    assert scope.marketplace.day_of(episode.snoozed_until) == scope.marketplace.today() + timedelta(days=3)  # type: ignore[arg-type]
    assert client.post(f"{address}comment/", {"text": "<b>asked the agency</b>"}).status_code == 302
    assert "&lt;b&gt;asked the agency" in client.get(address).content.decode()
    assert client.post(f"{address}assign/", {"to": user.pk}).status_code == 302
    assert client.post(f"{address}resolve/", {"why": "bids lowered"}).status_code == 302
    page = client.get(address).content.decode()
    for words in ("Closed by hand", "bids lowered", "Taken"):
        assert words in page
    assert f"{address}snooze/" not in page and f"{address}comment/" in page


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("snooze", {}),
        ("snooze", {"until": "2020-01-01"}),
        ("snooze", {"until": "2099-01-01"}),
        ("snooze", {"worse_by": "-3"}),
        ("resolve", {"why": "  "}),
        ("comment", {"text": ""}),
        ("assign", {"to": "999999"}),
    ],
)
def test_what_cannot_be_done_is_said_on_the_page_and_changes_nothing(
    alert: tuple[Episode, User, AccountMarketplace], action: str, fields: dict[str, str]
) -> None:
    episode, user, _scope = alert

    answer = browser(user).post(f"/alerts/{episode.pk}/{action}/", fields)

    assert answer.status_code == 422 and "errorlist" in answer.content.decode()
    episode.refresh_from_db()
    assert (episode.state, episode.events.count()) == ("open", 1)


@pytest.mark.parametrize("action", sorted(actions.ALLOWED))
def test_viewers_look_on_strangers_find_nothing_and_a_link_followed_does_nothing(
    alert: tuple[Episode, User, AccountMarketplace], action: str
) -> None:
    episode, user, scope = alert
    viewer = make_user(scope.account.organisation, Role.VIEWER)
    stranger, _scopes = make_seller(("US",))
    address = f"/alerts/{episode.pk}/{action}/"

    assert browser(viewer).post(address).status_code == 403
    assert browser(stranger).post(address).status_code == 404
    assert browser(user).get(address).status_code == 405
    assert f"/alerts/{episode.pk}/snooze/" not in browser(viewer).get(f"/alerts/{episode.pk}/").content.decode()
    assert episode.events.count() == 1
