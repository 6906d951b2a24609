"""Never lost, never twenty: alert mail while the mail server fails at any stage, or a figure will not rest.

Real PostgreSQL, real SMTP, senders that really die. SOAK=1 runs the long sizes.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership, User
from opsboard.alerts import mail, outbox
from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.alerts.tasks import judge_scope
from opsboard.kpis.models import AccountDay, Verdict
from tests.factories import make_account, make_org, make_scope, make_seller, make_user
from tests.kpis.planted import plant_acos

from .postbox import Postbox, free_port, running
from .test_killed_senders import ROOT, database_url, worker

pytestmark = [pytest.mark.django_db(transaction=True)]
Acos = Callable[[AccountMarketplace, int], int]
State = OutboxMessage.State
SOAK = os.environ.get("SOAK") == "1"
#: Mails and kills of the random killing; rounds of each failing stage.
MAILS, KILLS = (2000, 60) if SOAK else (150, 8)
ROUNDS = 50 if SOAK else 4


def later() -> None:
    """Every wait and lease is over."""
    past = timezone.now() - timedelta(seconds=1)
    OutboxMessage.objects.filter(finished_at=None).update(not_before=past)
    OutboxMessage.objects.exclude(lease_until=None).update(lease_until=past)


def send_due() -> None:
    for pk in list(outbox.due().values_list("pk", flat=True)):
        outbox.deliver(pk)


def letters(count: int, person: User, organisation: Any) -> None:
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            dedupe_key=f"opened:{n}",
            organisation=organisation,
            recipient=person,
            address=person.email,
            subject=f"Breach {n}",
            text="It is over the line.",
            html="<p>It is over the line.</p>",
            message_id=outbox.message_id(f"opened:{n}"),
        )
        for n in range(count)
    )


def ids(postbox: Postbox) -> Counter[str]:
    return Counter(str(mail["Message-ID"]) for mail in postbox.mails)


# --- the mail server is away for two hours --------------------------------------------------------


def test_after_two_hours_without_a_mail_server_all_arrives_in_order_and_many_are_one(
    acos: Acos, mail_settings: Postbox
) -> None:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    send_due()  # nobody listens: it waits
    organisation = Membership.objects.get(user=user).organisation
    for _ in range(30):  # and in the two hours thirty more limits break
        acos(make_scope(make_account(organisation), "US"), 50)
        send_due()

    assert OutboxMessage.objects.count() == 1 and OutboxMessage.objects.get().state == State.WAITING
    other = make_user(organisation)
    acos(make_scope(make_account(organisation), "US"), 60)
    later()
    with running(mail_settings):
        send_due()
        send_due()

    assert sorted(OutboxMessage.objects.values_list("state", flat=True)) == ["sent", "sent"]
    first, second = mail_settings.mails
    assert (first["To"], second["To"]) == (user.email, other.email)
    assert first["Subject"].startswith("32 limits breached") and not first["Subject"].startswith("Late")
    assert {e.pk for m in OutboxMessage.objects.filter(recipient=user) for e in m.episodes.all()} == set(
        Episode.objects.values_list("pk", flat=True)
    )


def test_separate_mails_keep_their_order_over_an_outage(mail_settings: Postbox) -> None:
    organisation = make_org()
    letters(25, make_user(organisation), organisation)
    for _ in range(3):
        send_due()
        later()
    with running(mail_settings):
        send_due()
    assert [mail["Subject"] for mail in mail_settings.mails] == [f"Breach {n}" for n in range(25)]


def test_an_outage_of_more_than_a_day_makes_mails_late_and_says_so(acos: Acos, mail_settings: Postbox) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    send_due()
    OutboxMessage.objects.update(due_at=timezone.now() - timedelta(hours=23))
    later()
    send_due()
    OutboxMessage.objects.update(due_at=timezone.now() - timedelta(hours=24, minutes=1))
    later()
    with running(mail_settings):
        send_due()
    (sent,) = mail_settings.mails
    assert sent["Subject"].startswith("Late: ACoS") and "This is late" in mail_settings.part("plain")


# --- it fails at each stage -----------------------------------------------------------------------


@contextmanager
def broken(postbox: Postbox, stage: str) -> Iterator[None]:
    """The server fails at one stage of a mail, as servers do."""
    if stage == "refuse":  # nobody listens
        yield
        return
    if stage == "drop_after_dot":
        with half_deaf(postbox):
            yield
        return
    with running(postbox):
        if stage == "4xx_rcpt":
            postbox.to_recipient = lambda _address: "451 4.7.1 later"
        elif stage == "5xx_rcpt":
            postbox.to_recipient = lambda _address: "550 5.1.1 no such user"
        elif stage == "421_after_data":
            postbox.to_data = "421 4.3.2 shutting down"
        elif stage == "slow":
            postbox.slow = 1.2
        try:
            yield
        finally:
            postbox.to_recipient, postbox.to_data, postbox.slow = (lambda _a: "250 OK"), "250 OK", 0.0


@contextmanager
def half_deaf(postbox: Postbox) -> Iterator[None]:
    """Takes the whole mail and hangs up without a word."""
    with socket.create_server(("127.0.0.1", postbox.port)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    peer, _address = server.accept()
                except OSError:
                    return
                with suppress(OSError), peer, peer.makefile("rwb") as wire:
                    wire.write(b"220 here\r\n")
                    wire.flush()
                    while line := wire.readline():
                        if line[:4].upper() == b"DATA":
                            wire.write(b"354 go on\r\n")
                            wire.flush()
                            body = b""
                            while (part := wire.readline()) not in {b".\r\n", b""}:
                                body += part
                            postbox.mails.append(message_from_bytes(body, policy=policy.default))
                            break
                        wire.write(b"250 fine\r\n")
                        wire.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            server.close()
            socket.socket().connect_ex(("127.0.0.1", postbox.port))
            thread.join(5)


STAGES = {
    # stage: (copies of each mail at most, does it end refused)
    "refuse": (1, False),
    "4xx_rcpt": (1, False),
    "5xx_rcpt": (0, True),
    "421_after_data": (2, False),
    "drop_after_dot": (2, False),
    "slow": (1, False),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_fails_at_one_stage_loses_nothing_and_doubles_only_what_it_took_in_silence(
    mail_settings: Postbox, stage: str
) -> None:
    copies, refused = STAGES[stage]
    rounds = min(ROUNDS, 3) if stage == "slow" else ROUNDS
    organisation = make_org()
    person = make_user(organisation)
    letters(rounds, person, organisation)
    mail_settings.port = mail_settings.port or free_port()

    with broken(mail_settings, stage):
        send_due()
    taken_in_silence = 0 if stage == "421_after_data" else len(mail_settings.mails)
    if stage == "421_after_data":
        mail_settings.mails.clear()  # the server said no after reading them: it does not have them
    later()
    with running(mail_settings):
        send_due()

    states = set(OutboxMessage.objects.values_list("state", flat=True))
    if refused:
        assert states == {"failed"} and mail_settings.mails == []
        assert set(OutboxMessage.objects.values_list("answer", flat=True)) == {"550 5.1.1 no such user"}
        client = Client()
        client.force_login(person)
        assert "550 5.1.1 no such user" in client.get("/settings/delivery/log/?show=failed").content.decode()
        return
    assert states == {"sent"}
    found = ids(mail_settings)
    assert len(found) == rounds and max(found.values()) <= copies
    doubled = sum(found.values()) - rounds
    assert doubled == (taken_in_silence if stage == "drop_after_dot" else 0)
    flagged = [m for m in mail_settings.mails if m["X-Opsboard-Attempt"]]
    assert len(flagged) == doubled


def test_one_bad_address_of_ten_is_marked_and_nine_are_told_once(acos: Acos, postbox: Postbox) -> None:
    user, (scope,) = make_seller(("US",))
    people = [user, *(make_user(scope.account.organisation) for _ in range(9))]
    bad = people[4].email
    postbox.to_recipient = lambda address: "550 5.1.1 no such user" if address == bad else "250 OK"
    acos(scope, 40)

    for _ in range(3):
        send_due()
        later()

    assert Counter(mail["To"] for mail in postbox.mails) == {p.email: 1 for p in people if p.email != bad}
    failed = OutboxMessage.objects.get(state="failed")
    assert (failed.address, failed.answer) == (bad, "550 5.1.1 no such user")


# --- senders killed at random ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_senders_killed_at_random_lose_nothing_and_flag_every_second_copy(postbox: Postbox) -> None:
    organisation = make_org()
    letters(MAILS, make_user(organisation), organisation)
    postbox.slow = 0.02
    chance, kills = random.Random(48), 0
    while kills < KILLS:
        sender = worker(postbox.port)
        time.sleep(chance.uniform(0.0, 0.4))
        sender.kill()
        sender.wait()
        kills += 1
    postbox.slow = 0.0
    last = worker(postbox.port)
    until = time.monotonic() + 600
    while OutboxMessage.objects.filter(finished_at=None).exists() and time.monotonic() < until:
        time.sleep(0.2)
    last.kill()
    last.wait()

    found = ids(postbox)
    assert len(found) == MAILS, "lost"
    assert sum(found.values()) - MAILS <= kills and max(found.values()) <= 2
    plain = Counter(str(m["Message-ID"]) for m in postbox.mails if m["X-Opsboard-Attempt"] is None)
    assert max(plain.values()) == 1, "a second copy that does not say so"
    assert set(OutboxMessage.objects.values_list("state", flat=True)) == {"sent"}
    print(f"{kills} kills, {MAILS} mails, {sum(found.values()) - MAILS} second copies")


_JUDGE = """
import sys, django
django.setup()
from opsboard.feeds import dispatch
dispatch.hint = lambda *a, **k: True
from opsboard.kpis import registry
from tests.kpis import planted
registry._measures = {item.key: item for item in planted.MEASURES}
registry._kpis = {item.key: item for item in planted.KPIS}
from opsboard.alerts.tasks import judge_scope
print("ready", flush=True)
sys.stdin.readline()
judge_scope(int(sys.argv[1]), int(sys.argv[2]))
print("judged", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_a_judge_killed_at_any_moment_leaves_an_episode_with_its_mail_or_neither(acos: Acos) -> None:
    user, _scopes = make_seller(("US",))
    organisation = Membership.objects.get(user=user).organisation
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "opsboard.settings"}
    chance, told = random.Random(7), []
    for n in range(24 if SOAK else 5):
        scope = make_scope(make_account(organisation), "US")
        plant_acos(scope, 40, 100, today=scope.marketplace.today())
        command = [sys.executable, "-c", _JUDGE, str(scope.account_id), str(scope.marketplace_id)]
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None and child.stdin is not None and child.stdout.readline() == "ready\n"
        child.stdin.write("go\n")
        child.stdin.flush()
        if n:  # the first is left to finish: the others could
            time.sleep(chance.uniform(0.0, 0.3))
        else:
            assert child.stdout.readline() == "judged\n"
        child.kill()
        child.wait()
        episodes = set(Episode.objects.values_list("pk", flat=True))
        assert set(OutboxMessage.objects.values_list("episodes", flat=True)) == episodes
        told.append(len(episodes))
        judge_scope(scope.account_id, scope.marketplace_id)
        assert Episode.objects.filter(account=scope.account).count() == 1
        assert OutboxMessage.objects.filter(episodes__account=scope.account, recipient=user).count() == 1
    assert told[0] == 1


