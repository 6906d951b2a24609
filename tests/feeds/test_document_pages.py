"""The list of documents, and the line of a document at the end of a figure's trail."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from ads.models import CampaignDay
from opsboard.accounts.models import Role
from opsboard.feeds import document_lines, rawstore, registry
from opsboard.feeds.models import Document
from opsboard.feeds.pipeline import run_ingest
from tests.factories import make_scope, make_user
from tests.feeds.test_coverage_page import client_of, text, viewer
from tests.feeds.test_pipeline import DAY, Desk, campaign, desk, kept

__all__ = ["desk", "kept", "viewer"]
pytestmark = pytest.mark.django_db


def listed(viewer: Client, **query: str) -> list[dict[str, str]]:
    answer = viewer.get("/data/documents.csv", query)
    assert answer.status_code == 200
    _about, head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    return [dict(zip(head, row, strict=True)) for row in rows]


def numbers(viewer: Client, **query: str) -> list[int]:
    return [int(row["Key"]) for row in listed(viewer, **query)]


# --- the list -----------------------------------------------------------------------------------


def test_documents_are_found_by_report_state_source_days_and_name(desk: Desk, viewer: Client) -> None:
    desk.ingest([campaign()])
    desk.ingest([campaign(day=DAY + timedelta(days=9))], window=(DAY + timedelta(days=8), DAY + timedelta(days=9)))
    run_ingest(desk.keep(b"[{", window=(DAY, DAY)).pk)
    first, second, refused = Document.objects.order_by("pk")
    Document.objects.filter(pk=second.pk).update(report_id="50019", source=Document.Source.SP_API)

    assert numbers(viewer, sort="received") == [first.pk, second.pk, refused.pk]
    assert numbers(viewer, state="refused") == [refused.pk]
    assert numbers(viewer, source="sp_api") == [second.pk]
    assert numbers(viewer, q="5001") == [second.pk]
    assert numbers(viewer, report="orders") == []
    assert numbers(viewer, days_from=(DAY + timedelta(days=1)).isoformat()) == [second.pk]
    assert set(numbers(viewer, days_to=(DAY + timedelta(days=7)).isoformat())) == {first.pk, refused.pk}
    assert numbers(viewer, received_to="2020-01-01") == []
    assert len(numbers(viewer, received_from="nonsense")) == 3


def test_a_document_nobody_has_read_has_no_number_of_rows(desk: Desk, viewer: Client) -> None:
    ingest = desk.keep([campaign()])
    ingest.delete()
    (row,) = listed(viewer)
    assert (row["Rows"], row["Result"]) == ("", "kept, not read yet")
    assert "kept, not read yet" in text(viewer.get("/data/documents/"))


def test_the_list_is_of_all_accounts_or_of_the_chosen_one(desk: Desk, viewer: Client) -> None:
    other = Desk(make_scope(desk.scope.account, "CA"))
    desk.ingest([campaign()])
    other.keep([campaign()])
    stranger = Desk(make_scope())
    stranger.ingest([campaign()])
    assert len(numbers(viewer)) == 2
    assert len(numbers(viewer, scope=str(other.scope.pk))) == 1
    head = viewer.get("/data/documents.csv").content.decode("utf-8-sig").splitlines()[0]
    assert "2 accounts and marketplaces" in head and "Currency" not in head


def test_fifty_documents_a_page_and_the_next_ones_behind_it(desk: Desk, viewer: Client) -> None:
    document = desk.keep([campaign()]).document
    fields = {f.attname: getattr(document, f.attname) for f in Document._meta.concrete_fields if f.attname != "id"}
    Document.objects.bulk_create(Document(**fields) for _n in range(59))
    page = viewer.get("/data/documents/")
    assert text(page).count("<tr data-row>") == 50
    assert text(viewer.get("/data/documents/" + page.context["table"].next_url)).count("<tr data-row>") == 10


# --- a line -------------------------------------------------------------------------------------


def test_from_a_figure_to_the_line_that_says_it(desk: Desk, viewer: Client) -> None:
    day = desk.scope.marketplace.today() - timedelta(days=3)
    desk.ingest([campaign(1, 5, day), campaign(2, 12.34, day)], window=(day, day), made=datetime.now(UTC))
    document = Document.objects.get()
    line = CampaignDay.objects.get(campaign_id=2).line
    address = f"/data/document/{document.pk}/line/{line}/"

    assert address in text(viewer.get("/ads/campaign/2/"))
    page = text(viewer.get(address))
    assert "12.34" in page and "Campaign 2" in page and "Campaign 1" not in page
    assert "Received" in page and f"/data/document/{document.pk}/" in page


def listing_lines(document: Document, number: int) -> dict[str, str]:
    (line,) = document_lines.lines(document, number)
    return {cell.name: cell.text for cell in line.cells}


def test_a_line_of_a_flat_file_is_counted_as_an_editor_does(desk: Desk) -> None:
    names = [column.names[0] for column in registry.datasets()["listings"].columns]
    values = [f"value of {name}" for name in names]
    content = "\t".join(names) + "\n" + "\t".join("first" for _name in names) + "\n" + "\t".join(values) + "\n"
    document = desk.keep(content.encode(), "listings", None).document
    found = listing_lines(document, 3)
    assert list(found.values()) == values and set(found) == set(names)
    assert document_lines.lines(document, 1) == [] == document_lines.lines(document, 4)


def test_a_document_of_several_lists_shows_the_record_of_each(desk: Desk) -> None:
    from opsboard.simulator import ACCOUNTS, Truth
    from opsboard.simulator.reports import sales
    from tests.simulator.seller import ANCHOR

    day = date(2026, 11, 2) if ANCHOR > date(2026, 11, 20) else ANCHOR - timedelta(days=20)
    options = {"dateGranularity": "DAY", "asinGranularity": "CHILD"}
    content: Any = sales.sales_and_traffic(Truth(1, ANCHOR), ACCOUNTS["NA"], day, day, options, ANCHOR)
    document = desk.keep(content, "sales_and_traffic_asin", (day, day)).document
    found = document_lines.lines(document, 1)
    assert len(found) == len({line.dataset for line in found}) >= 1
    asin = content["salesAndTrafficByAsin"][0]["childAsin"]
    assert any(cell.text == asin for line in found for cell in line.cells)


def test_a_removed_file_and_a_damaged_one_say_so_and_a_line_too_far_is_not_there(desk: Desk, viewer: Client) -> None:
    document = desk.keep([campaign()]).document
    assert viewer.get(f"/data/document/{document.pk}/line/9/").status_code == 404
    rawstore.path_of(document.sha256).unlink()
    assert "somebody removed it" in text(viewer.get(f"/data/document/{document.pk}/line/1/"))
    broken = desk.keep(b'[{"date": 1}, {').document
    assert "broken or cut off" in text(viewer.get(f"/data/document/{broken.pk}/line/2/"))


def test_a_line_of_another_seller_is_not_there(desk: Desk) -> None:
    document = desk.keep([campaign()]).document
    stranger = client_of(make_user(make_scope().account.organisation, Role.OWNER))
    assert stranger.get(f"/data/document/{document.pk}/line/1/").status_code == 404
