"""The Coverage page as a person and a spreadsheet read it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from opsboard.accounts.models import Role, User
from opsboard.feeds.covering import Calendar
from opsboard.feeds.models import Document
from opsboard.feeds.pipeline import run_ingest
from opsboard.ui.filters import PageState
from tests.factories import make_scope, make_user
from tests.feeds.test_coverage import days_ago, fetch, hand_in
from tests.feeds.test_pipeline import Desk, desk, kept

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, BACKEND)
    return client


@pytest.fixture
def viewer(desk: Desk) -> Client:
    return client_of(make_user(desk.scope.account.organisation, Role.VIEWER))


def text(answer: Any) -> str:
    assert answer.status_code == 200
    content: str = answer.content.decode()
    return content


def test_the_calendar_says_of_each_day_what_it_is_in_words(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    page = text(viewer.get("/data/coverage/", {"months": "3"}))
    missing = days_ago(desk.scope, 11)
    assert f'href="/data/coverage/sp_campaigns/{missing.isoformat()}/' in page
    assert page.count(": missing</span>") == 1 and page.count(": final</span>") == 2
    assert "2 of 3, 1 missing" in page and "Of 3 expected days: 1 missing" in page


def test_a_state_chosen_leaves_the_datasets_that_have_such_days(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    assert "2 of" not in text(viewer.get("/data/coverage/", {"state": "held", "months": "3"}))
    assert "No dataset has such a day" in text(viewer.get("/data/coverage/", {"state": "held"}))
    assert "Sponsored Products" in text(viewer.get("/data/coverage/", {"state": "final", "months": "3"}))
    assert "Sponsored Products" not in text(viewer.get("/data/coverage/", {"room": "inventory", "months": "3"}))


def test_the_day_names_the_document_that_holds_it_and_leads_there(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    day = days_ago(desk.scope, 12)
    page = text(viewer.get(f"/data/coverage/sp_campaigns/{day.isoformat()}/"))
    assert f"/data/document/{Document.objects.get().pk}/" in page and "holds these days" in page
    assert "1 row is stored." in page


def test_a_missing_day_says_why_and_what_to_do(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    day = days_ago(desk.scope, 11)
    fetch(desk.scope, day, day, "failed")
    page = text(viewer.get(f"/data/coverage/sp_campaigns/{day.isoformat()}/"))
    assert "The report could not be fetched." in page and "why failed" in page and "upload the report" in page


def test_a_refused_day_leads_to_the_refused_document(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    day = days_ago(desk.scope, 11)
    ingest = desk.keep(b"[{", window=(day, day), made=datetime.now(UTC))
    run_ingest(ingest.pk)
    page = text(viewer.get(f"/data/coverage/sp_campaigns/{day.isoformat()}/"))
    assert f"/data/document/{ingest.document_id}/" in page and "waits for a person" in page
    assert 'class="chip chip--breach"' in page


def exported(viewer: Client, **query: str) -> dict[str, dict[str, str]]:
    answer = viewer.get("/data/coverage.csv", {"months": "3", **query})
    _about, head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def test_a_missing_day_has_an_empty_cell_in_the_export_and_an_idle_day_a_zero(desk: Desk, viewer: Client) -> None:
    window = days_ago(desk.scope, 12), days_ago(desk.scope, 11)
    desk.ingest([], window=window, made=datetime.now(UTC))
    hand_in(desk, 9)
    idle, missing = (f"{days_ago(desk.scope, n).isoformat()} sp_campaigns" for n in (12, 10))

    found = exported(viewer)

    assert (found[idle]["State"], found[idle]["Rows"]) == ("final", "0")
    assert (found[missing]["State"], found[missing]["Rows"]) == ("missing", "")
    assert set(exported(viewer, state="missing")) == {missing}

    book = load_workbook(io.BytesIO(viewer.get("/data/coverage.xlsx", {"months": "3"}).content))
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    cells = {row[0]: row[head.index("Rows")] for row in rows}
    assert cells[idle] == 0 and cells[missing] is None


def test_the_list_of_one_dataset_is_filtered_and_exported_alike(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    page = text(viewer.get("/data/coverage/sp_campaigns/", {"state": "missing", "months": "3"}))
    assert page.count("<tr data-row>") == 1
    answer = viewer.get("/data/coverage/sp_campaigns.csv", {"state": "missing", "months": "3"})
    assert len(answer.content.decode().strip().splitlines()) == 3


def test_of_several_marketplaces_the_page_counts_each_and_leads_to_its_calendar(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    second = make_scope(desk.scope.account, "CA")
    page = text(viewer.get("/data/coverage/", {"months": "3"}))
    assert f"?months=3&amp;scope={desk.scope.pk}" in page and f"scope={second.pk}" in page
    assert "Of 3 expected days: 1 missing" in page


def test_unknown_datasets_and_days_are_not_there(desk: Desk, viewer: Client) -> None:
    for address in ("nothing/", "sp_campaigns/yesterday/", "sp_campaigns/0001-01-01/", "nothing.csv"):
        assert viewer.get(f"/data/coverage/{address}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "first", "last", "later"),
    [
        ({}, date(2026, 10, 1), date(2026, 11, 25), None),
        ({"months": "1"}, date(2026, 11, 1), date(2026, 11, 25), None),
        ({"until": "2026-01", "months": "3"}, date(2025, 11, 1), date(2026, 1, 31), "2026-04"),
        ({"until": "2026-10", "months": "6"}, date(2026, 5, 1), date(2026, 10, 31), "2026-11"),
        ({"until": "2031-01"}, date(2026, 10, 1), date(2026, 11, 25), None),
        ({"until": "nonsense", "months": "999"}, date(2026, 10, 1), date(2026, 11, 25), None),
    ],
)
def test_the_months_come_from_the_address(
    asked: dict[str, str], first: date, last: date, later: str | None, rf: Any
) -> None:
    request = rf.get("/", asked)
    state = PageState(request.GET, [], None, period=None, compare="")  # type: ignore[arg-type]
    found = Calendar.of(state, date(2026, 11, 25))
    assert (found.first, found.last, found.later) == (first, last, later)
    assert sum(width for _day, width in found.heads()) == len(found.days()) == (last - first).days + 1
    assert found.earlier == (first - timedelta(days=1)).strftime("%Y-%m")


def test_a_day_to_come_is_not_expected(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    tomorrow = desk.scope.marketplace.today() + timedelta(days=1)
    page = text(viewer.get(f"/data/coverage/sp_campaigns/{tomorrow.isoformat()}/"))
    assert "not expected" in page and "row is stored" not in page
