"""From a breach to one mail in each operator's inbox, over real SMTP, crashes included."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from ads.models import Campaign
from opsboard.accounts.models import AccountMarketplace, Membership, Role, User
from opsboard.alerts import mail, outbox
from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds import dispatch
from tests.accounts.mailserver import Inbox, mail_server
from tests.factories import make_scope, make_seller, make_user
from tests.feeds.test_pipeline import Desk, campaign
from tests.kpis.shop import Shop, back, quiet

__all__ = ["quiet"]
State = OutboxMessage.State


class House:
    """A seller with one marketplace and what happens in it."""

    def __init__(self, marketplace: str = "US") -> None:
        self.user, (self.scope,) = make_seller((marketplace,))
        self.organisation = self.scope.account.organisation
        self.shop = Shop(self.scope)

    @property
    def today(self) -> date:
        return self.scope.marketplace.today()

    def ads(self, spend: int, sales: int = 100_00) -> None:
        days = back(37, 8, self.today)
        self.shop.plant("ads.spend", dict.fromkeys(days, spend))
        self.shop.plant("ads.sales", dict.fromkeys(days, sales))

    def judge(self, scope: AccountMarketplace | None = None) -> int:
        scope = scope or self.scope
        return judge_scope(scope.account_id, scope.marketplace_id)

    def person(self, role: Role = Role.OPERATOR, **member: Any) -> User:
        user = make_user(self.organisation, role)
        Membership.objects.filter(user=user).update(**member)
        return user

    def breach(self) -> OutboxMessage:
        self.ads(50_00)
        self.judge()
        return OutboxMessage.objects.get(recipient=self.user)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "hint", lambda *_args, **_more: False)


@pytest.fixture
def house(db: None) -> House:
    return House()


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mail_server() as (inbox, port):
        _use(settings, port)
        yield inbox


def _use(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.BASE_URL = "https://ops.example.com"


def due_now(message: OutboxMessage) -> None:
    OutboxMessage.objects.filter(pk=message.pk).update(not_before=timezone.now() - timedelta(seconds=1))


# --- one breach, one mail ------------------------------------------------------------------------


def test_a_breach_opens_one_episode_and_one_mail_for_each_person(house: House) -> None:
    colleague = house.person()
    house.ads(50_00)
    assert house.judge() == 1
    episode = Episode.objects.get()
    assert (episode.kpi, episode.state, episode.value) == ("acos", "open", Decimal("0.5"))
    assert {message.recipient_id for message in OutboxMessage.objects.all()} == {house.user.pk, colleague.pk}


def test_judging_again_and_again_opens_and_mails_nothing_more(house: House) -> None:
    house.breach()
    for spend in (50_00, 90_00, 60_00):
        house.ads(spend)
        assert house.judge() == 0
    episode = Episode.objects.get()
    assert (episode.value, episode.worst, episode.events.count()) == (Decimal("0.6"), Decimal("0.9"), 1)
    assert OutboxMessage.objects.count() == 1


def test_viewers_the_muted_the_gone_and_strangers_get_no_mail(house: House) -> None:
    house.person(Role.VIEWER)
    house.person(mail_alerts=False)
    gone = house.person()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    House()
    house.breach()
    assert [message.recipient for message in OutboxMessage.objects.all()] == [house.user]


def test_missing_data_neither_opens_nor_closes(house: House) -> None:
    house.judge()
    assert not Episode.objects.exists()
    house.breach()
    for day in back(37, 20, house.today):
        house.shop.forget("ads.sales", day)
    house.judge()
    assert Episode.objects.get().state == Episode.State.OPEN


def test_recovery_ends_the_episode_and_a_breach_long_after_is_a_new_one(house: House) -> None:
    house.breach()
    house.ads(10_00)
    house.judge()
    episode = Episode.objects.get()
    assert episode.state == Episode.State.RESOLVED
    assert [event.new for event in episode.events.all()] == ["open", "resolved"]
    Episode.objects.update(resolved_at=timezone.now() - timedelta(days=4))
    house.ads(50_00)
    assert house.judge() == 1
    assert Episode.objects.count() == OutboxMessage.objects.count() == 2
    assert len(set(OutboxMessage.objects.values_list("message_id", flat=True))) == 2


def test_a_figure_that_wavers_is_one_alert_and_one_mail(house: House) -> None:
    house.breach()
    for _again in range(3):
        house.ads(10_00)
        house.judge()
        house.ads(50_00)
        assert house.judge() == 0
    assert Episode.objects.get().state == Episode.State.OPEN
    assert OutboxMessage.objects.count() == 1


def test_the_database_itself_allows_one_running_episode(house: House) -> None:
    from django.db import IntegrityError, transaction

    house.breach()
    episode = Episode.objects.get()
    episode.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        episode.save(force_insert=True)


def much_goes_wrong(house: House) -> None:
    today = house.today
    house.ads(50_00)
    days = back(37, 4, today)
    house.shop.plant("ads.impressions", dict.fromkeys(days, 100_000))
    house.shop.plant("ads.clicks", dict.fromkeys(days, 10))
    house.shop.plant("listings.ordered_sales", dict.fromkeys(days, 100_00))
    house.shop.plant("listings.buy_box_page_views", dict.fromkeys(days, 10))
    house.shop.plant("listings.page_views", dict.fromkeys(days, 100))
    house.shop.plant("ads.spend", dict.fromkeys(days, 50_00))
    for name in ("odr_mfn", "odr_afn", "late_shipment"):
        house.shop.plant(f"health.{name}", {today: 90})
        house.shop.plant(f"health.{name}_of", {today: 100})


def test_more_than_five_breaches_at_once_are_one_mail(house: House, inbox: Inbox) -> None:
    much_goes_wrong(house)
    opened = house.judge()
    assert opened > 5
    message = OutboxMessage.objects.get()
    assert message.episodes.count() == opened
    outbox.deliver(message.pk)
    assert str(inbox.mails[0]["Subject"]).startswith(f"{opened} limits breached")
    for kpi in ("ACoS", "Buy Box", "Late shipment"):
        assert kpi in inbox.text()


def test_marketplaces_of_an_account_are_told_apart(house: House) -> None:
    house.breach()
    yen = Shop(make_scope(house.scope.account, "JP"))
    days = back(37, 8, yen.scope.marketplace.today())
    yen.plant("ads.spend", dict.fromkeys(days, 500))
    yen.plant("ads.sales", dict.fromkeys(days, 1000))
    assert house.judge(yen.scope) == 1
    assert {str(m.subject).rpartition(", ")[2] for m in OutboxMessage.objects.all()} == {"US", "JP"}


# --- the mail ----------------------------------------------------------------------------------------


def test_a_mail_arrives_once_with_what_mail_programs_need(house: House, inbox: Inbox) -> None:
    message = house.breach()
    assert outbox.deliver(message.pk)
    assert not outbox.deliver(message.pk)
    (letter,) = inbox.mails
    assert str(letter["Message-ID"]) == message.message_id
    assert (str(letter["To"]), str(letter["Subject"])) == (house.user.email, message.subject)
    assert str(letter["Subject"]).startswith("ACoS 50.0 % over 25.0 %")
    url = str(letter["List-Unsubscribe"]).strip()
    assert url.startswith("<https://ops.example.com/alerts/unsubscribe/")
    assert str(letter["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert str(letter["Auto-Submitted"]) == "auto-generated"
    assert letter["X-Opsboard-Attempt"] is None
    message.refresh_from_db()
    assert (message.state, message.tries, message.finished_at is None) == (State.SENT, 1, False)
    assert message.answer.startswith("250")


def parts(letter: EmailMessage) -> tuple[str, str]:
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(text.get_content()), str(html.get_content())


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_both_parts_tell_the_same_and_the_text_is_72_columns_wide(house: House, inbox: Inbox, language: str) -> None:
    User.objects.update(language=language)
    Campaign.objects.create(
        account_id=house.scope.account_id, marketplace_id=house.scope.marketplace_id, campaign_id=1, name="Lids " * 30
    )
    outbox.deliver(house.breach().pk)
    text, html = parts(inbox.mails[0])
    episode = Episode.objects.get()
    url = f"https://ops.example.com/alerts/{episode.pk}/"
    for part in (text, html):
        assert url in part
        assert house.scope.account.name in part
        assert "/alerts/unsubscribe/" in part
    assert [line for line in text.splitlines() if len(line) > 72 and "https://" not in line] == []
    assert "<style" in html
    assert 'style="' in html


def test_names_out_of_reports_cannot_break_a_mail(
    house: House, inbox: Inbox, settings: Settings, tmp_path: Any
) -> None:
    settings.DOCUMENT_DIR = tmp_path
    house.scope.account.name = 'Evil\r\nBcc: all@example.com <script>alert("x")</script>'
    house.scope.account.save()
    desk = Desk(house.scope)
    span = back(37, 8, house.today)
    nasty = "<script>steal()</script>\nSubject: gotcha"
    rows = [campaign(1, 50, day, campaignName=nasty, sales7d=100) for day in span]
    assert desk.ingest(rows, window=(span[0], span[-1])).state == "applied"
    assert house.judge() >= 1
    message = OutboxMessage.objects.filter(episodes__kpi="acos").get()
    outbox.deliver(message.pk)
    (letter,) = inbox.mails
    assert "\n" not in str(letter["Subject"])
    assert letter["Bcc"] is None
    assert str(letter["Subject"]).startswith("ACoS")
    _text, html = parts(letter)
    assert "<script>" not in html
    assert "&lt;script&gt;steal()" in html


# --- servers that are away, refuse, or see us die ---------------------------------------------------------


def test_while_the_mail_server_is_away_the_mail_waits_and_then_arrives(house: House, settings: Settings) -> None:
    message = house.breach()
    with mail_server() as (_inbox, port):
        pass
    _use(settings, port)
    for _try in range(5):
        due_now(message)
        assert outbox.deliver(message.pk)
        message.refresh_from_db()
        assert (message.state, message.attempts, message.finished_at) == (State.WAITING, 0, None)
        assert message.answer
    with mail_server() as (inbox, port):
        _use(settings, port)
        due_now(message)
        outbox.deliver(message.pk)
        assert len(inbox.mails) == 1
        assert inbox.mails[0]["X-Opsboard-Attempt"] is None
    message.refresh_from_db()
    assert message.state == State.SENT


class Saying(Inbox):
    """A server that answers as it is told, in turn, and keeps what it said 250 to."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers and not self.answers[0].startswith("250"):
            return self.answers.pop(0)
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def saying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Saying]:
    inbox = Saying()
    monkeypatch.setattr("tests.accounts.mailserver.Inbox", lambda: inbox)
    with mail_server() as (_inbox, port):
        _use(settings, port)
        yield inbox


