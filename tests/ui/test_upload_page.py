"""An upload by hand: said what it is before anything changes, one's own file only, refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts.models import Role
from opsboard.feeds import waiting_room
from opsboard.feeds.models import Document
from tests.factories import make_seller, make_user

pytestmark = pytest.mark.django_db
CSV = (
    b"Date,Campaign Name,Impressions,Clicks,Spend,7 Day Total Sales,7 Day Total Orders (#)\n"
    b"2026-11-20,Kitchen,100,5,3.20,20.00,1\n"
)


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.DOCUMENT_DIR = tmp_path / "documents"


def test_looking_at_a_file_changes_nothing() -> None:
    user, (scope,) = make_seller()
    client = Client()
    client.force_login(user)

    answer = client.post("/data/upload/", {"account": scope.pk, "file": SimpleUploadedFile("ads.csv", CSV)})

    assert answer.status_code == 200
    assert answer.context["found"].rows == 1
    assert not Document.objects.exists()


def test_an_unknown_file_is_refused_in_a_sentence() -> None:
    user, (scope,) = make_seller()
    client = Client()
    client.force_login(user)

    answer = client.post("/data/upload/", {"account": scope.pk, "file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")})

    assert answer.status_code == 400
    assert "a, b" in answer.content.decode()


def test_a_waiting_file_is_its_uploaders_only() -> None:
    user, _scopes = make_seller()
    other, _theirs = make_seller()
    ticket = waiting_room.hold(SimpleUploadedFile("ads.csv", CSV), user)

    assert waiting_room.find(ticket, user)[1] == "ads.csv"
    with pytest.raises(waiting_room.Gone):
        waiting_room.find(ticket, other)
    with pytest.raises(waiting_room.Gone):
        waiting_room.find(ticket + "x", user)


def test_viewers_do_not_upload_and_strangers_scopes_do_not_exist() -> None:
    user, (scope,) = make_seller()
    _other, (theirs,) = make_seller()
    viewer = make_user(scope.account.organisation, Role.VIEWER)
    client = Client()

    client.force_login(viewer)
    assert client.get("/data/upload/").status_code == 403
    client.force_login(user)
    assert client.post("/data/upload/", {"account": theirs.pk}).status_code == 404
