"""Faults planted for real, each found by its name with what to do about it."""

from __future__ import annotations

import base64
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds.models import DirtyDay, Fetch
from opsboard.watch import registry
from opsboard.watch.registry import Finding, Sight, Status
from tests.accounts.mailserver import mail_server
from tests.alerts.postbox import free_port
from tests.amazon.scripted import Says, ScriptedAmazon
from tests.factories import make_account, make_user

from .conftest import Doctor, OwnRedis, all_alive, due_fetch, feed, lived, own_redis

pytestmark = pytest.mark.django_db


def look(key: str, sight: Sight | None = None) -> Finding:
    check = next(check for check in registry.checks() if check.key == key)
    finding = check.run(sight or Sight())
    assert str(check.fix) and str(check.title) and str(check.looks_at) and finding.sentence
    return finding


def status(key: str) -> str:
    return look(key).status.value


# --- the machine ----------------------------------------------------------------------------------


def test_a_database_that_is_away_is_named_and_nothing_else_is_guessed(doctor: Doctor) -> None:
    done = doctor("--json", "--offline", DATABASE_URL="postgresql://opsboard@127.0.0.1:9/opsboard")
    found = json.loads(done.stdout)
    by_name = {one["check"]: one for one in found["checks"]}
    assert done.returncode == 2 and found["status"] == "fail"
    assert by_name["database"]["status"] == "fail" and "DATABASE_URL" in by_name["database"]["fix"]
    assert {by_name[key]["status"] for key in ("migrations", "dispatcher", "worker", "feeds")} == {"unknown"}
    assert by_name["redis"]["status"] == "ok"


def test_a_missing_migration_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'watch'")
    found = look("migrations")
    assert found.status is Status.FAIL and "watch.0001_initial" in str(found.evidence)


def test_a_wrong_seal_key_is_named(settings: Settings) -> None:
    settings.SEAL_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()
    sealing.store(make_account(), "ads", {"client_id": "x"})
    assert status("seal_keys") == "ok"
    settings.SEAL_KEYS = "k1:" + base64.b64encode(b"2" * 32).decode()
    assert status("seal_keys") == "fail"


def test_a_redis_that_was_stopped_is_named(broker: OwnRedis) -> None:
    assert (status("redis"), status("redis_eviction")) == ("ok", "ok")
    broker.stop()
    assert (status("redis"), status("redis_eviction")) == ("fail", "unknown")


def test_a_redis_that_evicts_is_named(broker: OwnRedis) -> None:
    broker.client.config_set("maxmemory", "2mb")
    broker.client.config_set("maxmemory-policy", "allkeys-lru")
    found = look("redis_eviction")
    assert found.status is Status.FAIL and "allkeys-lru" in found.sentence


def test_a_start_on_an_evicting_redis_is_refused_unless_it_is_known(settings: Settings) -> None:
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError

    with own_redis("--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru") as running:
        settings.CELERY_BROKER_URL = running.url
        with pytest.raises(SystemCheckError, match="watch.E001"):
            call_command("check", databases=["default"], fail_level="ERROR")
        with pytest.raises(SystemCheckError, match="watch.E001"):
            call_command("check", deploy=True, tags=["broker"], fail_level="ERROR")
        settings.ALLOW_EVICTING_REDIS = True
        call_command("check", databases=["default"], fail_level="ERROR")
        assert status("redis_eviction") == "warn"


