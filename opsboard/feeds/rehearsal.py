"""What bringing in a file would change, found out by bringing it in and taking everything back.

The rows are staged as those of a kept document are, replaced in a transaction that is rolled back,
and counted: so the preview says what the ingest will do, its refusals included, and nothing is
written. What comes out is JSON for the upload page; figures and days are worded when it is shown.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from django.db import DataError, connection, transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace, SellerAccount
from opsboard.ui import joins

from . import cells, glossary, personal, pipeline, tables, upload
from .decode import Decoded, decode
from .errors import BadDocument, Held
from .groups import GroupReplacement
from .models import Coverage, Document, Ingest
from .registry import Dataset, Kind, Period, ReportSpec, Scope
from .replace import Replaced, replace
from .replacement import Replacement, SuddenEmptiness
from .staging import Staged, canonical, columns_of, fits

#: Rows shown as they are understood, letters of a text among them, and documents named that hold the days now.
SHOWN_ROWS, SHOWN_LETTERS, SHOWN_DOCUMENTS = 5, 80, 5


def rehearse(
    raw: BinaryIO, found: upload.Look, *, account: SellerAccount, marketplace: Marketplace, file_name: str = ""
) -> dict[str, Any]:
    """What a file that `found` describes would become. Nothing is kept, and BadDocument says what is wrong.

    `state` is that of an Ingest (applied, unchanged, superseded, held), `datasets` what would change in each,
    `columns` what every column of the file is for.
    """
    spec = found.spec
    with (
        decode(
            raw, declared_charset=found.answers.charset, marketplace_code=marketplace.code, file_name=file_name
        ) as decoded,
        _as_kept(decoded, found) as (content, sha256, size),
    ):
        document = Document(
            account=account,
            marketplace=marketplace,
            spec=spec.key,
            source=Document.Source.UPLOAD,
            report_type=spec.report_type,
            options={**found.options, "charset": decoded.charset},
            file_name=file_name,
            window_start=found.window[0] if found.window else None,
            window_end=found.window[1] if found.window else None,
            source_created_at=upload.made_at(found, marketplace, found.answers.day),
            sha256=sha256,
            size=size,
        )
        with pipeline.rehearsed(document, content) as (staged, told):
            columns = _columns(found, staged, told.unknown_columns)
            rows = [_first_rows(part, found) for part in staged]
            state, reason, changes = _changes(document, staged)
    return {
        "state": state,
        "reason": joins.sentences(reason, told.reason),
        "rows": told.rows_in,
        "refused": told.refused,
        "errors": told.errors[:10],
        "datasets": changes,
        "samples": [sample for sample in rows if sample["rows"]],
        "columns": columns,
    }


@contextmanager
def _as_kept(decoded: Decoded, found: upload.Look) -> Iterator[tuple[BinaryIO, str, int]]:
    """(the bytes as they would be kept, their sha256, their size): without what is personal."""
    if not (found.spec.personal or found.spec.written):
        decoded.file.seek(0)
        yield decoded.file, decoded.sha256 or hashlib.sha256().hexdigest(), decoded.size
        return
    with personal.emptied(decoded, found.spec, found.options) as clean:
        yield clean.file, clean.sha256, clean.size


# --- what would change ----------------------------------------------------------------------------


def _changes(document: Document, staged: list[Staged]) -> tuple[str, str, list[dict[str, Any]]]:
    """(state, reason, a line a dataset) of applying the staged rows, all of it taken back."""
    changes: list[dict[str, Any]] = []
    results: list[Replaced] = []
    try:
        with transaction.atomic():
            try:
                document.save(force_insert=True)
                for part in staged:
                    work = _Rehearsal(document, part)
                    results.append(work.run())
                    changes.append(work.told(results[-1]))
            finally:
                transaction.set_rollback(True)
    except (SuddenEmptiness, Held) as error:
        return Ingest.State.HELD, str(error), changes
    except DataError as error:
        what = str(error).partition("\n")[0]
        raise BadDocument(_("A value does not fit: %(what)s") % {"what": what}) from None
    finally:
        document.pk = None
    if not any(result.days for result in results):
        return Ingest.State.SUPERSEDED, _("A newer document already covers these days"), changes
    if not any(result.moved for result in results):
        return Ingest.State.UNCHANGED, _("Everything in it is stored already"), changes
    return Ingest.State.APPLIED, "", changes


class _Rehearsal:
    """One dataset of the document: what is held before, what the replacement does to it."""

    def __init__(self, document: Document, staged: Staged) -> None:
        self.document, self.staged, self.dataset = document, staged, staged.dataset
        self.day = pipeline.document_day(document)
        groups = self.dataset.scope is Scope.GROUPS
        self.work = (GroupReplacement if groups else Replacement)(staged, document, document.marketplace, self.day)
        self.days = self.work.days()
        held = Coverage.objects.select_related("document").filter(
            account=document.account_id, marketplace=document.marketplace_id, dataset=self.dataset.key
        )
        if self.dataset.scope is not Scope.STATE:
            held = held.filter(date__in=self.days)
        self.held = {line.date: line for line in held}
        self.before = self._count()
        self.after = 0

    def run(self) -> Replaced:
        done = replace(self.staged, self.document, self.document.marketplace, day=self.day)
        self.after = self._count()
        return done

    def _count(self) -> int:
        """Stored rows a replacement could touch."""
        dated = self.work.dated and self.dataset.scope is not Scope.GROUPS
        by_day = " AND date = ANY(%(days)s)" if dated else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM {self.work.table} WHERE account_id = %(account)s "
                f"AND marketplace_id = %(marketplace)s{by_day}",
                {
                    "account": self.document.account_id,
                    "marketplace": self.document.marketplace_id,
                    "days": self.days,
                },
            )
            return int(cursor.fetchone()[0])

    def told(self, done: Replaced) -> dict[str, Any]:
        mine = (self.document.source_created_at, self.document.pk)
        newer = {line.date: line for line in self.held.values() if (line.source_created_at, line.document_id) > mine}
        is_state = self.dataset.scope is Scope.STATE
        known = set(self.days) if is_state and self.held else self.held.keys() & set(self.days)
        same = {day for day in known - newer.keys() if self._says_the_same(day, is_state)}
        new = done.deleted + self.after - self.before
        return {
            "label": str(self.dataset.label),
            "period": self.dataset.period if self.dataset.period is not Period.DAY else "",
            "groups": self.dataset.scope is Scope.GROUPS,
            "first": min(self.days, default=None) and min(self.days).isoformat(),
            "last": max(self.days, default=None) and max(self.days).isoformat(),
            "days": len(self.days),
            "new_days": len(set(self.days) - known),
            "replaced_days": len(known - newer.keys() - same),
            "same_days": len(same),
            "newer_days": len(known & newer.keys()) if not is_state else len(self.days) * bool(newer),
            "new": new,
            "changed": max(0, done.changed - new),
            "gone": done.deleted,
            "same": max(0, done.rows - done.changed),
            "held_by": self._holders(list(self.held.values())),
            "newer_by": self._holders(list(newer.values())),
        }

    def _says_the_same(self, day: date, is_state: bool) -> bool:
        digest = self.staged.digest(day if self.dataset.scope is Scope.DAYS else None)
        return any(line.digest == digest for line in (self.held.values() if is_state else [self.held[day]]))

    def _holders(self, lines: list[Coverage]) -> list[dict[str, Any]]:
        """The documents that hold days now, those with the most days first."""
        counted = Counter(line.document_id for line in lines)
        documents = {line.document_id: line.document for line in lines}
        return [
            {
                "pk": pk,
                "name": documents[pk].file_name or documents[pk].report_type,
                "at": documents[pk].source_created_at.isoformat(),
                "days": days,
            }
            for pk, days in counted.most_common(SHOWN_DOCUMENTS)
        ]


# --- how it is understood -------------------------------------------------------------------------


def _first_rows(part: Staged, found: upload.Look) -> dict[str, Any]:
    """The first staged rows with their lines: {"head": [[column, kind]], "rows": [[line, cell, ...]]}.

    Numbers that stand for names are shown as the names.
    """
    there = {*tables.header_names(found.layout.header), "Date"} if found.layout else {*part.mapping.values()}
    stored = [column for column in part.dataset.columns if column.kind is not Kind.CURRENCY]
    names = _names_of(part)
    with connection.cursor() as cursor:
        fields = ", ".join(f"s.{column.field}" for column in stored)
        cursor.execute(f"SELECT s.line, {fields} FROM {part.table} s ORDER BY s.line LIMIT {SHOWN_ROWS}")
        rows = [dict(zip(["line", *(column.field for column in stored)], row, strict=True)) for row in cursor]
    shown = [
        (column.field, part.mapping[column.field], column.kind)
        for column in stored
        if part.mapping.get(column.field) in there
        and column.kind is not Kind.KEY
        and not (column.kind is Kind.ID and any((row[column.field] or 0) < 0 for row in rows))
    ]
    texts = {column.text_field: part.mapping[column.field] for column in stored if column.field in part.mapping}
    for keys, values in names:
        named = {field for known in itertools.islice(values.values(), 1) for field in known}
        for field in sorted(named):
            header = texts.get(field) or part.mapping.get(field, "")
            if header in there and header not in {one[1] for one in shown}:
                shown.append((field, header, Kind.TEXT))
        for row in rows:
            row |= values.get(tuple(row.get(key) for key in keys), {})
    return {
        "label": str(part.dataset.label),
        "head": [[header, str(kind)] for _field, header, kind in shown],
        "rows": [[row["line"], *(_plain(row.get(field), kind) for field, _header, kind in shown)] for row in rows],
    }


def _names_of(part: Staged) -> list[tuple[list[str], dict[tuple[Any, ...], dict[str, Any]]]]:
    """Of each dimension: its key, and what belongs to the keys that were seen first."""
    found = []
    for names in part.names:
        others = [name for name, kind in names.types.items() if kind == "text" and name not in names.key]
        values: dict[tuple[Any, ...], dict[str, Any]] = {}
        for frame in names.held:
            for row in frame.iter_rows(named=True):
                values[tuple(row[key] for key in names.key)] = {name: row[name] for name in others}
        found.append((names.key, values))
    return found


def _kinds(dataset: Dataset) -> dict[str, Kind]:
    return {column.field: column.kind for column in columns_of(dataset)}


def _plain(cell: Any, kind: Kind) -> Any:
    """A staged value as JSON: percents as fractions, amounts in minor units, days and moments in ISO."""
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, Decimal):
        return str(cell / 100 if kind is Kind.PERCENT else cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    text = str(cell)
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"


def _columns(found: upload.Look, staged: list[Staged], unknown: list[str]) -> list[dict[str, str]]:
    """What each column of the file is for: {"header", "use", "to", "kind"}.

    `use` is read, made (into another), withheld, personal, ignored or unknown.
    """
    read: dict[str, tuple[str, str]] = {}
    for part in staged:
        kinds = _kinds(part.dataset)
        own = {column.field: column.names[0] for column in columns_of(part.dataset) if column.names}
        for name, header in part.mapping.items():
            read.setdefault(header, (own.get(name, name), str(kinds.get(name, ""))))
    if found.layout is None:
        lines = [{"header": name, "use": "read", "to": to, "kind": kind} for name, (to, kind) in read.items()]
        return lines + [{"header": name, "use": "unknown", "to": "", "kind": ""} for name in unknown]
    return list(_columns_of_table(found, found.spec, read, unknown))


def _columns_of_table(
    found: upload.Look, spec: ReportSpec, read: Mapping[str, tuple[str, str]], unknown: list[str]
) -> Iterator[dict[str, str]]:
    assert found.layout is not None
    table = spec.table or tables.Table()
    names = tables.header_names(found.layout.header)
    span = tables.span_column(table, names)
    parts = {canonical(source): made for made, sources in table.made.items() if made in read for source in sources}
    for written, name in zip(found.layout.header, names, strict=True):
        if not written:
            continue
        own = canonical(glossary.english(cells.text(written)))
        line = {"header": written, "use": "ignored", "to": "", "kind": ""}
        if fits(own, spec.personal):
            line["use"] = "personal"
        elif name in read or (name == span and "Date" in read):
            line["to"], line["kind"] = read.get(name) or read["Date"]
            line["use"] = "withheld" if fits(own, spec.written) else "read"
        elif canonical(name) in parts:
            line["use"], line["to"] = "made", parts[canonical(name)]
        elif name in unknown:
            line["use"] = "unknown"
        yield line