# --- a figure that will not rest ------------------------------------------------------------------


def test_a_figure_that_flaps_around_its_limit_is_at_most_two_mails_a_day_and_an_error_is_never_ok(
    acos: Acos, postbox: Postbox
) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-11-02T12:00:00+00:00"), tick=False) as clock:
        user, (scope,) = make_seller(("US",))
        chance, told = random.Random(49), Counter[str]()
        for _day in range(14 if SOAK else 5):
            for _judged in range(24):  # each hour the figures come anew, with noise of three points
                clock.shift(timedelta(hours=1))
                before = OutboxMessage.objects.count()
                if chance.random() < 0.1:  # the source fails: nobody knows
                    kept = list(AccountDay.objects.filter(measure="t.spend"))
                    AccountDay.objects.filter(measure="t.spend").delete()
                    state = Episode.objects.values_list("state", flat=True).first()
                    judge_scope(scope.account_id, scope.marketplace_id)
                    assert Verdict.objects.get(kpi="t_acos").status == "unknown"
                    assert Episode.objects.values_list("state", flat=True).first() == state
                    AccountDay.objects.bulk_create(kept)
                else:
                    acos(scope, chance.randint(22, 28))
                told[clock_day()] += OutboxMessage.objects.count() - before
        assert max(told.values()) <= 2 and 1 <= sum(told.values()) <= 3
    assert Episode.objects.count() <= 2
    assert user


