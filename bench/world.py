"""The sellers of the simulated day: three hundred accounts of five marketplaces, by default.

All of them are rows, with every feed. A few live through the day: those have held everything for months,
as an account does that has been connected for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace, Marketplace, Organisation, SellerAccount
from opsboard.feeds import registry, schedule, slots
from opsboard.feeds.models import Document, Feed

#: Their days begin within the same hour, so all of a seller's reports are due at the same time: the hardest five.
MARKETPLACES = ("DE", "FR", "IT", "ES", "UK")
HELD_DAYS = 130
NEVER = timedelta(days=3650)

_HOLD = """
    INSERT INTO feeds_coverage (account_id, marketplace_id, dataset, date, document_id, source_created_at, rows,
                                digest, applied_at)
    SELECT %(account)s, %(shop)s, dataset, day::date, %(document)s,
           LEAST(%(now)s::timestamptz - interval '1 day', day + make_interval(days => mature + 2)), 1, '', %(now)s
      FROM unnest(%(datasets)s::text[], %(mature)s::int[]) AS known(dataset, mature),
           generate_series(%(first)s::date, %(last)s::date, interval '1 day') day
        ON CONFLICT DO NOTHING"""


def populate(accounts: int, now: datetime) -> list[SellerAccount]:
    """Every account with its marketplaces and credentials; nobody has a feed that is due."""
    organisation = Organisation.objects.create(name="Scale", slug="scale")
    found = SellerAccount.objects.bulk_create(
        SellerAccount(organisation=organisation, name=f"Seller {n}", region="EU", selling_partner_id=f"SELLER{n}")
        for n in range(accounts)
    )
    shops = list(Marketplace.objects.filter(code__in=MARKETPLACES))
    AccountMarketplace.objects.bulk_create(
        AccountMarketplace(account=account, marketplace=shop, ads_profile_id=f"{account.pk}{shop.pk:03d}")
        for account in found
        for shop in shops
    )
    for account in found:
        for kind in ("sp_api", "ads"):
            values = {"client_id": "app", "client_secret": "s", "refresh_token": account.selling_partner_id}
            sealing.store(account, kind, values)
    scopes = AccountMarketplace.objects.select_related("account", "marketplace")
    usable = [({spec.key: spec for spec in schedule.usable_specs(scope, {"sp_api", "ads"})}, scope) for scope in scopes]
    schedule._create_missing_feeds([(scope, specs) for specs, scope in usable], now + NEVER)
    return found


def settle(accounts: Sequence[SellerAccount], now: datetime) -> None:
    """These have held everything for months, and ask again when their next slots come."""
    specs = {spec.key: spec for spec in registry.specs()}
    mature = {dataset.key: dataset.mature_days for spec in specs.values() for dataset in spec.datasets}
    for scope in AccountMarketplace.objects.filter(account__in=accounts).select_related("account", "marketplace"):
        _hold(scope, mature, now)
        feeds = list(Feed.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id))
        for feed in feeds:
            rhythm = slots.rhythm_of(feed, specs[feed.spec], scope)
            feed.next_due = slots.after(rhythm, scope, now)
            feed.deep_planned_to = slots.deep_before(specs[feed.spec], rhythm, scope, now) or now
        Feed.objects.bulk_update(feeds, ["next_due", "deep_planned_to"])


def _hold(scope: AccountMarketplace, mature: dict[str, int], now: datetime) -> None:
    document = Document.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec="listings",
        source="sp_api",
        report_type="-",
        source_created_at=now,
        sha256="",
        size=0,
    )
    last = scope.marketplace.day_of(now) - timedelta(days=1)
    values = {
        "account": scope.account_id,
        "shop": scope.marketplace_id,
        "document": document.pk,
        "now": now,
        "datasets": list(mature),
        "mature": list(mature.values()),
        "first": last - timedelta(days=HELD_DAYS),
        "last": last,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, values)
