"""A file of a batch in words: what it is, how it is read, what it would change or became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.accounts.models import Marketplace
from opsboard.ui import formats, joins

from . import batches, registry
from .models import Ingest, RememberedAnswer, UploadItem
from .registry import Kind

State = UploadItem.State

KIND_WORDS = {
    Kind.TEXT: gettext_lazy("text"),
    Kind.INTEGER: gettext_lazy("whole number"),
    Kind.MONEY: gettext_lazy("amount"),
    Kind.RATE: gettext_lazy("share"),
    Kind.PERCENT: gettext_lazy("share"),
    Kind.NUMBER: gettext_lazy("number"),
    Kind.DATE: gettext_lazy("day"),
    Kind.INSTANT: gettext_lazy("moment"),
    Kind.ID: gettext_lazy("Amazon's id"),
    Kind.CURRENCY: gettext_lazy("currency, checked"),
    Kind.KEY: gettext_lazy("text"),
}
USE_WORDS = {
    "read": gettext_lazy("Read as"),
    "made": gettext_lazy("Used to find"),
    "withheld": gettext_lazy("Read without addresses and telephone numbers, as"),
    "personal": gettext_lazy("About people: emptied before the file is kept"),
    "ignored": gettext_lazy("Known, and not used"),
    "unknown": gettext_lazy("Not known to opsboard, and not used"),
}
DELIMITERS = {
    "\t": gettext_lazy("tab"),
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "|": gettext_lazy("vertical bar"),
}
ORDERS = {"dmy": gettext_lazy("the day before the month"), "mdy": gettext_lazy("the month before the day")}
POINTS = {".": gettext_lazy("1,234.56"), ",": gettext_lazy("1.234,56")}
_CHIPS = {
    State.WAITING: "unknown",
    State.WANTED: "unknown",
    State.READY: "provisional",
    State.QUESTION: "warn",
    State.REFUSED: "breach",
    State.QUARANTINED: "breach",
    State.UNPACKED: "no_limit",
    State.DROPPED: "no_limit",
    State.GONE: "no_limit",
}
_INGEST_CHIPS = {
    Ingest.State.APPLIED: "ok",
    Ingest.State.UNCHANGED: "no_limit",
    Ingest.State.SUPERSEDED: "no_limit",
    Ingest.State.WITHDRAWN: "no_limit",
    Ingest.State.WAITING: "unknown",
    Ingest.State.HELD: "warn",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One file of a batch."""

    item: UploadItem
    ingest: Ingest | None

    @property
    def chip(self) -> str:
        if self.ingest is not None:
            return _INGEST_CHIPS.get(Ingest.State(self.ingest.state), "breach")
        if self.item.state == State.READY and self.item.preview.get("state") != Ingest.State.APPLIED:
            return "warn" if self.item.preview.get("state") == Ingest.State.HELD else "no_limit"
        return _CHIPS.get(State(self.item.state), "ok")

    @property
    def word(self) -> str:
        """What became of it; of one that was shown: whether it would change anything."""
        if self.ingest is not None:
            waiting = self.ingest.state == Ingest.State.WAITING
            return _("Being brought in") if waiting else str(Ingest.State(self.ingest.state).label)
        if self.item.state == State.READY and self.item.preview.get("state") != Ingest.State.APPLIED:
            return {
                Ingest.State.UNCHANGED: _("Nothing new in it"),
                Ingest.State.SUPERSEDED: _("A newer document covers it"),
                Ingest.State.HELD: _("It would be held"),
            }.get(self.item.preview["state"], _("Ready"))
        return _("Ready") if self.item.state == State.READY else str(State(self.item.state).label)

    @property
    def sentence(self) -> str:
        if self.ingest is not None and self.ingest.reason:
            return self.ingest.reason
        if self.ingest is not None and self.ingest.state == Ingest.State.APPLIED:
            return _rows(self.ingest.rows_changed, self.ingest.rows_unchanged, self.ingest.rows_deleted)
        return self.item.reason or ""

    @property
    def change(self) -> str:
        """What it would change, in a few words."""
        if self.item.state not in {State.READY, State.WANTED}:
            return ""
        return joins.clauses(change_words(one) for one in self.item.preview.get("datasets", []))

    @property
    def what(self) -> str:
        spec = self.item.preview.get("spec") or (self.item.document.spec if self.item.document else "")
        return str(registry.spec(spec).label) if spec in {one.key for one in registry.specs()} else ""

    @property
    def days(self) -> str:
        first, last = self.item.preview.get("first_day"), self.item.preview.get("last_day")
        return formats.span(date.fromisoformat(first), date.fromisoformat(last)) if first and last else ""

    @property
    def moves(self) -> bool:
        """A worker is still to do something with it."""
        return self.item.state in batches.DUE or bool(self.ingest and self.ingest.finished_at is None)

    @property
    def opens(self) -> bool:
        """There is something to look at or to say."""
        return self.item.state in batches.SHOWN


