"""Which letters alerts become: grouped, held, threaded, escalated, posted; the log and the tests of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace, AuditEvent, Membership, Role, User
from opsboard.alerts import actions, channels, escalation, outbox, rules
from opsboard.alerts.models import Channel, Episode, OutboxMessage, Route, Rule
from opsboard.alerts.tasks import judge_scope
from opsboard.kpis import registry
from tests.factories import make_account, make_scope, make_seller, make_user
from tests.kpis.planted import ACOS, plant_acos

from .postbox import Postbox

pytestmark = pytest.mark.django_db
Acos = Callable[[AccountMarketplace, int], int]
State = OutboxMessage.State


def later(**time_passed: float) -> None:
    """Everything that happened is so much longer ago."""
    by = timedelta(**time_passed)
    for message in OutboxMessage.objects.all():
        OutboxMessage.objects.filter(pk=message.pk).update(
            due_at=message.due_at - by, not_before=message.not_before - by, created_at=message.created_at - by
        )
    for episode in Episode.objects.all():
        Episode.objects.filter(pk=episode.pk).update(opened_at=episode.opened_at - by)


def send_due() -> None:
    for pk in list(outbox.due().values_list("pk", flat=True)):
        outbox.deliver(pk)


def shops(user: User, count: int) -> list[AccountMarketplace]:
    organisation = Membership.objects.get(user=user).organisation
    return [make_scope(make_account(organisation), "US") for _ in range(count)]


def test_the_first_alert_is_told_at_once_and_what_follows_in_a_quarter_of_an_hour_is_one_mail(acos: Acos) -> None:
    user, _scopes = make_seller(("US",))
    many = shops(user, 21)

    for scope in many:
        assert acos(scope, 40) == 1

    first, second = OutboxMessage.objects.order_by("id")
    assert first.episodes.count() == 1 and first.due_at <= timezone.now()
    assert second.episodes.count() == 20
    assert second.due_at == first.due_at + timedelta(minutes=15)
    assert second.subject.startswith("20 limits breached, first: ACoS")


def test_four_hundred_at_once_are_one_mail_that_names_some_and_links_to_the_rest(
    declared: None, hints: object, monkeypatch: pytest.MonkeyPatch, postbox: Postbox
) -> None:
    _user, (scope,) = make_seller(("US",))
    many = {f"t_acos{n}": replace(ACOS, key=f"t_acos{n}", label=f"ACoS {n}") for n in range(400)}
    monkeypatch.setattr(registry, "_kpis", many)
    plant_acos(scope, 40, 100, today=scope.marketplace.today())

    assert judge_scope(scope.account_id, scope.marketplace_id) == 400

    send_due()
    (sent,) = postbox.mails
    assert sent["Subject"].startswith("400 limits breached")
    text = postbox.part("plain")
    assert text.count("Judged over") == 25 and "and 375 more: https://ops.example.com/alerts/" in text
    assert "375 more" in postbox.part("html")
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 72


def test_quiet_hours_hold_a_mail_and_a_critical_one_leaves_all_the_same(acos: Acos, postbox: Postbox) -> None:
    user, (calm,) = make_seller(("US",))
    (loud,) = shops(user, 1)
    now = timezone.now()
    Route.objects.create(
        member=Membership.objects.get(user=user),
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_to=(now + timedelta(hours=1)).time(),
        time_zone="UTC",
    )
    rules.save(
        Rule(organisation=loud.account.organisation, name="!", kind="limit", kpi="t_acos", account=loud.account,
             severity="critical"), user,
    )  # fmt: skip
    acos(calm, 40)
    acos(loud, 50)

    send_due()
    assert [mail["Subject"][:9] for mail in postbox.mails] == ["ACoS 50.0"]
    later(hours=2)
    send_due()
    assert len(postbox.mails) == 2


def test_a_digest_is_one_mail_of_the_day(acos: Acos, postbox: Postbox) -> None:
    user, _scopes = make_seller(("US",))
    Route.objects.create(
        member=Membership.objects.get(user=user),
        mode="digest",
        digest_at=(timezone.now() + timedelta(hours=3)).time().replace(microsecond=0),
        time_zone="UTC",
    )
    for scope in shops(user, 3):
        acos(scope, 40)

    send_due()
    assert postbox.mails == []
    later(hours=4)
    send_due()

    (sent,) = postbox.mails
    assert sent["Subject"].startswith("3 limits breached")
    assert "daily digest" in postbox.part("plain")


def test_later_mails_about_an_alert_are_in_the_thread_of_the_first(acos: Acos, postbox: Postbox) -> None:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    send_due()
    actions.snooze(Episode.objects.get().pk, user, worse_by=Decimal("0.05"))
    acos(scope, 60)
    send_due()

    first, second = postbox.mails
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"] != second["Message-ID"]


def test_what_nobody_takes_is_told_to_the_managers_once(acos: Acos) -> None:
    user, (taken, left) = make_seller(("US", "CA"))
    organisation = taken.account.organisation
    manager, operator = make_user(organisation, Role.MANAGER), make_user(organisation, Role.OPERATOR)
    general = rules.default_of(organisation.pk)
    general.escalate_after = 4
    rules.save(general, user)
    for scope in (taken, left):
        acos(scope, 40)
    actions.acknowledge(Episode.objects.get(marketplace=taken.marketplace).pk, operator)

    later(hours=3)
    assert escalation.escalate_due() == 0
    later(hours=2)
    assert [escalation.escalate_due(), escalation.escalate_due()] == [1, 0]

    told = OutboxMessage.objects.filter(purpose="escalated")
    assert {message.recipient for message in told} == {user, manager}
    assert "Nobody has taken this" in told[0].text
    assert Episode.objects.get(marketplace=left.marketplace).events.last().reason == "escalated"  # type: ignore[union-attr]


def test_a_rule_names_who_is_mailed_and_may_mail_nobody(acos: Acos) -> None:
    user, (scope,) = make_seller(("US",))
    other = make_user(scope.account.organisation, Role.OPERATOR)
    general = rules.default_of(scope.account.organisation_id)
    rules.save(general, user, ([Membership.objects.get(user=other)], []))
    acos(scope, 40)
    assert [message.recipient for message in OutboxMessage.objects.all()] == [other]

    general.mails = False
    rules.save(general, user)
    acos(scope, 20)
    Episode.objects.update(resolved_at=timezone.now() - timedelta(days=7))
    assert acos(scope, 40) == 1
    assert OutboxMessage.objects.count() == 1


def test_a_mail_a_day_late_says_so_and_keeps_its_id(acos: Acos, postbox: Postbox) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    later(hours=25)
    send_due()

    (sent,) = postbox.mails
    assert sent["Subject"].startswith("Late: ACoS 40.0")
    assert sent["Message-ID"] == OutboxMessage.objects.get().message_id
    assert postbox.part("plain").startswith("This is late: it was to leave on")
    assert "This is late" in postbox.part("html")


# --- channels -------------------------------------------------------------------------------------


class Receiver:
    """A real HTTP server that keeps what it is posted."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.port = 0
        self.answer = b"{}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(receiver.status)
            if receiver.status == 302:
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", str(len(receiver.answer)))
            self.end_headers()
            self.wfile.write(receiver.answer)

        def log_message(self, *_args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.SEAL_KEYS = sealing.new_key()
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with receiving() as found:
        yield found


def hook(scope: AccountMarketplace, user: User, url: str) -> tuple[Channel, str]:
    secret = channels.new_secret()
    channel = Channel(organisation=scope.account.organisation, name="Our bus", kind="webhook")
    channels.save(channel, user, {"url": url, "secret": secret})
    general = rules.default_of(scope.account.organisation_id)
    rules.save(general, user, ([], [channel]))
    return channel, secret


@pytest.fixture
def posted(acos: Acos, receiver: Receiver) -> tuple[OutboxMessage, str]:
    """A webhook with one message waiting for it."""
    user, (scope,) = make_seller(("US",))
    _channel, secret = hook(scope, user, f"http://127.0.0.1:{receiver.port}/hook")
    acos(scope, 40)
    return OutboxMessage.objects.get(channel__isnull=False), secret


def test_a_webhook_gets_the_alert_signed_with_an_id_that_stays(
    posted: tuple[OutboxMessage, str], receiver: Receiver
) -> None:
    message, secret = posted
    receiver.status = 500
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.WAITING, "HTTP 500")
    receiver.status = 204
    OutboxMessage.objects.update(not_before=timezone.now())
    outbox.deliver(message.pk)
    assert not outbox.deliver(message.pk)

    (first, _body), (headers, body) = receiver.posts
    assert first["webhook-id"] == headers["webhook-id"] == message.message_id
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    told = json.loads(body)
    assert told["type"] == "alert.opened"
    (alert,) = told["data"]["alerts"]
    assert (alert["kpi"], Decimal(alert["value"]), alert["severity"]) == ("t_acos", Decimal("0.4"), "normal")
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.SENT, "HTTP 204")