def clock_day() -> str:
    return timezone.now().date().isoformat()


# --- the way out ----------------------------------------------------------------------------------


def test_a_mail_scanner_that_follows_every_link_changes_nothing_and_one_click_stops_that_list_alone(
    acos: Acos, postbox: Postbox
) -> None:
    user, (scope,) = make_seller(("US",))
    elsewhere = make_org()
    Membership.objects.create(user=user, organisation=elsewhere, role="owner")
    acos(scope, 40)
    send_due()
    (sent,) = postbox.mails
    out = sent["List-Unsubscribe"].strip().strip("<>").removeprefix("https://ops.example.com")
    stranger = Client()  # nobody is signed in
    before = list(Episode.objects.values()), list(Membership.objects.order_by("id").values())

    links = {part.split()[0].rstrip(".,") for part in postbox.part("plain").split("https://ops.example.com")[1:]}
    for link in links | {out}:
        for method in (stranger.get, stranger.head, stranger.options):
            assert method(link).status_code < 500
    assert (list(Episode.objects.values()), list(Membership.objects.order_by("id").values())) == before

    assert stranger.post(out, {"List-Unsubscribe": "One-Click"}).status_code == 200
    wanted = dict(Membership.objects.filter(user=user).values_list("organisation", "mail_alerts"))
    assert wanted == {scope.account.organisation_id: False, elsewhere.pk: True}
    assert stranger.post(out[:-3] + "abc/", {"List-Unsubscribe": "One-Click"}).status_code == 404
    assert mail.member_of(out.rstrip("/").rpartition("/")[2]) is not None
