"""From any figure to its line: the rows of a day of every fact table there is, and the way to them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.test import Client

from opsboard.accounts.models import Role
from opsboard.feeds import coverage, registry, stored
from opsboard.feeds.models import Document
from opsboard.ui import tables
from tests.factories import make_user
from tests.feeds.test_coverage import days_ago, hand_in
from tests.feeds.test_coverage_page import client_of, text, viewer
from tests.feeds.test_pipeline import Desk, campaign, desk, kept
from tests.planting import FIRST_ID, Tenant, set_sequences

__all__ = ["desk", "kept", "viewer"]
pytestmark = pytest.mark.django_db


def test_the_rows_of_a_day_add_up_to_it_and_lead_to_their_lines(desk: Desk, viewer: Client) -> None:
    day = days_ago(desk.scope, 12)
    desk.ingest([campaign(n, 9 + n, day) for n in (1, 2, 3)], window=(day, day), made=datetime.now(UTC))
    document = Document.objects.get()

    page = text(viewer.get(f"/data/coverage/sp_campaigns/{day.isoformat()}/"))

    assert all(f"/data/document/{document.pk}/line/{line}/" in page for line in (1, 2, 3))
    assert "Campaign 2" in page and "33.00" in page
    answer = viewer.get(f"/data/coverage/sp_campaigns/{day.isoformat()}.csv")
    _about, head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert [row[head.index("cost (USD)")] for row in rows] == ["10.00", "11.00", "12.00", "33.00"]
    assert {row[head.index("Document")] for row in rows[:3]} == {str(document.pk)}


def test_a_day_nobody_holds_has_no_rows_to_show(desk: Desk, viewer: Client) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    assert "rows-sp_campaigns" not in text(viewer.get(f"/data/coverage/sp_campaigns/{days_ago(desk.scope, 11)}/"))


@pytest.mark.parametrize("key", sorted({dataset.key for spec in registry.specs() for dataset in spec.datasets}))
def test_every_fact_table_shows_its_rows_with_document_and_line(key: str) -> None:
    set_sequences(FIRST_ID - 1)
    tenant = Tenant("US")
    set_sequences(1000)
    dataset = coverage.declared()[key]
    row = tenant.rows[dataset.model]
    params = {
        "account": tenant.account.pk,
        "marketplace": tenant.marketplace.pk,
        "day": getattr(row, "date", None) or tenant.marketplace.today(),
    }
    table = stored.rows_table(dataset)
    asked = tables.Asked.of(table, QueryDict("cols=" + ",".join(column.key for column in table.columns)))
    _totals, records = tables.fetch(table, asked, params, 10)
    assert [(int(one["document_id"]), int(one["line"])) for one in records] == [(row.document_id, row.line)]  # type: ignore[attr-defined]


def test_from_a_tile_to_the_line_in_three_clicks(desk: Desk) -> None:
    """The tile draws its trend; a day of the trend shows its rows; a row shows its line."""
    client = client_of(make_user(desk.scope.account.organisation, Role.VIEWER))
    hand_in(desk, *range(1, 21))
    day = desk.scope.marketplace.today() - timedelta(days=12)
    trend = text(client.get("/ads/", {"chart": "acos"}))
    address = f"/data/coverage/sp_campaigns/{day.isoformat()}/"
    assert f'href="{address}?' in trend
    rows = text(client.get(address))
    line = f"/data/document/{Document.objects.get().pk}/line/12/"
    assert line in rows
    assert day.isoformat() in text(client.get(line))
