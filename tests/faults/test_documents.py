"""Documents that come twice, out of order, too early, with gaps, or empty."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds import pipeline
from opsboard.feeds.models import DocumentDay, Fetch, Ingest
from opsboard.kpis.models import AccountDayVintage, Verdict

from .conftest import Faulty
from .house import LEASE, OLDEST_MOVING, House, Tenant, wait_for
from .invariants import check, truth
from .plant import keep, limit, sales_document
from .record import times

DOCUMENTS = "Documents"
BY_ASIN = "sales_and_traffic_asin"
RECOVERED = LEASE + 60


def states_of(tenant: Tenant) -> list[str]:
    found = Ingest.objects.filter(document__account=tenant.account).values_list("state", flat=True)
    return sorted(found)


@pytest.mark.quick
def test_the_same_report_delivered_five_times_at_once_counts_once(house: House, fault: Faulty) -> None:
    found = fault(DOCUMENTS, "The same report five times at once")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    with house.at_work(2):
        for number in range(times(3, 40, few=1)):
            day = tenant.day(OLDEST_MOVING + number)
            content = sales_document(house, tenant, day)
            made_at = timezone.now()
            tenant.asked.add(day)
            for _ in range(5):
                keep(house, tenant, content, day, made_at)
            found.tried += 5
            found.recovery.append(house.settle(RECOVERED))
            mine = Ingest.objects.filter(document__account=tenant.account, document__window_start=day)
            first, *others = sorted(mine.values_list("state", flat=True))
            # Another of the five, equally new, was there before: nothing new in it, or it is covered.
            assert first == "applied" and set(others) <= {"unchanged", "superseded"}
            stored = house.facts(tenant)
            keep(house, tenant, content, day, made_at)
            house.settle(RECOVERED)
            assert house.facts(tenant) == stored
    check(house, found, [tenant])


def test_the_newest_report_counts_in_whichever_order_they_arrive(house: House, fault: Faulty) -> None:
    found = fault(DOCUMENTS, "Restated reports out of order (third, first, second)")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    shares = {1: 0.8, 2: 0.9, 3: 1.0}
    with house.at_work(2):
        for number in range(times(3, 40)):
            day = tenant.day(OLDEST_MOVING + number)
            tenant.asked.add(day)
            made_at = timezone.now() - timedelta(days=3)
            for version in (3, 1, 2):
                content = sales_document(house, tenant, day, share=shares[version])
                keep(house, tenant, content, day, made_at + timedelta(hours=version))
                house.settle(RECOVERED)
            found.tried += 3
            versions = DocumentDay.objects.filter(account=tenant.account, dataset="sales_by_date", date=day)
            assert versions.count() == 3
    check(house, found, [tenant])


def test_a_figure_restated_after_it_was_final_says_what_it_was(house: House, fault: Faulty) -> None:
    found = fault(DOCUMENTS, "A figure restated after it was final: what it was is kept and shown")
    tenant = house.tenant()
    day = tenant.day(20)
    with house.at_work(1):
        for share in (0.8, 1.0):
            keep(house, tenant, sales_document(house, tenant, day, share=share), day)
            house.settle(RECOVERED)
            found.tried += 1
    tenant.asked.add(day)
    known = AccountDayVintage.objects.filter(account_id=tenant.account.pk, measure="listings.ordered_sales", date=day)
    assert known.count() == 2
    span: dict[str, object] = {
        "scope": tenant.scope.pk,
        "period": "custom",
        "from": day.isoformat(),
        "to": day.isoformat(),
    }
    assert "restated: was" in tenant.read("/listings/", {**span, "chart": "ordered_sales"})
    check(house, found, [tenant])


def test_sixty_days_of_figures_that_fill_up_late_raise_no_false_alarm(house: House, fault: Faulty) -> None:
    """Each morning the newest days are there in part; a rule that believed them would see sales fall each day."""
    days = times(20, 60)
    found = fault(DOCUMENTS, f"{days} mornings on which the newest days are not counted to the end")
    tenant = house.tenant()
    zone = tenant.scope.marketplace.zone
    start = tenant.day(days + 10)

    def low() -> Decimal:
        """Of all weeks of that time the one with the fewest sales; a little less is the limit."""
        daily = [truth(house, tenant, start - timedelta(days=20) + timedelta(days=n))[0] for n in range(days + 25)]
        weeks = [sum(daily[n : n + 7]) for n in range(len(daily) - 7)]
        return Decimal(min(weeks)) / 100 * Decimal("0.97")

    limit(tenant, "ordered_sales", f"{low():.2f}")
    for morning in range(-10, days):
        moment = datetime.combine(start + timedelta(days=morning), time(9), zone)
        with time_machine.travel(moment, tick=True):
            for back in range(1, 5):
                day = moment.date() - timedelta(days=back)
                content = sales_document(house, tenant, day)
                if json.loads(content)["salesAndTrafficByDate"]:
                    document = keep(house, tenant, content, day, moment)
                    outcome = pipeline.run_ingest(document.ingests.get().pk)
                    assert outcome is not None and outcome.state in {"applied", "unchanged"}, outcome
                    tenant.asked.add(day)
            judge_scope(tenant.account.pk, tenant.scope.marketplace_id)
        found.tried += 1
    judged = Verdict.objects.get(account=tenant.account, kpi="ordered_sales")
    assert judged.value is not None, judged.reason
    assert not Episode.objects.filter(account=tenant.account).exists()
    assert not OutboxMessage.objects.filter(address=tenant.owner.email).exists()
    # Those mornings lie in the past: what was still moving then is asked for again, and now it is final.
    house.ask(tenant, [(tenant.day(0) - max(tenant.asked)).days + n for n in range(OLDEST_MOVING)])
    with house.at_work(1):
        house.settle(RECOVERED)
    check(house, found, [tenant])


def test_a_report_that_leaves_rows_out_in_silence_is_found_by_another(house: House, fault: Faulty) -> None:
    found = fault(DOCUMENTS, "A report that leaves rows out in silence")
    tenant = house.tenant()
    day = tenant.day(10)
    whole = json.loads(sales_document(house, tenant, day))
    sold = [row for row in whole["salesAndTrafficByAsin"] if row["salesByAsin"]["unitsOrdered"]]
    whole["salesAndTrafficByAsin"].remove(sold[0])
    with house.at_work(1):
        keep(house, tenant, json.dumps(whole).encode(), day, spec=BY_ASIN)
        house.settle(RECOVERED)
    found.tried = 1
    span: dict[str, object] = {
        "scope": tenant.scope.pk,
        "period": "custom",
        "from": day.isoformat(),
        "to": day.isoformat(),
    }
    assert "differs" in tenant.read("/data/reconciliation/", span)
    with house.at_work(1):
        keep(house, tenant, sales_document(house, tenant, day), day, spec=BY_ASIN)
        house.settle(RECOVERED)
    assert "differs" not in tenant.read("/data/reconciliation/", span)
    tenant.asked.add(day)
    check(house, found, [tenant])


def listings_document(rows: int) -> bytes:
    head = "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\topen-date\tasin1\tstatus"
    lines = [
        f"Thing {n}\t\tL{n}\tSKU-{n:04d}\t9.99\t5\t2026-01-01 00:00:00 PST\tB0{n:08d}\tActive" for n in range(rows)
    ]
    return "\n".join([head, *lines, ""]).encode()


def test_an_empty_report_where_there_were_five_hundred_rows_is_held(house: House, fault: Faulty) -> None:
    found = fault(DOCUMENTS, "An empty report where yesterday's had 500 rows")
    tenant = house.tenant()
    today = tenant.day(0)
    with house.at_work(1):
        keep(house, tenant, listings_document(500), today, timezone.now() - timedelta(hours=1), spec="listings")
        house.settle(RECOVERED)
        keep(house, tenant, listings_document(0), today, spec="listings")
        house.settle(RECOVERED)
    found.tried = 1
    states = states_of(tenant)
    assert states[0] == "applied" and states[1] in {"held", "refused"}, states
    assert house.sql("SELECT count(*) FROM listings_listing WHERE account_id = %s", tenant.account.pk) == [(500,)]
    check(house, found, [tenant])


def test_an_empty_report_is_asked_for_once_more_before_it_is_called_suspicious(house: House, fault: Faulty) -> None:
    found = fault(DOCUMENTS, "An empty report is asked for once more")
    tenant = house.tenant("NA", "listings")
    state = house.simulator.state
    with house.at_work(1):
        house.ask(tenant, [0], spec="listings")
        house.settle(RECOVERED)
        state.calls.clear()
        state.faults.plan("empty", operation="download", report_type="GET_MERCHANT_LISTINGS_ALL_DATA", times=2)
        Fetch.objects.create(
            account=tenant.account, marketplace=tenant.scope.marketplace, spec="listings", kind="manual",
            window_start=tenant.day(0), window_end=tenant.day(0), slot=timezone.now(),
        )  # fmt: skip
        wait_for(lambda: state.calls["createReport"] == 2, RECOVERED, "a second request")
        house.settle(RECOVERED)
        house.settle(RECOVERED)
    found.tried = 2
    assert state.calls["createReport"] == 2
    asked = Fetch.objects.get(account=tenant.account, kind="manual")
    assert asked.outcome == "suspicious"
    assert [entry["outcome"] for entry in asked.journal if entry["outcome"] in {"emptied", "suspicious"}] == [
        "emptied",
        "suspicious",
    ]
    stored = house.sql("SELECT count(*) FROM listings_listing WHERE account_id = %s", tenant.account.pk)
    assert stored[0][0] > 0
    assert "suspicious" in tenant.read("/data/")
    check(house, found, [tenant])
