"""Seller feedback and seller-fulfilled returns: what is kept of buyers, and what never is."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from health.models import Feedback, SellerReturn
from opsboard.feeds import pipeline, rawstore
from opsboard.feeds.models import Coverage, Document, Ingest
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports import voice
from tests.factories import make_scope
from tests.feeds.reading import Read, read
from tests.feeds.test_pipeline import DAY, Desk, desk, kept
from tests.feeds.test_wild_files import tabs
from tests.simulator.seller import ANCHOR, Clock

__all__ = ["desk", "kept", "read"]
pytestmark = pytest.mark.django_db
State = Ingest.State
FEEDBACK = ["Date", "Rating", "Comments", "Your Response", "Order ID", "Rater Email"]
OLD_FEEDBACK = [*FEEDBACK[:4], "Arrived on Time", "Item as Described", "Customer Service", *FEEDBACK[4:], "Rater Role"]
ORDER = "112-0000001-0000001"


def said(
    comment: str = "Late", rating: Any = 2, day: str = "10/20/26", order: str = ORDER, answer: str = ""
) -> list[Any]:
    return [day, rating, comment, answer, order, "who.it.was@example.com"]


# --- feedback ---------------------------------------------------------------------------------------


def test_feedback_is_kept_without_whoever_gave_it(read: Read) -> None:
    found = read(tabs(FEEDBACK, said(), said("Broken", 1, answer="Sorry")), name="feedback.txt").json
    assert (found["type"], found["rows_in"], found["unknown_columns"]) == ("seller_feedback", 2, [])
    rows = {row.comment: row for row in Feedback.objects.all()}
    assert {(row.date, row.rating, row.answered) for row in rows.values()} == {
        (date(2026, 10, 20), 2, False),
        (date(2026, 10, 20), 1, True),
    }
    assert (rows["Late"].order_id, rows["Late"].comment_withheld) == (ORDER, False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM health_feedback")
        assert "example.com" not in str(cursor.fetchall())


@pytest.mark.parametrize(
    "comment",
    [
        "Write me at jane@doe.example please",
        "JANE.DOE+x@doe.example",
        "call 555 010 0200",
        "Tel. +49 (0)30 1234567",
        "my number: 030/123-4567-89",
        "order 112-1234567-1234567 never came",
    ],
)
def test_a_comment_that_says_where_the_buyer_can_be_reached_is_not_kept(read: Read, comment: str) -> None:
    read(tabs(FEEDBACK, said(comment)), name="feedback.txt")
    row = Feedback.objects.get()
    assert (row.comment, row.comment_withheld, row.rating) == ("", True, 2)


@pytest.mark.parametrize(
    "comment", ["Came @ 5 pm", "3 of 4 were broken, paid 12.50", "Size 10 x 20 cm", "Très en retard"]
)
def test_other_comments_are_kept_as_they_are(read: Read, comment: str) -> None:
    read(tabs(FEEDBACK, said(comment)), name="feedback.txt")
    assert (Feedback.objects.get().comment, Feedback.objects.get().comment_withheld) == (comment, False)


def test_the_older_layout_with_more_questions_is_read(read: Read) -> None:
    row = said()
    old = [*row[:4], "Yes", "No", "-", *row[4:], "Buyer"]
    found = read(tabs(OLD_FEEDBACK, old), name="feedback.txt").json
    assert (found["type"], found["unknown_columns"]) == ("seller_feedback", [])


#: marketplace -> how its feedback writes 5 October 2026, proved by a second day of that file
DAYS = {
    "US": ("10/5/26", "10/20/26"),
    "DE": ("05.10.26", "20.10.26"),
    "UK": ("05/10/26", "20/10/26"),
    "JP": ("2026/10/05", "2026/10/20"),
}


@pytest.mark.parametrize("marketplace", DAYS)
def test_days_are_read_as_the_marketplace_writes_them(read: Read, marketplace: str) -> None:
    early, late = DAYS[marketplace]
    read(tabs(FEEDBACK, said(day=early), said(day=late)), marketplace, name="feedback.txt")
    assert set(Feedback.objects.values_list("date", flat=True)) == {date(2026, 10, 5), date(2026, 10, 20)}


#: marketplace -> the header as Amazon gives it there, from the API too
HEADERS = {
    "DE": ["Datum", "Bewertung", "Kommentare", "Antwort", "Bestellnummer", "E-Mail des Bewerters"],
    "FR": ["Date", "Évaluation", "Commentaire", "Response", "Order ID", "E-mail de l'évaluateur"],
    "IT": ["Date", "Rating", "Comments", "Response", "Numero ordine", "E-mail autore della valutazione"],
    "ES": ["Date", "Rating", "Comentarios", "Response", "Número de pedido", "E-mail del cliente"],
    "NL": ["Datum", "Beoordeling", "Opmerkingen", "Antwoord", "Bestelnummer", "E-mail van beoordelaar"],
    "PL": ["Data", "Ocena", "Komentarze", "Odpowiedź", "Numer zamówienia", "E-mail oceniającego"],
}


@pytest.mark.parametrize("marketplace", HEADERS)
def test_feedback_in_the_words_of_the_marketplace_is_kept_without_whoever_gave_it(
    kept: None, read: Read, marketplace: str
) -> None:
    rows = [said(day=str(DAY), answer="Sorry"), said("Write me at jane@doe.example", 1, str(DAY))]
    desk = Desk(make_scope(marketplace=marketplace))
    content = tabs(HEADERS[marketplace], *rows)
    outcome = desk.ingest(content.encode(), "seller_feedback", (DAY, DAY))
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, [])
    told = [(row.comment, row.rating, row.answered, row.order_id) for row in Feedback.objects.order_by("line")]
    assert told[0] == ("Late", 2, True, ORDER)

    assert read(content, marketplace, name="feedback.txt").json["unknown_columns"] == []
    sent = Feedback.objects.order_by("-document_id", "line")[:2]
    assert [(row.comment, row.comment_withheld) for row in sent] == [("Late", False), ("", True)]
    with rawstore.open_raw(Document.objects.latest("pk").sha256) as raw:
        assert b"example" not in raw.read()


def test_feedback_that_was_taken_away_is_gone_with_the_next_report(desk: Desk) -> None:
    window = (DAY - timedelta(days=1), DAY)
    first = tabs(FEEDBACK, said(day=str(DAY)), said("Never came", 1, str(DAY)))
    assert desk.ingest(first.encode(), "seller_feedback", window).state == State.APPLIED
    assert desk.ingest(tabs(FEEDBACK, said(day=str(DAY))).encode(), "seller_feedback", window).state == State.APPLIED
    assert [row.comment for row in Feedback.objects.all()] == ["Late"]
    assert {row.date: row.rows for row in Coverage.objects.filter(dataset="seller_feedback")} == {window[0]: 0, DAY: 1}


@pytest.mark.parametrize("rating", ["0", "6", "good", ""])
def test_a_rating_that_cannot_be_is_held(read: Read, rating: str) -> None:
    assert read(tabs(FEEDBACK, said(rating=rating)), name="feedback.txt").code != 0
    assert not Feedback.objects.exists()


# --- returns ----------------------------------------------------------------------------------------


def sent_back(order: str = ORDER, day: str = "20-Oct-2026", **cells: Any) -> list[Any]:
    row = {
        "Order ID": order,
        "Order date": "01-Oct-2026",
        "Return request date": day,
        "Return request status": "Approved",
        "Amazon RMA ID": "D1RRMA",
        "Currency code": "USD",
        "Tracking ID": "1Z999",
        "ASIN": "B000000001",
        "Merchant SKU": "MUG-1",
        "Return quantity": 1,
        "Return Reason": "CR-DEFECTIVE",
        "Order Amount": "19.99",
        "Label cost": "4.50",
        **cells,
    }
    return [row.get(name, "") for name in voice.RETURNS_HEADER]


@pytest.mark.parametrize("columns", [32, 33])
def test_returns_are_read_in_both_lengths_of_the_header(read: Read, columns: int) -> None:
    content = tabs(voice.RETURNS_HEADER[:columns], sent_back()[:columns])
    found = read(content, name="returns.txt").json
    assert (found["type"], found["unknown_columns"]) == ("seller_returns", [])
    row = SellerReturn.objects.get()
    assert (row.date, row.ordered_on, row.received_on) == (date(2026, 10, 20), date(2026, 10, 1), None)
    assert (row.order_amount_minor, row.label_cost_minor, row.refunded_minor) == (1999, 450, None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM health_sellerreturn")
        assert "1Z999" not in str(cursor.fetchall())


def test_a_return_is_as_it_was_told_last_and_the_others_stay(read: Read, settings: Any, tmp_path: Any) -> None:
    settings.DOCUMENT_DIR, settings.OPSBOARD_HINTS = tmp_path, False
    desk = Desk(make_scope())
    two = [sent_back(), sent_back("112-0000002-0000002", **{"Amazon RMA ID": "D2RRMA"})]
    later = [sent_back(**{"Return request status": "Completed", "Refunded Amount": "19.99"})]
    for rows in (two, later):
        assert desk.ingest(tabs(voice.RETURNS_HEADER, *rows).encode(), "seller_returns", None).state == State.APPLIED
    found = {row.rma_id: (row.status, row.refunded_minor) for row in SellerReturn.objects.all()}
    assert found == {"D1RRMA": ("Completed", 1999), "D2RRMA": ("Approved", None)}


def test_a_return_told_in_another_currency_is_refused(read: Read) -> None:
    found = read(tabs(voice.RETURNS_HEADER, sent_back(**{"Currency code": "EUR"})), name="returns.txt")
    assert (found.code, "EUR" in found.err) == (2, True)
    assert not SellerReturn.objects.exists()


# --- the made-up seller -----------------------------------------------------------------------------


SHOPS = {"NA": "US", "EU": "DE", "FE": "JP"}
FIRST, LAST = ANCHOR - timedelta(days=30), ANCHOR - timedelta(days=1)
MADE = {"seller_feedback": (voice.feedback, Feedback), "seller_returns": (voice.returns, SellerReturn)}


@pytest.mark.parametrize("key", SHOPS)
@pytest.mark.parametrize("spec", MADE)
def test_what_the_simulator_serves_is_read_whole(kept: None, key: str, spec: str) -> None:
    make, model = MADE[spec]
    account, scope = ACCOUNTS[key], make_scope(marketplace=SHOPS[key])
    content = make(Truth(1, ANCHOR), account, FIRST, LAST, ANCHOR)
    document = pipeline.keep(
        io.BytesIO(content),
        spec_key=spec,
        account=scope.account,
        marketplace=scope.marketplace,
        source=Document.Source.SP_API,
        source_created_at=Clock()(),
        window=(FIRST, LAST),
        declared_charset=account.charset,
    )
    outcome = pipeline.run_ingest(document.ingests.get().pk)
    assert outcome is not None
    assert (outcome.state, outcome.refused, outcome.unknown_columns) == (State.APPLIED, 0, [])
    assert model.objects.count() == content.decode(account.charset).count("\n") - 1 > 3


@pytest.mark.parametrize("key", SHOPS)
def test_a_seller_is_said_no_more_of_than_his_orders(key: str) -> None:
    truth = Truth(1, ANCHOR)
    orders = {order.id for n in range(60) for order in truth.orders(key, ANCHOR - timedelta(days=n))}
    table = voice.returns(truth, ACCOUNTS[key], FIRST, LAST, ANCHOR).decode(ACCOUNTS[key].charset).splitlines()[1:]
    assert table and {line.split("\t")[0] for line in table} <= orders
