"""What is this file? By its columns or its shape, never by its name.

`recognise` finds the table in a decoded upload (delimiter, preamble, sheet) and the one
ReportSpec whose required columns it has. A file that fits two is a question, one that fits none
is refused by the name of what it is, or with the columns it has and those opsboard looks for.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from django.utils.translation import gettext as _

from . import cells, glossary, kinds, languages, registry, table_rows, tables
from .decode import HEAD, Decoded
from .errors import Ambiguous, BadDocument, Empty, MissingColumn, UnknownKind, WrongCharset
from .readers import MAX_COLUMNS, Batch, read_json
from .registry import Dataset, ReportSpec
from .staging import canonical, columns_of, match
from .tables import Layout

#: Preambles are a few lines; a header further down is not one.
PREAMBLE_LINES = 30
DELIMITERS = "\t,;|"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file with a name: the spec that reads it and, for tables, where its table stands."""

    spec: ReportSpec
    layout: Layout | None = None
    #: Days a JSON document says it is about.
    window: tuple[date, date] | None = None


def recognise(decoded: Decoded, wanted: str = "") -> Recognised:
    """Name the file; `wanted` is the key of the spec it is said to be.

    Raises Ambiguous, MissingColumn (it nearly fits), UnknownKind (with a name where it has one) or Empty.
    """
    if not decoded.workbook and _beginning(decoded).lstrip()[:1] in {"{", "["}:
        if decoded.charset not in {"utf-8", "utf-8-sig"}:
            raise WrongCharset(
                _("This is JSON, but not in UTF-8 as Amazon writes it"),
                todo=_("Download the file again, or save it as UTF-8."),
            )
        if wanted and registry.spec(wanted).format != "json":
            raise UnknownKind(
                _("A “%(label)s” file is a table, and this is JSON") % {"label": registry.spec(wanted).label},
                todo=_("Leave the type away to have the file recognised."),
            )
        return _recognise_json(decoded, wanted)
    layout, others = find_layouts(decoded)
    names = _names(layout)
    if not names:
        raise Empty(_("The file is empty"))
    if wanted:
        spec = registry.spec(wanted)
        if spec.format == "json":
            raise UnknownKind(
                _("A “%(label)s” file is JSON, and this is a table") % {"label": spec.label},
                todo=_("Leave the type away to have the file recognised."),
            )
        _fit(spec, layout.header, layout.header_line)
    else:
        if known := kinds.named(names):
            raise _not_yet(known.name, known.todo)
        spec = _choose(names, layout)
        _check_telling(spec, layout)
        _check_proofs(spec, layout)
    for other in others:
        if not _score(spec, _names(other))[0] or _is_report(_names(other)):
            raise BadDocument(
                _("The workbook has reports on two sheets (“%(one)s” and “%(other)s”)")
                % {"one": layout.sheet, "other": other.sheet},
                todo=_("Save each sheet as a file of its own and send them one by one."),
            )
    # A tab file of a console is one that a spreadsheet wrote, and a spreadsheet quotes.
    quoted = layout.delimiter != "\t" or spec.format == "csv" or tables.is_quoted(_beginning(decoded))
    return Recognised(spec, replace(layout, quoted=quoted))


def _names(layout: Layout) -> list[str]:
    return _english(layout.header)


def _english(header: Sequence[str]) -> list[str]:
    return [name for written in header if (name := glossary.english(written))]


def _check_telling(spec: ReportSpec, layout: Layout) -> None:
    """In another language a report is believed only by a column that its sister reports have not."""
    if spec.table is None or not spec.table.telling:
        return
    if any(map(glossary.translated, layout.header)) and not any(
        _has_all([name], _names(layout)) for name in spec.table.telling
    ):
        raise UnknownKind(
            _("It could be “%(label)s” or another report with the same columns") % {"label": spec.label},
            todo=_(
                "Switch Seller Central or the advertising console to English and download it again, "
                "or say what it is (--type %(type)s)."
            )
            % {"type": spec.key},
        )


