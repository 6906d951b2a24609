"""Uploads by hand: many at once, each said what it is before anything changes, one bad one stopping no other."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from ads.models import CampaignDay
from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.feeds import batches, dispatch, leases, waiting_room
from opsboard.feeds.models import Document, Ingest, RememberedAnswer, UploadBatch, UploadItem
from tests.factories import make_seller, make_user

pytestmark = pytest.mark.django_db
HEADER = "Date,Campaign Name,Impressions,Clicks,Spend,7 Day Total Sales,7 Day Total Orders (#)\n"
CSV = f"{HEADER}2026-11-20,Kitchen,100,5,3.20,20.00,1\n".encode()
#: Nobody can tell from it whether the day or the month comes first, in a marketplace that knows both.
OPEN = f"{HEADER}03/04/2026,Kitchen,100,5,3.20,20.00,1\n".encode()
UNKNOWN = b"a,b\n1,2\n"

State = UploadItem.State


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.DOCUMENT_DIR = tmp_path / "documents"
    settings.OPSBOARD_HINTS = False


class Uploader:
    """A person at the upload page, and the worker behind it."""

    def __init__(self, user: User, scope: AccountMarketplace) -> None:
        self.user, self.scope = user, scope
        self.client = Client()
        self.client.force_login(user)

    def send(self, *files: tuple[str, bytes], **said: Any) -> UploadBatch:
        answer = self.client.post(
            "/data/upload/",
            {"account": self.scope.pk, "file": [SimpleUploadedFile(name, content) for name, content in files], **said},
        )
        assert answer.status_code == 302, answer.content
        batch = UploadBatch.objects.get(pk=int(answer["Location"].strip("/").split("/")[-1]))
        self.work()
        return batch

    def work(self) -> None:
        while batches.work_one() or dispatch._ingest_one():
            pass

    def states(self, batch: UploadBatch) -> dict[str, str]:
        return dict(batch.items.values_list("file_name", "state"))

    def page(self, batch: UploadBatch, item: UploadItem | None = None) -> str:
        answer = self.client.get(f"/data/upload/{batch.pk}/" + (f"{item.pk}/" if item else ""))
        assert answer.status_code == 200, answer
        return answer.content.decode()

    def say(self, batch: UploadBatch, item: UploadItem | None = None, **said: Any) -> None:
        answer = self.client.post(f"/data/upload/{batch.pk}/" + (f"{item.pk}/" if item else ""), said)
        assert answer.status_code == 302
        self.work()


@pytest.fixture
def uploader() -> Uploader:
    user, (scope,) = make_seller(("CA",))
    return Uploader(user, scope)


def make_zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_three_files_one_ready_one_asks_and_one_is_refused(uploader: Uploader) -> None:
    batch = uploader.send(("ads.csv", CSV), ("open.csv", OPEN), ("strange.csv", UNKNOWN))

    assert uploader.states(batch) == {
        "ads.csv": State.READY,
        "open.csv": State.QUESTION,
        "strange.csv": State.REFUSED,
    }
    assert not Document.objects.exists() and not CampaignDay.objects.exists()
    page = uploader.page(batch)
    assert "3 files: 1 ready, 1 with a question, 1 refused" in page
    assert "a, b" in page  # which columns it has, in the sentence

    uploader.say(batch, act="keep")

    assert uploader.states(batch)["ads.csv"] == State.DONE
    document = Document.objects.get()
    assert f"/data/document/{document.pk}/" in uploader.page(batch)
    assert document.ingests.get().state == Ingest.State.APPLIED
    assert CampaignDay.objects.get().spend_minor == 320


def test_an_answer_is_asked_once_and_said_the_next_time(uploader: Uploader) -> None:
    batch = uploader.send(("open.csv", OPEN))
    item = batch.items.get()
    assert "can be two days" in uploader.page(batch, item)

    uploader.say(batch, item, date_order="mdy", remember="1", act="look")
    item.refresh_from_db()
    assert (item.state, item.preview["first_day"]) == (State.READY, "2026-03-04")

    later = uploader.send(("next.csv", OPEN.replace(b"03/04", b"05/06")))
    item = later.items.get()
    assert (item.state, item.preview["first_day"]) == (State.READY, "2026-05-06")
    page = uploader.page(later, item)
    assert "the month before the day, as answered" in page and "?change=date_order" in page

    uploader.say(later, item, date_order="dmy", remember="1", act="look")
    item.refresh_from_db()
    assert item.preview["first_day"] == "2026-06-05"
    assert RememberedAnswer.objects.get().answers == {"date_order": "dmy"}


def test_an_answer_settles_the_same_question_of_the_other_files(uploader: Uploader) -> None:
    batch = uploader.send(("one.csv", OPEN), ("two.csv", OPEN.replace(b"03/04", b"07/08")))
    assert set(uploader.states(batch).values()) == {State.QUESTION}

    uploader.say(batch, batch.items.order_by("pk")[0], date_order="dmy", remember="1", act="look")

    assert set(uploader.states(batch).values()) == {State.READY}


def test_a_file_that_proves_otherwise_is_read_as_it_proves(uploader: Uploader) -> None:
    batch = uploader.send(("open.csv", OPEN))
    uploader.say(batch, batch.items.get(), date_order="dmy", remember="1", act="look")

    later = uploader.send(("sure.csv", OPEN.replace(b"03/04", b"05/26")))

    item = later.items.get()
    assert (item.state, item.preview["first_day"]) == (State.READY, "2026-05-26")
    assert "This file proves otherwise" in uploader.page(later, item)


def test_a_remembered_answer_that_does_not_fit_is_asked_for_again(uploader: Uploader) -> None:
    batch = uploader.send(("open.csv", OPEN))
    uploader.say(batch, batch.items.get(), date_order="dmy", remember="1", act="look")
    today = uploader.scope.marketplace.today()
    ahead = today.replace(year=today.year + 1, month=3, day=2)  # in the future both ways: no answer helps

    later = uploader.send(("ahead.csv", OPEN.replace(b"03/04/2026", f"{ahead:%d/%m/%Y}".encode())))

    assert later.items.get().state in {State.QUESTION, State.REFUSED}
    assert not Document.objects.exists()


def test_a_day_is_never_remembered(uploader: Uploader) -> None:
    by_asin = (
        b"(Parent) ASIN,(Child) ASIN,Title,Sessions - Total,Page Views - Total,Featured Offer (Buy Box) Percentage,"
        b"Units Ordered,Unit Session Percentage,Ordered Product Sales,Total Order Items\n"
        b"B00MUG0000,B00MUG0001,Mug,10,12,90.00%,1,10.00%,$9.99,1\n"
    )
    batch = uploader.send(("by-asin.csv", by_asin))
    assert batch.items.get().question["needs"] == "day"
    uploader.say(batch, batch.items.get(), day="2026-11-20", remember="1", act="look")
    assert batch.items.get().state == State.READY

    assert uploader.send(("by-asin.csv", by_asin)).items.get().state == State.QUESTION
    assert not RememberedAnswer.objects.exists()


def test_an_answer_can_be_forgotten(uploader: Uploader) -> None:
    batch = uploader.send(("open.csv", OPEN))
    uploader.say(batch, batch.items.get(), date_order="dmy", remember="1", act="look")
    kept = RememberedAnswer.objects.get()
    assert f"/data/upload/answers/{kept.pk}/forget/" in uploader.client.get("/data/upload/").content.decode()

    assert uploader.client.post(f"/data/upload/answers/{kept.pk}/forget/").status_code == 302

    assert uploader.send(("open.csv", OPEN)).items.get().state == State.QUESTION


def test_a_zip_of_several_files_becomes_several_files(uploader: Uploader) -> None:
    packed = make_zip(
        {
            "ads.csv": CSV,
            "folder/again.csv": CSV.replace(b"11-20", b"11-19"),
            "__MACOSX/._ads.csv": b"litter",
            "inner.zip": make_zip({"a.csv": CSV, "b.csv": CSV}),
            "strange.csv": UNKNOWN,
        }
    )

    batch = uploader.send(("month.zip", packed))

    assert uploader.states(batch) == {
        "month.zip": State.UNPACKED,
        "ads.csv": State.READY,
        "again.csv": State.READY,
        "inner.zip": State.REFUSED,
        "strange.csv": State.REFUSED,
    }
    assert "packed twice" in batch.items.get(file_name="inner.zip").reason
    uploader.say(batch, act="keep")
    assert CampaignDay.objects.count() == 2


def test_a_name_in_a_zip_never_becomes_a_path(uploader: Uploader, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../escaped.csv", CSV)
        archive.writestr("..\\..\\windows.csv", CSV)
        archive.writestr("/etc/absolute.csv", CSV)

    batch = uploader.send(("slip.zip", out.getvalue()))

    assert set(uploader.states(batch)) == {"slip.zip", "escaped.csv", "windows.csv", "absolute.csv"}
    assert all(path.parent == tmp_path / "uploads" for path in tmp_path.rglob("*") if path.is_file())
    assert not list(tmp_path.rglob("*.csv"))


def test_a_bomb_among_good_files_is_refused_alone(uploader: Uploader) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ads.csv", CSV)
        archive.writestr("bomb.csv", b"0" * (80 << 20))

    batch = uploader.send(("mixed.zip", out.getvalue()))

    assert uploader.states(batch)["ads.csv"] == State.READY
    assert uploader.states(batch)["bomb.csv"] == State.REFUSED
    assert sum(path.stat().st_size for path in waiting_room._folder().iterdir()) < 1 << 20


def test_the_preview_says_what_would_change_and_writes_nothing(uploader: Uploader) -> None:
    first = uploader.send(("first.csv", CSV))
    uploader.say(first, act="keep")
    held = Document.objects.get()
    second = uploader.send(("second.csv", CSV.replace(b"3.20", b"4.00") + b"2026-11-21,Garden,1,1,1.00,,0\n"))

    page = uploader.page(second, second.items.get())

    (change,) = second.items.get().preview["datasets"]
    assert (change["new_days"], change["replaced_days"], change["new"], change["changed"]) == (1, 1, 1, 1)
    assert "What would change" in page and "$4.00" in page and "Fri 20 Nov 2026" in page
    assert f"/data/document/{held.pk}/" in page
    assert CampaignDay.objects.get().spend_minor == 320 and Document.objects.count() == 1


def test_files_sent_one_by_one_make_one_batch(uploader: Uploader) -> None:
    def post(name: str, **more: Any) -> Any:
        return uploader.client.post(
            "/data/upload/",
            {"account": uploader.scope.pk, "file": SimpleUploadedFile(name, CSV), **more},
            headers={"Accept": "application/json"},
        )

    batch = post("a.csv").json()["batch"]
    assert post("b.csv", batch=batch).json()["batch"] == batch
    assert UploadItem.objects.filter(batch=batch).count() == 2
    assert post("c.csv", batch=batch + 999).status_code == 404


def test_what_nobody_comes_back_for_is_gone_after_an_hour(uploader: Uploader) -> None:
    batch = uploader.send(("ads.csv", CSV))
    item = batch.items.get()
    UploadItem.objects.update(shown_at=timezone.now() - timedelta(hours=2))
    path = waiting_room.find(item.held)
    assert path is not None
    os.utime(path, (0, 0))

    batches.sweep(every_seconds=0)

    assert uploader.states(batch) == {"ads.csv": State.GONE}
    assert not path.exists()


def test_a_file_that_is_being_looked_at_survives_its_worker(uploader: Uploader) -> None:
    batch = uploader.send(("ads.csv", CSV))
    uploader.say(batch, act="keep")
    batch = uploader.send(("again.csv", CSV.replace(b"3.20", b"5.00")))
    batches.want(batch.items.get())
    assert leases.claim(UploadItem, batch.items.get().pk, seconds=0.0) is not None  # and its worker dies

    uploader.work()

    assert uploader.states(batch) == {"again.csv": State.DONE}
    assert CampaignDay.objects.get().spend_minor == 500
    assert Document.objects.count() == 2


def test_left_out_files_are_forgotten(uploader: Uploader) -> None:
    batch = uploader.send(("ads.csv", CSV), ("open.csv", OPEN))
    uploader.say(batch, act="drop")

    assert set(uploader.states(batch).values()) == {State.DROPPED}
    assert not list(waiting_room._folder().iterdir())


def test_another_organisations_batch_does_not_exist(uploader: Uploader) -> None:
    batch = uploader.send(("ads.csv", CSV))
    item = batch.items.get()
    stranger, (theirs,) = make_seller()
    other = Uploader(stranger, theirs)

    for path in (f"/data/upload/{batch.pk}/", f"/data/upload/{batch.pk}/{item.pk}/"):
        assert other.client.get(path).status_code == 404
        assert other.client.post(path, {"act": "keep"}).status_code == 404
    sent = {"account": theirs.pk, "file": SimpleUploadedFile("x.csv", CSV), "batch": batch.pk}
    assert other.client.post("/data/upload/", sent).status_code == 404
    assert uploader.states(batch) == {"ads.csv": State.READY}


def test_viewers_do_not_upload_and_strangers_scopes_do_not_exist(uploader: Uploader) -> None:
    batch = uploader.send(("ads.csv", CSV))
    _other, (theirs,) = make_seller()
    viewer = make_user(uploader.scope.account.organisation, Role.VIEWER)
    client = Client()
    client.force_login(viewer)

    assert client.get("/data/upload/").status_code == 403
    assert client.get(f"/data/upload/{batch.pk}/").status_code == 403
    assert client.post(f"/data/upload/{batch.pk}/", {"act": "keep"}).status_code == 403
    assert uploader.client.post("/data/upload/", {"account": theirs.pk}).status_code == 404