def line(item: UploadItem) -> Line:
    ingests = sorted(item.document.ingests.all(), key=lambda one: one.pk) if item.document else []
    return Line(item, ingests[-1] if ingests else None)


def finding(lines: list[Line]) -> str:
    """All files in one sentence: how many are ready, ask something, were refused, are in."""
    counts = {
        _("%(n)d in work"): sum(one.moves for one in lines),
        _("%(n)d ready"): sum(one.item.state == State.READY for one in lines),
        _("%(n)d with a question"): sum(one.item.state == State.QUESTION for one in lines),
        _("%(n)d refused"): sum(
            one.item.state in {State.REFUSED, State.QUARANTINED}
            or bool(one.ingest and one.ingest.state in {Ingest.State.REFUSED, Ingest.State.QUARANTINED})
            for one in lines
        ),
        _("%(n)d held"): sum(bool(one.ingest and one.ingest.state == Ingest.State.HELD) for one in lines),
        _("%(n)d brought in"): sum(
            bool(
                one.ingest
                and one.ingest.state in {Ingest.State.APPLIED, Ingest.State.UNCHANGED, Ingest.State.SUPERSEDED}
            )
            for one in lines
        ),
    }
    files = sum(one.item.state != State.UNPACKED for one in lines)
    head = ngettext("%(n)d file", "%(n)d files", files) % {"n": files}
    rest = joins.listed(words % {"n": count} for words, count in counts.items() if count)
    return joins.headed(head, rest) if rest else head


# --- the preview of one file ----------------------------------------------------------------------


def reading(preview: Mapping[str, Any], marketplace: Marketplace) -> Iterator[tuple[str, str]]:
    """How the file is read: (what, how)."""
    options = preview["options"]
    yield _("Marketplace"), f"{marketplace.code} · {marketplace.currency}"
    if preview["rows"]:
        yield _("Rows in the file"), formats.decimals(preview["rows"])
    if preview["refused"]:
        yield _("Rows that cannot be read"), formats.decimals(preview["refused"])
    yield _("Size"), filesizeformat(preview["size"])
    yield _("Encoding"), preview["charset"].upper() if preview["charset"] else _("workbook (XLSX)")
    if options.get("sheet"):
        yield _("Sheet"), options["sheet"]
    if options.get("delimiter"):
        yield _("Columns are separated by"), str(DELIMITERS.get(options["delimiter"], options["delimiter"]))
    if options.get("header_line", 1) > 1:
        yield _("The header stands in line"), formats.decimals(options["header_line"])
    if options.get("point"):
        yield _("Amounts are written"), str(POINTS.get(options["point"], options["point"]))
    # Most files write days so that they can be read one way only; then the order says nothing.
    if options.get("date_order") == "mdy" or preview["answers"]["date_order"]:
        yield _("Days are written with"), str(ORDERS.get(options["date_order"], options["date_order"]))