def _check_proofs(spec: ReportSpec, layout: Layout) -> None:
    """Where a sister report may have the very same columns, something must tell which one it is."""
    table = spec.table
    if table is None or not table.proofs:
        return
    names = _names(layout)
    if any(_has_all([name], names) for name in table.proofs) or layout.sheet.startswith(table.sheets):
        return
    raise _which_one([spec, registry.spec(table.sister)])


def _which_one(specs: Sequence[ReportSpec]) -> Ambiguous:
    keys = tuple(spec.key for spec in specs)
    return Ambiguous(
        _("The file could be %(kinds)s") % {"kinds": _(" or ").join(str(spec.label) for spec in specs)},
        keys,
        todo=_("Say which one it is (--type %(types)s).") % {"types": _(" or ").join(keys)},
    )


def _is_report(names: Sequence[str]) -> bool:
    """The columns of any report opsboard reads: on another sheet, it would be left out without a word."""
    for spec in registry.specs():
        if spec.format != "json":
            missing, found = _score(spec, names)
            if not missing and found >= _enough(spec.key):
                return True
    return False


def _choose(names: Sequence[str], layout: Layout) -> ReportSpec:
    """The spec these columns belong to, by how many of its columns they are."""
    scores = {spec.key: _score(spec, names) for spec in registry.specs() if spec.format != "json"}
    whole = [registry.spec(key) for key, (missing, found) in scores.items() if not missing and found >= _enough(key)]
    if whole:
        best = max(scores[spec.key][1] for spec in whole)
        found = [spec for spec in whole if scores[spec.key][1] == best]
        if len(found) > 1:
            raise _which_one(found)
        return found[0]
    # What lacks little is nearer than what has much and lacks more.
    near = max(scores, key=lambda key: (scores[key][1] - 4 * scores[key][0], scores[key][1]), default="")
    if near and scores[near][1] >= 4 and scores[near][1] > 2 * scores[near][0] and _tells(registry.spec(near), names):
        _fit(registry.spec(near), layout.header, layout.header_line)
    written = [name for name in layout.header if name]
    if language := languages.name_of(written):
        raise UnknownKind(
            _("Its columns are in %(language)s, which opsboard cannot read in this report (%(columns)s)")
            % {"language": language, "columns": _few(written)},
            todo=_in_english(),
        )
    todo = "" if not all(map(str.isascii, written)) else _("The upload page lists the reports it reads.")
    raise UnknownKind(_no_such_columns(written), todo=f"{todo} {_in_english()}".strip())


def _tells(spec: ReportSpec, names: Sequence[str]) -> bool:
    """Whether the header has two columns of this report's own: SKU, ASIN and title stand in half of all files."""
    domains: dict[str, set[str]] = {}
    for other in registry.specs():
        for dataset in other.datasets:
            for column in columns_of(dataset):
                for name in column.names:
                    domains.setdefault(canonical(name), set()).add(dataset.model._meta.app_label)
    header = {canonical(name) for name in names}
    own = {canonical(name) for column in _columns(spec) for name in column.names if len(domains[canonical(name)]) < 2}
    return len(header & own) >= 2


def _no_such_columns(names: Sequence[str]) -> str:
    return _("None of the reports opsboard knows has these columns: %(columns)s") % {"columns": _few(names)}


def _few(names: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in names[:8]) + (" …" if len(names) > 8 else "")


def _score(spec: ReportSpec, names: Sequence[str]) -> tuple[int, int]:
    """(required columns that are missing, columns that are there)."""
    header = {canonical(name) for name in names} | _made_columns(spec, names)
    missing = found = 0
    if spec.table and _foreign(spec, names):
        return len(_columns(spec)), 0
    for column in _columns(spec):
        if any(canonical(alias) in header for alias in column.names):
            found += 1
        elif column.required:
            missing += 1
    if spec.table:
        missing += sum(canonical(name) not in header for name in spec.table.needs)
    return missing, found


