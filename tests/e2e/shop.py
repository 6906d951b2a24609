"""A small shop with forty days of figures, so that pages have something to show."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from ads.models import Campaign, CampaignDay, SearchTerm, SearchTermDay
from health.models import MetricDay
from inventory.models import Item, PlanningDay
from listings.models import AsinDay, Listing, SalesDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts import episodes
from opsboard.feeds import partitions
from opsboard.feeds.models import Coverage, Document, Feed, Ingest
from opsboard.kpis import causes, judge, rollup, snapshots
from opsboard.kpis import entities as entity_judge
from opsboard.kpis.models import AccountDayVintage

DAYS = 75
PRODUCTS = ("Bamboo cutting board", "Garlic press", "Kitchen scale", "Spice rack", "Baking mat, <b>large</b>")


def stock_shop(scope: AccountMarketplace, *, entities: int = 5) -> None:
    """Fill every page of one scope: ACoS over its limit, one SKU sold out, one day missing, one listing stopped."""
    today = scope.marketplace.today()
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    first = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    for model in (SalesDay, AsinDay, CampaignDay, SearchTermDay, PlanningDay, MetricDay):
        partitions.ensure(model, days[0], today)
    documents = {
        spec: _document(scope, spec)
        for spec in (
            "sales_and_traffic",
            "sales_and_traffic_asin",
            "listings",
            "planning",
            "performance",
            "sp_campaigns",
            "sp_search_terms",
        )
    }

    def cover(dataset: str, spec: str, covered: list) -> None:  # type: ignore[type-arg]
        Coverage.objects.bulk_create(
            Coverage(
                **first, dataset=dataset, date=day, document=documents[spec], source_created_at=timezone.now(), rows=1
            )
            for day in covered
        )

    missing = days[-9]
    sold = [day for day in days[:-1] if day != missing]
    asins = [(f"B0{n:08d}", f"SKU-{n:03d}", PRODUCTS[n % len(PRODUCTS)]) for n in range(entities)]
    row = {**first, "line": 2}
    SalesDay.objects.bulk_create(
        SalesDay(
            **row,
            document_id=documents["sales_and_traffic"].pk,
            date=day,
            ordered_sales_minor=90000 + 500 * n,
            units_ordered=40,
            order_items=38,
            sessions=400,
            page_views=520,
            buy_box_rate=Decimal("0.95"),
        )
        for n, day in enumerate(sold)
    )
    AsinDay.objects.bulk_create(
        AsinDay(
            **row,
            document_id=documents["sales_and_traffic_asin"].pk,
            date=day,
            asin=asin,
            parent_asin=asin,
            ordered_sales_minor=1000 * (n + 1),
            units_ordered=n + 1,
            order_items=n + 1,
            sessions=20 + n,
            page_views=30 + n,
            buy_box_rate=Decimal("0.9"),
        )
        for day in sold
        for n, (asin, _sku, _title) in enumerate(asins)
    )
    cover("sales_by_date", "sales_and_traffic", sold)
    cover("sales_by_asin", "sales_and_traffic_asin", sold)
    Listing.objects.bulk_create(
        Listing(
            **row,
            document_id=documents["listings"].pk,
            sku=sku,
            asin=asin,
            title=title,
            price_minor=1999,
            quantity=5,
            status="Active" if n else "Suppressed",
        )
        for n, (asin, sku, title) in enumerate(asins)
    )
    cover("listings", "listings", [today])
    Campaign.objects.bulk_create(
        Campaign(**first, campaign_id=100 + n, name=f"SP-Auto-{n}", status="ENABLED", budget_minor=3000)
        for n in range(entities)
    )
    CampaignDay.objects.bulk_create(
        CampaignDay(
            **row,
            document_id=documents["sp_campaigns"].pk,
            date=day,
            campaign_id=100 + n,
            impressions=9000,
            clicks=50,
            spend_minor=4000,
            sales_minor=10000,
            orders=4,
            units=4,
        )
        for day in days
        for n in range(entities)
    )
    cover("sp_campaigns", "sp_campaigns", days)
    SearchTerm.objects.bulk_create(SearchTerm(**first, term_id=n, text=f"search {n}") for n in range(entities))
    SearchTermDay.objects.bulk_create(
        SearchTermDay(
            **row,
            document_id=documents["sp_search_terms"].pk,
            date=day,
            ad_group_id=1,
            target_id=1,
            term_id=n,
            campaign_id=100,
            impressions=300,
            clicks=5,
            spend_minor=400,
            sales_minor=2000 * (n % 2),
            orders=n % 2,
        )
        for day in days
        for n in range(entities)
    )
    cover("sp_search_terms", "sp_search_terms", days)
    Item.objects.bulk_create(Item(**first, sku=sku, asin=asin, name=title) for asin, sku, title in asins)
    counted = [*days, today]
    PlanningDay.objects.bulk_create(
        PlanningDay(
            **row,
            document_id=documents["planning"].pk,
            date=day,
            sku=sku,
            available=0 if n == 1 else 200,
            inbound=20,
            age_0_90=150,
            age_91_180=30,
            age_181_270=20,
            shipped_30=60,
            shipped_90=170,
            excess=5,
        )
        for day in counted
        for n, (_asin, sku, _title) in enumerate(asins)
    )
    cover("planning", "planning", counted)
    rates = (
        ("odr_mfn", 6, 420, "0.01"),
        ("odr_afn", 2, 900, "0.01"),
        ("late_shipment", 9, 400, "0.04"),
        ("cancellation", 1, 110, "0.025"),
        ("valid_tracking", 390, 400, "0.95"),
    )
    MetricDay.objects.bulk_create(
        MetricDay(
            **row,
            document_id=documents["performance"].pk,
            date=day,
            metric=metric,
            numerator=part,
            denominator=whole,
            rate=Decimal(part) / whole,
            target=Decimal(target),
            status="GOOD",
            window_start=day - timedelta(days=60),
            window_end=day,
        )
        for day in counted
        for metric, part, whole, target in rates
    )
    MetricDay.objects.bulk_create(
        MetricDay(
            **row, document_id=documents["performance"].pk, date=day, metric=metric, numerator=number, status=word
        )
        for day in counted
        for metric, number, word in (
            ("ip_suspected", 2, "FAIR"),
            ("safety", 0, "GOOD"),
            ("account_health_rating", 248, "GOOD"),
        )
    )
    cover("performance", "performance", counted)
    with transaction.atomic():
        rollup.rebuild(scope.account_id, scope.marketplace_id)
        # What ads cost three weeks ago was another figure when the day was final.
        AccountDayVintage.objects.create(
            **first,
            date=days[-21],
            measure="ads.spend",
            value=9900,
            known_at=timezone.now() - timedelta(days=10),
            document_id=documents["sp_campaigns"].pk,
        )
        snapshots.mark_all(scope.account_id, scope.marketplace_id)
        snapshots.refresh(scope.account_id, scope.marketplace_id)
        entity_judge.judge([(scope.account_id, scope.marketplace_id)])
        changes = judge.judge(scope.account_id, scope.marketplace_id)
        causes.remember(scope.account_id, scope.marketplace_id, changes)
        episodes.follow(changes)


def _document(scope: AccountMarketplace, spec: str) -> Document:
    first = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    now = timezone.now()
    document = Document.objects.create(
        **first,
        spec=spec,
        source=Document.Source.SP_API,
        report_id=f"report-{spec}",
        report_type=spec.upper(),
        window_start=now.date() - timedelta(days=DAYS),
        window_end=now.date(),
        source_created_at=now,
        sha256="0" * 64,
        size=4096,
    )
    Ingest.objects.create(
        document=document,
        state=Ingest.State.APPLIED,
        rows_in=10,
        rows_changed=9,
        rows_refused=1,
        errors=[{"line": 3, "column": "price", "value": "abc", "why": "not an amount"}],
    )
    Feed.objects.create(**first, spec=spec, last_success_at=now)
    return document
