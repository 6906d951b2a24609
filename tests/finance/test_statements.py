"""Date-range transactions of Seller Central, in the languages and number styles they come in."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Sum

from finance.models import AccountTransaction
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import moments
from tests.factories import make_scope

pytestmark = pytest.mark.usefixtures("kept", "db")

AMERICAN = (
    '"Includes Amazon Marketplace, Fulfillment by Amazon (FBA), and Amazon Webstore transactions"\n'
    '"All amounts in USD, unless specified"\n'
    '"Definitions:"\n'
    '"Sales tax collected: Includes sales tax collected from buyers for product sales, shipping, and gift wrap."\n'
    '"date/time","settlement id","type","order id","sku","description","quantity","marketplace","account type",'
    '"fulfillment","order city","order state","order postal","tax collection model","product sales",'
    '"product sales tax","shipping credits","shipping credits tax","gift wrap credits","giftwrap credits tax",'
    '"Regulatory Fee","Tax On Regulatory Fee","promotional rebates","promotional rebates tax",'
    '"marketplace withheld tax","selling fees","fba fees","other transaction fees","other","total"\n'
)
SALE = (
    '"Jul 1, 2026 12:00:05 AM PDT","2001","Order","112-1","MUG-1","Stoneware mug","1","amazon.com","Standard Orders",'
    '"Amazon","SPRINGFIELD","IL","62701","MarketplaceFacilitator","1,219.98","85.40","0","0","0","0","0","0","-2.00","0",'
    '"-85.40","-183.00","-4.10","0","0","1,030.88"\n'
)
FEE = (
    '"Jul 1, 2026 3:15:00 PM PDT","2001","Service Fee","","","Cost of Advertising","","Amazon.com","","","","","",'
    '"","0","0","0","0","0","0","0","0","0","0","0","0","0","-12.34","0","-12.34"\n'
)
GERMAN = (
    '"Alle Beträge in Euro sofern nicht anders gekennzeichnet"\n'
    '"Datum/Uhrzeit","Abrechnungsnummer","Typ","Bestellnummer","SKU","Beschreibung","Menge","Marketplace","Versand",'
    '"Ort der Bestellung","Bundesland","Postleitzahl","Steuererhebungsmodell","Umsätze","Produktumsatzsteuer",'
    '"Gutschrift für Versandkosten","Steuer auf Versandgutschrift","Gutschrift für Geschenkverpackung",'
    '"Steuer auf Geschenkverpackungsgutschriften","Rabatte aus Werbeaktionen","Steuer auf Aktionsrabatte",'
    '"Einbehaltene Steuer auf Marketplace","Verkaufsgebühren","Gebühren zu Versand durch Amazon",'
    '"Andere Transaktionsgebühren","Andere","Gesamt"\n'
    '"01.07.2026 22:05:01 UTC","3001","Bestellung","302-1","MUG-1","Becher","1","amazon.de","Amazon","Ulm","BW",'
    '"89073","","1.025,20","194,79","0","0","0","0","0","0","0","-183,00","-4,10","0","0","1.032,89"\n'
    '"02.07.2026 04:00:00 UTC","3001","Übertrag","","","An Konto mit der Endziffer: 388","","","","","","","","0","0",'
    '"0","0","0","0","0","0","0","0","0","0","-1.032,89","-1.032,89"\n'
)
FRENCH = (
    '"date/heure","numéro de versement","type","numéro de la commande","sku","description","quantité","Marketplace",'
    '"traitement","ville d\'où provient la commande","Région d\'où provient la commande","code postal de la commande",'
    '"Modèle de perception des taxes","ventes de produits","Taxes sur la vente des produits","crédits d\'expédition",'
    '"taxe sur les crédits d’expédition","crédits sur l\'emballage cadeau","Taxes sur les crédits cadeaux",'
    '"Rabais promotionnels","Taxes sur les remises promotionnelles","Taxes retenues sur le site de vente",'
    '"frais de vente","Frais Expédié par Amazon","autres frais de transaction","autre","total"\n'
    '"1 juil. 2026 00:05:01 UTC","4001","Remboursement","404-1","MUG-1","Tasse","1","amazon.fr","Amazon","LYON","",'
    '"69001","","-1 025,20","-205,04","0","0","0","0","0","0","0","153,78","0","0","0","-1 076,46"\n'
)


def load(scope: AccountMarketplace, tmp_path: Path, text: str | bytes, **options: Any) -> dict[str, Any] | str:
    """What the command says: its report, or the sentence it refuses the file with."""
    file = tmp_path / "transactions.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8-sig"))
    out, err = io.StringIO(), io.StringIO()
    where = ["--account", str(scope.account_id), "--marketplace", scope.marketplace.code, "--json"]
    try:
        call_command("import_report", str(file), *where, stdout=out, stderr=err, **options)
    except SystemExit:
        return err.getvalue()
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_statement_is_read_behind_its_preamble_to_the_cent(tmp_path: Path) -> None:
    said = load(make_scope(), tmp_path, AMERICAN + SALE + FEE)

    assert isinstance(said, dict), said
    assert (said["type"], said["rows_in"], said["changed"], said["first_day"]) == ("statement", 2, 2, "2026-07-01")
    assert said["unknown_columns"] == []
    sale = AccountTransaction.objects.get(kind="Order")
    assert sale.posted_at == datetime(2026, 7, 1, 7, 0, 5, tzinfo=UTC) and sale.date == date(2026, 7, 1)
    assert (sale.sales_minor, sale.promotion_minor, sale.withheld_tax_minor) == (121998, -200, -8540)
    assert (sale.selling_fees_minor, sale.fba_fees_minor, sale.total_minor) == (-18300, -410, 103088)
    assert (sale.order_id, sale.sku, sale.quantity, sale.description) == ("112-1", "MUG-1", 1, "")
    fee = AccountTransaction.objects.get(kind="Service Fee")
    assert (fee.description, fee.other_fees_minor, fee.quantity) == ("Cost of Advertising", -1234, None)


def test_a_german_statement_has_german_numbers_days_and_words(tmp_path: Path) -> None:
    said = load(make_scope(marketplace="DE"), tmp_path, GERMAN.encode("cp1252"))

    assert isinstance(said, dict), said
    assert said["unknown_columns"] == [] and said["changed"] == 2
    sale = AccountTransaction.objects.get(kind="Order")
    assert (sale.sales_minor, sale.sales_tax_minor, sale.total_minor) == (102520, 19479, 103289)
    assert sale.date == date(2026, 7, 2)  # two hours after ten in the evening, UTC
    assert AccountTransaction.objects.get(kind="Transfer").total_minor == -103289
    assert AccountTransaction.objects.aggregate(sum=Sum("total_minor"))["sum"] == 0


def test_a_french_statement_has_french_months_and_spaces_in_its_thousands(tmp_path: Path) -> None:
    said = load(make_scope(marketplace="FR"), tmp_path, FRENCH)
    assert isinstance(said, dict), said
    refund = AccountTransaction.objects.get()
    assert (refund.kind, refund.sales_minor, refund.total_minor) == ("Refund", -102520, -107646)
    assert refund.posted_at == datetime(2026, 7, 1, 0, 5, 1, tzinfo=UTC)


def test_ranges_that_overlap_count_nothing_twice(tmp_path: Path) -> None:
    scope = make_scope()
    load(scope, tmp_path, AMERICAN + SALE + FEE)
    said = load(scope, tmp_path, AMERICAN + FEE + FEE.replace("Jul 1", "Jul 2"))
    assert isinstance(said, dict) and said["changed"] == 1
    assert AccountTransaction.objects.count() == 3


def test_two_equal_lines_are_two_transactions(tmp_path: Path) -> None:
    load(make_scope(), tmp_path, AMERICAN + FEE + FEE)
    assert AccountTransaction.objects.aggregate(sum=Sum("total_minor"))["sum"] == -2468


def test_a_line_whose_amounts_are_not_its_total_holds_the_file(tmp_path: Path) -> None:
    said = load(make_scope(), tmp_path, AMERICAN + SALE.replace('"-2.00"', '"-2.01"'))
    assert isinstance(said, str) and "are not their total" in said and "$1,030.87" in said and "line 6" in said
    assert not AccountTransaction.objects.exists()


def test_a_column_nobody_knows_cannot_swallow_money(tmp_path: Path) -> None:
    said = load(make_scope(), tmp_path, (AMERICAN + SALE).replace('"other transaction fees"', '"new fee"').replace(
        '"-4.10","0","0","1,030.88"', '"-4.10","-1.00","0","1,029.88"'))  # fmt: skip
    assert isinstance(said, str) and "may have a column opsboard does not know" in said


def test_a_statement_of_another_marketplace_is_the_wrong_file(tmp_path: Path) -> None:
    said = load(make_scope(marketplace="FR"), tmp_path, GERMAN)
    assert isinstance(said, str) and "It is about “amazon.de”, and this is marketplace FR" in said


def test_a_moment_without_its_zone_is_not_guessed(tmp_path: Path) -> None:
    said = load(make_scope(), tmp_path, AMERICAN + SALE.replace(" PDT", ""))
    assert isinstance(said, str) and "Jul 1, 2026 12:00:05 AM" in said
    assert not AccountTransaction.objects.exists()


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("July 1, 2026 12:00:05 AM PDT", "2026-07-01T00:00:05-07:00"),
        ("Jan 31, 2026 12:00:05 PM PST", "2026-01-31T12:00:05-08:00"),
        ("Jul. 1, 2026 1:02:03 p.m. PDT", "2026-07-01T13:02:03-07:00"),
        ("01.07.2026 00:05:01 UTC", "2026-07-01T00:05:01+00:00"),
        ("1 Jul 2026 00:05:01 UTC", "2026-07-01T00:05:01+00:00"),
        ("1 lug 2026 23:59:59 UTC", "2026-07-01T23:59:59+00:00"),
        ("2026/07/01 0:21:14 JST", "2026-07-01T00:21:14+09:00"),
        ("1 jul 2026 00:05:01 GMT-7", "2026-07-01T00:05:01-07:00"),
        ("2026-07-01T00:05:01.500+00:00", "2026-07-01T00:05:01+00:00"),
        ("31/07/2026 1:05:01 AM GMT+09:00", "2026-07-31T01:05:01+09:00"),
        # What is not a moment, or not surely one, stays as it stands and is refused by name.
        ("1 Jul 2026 00:05:01 IST", "1 Jul 2026 00:05:01 IST"),
        ("Jul 1, 2026 13:00:05 PM PDT", "Jul 1, 2026 13:00:05 PM PDT"),
        ("1 Jul 2026", "1 Jul 2026"),
        ("32 Jul 2026 00:05:01 UTC", "32 Jul 2026 00:05:01 UTC"),
    ],
)
def test_moments_are_read_in_every_spelling_or_not_at_all(cell: str, moment: str) -> None:
    assert moments.canonical(cell, "dmy") == moment