def _foreign(spec: ReportSpec, names: Sequence[str]) -> str:
    """A column that a sister report has and this one has not; "" when there is none."""
    patterns = [canonical(name) for name in spec.table.foreign] if spec.table else []
    ours = {canonical(alias) for column in _columns(spec) for alias in column.names}
    foreign = (name for name in names if canonical(name) not in ours)
    return next((name for name in foreign if any(fnmatchcase(canonical(name), one) for one in patterns)), "")


def _enough(key: str) -> int:
    """One or two common words do not make a report."""
    return min(4, len(_columns(registry.spec(key))))


def _columns(spec: ReportSpec) -> list[registry.Column]:
    return [column for dataset in spec.datasets for column in columns_of(dataset)]


def _made_columns(spec: ReportSpec, names: Sequence[str]) -> set[str]:
    """Columns the spec's table makes of others: "Date" of a span, ids of names."""
    table = spec.table
    if table is None:
        return set()
    made = {"date"} if tables.span_column(table, names) else set()
    return made | {canonical(name) for name, sources in table.made.items() if _has_all(sources, names)}


def _has_all(wanted: Iterable[str], names: Iterable[str]) -> bool:
    return {canonical(name) for name in wanted} <= {canonical(name) for name in names}


def _fit(spec: ReportSpec, written: Sequence[str], line: int | None) -> None:
    """MissingColumn when a required column is not there, with the reason where a look-alike is."""
    names = _english(written)
    local = any(not name.isascii() or glossary.translated(name) for name in written)
    table = spec.table or tables.Table()
    if other := _foreign(spec, names):
        raise UnknownKind(
            _("A “%(label)s” file has no column “%(name)s”") % {"label": spec.label, "name": other},
            line=line,
            todo=_("Leave the type away to have the file recognised."),
        )
    header = [*names, *_made_columns(spec, names)]
    if unseen := next((name for name in table.needs if not _has_all([name], names)), ""):
        raise MissingColumn(
            _("As “%(label)s”, it lacks the column “%(name)s”") % {"label": spec.label, "name": unseen},
            line=line,
            todo=str(table.how) or _("Download the report again with all its columns; nothing was changed."),
        )
    try:
        match(_columns(spec), header)
    except MissingColumn as error:
        missing = next(
            column.names[0] for column in _columns(spec) if column.required and not _has_any(column.names, header)
        )
        for look_alike, why in table.instead.get(missing, {}).items():
            if _has_all([look_alike], names):
                raise MissingColumn(str(why), column=look_alike) from None
        missing = next((name for name in table.made.get(missing, ()) if not _has_all([name], names)), missing)
        raise MissingColumn(
            _("As “%(label)s”, it lacks the column “%(name)s”") % {"label": spec.label, "name": missing},
            line=line,
            todo=_in_english() if local else _how_to_get(missing, table, error),
        ) from None


def _how_to_get(missing: str, table: tables.Table, error: MissingColumn) -> str:
    if table.how:
        return str(table.how)
    return str(table.how_daily) if canonical(missing) == "date" and table.how_daily else error.todo


def _in_english() -> str:
    return _(
        "If it is a report in another language, switch Seller Central or the advertising console "
        "to English and download it again."
    )


def _has_any(wanted: Iterable[str], names: Iterable[str]) -> bool:
    return not {canonical(name) for name in wanted}.isdisjoint(canonical(name) for name in names)


def _not_yet(name: str, todo: object = "") -> UnknownKind:
    return UnknownKind(_("This looks like “%(name)s”; opsboard cannot read it yet") % {"name": name}, todo=str(todo))


# --- tables: where the header is ------------------------------------------------------------------


