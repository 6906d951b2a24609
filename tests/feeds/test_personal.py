"""Where buyers live is not kept: not as facts, not in the bytes behind them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from finance.models import AccountTransaction, OrderLine
from opsboard.feeds import personal, rawstore, registry
from opsboard.feeds.decode import decode
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Document
from tests.factories import make_scope
from tests.feeds.test_import_report import workbook
from tests.feeds.test_pipeline import Desk, kept
from tests.finance.conftest import tsv
from tests.finance.test_orders import NOW, line
from tests.finance.test_statements import AMERICAN, FEE, GERMAN, SALE

__all__ = ["kept"]
ORDERS, STATEMENT = "orders", "statement"


def clean(content: bytes, spec: str, **options: object) -> bytes:
    with (
        decode(io.BytesIO(content)) as decoded,
        personal.emptied(decoded, registry.spec(spec), options) as found,
    ):
        return found.file.read()


def test_the_kept_bytes_of_orders_name_no_place(kept: None, db: None) -> None:
    desk = Desk(make_scope())
    raw = tsv(NOW, [line(), line("111-2", ship_city="Ulm", ship_state="BW", ship_country="DE")])
    outcome = desk.ingest(raw, ORDERS)
    assert outcome.state == "applied" and OrderLine.objects.count() == 2
    document = Document.objects.get()
    with rawstore.open_raw(document.sha256) as stored:
        content = stored.read()
    assert content.splitlines()[0] == raw.splitlines()[0]
    for place in (b"Springfield", b"62701", b"Ulm", b"BW"):
        assert place in raw and place not in content
    assert len(content) == document.size
    assert content.count(b"\n") == 3 and b"111-2" in content and b"19.98" in content


def test_a_compressed_download_is_emptied_as_well(kept: None, db: None) -> None:
    desk = Desk(make_scope())
    desk.ingest(gzip.compress(tsv(NOW, [line()])), ORDERS)
    with rawstore.open_raw(Document.objects.get().sha256) as stored:
        assert b"Springfield" not in stored.read()
    assert OrderLine.objects.count() == 1


def test_the_same_file_twice_is_the_same_document_twice(kept: None, db: None) -> None:
    desk = Desk(make_scope())
    for _each in range(2):
        desk.ingest(tsv(NOW, [line()]), ORDERS)
    assert len(set(Document.objects.values_list("sha256", flat=True))) == 1


def test_only_personal_cells_change_in_a_tab_file() -> None:
    header = b"amazon-order-id\tship-city\tsku\tship-postal-code\r\n"
    content = header + b'1\tUlm\t"MUG"\t89073\r\n\r\n2\tK\xc3\xb6ln\tLID\t50667'
    assert clean(content, ORDERS) == header + b'1\t\t"MUG"\t\r\n\r\n2\t\tLID\t'


def test_a_file_of_many_blocks_keeps_every_other_byte() -> None:
    lines = [f"{number}\tUlm\tSKU-{number}\t{'x' * (number % 977)}" for number in range(3000)]
    content = "\n".join(["amazon-order-id\tship-city\tsku\tproduct-name", *lines, ""]).encode()
    assert len(content) > 4 << 18
    assert clean(content, ORDERS) == content.replace(b"\tUlm\t", b"\t\t")


def test_of_a_line_of_another_width_nothing_is_kept() -> None:
    content = b"amazon-order-id\tship-city\tsku\n1\tUlm\tMitte\tMUG\n2\tUlm\n"
    assert clean(content, ORDERS) == b"amazon-order-id\tship-city\tsku\n\t\t\t\n\t\n"


def test_lines_keep_their_numbers_in_a_csv_with_line_breaks_in_its_cells() -> None:
    content = 'preamble\n"order id","order city",sku,total\n1,"Am Ring 1\nUlm","MUG, ""red""",2\n2,Bonn,LID,3\n'
    found = clean(content.encode(), STATEMENT, delimiter=",", header_line=2).decode()
    assert found == 'preamble\norder id,order city,sku,total\n1,"\n","MUG, ""red""",2\n2,,LID,3\n'


def test_columns_are_known_in_the_language_of_the_file() -> None:
    content = GERMAN.encode("cp1252")
    found = clean(content, STATEMENT, delimiter=",", header_line=2).decode("cp1252")
    assert "Ort der Bestellung" in found and "1.025,20" in found
    assert "Ulm" not in found and "89073" not in found and ",BW," not in found


def test_a_workbook_is_not_kept() -> None:
    with (
        decode(io.BytesIO(workbook(["order id", "order city"], ["1", "Ulm"]))) as decoded,
        pytest.raises(BadDocument, match="cannot take out of a workbook"),
        personal.emptied(decoded, registry.spec(STATEMENT), {}),
    ):
        pass


@pytest.mark.django_db
def test_an_upload_leaves_no_place_on_disk_whatever_becomes_of_it(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path / "documents"
    file = tmp_path / "statement.csv"
    file.write_text(AMERICAN + SALE.replace('"-2.00"', '"-2.01"') + FEE)
    scope = make_scope()
    with pytest.raises(SystemExit):  # held: its amounts are not its total
        call_command("import_report", str(file), "--account", str(scope.account_id), "--marketplace", "US")
    assert not AccountTransaction.objects.exists()
    stored = [gzip.decompress(path.read_bytes()) for path in (tmp_path / "documents").rglob("*.gz")]
    assert len(stored) == 1 and b"SPRINGFIELD" not in stored[0] and b"62701" not in stored[0]
    assert b"-2.01" in stored[0]