@pytest.mark.parametrize(
    ("status", "state"), [(410, State.FAILED), (404, State.WAITING), (429, State.WAITING), (302, State.WAITING)]
)
def test_what_a_webhook_refuses_waits_and_what_is_gone_ends(
    posted: tuple[OutboxMessage, str], receiver: Receiver, status: int, state: str
) -> None:
    message, _secret = posted
    receiver.status = status
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (state, f"HTTP {status}")
    assert len(receiver.posts) == 1  # a redirect is not followed


def test_a_post_that_nobody_takes_for_three_days_is_given_up_visibly(
    posted: tuple[OutboxMessage, str], receiver: Receiver
) -> None:
    message, _secret = posted
    receiver.status = 503
    later(days=4)
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.FAILED, "HTTP 503")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.8", "169.254.169.254", "[::ffff:10.0.0.1]"]
)
def test_a_webhook_reaches_into_no_private_network(
    posted: tuple[OutboxMessage, str], receiver: Receiver, settings: Settings, host: str
) -> None:
    message, secret = posted
    settings.WEBHOOK_NETWORKS = []
    assert message.channel is not None
    user = User.objects.first()
    assert user is not None
    channels.save(message.channel, user, {"url": f"http://{host}:{receiver.port}/", "secret": secret})
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.FAILED and "private network" in message.answer
    assert receiver.posts == []


