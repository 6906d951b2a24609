"""The Selling Partner API: Reports 2021-06-30, Sellers v1, Listings Items 2021-08-01."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import orjson

from . import stories
from .answers import Request, Response, answer, html, sp_error
from .business import Account
from .reports import brand, promotions, voice, warehouse
from .state import Report, State

FORMATS = {
    "GET_SALES_AND_TRAFFIC_REPORT": "json",
    "GET_V2_SELLER_PERFORMANCE_REPORT": "json",
    "GET_MERCHANT_LISTINGS_ALL_DATA": "tsv",
    "GET_FBA_INVENTORY_PLANNING_DATA": "tsv",
    "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA": "tsv",
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": "tsv",
    "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2": "tsv",
    "GET_REFERRAL_FEE_PREVIEW_REPORT": "tsv",
    "GET_FBA_REIMBURSEMENTS_DATA": "tsv",
    "GET_PROMOTION_PERFORMANCE_REPORT": "json",
    "GET_COUPON_PERFORMANCE_REPORT": "json",
    brand.QUERIES: "json",
    brand.TERMS: "json",
    "GET_MERCHANTS_LISTINGS_FYP_REPORT": "tsv",
    "GET_SELLER_FEEDBACK_DATA": "tsv",
    "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE": "tsv",
    warehouse.RESTOCK: "tsv",
    warehouse.STRANDED: "tsv",
    warehouse.LEDGER: "tsv",
    warehouse.STORAGE: "tsv",
    warehouse.FEES: "tsv",
    warehouse.RETURNS: "tsv",
}
#: Made once in so long; a second request ends in FATAL.
RESTS = {"GET_REFERRAL_FEE_PREVIEW_REPORT": timedelta(hours=24), warehouse.FEES: timedelta(hours=24)}
#: A start so long ago is asked for, at least.
STARTS = {warehouse.FEES: timedelta(hours=72)}
#: Amazon makes them by itself; nobody can ask for one.
NOT_ASKED_FOR = {"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"}
#: Made only when a request names both its moments.
NEEDS_MOMENTS = {"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL", "GET_FBA_REIMBURSEMENTS_DATA"}
LONGEST_LOOKBACK = 730
#: Days from the first to the last of seller-fulfilled returns.
LONGEST_RETURNS = 60
RETENTION = timedelta(days=90)
STALLED = timedelta(hours=6)
GRANULARITIES = {"dateGranularity": ("DAY", "WEEK", "MONTH"), "asinGranularity": ("PARENT", "CHILD", "SKU")}
STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
DENIED = "Access to requested resource is denied."
TOO_SOON = "The report was requested again too soon. Please try again later."
#: Planned fault -> how the report ends and what its document says.
_ENDS = {
    "cancelled": ("CANCELLED", ""),
    "cancelled_in_queue": ("CANCELLED", ""),
    "cancelled_too_soon": ("CANCELLED", TOO_SOON),
    "fatal": ("FATAL", ""),
    "fatal_with_document": ("FATAL", "Report data is not available for the requested dates."),
    "stalled": ("DONE", ""),
}
_BASE = "/reports/2021-06-30/"
_DOMAINS = {"US": "com", "DE": "de", "JP": "co.jp"}


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def handle(state: State, request: Request) -> Response:
    account = state.account_of(request.headers.get("x-amz-access-token", ""))
    if account is None:
        return sp_error(403, "Unauthorized", DENIED, "The access token is invalid.")
    if request.headers.get("x-simulator-region", account.key) != account.key:
        return sp_error(403, "Unauthorized", DENIED)
    operation, argument = _route(request)
    if not operation:
        return sp_error(404, "NotFound", "The resource you requested was not found.")
    state.calls[operation] += 1
    if _denied(state, request, operation):
        return sp_error(403, "Unauthorized", DENIED)
    if state.faults.due("token_refused", operation=operation):
        return sp_error(401, "Unauthorized", "The access token is not good.")
    fault = state.faults.due("throttle", "html", "server_error", "unauthorized", operation=operation)
    if fault == "html":
        return html(429)
    if fault == "server_error":
        return sp_error(503, "ServiceUnavailable", "Service is temporarily unavailable.")
    if fault == "unauthorized":
        # Only the Reports model declares 401; the other APIs say the same with 403.
        status = 401 if request.path.startswith(_BASE) else 403
        return sp_error(status, "Unauthorized", "The access token you provided has expired.")
    if fault == "throttle" or not state.limits.take(account.key, operation):
        found = sp_error(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
    else:
        found = _OPERATIONS[operation](state, account, request, argument)
    found.headers["x-amzn-RateLimit-Limit"] = f"{state.limits.rate(operation):.4f}"
    return found


def _denied(state: State, request: Request, operation: str) -> bool:
    """Whether the application lacks the role for a report type that is asked for or listed."""
    kinds = request.values("reportTypes") if operation == "getReports" else []
    if operation == "createReport":
        try:
            kinds = [str(request.json().get("reportType", ""))]
        except ValueError:
            return False
    if operation == "getMarketplaceParticipations":
        kinds = ["GET_V2_SELLER_PERFORMANCE_REPORT"]  # of the same role, Selling Partner Insights
    return any(state.faults.due("role_missing", operation=operation, report_type=kind) for kind in kinds)


def _route(request: Request) -> tuple[str, str]:
    path, method = request.path, request.method
    if path == _BASE + "reports":
        return {"POST": "createReport", "GET": "getReports"}.get(method, ""), ""
    if path.startswith(_BASE + "reports/"):
        return {"GET": "getReport", "DELETE": "cancelReport"}.get(method, ""), path.rpartition("/")[2]
    if path.startswith(_BASE + "documents/") and method == "GET":
        return "getReportDocument", unquote(path.rpartition("/")[2])
    if path == "/sellers/v1/marketplaceParticipations" and method == "GET":
        return "getMarketplaceParticipations", ""
    if path.startswith("/listings/2021-08-01/items/") and method == "GET":
        return "getListingsItem", unquote(path.removeprefix("/listings/2021-08-01/items/"))
    return "", ""


def _create(state: State, account: Account, request: Request, _argument: str) -> Response:
    try:
        body = request.json()
    except ValueError:
        return sp_error(400, "InvalidInput", "The request body is not valid JSON.")
    kind = str(body.get("reportType", ""))
    markets = body.get("marketplaceIds")
    if kind not in FORMATS or kind in NOT_ASKED_FOR:
        return sp_error(400, "InvalidInput", f"Report type {kind} is not supported.")
    if not isinstance(markets, list) or account.marketplace_id not in markets or len(markets) > 25:
        return sp_error(400, "InvalidInput", "Invalid marketplace ids for this seller.")
    options = body.get("reportOptions") or {}
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        return sp_error(400, "InvalidInput", "reportOptions must be a map of strings.")
    try:
        first, last = _day(body.get("dataStartTime")), _day(body.get("dataEndTime"))
    except ValueError:
        return sp_error(400, "InvalidInput", "dataStartTime or dataEndTime is not a date.")
    rested = state.now() - RESTS.get(kind, timedelta())
    rests = kind in RESTS and any(
        one.account is account and one.kind == kind and one.outcome == "DONE" and one.created > rested
        for one in list(state.reports.values())
    )
    report = state.add_report(account, kind, body, ads=False)
    if rests:
        report.outcome = "FATAL"
    report.first, report.last = first, last
    if kind == "GET_SALES_AND_TRAFFIC_REPORT":
        yesterday = state.today(account) - timedelta(days=1)
        report.last = report.last or yesterday
        report.first = report.first or report.last
        if report.first < state.today(account) - timedelta(days=LONGEST_LOOKBACK) or report.first > report.last:
            report.outcome = "CANCELLED"
        for name, allowed in GRANULARITIES.items():
            if options.get(name, allowed[0]) not in allowed:
                report.outcome, report.why = "FATAL", f"{name} must be one of {', '.join(allowed)}."
    if kind in STARTS:
        since = moment(body.get("dataStartTime"))
        if since is None or since > state.now() - STARTS[kind]:
            report.outcome = "FATAL"
    if kind == warehouse.LEDGER and not (first and last):
        report.outcome = "CANCELLED"
    if kind in NEEDS_MOMENTS or kind in promotions.NEEDS:
        given = options if kind in promotions.NEEDS else body
        start, end = promotions.NEEDS.get(kind, ("dataStartTime", "dataEndTime"))
        try:
            report.since, report.until = moment(given.get(start)), moment(given.get(end))
        except ValueError:
            return sp_error(400, "InvalidInput", f"{start} or {end} is not a date.")
        if report.since is None or report.until is None or report.since > report.until:
            report.outcome = "CANCELLED"
    if why := brand.trouble(kind, options, first, last, state.today(account)):
        report.outcome, report.why = "FATAL", why
    if kind == voice.RETURNS and first and last and (last - first).days > LONGEST_RETURNS:
        report.outcome = "CANCELLED"
    fault = state.faults.due(*_ENDS, operation="createReport", report_type=kind)
    if fault:
        report.outcome, report.why = _ENDS[fault]
        report.cancelled = fault == "cancelled_in_queue"
    if fault == "stalled":
        report.queued_until = report.created + STALLED
        report.done_at = report.queued_until + timedelta(minutes=2)
    return answer(202, {"reportId": report.id})


def _day(value: object) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None


def moment(value: object) -> datetime | None:
    found = datetime.fromisoformat(str(value)) if value else None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None


def _status(state: State, report: Report) -> dict[str, Any]:
    now = state.now()
    found: dict[str, Any] = {
        "reportId": report.id,
        "reportType": report.kind,
        "marketplaceIds": report.body["marketplaceIds"],
        "createdTime": instant(report.created),
        "processingStatus": "IN_QUEUE",
    }
    for name in ("dataStartTime", "dataEndTime"):
        if report.body.get(name):
            found[name] = report.body[name]
    started = report.queued_until or report.created + (report.done_at - report.created) / 3
    if report.cancelled:
        found["processingStatus"] = "CANCELLED"
    elif now >= report.done_at:
        found["processingStatus"] = report.outcome
        found["processingStartTime"] = instant(started)
        found["processingEndTime"] = instant(report.done_at)
        if report.outcome == "DONE" or report.why:
            found["reportDocumentId"] = state.document_for(report)
    elif now >= started:
        found["processingStatus"] = "IN_PROGRESS"
        found["processingStartTime"] = instant(started)
    return found


def _own(state: State, account: Account, report_id: str) -> Report | None:
    report = state.reports.get(report_id)
    return report if report is not None and report.account is account and report.kind in FORMATS else None


def _get(state: State, account: Account, _request: Request, report_id: str) -> Response:
    report = _own(state, account, report_id)
    if report is None:
        return sp_error(404, "NotFound", f"Report {report_id} was not found.")
    return answer(200, _status(state, report))


def _list(state: State, account: Account, request: Request, _argument: str) -> Response:
    offset = 0
    try:
        if token := request.first("nextToken"):
            if len(request.query) > 1:
                return sp_error(400, "InvalidInput", "nextToken must be the only parameter.")
            offset, size, kinds, statuses, since, until = orjson.loads(base64.urlsafe_b64decode(token))
        else:
            size = int(request.first("pageSize", "10"))
            kinds, statuses = request.values("reportTypes"), request.values("processingStatuses")
            since = (moment(request.first("createdSince")) or state.now() - RETENTION).timestamp()
            until = (moment(request.first("createdUntil")) or state.now()).timestamp()
    except (ValueError, TypeError):
        return sp_error(400, "InvalidInput", "The pageSize, a date or the nextToken is not valid.")
    if not 1 <= len(kinds) <= 10 or not 1 <= size <= 100 or not set(statuses) <= set(STATUSES):
        return sp_error(400, "InvalidInput", "reportTypes, pageSize or processingStatuses is not valid.")
    if (markets := request.values("marketplaceIds")) and account.marketplace_id not in markets:
        return sp_error(400, "InvalidInput", "Invalid marketplace ids for this seller.")
    state.make_settlements(account, state.now() - RETENTION)
    mine = [r for r in list(state.reports.values()) if r.account is account and r.kind in kinds and r.kind in FORMATS]
    mine = [r for r in mine if since <= r.created.timestamp() <= until]
    found = [_status(state, r) for r in sorted(mine, key=lambda r: (r.created, r.id), reverse=True)]
    found = [s for s in found if not statuses or s["processingStatus"] in statuses]
    body: dict[str, Any] = {"reports": found[offset : offset + size]}
    if len(found) > offset + size:
        following = (offset + size, size, kinds, statuses, since, until)
        body["nextToken"] = base64.urlsafe_b64encode(orjson.dumps(following)).decode()
    return answer(200, body)


def _cancel(state: State, account: Account, _request: Request, report_id: str) -> Response:
    report = _own(state, account, report_id)
    if report is None:
        return sp_error(404, "NotFound", f"Report {report_id} was not found.")
    if _status(state, report)["processingStatus"] != "IN_QUEUE":
        return sp_error(400, "InvalidInput", "Only reports in the queue can be cancelled.")
    report.cancelled = True
    return answer(200, {})


def _document(state: State, account: Account, request: Request, document_id: str) -> Response:
    report = state.documents.get(document_id)
    if report is None or report.account is not account or report.kind not in FORMATS:
        return sp_error(404, "NotFound", f"Report document {document_id} was not found.")
    path, _expires = state.sign(document_id)
    host = request.headers.get("x-simulator-base", "")
    body = {"reportDocumentId": document_id, "url": host + path}
    unlabelled = state.faults.take(
        "unlabelled_gzip", operation="getReportDocument", report_type=report.kind, day=report.first
    )
    if report.outcome == "DONE" and unlabelled is None:
        body["compressionAlgorithm"] = "GZIP"
    return answer(200, body)


def _participations(state: State, account: Account, _request: Request, _argument: str) -> Response:
    suspended = bool(state.faults.due("suspended", operation="getMarketplaceParticipations"))
    return answer(
        200,
        {
            "payload": [
                {
                    "marketplace": {
                        "id": account.marketplace_id,
                        "countryCode": account.country,
                        "name": f"Amazon.{_DOMAINS[account.country]}",
                        "defaultCurrencyCode": account.currency,
                        "defaultLanguageCode": account.locale,
                        "domainName": f"www.amazon.{_DOMAINS[account.country]}",
                    },
                    "participation": {"isParticipating": True, "hasSuspendedListings": suspended},
                    "storeName": account.name,
                }
            ]
        },
    )


def _listing(state: State, account: Account, request: Request, argument: str) -> Response:
    if account.marketplace_id not in request.values("marketplaceIds"):
        return sp_error(400, "InvalidInput", "marketplaceIds is required and must be the seller's.")
    seller, _slash, sku_name = argument.partition("/")
    sku = next((item for item in state.truth.skus(account.key) if item.sku == sku_name), None)
    if seller != account.selling_partner_id or sku is None:
        return sp_error(404, "NotFound", f"SKU '{sku_name}' not found in marketplace {account.marketplace_id}")
    included = request.values("includedData") or ["summaries"]
    if unknown := set(included) - _LISTING_PARTS:
        return sp_error(400, "InvalidInput", f"includedData has values that are not supported: {sorted(unknown)}")
    hidden = state.truth.told("suppressed", account.key, state.today(account)) and sku.index in stories.SUPPRESSED_SKUS
    created = instant(datetime(2024, 3, 5, 8, tzinfo=UTC))
    parts: dict[str, Any] = {
        "summaries": [
            {
                "marketplaceId": account.marketplace_id,
                "asin": sku.asin,
                "productType": "KITCHEN",
                "conditionType": "new_new",
                "status": [] if hidden else ["BUYABLE", "DISCOVERABLE"],
                "fnSku": sku.fnsku,
                "itemName": sku.title,
                "createdDate": created,
                "lastUpdatedDate": created,
            }
        ],
        "attributes": {"item_name": [{"value": sku.title, "marketplace_id": account.marketplace_id}]},
        "issues": [
            {
                "code": "18320",
                "message": "The main image does not have a white background.",
                "severity": "ERROR",
                "attributeNames": ["main_product_image_locator"],
                "categories": ["INVALID_IMAGE"],
            }
        ]
        if hidden
        else [],
        "offers": [
            {
                "marketplaceId": account.marketplace_id,
                "offerType": "B2C",
                "price": {"currencyCode": account.currency, "amount": f"{sku.price:.{account.digits}f}"},
            }
        ],
        "fulfillmentAvailability": [] if sku.fba else [{"fulfillmentChannelCode": "DEFAULT", "quantity": 40}],
    }
    return answer(200, {"sku": sku.sku, **{name: parts[name] for name in included if name in parts}})


_LISTING_PARTS = {
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
}
_OPERATIONS = {
    "createReport": _create,
    "getReport": _get,
    "getReports": _list,
    "cancelReport": _cancel,
    "getReportDocument": _document,
    "getMarketplaceParticipations": _participations,
    "getListingsItem": _listing,
}
