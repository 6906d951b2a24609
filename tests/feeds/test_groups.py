"""Orders and settlements: a document replaces the groups it names, wherever their days lie, and no other."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import pipeline, registry, withdrawal
from opsboard.feeds.errors import Held
from opsboard.feeds.facts import CompactTextField, Fact
from opsboard.feeds.models import Coverage, DirtyDay, Document, Ingest
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope
from tests.factories import make_scope

State = Ingest.State
MONDAY = date(2026, 11, 2)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture
def line_model(db: None) -> Iterator[type[models.Model]]:
    """A fact table of order lines, as the finance domain's."""
    with isolate_apps("ads"):

        class Line(Fact):
            pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "order_id", "ordinal")
            date = models.DateField()
            order_id = CompactTextField(max_length=40)
            ordinal = models.IntegerField()
            sku = CompactTextField(max_length=60)
            status = models.TextField(blank=True)
            amount_minor = models.BigIntegerField(null=True)
            updated = models.DateTimeField(null=True)

            class Meta:
                app_label = "ads"
                db_table = "test_line"

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE test_line (account_id smallint, marketplace_id smallint, date date, order_id text, "
            "ordinal integer, sku text NOT NULL, status text NOT NULL, amount_minor bigint, updated timestamptz, "
            "document_id bigint NOT NULL, line integer NOT NULL, "
            "PRIMARY KEY (account_id, marketplace_id, date, order_id, ordinal)) PARTITION BY RANGE (date)"
        )
    yield Line


def no_negative_total(cursor: Any, table: str, document: Document) -> None:
    cursor.execute(f"SELECT sum(amount_minor) FROM {table}")
    if (cursor.fetchone()[0] or 0) < 0:
        raise Held("The amounts come to less than nothing")


class Desk:
    """Where order documents of one shop are handed in: lines of (order, sku, bought, updated, status, amount)."""

    def __init__(self, scope: AccountMarketplace) -> None:
        self.scope = scope
        self.count = itertools.count()

    def keep(
        self, *lines: tuple[str, ...], window: tuple[date, date] | None = None, made: datetime | None = None
    ) -> Document:
        header = ("order", "sku", "bought", "updated", "status", "amount")
        text = "\n".join("\t".join(line) for line in [header, *lines]) + "\n"
        return pipeline.keep(
            io.BytesIO(text.encode()),
            spec_key="test_orders",
            account=self.scope.account,
            marketplace=self.scope.marketplace,
            source=Document.Source.SP_API,
            source_created_at=made or NOON + timedelta(minutes=next(self.count)),
            window=window,
        )

    def ingest(self, *lines: tuple[str, ...], **about: Any) -> pipeline.Outcome:
        return self.run(self.keep(*lines, **about).ingests.get())

    def run(self, ingest: Ingest) -> pipeline.Outcome:
        outcome = pipeline.run_ingest(ingest.pk)
        assert outcome is not None
        return outcome

    def stored(self) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT order_id, ordinal, sku, status, amount_minor FROM test_line ORDER BY order_id, ordinal"
            )
            return list(cursor.fetchall())