def test_a_server_that_says_later_gets_it_later(house: House, saying: Saying) -> None:
    saying.answers = ["451 4.7.1 greylisted, try again"]
    message = house.breach()
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.WAITING, "451 4.7.1 greylisted, try again")
    assert not outbox.deliver(message.pk)
    due_now(message)
    outbox.deliver(message.pk)
    assert len(saying.mails) == 1


def test_a_refusal_ends_it_and_its_words_stand_on_the_episodes_page(house: House, saying: Saying) -> None:
    saying.answers = ["550 5.1.1 no such <mailbox> here"]
    message = house.breach()
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.FAILED, "550 5.1.1 no such <mailbox> here")
    due_now(message)
    assert not outbox.deliver(message.pk)
    browser = Client()
    browser.force_login(house.user)
    page = browser.get(f"/alerts/{Episode.objects.get().pk}/").content.decode()
    assert "550 5.1.1 no such &lt;mailbox&gt; here" in page
    assert house.user.email in page


def test_a_mail_is_not_sent_to_somebody_who_left_meanwhile(house: House, inbox: Inbox) -> None:
    message = house.breach()
    Membership.objects.filter(user=house.user).delete()
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (inbox.mails, message.state) == ([], State.FAILED)


class Deadly(Inbox):
    """Takes the mail and kills the sender before it can hear that it was taken."""

    victim: subprocess.Popen[bytes] | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if self.victim is not None:
            self.victim.send_signal(signal.SIGKILL)
            self.victim.wait()
        return answer


