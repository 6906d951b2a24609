"""Document downloads behind links that live five minutes, as S3 serves them."""

from __future__ import annotations

import gzip

import orjson

from .answers import Request, Response
from .reports import (
    advertising,
    brand,
    fees,
    flat_files,
    orders,
    performance,
    promotions,
    sales,
    settlements,
    voice,
    warehouse,
)
from .settlements import Span
from .sp_api import FORMATS, moment
from .state import Report, State

_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message>'
    b"<X-Amz-Expires>300</X-Amz-Expires></Error>"
)
_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
_FLAT = {
    voice.SUPPRESSED: voice.suppressed,
    "GET_MERCHANT_LISTINGS_ALL_DATA": flat_files.listings,
    "GET_FBA_INVENTORY_PLANNING_DATA": flat_files.planning,
    "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA": flat_files.stock,
    fees.REFERRAL_FEES: fees.referral_fees,
    warehouse.RESTOCK: warehouse.restock,
    warehouse.STRANDED: warehouse.stranded,
    warehouse.FEES: warehouse.fees,
}


#: Tab files about the days of a request.
_FLAT_DAYS = {
    voice.FEEDBACK: voice.feedback,
    voice.RETURNS: voice.returns,
    warehouse.LEDGER: warehouse.ledger,
    warehouse.STORAGE: warehouse.storage_fees,
    warehouse.RETURNS: warehouse.returns,
}

_BRAND = {brand.QUERIES: (brand.queries, "dataByAsin"), brand.TERMS: (brand.terms, "dataByDepartmentAndSearchTerm")}


def handle(state: State, request: Request) -> Response:
    """GET /documents/{signature}: no authorisation but the link itself."""
    state.calls["download"] += 1
    document_id, expires = state.links.get(request.path.rpartition("/")[2], ("", state.now()))
    report = state.documents.get(document_id)
    if report is None or state.now() >= expires:
        return Response(403, _DENIED, {"Content-Type": "application/xml"})
    if report.outcome in {"FATAL", "CANCELLED"}:
        return Response(200, orjson.dumps({"errorDetails": report.why}), {"Content-Type": "application/json"})
    content = render(state, report)
    content_type = "application/json" if report.kind in advertising.TYPES else _content_type(report)
    planned = state.faults.take(
        "truncated_gzip",
        "cut_off",
        "mislabelled_gzip",
        "wrong_charset",
        "html",
        "server_error",
        operation="download",
        report_type=report.kind,
        day=report.first,
    )
    fault = planned.kind if planned else ""
    if fault == "html":
        return Response(200, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"})
    if fault == "server_error":
        return Response(503, b"<Error><Code>SlowDown</Code></Error>", {"Content-Type": "application/xml"})
    if fault == "mislabelled_gzip":
        return Response(200, content, {"Content-Type": content_type})
    if fault == "wrong_charset":
        content = content.decode(_charset(report)).encode("utf-16")
    packed = pack(content)
    part = int(len(packed) * planned.share) if planned else 0
    if fault == "cut_off":
        return Response(200, packed, {"Content-Type": content_type}, cut=part)
    return Response(200, packed[:part] if fault == "truncated_gzip" else packed, {"Content-Type": content_type})


def pack(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)


def _charset(report: Report) -> str:
    return report.account.charset if FORMATS.get(report.kind) == "tsv" else "utf-8"


def _content_type(report: Report) -> str:
    if FORMATS[report.kind] == "json":
        return "application/json"
    names = {"cp932": "Shift_JIS", "cp1252": "windows-1252", "utf-8": "UTF-8"}
    return f"text/tab-separated-values; charset={names[report.account.charset]}"


def render(state: State, report: Report) -> bytes:
    """The document's bytes before compression, as of the day the report was made."""
    account = report.account
    today = report.done_at.astimezone(account.zone).date()
    if report.empty is None:
        report.empty = bool(state.faults.due("empty", operation="download", report_type=report.kind))
    empty = report.empty
    if report.kind in advertising.TYPES:
        assert report.first and report.last
        columns = report.body["configuration"]["columns"]
        if empty:
            return b"[]"
        daily = report.body["configuration"]["timeUnit"] == "DAILY"
        return orjson.dumps(
            advertising.rows(state.truth, account, report.kind, report.first, report.last, columns, today, daily=daily)
        )
    if report.kind in _FLAT:
        content = _FLAT[report.kind](state.truth, account, today)
        return content.partition(b"\n")[0] + b"\n" if empty else content
    if report.kind in _FLAT_DAYS:
        until, since = moment(report.body.get("dataEndTime")), moment(report.body.get("dataStartTime"))
        last = until.astimezone(account.zone).date() if until else today
        first = since.astimezone(account.zone).date() if since else last
        content = _FLAT_DAYS[report.kind](state.truth, account, first, last, today)
        return content.partition(b"\n")[0] + b"\n" if empty else content
    if report.kind == _ORDERS:
        assert report.since and report.until
        content = orders.orders(state.truth, account, report.since, report.until, report.done_at)
        return content.partition(b"\n")[0] + b"\n" if empty else content
    if report.kind == fees.REIMBURSEMENTS:
        assert report.since and report.until
        content = fees.reimbursements(state.truth, account, report.since, min(report.until, report.done_at))
        return content.partition(b"\n")[0] + b"\n" if empty else content
    if report.kind in promotions.NEEDS:
        assert report.since and report.until
        made = promotions.promotions if report.kind == promotions.PROMOTIONS else promotions.coupons
        about = {
            "reportType": report.kind,
            "reportOptions": report.body["reportOptions"],
            "marketplaceIds": report.body["marketplaceIds"],
        }
        rows = made(state.truth, account, report.since, report.until, report.done_at)
        if empty:
            rows = {name: [] for name in rows}
        return orjson.dumps({"reportSpecification": about, **rows})
    if report.kind == settlements.KIND:
        assert report.since and report.until
        return settlements.settlement(state.truth, account, Span(report.id[:-6], report.since, report.until))
    if report.kind == "GET_V2_SELLER_PERFORMANCE_REPORT":
        stated = performance.performance(state.truth, account, today)
        return orjson.dumps(stated | {"performanceMetrics": []} if empty else stated)
    assert report.first and report.last
    options = report.body.get("reportOptions") or {}
    if report.kind in _BRAND:
        make, part = _BRAND[report.kind]
        week = make(state.truth, account, report.first, report.last, options)
        return orjson.dumps(week | {part: []} if empty else week)
    document = sales.sales_and_traffic(state.truth, account, report.first, report.last, options, today)
    if empty:
        document |= {"salesAndTrafficByDate": [], "salesAndTrafficByAsin": []}
    return orjson.dumps(document)