def test_a_name_is_looked_at_when_the_connection_is_made(
    posted: tuple[OutboxMessage, str], receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, secret = posted
    settings.WEBHOOK_NETWORKS = []
    asked = []

    def rebind(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) > 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr("opsboard.alerts.guard.socket.getaddrinfo", rebind)
    user = User.objects.first()
    assert message.channel is not None and user is not None
    channels.save(message.channel, user, {"url": "http://rebind.example.com/", "secret": secret})
    outbox.deliver(message.pk)
    assert asked == ["rebind.example.com"] and receiver.posts == []


@pytest.mark.parametrize(
    ("kind", "address", "plugin"),
    [
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d", "feishu.NotifyFeishu"),
        ("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=0a1b2c3d4e", "dingtalk.NotifyDingTalk"),
        (
            "wecom",
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=12345678-1234-1234-1234-123456789012",
            "wecombot.NotifyWeComBot",
        ),
        (
            "slack",
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "slack.NotifySlack",
        ),
    ],
)
def test_chats_are_told_in_their_own_way(
    acos: Acos, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, kind: str, address: str, plugin: str
) -> None:
    user, (scope,) = make_seller(("US",))
    assert channels.fault(kind, address) == ""
    assert channels.fault(kind, "https://example.com/hook") == "not_theirs"
    channel = Channel(organisation=scope.account.organisation, name="Ops group", kind=kind)
    channels.save(channel, user, {"url": address, "secret": ""})
    rules.save(rules.default_of(scope.account.organisation_id), user, ([], [channel]))
    here = f"http://127.0.0.1:{receiver.port}"
    for name in ("notify_url", "webhook_url"):
        monkeypatch.setattr(f"apprise.plugins.{plugin}.{name}", here, raising=False)
    receiver.answer = b"ok" if kind == "slack" else b'{"code": 0, "errcode": 0, "msg": "success"}'
    acos(scope, 40)

    message = OutboxMessage.objects.get(channel=channel)
    outbox.deliver(message.pk)

    message.refresh_from_db()
    assert message.state == State.SENT, message.answer
    assert receiver.posts and b"ACoS 40.0" in receiver.posts[0][1].replace(b"\\u202f", b" ")


def test_a_channels_address_is_sealed_shown_to_nobody_and_sealed_anew_with_a_new_key(
    receiver: Receiver, settings: Settings, hints: object
) -> None:
    owner, (scope,) = make_seller(("US",))
    client = Client()
    client.force_login(owner)
    address = f"/settings/delivery/channels/new/{scope.account.organisation_id}/webhook/"
    fields = {"name": "Bus", "url": "https://hooks.example.com/very-secret", "language": "en", "enabled": "on"}
    assert client.post(address, fields | {"url": "http://plain.example.com/"}).status_code == 422
    shown = client.post(address, fields).content.decode()
    secret = re.search(r"whsec_[\w+/=]+", shown)
    channel = Channel.objects.get()

    assert secret and b"very-secret" not in bytes(channel.sealed)
    page = client.get(f"/settings/delivery/channels/{channel.pk}/").content.decode()
    assert "very-secret" not in page and secret[0] not in page
    assert not AuditEvent.objects.filter(after__icontains="very-secret").exists()
    assert (
        client.post(f"/settings/delivery/channels/{channel.pk}/", {"name": "Bus 2", "language": "en"}).status_code
        == 302
    )
    old = settings.SEAL_KEYS
    settings.SEAL_KEYS = f"{sealing.new_key()}x,{old}".replace("x,", ",")
    assert sealing.rotate() == 1 and sealing.problems() == []
    settings.SEAL_KEYS = settings.SEAL_KEYS.split(",")[0]
    channel.refresh_from_db()
    opened = sealing.unseal(channel.sealed, channel.key_id, *channel.bound)
    assert opened == {"url": fields["url"], "secret": secret[0]}


def test_send_test_arrives_and_the_log_tells_the_servers_words(
    receiver: Receiver, postbox: Postbox, hints: object
) -> None:
    owner, (scope,) = make_seller(("US",))
    viewer = make_user(scope.account.organisation, Role.VIEWER)
    channel, _secret = hook(scope, owner, f"http://127.0.0.1:{receiver.port}/hook")
    Membership.objects.update(mail_alerts=False)
    client = Client()
    client.force_login(owner)
    client.post(f"/settings/delivery/test/{scope.account.organisation_id}/")
    client.post(f"/settings/delivery/channels/{channel.pk}/test/")

    send_due()

    (sent,) = postbox.mails
    assert sent["Subject"] == "A test from opsboard" and sent["To"] == owner.email
    assert json.loads(receiver.posts[0][1])["type"] == "alert.test"
    log = client.get("/settings/delivery/log/").content.decode()
    for words in ("queued as 4XyZ", "HTTP 200", "Our bus", owner.email):
        assert words in log
    client.force_login(viewer)
    assert owner.email not in client.get("/settings/delivery/log/").content.decode()
    assert client.post(f"/settings/delivery/channels/{channel.pk}/test/").status_code == 403


def test_a_person_says_when_mails_may_come(hints: object, db: None) -> None:
    user, (scope,) = make_seller(("US",))
    client = Client()
    client.force_login(user)
    address = f"/settings/delivery/hours/{scope.account.organisation_id}/"
    fields = {"mode": "instant", "digest_at": "08:00", "quiet_from": "22:00", "quiet_to": "07:00"}
    assert "Los Angeles" in client.get(address).content.decode()
    assert client.post(address, fields | {"time_zone": "Asia/Shanghai"}).status_code == 302
    kept = Route.objects.get()
    assert (kept.quiet_from, kept.time_zone, kept.member.user) == (time(22), "Asia/Shanghai", user)
    assert "22:00–07:00" in client.get("/settings/delivery/").content.decode()
    for wrong in (
        {"time_zone": "Mars/Base"},
        {"time_zone": "UTC", "quiet_to": ""},
        {"time_zone": "UTC", "quiet_to": "22:00"},
    ):
        assert client.post(address, fields | wrong).status_code == 422
