"""The Documents page: every report that was ever received, found by account, report, source, state, days and name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.ui import exports, formats, tables
from opsboard.ui.filters import PageState
from opsboard.ui.pages import export_address, no_account, one_scope_or_404
from opsboard.ui.tables import Choice, Column, Filter, Table

from . import freshness, registry
from .models import Document, Ingest
from .overview import INGEST_STATUS

# Leans on document_by_scope (account, marketplace, spec) and the foreign key of feeds_ingest, one probe a document.
# Days are compared as spans: a document without days of its own is about the day it was made.
_DOCUMENTS = """
    SELECT d.id::text AS key, coalesce(l.label, d.report_type) AS label, d.report_id, d.file_name, d.sha256,
           p.name AS account, d.source, d.size, d.received_at, d.source_created_at,
           CASE WHEN d.window_start IS NULL THEN '' WHEN d.window_start = d.window_end THEN d.window_start::text
                ELSE d.window_start::text || ' – ' || d.window_end::text END AS days,
           coalesce(i.state, 'unread') AS state, i.rows_in, i.rows_changed, i.rows_deleted, i.rows_refused
      FROM unnest(%(accounts)s::int[], %(marketplaces)s::int[], %(names)s::text[], %(zones)s::text[])
           AS p(account_id, marketplace_id, name, zone)
      JOIN feeds_document d ON d.account_id = p.account_id AND d.marketplace_id = p.marketplace_id
      LEFT JOIN unnest(%(specs)s::text[], %(labels)s::text[]) AS l(spec, label) ON l.spec = d.spec
      LEFT JOIN LATERAL (SELECT n.state, n.rows_in, n.rows_changed, n.rows_deleted, n.rows_refused
                           FROM feeds_ingest n WHERE n.document_id = d.id ORDER BY n.id DESC LIMIT 1) i ON true
     WHERE (%(report)s = '' OR d.spec = %(report)s)
       AND coalesce(d.window_end, (d.source_created_at AT TIME ZONE p.zone)::date) >= %(days_from)s
       AND coalesce(d.window_start, (d.source_created_at AT TIME ZONE p.zone)::date) <= %(days_to)s
       AND (d.received_at AT TIME ZONE p.zone)::date BETWEEN %(received_from)s AND %(received_to)s
"""
_STATES = {**{state.value: state.label for state in Ingest.State}, "unread": gettext_lazy("kept, not read yet")}
_STATUS = "CASE state " + " ".join(f"WHEN '{key}' THEN %(state_{key})s::text" for key in _STATES) + " END"
_SOURCE = "CASE source " + " ".join(f"WHEN '{key}' THEN %(source_{key})s::text" for key in Document.Source) + " END"


def _instant(name: str) -> str:
    return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"


def documents_table() -> Table:
    """Every document of the chosen scopes, the newest first."""
    return Table(
        name="documents",
        title=gettext_lazy("Documents"),
        rows_sql=_DOCUMENTS,
        sums=(),
        texts=("file_name",),
        columns=(
            Column("label", gettext_lazy("Report"), "text", "label"),
            Column("status", gettext_lazy("Result"), "status", _STATUS),
            Column("account", gettext_lazy("Account"), "text", "account"),
            Column("days", gettext_lazy("Days"), "text", "days"),
            Column("received", gettext_lazy("Received (UTC)"), "text", _instant("received_at")),
            Column("source", gettext_lazy("Source"), "text", _SOURCE, shown=False),
            Column("rows_in", gettext_lazy("Rows"), "count", total=False),
            Column("rows_changed", gettext_lazy("Changed"), "count", total=False),
            Column("rows_deleted", gettext_lazy("Deleted"), "count", total=False),
            Column("rows_refused", gettext_lazy("Refused"), "count", total=False),
            Column("made", gettext_lazy("Made by Amazon (UTC)"), "text", _instant("source_created_at"), shown=False),
            Column("report_id", gettext_lazy("Report number"), "text", "report_id", shown=False),
            Column("size", gettext_lazy("Bytes"), "count", total=False, shown=False),
            Column("sha256", "SHA-256", "text", "sha256", shown=False),
        ),
        sort="-received",
        filters=(
            Filter(
                "state",
                gettext_lazy("Result"),
                tuple(
                    Choice(key, _STATES[key], f"state = '{key}'")
                    for key in ("applied", "unchanged", "superseded", "held", "refused", "quarantined", "withdrawn")
                ),
            ),
            Filter(
                "source",
                gettext_lazy("Source"),
                tuple(Choice(one.value, one.label, f"source = '{one.value}'") for one in Document.Source),
            ),
        ),
        search=("report_id", "file_name", "label", "sha256"),
        search_label=gettext_lazy("Find report number or file"),
        empty=gettext_lazy("Every report that arrives is kept as it came and listed here."),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form above the table asks for; "" where it does not."""

    report: str
    days_from: str
    days_to: str
    received_from: str
    received_to: str

    @classmethod
    def of(cls, state: PageState) -> Wanted:
        """Unknown reports and days that are none are as if they were not there."""
        query = state.query_dict
        report = query.get("report", "")
        names = ("days_from", "days_to", "received_from", "received_to")
        return cls(report if report in _labels() else "", *(_day(query.get(name, "")) for name in names))

    @property
    def narrows(self) -> bool:
        return any((self.report, self.days_from, self.days_to, self.received_from, self.received_to))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _labels() -> dict[str, str]:
    return {spec.key: str(spec.label) for spec in registry.specs()}


