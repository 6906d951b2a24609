"""Facts about FBA stock: what there is, what moved, what it costs to keep and to ship, what came back."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact
from opsboard.kpis.models import WindowSums


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


class SkuWindow(WindowSums):
    """A SKU's stock as it stands and what it sold, and of the day before (`p_`); kept by opsboard.kpis.snapshots."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "period", "sku")
    sku = CompactTextField(max_length=60)
    available = models.BigIntegerField(null=True)
    inbound = models.BigIntegerField(null=True)
    shipped_30 = models.BigIntegerField(null=True)
    p_available = models.BigIntegerField(null=True)
    p_inbound = models.BigIntegerField(null=True)
    p_shipped_30 = models.BigIntegerField(null=True)


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


class RestockDay(Fact):
    """What Amazon would send in of one SKU, as of one day (GET_RESTOCK_INVENTORY_RECOMMENDATIONS_REPORT).

    Days of supply are Amazon's own estimates; `recommended_ship_date` stands as Amazon writes it.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    price_minor = models.BigIntegerField(null=True)
    sales_30_minor = models.BigIntegerField(null=True)
    units_30 = models.IntegerField(null=True)
    total_units = models.IntegerField(null=True)
    inbound = models.IntegerField(null=True)
    available = models.IntegerField(null=True)
    fc_transfer = models.IntegerField(null=True)
    fc_processing = models.IntegerField(null=True)
    customer_order = models.IntegerField(null=True)
    unfulfillable = models.IntegerField(null=True)
    working = models.IntegerField(null=True)
    shipped = models.IntegerField(null=True)
    receiving = models.IntegerField(null=True)
    fulfilled_by = CompactTextField(max_length=40, blank=True)
    days_of_supply = models.IntegerField(null=True)
    days_of_supply_at_amazon = models.IntegerField(null=True)
    alert = CompactTextField(max_length=40, blank=True)
    recommended_quantity = models.IntegerField(null=True)
    recommended_ship_date = CompactTextField(max_length=30, blank=True)
    recommended_action = models.TextField(blank=True)
    storage_size = CompactTextField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="restockday_by_sku")]


class StrandedDay(Fact):
    """Stock that cannot be sold, as of one day, and why (GET_STRANDED_INVENTORY_UI_DATA).

    The two dates stand as Amazon writes them.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku", "ordinal")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    ordinal = models.IntegerField()
    reason = models.TextField(blank=True)
    primary_action = models.TextField(blank=True)
    status_primary = models.TextField(blank=True)
    status_secondary = models.TextField(blank=True)
    error = models.TextField(blank=True)
    stranded_since = CompactTextField(max_length=40, blank=True)
    removal_on = CompactTextField(max_length=40, blank=True)
    fulfillable = models.IntegerField(null=True)
    unfulfillable = models.IntegerField(null=True)
    reserved = models.IntegerField(null=True)
    inbound_shipped = models.IntegerField(null=True)
    price_minor = models.BigIntegerField(null=True)


class LedgerDay(Fact):
    """How the stock of a SKU in one condition moved on one day in one place (GET_LEDGER_SUMMARY_VIEW_DATA, DAILY).

    `location` is a country: Amazon tells of all the countries a seller's stock lies in. Units; what leaves is negative.
    """

    pk = models.CompositePrimaryKey(
        "account_id", "marketplace_id", "date", "sku", "fnsku", "disposition", "location", "store"
    )
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    fnsku = CompactTextField(max_length=20)
    disposition = CompactTextField(max_length=40, blank=True)
    location = CompactTextField(max_length=20, blank=True)
    store = CompactTextField(max_length=40, blank=True)
    asin = CompactTextField(max_length=10, blank=True)
    starting = models.IntegerField(null=True)
    in_transit = models.IntegerField(null=True)
    receipts = models.IntegerField(null=True)
    customer_shipments = models.IntegerField(null=True)
    customer_returns = models.IntegerField(null=True)
    vendor_returns = models.IntegerField(null=True)
    transfers = models.IntegerField(null=True)
    found = models.IntegerField(null=True)
    lost = models.IntegerField(null=True)
    damaged = models.IntegerField(null=True)
    disposed = models.IntegerField(null=True)
    other = models.IntegerField(null=True)
    unknown = models.IntegerField(null=True)
    ending = models.IntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="ledgerday_by_sku")]


class StorageFeeMonth(Fact):
    """What Amazon charges for storing one FNSKU in one warehouse in one month (GET_FBA_STORAGE_FEE_CHARGES_DATA).

    `date` is the first day of the month. Fees are in the marketplace's currency, with all the decimals Amazon gives:
    a warehouse's share of a month is often less than a cent.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "fnsku", "fulfillment_center", "ordinal")
    date = models.DateField()
    fnsku = CompactTextField(max_length=20)
    fulfillment_center = CompactTextField(max_length=20, blank=True)
    ordinal = models.IntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    country = CompactTextField(max_length=10, blank=True)
    size_tier = CompactTextField(max_length=60, blank=True)
    average_on_hand = models.DecimalField(max_digits=14, decimal_places=3, null=True)
    average_pending_removal = models.DecimalField(max_digits=14, decimal_places=3, null=True)
    volume = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    volume_unit = CompactTextField(max_length=20, blank=True)
    rate = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    fee = models.DecimalField(max_digits=16, decimal_places=6)
    incentive = models.DecimalField(max_digits=16, decimal_places=6, null=True)


class FeePreviewDay(Fact):
    """What Amazon would charge for selling one piece of a SKU by FBA, as of one day (Fee Preview)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    fulfilled_by = CompactTextField(max_length=40, blank=True)
    price_minor = models.BigIntegerField(null=True)
    sales_price_minor = models.BigIntegerField(null=True)
    size_tier = CompactTextField(max_length=60, blank=True)
    longest_side = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    median_side = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    shortest_side = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    length_unit = CompactTextField(max_length=20, blank=True)
    weight = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    weight_unit = CompactTextField(max_length=20, blank=True)
    fee_total_minor = models.BigIntegerField(null=True)
    referral_fee_minor = models.BigIntegerField(null=True)
    closing_fee_minor = models.BigIntegerField(null=True)
    fulfillment_fee_minor = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="feepreviewday_by_sku")]


class CustomerReturn(Fact):
    """A piece a buyer sent back to Amazon (GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA).

    `date` is the marketplace's day of the return. What the buyer wrote is not kept: the reason says it.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "order_id", "sku", "ordinal")
    date = models.DateField()
    order_id = CompactTextField(max_length=30)
    sku = CompactTextField(max_length=60)
    ordinal = models.IntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    fnsku = CompactTextField(max_length=20, blank=True)
    quantity = models.IntegerField(null=True)
    fulfillment_center = CompactTextField(max_length=20, blank=True)
    disposition = CompactTextField(max_length=60, blank=True)
    reason = models.TextField(blank=True)
    status = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="customerreturn_by_sku")]


class Item(models.Model):
    """What a SKU is: FNSKU, ASIN and name as the newest inventory report had them."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "sku")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    sku = CompactTextField(max_length=60)
    fnsku = CompactTextField(max_length=20, blank=True)
    asin = CompactTextField(max_length=10, blank=True)
    name = models.TextField(blank=True)