def find_layouts(decoded: Decoded) -> tuple[Layout, list[Layout]]:
    """The delimiter and header line that make the most of the first lines; the best of each other sheet.

    Raises Empty, UnknownKind or, of a line of thousands of columns alone, BadDocument.
    """
    known = _vocabulary()
    best: dict[str, tuple[tuple[int, int, int], Layout]] = {}
    too_wide: BadDocument | None = None
    for delimiter, sheet, first_lines in _beginnings(decoded):
        for line, row in first_lines:
            header = tuple(cells.text(cell) for cell in row)
            filled = [name for name in header if name]
            if len(filled) > MAX_COLUMNS:
                too_wide = too_wide or BadDocument(
                    _("The first line has %(n)d columns") % {"n": len(filled)}, line=line
                )
            if not 2 <= len(filled) <= MAX_COLUMNS:
                continue
            hits = sum(canonical(glossary.english(name)) in known for name in filled)
            found = (hits, len(filled) if hits < 2 else 0, -line), Layout(header, line, delimiter, sheet)
            best[sheet] = max(best.get(sheet, found), found, key=lambda one: one[0])
    if not best:
        if too_wide is not None:
            raise too_wide
        if not decoded.workbook and not decoded.head().strip(b"\xef\xbb\xbf \t\r\n"):
            raise Empty(_("The file is empty"))
        raise UnknownKind(
            _("There is no table with columns in it"), todo=_("Download the report as text (TXT), CSV or XLSX.")
        )
    first, *others = sorted(best.values(), key=lambda one: one[0], reverse=True)
    return first[1], [layout for _rank, layout in others]


def _beginning(decoded: Decoded) -> str:
    """The first characters; one cut at the end of them is of no concern to who looks for a header."""
    return decoded.head(HEAD).decode(decoded.charset, "ignore").lstrip("\ufeff")


def _beginnings(decoded: Decoded) -> Iterable[tuple[str, str, list[table_rows.Row]]]:
    if decoded.workbook:
        for sheet in table_rows.workbook(decoded).sheet_names:
            yield "", sheet, list(itertools.islice(table_rows.lines(decoded, "", sheet), PREAMBLE_LINES))
        return
    text = _beginning(decoded)
    for delimiter in DELIMITERS:
        if delimiter not in text:
            continue
        quoted = delimiter != "\t" or tables.is_quoted(text)
        quoting: Any = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
        found: list[table_rows.Row] = []
        line = 1
        for row in itertools.islice(reader, PREAMBLE_LINES):
            found.append((line, list(row)))
            line = reader.line_num + 1
        yield delimiter, "", found


def _vocabulary() -> set[str]:
    names = {
        canonical(alias) for spec in registry.specs() for column in _columns(spec) for alias in column.names
    } | kinds.vocabulary()
    for spec in registry.specs():
        if spec.table:
            look_alikes = itertools.chain.from_iterable(spec.table.instead.values())
            others = (*(spec.table.span or ()), *look_alikes, *spec.table.ignored, *spec.table.needs)
            names |= {canonical(name) for name in others}
    return names


# --- JSON: by shape -------------------------------------------------------------------------------


def _recognise_json(decoded: Decoded, wanted: str) -> Recognised:
    top: dict[str, Any] = {}
    for key, value in read_json(decoded.file):
        if key not in top:
            top[key] = value
        if key == "" or key == "reportSpecification":
            break
    decoded.file.seek(0)
    if "" in top:
        return _recognise_records(top[""], wanted)
    if isinstance(about := top.get("reportSpecification"), dict):
        return _recognise_specified(about, wanted)
    found = [
        spec
        for spec in _json_specs(wanted)
        if any(callable(dataset.rows) and _takes(dataset, decoded) for dataset in spec.datasets)
    ]
    if len(found) == 1:
        return Recognised(found[0])
    for key in ("errors", "errorDetails", "error", "message"):
        if key in top:
            said = top[key] if isinstance(top[key], str) else getattr(top[key], "columns", {}).get("message", [""])[0]
            raise UnknownKind(
                _("This is an error message of Amazon's instead of a report: %(text)s") % {"text": str(said)[:200]},
                todo=_("Ask for the report again."),
            )
    for spec in _json_specs(wanted):
        if any(dataset.rows in top for dataset in spec.datasets if isinstance(dataset.rows, str)):
            raise UnknownKind(
                _("This looks like “%(label)s” without the part “reportSpecification” that says what its rows are")
                % {"label": spec.label},
                todo=_("Download the report again, and send it as it is."),
            )
    raise UnknownKind(
        _("None of the reports opsboard knows has these parts: %(parts)s") % {"parts": ", ".join(list(top)[:8])}
    )


