"""Listings that do not show in search, and the days on which none is hidden."""

from __future__ import annotations

import pytest

from listings.models import SuppressedDay
from opsboard.feeds.models import Coverage, Ingest
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports.voice import SUPPRESSED_HEADER, suppressed
from opsboard.simulator.stories import SUPPRESSED_SKUS
from tests.feeds.reading import Read, read
from tests.feeds.test_pipeline import DAY, Desk, desk, kept
from tests.feeds.test_wild_files import tabs
from tests.simulator.seller import ANCHOR

__all__ = ["desk", "kept", "read"]
pytestmark = pytest.mark.django_db
State = Ingest.State


def hidden(sku: str, reason: str = "Missing main image") -> list[str]:
    return ["Search Suppressed", reason, sku, "B000000001", "Mug", "New", "2026-03-01", "Add an image."]


def test_a_listing_has_a_row_for_each_reason(desk: Desk) -> None:
    content = tabs(SUPPRESSED_HEADER, hidden("MUG-1"), hidden("MUG-1", "Missing title"), hidden("MUG-2"))
    outcome = desk.ingest(content.encode(), "suppressed_listings")
    assert (outcome.state, outcome.changed, outcome.unknown_columns) == (State.APPLIED, 3, [])
    found = [(row.sku, row.ordinal, row.reason, row.date) for row in SuppressedDay.objects.order_by("sku", "ordinal")]
    assert found == [
        ("MUG-1", 1, "Missing main image", DAY),
        ("MUG-1", 2, "Missing title", DAY),
        ("MUG-2", 1, "Missing main image", DAY),
    ]


def test_the_order_of_the_columns_does_not_matter(desk: Desk) -> None:
    content = tabs(SUPPRESSED_HEADER[::-1], hidden("MUG-1")[::-1])
    assert desk.ingest(content.encode(), "suppressed_listings").state == State.APPLIED
    assert SuppressedDay.objects.get().issue == "Add an image."


def test_a_header_alone_says_that_nothing_is_suppressed(desk: Desk) -> None:
    desk.ingest(tabs(SUPPRESSED_HEADER, hidden("MUG-1")).encode(), "suppressed_listings")
    outcome = desk.ingest(tabs(SUPPRESSED_HEADER).encode(), "suppressed_listings")
    assert (outcome.state, outcome.deleted) == (State.APPLIED, 1)
    assert not SuppressedDay.objects.exists()
    assert Coverage.objects.get(dataset="suppressed_listings", date=DAY).rows == 0


def test_a_download_of_it_is_known_by_its_columns(read: Read) -> None:
    found = read(tabs(SUPPRESSED_HEADER, hidden("MUG-1")), "US", "--day", "2026-10-05", name="fyp.txt").json
    assert (found["type"], found["rows_in"]) == ("suppressed_listings", 1)
    assert str(SuppressedDay.objects.get().date) == "2026-10-05"


def test_the_simulator_hides_the_listings_of_its_story_and_no_others(desk: Desk) -> None:
    truth = Truth(1, ANCHOR)
    content = suppressed(truth, ACCOUNTS["NA"], ANCHOR)
    assert desk.ingest(content, "suppressed_listings").state == State.APPLIED
    skus = {truth.skus("NA")[index].sku for index in SUPPRESSED_SKUS}
    assert set(SuppressedDay.objects.values_list("sku", flat=True)) == skus
    assert suppressed(truth, ACCOUNTS["EU"], ANCHOR).count(b"\n") == 1
