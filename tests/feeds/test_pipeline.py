"""A document comes in, and the facts are what it says: no more, no less, whatever arrives when."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from ads.models import Campaign, CampaignDay, SearchTerm, SearchTermDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import pipeline, readers
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.keys import key64
from opsboard.feeds.models import Coverage, DirtyDay, Document, Ingest
from opsboard.feeds.pipeline import Outcome
from tests.factories import make_scope

DAY = date(2026, 11, 2)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
State = Ingest.State


class Desk:
    """Where documents of one shop are handed in."""

    def __init__(self, scope: AccountMarketplace) -> None:
        self.scope = scope
        self.count = itertools.count()

    def keep(
        self,
        content: bytes | list[Any] | dict[str, Any],
        spec: str = "sp_campaigns",
        window: tuple[date, date] | None = (DAY, DAY),
        made: datetime | None = None,
    ) -> Ingest:
        raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        document = pipeline.keep(
            io.BytesIO(raw),
            spec_key=spec,
            account=self.scope.account,
            marketplace=self.scope.marketplace,
            source=Document.Source.UPLOAD,
            source_created_at=made or NOON + timedelta(minutes=next(self.count)),
            window=window,
        )
        return document.ingests.get()

    def ingest(self, *args: Any, force: bool = False, **kwargs: Any) -> Outcome:
        outcome = pipeline.run_ingest(self.keep(*args, **kwargs).pk, force=force)
        assert outcome is not None
        return outcome

    def spend(self) -> dict[tuple[date, int], int]:
        rows = CampaignDay.objects.filter(account_id=self.scope.account_id, marketplace_id=self.scope.marketplace_id)
        return {(row.date, row.campaign_id): row.spend_minor for row in rows}


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False


@pytest.fixture
def desk(kept: None, db: None) -> Desk:
    return Desk(make_scope())


def campaign(number: int = 1, cost: Any = 10, day: date = DAY, **more: Any) -> dict[str, Any]:
    row = {
        "date": day.isoformat(),
        "campaignId": number,
        "campaignName": f"Campaign {number}",
        "campaignStatus": "ENABLED",
        "campaignBudgetAmount": 50.0,
        "campaignBudgetCurrencyCode": "USD",
        "impressions": 1000,
        "clicks": 10,
        "cost": cost,
        "sales7d": 40.5,
        "purchases7d": 2,
        "unitsSoldClicks7d": 3,
    }
    return {**row, **more}


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]


# --- what a document becomes ------------------------------------------------------------------


def test_a_campaign_report_becomes_facts_to_the_cent(desk: Desk) -> None:
    outcome = desk.ingest([campaign(1, 12.34), campaign(2, 0.07, sales7d=None, purchases7d=None)])
    assert (outcome.state, outcome.rows_in, outcome.changed, outcome.days) == (State.APPLIED, 2, 2, [DAY])
    one, two = CampaignDay.objects.order_by("campaign_id")
    assert (one.spend_minor, one.sales_minor, one.clicks, one.orders, one.units) == (1234, 4050, 10, 2, 3)
    assert (two.spend_minor, two.sales_minor, two.orders) == (7, 0, 0)
    assert (one.line, two.line) == (1, 2)
    assert one.document_id == Document.objects.get().pk


def test_the_names_live_beside_the_facts(desk: Desk) -> None:
    desk.ingest([campaign(1, campaignName="Lid \\ tab\there\n“quoted” 蒜泥器", campaignBudgetAmount=12.5)])
    found = Campaign.objects.get()
    assert (found.name, found.status, found.budget_minor) == ("Lid \\ tab\there\n“quoted” 蒜泥器", "ENABLED", 1250)


def test_yen_are_stored_without_decimals(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="JP"))
    desk.ingest([campaign(1, 1980, campaignBudgetCurrencyCode="JPY", sales7d=39600.0)])
    row = CampaignDay.objects.get()
    assert (row.spend_minor, row.sales_minor) == (1980, 39600)


def test_a_search_term_is_kept_once_and_its_facts_by_key(desk: Desk) -> None:
    row = campaign(7) | {"adGroupId": 8, "adGroupName": "G", "keywordId": 9, "targeting": "press", "matchType": "EXACT"}
    report = [row | {"searchTerm": "Garlic press"}, row | {"searchTerm": "蒜泥器"}]
    assert desk.ingest(report, "sp_search_terms").state == State.APPLIED
    assert dict(SearchTerm.objects.values_list("term_id", "text")) == {key64(t): t for t in ("Garlic press", "蒜泥器")}
    assert {item.term_id for item in SearchTermDay.objects.all()} == {key64("Garlic press"), key64("蒜泥器")}


def test_the_document_is_kept_as_it_came_and_can_be_read_again(desk: Desk) -> None:
    raw = json.dumps([campaign()]).encode()
    desk.ingest(gzip.compress(raw))
    document = Document.objects.get()
    from opsboard.feeds import rawstore

    with rawstore.open_raw(document.sha256) as content:
        assert content.read() == raw
    assert (document.size, document.window_start, document.options["charset"]) == (len(raw), DAY, "utf-8")


def test_a_file_that_is_no_report_is_not_even_kept(desk: Desk) -> None:
    for bad in (b"", b"%PDF-1.7 ...", b"<html><body>Sign in</body></html>", gzip.compress(b"[]" * 999)[:-9]):
        with pytest.raises(BadDocument):
            desk.keep(bad)
    assert not Document.objects.exists()
    assert not Ingest.objects.exists()


# --- the same again, restated, out of order -----------------------------------------------------


def test_the_same_bytes_twice_change_nothing_and_say_so(desk: Desk) -> None:
    report = [campaign(n) for n in range(1, 6)]
    desk.ingest(report)
    before = list(CampaignDay.objects.order_by("campaign_id").values())
    DirtyDay.objects.all().delete()
    outcome = desk.ingest(report)
    assert (outcome.state, outcome.changed) == (State.UNCHANGED, 0)
    assert "same file" in outcome.reason
    assert list(CampaignDay.objects.order_by("campaign_id").values()) == before
    assert not DirtyDay.objects.exists()


def test_the_same_rows_in_another_file_change_nothing(desk: Desk) -> None:
    desk.ingest([campaign(n) for n in (1, 2, 3)])
    DirtyDay.objects.all().delete()
    outcome = desk.ingest([campaign(n) for n in (3, 2, 1)])
    assert (outcome.state, outcome.changed, outcome.unchanged) == (State.UNCHANGED, 0, 3)
    assert not DirtyDay.objects.exists()


def test_a_restatement_writes_only_the_rows_that_differ(desk: Desk) -> None:
    first = desk.keep([campaign(n) for n in range(1, 101)])
    pipeline.run_ingest(first.pk)
    outcome = desk.ingest([campaign(n, 11 if n <= 10 else 10) for n in range(1, 101)])
    assert (outcome.state, outcome.changed, outcome.unchanged, outcome.deleted) == (State.APPLIED, 10, 90, 0)
    assert CampaignDay.objects.filter(document_id=first.document_id).count() == 90
    assert DirtyDay.objects.filter(date=DAY).count() == 1


def test_rows_that_amazon_no_longer_reports_vanish(desk: Desk) -> None:
    desk.ingest([campaign(n) for n in (1, 2, 3)])
    outcome = desk.ingest([campaign(n) for n in (1, 3)])
    assert (outcome.changed, outcome.deleted) == (0, 1)
    assert set(desk.spend()) == {(DAY, 1), (DAY, 3)}


def test_an_older_document_never_overwrites_a_newer_one(desk: Desk) -> None:
    desk.ingest([campaign(cost=2)], made=NOON)
    outcome = desk.ingest([campaign(cost=1)], made=NOON - timedelta(hours=1))
    assert outcome.state == State.SUPERSEDED
    assert desk.spend() == {(DAY, 1): 200}


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_whatever_order_three_versions_come_in_the_newest_stands(desk: Desk, order: tuple[int, ...]) -> None:
    for version in order:
        desk.ingest([campaign(cost=version)], made=NOON + timedelta(hours=version))
    assert desk.spend() == {(DAY, 1): 300}


def test_an_older_document_still_fills_the_days_nobody_covers(desk: Desk) -> None:
    later = DAY + timedelta(days=1)
    desk.ingest([campaign(cost=9)], made=NOON)
    outcome = desk.ingest(
        [campaign(cost=1), campaign(cost=2, day=later)], window=(DAY, later), made=NOON - timedelta(hours=1)
    )
    assert (outcome.state, outcome.days) == (State.APPLIED, [later])
    assert desk.spend() == {(DAY, 1): 900, (later, 1): 200}


def test_old_bytes_that_amazon_makes_again_count_as_news(desk: Desk) -> None:
    """A, then B, then A once more: the newest document says A, so A it is."""
    for cost in (1, 2, 1):
        desk.ingest([campaign(cost=cost)])
    assert desk.spend() == {(DAY, 1): 100}


def test_old_bytes_made_again_beat_a_newer_document_of_a_wider_window(desk: Desk) -> None:
    later = DAY + timedelta(days=1)
    desk.ingest([campaign(cost=1)])
    desk.ingest([campaign(cost=2), campaign(cost=2, day=later)], window=(DAY, later))
    outcome = desk.ingest([campaign(cost=1)])
    assert outcome.state == State.APPLIED
    assert desk.spend() == {(DAY, 1): 100, (later, 1): 200}


def test_a_copy_made_later_outranks_what_was_made_in_between(desk: Desk) -> None:
    desk.ingest([campaign(cost=1)], made=NOON)
    desk.ingest([campaign(cost=1)], made=NOON + timedelta(hours=2))
    assert desk.ingest([campaign(cost=5)], made=NOON + timedelta(hours=1)).state == State.SUPERSEDED
    assert desk.spend() == {(DAY, 1): 100}


def test_so_it_does_for_a_file_without_a_window(desk: Desk) -> None:
    desk.ingest([campaign(cost=1)], window=None, made=NOON)
    assert desk.ingest([campaign(cost=1)], window=None, made=NOON + timedelta(hours=2)).state == State.UNCHANGED
    assert desk.ingest([campaign(cost=5)], window=None, made=NOON + timedelta(hours=1)).state == State.SUPERSEDED
    assert desk.spend() == {(DAY, 1): 100}


def test_names_follow_the_newest_document_in_whatever_order(desk: Desk) -> None:
    before = DAY - timedelta(days=1)
    old = ([campaign(campaignName="old"), campaign(day=before, campaignName="old")], (before, DAY), NOON)
    new = ([campaign(campaignName="new")], (DAY, DAY), NOON + timedelta(hours=1))
    for content, window, made in (new, old):
        desk.ingest(content, window=window, made=made)
    assert Campaign.objects.get().name == "new"
    Campaign.objects.all().delete()
    other = Desk(make_scope())
    for content, window, made in (old, new):
        other.ingest(content, window=window, made=made)
    assert Campaign.objects.get().name == "new"


# --- days, emptiness --------------------------------------------------------------------------


def test_an_empty_report_says_zero_not_unknown(desk: Desk) -> None:
    outcome = desk.ingest([], window=(DAY, DAY + timedelta(days=2)))
    assert (outcome.state, outcome.rows_in) == (State.APPLIED, 0)
    assert list(Coverage.objects.order_by("date").values_list("date", "rows")) == [(day, 0) for day in days(DAY, 3)]
    assert DirtyDay.objects.count() == 3


def test_sudden_emptiness_is_held_and_the_facts_stay_until_a_person_says_so(desk: Desk) -> None:
    desk.ingest([campaign(n) for n in range(1, 41)])
    before = desk.spend()
    outcome = desk.ingest([campaign(n) for n in range(1, 6)])
    assert outcome.state == State.HELD
    assert "5 rows where 40 are stored" in outcome.reason
    assert desk.spend() == before
    assert desk.ingest([], force=False).state == State.HELD
    assert desk.ingest([campaign(1)], force=True).state == State.APPLIED
    assert desk.spend() == {(DAY, 1): 1000}


def test_a_small_shop_may_lose_its_few_rows(desk: Desk) -> None:
    desk.ingest([campaign(n) for n in (1, 2)])
    assert desk.ingest([]).state == State.APPLIED
    assert desk.spend() == {}


def test_a_day_nobody_asked_for_refuses_the_document(desk: Desk) -> None:
    outcome = desk.ingest([campaign(), campaign(day=DAY + timedelta(days=3))])
    assert outcome.state == State.REFUSED
    assert "2026-11-05 is not one of the days" in outcome.reason
    assert "line 2" in outcome.reason
    assert (desk.spend(), Coverage.objects.count()) == ({}, 0)


def test_a_file_without_a_window_speaks_for_the_days_in_it(desk: Desk) -> None:
    far = DAY + timedelta(days=40)
    outcome = desk.ingest([campaign(), campaign(day=far)], window=None)
    assert (outcome.state, outcome.days) == (State.APPLIED, [DAY, far])


def test_a_window_over_new_year_finds_its_partitions(desk: Desk) -> None:
    span = days(date(2026, 12, 30), 5)
    assert desk.ingest([campaign(day=day) for day in span], window=(span[0], span[-1])).state == State.APPLIED
    assert len(desk.spend()) == 5


def test_two_shops_never_touch_each_others_rows(desk: Desk) -> None:
    other = Desk(make_scope())
    desk.ingest([campaign(cost=1)])
    other.ingest([campaign(cost=2), campaign(2)])
    desk.ingest([])
    assert desk.spend() == {}
    assert other.spend() == {(DAY, 1): 200, (DAY, 2): 1000}


# --- what is wrong in it -------------------------------------------------------------------------


def test_a_missing_column_refuses_the_document_and_names_it(desk: Desk) -> None:
    desk.ingest([campaign()])
    row = campaign(2)
    del row["clicks"]
    outcome = desk.ingest([row])
    assert outcome.state == State.REFUSED
    assert "clicks" in outcome.reason
    assert outcome.errors[0]["line"] == 1
    assert set(desk.spend()) == {(DAY, 1)}


def test_one_bad_cell_in_a_thousand_costs_one_row_and_is_told(desk: Desk) -> None:
    report = [campaign(n) for n in range(1, 1001)]
    report[499]["clicks"] = "many"
    outcome = desk.ingest(report)
    assert (outcome.state, outcome.refused, outcome.changed) == (State.APPLIED, 1, 999)
    assert outcome.errors == [{"line": 500, "column": "clicks", "value": "many", "why": "is not a number"}]
    assert (DAY, 500) not in desk.spend()


def test_a_share_of_bad_cells_holds_the_document_and_changes_nothing(desk: Desk) -> None:
    desk.ingest([campaign(n) for n in range(1, 101)])
    before = desk.spend()
    report = [campaign(n, 99) for n in range(1, 101)]
    report[3]["cost"] = report[4]["cost"] = "??"
    outcome = desk.ingest(report)
    assert (outcome.state, outcome.refused) == (State.HELD, 2)
    assert "line 4" in outcome.reason
    assert "cost" in outcome.reason
    assert desk.spend() == before


def test_a_document_put_right_afterwards_is_applied(desk: Desk) -> None:
    assert desk.ingest([campaign(cost="??")]).state == State.HELD
    assert desk.ingest([campaign(cost=3)]).state == State.APPLIED
    assert desk.spend() == {(DAY, 1): 300}


def test_the_wrong_currency_refuses_the_document_by_line_and_column(desk: Desk) -> None:
    outcome = desk.ingest([campaign(1), campaign(2, campaignBudgetCurrencyCode="EUR")])
    assert outcome.state == State.REFUSED
    assert "EUR" in outcome.reason
    assert outcome.errors[0]["line"] == 2
    assert outcome.errors[0]["column"] == "campaignBudgetCurrencyCode"
    assert desk.spend() == {}


def test_a_campaign_named_twice_for_a_day_is_added_up(desk: Desk) -> None:
    outcome = desk.ingest([campaign(1, 1.5), campaign(1, 2.25), campaign(2, 1)])
    assert outcome.state == State.APPLIED
    row = CampaignDay.objects.get(campaign_id=1)
    assert (row.spend_minor, row.clicks, row.sales_minor) == (375, 20, 8100)
    assert desk.ingest([campaign(1, 2.25), campaign(2, 1), campaign(1, 1.5)]).state == State.UNCHANGED


def test_a_campaign_named_twice_is_added_up_over_what_looks_like_one_of_them(desk: Desk) -> None:
    """The stored row equals one of the two, so only the other would seem to differ."""
    desk.ingest([campaign(1, 1.5), campaign(2, 1)])
    assert desk.ingest([campaign(1, 1.5), campaign(1, 2.25), campaign(2, 1)]).changed == 1
    assert CampaignDay.objects.get(campaign_id=1).spend_minor == 375
    assert Coverage.objects.get().rows == 2
    assert desk.ingest([campaign(2, 1)]).deleted == 1


def test_a_campaign_said_twice_in_the_same_words_counts_twice(desk: Desk) -> None:
    desk.ingest([campaign(1, 1.5), campaign(2, 1)])
    assert desk.ingest([campaign(1, 1.5), campaign(1, 1.5), campaign(2, 1)]).changed == 1
    assert CampaignDay.objects.get(campaign_id=1).spend_minor == 300


def test_rows_that_are_gone_while_a_key_is_said_twice_do_vanish(desk: Desk) -> None:
    """As many rows as are stored, and yet one of them is another campaign's."""
    desk.ingest([campaign(1, 1.5), campaign(2, 1)])
    outcome = desk.ingest([campaign(1, 1.5), campaign(1, 1.5)])
    assert (outcome.changed, outcome.deleted) == (1, 1)
    assert desk.spend() == {(DAY, 1): 300}


