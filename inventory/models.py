"""Facts about FBA stock: the daily planning snapshot, the daily stock snapshot, the items behind them."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact


class PlanningDay(Fact):
    """One SKU in one day's inventory planning report: age, demand, cover, cost (GET_FBA_INVENTORY_PLANNING_DATA)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    available = models.IntegerField(default=0)
    inbound = models.IntegerField(null=True)
    reserved = models.IntegerField(null=True)
    unfulfillable = models.IntegerField(null=True)
    age_0_90 = models.IntegerField(default=0)
    age_91_180 = models.IntegerField(default=0)
    age_181_270 = models.IntegerField(default=0)
    age_271_365 = models.IntegerField(default=0)
    age_over_365 = models.IntegerField(default=0)
    shipped_7 = models.IntegerField(default=0)
    shipped_30 = models.IntegerField(default=0)
    shipped_60 = models.IntegerField(default=0)
    shipped_90 = models.IntegerField(default=0)
    excess = models.IntegerField(null=True)
    days_of_supply = models.IntegerField(null=True)
    sell_through = models.DecimalField(max_digits=9, decimal_places=3, null=True)
    price_minor = models.BigIntegerField(null=True)
    storage_cost_minor = models.BigIntegerField(null=True)
    alert = models.TextField(blank=True)
    recommended_action = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="planningday_by_sku")]


class StockDay(Fact):
    """One SKU in one day's FBA stock report (GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    fulfillable = models.IntegerField(default=0)
    unsellable = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    inbound_working = models.IntegerField(default=0)
    inbound_shipped = models.IntegerField(default=0)
    inbound_receiving = models.IntegerField(default=0)
    researching = models.IntegerField(default=0)
    price_minor = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="stockday_by_sku")]


class Item(models.Model):
    """What a SKU is: FNSKU, ASIN and name as the newest inventory report had them."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "sku")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    sku = CompactTextField(max_length=60)
    fnsku = CompactTextField(max_length=20, blank=True)
    asin = CompactTextField(max_length=10, blank=True)
    name = models.TextField(blank=True)
