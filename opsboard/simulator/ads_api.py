"""The Amazon Ads API: reporting v3 and profiles."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from . import documents
from .answers import Request, Response, ads_error, answer, html
from .business import Account
from .reports.advertising import MAX_SPAN, TYPES
from .state import Report, State


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def handle(state: State, request: Request) -> Response:
    account = state.account_of(request.headers.get("authorization", ""))
    if account is None:
        return ads_error(401, "Not authorized to access this resource")
    if not request.headers.get("amazon-advertising-api-clientid"):
        return ads_error(400, "Missing Amazon-Advertising-API-ClientId header")
    if state.faults.due("no_ads_access", operation="listProfiles"):
        return ads_error(403, "The application is not approved for the Amazon Ads API")
    here = request.headers.get("x-simulator-region", account.key) == account.key
    if request.path == "/v2/profiles" and request.method == "GET":
        return answer(200, [_profile(account)] if here else [])
    if not here:
        return ads_error(401, "The profile is not one of this region's")
    if request.headers.get("amazon-advertising-api-scope") != str(account.profile_id):
        return ads_error(401, "The profile is not one of this advertiser's")
    state.calls[f"ads {request.method}"] += 1
    fault = state.faults.due("throttle", "html", "server_error", "unauthorized", operation="adsReporting")
    if fault == "html":
        return html(429)
    if fault == "server_error":
        return ads_error(503, "Service unavailable")
    if fault == "unauthorized":
        return ads_error(401, "Token expired")
    if fault == "throttle" or not state.limits.take(account.key, "adsReporting"):
        return ads_error(429, "Too Many Requests")
    if request.path == "/reporting/reports" and request.method == "POST":
        return _create(state, account, request)
    if request.path.startswith("/reporting/reports/"):
        report = state.reports.get(request.path.rpartition("/")[2])
        if report is None or report.account is not account or report.kind not in TYPES:
            return ads_error(404, "Report not found")
        if request.method == "GET":
            return answer(200, _body(state, report, request))
        if request.method == "DELETE":
            return _delete(state, report, request)
    return ads_error(404, "Not found")


def _profile(account: Account) -> dict[str, Any]:
    return {
        "profileId": account.profile_id,
        "countryCode": account.country,
        "currencyCode": account.currency,
        "timezone": account.time_zone,
        "accountInfo": {
            "marketplaceStringId": account.marketplace_id,
            "id": account.selling_partner_id,
            "type": "seller",
            "name": account.name,
        },
    }


def _create(state: State, account: Account, request: Request) -> Response:
    try:
        body: dict[str, Any] = dict(request.json())
        configuration = dict(body["configuration"])
        first, last = date.fromisoformat(body["startDate"]), date.fromisoformat(body["endDate"])
    except (ValueError, KeyError, TypeError):
        return ads_error(400, "Invalid request body")
    if problem := _problem(state, account, configuration, first, last):
        return ads_error(400, problem)
    now = state.now()
    for other in list(state.reports.values()):
        same = other.account is account and other.body.get("configuration") == configuration
        if same and (other.first, other.last) == (first, last) and now < other.done_at and not other.cancelled:
            return ads_error(425, f"The Request is a duplicate of : {other.id}")
    report = state.add_report(account, configuration["reportTypeId"], body, ads=True)
    report.first, report.last = first, last
    if state.faults.due("fatal", operation="adsReporting", report_type=report.kind):
        report.outcome, report.why = "FAILED", "Internal error while generating the report"
    return answer(200, _body(state, report, request))


def _problem(state: State, account: Account, configuration: dict[str, Any], first: date, last: date) -> str:
    kind = str(configuration.get("reportTypeId"))
    if kind not in TYPES:
        return f"configuration reportTypeId invalid value: ({kind})"
    known = TYPES[kind]
    groups, lookback, allowed = known.groups, known.lookback, known.columns
    grouped, columns = configuration.get("groupBy"), configuration.get("columns")
    if not isinstance(grouped, list) or not grouped or any(name not in groups for name in grouped):
        return f"configuration groupBy is not supported. Allowed values: ({', '.join(groups)})"
    if configuration.get("adProduct") != known.product:
        return "configuration adProduct is not supported for this report type"
    if configuration.get("format") != "GZIP_JSON":
        return "configuration format must be GZIP_JSON"
    if "adGroup" not in grouped and kind == "spCampaigns":
        allowed = allowed - {"adGroupId", "adGroupName"}
    columns = [str(name) for name in columns] if isinstance(columns, list) else []
    unknown = [name for name in columns if name not in allowed]
    if unknown or not columns:
        names = ", ".join(sorted(allowed))
        return f"configuration columns includes invalid values: ({', '.join(unknown)}). Allowed values: ({names})"
    unit = configuration.get("timeUnit")
    if unit not in ("DAILY", "SUMMARY"):
        return "configuration timeUnit must be DAILY or SUMMARY"
    if (unit == "DAILY") != ("date" in columns):
        return "configuration columns: date goes with timeUnit DAILY"
    span = (last - first).days + 1
    if span > MAX_SPAN:
        return f"startDate to endDate range ({span} days) must not exceed maximum range ({MAX_SPAN} days)"
    if span < 1 or last > state.today(account):
        return "startDate must not be after endDate, endDate must not be in the future"
    age = (state.today(account) - first).days
    if age > lookback:
        return f"configuration startDate ({first}) must be within the last {lookback} days"
    return ""


def _status(state: State, report: Report) -> str:
    if report.cancelled:
        return "CANCELLED"
    now = state.now()
    if now >= report.done_at:
        return "FAILED" if report.outcome == "FAILED" else "COMPLETED"
    return "PROCESSING" if now >= report.created + (report.done_at - report.created) / 3 else "PENDING"


def _body(state: State, report: Report, request: Request) -> dict[str, Any]:
    status = _status(state, report)
    found: dict[str, Any] = {
        "reportId": report.id,
        "name": report.body.get("name"),
        "startDate": report.body["startDate"],
        "endDate": report.body["endDate"],
        "configuration": {"filters": None, **report.body["configuration"]},
        "status": status,
        "createdAt": _instant(report.created),
        "updatedAt": _instant(min(state.now(), report.done_at)),
        "generatedAt": _instant(report.done_at) if status == "COMPLETED" else None,
        "failureReason": report.why if status == "FAILED" else None,
        "fileSize": None,
        "url": None,
        "urlExpiresAt": None,
    }
    if status == "COMPLETED":
        path, expires = state.sign(state.document_for(report))
        if report.size is None:
            report.size = len(documents.pack(documents.render(state, report)))
        found |= {
            "url": request.headers.get("x-simulator-base", "") + path,
            "urlExpiresAt": _instant(expires),
            "fileSize": report.size,
        }
    return found


def _delete(state: State, report: Report, request: Request) -> Response:
    if _status(state, report) != "PENDING":
        return ads_error(400, "Only a pending report can be cancelled")
    report.cancelled = True
    return answer(200, _body(state, report, request))
