"""Files made to hurt: refused in a sentence, whichever way they come in, and in little memory.

Each is tried in a process of its own (tests.hostile.trial). How long it takes is a benchmark's
question; here it is how it ends and what it holds at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from opsboard.feeds import batches
from opsboard.feeds.models import Document, UploadItem
from tests import hostile
from tests.factories import make_marketplaces, make_scope, make_seller
from tests.hostile import EITHER, READ, REFUSED
from tests.hostile.trial import Trials

pytestmark = pytest.mark.django_db
FILES = hostile.every()
#: Above what the process held before. 50 is the promise; allocators differ by a few.
MEGABYTES = 60
#: Wording of exceptions and of the server; none of it is a seller's.
JARGON = ("Traceback", "Error(", "Exception", "panicked", "errno", "codec")


@pytest.fixture(scope="module")
def trials(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trials]:
    """In the tests' own database, which the processes of the trials see: the account is committed."""
    with django_db_blocker.unblock():
        make_marketplaces()
        scope = make_scope()
        account = scope.account
        organisation = account.organisation
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        env = {"DATABASE_URL": url, "OPSBOARD_DATA_DIR": str(tmp_path_factory.mktemp("trials"))}
        with Trials(account.pk, scope.marketplace_id, env) as found:
            yield found
        scope.delete()
        account.delete()
        organisation.delete()


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_a_sentence_and_in_little_memory(
    name: str, trials: Trials, tmp_path: Path
) -> None:
    file = FILES[name]
    path = tmp_path / f"report{file.suffix}"
    file.make(path)
    hostile.warm(path)

    uploaded, fetched = (trials.of(path, way, file.spec) for way in ("upload", "api"))

    for told in (uploaded, fetched):
        assert told["ended"] in {"refused", "read", "asked"}, told
        assert not any(word in told["says"] for word in JARGON), told
        if told["ended"] != "read":
            assert told["mb"] < MEGABYTES, told
            assert told["says"].rstrip().endswith((".", "…", ")")), told
    if file.ends != EITHER:
        assert (uploaded["ended"] == "read") == (file.ends == READ), uploaded
        assert file.says in uploaded["says"]
    if file.ends == REFUSED:
        assert fetched["ended"] != "read", fetched
    path.unlink()


@pytest.mark.parametrize("name", ["zip with a password", "workbook that reads another file", "NUL in the middle"])
def test_the_upload_page_says_why_and_keeps_nothing(name: str, tmp_path: Path, client: Client) -> None:
    user, (scope,) = make_seller()
    client.force_login(user)
    path = tmp_path / f"report{FILES[name].suffix}"
    FILES[name].make(path)

    answer = client.post(
        reverse("feeds:upload"), {"account": scope.pk, "file": SimpleUploadedFile(path.name, path.read_bytes())}
    )

    assert answer.status_code == 302
    while batches.work_one():
        pass
    page = client.get(answer["Location"])
    assert UploadItem.objects.get(batch__account=scope.account).state == UploadItem.State.REFUSED
    assert FILES[name].says in page.content.decode()
    assert not Document.objects.filter(account=scope.account).exists()