def test_only_the_days_that_say_something_else_are_gone_through(desk: Desk) -> None:
    span = days(DAY, 3)
    desk.ingest([campaign(n, 5, day) for day in span for n in (1, 2)], window=(span[0], span[-1]))
    DirtyDay.objects.all().delete()
    again = [campaign(n, 6 if day == span[1] else 5, day) for day in span for n in (2, 1)]
    outcome = desk.ingest(again, window=(span[0], span[-1]))
    assert (outcome.state, outcome.changed, outcome.unchanged, outcome.days) == (State.APPLIED, 2, 4, span)
    assert set(DirtyDay.objects.values_list("date", flat=True)) == {span[1]}
    assert Coverage.objects.values("document").distinct().count() == 1


def test_facts_changed_behind_our_back_are_put_right_by_force(desk: Desk) -> None:
    desk.ingest([campaign(1, 5), campaign(2, 5)])
    CampaignDay.objects.filter(campaign_id=2).delete()
    assert desk.ingest([campaign(2, 5), campaign(1, 5)]).state == State.UNCHANGED
    assert desk.ingest([campaign(1, 5), campaign(2, 5)], force=True).changed == 1
    assert desk.spend() == {(DAY, 1): 500, (DAY, 2): 500}


def test_a_new_name_is_kept_although_every_figure_is_the_same(desk: Desk) -> None:
    desk.ingest([campaign(1)])
    desk.ingest([campaign(1, campaignName="Renamed")])
    assert Campaign.objects.get().name == "Renamed"