def _takes(dataset: Dataset, decoded: Decoded) -> bool:
    """A dataset that shapes whole documents says itself whether this is one of its own."""
    import orjson

    assert callable(dataset.rows)
    try:
        next(iter(dataset.rows(orjson.loads(decoded.file.read(16 << 20)))), None)
    except (BadDocument, orjson.JSONDecodeError, AttributeError, TypeError):
        return False
    finally:
        decoded.file.seek(0)
    return True


def _recognise_specified(about: dict[str, Any], wanted: str) -> Recognised:
    report_type = str(about.get("reportType", ""))
    specs = [spec for spec in _json_specs(wanted) if spec.report_type == report_type]
    if not specs and wanted and (really := [spec for spec in _json_specs("") if spec.report_type == report_type]):
        raise UnknownKind(
            _("This is “%(label)s”, not “%(wanted)s”")
            % {"label": really[0].label, "wanted": registry.spec(wanted).label},
            todo=_("Leave the type away to have the file recognised."),
        )
    if not specs:
        raise _not_yet(kinds.REPORT_TYPES.get(report_type, report_type or "JSON"))
    window = _window(about)
    options = about.get("reportOptions") or {}
    if not isinstance(options, dict) or not isinstance(about.get("marketplaceIds", []), list):
        raise BadDocument(_("Its reportSpecification is not as Amazon writes it"), todo=_("Download the file again."))
    fitting = [spec for spec in specs if all(options.get(key) == value for key, value in spec.options.items())]
    one_day = window is not None and window[0] == window[1]
    fitting = [spec for spec in fitting if one_day or not any(d.applies for d in spec.datasets)] or specs[:1]
    # Of those that read it, the one that makes most of it: a day by parent also tells the day as a whole.
    return Recognised(max(fitting, key=lambda spec: len(spec.datasets)), window=window)


def _window(about: dict[str, Any]) -> tuple[date, date] | None:
    try:
        return date.fromisoformat(about["dataStartTime"][:10]), date.fromisoformat(about["dataEndTime"][:10])
    except (KeyError, TypeError, ValueError):
        return None


def _recognise_records(batch: Any, wanted: str) -> Recognised:
    if not isinstance(batch, Batch) or not batch.columns:
        raise Empty(_("The file has no rows"))
    names = list(batch.columns)
    if not wanted and (known := kinds.named(names, kinds.RECORDS)):
        raise _not_yet(known.name, known.todo)
    specs = [spec for spec in _json_specs(wanted) if all(dataset.rows == "" for dataset in spec.datasets)]
    scores = {spec.key: _score(spec, names) for spec in specs}
    if whole := [spec for spec in specs if scores[spec.key][0] == 0]:
        return Recognised(max(whole, key=lambda spec: scores[spec.key][1]))
    near = max(specs, key=lambda spec: (scores[spec.key][1], -scores[spec.key][0]), default=None)
    if near is not None and scores[near.key][1] > max(3, 2 * scores[near.key][0]):
        _fit(near, names, None)
    raise UnknownKind(_no_such_columns(names))


def _json_specs(wanted: str) -> list[ReportSpec]:
    return [registry.spec(wanted)] if wanted else [spec for spec in registry.specs() if spec.format == "json"]