def _database_url() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
    chosen = connection.settings_dict
    user = quote(chosen["USER"] or "postgres") + (f":{quote(chosen['PASSWORD'])}" if chosen["PASSWORD"] else "")
    if str(chosen["HOST"]).startswith("/"):
        return f"postgresql://{user}@/{quote(name)}?host={quote(chosen['HOST'])}&port={chosen['PORT']}"
    return f"postgresql://{user}@{chosen['HOST']}:{chosen['PORT'] or 5432}/{quote(name)}"


@pytest.mark.django_db(transaction=True)
def test_a_sender_killed_between_data_and_its_answer_sends_one_flagged_copy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House()
    message = house.breach()
    inbox = Deadly()
    monkeypatch.setattr("tests.accounts.mailserver.Inbox", lambda: inbox)
    with mail_server() as (_inbox, port):
        _use(settings, port)
        script = (
            "import django, sys; django.setup()\n"
            "from opsboard.alerts import outbox\n"
            "sys.stdin.readline()\n"
            "outbox.deliver(int(sys.argv[1]))\n"
        )
        env = os.environ | {
            "DATABASE_URL": _database_url(),
            "DJANGO_SETTINGS_MODULE": "opsboard.settings",
            "SECRET_KEY": settings.SECRET_KEY,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(port),
            "OPSBOARD_BASE_URL": settings.BASE_URL,
        }
        sender = subprocess.Popen([sys.executable, "-c", script, str(message.pk)], env=env, stdin=subprocess.PIPE)
        inbox.victim = sender
        sender.communicate(b"go\n", timeout=60)
        assert sender.returncode == -signal.SIGKILL
        message.refresh_from_db()
        assert (message.state, message.tries, len(inbox.mails)) == (State.SENDING, 1, 1)
        assert not outbox.deliver(message.pk)
        OutboxMessage.objects.filter(pk=message.pk).update(lease_until=F("lease_until") - timedelta(hours=1))
        assert list(outbox.due()) == [message]
        inbox.victim = None
        assert outbox.deliver(message.pk)
    first, second = inbox.mails
    assert first["Message-ID"] == second["Message-ID"] == message.message_id
    assert (first["X-Opsboard-Attempt"], second["X-Opsboard-Attempt"]) == (None, "2")
    message.refresh_from_db()
    assert message.state == State.SENT


# --- the way out ----------------------------------------------------------------------------------------


def _path(user: User) -> str:
    return urlsplit(mail.unsubscribe_url(Membership.objects.get(user=user))).path


def test_opening_the_link_changes_nothing_and_posting_it_stops_the_mails(house: House, inbox: Inbox) -> None:
    colleague = house.person()
    stranger = Client(enforce_csrf_checks=True)
    path = _path(house.user)
    for _scanner in range(2):
        assert stranger.get(path).status_code == 200
        assert stranger.head(path).status_code == 200
    assert Membership.objects.get(user=house.user).mail_alerts
    assert stranger.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Membership.objects.get(user=house.user).mail_alerts
    assert stranger.post(path).status_code == 200
    house.ads(50_00)
    house.judge()
    assert [message.recipient for message in OutboxMessage.objects.all()] == [colleague]


def test_a_forged_link_does_not_exist(house: House, inbox: Inbox) -> None:
    path = _path(house.user)
    for forged in (path[:-3] + "x/", "/alerts/unsubscribe/1/", path.replace(":", "")):
        assert Client().post(forged).status_code == 404
        assert Client().get(forged).status_code == 404
    assert Membership.objects.get(user=house.user).mail_alerts