def _params(state: PageState, wanted: Wanted) -> dict[str, Any]:
    labels = _labels()
    found: dict[str, Any] = {
        "accounts": [scope.account_id for scope in state.scopes],
        "marketplaces": [scope.marketplace_id for scope in state.scopes],
        "names": [f"{scope.account.name} · {scope.marketplace.code}" for scope in state.scopes],
        "zones": [scope.marketplace.time_zone for scope in state.scopes],
        "specs": list(labels),
        "labels": list(labels.values()),
        "report": wanted.report,
        "days_from": wanted.days_from or "-infinity",
        "days_to": wanted.days_to or "infinity",
        "received_from": wanted.received_from or "-infinity",
        "received_to": wanted.received_to or "infinity",
    }
    statuses = {state.value: status for state, status in INGEST_STATUS.items()}
    found |= {f"state_{key}": f"{statuses.get(key, 'unknown')}|{label}" for key, label in _STATES.items()}
    return found | {f"source_{one.value}": str(one.label) for one in Document.Source}


def index(request: HttpRequest) -> HttpResponse:
    """Every document of the chosen scopes."""
    state = PageState.from_request(request)
    if not state.scopes:
        return no_account(request)
    wanted = Wanted.of(state)

    def entity(record: tables.Record) -> tuple[str, str, str]:
        name = record["report_id"] or record["file_name"] or f"#{record['key']}"
        return record["label"], name, reverse("feeds:document", args=[record["key"]]) + state.carried()

    asked, address = _params(state, wanted), export_address("feeds:documents-export")
    shown = tables.page(documents_table(), state, asked, state.scopes[0].marketplace, entity, address)
    context = {
        "table": shown,
        "wanted": wanted,
        "reports": sorted(_labels().items(), key=lambda item: item[1]),
        "kept": [(key, value) for key, value in state.query_dict.items() if key not in {*Wanted.__slots__, "after"}],
        "clear_url": state.query(**dict.fromkeys(Wanted.__slots__)),
    }
    return render(request, "feeds/documents.html", context)


def export(request: HttpRequest, ending: str) -> HttpResponse:
    """The list as the page shows it, all pages of it, as a file."""
    state, scope = one_scope_or_404(request)
    wanted = Wanted.of(state)
    table = documents_table()
    asked, totals, rows = tables.exported(table, state, _params(state, wanted))
    days = formats.NOTHING
    if wanted.days_from or wanted.days_to:
        days = f"{wanted.days_from or '…'} – {wanted.days_to or '…'}"
    everyone = "" if len(state.scopes) == 1 else _("%(n)s accounts and marketplaces") % {"n": len(state.scopes)}
    about = exports.About(scope, days, freshness.sentence(state.scopes), everyone)
    return exports.as_file(ending, table, asked, totals, rows, about)
