"""Many report files from a terminal: a line for each, a bad one stops no other, and the exit code tells."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from ads.models import CampaignDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import memory, upload
from opsboard.feeds.errors import Ambiguous
from opsboard.feeds.models import Document
from tests.factories import make_scope, make_user

pytestmark = pytest.mark.django_db

HEADER = "Date,Campaign Name,Impressions,Clicks,Spend,7 Day Total Sales,7 Day Total Orders (#)\n"
GOOD = f"{HEADER}2026-07-10,Kitchen,100,5,3.20,20.00,1\n"
OTHER = f"{HEADER}2026-07-11,Kitchen,100,5,3.20,20.00,1\n"
OPEN = f"{HEADER}03/04/2026,Kitchen,100,5,3.20,20.00,1\n"
BAD = "a,b\n1,2\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scope(settings: Settings, tmp_path: Path) -> AccountMarketplace:
    settings.DOCUMENT_DIR = tmp_path / "kept"
    settings.OPSBOARD_HINTS = False
    return make_scope(marketplace="CA")


@pytest.fixture
def run(scope: AccountMarketplace) -> Run:
    def imported(*arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        where = ["--account", str(scope.account_id), "--marketplace", scope.marketplace.code]
        try:
            call_command("import_report", *arguments, *where, stdout=out, stderr=err)
        except SystemExit as stop:
            return int(str(stop.code)), out.getvalue(), err.getvalue()
        return 0, out.getvalue(), err.getvalue()

    return imported


def write(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return [str(folder / f"{name}.csv") for name in files]


def test_a_line_a_file_and_one_bad_file_stops_no_other(run: Run, tmp_path: Path) -> None:
    code, out, err = run(*write(tmp_path, one=GOOD, bad=BAD, two=OTHER))

    assert code == 2
    first, second, summary = out.splitlines()
    assert first.startswith("one.csv: ") and "2026-07-10" in first and "1 changed" in first
    assert second.startswith("two.csv: ")
    assert summary == "2 read, 1 refused"
    assert err.startswith("bad.csv: None of the reports opsboard knows has these columns")
    assert CampaignDay.objects.count() == 2


def test_all_good_is_exit_code_zero(run: Run, tmp_path: Path) -> None:
    code, _out, err = run(*write(tmp_path, one=GOOD, two=OTHER))

    assert (code, err) == (0, "")


def test_a_zip_of_several_files_is_read_file_by_file(run: Run, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.csv", GOOD)
        archive.writestr("y.csv", OTHER)
    with zipfile.ZipFile(tmp_path / "month.zip", "w") as archive:
        archive.writestr("july/one.csv", GOOD)
        archive.writestr("../two.csv", OTHER)
        archive.writestr("__MACOSX/._one.csv", "litter")
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("disguised.csv", inner.getvalue())

    code, out, err = run(str(tmp_path / "month.zip"))

    assert code == 2
    assert [line.partition(":")[0] for line in out.splitlines()] == ["one.csv", "two.csv", "2 read, 2 refused"]
    assert "inner.zip: It is packed twice" in err and "disguised.csv: It is packed twice" in err
    assert CampaignDay.objects.count() == 2
    assert {document.file_name for document in Document.objects.all()} == {"one.csv", "two.csv"}


def test_json_is_an_object_a_line_refusals_among_them(run: Run, tmp_path: Path) -> None:
    code, out, _err = run(*write(tmp_path, one=GOOD, bad=BAD), "--json")

    one, bad = map(json.loads, out.splitlines())
    assert (code, one["state"], bad["state"]) == (2, "applied", "refused")
    assert "columns" in bad["note"]


def test_a_dry_run_of_many_keeps_none(run: Run, tmp_path: Path) -> None:
    code, out, _err = run(*write(tmp_path, one=GOOD, two=OTHER), "--dry-run")

    assert code == 0 and out.count("Dry run") == 2
    assert not Document.objects.exists() and not CampaignDay.objects.exists()


def test_what_was_answered_in_the_browser_holds_here_and_is_said(
    run: Run, scope: AccountMarketplace, tmp_path: Path
) -> None:
    (path,) = write(tmp_path, open=OPEN)
    assert run(path)[0] == 2
    with pytest.raises(Ambiguous) as asked:
        upload.look(Path(path), account=scope.account, marketplace=scope.marketplace)
    question = asked.value
    memory.remember(scope.account, question.spec, question.fingerprint, {"date_order": "mdy"}, make_user())

    code, out, _err = run(path)

    assert code == 0
    assert "Read with “mdy”, as answered on" in out
    assert str(CampaignDay.objects.get().date) == "2026-03-04"