def test_a_document_for_days_nobody_spoke_of_is_all_or_nothing(desk: Desk) -> None:
    bad = [campaign(n, 1 if n < 60 else "??") for n in range(1, 100)]
    assert desk.ingest(bad).state == State.HELD
    assert desk.ingest([campaign(1), campaign(2, day=DAY + timedelta(days=40))]).state == State.REFUSED
    assert desk.ingest(json.dumps([campaign(1)]).encode() + b" x").state == State.REFUSED
    assert not CampaignDay.objects.exists()
    assert not Coverage.objects.exists()
    assert not DirtyDay.objects.exists()


def test_a_column_nobody_asked_for_is_reported_not_lost(desk: Desk) -> None:
    outcome = desk.ingest([campaign(topOfSearchShare=0.3)])
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, ["topOfSearchShare"])


def test_a_key_only_later_rows_have_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_CHUNK", 300)
    report = [campaign(n) for n in range(1, 30)]
    for row in report[:20]:
        del row["purchases7d"]
    assert desk.ingest(report).state == State.APPLIED
    assert sorted(CampaignDay.objects.values_list("orders", flat=True)) == [0] * 20 + [2] * 9


def test_rows_without_a_figure_they_must_have_are_refused_wherever_they_stand(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_CHUNK", 300)
    report = [campaign(n) for n in range(1, 301)]
    del report[299]["clicks"]
    outcome = desk.ingest(report)
    assert (outcome.state, outcome.refused) == (State.APPLIED, 1)
    assert outcome.errors == [{"line": 300, "column": "clicks", "value": "", "why": "is empty"}]


@pytest.mark.parametrize("cell", ["--", "N/A", "", None])
def test_a_dash_where_a_figure_must_be_is_a_refused_row_not_a_crash(desk: Desk, cell: Any) -> None:
    report = [campaign(n) for n in range(1, 201)]
    report[7]["clicks"] = cell
    outcome = desk.ingest(report)
    assert (outcome.state, outcome.refused) == (State.APPLIED, 1)


@pytest.mark.parametrize("strange", [{"campaignStatus": "X" * 300}, {"campaignName": "a\0b"}])
def test_a_text_that_fits_nowhere_refuses_the_document_in_a_sentence(desk: Desk, strange: dict[str, Any]) -> None:
    outcome = desk.ingest([campaign(**strange)])
    assert outcome.state == State.REFUSED
    assert desk.spend() == {}


@pytest.mark.parametrize(
    "content", [b'{"a":1}', b"hello", b'[{"date":1', b"[1,2,3]", b'{"rows":[{"a":1}]}', b"[[]]", b"{}"]
)
def test_what_is_no_campaign_report_is_refused_and_the_row_says_why(desk: Desk, content: bytes) -> None:
    ingest = desk.keep(content)
    outcome = pipeline.run_ingest(ingest.pk)
    assert outcome is not None
    ingest.refresh_from_db()
    assert ingest.state == outcome.state == State.REFUSED
    assert ingest.reason.endswith(".")
    assert ingest.finished_at is not None
    assert not Coverage.objects.exists()


def test_an_ingest_is_done_once(desk: Desk) -> None:
    ingest = desk.keep([campaign()])
    assert pipeline.run_ingest(ingest.pk) is not None
    assert pipeline.run_ingest(ingest.pk) is None


def test_a_crash_in_the_middle_leaves_the_old_facts_and_the_work_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ingest([campaign(cost=1)])
    ingest = desk.keep([campaign(cost=2)])
    from opsboard.feeds.replacement import Replacement

    def full(*_args: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="space"):
        broken.setattr(Replacement, "_mark_dirty", full)
        with transaction.atomic():
            pipeline.run_ingest(ingest.pk)
    assert desk.spend() == {(DAY, 1): 100}
    ingest.refresh_from_db()
    assert ingest.finished_at is None
    assert pipeline.run_ingest(ingest.pk) is not None
    assert desk.spend() == {(DAY, 1): 200}


# --- properties -----------------------------------------------------------------------------------

SPAN = days(DAY, 4)
truths = st.dictionaries(st.tuples(st.sampled_from(SPAN), st.integers(1, 6)), st.integers(0, 10**9), max_size=15)
windows = st.tuples(st.sampled_from(SPAN), st.sampled_from(SPAN)).map(lambda pair: (min(pair), max(pair)))
slowly = settings(
    max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def report_of(truth: dict[tuple[date, int], int], chosen: Callable[[date], bool] = lambda _day: True) -> bytes:
    """A report with these cents spent; campaigns from 5 on are in it twice, with a part each."""
    rows: list[dict[str, Any]] = []
    for (day, number), cents in truth.items():
        parts = (cents // 3, cents - cents // 3) if number >= 5 else (cents,)
        rows += [campaign(number, float(Decimal(part) / 100), day) for part in parts if chosen(day)]
    return json.dumps(rows).encode()


@slowly
@given(truth=truths, chunk=st.sampled_from([64, 700, 2 << 20]))
def test_the_facts_are_the_truth_of_the_report(
    kept: None, db: None, truth: dict[tuple[date, int], int], chunk: int
) -> None:
    desk = Desk(make_scope())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_CHUNK", chunk)
        assert desk.ingest(report_of(truth), window=(SPAN[0], SPAN[-1])).state == State.APPLIED
    assert desk.spend() == truth


@slowly
@given(data=st.data(), versions=st.lists(st.tuples(truths, windows), min_size=1, max_size=4))
def test_any_order_and_repetition_of_documents_ends_in_the_same_facts(
    kept: None, db: None, data: st.DataObject, versions: list[tuple[dict[tuple[date, int], int], tuple[date, date]]]
) -> None:
    desk = Desk(make_scope())
    wanted: dict[tuple[date, int], int] = {}
    for truth, (first, last) in versions:
        wanted = {key: cents for key, cents in wanted.items() if not first <= key[0] <= last}
        wanted |= {key: cents for key, cents in truth.items() if first <= key[0] <= last}
    order = data.draw(
        st.permutations([*range(len(versions)), *data.draw(st.lists(st.integers(0, len(versions) - 1), max_size=3))])
    )
    for number in order:
        truth, (first, last) = versions[number]
        content = report_of(truth, lambda day, first=first, last=last: first <= day <= last)  # type: ignore[misc]
        outcome = desk.ingest(content, window=(first, last), made=NOON + timedelta(hours=number))
        assert outcome.state in {State.APPLIED, State.UNCHANGED, State.SUPERSEDED}
    assert desk.spend() == wanted
    covered = {day for _truth, (first, last) in versions for day in SPAN if first <= day <= last}
    assert set(Coverage.objects.filter(account=desk.scope.account).values_list("date", flat=True)) == covered
