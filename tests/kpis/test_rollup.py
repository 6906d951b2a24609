"""The roll-up is what the facts say, for the days that changed, and remembers what it said before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ads.models import CampaignDay
from health.models import MetricDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import partitions
from opsboard.feeds.models import Coverage, DirtyDay, Document
from opsboard.kpis import rollup
from opsboard.kpis.models import AccountDay, AccountDayVintage

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 10)
NEXT = DAY + timedelta(days=1)


def cover(scope: AccountMarketplace, *days: date, dataset: str = "sp_campaigns") -> None:
    keys: dict[str, Any] = {"account": scope.account, "marketplace": scope.marketplace}
    document = Document.objects.filter(**keys).first() or Document.objects.create(
        **keys, spec=dataset, source="upload", source_created_at=timezone.now(), sha256="0" * 64, size=1
    )
    for day in days:
        Coverage.objects.get_or_create(
            **keys, dataset=dataset, date=day, defaults={"document": document, "source_created_at": timezone.now()}
        )
        DirtyDay.objects.get_or_create(**keys, dataset=dataset, date=day)


def advertise(scope: AccountMarketplace, day: date, campaign: int = 1, **figures: int) -> None:
    partitions.ensure(CampaignDay, day, day)
    CampaignDay.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        document_id=1,
        line=2,
        date=day,
        campaign_id=campaign,
        **figures,
    )


def refresh(scope: AccountMarketplace) -> int:
    with transaction.atomic():
        return rollup.refresh(scope.account_id, scope.marketplace_id)


def spend(scope: AccountMarketplace) -> dict[date, Decimal]:
    rows = AccountDay.objects.filter(account_id=scope.account_id, measure="ads.spend")
    return dict(rows.values_list("date", "value"))


def test_it_sums_the_dirty_days(scope: AccountMarketplace) -> None:
    advertise(scope, DAY, 1, spend_minor=150, clicks=3)
    advertise(scope, DAY, 2, spend_minor=50, clicks=1)
    cover(scope, DAY)

    changed = refresh(scope)

    assert spend(scope) == {DAY: Decimal(200)}
    assert changed == 5  # the five measures of the dataset
    assert not DirtyDay.objects.exists()


def test_a_covered_day_without_rows_is_zero_and_an_uncovered_one_is_nothing(scope: AccountMarketplace) -> None:
    advertise(scope, NEXT, spend_minor=999)  # facts nobody vouches for
    cover(scope, DAY)
    DirtyDay.objects.create(account=scope.account, marketplace=scope.marketplace, dataset="sp_campaigns", date=NEXT)

    refresh(scope)

    assert spend(scope) == {DAY: Decimal(0)}


def test_a_rate_amazon_did_not_state_is_missing_not_zero(scope: AccountMarketplace) -> None:
    partitions.ensure(MetricDay, DAY, DAY)
    MetricDay.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        document_id=1,
        line=1,
        date=DAY,
        metric="odr_afn",
        numerator=2,
        denominator=100,
        target=Decimal("0.01"),
        status="GOOD",
    )
    cover(scope, DAY, dataset="performance")

    refresh(scope)

    stated = dict(AccountDay.objects.filter(account_id=scope.account_id).values_list("measure", "value"))
    assert stated == {"health.odr_afn": 2, "health.odr_afn_of": 100, "health.odr_afn_target": Decimal("0.01")}


def test_days_that_are_not_dirty_are_left_alone(scope: AccountMarketplace) -> None:
    advertise(scope, DAY, spend_minor=100)
    cover(scope, DAY)
    refresh(scope)
    CampaignDay.objects.update(spend_minor=1)

    assert refresh(scope) == 0
    assert spend(scope) == {DAY: Decimal(100)}


def test_a_restatement_is_kept_beside_what_was_known_before(scope: AccountMarketplace) -> None:
    advertise(scope, DAY, spend_minor=100, clicks=4)
    cover(scope, DAY)
    refresh(scope)
    CampaignDay.objects.update(spend_minor=104)
    cover(scope, DAY)

    assert refresh(scope) == 1  # clicks did not change and are not written again
    known = AccountDayVintage.objects.filter(measure="ads.spend").order_by("id").values_list("value", flat=True)
    assert list(known) == [100, 104]


def test_a_day_that_is_no_longer_covered_vanishes(scope: AccountMarketplace) -> None:
    advertise(scope, DAY, spend_minor=100)
    cover(scope, DAY)
    refresh(scope)
    Coverage.objects.all().delete()
    DirtyDay.objects.create(account=scope.account, marketplace=scope.marketplace, dataset="sp_campaigns", date=DAY)

    refresh(scope)

    assert spend(scope) == {}
    assert AccountDayVintage.objects.filter(measure="ads.spend").latest("id").value is None


def test_another_account_is_not_touched(scope: AccountMarketplace) -> None:
    from tests.factories import make_scope

    other = make_scope(marketplace="US")
    for one in (scope, other):
        advertise(one, DAY, spend_minor=100)
        cover(one, DAY)

    refresh(scope)

    assert spend(other) == {}
    assert DirtyDay.objects.filter(account=other.account).exists()


def test_rebuilding_gives_the_same_figures(scope: AccountMarketplace) -> None:
    for n, day in enumerate((DAY, NEXT)):
        advertise(scope, day, spend_minor=100 + n)
    cover(scope, DAY, NEXT)
    refresh(scope)
    before = spend(scope)
    AccountDay.objects.all().delete()

    with transaction.atomic():
        rollup.rebuild(scope.account_id, scope.marketplace_id)

    assert spend(scope) == before == {DAY: 100, NEXT: 101}


def test_ninety_dirty_days_cost_as_many_queries_as_one(scope: AccountMarketplace) -> None:
    cover(scope, *(DAY - timedelta(days=n) for n in range(90)))

    with CaptureQueriesContext(connection) as queries:
        refresh(scope)

    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 2
    assert len(spend(scope)) == 90
