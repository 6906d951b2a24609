"""Before a file is brought in, the page says what would change; and nothing has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from ads.models import CampaignDay
from listings.models import Listing, SalesDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import rehearsal, upload
from opsboard.feeds.models import Coverage, Document, DocumentDay, Ingest
from tests.factories import make_scope

pytestmark = pytest.mark.django_db

HEADER = "Date,Campaign Name,Impressions,Clicks,Spend,7 Day Total Sales,7 Day Total Orders (#)\n"
FIRST = HEADER + (
    "2026-11-18,Kitchen,100,5,3.20,20.00,1\n"
    "2026-11-18,Garden,100,5,3.20,20.00,1\n"
    "2026-11-19,Kitchen,100,5,3.20,20.00,1\n"
)
SECOND = HEADER + (
    "2026-11-18,Kitchen,100,5,9.99,20.00,1\n"  # restated
    "2026-11-19,Kitchen,100,5,3.20,20.00,1\n"
    "2026-11-20,Kitchen,120,6,4.00,,0\n"
)


@pytest.fixture
def scope(settings: Settings, tmp_path: Path) -> AccountMarketplace:
    settings.DOCUMENT_DIR = tmp_path / "kept"
    settings.OPSBOARD_HINTS = False
    return make_scope(marketplace="US")


def _file(tmp_path: Path, text: str, name: str = "ads.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def bring(path: Path, scope: AccountMarketplace) -> None:
    told: dict[str, Any] = {"account": scope.account, "marketplace": scope.marketplace}
    assert upload.settle(upload.recognise_and_keep(path, **told)).state == Ingest.State.APPLIED


def look(path: Path, scope: AccountMarketplace) -> dict[str, Any]:
    told: dict[str, Any] = {"account": scope.account, "marketplace": scope.marketplace}
    found = upload.look(path, **told)
    with path.open("rb") as raw:
        return rehearsal.rehearse(raw, found, **told, file_name=path.name)


def _everything() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM ads_campaignday t ORDER BY 1")
        facts = cursor.fetchall()
    return [
        facts,
        list(Coverage.objects.order_by("pk").values_list()),
        list(DocumentDay.objects.order_by("pk").values_list()),
        list(Document.objects.order_by("pk").values_list("pk", "sha256")),
    ]


def test_the_preview_tells_new_changed_gone_and_same_rows_and_writes_nothing(
    scope: AccountMarketplace, tmp_path: Path
) -> None:
    bring(_file(tmp_path, FIRST, "first.csv"), scope)
    before = _everything()

    told = look(_file(tmp_path, SECOND), scope)

    assert told["state"] == Ingest.State.APPLIED
    (line,) = told["datasets"]
    assert (line["new"], line["changed"], line["gone"], line["same"]) == (1, 1, 1, 1)
    assert (line["days"], line["new_days"], line["replaced_days"], line["same_days"]) == (3, 1, 1, 1)
    assert [(holder["name"], holder["days"]) for holder in line["held_by"]] == [("first.csv", 2)]
    assert _everything() == before
    kept = {path.name.partition(".")[0] for path in (tmp_path / "kept").rglob("*.gz")}
    assert kept == {sha256 for _pk, sha256 in before[3]}


def test_what_the_preview_promised_is_what_happens(scope: AccountMarketplace, tmp_path: Path) -> None:
    bring(_file(tmp_path, FIRST, "first.csv"), scope)
    second = _file(tmp_path, SECOND)
    (line,) = look(second, scope)["datasets"]

    outcome = upload.settle(upload.recognise_and_keep(second, account=scope.account, marketplace=scope.marketplace))

    assert (outcome.changed, outcome.deleted, outcome.unchanged) == (
        line["new"] + line["changed"],
        line["gone"],
        line["same"],
    )
    assert CampaignDay.objects.filter(account_id=scope.account_id).count() == 3


def test_the_same_file_again_would_change_nothing(scope: AccountMarketplace, tmp_path: Path) -> None:
    first = _file(tmp_path, FIRST)
    bring(first, scope)

    told = look(first, scope)

    assert told["state"] == Ingest.State.UNCHANGED
    assert (told["datasets"][0]["same_days"], told["datasets"][0]["new"]) == (2, 0)


def test_days_a_newer_document_holds_are_said_to_be_left_alone(scope: AccountMarketplace, tmp_path: Path) -> None:
    first = _file(tmp_path, FIRST)
    bring(first, scope)
    newer = scope.marketplace.today().replace(year=scope.marketplace.today().year + 1)
    Coverage.objects.update(source_created_at=f"{newer}T00:00:00Z")

    told = look(_file(tmp_path, SECOND), scope)

    assert (told["datasets"][0]["newer_days"], told["datasets"][0]["new_days"]) == (2, 1)
    assert told["datasets"][0]["newer_by"][0]["days"] == 2


def test_rows_are_shown_as_they_are_understood(scope: AccountMarketplace, tmp_path: Path) -> None:
    told = look(_file(tmp_path, FIRST.replace("3.20", '"$1,003.20"')), scope)

    (sample,) = told["samples"]
    first = dict(zip([name for name, _kind in sample["head"]], sample["rows"][0][1:], strict=True))
    assert first["Date"] == "2026-11-18"
    assert first["Spend"] == 100320
    assert first["Campaign Name"] == "Kitchen"
    assert not any(isinstance(cell, int) and cell < 0 for row in sample["rows"] for cell in row)


def test_each_column_is_said_to_be_read_left_or_unknown(scope: AccountMarketplace, tmp_path: Path) -> None:
    told = look(_file(tmp_path, FIRST.replace("(#)\n", "(#),Moon phase\n", 1).replace(",1\n", ",1,full\n")), scope)

    use = {line["header"]: line["use"] for line in told["columns"]}
    assert use["Spend"] == "read"
    assert use["Moon phase"] == "unknown"
    assert {line["header"]: line["to"] for line in told["columns"]}["Date"]


def test_columns_about_buyers_are_said_to_be_emptied_and_are_not_shown(
    scope: AccountMarketplace, tmp_path: Path
) -> None:
    orders = (
        "amazon-order-id\tmerchant-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel\t"
        "sales-channel\tsku\tasin\titem-status\tquantity\tcurrency\titem-price\tship-city\tship-postal-code\n"
        "111-1\t\t2026-11-18T08:00:00+00:00\t2026-11-19T08:00:00+00:00\tShipped\tAmazon\tAmazon.com\tMUG\tB00MUG0001\t"
        "Shipped\t1\tUSD\t12.00\tAmberfield\t12345\n"
    )
    told = look(_file(tmp_path, orders, "orders.txt"), scope)

    use = {line["header"]: line["use"] for line in told["columns"]}
    assert (use["ship-city"], use["ship-postal-code"]) == ("personal", "personal")
    assert "Amberfield" not in str(told)
    assert told["datasets"][0]["new"] == 1


def test_a_state_that_says_the_same_is_no_news(scope: AccountMarketplace, tmp_path: Path) -> None:
    listings = "item-name\tseller-sku\tasin1\tprice\tquantity\tstatus\nMug\tMUG\tB00MUG0001\t9.99\t3\tActive\n"
    first = look(_file(tmp_path, listings, "all.txt"), scope)
    assert (first["datasets"][0]["new"], Listing.objects.count()) == (1, 0)
    bring(_file(tmp_path, listings, "all.txt"), scope)

    assert look(_file(tmp_path, listings, "all.txt"), scope)["state"] == Ingest.State.UNCHANGED
    assert not SalesDay.objects.exists()