def test_a_disk_that_runs_full_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path / "not" / "made" / "yet"
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize // 2**20
    settings.DISK_WARN_MB, settings.DISK_FAIL_MB = max(1, free // 2), 0
    assert status("document_disk") == "ok"
    settings.DISK_WARN_MB = free * 2
    assert status("document_disk") == "warn"
    settings.DISK_FAIL_MB = free * 2
    assert status("document_disk") == "fail" and "MB" in look("document_disk").sentence
    assert status("database_disk") in {"fail", "ok"}


def test_documents_that_cannot_be_written_are_named(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    assert status("documents_writable") == "ok" and not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("in the way")
    settings.DOCUMENT_DIR = tmp_path / "file"
    assert status("documents_writable") == "fail"


def test_a_clock_an_hour_ahead_is_named_whoever_has_it() -> None:
    all_alive()
    assert status("clocks") == "ok"
    lived("worker", name="other-host:1", ahead=3600.0)
    found = look("clocks")
    assert found.status is Status.FAIL and found.evidence["who"] == "worker other-host:1"
    lived("worker", name="other-host:1", ahead=0.0)
    with time_machine.travel(timezone.now() + timedelta(seconds=20)):  # the database's clock stays
        found = look("clocks")
    assert found.status is Status.WARN and found.evidence["who"] == "here"


def test_what_was_left_behind_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    (tmp_path / "ab").mkdir()
    part = tmp_path / "ab" / ".part-x"
    part.write_text("half")
    assert status("leftovers") == "ok"  # somebody may be writing it
    os.utime(part, (time.time() - 2 * 86400,) * 2)
    assert status("leftovers") == "warn"
    part.unlink()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE listings_salesday_y1999m01 (x int)")
    assert "listings_salesday_y1999m01" in str(look("leftovers").evidence)


# --- the work -------------------------------------------------------------------------------------


def test_a_dispatcher_that_died_is_named() -> None:
    assert status("dispatcher") == "unknown"
    lived("clock")
    assert status("dispatcher") == "ok"
    lived("clock", seen=6 * 3600)
    found = look("dispatcher")
    assert found.status is Status.FAIL and "6 hours ago" in found.sentence


def test_a_dispatcher_that_never_ran_is_named_once_reports_are_due(scope: AccountMarketplace) -> None:
    feed(scope, next_due=timezone.now() - timedelta(hours=1))
    assert (status("dispatcher"), status("planning")) == ("fail", "fail")


def test_planning_that_stopped_is_named_although_all_processes_run() -> None:
    all_alive()
    assert status("planning") == "ok"
    lived("tick", seen=600)
    assert status("planning") == "fail"


def test_processes_that_cannot_reach_redis_say_so() -> None:
    assert status("broker") == "unknown"
    all_alive()
    assert status("broker") == "ok"
    lived("clock", worked=300)  # up, and sends nothing
    assert status("broker") == "fail"
    lived("clock")
    lived("worker", saw={"redis": {"status": "fail"}})
    assert status("broker") == "fail"


def test_a_missing_worker_is_named(scope: AccountMarketplace) -> None:
    assert status("worker") == "unknown"
    due_fetch(scope, 300)
    assert status("worker") == "fail"
    lived("worker")
    assert status("worker") == "ok"
    lived("worker", left_at=timezone.now())
    assert status("worker") == "warn"  # just stopped: a restart is no fault
    lived("worker", seen=300, left_at=timezone.now())
    assert status("worker") == "fail"


def test_a_deaf_worker_is_named_and_an_idle_or_busy_one_is_not(scope: AccountMarketplace) -> None:
    all_alive()
    lived("worker", worked=200)
    assert status("deaf") == "ok"  # nothing is due
    due_fetch(scope, 200)
    assert status("deaf") == "fail"
    lived("worker", worked=200, busy=2)
    assert status("deaf") == "ok"
    lived("worker", worked=200, busy=0)
    lived("clock", worked=200)  # nobody sends: not the worker's fault
    assert status("deaf") == "ok"


def test_a_queue_that_grows_old_is_named_and_history_is_not(scope: AccountMarketplace) -> None:
    due_fetch(scope, 86400, kind="backfill", priority=20)
    assert status("queue") == "ok"
    row = due_fetch(scope, 20 * 60)
    assert status("queue") == "warn"
    Fetch.objects.filter(pk=row.pk).update(not_before=timezone.now() - timedelta(hours=2))
    assert status("queue") == "fail"
    Fetch.objects.filter(pk=row.pk).update(lease_until=timezone.now() + timedelta(minutes=1))
    assert status("queue") == "ok"  # somebody is at it


def test_days_that_nobody_judges_are_named(scope: AccountMarketplace) -> None:
    assert status("judging") == "ok"
    DirtyDay.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        dataset="listings",
        date=timezone.now().date(),
        marked_at=timezone.now() - timedelta(minutes=20),
    )
    assert status("judging") == "warn"
    DirtyDay.objects.update(marked_at=timezone.now() - timedelta(hours=2))
    assert status("judging") == "fail"


# --- the shop -------------------------------------------------------------------------------------


def test_a_revoked_token_is_named_with_its_account(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.on("POST", "/auth/o2/token", Says({"error": "invalid_grant"}, status=400))
    found = look("credentials")
    assert found.status is Status.FAIL and scope.account.name in str(found.evidence)


def test_a_feed_that_is_behind_is_named(scope: AccountMarketplace) -> None:
    feed(scope, "listings", hours=2)
    assert status("feeds") == "ok"
    feed(scope, "performance", hours=24 * 30)
    found = look("feeds")
    assert found.status is Status.FAIL and "performance" in str(found.evidence)


def test_a_failing_feed_says_why(scope: AccountMarketplace) -> None:
    feed(scope, last_error="Amazon refused the credentials.")
    assert "Amazon refused" in str(look("feed_failures").evidence)


def test_work_that_was_set_aside_is_named(scope: AccountMarketplace) -> None:
    assert status("set_aside") == "ok"
    due_fetch(scope, 60, state="quarantined", finished_at=timezone.now())
    assert look("set_aside").evidence["fetches"] == 1


def letter(scope: AccountMarketplace, minutes: float, **fields: Any) -> OutboxMessage:
    values = {"dedupe_key": f"k{time.time_ns()}", "address": "a@example.com", "subject": "s", "message_id": "<m>"}
    return OutboxMessage.objects.create(
        organisation=scope.account.organisation,
        recipient=make_user(scope.account.organisation),
        due_at=timezone.now() - timedelta(minutes=minutes),
        **{**values, **fields},
    )


def test_a_mail_that_waits_is_named_with_what_the_server_said(scope: AccountMarketplace) -> None:
    assert status("outbox") == "ok"
    letter(scope, -300)  # it waits for somebody's morning
    letter(scope, 1)
    assert status("outbox") == "ok"
    letter(scope, 20)
    assert status("outbox") == "warn"
    letter(scope, 90, answer="451 try later")
    assert look("outbox").status is Status.FAIL and "451" in str(look("outbox").evidence)


def test_a_mail_that_was_given_up_is_named(scope: AccountMarketplace) -> None:
    letter(scope, 5, state="failed", finished_at=timezone.now(), tries=1, answer="550 no such user")
    assert look("mails_refused").status is Status.WARN and "550" in str(look("mails_refused").evidence)


def test_a_mail_server_that_is_away_is_told_from_one_that_refuses_the_sign_in(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert "reached" in look("mail_server").sentence

    with mail_server() as (inbox, port):
        settings.EMAIL_PORT = port
        assert status("mail_server") == "ok" and not inbox.mails

    refusing = Controller(
        object(),
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=lambda *_: AuthResult(success=False, handled=False, message="535 5.7.8 wrong password"),
        auth_require_tls=False,
    )
    refusing.start()
    try:
        settings.EMAIL_PORT = refusing.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "me", "hunter2"
        found = look("mail_server")
    finally:
        refusing.stop()
    assert found.status is Status.FAIL and "sign-in" in found.sentence and "535" in str(found.evidence)
    assert "hunter2" not in str(found)


def test_a_check_that_breaks_says_that_it_cannot_tell() -> None:
    def broken(_sight: Sight) -> Finding:
        raise RuntimeError("boom")

    check = registry.Check("broken", "t", "l", "f", broken)  # type: ignore[arg-type]
    assert check.run(Sight()).status is Status.UNKNOWN


# --- the command ----------------------------------------------------------------------------------


def test_the_doctor_says_what_is_wrong_with_the_fix_and_an_exit_code(
    scope: AccountMarketplace, broker: OwnRedis, capsys: pytest.CaptureFixture[str], settings: Settings, tmp_path: Path
) -> None:
    from django.core.management import call_command

    settings.DISK_WARN_MB = settings.DISK_FAIL_MB = 0
    settings.DOCUMENT_DIR = tmp_path
    all_alive()
    call_command("doctor", "--offline")
    assert "0 wrong, 0 to look at" in capsys.readouterr().out

    feed(scope, last_error="Amazon refused the credentials.")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--offline")
    assert ended.value.code == 1 and "warn  feed_failures" in capsys.readouterr().out

    broker.stop()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--offline")
    shown = capsys.readouterr().out
    assert ended.value.code == 2 and shown.startswith("FAIL  redis") and "-> Start Redis" in shown
