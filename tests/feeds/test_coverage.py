"""The calendar of days: what is final, what may move, what is missing and why; and that nothing missing is zero."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import coverage, registry, withdrawal
from opsboard.feeds.coverage import State
from opsboard.feeds.models import Coverage, Document, Feed, Fetch
from opsboard.feeds.pipeline import run_ingest
from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk, campaign, desk, kept

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db


def days_ago(scope: AccountMarketplace, count: int) -> date:
    return scope.marketplace.today() - timedelta(days=count)


def fetch(scope: AccountMarketplace, first: date, last: date, state: str, spec: str = "sp_campaigns") -> Fetch:
    return Fetch.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec=spec,
        window_start=first,
        window_end=last,
        slot=datetime.combine(last, time(), UTC),
        state=state,
        reason=f"why {state}",
    )


def look(
    scope: AccountMarketplace, dataset: str = "sp_campaigns", first: int = 20, last: int = 0
) -> dict[int, coverage.Cell]:
    """{days ago: cell} of one dataset."""
    today = scope.marketplace.today()
    found = coverage.cells(scope, today - timedelta(days=first), today - timedelta(days=last))
    return {(today - cell.day).days: cell for cell in found.get(dataset, [])}


def hand_in(desk: Desk, *ago: int, cost: Any = 10, **more: Any) -> Any:
    first, last = days_ago(desk.scope, max(ago)), days_ago(desk.scope, min(ago))
    rows = [campaign(1, cost, days_ago(desk.scope, n)) for n in ago]
    return desk.ingest(rows, window=(first, last), made=datetime.now(UTC), **more)


def test_days_are_final_once_amazon_no_longer_restates_them(desk: Desk) -> None:
    hand_in(desk, *range(1, 21))

    found = look(desk.scope)

    assert {n for n, cell in found.items() if cell.state is State.FINAL} == set(range(8, 21))
    assert {n for n, cell in found.items() if cell.state is State.PROVISIONAL} == set(range(1, 8))
    assert (found[0].state, found[0].why) == (State.NONE, "open")
    assert found[8].document_id == Document.objects.get().pk and found[8].rows == 1


def test_the_calendar_and_the_context_bar_agree_from_where_days_are_provisional(desk: Desk) -> None:
    from opsboard.feeds import freshness

    hand_in(desk, *range(1, 21))
    first = min(cell.day for cell in look(desk.scope).values() if cell.state is State.PROVISIONAL)
    assert first == freshness.provisional_from("sp_campaigns", desk.scope)


def test_a_day_a_document_says_nothing_happened_on_is_known_and_not_missing(desk: Desk) -> None:
    window = days_ago(desk.scope, 12), days_ago(desk.scope, 10)
    desk.ingest([campaign(1, 10, window[0])], window=window, made=datetime.now(UTC))
    found = look(desk.scope, first=12, last=10)
    assert [(found[n].state, found[n].rows) for n in (12, 11, 10)] == [
        (State.FINAL, 1),
        (State.FINAL, 0),
        (State.FINAL, 0),
    ]


def test_a_hole_is_missing_and_says_what_became_of_the_fetch(desk: Desk) -> None:
    hand_in(desk, 20)
    hand_in(desk, 10)
    day = days_ago(desk.scope, 15)
    assert (look(desk.scope)[15].state, look(desk.scope)[15].why) == (State.MISSING, "unasked")
    for state, why in (("failed", "failed"), ("empty", "empty"), ("waiting", "waiting"), ("done", "lost")):
        newest = fetch(desk.scope, day, day, state)
        cell = look(desk.scope)[15]
        assert (cell.state, cell.why, cell.fetch_id, cell.fetch_reason) == (
            State.MISSING,
            why,
            newest.pk,
            f"why {state}",
        )
        newest.delete()


def test_days_before_anything_was_asked_for_are_not_expected(desk: Desk) -> None:
    hand_in(desk, 10)
    fetch(desk.scope, days_ago(desk.scope, 12), days_ago(desk.scope, 12), "failed")
    found = look(desk.scope)
    assert (found[13].state, found[13].why) == (State.NONE, "early")
    assert found[12].state is State.MISSING and found[11].state is State.MISSING


def test_yesterday_is_not_missing_before_amazon_had_time_but_is_when_its_fetch_failed(desk: Desk) -> None:
    hand_in(desk, 5)
    Feed.objects.create(account=desk.scope.account, marketplace=desk.scope.marketplace, spec="sp_campaigns")
    assert (look(desk.scope)[1].state, look(desk.scope)[1].why) == (State.NONE, "open")
    assert look(desk.scope)[2].state is State.MISSING
    fetch(desk.scope, days_ago(desk.scope, 1), days_ago(desk.scope, 1), "quarantined")
    assert (look(desk.scope)[1].state, look(desk.scope)[1].why) == (State.MISSING, "failed")


def test_what_is_only_uploaded_is_not_missed_after_the_last_upload(desk: Desk) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    found = look(desk.scope)
    assert found[11].state is State.MISSING
    assert (found[5].state, found[5].why) == (State.NONE, "byhand")


def test_a_refused_document_stands_where_its_days_would_be(desk: Desk) -> None:
    hand_in(desk, 12)
    day = days_ago(desk.scope, 11)
    ingest = desk.keep(b"[{", window=(day, day), made=datetime.now(UTC))
    outcome = run_ingest(ingest.pk)
    assert outcome is not None and outcome.state == "refused"
    cell = look(desk.scope)[11]
    assert (cell.state, cell.document_id, cell.why) == (State.REFUSED, ingest.document_id, "")


def test_a_held_document_marks_the_days_it_would_change_and_fills_those_nobody_holds(desk: Desk) -> None:
    hand_in(desk, 12)
    window = days_ago(desk.scope, 12), days_ago(desk.scope, 11)
    rows = [campaign(n, "x" if n % 2 else 1, window[0]) for n in range(300)]
    ingest = desk.keep(rows, window=window, made=datetime.now(UTC))
    outcome = run_ingest(ingest.pk)
    assert outcome is not None and outcome.state == "held"

    found = look(desk.scope)

    assert (found[11].state, found[11].document_id) == (State.HELD, ingest.document_id)
    assert (found[12].state, found[12].waiting_id) == (State.FINAL, ingest.document_id)
    assert found[12].document_id != ingest.document_id
    told = coverage.tally(found.values())
    assert (told.known, told.waiting, told.trouble) == (1, 1, [(State.HELD, 1)])


def test_a_withdrawn_document_leaves_its_days_missing(desk: Desk) -> None:
    hand_in(desk, 12)
    hand_in(desk, 11)
    hand_in(desk, 10)
    document = Document.objects.order_by("pk")[1]
    run_ingest(withdrawal.withdraw(document, user=None, why="a wrong file").pk)
    found = look(desk.scope)
    assert (found[12].state, found[11].state, found[10].state) == (State.FINAL, State.MISSING, State.FINAL)


def test_weeks_and_months_are_one_cell_each(desk: Desk) -> None:
    weekly = next(d for d in registry.datasets().values() if d.period is registry.Period.WEEK)
    spec = next(s.key for s in registry.specs() if s.api and weekly.key in {d.key for d in s.datasets})
    fetch(desk.scope, days_ago(desk.scope, 60), days_ago(desk.scope, 60), "failed", spec)
    first, last = days_ago(desk.scope, 59), days_ago(desk.scope, 1)

    found = coverage.cells(desk.scope, first, last)[weekly.key]

    assert [cell.day for cell in found] == registry.Period.WEEK.first_days(first, last)
    assert {(cell.ends - cell.day).days for cell in found} == {6}
    assert (found[0].state, found[0].why) == (State.MISSING, "unasked")
    assert (found[-1].state, found[-1].why) == (State.NONE, "open")


def test_of_a_state_only_the_newest_day_counts_and_the_days_after_it_are_missing(desk: Desk) -> None:
    from opsboard.feeds.models import Coverage

    hand_in(desk, 12)
    Feed.objects.create(account=desk.scope.account, marketplace=desk.scope.marketplace, spec="listings")
    fetch(desk.scope, days_ago(desk.scope, 15), days_ago(desk.scope, 15), "done", "listings")
    Coverage.objects.create(
        account=desk.scope.account,
        marketplace=desk.scope.marketplace,
        dataset="listings",
        date=days_ago(desk.scope, 6),
        document=Document.objects.get(),
        source_created_at=datetime.now(UTC),
    )
    found = look(desk.scope, "listings")
    assert (found[10].state, found[10].why) == (State.NONE, "past")
    assert found[6].state is State.FINAL and found[5].state is State.MISSING and found[0].state is State.NONE


def test_another_sellers_documents_and_fetches_say_nothing(desk: Desk) -> None:
    hand_in(desk, 12)
    hand_in(desk, 10)
    other = Desk(make_scope())
    hand_in(other, 11)
    fetch(other.scope, days_ago(other.scope, 11), days_ago(other.scope, 11), "failed")
    cell = look(desk.scope)[11]
    assert (cell.state, cell.why, cell.fetch_id) == (State.MISSING, "unasked", None)
    told = coverage.tallies([desk.scope, other.scope], days_ago(desk.scope, 20), days_ago(desk.scope, 0))
    pair = (desk.scope.account_id, desk.scope.marketplace_id)
    assert told[pair] == coverage.tally(look(desk.scope).values())
    assert set(told) == {pair, (other.scope.account_id, other.scope.marketplace_id)}


def test_datasets_a_scope_has_nothing_to_do_with_are_left_out(desk: Desk) -> None:
    assert coverage.cells(desk.scope, days_ago(desk.scope, 20), days_ago(desk.scope, 0)) == {}
    hand_in(desk, 12)
    assert set(coverage.cells(desk.scope, days_ago(desk.scope, 20), days_ago(desk.scope, 0))) == {"sp_campaigns"}


def test_between_two_settlements_no_day_is_missing(desk: Desk) -> None:
    scope = desk.scope
    held = Document.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec="settlements",
        source=Document.Source.SP_API,
        report_type="GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
        source_created_at=datetime.now(UTC),
        sha256="0" * 64,
        size=1,
    )
    Coverage.objects.bulk_create(
        Coverage(
            account=scope.account,
            marketplace=scope.marketplace,
            dataset="settlements",
            date=days_ago(scope, ago),
            document=held,
            source_created_at=held.source_created_at,
            rows=1,
        )
        for ago in (60, 46)
    )
    Feed.objects.create(account=scope.account, marketplace=scope.marketplace, spec="settlements")
    fetch(scope, days_ago(scope, 40), days_ago(scope, 38), "failed", "settlements")

    found = look(scope, "settlements", 60, 36)

    assert {n for n, cell in found.items() if cell.state is State.FINAL} == {60, 46}
    assert {n for n, cell in found.items() if cell.state is State.MISSING} == {40, 39, 38}
    assert {cell.why for n, cell in found.items() if cell.state is State.NONE} == {"between"}
