"""What the simulator answers, held against Amazon's own models of its APIs.

The models are not part of the project. OPSBOARD_SHARED names their directory; without it they are
looked for beside the checkout, and the tests that need them are skipped where there are none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.conf import settings as project

from opsboard.simulator import ACCOUNTS, Running, start_in_thread
from opsboard.simulator import sp_api as served_api
from opsboard.simulator.answers import Request
from opsboard.simulator.reports import brand
from opsboard.simulator.stories import SUPPRESSED_SKUS
from tests.simulator.seller import (
    ANCHOR,
    LISTINGS,
    PERFORMANCE,
    REPORTS,
    SALES,
    Clock,
    Reply,
    Seller,
    fetch,
)

SHARED = Path(os.environ.get("OPSBOARD_SHARED", "") or Path(project.BASE_DIR).parent / "shared") / "amazon"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="Amazon's models are not here: set OPSBOARD_SHARED")

MODELS = {
    "reports": "reports-api-model/reports_2021-06-30.json",
    "sellers": "sellers-api-model/sellers.json",
    "listings": "listings-items-api-model/listingsItems_2021-08-01.json",
}
DOCUMENT = "/reports/2021-06-30/documents/{reportDocumentId}"
REPORT = REPORTS + "/{reportId}"
PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"
ITEM = "/listings/2021-08-01/items/{sellerId}/{sku}"
#: operation -> (model, path, method)
OPERATIONS = {
    "createReport": ("reports", REPORTS, "post"),
    "getReports": ("reports", REPORTS, "get"),
    "getReport": ("reports", REPORT, "get"),
    "cancelReport": ("reports", REPORT, "delete"),
    "getReportDocument": ("reports", DOCUMENT, "get"),
    "getMarketplaceParticipations": ("sellers", PARTICIPATIONS, "get"),
    "getListingsItem": ("listings", ITEM, "get"),
}
YESTERDAY = ANCHOR - timedelta(days=1)
KEYS = sorted(ACCOUNTS)
_DATES = jsonschema.FormatChecker(formats=())


def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


_DATES.checks("date-time", raises=ValueError)(_date_time)
_DATES.checks("date", raises=ValueError)(_date)


@pytest.fixture
def running() -> Iterator[Running]:
    with start_in_thread(anchor=ANCHOR, clock=Clock(), rate_factor=1000.0, delay_factor=0.0) as found:
        yield found


@cache
def model(name: str) -> dict[str, Any]:
    return dict(json.loads((SHARED / "models" / MODELS[name]).read_text(encoding="utf-8")))


def as_json_schema(name: str, part: object) -> Any:
    """Swagger 2's dialect as JSON Schema: definitions stay where they are, `nullable` becomes a type.

    What the model does not declare is refused wherever it declares any property, so a misspelt name is found.
    """
    if isinstance(part, list):
        return [as_json_schema(name, one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: as_json_schema(name, value) for key, value in part.items() if key not in ("example", "discriminator")}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    if found.pop("x-nullable", None) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


@cache
def validator(name: str, pointer: tuple[str, ...]) -> jsonschema.Draft7Validator:
    part: Any = model(name)
    for step in pointer:
        part = part[step]
    definitions = model(name)["definitions"]
    schema = {**as_json_schema(name, part), "definitions": as_json_schema(name, definitions)}
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema, format_checker=_DATES)


def responses(operation: str) -> dict[str, Any]:
    name, path, method = OPERATIONS[operation]
    return dict(model(name)["paths"][path][method]["responses"])


def held_against(operation: str, reply: Reply, status: int) -> Any:
    """The answer, once it is known to be one the model has."""
    name, path, method = OPERATIONS[operation]
    assert reply.status == status
    assert str(status) in responses(operation), f"{operation} never answers {status}"
    assert reply.headers["content-type"] == "application/json"
    declared = responses(operation)[str(status)]
    if "schema" in declared:
        check = validator(name, ("paths", path, method, "responses", str(status), "schema"))
        found = [f"{error.json_path}: {error.message}" for error in check.iter_errors(reply.json)]
        assert not found, (operation, status, found)
    return reply.json


def ask(seller: Seller, operation: str, **changed: Any) -> Reply:
    """A good request for an operation, of things there are."""
    if operation == "createReport":
        return seller.create(SALES, YESTERDAY, YESTERDAY)
    if operation == "getReports":
        return seller.call(REPORTS, reportTypes=f"{SALES},{LISTINGS}", pageSize="2")
    if operation == "getMarketplaceParticipations":
        return seller.call(PARTICIPATIONS)
    if operation == "getListingsItem":
        sku = seller.running.state.truth.skus(seller.key)[changed.get("index", 0)].sku
        parts = "summaries,attributes,issues,offers,fulfillmentAvailability"
        path = ITEM.format(sellerId=seller.account.selling_partner_id, sku=sku)
        return seller.call(path, marketplaceIds=seller.account.marketplace_id, includedData=parts)
    name = seller.create(SALES, YESTERDAY, YESTERDAY).json["reportId"]
    if operation == "getReport":
        return seller.call(REPORT.format(reportId=name))
    if operation == "cancelReport":
        report = seller.running.state.reports[name]
        report.done_at = report.created + timedelta(minutes=3)
        return seller.call(REPORT.format(reportId=name), "DELETE")
    return seller.link(seller.status(name)["reportDocumentId"])


# Paths, methods, bodies


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_served_is_one_of_amazons(operation: str) -> None:
    name, path, method = OPERATIONS[operation]
    assert model(name)["paths"][path][method]["operationId"] == operation
    concrete = path.format(reportId="1", reportDocumentId="1", sellerId="1", sku="1")
    assert served_api._route(Request(method.upper(), concrete, {}, {}, b""))[0] == operation


def test_no_operation_is_served_that_is_not_listed_here() -> None:
    assert set(served_api._OPERATIONS) == set(OPERATIONS)


def test_the_rates_are_the_models_own() -> None:
    from opsboard.simulator.limits import RATES

    for operation, (name, path, method) in OPERATIONS.items():
        described = str(model(name)["paths"][path][method]["description"]).replace(" ", "")
        rate, burst = RATES[operation]
        assert f"|{rate:g}|{burst}|" in described, operation


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_good_answers_are_as_declared(running: Running, operation: str, key: str) -> None:
    status = 202 if operation == "createReport" else 200
    reply = ask(Seller(running, key), operation)
    held_against(operation, reply, status)
    assert float(reply.headers["x-amzn-ratelimit-limit"]) > 0


def test_a_suppressed_listing_is_as_declared(running: Running) -> None:
    found = held_against("getListingsItem", ask(Seller(running), "getListingsItem", index=SUPPRESSED_SKUS[0]), 200)
    assert found["issues"] and found["summaries"][0]["status"] == []


def test_a_report_is_as_declared_in_every_state(running: Running) -> None:
    seller, clock = Seller(running), running.state.clock
    allowed = set(model("reports")["definitions"]["Report"]["properties"]["processingStatus"]["enum"])
    seen = set()
    for fault in ("", "cancelled", "fatal", "fatal_with_document"):
        if fault:
            running.state.faults.plan(fault)
        name = seller.create(SALES, YESTERDAY, YESTERDAY).json["reportId"]
        report = running.state.reports[name]
        for queued, left in ((0, 100), (100, 100), (100, 0)):
            report.created = clock() - timedelta(seconds=queued)
            report.done_at = clock() + timedelta(seconds=left)
            reply = seller.call(REPORT.format(reportId=name))
            seen.add(held_against("getReport", reply, 200)["processingStatus"])
    assert seen == allowed == set(served_api.STATUSES)
    held_against("getReports", seller.call(REPORTS, reportTypes=SALES, pageSize="1"), 200)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("fault", "status"), [("throttle", 429), ("server_error", 503), ("unauthorized", 0)])
def test_troubles_are_as_declared(running: Running, operation: str, fault: str, status: int) -> None:
    running.state.faults.plan(fault, operation=operation)
    reply = ask(Seller(running), operation)
    held_against(operation, reply, status or (401 if OPERATIONS[operation][0] == "reports" else 403))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_forbidden_is_as_declared(running: Running, operation: str) -> None:
    _name, path, method = OPERATIONS[operation]
    path = path.format(reportId="1", reportDocumentId="1", sellerId="1", sku="1")
    held_against(operation, fetch(running.url + path, method.upper()), 403)


def test_what_is_not_there_is_as_declared(running: Running) -> None:
    seller = Seller(running)
    held_against("getReport", seller.call(REPORTS + "/1"), 404)
    held_against("cancelReport", seller.call(REPORTS + "/1", "DELETE"), 404)
    held_against("getReportDocument", seller.link("none"), 404)
    item = ITEM.format(sellerId=seller.account.selling_partner_id, sku="none")
    held_against("getListingsItem", seller.call(item, marketplaceIds=seller.account.marketplace_id), 404)


# Requests


def test_every_required_field_of_a_request_is_required(running: Running) -> None:
    seller = Seller(running)
    specification = model("reports")["definitions"]["CreateReportSpecification"]
    good: dict[str, Any] = {"reportType": SALES, "marketplaceIds": [seller.account.marketplace_id]}
    assert set(specification["required"]) == set(good)
    for name in specification["required"]:
        body = {key: value for key, value in good.items() if key != name}
        held_against("createReport", seller.call(REPORTS, "POST", body), 400)
    most = specification["properties"]["marketplaceIds"]["maxItems"]
    many = {**good, "marketplaceIds": [seller.account.marketplace_id] * (most + 1)}
    held_against("createReport", seller.call(REPORTS, "POST", many), 400)
    held_against("createReport", seller.call(REPORTS, "POST", {**good, "reportOptions": {"custom": 1}}), 400)


def test_parameters_of_a_list_have_the_models_bounds(running: Running) -> None:
    seller = Seller(running)
    parameters = {one["name"]: one for one in model("reports")["paths"][REPORTS]["get"]["parameters"]}
    size, kinds = parameters["pageSize"], parameters["reportTypes"]
    for wrong in (size["minimum"] - 1, size["maximum"] + 1):
        held_against("getReports", seller.call(REPORTS, reportTypes=SALES, pageSize=str(wrong)), 400)
    many = ",".join([SALES] * (kinds["maxItems"] + 1))
    held_against("getReports", seller.call(REPORTS, reportTypes=many), 400)
    for status in parameters["processingStatuses"]["items"]["enum"]:
        held_against("getReports", seller.call(REPORTS, reportTypes=SALES, processingStatuses=status), 200)
    held_against("getReports", seller.call(REPORTS, reportTypes=SALES, processingStatuses="READY"), 400)
    held_against("getReports", seller.call(REPORTS), 400)


def test_parameters_of_a_listing_have_the_models_values(running: Running) -> None:
    seller = Seller(running)
    parameters = {one["name"]: one for one in model("listings")["paths"][ITEM]["get"]["parameters"]}
    path = ITEM.format(sellerId=seller.account.selling_partner_id, sku=running.state.truth.skus("NA")[0].sku)
    market = seller.account.marketplace_id
    assert parameters["marketplaceIds"]["required"]
    held_against("getListingsItem", seller.call(path), 400)
    for part in parameters["includedData"]["items"]["enum"]:
        held_against("getListingsItem", seller.call(path, marketplaceIds=market, includedData=part), 200)
    held_against("getListingsItem", seller.call(path, marketplaceIds=market, includedData="everything"), 400)
    default = held_against("getListingsItem", seller.call(path, marketplaceIds=market), 200)
    assert set(default) == {"sku", *parameters["includedData"].get("default", ["summaries"])}


# Documents


@cache
def document_schema(name: str) -> dict[str, Any]:
    return dict(json.loads((SHARED / "schemas" / "reports" / name).read_text(encoding="utf-8")))


def problems(name: str, document: object) -> set[str]:
    check = jsonschema.Draft7Validator(document_schema(name), format_checker=_DATES)
    return {f"{error.json_path}: {error.message}" for error in check.iter_errors(document)}


@pytest.mark.parametrize("asins", ["PARENT", "CHILD", "SKU"])
@pytest.mark.parametrize("dates", ["DAY", "WEEK", "MONTH"])
@pytest.mark.parametrize("key", KEYS)
def test_sales_and_traffic_is_valid(running: Running, key: str, dates: str, asins: str) -> None:
    schema = "sellerSalesAndTrafficReport.json"
    document = Seller(running, key).sales(
        YESTERDAY - timedelta(days=40), YESTERDAY, dateGranularity=dates, asinGranularity=asins
    )
    assert document["salesAndTrafficByDate"] and document["salesAndTrafficByAsin"]
    assert problems(schema, document) == set()
    assert_known(document_schema(schema), document_schema(schema), document, "$")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("kind", [brand.QUERIES, brand.TERMS])
def test_brand_analytics_is_valid(running: Running, key: str, kind: str) -> None:
    name = "SearchQueryPerformance" if kind == brand.QUERIES else "SearchTerms"
    schema = document_schema(f"sellingPartner{name}Report.json")
    sunday = YESTERDAY - timedelta(days=YESTERDAY.isoweekday() % 7 + 7)
    asin = {"asin": running.state.truth.skus(key)[0].asin} if kind == brand.QUERIES else {}
    content = Seller(running, key).document(kind, sunday, sunday + timedelta(days=6), reportPeriod="WEEK", **asin)
    document = json.loads(content)
    assert problems(f"sellingPartner{name}Report.json", document) == set()
    assert_known(schema, schema, document, "$")


#: Keys the simulator serves that the performance schema has no property for, and why.
UNNAMED = {
    "fulfillmentType": "required by the schema's own OrderDefectRate, and in its examples",
    "ahrStatus": "required by accountHealthRating, which names only accountHealthRatingStatus; both are served",
    "ahrScore": "in neither; sellers' real reports have it",
}
#: Amazon's own example is not valid against Amazon's own schema. What the two disagree on:
CONTRADICTIONS = {
    "$.accountStatuses[2].status: 'SUSPENDED' is not one of ['NORMAL', 'AT_RISK', 'DEACTIVATED']",
    # The example spells it prefulfillmentCancelRate.
    "$.performanceMetrics[0]: 'preFulfillmentCancellationRate' is a required property",
    "$.performanceMetrics[0]: 'warningStates' is a required property",
    "$.performanceMetrics[0]: 'restrictedProductPolicyViolations' is a required property",
    "$.performanceMetrics[0]: 'suspectedIntellectualPropertyViolations' is a required property",
    "$.performanceMetrics[0]: 'documentRequests' is a required property",
}


def assert_known(root: dict[str, Any], schema: dict[str, Any], value: object, where: str) -> None:
    """No key that the schema has no name for: validation alone would let a misspelt one pass."""
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for one in value:
            assert_known(root, schema.get("items", {}), one, where + "[]")
    elif isinstance(value, dict) and "properties" in schema:
        unnamed = set(value) - set(schema["properties"]) - set(UNNAMED)
        assert not unnamed, (where, unnamed)
        for name in set(value) - set(UNNAMED):
            assert_known(root, schema["properties"][name], value[name], f"{where}.{name}")


@pytest.mark.parametrize("key", KEYS)
def test_the_performance_report_is_valid(running: Running, key: str) -> None:
    schema = "accountHealthReport-2020-11-18.json"
    document = json.loads(Seller(running, key).document(PERFORMANCE))
    assert problems(schema, document) == set()
    assert_known(document_schema(schema), document_schema(schema), document, "$")


def test_what_amazons_example_and_schema_disagree_on_is_still_the_same() -> None:
    schema = "accountHealthReport-2020-11-18.json"
    assert problems(schema, document_schema(schema)["examples"][0]) == CONTRADICTIONS


# Ads


def test_ads_answers_have_every_key_of_amazons_examples(running: Running) -> None:
    seller = Seller(running)
    examples = json.loads((SHARED / "ads" / "v3_reporting_examples.json").read_text(encoding="utf-8"))
    compared = 0
    for example in examples:
        configuration = dict(example["body"]["configuration"])
        if configuration["reportTypeId"] not in ("spCampaigns", "spSearchTerm"):
            continue
        configuration.pop("filters")
        reply = seller.ask_ads(YESTERDAY - timedelta(days=5), YESTERDAY, **configuration)
        assert reply.status == 200, (example["name"], reply.json)
        status = seller.ads(f"/reporting/reports/{reply.json['reportId']}")
        for answered in (reply.json, status.json):
            assert_alike(example["body"], answered, example["name"])
        compared += 1
    assert compared >= 3
    assert status.json["status"] == "COMPLETED"


def assert_alike(example: object, answer: object, where: str) -> None:
    """Every key of the example, and where both have a value, one of the same type."""
    if isinstance(example, dict):
        assert isinstance(answer, dict) and set(example) <= set(answer), where
        for name, value in example.items():
            assert_alike(value, answer[name], f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(answer, list) and {type(one) for one in answer} <= {type(one) for one in example}, where
    elif example is not None and answer is not None:
        assert type(example) is type(answer), where
        if where.endswith("At"):
            assert str(answer).endswith("Z") and datetime.fromisoformat(str(answer)), where