@pytest.fixture
def desk(line_model: type[models.Model], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False
    lines = Dataset(
        key="test_lines",
        label="Order lines",
        model=line_model,
        scope=Scope.GROUPS,
        group=("order_id",),
        version="updated",
        derived={"date": "(s.bought AT TIME ZONE %(zone)s)::date"},
        verify=no_negative_total,
        columns=(
            Column("order_id", Kind.TEXT, ("order",), required=True),
            Column("sku", Kind.TEXT, ("sku",), required=True),
            Column("bought", Kind.INSTANT, ("bought",), required=True),
            Column("updated", Kind.INSTANT, ("updated",)),
            Column("status", Kind.TEXT, ("status",), default=""),
            Column("amount_minor", Kind.MONEY, ("amount",), low=None),
        ),
    )
    spec = ReportSpec("test_orders", "Orders", "GET_TEST_ORDERS", "sp", "tsv", (lines,), max_days=30)
    monkeypatch.setitem(registry._specs, spec.key, spec)
    return Desk(make_scope())


def order(number: str, sku: str = "A", bought: str = "02T20", updated: str = "03T10", **more: str) -> tuple[str, ...]:
    made, touched = (f"2026-11-{moment}:00:00+00:00" for moment in (bought, updated))
    return (number, sku, made, touched, more.get("status", "Pending"), more.get("amount", "10.00"))


def test_lines_of_an_order_are_numbered_and_equal_ones_all_kept(desk: Desk) -> None:
    outcome = desk.ingest(order("1", "A"), order("1", "A"), order("2", "B"))
    assert (outcome.state, outcome.rows_in, outcome.changed) == (State.APPLIED, 3, 3)
    assert [row[:3] for row in desk.stored()] == [("1", 1, "A"), ("1", 2, "A"), ("2", 1, "B")]


def test_a_day_is_the_marketplaces_own(desk: Desk) -> None:
    desk.ingest(order("1", bought="03T04"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT date FROM test_line")
        assert cursor.fetchone()[0] == MONDAY  # eight in the evening in Los Angeles


def test_an_order_told_again_is_replaced_as_a_whole_and_others_stay(desk: Desk) -> None:
    desk.ingest(order("1", "A"), order("1", "B"), order("2", "C"))
    outcome = desk.ingest(order("1", "A", updated="05T10", status="Shipped"))
    assert (outcome.state, outcome.changed, outcome.deleted) == (State.APPLIED, 1, 1)
    assert [row[:4] for row in desk.stored()] == [("1", 1, "A", "Shipped"), ("2", 1, "C", "Pending")]


def test_the_same_orders_again_change_nothing_and_say_so(desk: Desk) -> None:
    desk.ingest(order("1"), order("2"))
    DirtyDay.objects.all().delete()
    outcome = desk.ingest(order("1"), order("2"))
    assert (outcome.state, outcome.changed, outcome.unchanged) == (State.UNCHANGED, 0, 2)
    assert not DirtyDay.objects.exists()


def test_an_older_version_of_an_order_never_overwrites_a_newer_one(desk: Desk) -> None:
    desk.ingest(order("1", updated="09T10", status="Shipped"))
    # The document came later, for somebody uploaded an old file.
    outcome = desk.ingest(order("1", updated="03T10", status="Pending"))
    assert outcome.changed == 0
    assert desk.stored()[0][3] == "Shipped"


def test_of_equal_versions_the_newer_document_wins_whatever_comes_first(desk: Desk) -> None:
    desk.ingest(order("1", amount="12.00"), made=NOON + timedelta(hours=2))
    desk.ingest(order("1", amount="11.00"), made=NOON + timedelta(hours=1))
    assert desk.stored()[0][4] == 1200


def test_a_late_document_from_between_two_that_say_the_same_changes_nothing(desk: Desk) -> None:
    """The second left the rows as they were, and is all the same the newest word on the whole order."""
    desk.ingest(order("1", "A"), order("1", "B", updated="04T10"), made=NOON)
    desk.ingest(order("1", "A"), order("1", "B", updated="04T10"), made=NOON + timedelta(hours=2))
    late = desk.ingest(
        order("1", "A", amount="11.00"),
        order("1", "B", updated="04T10", amount="11.00"),
        made=NOON + timedelta(hours=1),
    )
    assert late.changed == 0
    assert [row[4] for row in desk.stored()] == [1000, 1000]


def test_a_repetition_taken_back_lets_a_document_from_between_speak(desk: Desk) -> None:
    """The repetition wrote nothing; yet what it kept out counts once it is gone itself."""
    desk.ingest(order("1"), made=NOON)
    again = desk.keep(order("1"), made=NOON + timedelta(hours=2))
    desk.run(again.ingests.get())
    late = desk.ingest(order("1", amount="11.00"), made=NOON + timedelta(hours=1))
    assert (late.changed, desk.stored()[0][4]) == (0, 1000)
    desk.run(withdrawal.withdraw(again, user=None, why="Wrong shop"))
    assert desk.stored()[0][4] == 1100
    assert desk.run(withdrawal.replay(again, user=None)).changed == 1
    assert desk.stored()[0][4] == 1000


def test_a_line_that_a_document_left_out_is_back_when_it_is_taken_back(desk: Desk) -> None:
    desk.ingest(order("1", "A"), order("1", "B"), window=(MONDAY, MONDAY))
    shorter = desk.keep(order("1", "A"), window=(MONDAY, MONDAY))
    assert desk.run(shorter.ingests.get()).deleted == 1
    desk.run(withdrawal.withdraw(shorter, user=None, why="Wrong shop"))
    assert [row[2] for row in desk.stored()] == ["A", "B"]


def test_only_what_differs_is_written_and_names_the_newest_document(desk: Desk) -> None:
    lines = [order("1", sku) for sku in "ABCD"]
    desk.ingest(*lines)
    newer = desk.keep(*lines[:3], order("1", "D", amount="11.00"))
    assert desk.run(newer.ingests.get()).changed == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(sku ORDER BY sku) FROM test_line WHERE document_id = %s", [newer.pk])
        assert cursor.fetchone()[0] == ["D"]


def test_the_first_document_is_withdrawn_and_what_a_newer_one_repeated_stays(desk: Desk) -> None:
    lines = [order("1", sku) for sku in "ABC"]
    first = desk.keep(*lines, order("2", "Z"), window=(MONDAY, MONDAY))
    desk.run(first.ingests.get())
    newer = desk.keep(*lines[:2], order("1", "C", amount="11.00"), window=(MONDAY, MONDAY))
    desk.run(newer.ingests.get())
    desk.run(withdrawal.withdraw(first, user=None, why="Wrong shop"))
    assert [(row[2], row[4]) for row in desk.stored()] == [("A", 1000), ("B", 1000), ("C", 1100)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT document_id FROM test_line")
        assert cursor.fetchall() == [(newer.pk,)]


def test_a_table_nobody_has_counted_is_counted_before_it_is_compared(desk: Desk) -> None:
    """Taken for empty, it would be gone through once for every order: a thousand lines took minutes."""
    desk.ingest(order("1"))
    desk.ingest(order("1", status="Shipped"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname LIKE 'test_line_y%'")
        assert all(row[0] >= 0 for row in cursor.fetchall())


def test_any_order_and_repetition_of_the_documents_ends_in_the_same_facts(desk: Desk) -> None:
    told = [
        ([order("1", "A"), order("2", "B")], NOON),
        ([order("1", "A", updated="04T10", status="Shipped"), order("3", "C", bought="04T20")], NOON + timedelta(1)),
        ([order("2", "B", updated="05T10", status="Cancelled", amount="")], NOON + timedelta(2)),
    ]
    results = set()
    for sequence in itertools.permutations(range(3)):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE test_line")
        Coverage.objects.all().delete()
        for number in (*sequence, sequence[0]):
            lines, made = told[number]
            desk.ingest(*lines, made=made)
        results.add(tuple(desk.stored()))
    assert results == {
        (("1", 1, "A", "Shipped", 1000), ("2", 1, "B", "Cancelled", None), ("3", 1, "C", "Pending", 1000)),
    }


def test_a_window_is_covered_though_no_order_was_touched_in_it(desk: Desk) -> None:
    window = (MONDAY, MONDAY + timedelta(days=2))
    outcome = desk.ingest(order("1"), window=window)
    assert len(outcome.days) == 3
    assert dict(Coverage.objects.values_list("date", "rows")) == {
        MONDAY: 1,
        MONDAY + timedelta(days=1): 0,
        MONDAY + timedelta(days=2): 0,
    }
    assert desk.ingest(window=(MONDAY + timedelta(days=3),) * 2).state == State.APPLIED
    assert Coverage.objects.count() == 4


def test_an_old_order_in_a_window_does_not_make_its_day_complete(desk: Desk) -> None:
    desk.ingest(order("1", bought="02T20"), window=(date(2026, 11, 8), date(2026, 11, 8)))
    assert list(Coverage.objects.values_list("date", flat=True)) == [date(2026, 11, 8)]
    assert MONDAY in set(DirtyDay.objects.values_list("date", flat=True))


def test_what_does_not_add_up_is_held_and_can_be_applied_by_hand(desk: Desk) -> None:
    document = desk.keep(order("1", amount="-5.00"))
    outcome = desk.run(document.ingests.get())
    assert (outcome.state, desk.stored()) == (State.HELD, [])
    assert "less than nothing" in outcome.reason
    forced = withdrawal.replay(document, user=None, why="It is a refund", force=True)
    assert desk.run(forced).state == State.APPLIED
    assert desk.stored()[0][4] == -500


def test_an_instant_without_a_zone_is_refused_with_its_line(desk: Desk) -> None:
    wrong = ("1", "A", "2026-11-02 20:00:00", "2026-11-03T10:00:00Z", "Pending", "1.00")
    outcome = desk.ingest(wrong)
    assert outcome.state == State.HELD  # every row of it
    assert "time zone" in outcome.reason
    assert outcome.errors[0]["line"] == 2


def test_a_withdrawn_document_lets_its_orders_fall_back(desk: Desk) -> None:
    desk.ingest(order("1", "A"), order("2", "B"), window=(MONDAY, MONDAY))
    newer = desk.keep(order("1", "A", updated="05T10", status="Shipped"), order("3", "C"), window=(MONDAY, MONDAY))
    desk.run(newer.ingests.get())
    outcome = desk.run(withdrawal.withdraw(newer, user=None, why="Wrong shop"))
    assert outcome.state == State.WITHDRAWN
    assert [row[:4] for row in desk.stored()] == [("1", 1, "A", "Pending"), ("2", 1, "B", "Pending")]
    assert Coverage.objects.get().document_id != newer.pk
    assert desk.run(withdrawal.replay(newer, user=None)).state == State.APPLIED
    assert [row[:4] for row in desk.stored()] == [
        ("1", 1, "A", "Shipped"),
        ("2", 1, "B", "Pending"),
        ("3", 1, "C", "Pending"),
    ]


def test_withdrawing_the_only_document_leaves_days_missing(desk: Desk) -> None:
    only = desk.keep(order("1"), window=(MONDAY, MONDAY))
    desk.run(only.ingests.get())
    desk.run(withdrawal.withdraw(only, user=None, why="A test"))
    assert desk.stored() == []
    assert not Coverage.objects.exists()
    assert MONDAY in set(DirtyDay.objects.values_list("date", flat=True))
