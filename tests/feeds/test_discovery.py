"""Reports that Amazon makes by itself: each is found, fetched once, and kept for the shop it is about."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from finance.models import Settlement, SettlementLine
from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import backfill, discovery, schedule
from opsboard.feeds.models import Document, Fetch, Ingest
from opsboard.simulator.business import ACCOUNTS
from opsboard.simulator.server import Running
from opsboard.simulator.settlements import amounts, spans
from tests.amazon.fixtures import CREDENTIALS
from tests.amazon.scripted import Asked, Says, ScriptedAmazon
from tests.factories import make_scope
from tests.feeds.test_fetching import advance, make_fetch
from tests.feeds.test_fetching_simulator import connect, run_dry, simulator  # noqa: F401
from tests.finance.conftest import tsv
from tests.finance.test_settlements import SALE, V2, german, head

pytestmark = pytest.mark.django_db
MADE = datetime(2026, 11, 3, 14, tzinfo=UTC)
LIST = "/reports/2021-06-30/reports?"


def listed(number: int, **more: Any) -> dict[str, Any]:
    return {
        "reportId": f"S{number}",
        "reportType": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
        "processingStatus": "DONE",
        "marketplaceIds": ["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"],
        "createdTime": MADE.isoformat(),
        "dataStartTime": (MADE - timedelta(days=14)).isoformat(),
        "dataEndTime": MADE.isoformat(),
        "reportDocumentId": f"D{number}",
        **more,
    }


def found() -> list[str]:
    return sorted(Fetch.objects.filter(kind="found").values_list("report_id", flat=True))


def test_every_page_of_amazons_list_is_noted_and_nothing_is_asked_for(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in()
    amazon.on(
        "GET", LIST, Says({"reports": [listed(1), listed(2)], "nextToken": "more"}), Says({"reports": [listed(3)]})
    )
    fetch = make_fetch(scope, "settlements")

    assert advance(fetch).state == Fetch.State.DONE

    assert found() == ["S1", "S2", "S3"]
    fetch.refresh_from_db()
    assert fetch.reason == "Amazon has 3 new reports."
    assert amazon.count("POST", "/reports/") == 0
    first, second = (parse_qs(urlsplit(one.path).query) for one in amazon.asked if one.path.startswith(LIST))
    assert first["processingStatuses"] == ["DONE"] and first["pageSize"] == ["100"]
    since = datetime.fromisoformat(first["createdSince"][0])
    assert timedelta(days=89) < timezone.now() - since < timedelta(days=90)
    assert second == {"nextToken": ["more"]}


def test_the_newest_report_comes_with_the_first_screen_and_older_ones_with_the_back_fill(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in()
    older = (MADE - timedelta(days=14)).isoformat()
    amazon.on("GET", LIST, Says({"reports": [listed(2), listed(1, createdTime=older)]}))
    advance(make_fetch(scope, "settlements", priority=schedule.FIRST_SCREEN_PRIORITY))
    assert dict(Fetch.objects.filter(kind="found").values_list("report_id", "priority")) == {
        "S2": schedule.FIRST_SCREEN_PRIORITY,
        "S1": schedule.BACKFILL_PRIORITY,
    }


def test_what_is_known_is_not_noted_again_by_whichever_marketplace_looks(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in()
    canada = make_scope(scope.account, "CA")
    amazon.on("GET", LIST, Says({"reports": [listed(1)]}), Says({"reports": [listed(1), listed(2)]}))
    advance(make_fetch(scope, "settlements"))
    second = make_fetch(canada, "settlements")
    advance(second)

    assert found() == ["S1", "S2"]
    second.refresh_from_db()
    assert second.reason == "Amazon has 1 new report."


def test_a_listing_that_dies_goes_on_with_the_next_page(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sign_in()
    amazon.on(
        "GET", LIST, Says({"reports": [listed(1)], "nextToken": "more"}), Says(b"", 500), Says({"reports": [listed(2)]})
    )
    fetch = make_fetch(scope, "settlements")
    assert advance(fetch).state == Fetch.State.WAITING
    assert found() == ["S1"]
    fetch.refresh_from_db()
    assert fetch.outcome == "list_incomplete"

    Fetch.objects.filter(pk=fetch.pk).update(not_before=timezone.now())
    assert advance(fetch).state == Fetch.State.DONE

    assert found() == ["S1", "S2"]
    queries = [parse_qs(urlsplit(one.path).query) for one in amazon.asked if one.path.startswith(LIST)]
    assert [query.get("nextToken") for query in queries] == [None, ["more"], ["more"]]


def documents(amazon: ScriptedAmazon, content: bytes) -> None:
    def status(asked: Asked) -> Says:
        return Says(listed(int(urlsplit(asked.path).path.rpartition("/S")[2])))

    amazon.on("GET", "/reports/2021-06-30/reports/", status)
    link = {"reportDocumentId": "D1", "url": f"{amazon.url}/file", "compressionAlgorithm": "GZIP"}
    amazon.on("GET", "/reports/2021-06-30/documents/", Says(link))
    amazon.on("GET", "/file", Says(gzip.compress(content)))


def note(scope: AccountMarketplace, amazon: ScriptedAmazon, **more: Any) -> Fetch:
    amazon.sign_in()
    amazon.on("GET", LIST, Says({"reports": [listed(1, **more)]}))
    advance(make_fetch(scope, "settlements"))
    return Fetch.objects.get(kind="found")


def test_a_found_report_is_kept_for_the_marketplace_its_rows_name(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    canada = make_scope(scope.account, "CA")
    rows = [
        row | {"currency": "CAD", "marketplace-name": "Amazon.ca" if row.get("amount") else ""}
        for row in (head(), *SALE)
    ]
    fetch = note(scope, amazon)  # the US looked first
    documents(amazon, tsv(V2, rows))

    assert advance(fetch).state == Fetch.State.DONE

    document = Document.objects.get()
    assert (document.marketplace, document.report_id) == (canada.marketplace, "S1")
    fetch.refresh_from_db()
    assert fetch.marketplace == canada.marketplace


def test_where_no_row_names_a_marketplace_the_currency_does(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    make_scope(scope.account, "CA")
    rows = [row | {"marketplace-name": ""} for row in (head(), *SALE)]
    fetch = note(scope, amazon)
    documents(amazon, tsv(V2, rows))
    advance(fetch)
    assert Document.objects.get().marketplace == scope.marketplace


def test_euros_without_a_name_can_be_several_shops_and_are_not_guessed(amazon: ScriptedAmazon, db: None) -> None:
    scope = make_scope(marketplace="DE")
    make_scope(scope.account, "FR")
    sealing.store(scope.account, "sp_api", CREDENTIALS)
    rows = [row | {"marketplace-name": ""} for row in german((head(), *SALE))]
    fetch = note(scope, amazon, marketplaceIds=["A1PA6795UKMFR9", "A13V1IB3VIYZZH"])
    documents(amazon, tsv(V2, rows))

    assert advance(fetch).state == Fetch.State.FAILED

    fetch.refresh_from_db()
    assert "it can be about several (DE, FR)" in fetch.reason and not Document.objects.exists()
    # It stays unclear tomorrow: nobody downloads it again.
    again = make_fetch(scope, "settlements", slot=timezone.now() + timedelta(days=1))
    advance(again)
    fetch.refresh_from_db()
    assert fetch.state == Fetch.State.FAILED


def test_a_report_about_a_shop_that_is_not_here_is_left_alone(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    rows = [row | {"currency": "MXN", "marketplace-name": "Amazon.com.mx"} for row in (head(), *SALE)]
    fetch = note(scope, amazon)
    documents(amazon, tsv(V2, rows))
    assert advance(fetch).state == Fetch.State.EMPTY
    fetch.refresh_from_db()
    assert "marketplace MX, which is not among those of this account" in fetch.reason
    assert not Document.objects.exists()


def test_a_report_that_failed_is_tried_once_more_with_the_next_listing(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    fetch = note(scope, amazon)
    Fetch.objects.filter(pk=fetch.pk).update(
        state=Fetch.State.FAILED, finished_at=timezone.now() - timedelta(hours=1), reason="lost"
    )
    advance(make_fetch(scope, "settlements", slot=timezone.now()))
    fetch.refresh_from_db()
    assert (fetch.state, fetch.report_id, fetch.attempts) == (Fetch.State.REQUESTED, "S1", 0)


def test_discovery_is_planned_once_a_day_and_never_as_a_back_fill(scope: AccountMarketplace) -> None:
    backfill.ensure(scope, 365)
    schedule.plan_due()
    assert list(Fetch.objects.filter(spec="settlements").values_list("kind", flat=True)) == ["routine"]
    assert discovery.since(MADE) == MADE - timedelta(days=90) + timedelta(hours=1)


@pytest.mark.parametrize("key", ["NA", "EU", "FE"])
def test_settlements_of_the_simulator_come_in_to_the_cent(simulator: Running, key: str) -> None:  # noqa: F811
    scope = connect(key)
    schedule.ask_now(scope, "settlements")

    run_dry()

    state = simulator.state
    account = ACCOUNTS[key]
    wanted = list(spans(account, state.now() - timedelta(days=90) + timedelta(hours=2), state.now()))
    assert len(wanted) in {6, 7}
    assert set(Ingest.objects.values_list("state", flat=True)) == {"applied"}
    assert Settlement.objects.count() == Document.objects.count() == len(wanted)
    digits = scope.marketplace.minor_digits
    for span in wanted:
        total = sum(one.amount for one in amounts(state.truth, account, span))
        assert Settlement.objects.get(settlement_id=span.id).total_minor == round(total * 10**digits)
    assert SettlementLine.objects.filter(amount_description="Principal").exists()
    assert simulator.state.calls["createReport"] == 0

    # Tomorrow's listing finds the same ones and fetches nothing.
    downloads = state.calls["download"]
    schedule.ask_now(scope, "settlements")
    run_dry()
    assert state.calls["download"] == downloads