def answered(preview: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was taken from an earlier answer: who said what, when, and how to say otherwise."""
    words = {**ORDERS, **POINTS, **{spec.key: spec.label for spec in registry.specs()}}
    return [
        {
            "needs": needs,
            "pk": one["pk"],
            "value": str(words.get(one["value"], one["value"])),
            "by": one["by"],
            "at": datetime.fromisoformat(one["at"]),
        }
        for needs, one in preview["recalled"].items()
    ]


def proved_otherwise(preview: Mapping[str, Any]) -> list[str]:
    words = {**ORDERS, **POINTS}
    return [
        _("For an earlier file with these columns the answer was “%(answer)s”. This file proves otherwise: %(now)s.")
        % {"answer": words[value], "now": words.get(preview["options"].get(name), "?")}
        for name, value in preview["proved_otherwise"].items()
    ]


def columns(preview: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "header": one["header"],
            "use": str(USE_WORDS[one["use"]]),
            "to": one["to"],
            "kind": str(KIND_WORDS[Kind(one["kind"])]) if one["kind"] else "",
            "is_read": "yes" if one["use"] in {"read", "made", "withheld"} else "",
        }
        for one in preview["columns"]
    ]


def samples(preview: Mapping[str, Any], marketplace: Marketplace) -> list[dict[str, Any]]:
    """The first rows as they are understood, by dataset."""
    return [
        {
            "label": one["label"],
            "head": [
                {
                    "name": name,
                    "kind": joins.aside(KIND_WORDS[Kind(kind)], marketplace.currency if kind == Kind.MONEY else ""),
                    "num": kind in {Kind.INTEGER, Kind.MONEY, Kind.RATE, Kind.PERCENT, Kind.NUMBER},
                }
                for name, kind in one["head"]
            ],
            "rows": [
                {
                    "line": line_,
                    "cells": [
                        {
                            "text": cell(value, Kind(kind), marketplace),
                            "num": kind in {Kind.INTEGER, Kind.MONEY, Kind.RATE, Kind.PERCENT, Kind.NUMBER},
                        }
                        for value, (_name, kind) in zip(values, one["head"], strict=True)
                    ],
                }
                for line_, *values in one["rows"]
            ],
        }
        for one in preview["samples"]
    ]


def cell(value: Any, kind: Kind, marketplace: Marketplace) -> str:
    """A staged value as a person reads it; "–" for nothing."""
    if value is None or value == "":
        return formats.NOTHING
    match kind:
        case Kind.MONEY:
            return formats.money(int(value), marketplace)
        case Kind.PERCENT | Kind.RATE:
            return formats.percent(Decimal(value), 2)
        case Kind.INTEGER:
            return formats.decimals(int(value))
        case Kind.DATE:
            return formats.full_day(date.fromisoformat(value))
        case Kind.INSTANT:
            moment = datetime.fromisoformat(value)
            return f"{formats.instant(moment, marketplace)} {moment.astimezone(marketplace.zone):%Z}"
    return str(value)


def datasets(preview: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What would change in each dataset, with the documents that hold its days now."""
    return [
        {
            **one,
            "words": change_words(one),
            "span": formats.span(date.fromisoformat(one["first"]), date.fromisoformat(one["last"]))
            if one["first"]
            else formats.NOTHING,
            "held_by": [{**holder, "at": datetime.fromisoformat(holder["at"])} for holder in one["held_by"]],
        }
        for one in preview["datasets"]
    ]


def change_words(change: Mapping[str, Any]) -> str:
    """One dataset's change: "3 new days, 1 replaced; 120 rows new, 4 changed, 1 gone"."""
    days = [
        ngettext("%(n)d new day", "%(n)d new days", change["new_days"]) % {"n": change["new_days"]}
        if change["new_days"]
        else "",
        ngettext("%(n)d day restated", "%(n)d days restated", change["replaced_days"]) % {"n": change["replaced_days"]}
        if change["replaced_days"]
        else "",
        ngettext("%(n)d day left to a newer document", "%(n)d days left to a newer document", change["newer_days"])
        % {"n": change["newer_days"]}
        if change["newer_days"]
        else "",
    ]
    rows = [
        _("%(n)s new") % {"n": formats.decimals(change["new"])} if change["new"] else "",
        _("%(n)s changed") % {"n": formats.decimals(change["changed"])} if change["changed"] else "",
        _("%(n)s gone") % {"n": formats.decimals(change["gone"])} if change["gone"] else "",
        _("%(n)s as they are") % {"n": formats.decimals(change["same"])} if change["same"] else "",
    ]
    parts = [joins.listed(days), joins.listed(rows)]
    if parts[1]:
        parts[1] = _("rows: %(rows)s") % {"rows": parts[1]}
    return joins.headed(change["label"], joins.clauses(parts) or _("nothing"))


def _rows(changed: int, unchanged: int, deleted: int) -> str:
    return _("%(changed)s rows written, %(unchanged)s as they were, %(deleted)s removed.") % {
        "changed": formats.decimals(changed),
        "unchanged": formats.decimals(unchanged),
        "deleted": formats.decimals(deleted),
    }


def remembered(one: RememberedAnswer) -> dict[str, Any]:
    """An answer kept for later files, in words."""
    specs = {spec.key: str(spec.label) for spec in registry.specs()}
    words = {**ORDERS, **POINTS, **specs}
    return {
        "pk": one.pk,
        "account": one.account.name,
        "label": specs.get(one.spec, _("files with the same columns")),
        "says": joins.listed(words.get(value, value) for value in one.answers.values()),
        "by": str(one.answered_by or ""),
        "at": one.answered_at,
    }


@dataclass(frozen=True, slots=True)
class Preview:
    """All the page of one file shows of it."""

    reading: list[tuple[str, str]]
    answered: list[dict[str, Any]]
    proved_otherwise: list[str]
    columns: list[dict[str, str]]
    samples: list[dict[str, Any]]
    datasets: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    unused: int
    state: str
    reason: str
    #: Answers of a person (now or earlier) that made the reading what it is, and may be changed.
    changeable: list[str]

    @classmethod
    def of(cls, item: UploadItem, marketplace: Marketplace) -> Preview:
        preview = item.preview
        shown = columns(preview)
        given = [name for name in ("date_order", "point") if preview["answers"].get(name)]
        return cls(
            list(reading(preview, marketplace)),
            answered(preview),
            proved_otherwise(preview),
            shown,
            samples(preview, marketplace),
            datasets(preview),
            preview["errors"],
            sum(not one["is_read"] for one in shown),
            preview["state"],
            preview["reason"],
            [name for name in given if name not in preview["recalled"]],
        )
