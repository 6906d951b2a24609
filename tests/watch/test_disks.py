"""A disk that is nearly full is one mail to the owners while it lasts."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from opsboard.accounts.models import Membership, Organisation, Role, User
from opsboard.alerts import outbox
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds import dispatch
from opsboard.watch import disks
from opsboard.watch.ears import Ears
from opsboard.watch.models import Heartbeat, Trouble
from tests.alerts.postbox import Postbox, running
from tests.factories import make_org, make_user

from .conftest import lived

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(settings: Settings, tmp_path: Path) -> User:
    settings.DOCUMENT_DIR, settings.OPSBOARD_HINTS = tmp_path, False
    organisation = make_org()
    make_user(organisation, Role.MANAGER)
    make_user(organisation, Role.VIEWER)
    return make_user(organisation)


def looks(settings: Settings, **border: int) -> None:
    """A worker looks at its machine as it does every half minute, with these borders in megabytes."""
    settings.DISK_WARN_MB, settings.DISK_FAIL_MB = border.get("warn", 0), border.get("fail", 0)
    saw = Ears()._look_around()
    Heartbeat.objects.filter(kind="worker").delete()
    lived("worker", name="shelf-2:4711", saw=saw)


def free(path: Path) -> int:
    return shutil.disk_usage(path).free // 2**20


def test_a_disk_that_fills_up_is_one_mail_to_the_owner_that_says_how_much_is_left_and_where(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    much = free(tmp_path) * 2
    looks(settings, warn=much, fail=much)

    dispatch.tick()
    dispatch.tick()

    message = OutboxMessage.objects.get(subject__contains="Disk of the documents")
    assert (message.recipient, message.purpose, message.urgent) == (owner, "machine", True)
    box = Postbox()
    with running(box):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        outbox.deliver(message.pk)
    (letter,) = box.mails
    for part in letter.get_payload():
        text = " ".join(part.get_payload(decode=True).decode().split())
        assert "is full" in text and "MB are left" in text and "shelf-2" in text
        assert "Free some space or enlarge the disk" in text and "/settings/system/" in text


def mails() -> int:
    return OutboxMessage.objects.filter(dedupe_key__startswith="machine:", subject__contains="documents").count()


def test_a_disk_that_swings_around_the_border_is_told_once_and_anew_after_it_had_room(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    much = free(tmp_path) * 2
    for _ in range(3):
        looks(settings, warn=much, fail=much)
        disks.tell()
        looks(settings, warn=much)  # a little room, not enough
        disks.tell()
    assert mails() == 1 and Trouble.objects.get(what="document_disk").over_at is None

    Heartbeat.objects.all().delete()  # nobody looks: nobody knows that it is over
    disks.tell()
    assert Trouble.objects.get(what="document_disk").over_at is None
    looks(settings)
    assert disks.tell() == 0
    assert Trouble.objects.get(what="document_disk").over_at is not None

    looks(settings, warn=much, fail=much)
    disks.tell()
    assert mails() == 2


def test_two_dispatchers_tell_once_and_an_owner_of_two_organisations_reads_it_once(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    Membership.objects.create(user=owner, organisation=make_org(), role=Role.OWNER)
    other = make_user(make_org())
    much = free(tmp_path) * 2
    looks(settings, warn=much, fail=much)

    def tell(_number: int) -> Any:
        try:
            return disks.tell()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as dispatchers:
        list(dispatchers.map(tell, range(8)))

    told = OutboxMessage.objects.filter(subject__contains="documents")
    assert sorted(told.values_list("recipient", flat=True)) == sorted([owner.pk, other.pk])
    assert Organisation.objects.count() == 3


def test_in_the_owners_language_and_not_to_who_turned_mails_off(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    deaf = make_user(Organisation.objects.get())
    Membership.objects.filter(user=deaf).update(mail_alerts=False)
    User.objects.filter(pk=owner.pk).update(language="zh-hans")
    much = free(tmp_path) * 2
    looks(settings, warn=much, fail=much)
    disks.tell()
    message = OutboxMessage.objects.get(dedupe_key__startswith="machine:", text__contains="文件磁盘")
    assert message.recipient == owner
