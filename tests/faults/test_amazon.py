"""Amazon on a bad day: throttles, outages, refusals, waits, addresses that expire, documents that break off."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.utils import timezone

from ads.models import CampaignDay
from opsboard.accounts.models import Credential
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds.models import Coverage, Document, Feed, Fetch
from opsboard.simulator import limits
from opsboard.ui import formats
from opsboard.watch.models import Heartbeat

from .conftest import Faulty
from .house import LEASE, OLDEST_MOVING, SALES, House, wait_for
from .invariants import check
from .record import times

AMAZON = "Amazon"
RECOVERED = LEASE + 60
REPORT = "GET_SALES_AND_TRAFFIC_REPORT"
SETTLEMENTS = "settlements"


def test_a_storm_of_429_is_waited_out_and_reaches_no_other_seller(
    house: House, fault: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fault(AMAZON, "429 to every request for a while, at a rate Amazon changes")
    jobs, storm = times(40, 200), times(10, 100)
    monkeypatch.setitem(limits.RATES, "createReport", (4.0, 15))
    state = house.simulator.state
    state.limits.factor = 1.0
    monkeypatch.setitem(limits.RATES, "getReportDocument", (50.0, 500))
    monkeypatch.setitem(limits.RATES, "getReport", (50.0, 500))
    stormy, calm = house.tenant("NA"), house.tenant("EU")
    state.faults.plan("throttle", operation="createReport", times=storm)
    with house.at_work(1):
        house.ask(stormy, range(OLDEST_MOVING, OLDEST_MOVING + jobs))
        wait_for(lambda: state.calls["createReport"] >= 2, 30, "the storm to begin")
        state.limits._buckets.clear()
        house.ask(calm, range(OLDEST_MOVING, OLDEST_MOVING + 5))
        found.tried = storm
        found.recovery.append(house.settle(180))
    asked = state.calls["createReport"]
    reports = sum(one.kind == REPORT for one in state.reports.values() if one.created > timezone.now() - timedelta(1))
    assert not Fetch.objects.filter(account__in=[stormy.account, calm.account]).exclude(state="done").exists()
    found.note = f"{asked} requests for {jobs + 5} reports in {storm} refusals"
    # One call more than the bucket holds teaches that it is empty; each refusal of the storm costs one.
    assert asked <= jobs + 5 + storm + 1, (asked, reports)
    check(house, found, [stormy, calm])


@pytest.mark.parametrize("kind", ["html", "server_error"])
def test_a_proxys_page_or_an_outage_is_a_wait_and_never_data(house: House, fault: Faulty, kind: str) -> None:
    words = {"html": "a proxy's HTML page with status 429", "server_error": "503"}[kind]
    found = fault(AMAZON, f"Any call is answered by {words}")
    tenants = [house.tenant(key) for key in ("NA", "EU", "FE")]
    each = times(1, 10)
    operations = ("createReport", "getReport", "getReportDocument")
    # Such a page does not say when to come back: half a minute's rest in earnest, and longer the next time.
    with house.at_work(1, short_penalty=2):
        for tenant in tenants:  # how fast it may go is known from good answers; here that is fast
            house.ask(tenant, [OLDEST_MOVING + 100])
        house.settle(RECOVERED)
        for operation in operations:
            house.simulator.state.faults.plan(kind, operation=operation, times=each)
        for tenant in tenants:
            house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + each + 1))
        found.tried = each * len(operations)
        found.recovery.append(house.settle(times(180, 1800)))
    assert not any(one.times for one in house.simulator.state.faults.planned)
    accounts = [tenant.account for tenant in tenants]
    assert not Fetch.objects.filter(account__in=accounts).exclude(state="done").exists()
    check(house, found, tenants)


def test_refused_tokens_are_renewed_once_by_all_workers_together(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "401 in the middle of polling: eight at work renew one token once")
    tenant = house.tenant()
    calls = house.simulator.state.calls
    with house.at_work(2):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + 16))
        found.recovery.append(house.settle(RECOVERED))
        assert calls["token"] <= 1, f"{calls['token']} tokens for one account at the start"
        for number in range(1, times(2, 10) + 1):
            house.simulator.state.tokens.clear()  # Amazon takes them back
            house.ask(tenant, range(OLDEST_MOVING + 16 * number, OLDEST_MOVING + 16 * number + 16))
            found.tried += 1
            found.recovery.append(house.settle(RECOVERED))
            assert calls["token"] <= 1 + number, f"{calls['token']} tokens for one account"
    assert not Fetch.objects.filter(account=tenant.account).exclude(state="done").exists()
    check(house, found, [tenant])


def test_an_outage_in_the_middle_of_a_list_is_no_empty_page(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "500 on the third of five pages of a list")
    tenant = house.tenant("NA", SETTLEMENTS)
    beats = house.beat()
    house.worker(pages_of=1)
    state = house.simulator.state
    for _ in range(times(1, 5)):
        outage = state.faults.plan("server_error", operation="getReports", after=2, times=8)
        before = Document.objects.filter(account=tenant.account).count()
        Feed.objects.filter(account=tenant.account, spec=SETTLEMENTS).update(
            next_due=timezone.now() - timedelta(minutes=1)
        )
        wait_for(lambda planned=outage: planned.times < 6, 30, "the outage")  # type: ignore[misc]
        assert Document.objects.filter(account=tenant.account).count() >= before
        found.tried += 1
        found.recovery.append(house.settle(120))
    assert beats.alive
    state.make_settlements(tenant.simulated, timezone.now() - timedelta(days=90))
    listed = {
        one.id for one in state.reports.values()
        if one.kind.startswith("GET_V2_SETTLEMENT") and one.account is tenant.simulated
    }  # fmt: skip
    fetched = list(
        Fetch.objects.filter(account=tenant.account, kind="found", state="done").values_list("report_id", flat=True)
    )
    assert len(listed) >= 5
    assert sorted(fetched) == sorted(listed)
    check(house, found, [tenant])


def test_the_data_page_says_that_a_list_is_not_complete(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "500 in the middle of a list: the Data page says that it is not complete")
    tenant = house.tenant("NA", SETTLEMENTS)
    house.beat()
    house.worker(pages_of=1)
    outage = house.simulator.state.faults.plan("server_error", operation="getReports", after=2, times=12)
    Feed.objects.filter(account=tenant.account, spec=SETTLEMENTS).update(next_due=timezone.now())
    wait_for(lambda: outage.times < 6, 30, "the outage")
    said = tenant.read("/data/")
    found.tried = 1
    found.recovery.append(house.settle(120))
    assert "trying again" in said or "not complete" in said
    check(house, found, [tenant])


def test_cancelled_means_three_things_and_fills_no_day_with_zero(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "CANCELLED: no data, asked again too soon, cancelled by a person")
    tenant = house.tenant()
    state = house.simulator.state
    state.reports.clear()
    none, soon = OLDEST_MOVING, OLDEST_MOVING + 1
    with house.at_work(1):
        state.faults.plan("cancelled", operation="createReport", times=1)
        (no_data,) = house.ask(tenant, [none])
        house.settle(RECOVERED)
        state.faults.plan("cancelled_too_soon", operation="createReport", times=1)
        (too_soon,) = house.ask(tenant, [soon])
        wait_for(lambda: Fetch.objects.filter(pk=too_soon, outcome="too_soon").exists(), 60, "Amazon's refusal")
        deferred = Fetch.objects.get(pk=too_soon)
        assert deferred.state == "waiting" and deferred.not_before > timezone.now() + timedelta(minutes=20)
        assert not Coverage.objects.filter(account=tenant.account).exists()
        Fetch.objects.filter(pk=too_soon).update(not_before=timezone.now())  # half an hour later
        house.settle(RECOVERED)
        stored = house.facts(tenant)
        Fetch.objects.filter(pk=too_soon).update(requested_at=timezone.now() - timedelta(hours=2))
        state.faults.plan("cancelled_in_queue", operation="createReport", times=3)
        by_person = Fetch.objects.create(
            account=tenant.account, marketplace=tenant.scope.marketplace, spec=SALES, kind="manual",
            window_start=tenant.day(soon), window_end=tenant.day(soon), slot=timezone.now(),
        ).pk  # fmt: skip
        house.settle(RECOVERED)
    found.tried = 3
    ended = [Fetch.objects.get(pk=pk) for pk in (no_data, too_soon, by_person)]
    assert [fetch.outcome for fetch in ended] == ["no_data", "done", "cancelled_by_someone"]
    assert [fetch.state for fetch in ended] == ["empty", "done", "cancelled"]
    assert house.facts(tenant) == stored
    covered = set(Coverage.objects.filter(account=tenant.account).values_list("date", flat=True))
    assert covered == {tenant.day(soon)}
    tenant.asked.discard(tenant.day(none))
    check(house, found, [tenant])


@pytest.mark.parametrize("kind", ["fatal", "fatal_with_document"])
def test_a_report_amazon_cannot_make_is_asked_for_three_times_ever_later_and_says_why(
    house: House, fault: Faulty, kind: str
) -> None:
    words = {"fatal": "without a word", "fatal_with_document": "with a document that says why"}[kind]
    found = fault(AMAZON, f"FATAL {words}")
    tenant = house.tenant("NA", SALES)
    state = house.simulator.state
    state.reports.clear()
    # Long ago: what failed before they were entered would be asked for again.
    Credential.objects.filter(account=tenant.account).update(updated_at=timezone.now() - timedelta(days=30))
    with house.at_work(1):
        state.faults.plan(kind, operation="createReport", report_type=REPORT, times=3)
        (pk,) = house.ask(tenant, [OLDEST_MOVING], kind=Fetch.Kind.MANUAL)
        found.tried = 3
        house.settle(180)
        # A day passes.
        Fetch.objects.filter(pk=pk).update(finished_at=timezone.now() - timedelta(hours=25))
        told = OutboxMessage.objects.filter(address=tenant.owner.email)
        wait_for(told.exists, 60, "a mail that says that the report fails")
        house.settle(60)
        tally = Heartbeat.objects.get(kind="tick")
        wait_for(lambda: Heartbeat.objects.get(kind="tick").seen_at > tally.seen_at + timedelta(seconds=2), 60, "ticks")
        house.settle(60)
    (letter,) = (mail for mail in house.postbox.mails if mail["To"] == tenant.owner.email)
    assert str(letter["Subject"]).startswith("A report fails: ")
    created = sorted(one.created for one in state.reports.values())
    assert len(created) == 3
    assert created[1] - created[0] < created[2] - created[1]
    page = tenant.read("/data/")
    said = {"fatal": "and gave no reason", "fatal_with_document": "not available for the requested dates"}[kind]
    assert said in page
    tenant.asked.clear()
    check(house, found, [tenant])


def test_a_report_that_takes_hours_is_asked_for_once_across_restarts(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "A report in Amazon's queue for six hours, with workers killed meanwhile")
    tenant = house.tenant()
    state = house.simulator.state
    state.reports.clear()
    state.delay_factor = 10_000
    house.beat()
    (pk,) = house.ask(tenant, [OLDEST_MOVING])
    for _ in range(times(4, 20)):
        worker = house.worker()
        polled = state.calls["getReport"]
        wait_for(lambda before=polled: state.calls["getReport"] > before, 30, "a look at the report")  # type: ignore[misc]
        worker.kill()
        Fetch.objects.filter(pk=pk).update(requested_at=timezone.now() - timedelta(hours=6))
        found.tried += 1
    (report,) = state.reports.values()
    report.done_at = timezone.now()
    house.worker()
    found.recovery.append(house.settle(RECOVERED))
    assert state.calls["createReport"] == 1
    assert Fetch.objects.get(pk=pk).report_id == report.id
    check(house, found, [tenant])


def test_the_data_page_says_since_when_amazon_is_waited_for(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "A report in Amazon's queue: the Data page says since when")
    tenant = house.tenant("NA", SALES)
    state = house.simulator.state
    state.reports.clear()
    state.delay_factor = 10_000
    with house.at_work(1):
        (pk,) = house.ask(tenant, [OLDEST_MOVING])
        wait_for(lambda: state.calls["getReport"], 30, "a look at the report")
        said = tenant.read("/data/")
        asked_at = timezone.now() - timedelta(hours=6)
        Fetch.objects.filter(pk=pk).update(requested_at=asked_at, not_before=timezone.now())
        wait_for(
            lambda: Fetch.objects.filter(pk=pk, outcome="in_queue_long").exists(), RECOVERED, "hours to be noticed"
        )
        said_later = tenant.read("/data/")
        (report,) = state.reports.values()
        report.done_at = timezone.now()
        Fetch.objects.filter(pk=pk).update(not_before=timezone.now())
        found.tried = 1
        found.recovery.append(house.settle(RECOVERED))
    assert "waiting for Amazon" in said
    assert "Amazon is slow" in said_later
    assert f"since {formats.instant(asked_at, tenant.scope.marketplace)}" in said_later
    check(house, found, [tenant])


def test_a_duplicate_of_the_ads_api_is_adopted(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "Killed between Amazon's accepting an Ads request and our noting it: 425")
    tenant = house.tenant()
    state = house.simulator.state
    state.delay_factor = 1000
    flag = house.folder / "die"
    state.reports.clear()
    with house.at_work(1, die_after_request=flag):
        for number in range(times(3, 20)):
            flag.touch()
            house.ask(tenant, [20 + number], spec="sp_campaigns")
            found.tried += 1
            wait_for(lambda: state.calls["ads POST"] == 2 * found.tried, RECOVERED, "the request to be repeated")
            for report in list(state.reports.values()):
                report.done_at = timezone.now()
            found.recovery.append(house.settle(RECOVERED))
            assert not flag.exists()
    assert state.calls["ads POST"] == 2 * found.tried
    assert len(state.reports) == found.tried
    for number in range(found.tried):
        day = tenant.day(20 + number)
        stored = CampaignDay.objects.filter(account_id=tenant.account.pk, date=day).aggregate(Sum("spend_minor"))
        spent = sum((Decimal(str(term.cost)) for term in state.truth.terms(tenant.key, day)), Decimal(0))
        assert stored["spend_minor__sum"] == spent.scaleb(2)
    check(house, found, [tenant])


def test_an_address_that_expired_is_asked_for_anew_and_the_report_is_not(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "The document's address expired before it was used")
    tenant = house.tenant()
    jobs = times(10, 100)
    state = house.simulator.state
    state.faults.plan("expired_url", operation="download", times=jobs)
    with house.at_work(1):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + jobs))
        found.tried = jobs
        found.recovery.append(house.settle(RECOVERED))
    assert state.calls["createReport"] == jobs
    assert jobs < state.calls["getReportDocument"] <= 2 * jobs
    check(house, found, [tenant])


def test_a_document_cut_anywhere_is_none(house: House, fault: Faulty) -> None:
    found = fault(AMAZON, "A document cut at 1 to 99 %: the connection breaks, or the gzip file ends")
    tenant = house.tenant()
    state = house.simulator.state
    sizes = range(1, 100, times(4, 1))
    planned = []
    for number, percent in enumerate(sizes):
        for offset, kind in ((0, "cut_off"), (200, "truncated_gzip")):
            day = tenant.day(OLDEST_MOVING + number + offset)
            planned.append(state.faults.plan(kind, operation="download", share=percent / 100, day=day))
    with house.at_work(1):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + len(sizes)))
        house.ask(tenant, range(OLDEST_MOVING + 200, OLDEST_MOVING + 200 + len(sizes)))
        found.tried = len(planned)
        found.recovery.append(house.settle(180))
    assert not any(one.times for one in planned)
    assert Document.objects.filter(account=tenant.account).count() == len(planned)
    assert state.calls["createReport"] == len(planned)
    check(house, found, [tenant])


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_what_a_document_is_decides_not_what_it_is_called(
    house: House, fault: Faulty, labelled: bool, packed: bool
) -> None:
    words = f"{'called' if labelled else 'not called'} GZIP and {'packed' if packed else 'plain'}"
    found = fault(AMAZON, f"A document {words}")
    tenant = house.tenant()
    jobs = times(2, 20)
    state = house.simulator.state
    if not labelled:
        state.faults.plan("unlabelled_gzip", operation="getReportDocument", times=jobs)
    if not packed:
        state.faults.plan("mislabelled_gzip", operation="download", times=jobs)
    with house.at_work(1):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + jobs))
        found.tried = jobs
        found.recovery.append(house.settle(RECOVERED))
    assert not any(one.times for one in state.faults.planned)
    assert state.calls["createReport"] == state.calls["download"] == jobs
    check(house, found, [tenant])
