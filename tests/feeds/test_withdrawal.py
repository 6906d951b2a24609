"""A document taken back counts for nothing: its days say what was known without it, or are missing again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from ads.models import Campaign, CampaignDay
from listings.models import Listing
from opsboard.accounts.models import AuditEvent, Role
from opsboard.feeds import pipeline, withdrawal
from opsboard.feeds.models import Coverage, DirtyDay, Document, Ingest
from opsboard.kpis import rollup
from opsboard.kpis.models import AccountDay
from tests.factories import make_seller, make_user
from tests.feeds.test_pipeline import DAY, NOON, Desk, campaign, desk, kept

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db
State = Ingest.State
NEXT = DAY + timedelta(days=1)


def run(ingest: Ingest) -> pipeline.Outcome:
    outcome = pipeline.run_ingest(ingest.pk)
    assert outcome is not None
    return outcome


def withdrawn(document: Document) -> pipeline.Outcome:
    return run(withdrawal.withdraw(document, user=None, why="Wrong file"))


def test_its_days_fall_back_to_the_document_before(desk: Desk) -> None:
    desk.ingest([campaign(1, 10), campaign(2, 5)])
    newer = desk.keep([campaign(1, 99), campaign(3, 7)])
    run(newer)
    outcome = withdrawn(newer.document)
    assert (outcome.state, outcome.days) == (State.WITHDRAWN, [DAY])
    assert desk.spend() == {(DAY, 1): 1000, (DAY, 2): 500}
    assert Coverage.objects.get().document_id == Document.objects.earliest("pk").pk


def test_a_day_nobody_else_spoke_of_is_missing_again_and_not_zero(desk: Desk) -> None:
    desk.ingest([campaign(1, 10)])
    newer = desk.keep([campaign(1, 11), campaign(1, 12, NEXT)], window=(DAY, NEXT))
    run(newer)
    rollup.refresh(desk.scope.account_id, desk.scope.marketplace_id)
    withdrawn(newer.document)
    rollup.refresh(desk.scope.account_id, desk.scope.marketplace_id)
    assert desk.spend() == {(DAY, 1): 1000}
    spend = AccountDay.objects.filter(measure="ads.spend")
    assert {row.date: row.value for row in spend} == {DAY: 1000}


def test_rows_that_said_the_same_are_handed_to_the_one_who_says_so_still(desk: Desk) -> None:
    first = desk.keep([campaign(1, 10)])
    run(first)
    second = desk.keep([campaign(1, 10), campaign(2, 5)])
    run(second)
    assert CampaignDay.objects.get(campaign_id=1).document_id == first.document_id
    withdrawn(first.document)
    assert {row.document_id for row in CampaignDay.objects.all()} == {second.document_id}
    assert desk.spend() == {(DAY, 1): 1000, (DAY, 2): 500}


def test_a_late_document_that_never_held_the_day_is_what_it_falls_back_to(desk: Desk) -> None:
    newest = desk.keep([campaign(1, 30)], made=NOON + timedelta(hours=2))
    run(newest)
    assert run(desk.keep([campaign(1, 20)], made=NOON + timedelta(hours=1))).state == State.SUPERSEDED
    withdrawn(newest.document)
    assert desk.spend() == {(DAY, 1): 2000}


def test_restored_it_counts_again(desk: Desk) -> None:
    desk.ingest([campaign(1, 10)])
    newer = desk.keep([campaign(1, 99)])
    run(newer)
    withdrawn(newer.document)
    assert run(withdrawal.replay(newer.document, user=None)).state == State.APPLIED
    assert desk.spend() == {(DAY, 1): 9900}


def test_the_same_bytes_sent_again_after_a_withdrawal_are_read(desk: Desk) -> None:
    first = desk.keep([campaign(1, 10)])
    run(first)
    withdrawn(first.document)
    assert desk.spend() == {}
    assert desk.ingest([campaign(1, 10)]).state == State.APPLIED
    assert desk.spend() == {(DAY, 1): 1000}


def test_a_document_that_holds_nothing_takes_nothing_with_it(desk: Desk) -> None:
    old = desk.keep([campaign(1, 10)])
    run(old)
    desk.ingest([campaign(1, 12)])
    DirtyDay.objects.all().delete()
    outcome = withdrawn(old.document)
    assert (outcome.changed, outcome.deleted, outcome.days) == (0, 0, [])
    assert desk.spend() == {(DAY, 1): 1200}
    assert not DirtyDay.objects.exists()
    assert withdrawn(old.document).state == State.WITHDRAWN  # twice is once


def test_withdrawn_before_it_was_read_it_is_never_read(desk: Desk) -> None:
    waiting = desk.keep([campaign(1, 10)])
    assert withdrawn(waiting.document).state == State.WITHDRAWN
    assert pipeline.run_ingest(waiting.pk) is None
    assert desk.spend() == {}


def test_a_crash_in_the_middle_leaves_everything_as_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ingest([campaign(1, 10)])
    newer = desk.keep([campaign(1, 99)])
    run(newer)
    asked = withdrawal.withdraw(newer.document, user=None, why="Wrong")

    def power_cut(*_args: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(withdrawal._Withdrawal, "_mark_dirty", power_cut)
        with pytest.raises(RuntimeError):
            pipeline.run_ingest(asked.pk)
    assert desk.spend() == {(DAY, 1): 9900}
    assert Coverage.objects.get().document_id == newer.document_id
    Ingest.objects.filter(pk=asked.pk).update(lease_until=None)
    run(asked)
    assert desk.spend() == {(DAY, 1): 1000}


def test_names_stay_as_they_are_known(desk: Desk) -> None:
    desk.ingest([campaign(1, campaignName="Old name")])
    newer = desk.keep([campaign(1, 12, campaignName="New name")])
    run(newer)
    withdrawn(newer.document)
    assert Campaign.objects.get().name in {"Old name", "New name"}


def test_a_state_falls_back_to_the_state_before(desk: Desk) -> None:
    head = b"item-name\tseller-sku\tasin1\tprice\tquantity\tstatus\n"
    rows = b"Press\tA\tB000000001\t10.00\t5\tActive\nLid\tB\tB000000002\t8.00\t5\tActive\n"
    desk.ingest(head + rows, "listings", window=None)
    newer = desk.keep(head + rows.replace(b"10.00", b"12.00"), "listings", window=None)
    run(newer)
    assert Listing.objects.get(sku="A").price_minor == 1200
    withdrawn(newer.document)
    assert {item.sku: item.price_minor for item in Listing.objects.all()} == {"A": 1000, "B": 800}
    assert newer.document_id not in {item.document_id for item in Listing.objects.all()}


# --- the page ---------------------------------------------------------------------------------


def test_a_manager_withdraws_with_a_reason_and_it_is_on_record(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False
    user, (scope,) = make_seller()
    desk = Desk(scope)
    ingest = desk.keep([campaign(1, 10)])
    run(ingest)
    client = Client()
    client.force_login(user)
    page = f"/data/document/{ingest.document_id}/"
    assert client.get(page).context["standings"][0].goes_missing == 1

    client.post(f"{page}act/", {"act": "withdraw", "why": ""})
    assert Ingest.objects.filter(task="withdraw").count() == 0  # no reason, no withdrawal
    client.post(f"{page}act/", {"act": "withdraw", "why": "Wrong shop"})
    asked = Ingest.objects.get(task="withdraw")
    assert (asked.asked_by, asked.why) == (user, "Wrong shop")
    run(asked)
    shown = client.get(page)
    assert "Wrong shop" in shown.content.decode()
    assert AuditEvent.objects.filter(action="document.withdraw").count() == 1
    client.post(f"{page}act/", {"act": "restore"})
    run(Ingest.objects.latest("pk"))
    assert desk.spend() == {(DAY, 1): 1000}


def test_the_raw_file_is_for_managers_and_comes_as_it_was(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False
    owner, (scope,) = make_seller()
    raw = b'[{"date": "2026-11-02", "campaignId": 1}]'
    document = Desk(scope).keep(raw).document
    client = Client()
    client.force_login(owner)
    answer = client.get(f"/data/document/{document.pk}/raw/")
    assert answer.getvalue() == raw
    assert "attachment" in answer["Content-Disposition"]
    operator = make_user(scope.account.organisation, Role.OPERATOR)
    client.force_login(operator)
    assert client.get(f"/data/document/{document.pk}/raw/").status_code == 403
    assert client.post(f"/data/document/{document.pk}/act/", {"act": "replay"}).status_code == 403
    assert client.get(f"/data/document/{document.pk}/").status_code == 200
