"""Workbooks made to hurt."""

from __future__ import annotations

from collections.abc import Callable

from . import EITHER, HEADER, MB, READ, REFUSED, ROW, plain
from .packed import zipped

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = HEADER.strip().split("\t")


def _cell(row: int, column: int, value: str) -> str:
    return f'<c r="{chr(65 + column)}{row}" t="inlineStr"><is><t>{value}</t></is></c>'


def _row(number: int, values: list[str]) -> str:
    cells = "".join(_cell(number, at, value) for at, value in enumerate(values))
    return f'<row r="{number}">{cells}</row>'


def _good_rows(count: int = 30) -> str:
    return _row(1, _HEAD) + "".join(_row(n + 2, ROW.format(n=n).strip().split("\t")) for n in range(count))


def sheet(rows: str, before: str = "", size: str = "") -> bytes:
    told = f'<dimension ref="{size}"/>' if size else ""
    return f'<?xml version="1.0"?>{before}<worksheet {_MAIN}>{told}<sheetData>{rows}</sheetData></worksheet>'.encode()


def workbook(
    sheets: list[bytes] | None = None, *, strings: bytes = b"", styles: bytes = b"", book: str = "", more: str = ""
) -> bytes:
    """An XLSX with these sheets, smallest parts that every reader takes."""
    sheets = sheets if sheets is not None else [sheet(_good_rows())]
    names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, len(sheets) + 1))
    parts = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    if strings:
        parts += f'<Relationship Id="rIdS" Type="{_RELS}/sharedStrings" Target="sharedStrings.xml"/>'
    if styles:
        parts += f'<Relationship Id="rIdT" Type="{_RELS}/styles" Target="styles.xml"/>'
    package = "http://schemas.openxmlformats.org/package/2006"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    rels = f'<Relationships xmlns="{package}/relationships">{parts}</Relationships>'
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        f"{overrides}</Types>".encode(),
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode(),
        "xl/workbook.xml": f'<?xml version="1.0"?>{book}<workbook {_MAIN} xmlns:r="{_RELS}">'
        f"<sheets>{names}</sheets>{more}</workbook>".encode(),
        "xl/_rels/workbook.xml.rels": rels.encode(),
    }
    members |= {f"xl/worksheets/sheet{n}.xml": content for n, content in enumerate(sheets, 1)}
    if strings:
        members["xl/sharedStrings.xml"] = strings
    if styles:
        members["xl/styles.xml"] = styles
    return zipped(members)


def book(name: str, make: Callable[[], bytes], ends: str = REFUSED, says: str = "") -> None:
    plain(name, make, ends, says, suffix=".xlsx")


def _strings(items: str) -> bytes:
    return f'<?xml version="1.0"?><sst {_MAIN}>{items}</sst>'.encode()


def _shared(rows: int, columns: int) -> str:
    return "".join(
        f'<row r="{n}">' + "".join(f'<c r="{chr(65 + at)}{n}" t="s"><v>0</v></c>' for at in range(columns)) + "</row>"
        for n in range(2, rows + 2)
    )


_LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
    + "]>"
)
_XXE = '<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>'
_DATES = (
    f'<?xml version="1.0"?><styleSheet {_MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd"/>'
    '</numFmts><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>'
).encode()

book("workbook whose sheet explodes", lambda: workbook([sheet(_good_rows() + " " * (100 * MB))]), says="more text")
book(
    "workbook of 100 MB of cells",
    lambda: workbook([sheet(_row(1, _HEAD) + '<row r="2">' + "<c><v>1</v></c>" * (6 * MB) + "</row>")]),
)
book(
    "workbook that claims to be as large as can be",
    lambda: workbook([sheet(_good_rows(), size="A1:XFD1048576")]),
    READ,
)
book(
    "workbook with a cell in the last corner",
    lambda: workbook([sheet(_good_rows() + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')]),
)
book(
    "workbook with a cell far below",
    lambda: workbook([sheet(_good_rows() + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>')]),
    EITHER,
)
book(
    "workbook whose shared string is one megabyte, shown a thousand times",
    lambda: workbook([sheet(_row(1, _HEAD) + _shared(1000, 6))], strings=_strings(f"<si><t>{'x' * MB}</t></si>")),
)
book(
    "workbook of ten million shared strings",
    lambda: workbook([sheet(_good_rows())], strings=_strings("<si><t/></si>" * (10 * MB))),
)
book("workbook of a thousand laughs in a sheet", lambda: workbook([sheet(_row(1, ["&lol9;"] * 6), _LAUGHS)]))
book(
    "workbook of a thousand laughs in its strings",
    lambda: workbook(
        [sheet(_row(1, _HEAD) + _shared(3, 6))],
        strings=_LAUGHS.encode() + _strings("<si><t>&lol9;</t></si>"),
    ),
)
book("workbook of a thousand laughs in the book", lambda: workbook(book=_LAUGHS))
book("workbook that reads another file", lambda: workbook([sheet(_row(1, ["&xxe;"] * 6), _XXE)]))
book("workbook of 1,500 sheets", lambda: workbook([sheet(_good_rows(2))] * 1500))
book(
    "workbook of 60,000 columns",
    lambda: workbook([sheet('<row r="1">' + '<c t="inlineStr"><is><t>a</t></is></c>' * 60_000 + "</row>")]),
)
book("workbook nested a million deep", lambda: workbook([sheet("<a>" * MB)]))
book("workbook without its sheet", lambda: workbook([]))
book("workbook of nothing", lambda: zipped({"xl/workbook.xml": b""}))
book(
    "workbook with a day in the year 10^15",
    lambda: workbook(
        [
            sheet(
                _good_rows() + '<row r="40"><c r="A40" s="1"><v>1E+15</v></c><c r="B40" s="1"><v>-1E+300</v></c></row>'
            )
        ],
        styles=_DATES,
    ),
    EITHER,
)
book(
    "workbook with numbers beyond all",
    lambda: workbook(
        [sheet(_good_rows() + f'<row r="40"><c r="A40"><v>1e400</v></c><c r="B40"><v>{"9" * MB}</v></c></row>')]
    ),
    EITHER,
)
book(
    "workbook with formulas and their values",
    lambda: workbook(
        [
            sheet(
                _row(1, _HEAD)
                + '<row r="2"><c r="A2" t="str"><f>HYPERLINK("http://x","Mug")</f><v>Mug</v></c>'
                + "".join(_cell(2, at, text) for at, text in enumerate("=1+1 B000000001".split(), 1))
                + '<c r="D2"><f>9+0.99</f><v>9.99</v></c><c r="E2"><f>2+3</f><v>5</v></c>'
                + _cell(2, 5, "Active")
                + "</row>"
            )
        ]
    ),
    READ,
)
book(
    "workbook with formulas never worked out",
    lambda: workbook(
        [
            sheet(
                _row(1, _HEAD)
                + '<row r="2">'
                + "".join(_cell(2, at, text) for at, text in enumerate("Mug M-1 B000000001".split()))
                + '<c r="D2"><f>9+0.99</f></c><c r="E2"><f>2+3</f></c>'
                + _cell(2, 5, "Active")
                + "</row>"
            )
        ]
    ),
    says="formula",
)
