"""Whatever the truth is and however it arrives: the facts are the truth, and the newest of it.

Random truths and random orders of arrival, told by hypothesis, against a few lines of plain Python
that say what must come out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from ads.models import CampaignDay
from inventory.models import PlanningDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import pipeline, withdrawal
from opsboard.feeds.models import Document, Ingest
from tests.factories import make_scope

from .test_groups import Desk as OrderDesk
from .test_groups import desk as orders  # noqa: F401
from .test_groups import line_model  # noqa: F401

pytestmark = pytest.mark.django_db
FIRST = date(2026, 11, 1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHOPS = {"US": 2, "JP": 0, "DE": 2, "SE": 2}  # digits behind the point of its currency
CAREFUL = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def place(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False


@contextmanager
def shop(code: str) -> Iterator[AccountMarketplace]:
    """A marketplace of a new account, with everything told of it gone afterwards."""
    with transaction.atomic():
        yield make_scope(marketplace=code)
        transaction.set_rollback(True)


def hand_in(scope: AccountMarketplace, raw: bytes, spec: str, minute: int, **about: Any) -> str:
    document = pipeline.keep(
        io.BytesIO(raw),
        spec_key=spec,
        account=scope.account,
        marketplace=scope.marketplace,
        source=Document.Source.SP_API,
        source_created_at=NOON + timedelta(minutes=minute),
        **about,
    )
    outcome = pipeline.run_ingest(document.ingests.get().pk)
    assert outcome is not None
    return f"{outcome.state} {outcome.reason}".strip()


# --- the truth, per day, SKU and currency ---------------------------------------------------------

days = st.integers(0, 5).map(lambda n: FIRST + timedelta(days=n))
#: Anything a seller may type as an SKU: no tabs, line ends or blanks at its ends.
skus = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=12
).filter(lambda sku: sku == sku.strip())
truths = st.dictionaries(
    st.tuples(days, skus),
    st.tuples(st.integers(0, 10**6), st.one_of(st.none(), st.integers(0, 10**9))),
    min_size=1,
    max_size=15,
)


@CAREFUL
@given(truths, st.sampled_from(sorted(SHOPS)), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_what_a_planning_report_says_is_stored_per_day_sku_and_currency(
    truth: dict[tuple[date, str], tuple[int, int | None]], code: str, charset: str, ends_bare: bool
) -> None:
    with shop(code) as scope:
        currency, digits = scope.marketplace.currency, SHOPS[code]
        header = "snapshot-date sku currency available units-shipped-t7 units-shipped-t30 units-shipped-t90 your-price"
        lines = ["\t".join(header.split())]
        for (day, sku), (available, price) in truth.items():
            amount = "" if price is None else f"{Decimal(price).scaleb(-digits):f}"
            lines.append("\t".join([day.isoformat(), sku, currency, str(available), "1", "2", "", amount]))
        text = "\n".join(lines) + ("" if ends_bare else "\n")

        said = hand_in(scope, text.encode(charset), "planning", 1)

        assert said == Ingest.State.APPLIED
        facts = PlanningDay.objects.filter(account_id=scope.account_id, marketplace_id=scope.marketplace_id)
        stored = {(f.date, f.sku): (f.available, f.price_minor) for f in facts}
        assert stored == truth
        assert {(f.shipped_7, f.shipped_30, f.shipped_90, f.inbound) for f in facts} == {(1, 2, 0, None)}


# --- days: the newest document that speaks of a day has it -----------------------------------------


@dataclass(frozen=True)
class Told:
    """A report of some days: what it costs, by day and campaign, in cents."""

    first: date
    last: date
    rows: dict[tuple[date, int], int]


@st.composite
def reports(draw: st.DrawFn) -> Told:
    first, last = sorted([draw(days), draw(days)])
    inside = st.integers(0, (last - first).days).map(lambda n: first + timedelta(days=n))
    return Told(
        first, last, draw(st.dictionaries(st.tuples(inside, st.integers(1, 4)), st.integers(0, 10**6), max_size=6))
    )


@CAREFUL
@given(st.data(), st.lists(reports(), min_size=1, max_size=5))
def test_any_order_and_repetition_of_the_same_documents_ends_in_the_same_days(
    data: st.DataObject, told: list[Told]
) -> None:
    again = data.draw(st.lists(st.sampled_from(range(len(told))), max_size=4))
    arrival = data.draw(st.permutations([*range(len(told)), *again]))
    truth: dict[tuple[date, int], int] = {}
    for report in told:  # their place in the list is their age
        truth = {key: value for key, value in truth.items() if not report.first <= key[0] <= report.last}
        truth |= report.rows

    with shop("US") as scope:
        for age in arrival:
            records = [
                {
                    "date": day.isoformat(),
                    "campaignId": number,
                    "campaignName": f"C{number}",
                    "campaignBudgetCurrencyCode": "USD",
                    "impressions": 100,
                    "clicks": 3,
                    "cost": cents / 100,
                    "sales7d": 1.5,
                    "purchases7d": 1,
                    "unitsSoldClicks7d": 1,
                }
                for (day, number), cents in told[age].rows.items()
            ]
            window = told[age].first, told[age].last
            said = hand_in(scope, json.dumps(records).encode(), "sp_campaigns", age, window=window)
            assert said.split()[0] in {"applied", "unchanged", "superseded"}, said

        facts = CampaignDay.objects.filter(account_id=scope.account_id, marketplace_id=scope.marketplace_id)
        assert {(f.date, f.campaign_id): f.spend_minor for f in facts} == truth


# --- groups: the newest version of an order has it --------------------------------------------------

order_lines = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 9999)), min_size=1, max_size=3)
#: Order -> when it was last updated (hours), and its lines: SKU and cents.
order_reports = st.dictionaries(
    st.sampled_from(["1", "2", "3"]), st.tuples(st.integers(0, 3), order_lines), min_size=1, max_size=3
)


@CAREFUL
@given(st.data(), st.lists(order_reports, min_size=1, max_size=4))
def test_any_order_and_repetition_of_the_same_documents_ends_in_the_same_orders(
    orders: OrderDesk,  # noqa: F811
    line_model: type[models.Model],  # noqa: F811
    data: st.DataObject,
    told: list[dict[str, tuple[int, list[tuple[str, int]]]]],
) -> None:
    again = data.draw(st.lists(st.sampled_from(range(len(told))), max_size=4))
    arrival = data.draw(st.permutations([*range(len(told)), *again]))
    newest: dict[str, tuple[int, int]] = {}
    for age, report in enumerate(told):
        for number, (updated, _lines) in report.items():
            newest[number] = max(newest.get(number, (-1, -1)), (updated, age))
    truth = {number: sorted(told[age][number][1]) for number, (_updated, age) in newest.items()}

    with shop("US") as scope:
        orders.scope = scope
        for age in arrival:
            outcome = orders.ingest(*_order_lines(told[age]), made=NOON + timedelta(minutes=age))
            assert outcome.state in {"applied", "unchanged", "superseded"}, outcome

        assert _stored_orders(scope) == truth


def _order_lines(report: dict[str, tuple[int, list[tuple[str, int]]]]) -> list[tuple[str, ...]]:
    return [
        (
            number,
            sku,
            "2026-11-02T20:00:00+00:00",
            f"2026-11-03T{updated:02d}:00:00+00:00",
            "",
            f"{cents / 100:.2f}",
        )
        for number, (updated, said) in report.items()
        for sku, cents in said
    ]


def _stored_orders(scope: AccountMarketplace) -> dict[str, list[tuple[str, int]]]:
    stored: dict[str, list[tuple[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT order_id, sku, amount_minor FROM test_line WHERE account_id = %s", [scope.account_id])
        for number, sku, cents in cursor.fetchall():
            stored.setdefault(number, []).append((sku, cents))
    return {number: sorted(lines) for number, lines in stored.items()}


@CAREFUL
@given(st.data(), st.lists(order_reports, min_size=2, max_size=4))
def test_documents_taken_back_and_restored_at_any_time_leave_the_orders_of_those_that_count(
    orders: OrderDesk,  # noqa: F811
    line_model: type[models.Model],  # noqa: F811
    data: st.DataObject,
    told: list[dict[str, tuple[int, list[tuple[str, int]]]]],
) -> None:
    """Some of them told again by a newer document in the same words, between whose tellings others come."""
    told += [told[age] for age in data.draw(st.lists(st.sampled_from(range(len(told))), max_size=2))]
    events = data.draw(st.permutations([*range(len(told)), *data.draw(st.lists(st.integers(0, 5), max_size=6))]))
    documents: dict[int, Document] = {}

    with shop("US") as scope:
        orders.scope = scope
        for event in events:
            age = event % len(told)
            if (document := documents.get(age)) is None:
                documents[age] = document = orders.keep(*_order_lines(told[age]), made=NOON + timedelta(minutes=age))
                ingest = document.ingests.get()
            elif document.withdrawn_at is None:
                ingest = withdrawal.withdraw(document, user=None, why="A test")
            else:
                ingest = withdrawal.replay(document, user=None)
            assert orders.run(ingest).state in {"applied", "unchanged", "superseded", "withdrawn"}
            document.refresh_from_db()

            newest: dict[str, tuple[int, int]] = {}
            for age in [age for age, one in documents.items() if one.withdrawn_at is None]:
                for number, (updated, _said) in told[age].items():
                    newest[number] = max(newest.get(number, (-1, -1)), (updated, age))
            assert _stored_orders(scope) == {
                number: sorted(told[age][number][1]) for number, (_updated, age) in newest.items()
            }
