"""Date-range transactions as each marketplace words them: the same sale, to the same cent."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from finance.models import AccountTransaction
from tests.factories import make_scope

from .test_statements import load

pytestmark = pytest.mark.usefixtures("kept", "db")

#: What each column says, in the order of every header below; an empty name: the country has no such column.
_NAMES = (
    "when", "settlement", "kind", "order", "sku", "description", "quantity", "marketplace", "fulfilment", "city",
    "state", "postal", "sales", "sales_tax", "shipping", "gift_wrap", "promotion", "withheld", "selling", "fba",
    "other_fees", "other", "total",
)  # fmt: skip
ENGLISH = (
    "date/time|settlement id|type|order id|sku|description|quantity|marketplace|fulfilment|order city|order state|"
    "order postal|product sales|sales tax collected|postage credits|gift wrap credits|promotional rebates|"
    "Marketplace Facilitator Tax|selling fees|fba fees|other transaction fees|other|total"
)
SWEDISH = (
    "datum/tid|reglerings-id|typ|beställnings-id|sku|beskrivning|antal|marknadsplats|leverans|stad för beställning|"
    "delstat för beställning|postadress för beställning|försäljning av produkter|inkasserad moms|fraktkrediter|"
    "krediter för presentinslagning|kampanjrabatter|Skatt för marknadsplatsförmedlare|försäljningsavgifter|"
    "fba-avgifter|övriga transaktionsavgifter|Övrigt|totalt"
)
POLISH = (
    "data/godzina|identyfikator rozliczenia|typ|identyfikator zamówienia|sku|opis|ilość|rynek|realizacja|"
    "miejscowość zamówienia|stan zamówienia|przekaz pocztowy|sprzedaż produktów|pobrany podatek od sprzedaży|"
    "noty kredytowe za wysyłkę|środki na pokrycie pakowania na prezent|rabaty promocyjne|"
    "podatek od transakcji marketplace facilitator|opłaty za sprzedaż|opłaty za fba|inne opłaty transakcyjne|inne|suma"
)
DUTCH = (
    "datum/tijd|schikkings-ID|type|bestelnummer|sku|beschrijving|aantal|marketplace|fulfillment|bestelling stad|"
    "status bestelling|bestelling per post|verkoop van producten|geïnde omzetbelasting|Verzendtegoeden|"
    "kredietpunten cadeauverpakking|promotiekortingen|Belasting voor marketplace-facilitator|verkoopkosten|"
    "fba-vergoedingen|overige transactiekosten|overige|totaal"
)
BELGIAN = (
    "date/heure|Identifiant du paiement|type|Numéro de la commande|SKU|description|Quantité|site de vente|expédition|"
    "ville de la commande|état de la commande|commande postale|ventes de produits|taxe de ventes prélevée|"
    "crédits d'expédition|crédits d'emballage-cadeau|Total des réductions|Taxe Marketplace Facilitator|frais de vente|"
    "Frais pour le service Expédié par Amazon|autres frais de transaction|autres|total"
)
BRAZILIAN = (
    "data/hora|id de liquidação|tipo|id do pedido|sku|descrição|quantidade|mercado|atendimento|cidade do pedido|"
    "estado do pedido|postal do pedido|vendas do produto|imposto de vendas coletados|créditos de remessa|"
    "créditos de embalagem de presente|descontos promocionais||tarifas de venda|taxas fba|taxas de outras transações|"
    "outro|total"
)
INDIAN = (
    "date/time|settlement id|type|order id|Sku|description|quantity|marketplace|fulfillment|order city|order state|"
    "order postal|product sales|Total sales tax liable(GST before adjusting TCS)|shipping credits|gift wrap credits|"
    "promotional rebates||selling fees|fba fees|other transaction fees|other|total"
)
PREAMBLE = '"Includes Amazon Marketplace transactions"\n"All amounts in USD, unless specified"\n"Definitions:"\n'

#: country -> (header, moment, its words for a sale and for the marketplace, how it writes 1219.98 and -183.00)
COUNTRIES: dict[str, tuple[str, str, str, str, str]] = {
    "SE": (SWEDISH, "1 juli 2026 00:05:01 UTC", "Beställning", "amazon.se", "comma"),
    "PL": (POLISH, "1 lip 2026 00:05:01 UTC", "Zamówienie", "amazon.pl", "comma"),
    "NL": (DUTCH, "1 jul. 2026 00:05:01 UTC", "Bestelling", "amazon.nl", "comma"),
    "BE": (BELGIAN, "1 juil. 2026 00:05:01 UTC", "Commande", "amazon.com.be", "comma"),
    "BR": (BRAZILIAN, "1 de jul. de 2026 00:15:19 GMT-8", "Pedido", "amazon.com.br", "comma"),
    "IE": (ENGLISH, "1 Jul 2026 00:05:01 UTC", "Order", "amazon.ie", "dot"),
    "AE": (ENGLISH, "1 Jul 2026 12:05:01 a.m. UTC", "Order", "amazon.ae", "dot"),
    "AU": (ENGLISH, "1 Jul 2026 12:05:01 am UTC", "Order", "amazon.com.au", "dot"),
    "CA": (ENGLISH, "Jul 1, 2026 12:05:01 p.m. PDT", "Order", "amazon.ca", "dot"),
    "IN": (INDIAN, "1 Jul 2026 3:44:19 pm UTC", "Order", "amazon.in", "dot"),
}


def amount(minor: int, style: str) -> str:
    written = f"{minor / 100:,.2f}"
    return written if style == "dot" else written.replace(",", "\u00a0").replace(".", ",")


def statement(country: str, delimiter: str = ",") -> str:
    header, when, kind, marketplace, style = COUNTRIES[country]
    amounts = {"sales": 121998, "sales_tax": 8540, "shipping": 499, "gift_wrap": 0, "promotion": -200,
               "withheld": -8540, "selling": -18300, "fba": -410, "other_fees": 0, "other": 0}  # fmt: skip
    columns = dict(zip(_NAMES, header.split("|"), strict=True))
    if not columns["withheld"]:
        del columns["withheld"], amounts["withheld"]
    cells: dict[str, object] = {
        "when": when, "settlement": "2001", "kind": kind, "order": "112-1", "sku": "MUG-1", "description": "Mug, blue",
        "quantity": 1, "marketplace": marketplace, "fulfilment": "Amazon", "city": "X", "state": "Y",
        "postal": "1"}  # fmt: skip
    cells |= {name: amount(minor, style) for name, minor in amounts.items()}
    cells["total"] = amount(sum(amounts.values()), style)
    out = io.StringIO()
    rows = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    rows.writerows([columns.values(), [cells[name] for name in columns]])
    return PREAMBLE + out.getvalue()


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_sale_is_the_same_in_every_country(country: str, tmp_path: Path) -> None:
    said = load(make_scope(marketplace=country), tmp_path, statement(country))

    assert isinstance(said, dict), said
    assert (said["type"], said["changed"], said["unknown_columns"]) == ("statement", 1, [])
    sale = AccountTransaction.objects.get()
    assert (sale.kind, sale.order_id, sale.sku, sale.quantity) == ("Order", "112-1", "MUG-1", 1)
    assert sale.date == date(2026, 7, 1)
    withheld = 0 if country in {"BR", "IN"} else -8540
    assert (sale.sales_minor, sale.sales_tax_minor, sale.shipping_minor) == (121998, 8540, 499)
    assert (sale.promotion_minor, sale.withheld_tax_minor or 0) == (-200, withheld)
    assert (sale.selling_fees_minor, sale.fba_fees_minor) == (-18300, -410)
    assert sale.total_minor == 112127 + withheld


INDIAN_TAXES = (
    "date/time\tsettlement id\ttype\torder id\tSku\tdescription\tquantity\tproduct sales\t"
    "Total sales tax liable(GST before adjusting TCS)\tTCS-CGST\tTCS-SGST\tTCS-IGST\tTDS (Section 194-O)\t"
    "selling fees\tfba fees\tother transaction fees\tother\ttotal\tTransaction Status\tTransaction Release Date\n"
    "{when}\t2001\tOrder\t112-1\tMUG-1\tMug\t1\t1,23,761.86\t137.14\t-1.00\t-1.00\t-3.81\t-0.78\t-10.00\t0\t0\t0\t"
    "123,882.41\tReleased\t11 Aug 2026 7:12:14 am UTC\n"
)


@pytest.mark.parametrize("when", ["1 Aug 2026 3:44:19 pm UTC", "01-Aug-2026 14:22:10 IST", "01/08/2026 14:22:10 IST"])
def test_what_india_withholds_in_four_parts_is_one_tax(when: str, tmp_path: Path) -> None:
    text = INDIAN_TAXES.format(when=when).replace("123,882.41", "1,23,882.41")
    said = load(make_scope(marketplace="IN"), tmp_path, text)

    assert isinstance(said, dict), said
    assert said["unknown_columns"] == []
    sale = AccountTransaction.objects.get()
    assert (sale.sales_minor, sale.sales_tax_minor, sale.withheld_tax_minor) == (12376186, 13714, -659)
    assert (sale.total_minor, sale.date) == (12388241, date(2026, 8, 1))


def test_a_moment_without_its_zone_is_not_guessed(tmp_path: Path) -> None:
    said = load(make_scope(marketplace="IN"), tmp_path, INDIAN_TAXES.format(when="27/06/2026 10:00:00"))

    assert isinstance(said, str) and "27/06/2026 10:00:00" in said
    assert not AccountTransaction.objects.exists()
