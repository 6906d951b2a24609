"""Facts about listings: sales and traffic by day and by child ASIN, and the listings as they stand."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact


class SalesDay(Fact):
    """Sales and traffic of one marketplace day (GET_SALES_AND_TRAFFIC_REPORT, by date).

    Rates are Amazon's own figures as fractions; money is minor units.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date")
    date = models.DateField()
    ordered_sales_minor = models.BigIntegerField(default=0)
    units_ordered = models.IntegerField(default=0)
    order_items = models.IntegerField(default=0)
    units_refunded = models.IntegerField(default=0)
    shipped_sales_minor = models.BigIntegerField(null=True)
    units_shipped = models.IntegerField(null=True)
    orders_shipped = models.IntegerField(null=True)
    sessions = models.IntegerField(null=True)
    page_views = models.IntegerField(null=True)
    browser_sessions = models.IntegerField(null=True)
    mobile_sessions = models.IntegerField(null=True)
    buy_box_rate = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    unit_session_rate = models.DecimalField(max_digits=11, decimal_places=6, null=True)
    feedback_received = models.IntegerField(null=True)
    negative_feedback = models.IntegerField(null=True)
    claims_granted = models.IntegerField(null=True)


class AsinDay(Fact):
    """Sales and traffic of one child ASIN on one marketplace day (by child ASIN, one-day reports)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "asin")
    date = models.DateField()
    asin = CompactTextField(max_length=10)
    parent_asin = CompactTextField(max_length=10, blank=True)
    ordered_sales_minor = models.BigIntegerField(default=0)
    units_ordered = models.IntegerField(default=0)
    order_items = models.IntegerField(default=0)
    sessions = models.IntegerField(null=True)
    page_views = models.IntegerField(null=True)
    buy_box_rate = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    unit_session_rate = models.DecimalField(max_digits=11, decimal_places=6, null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "asin", "date"], name="asinday_by_asin")]


class Listing(Fact):
    """A listing as the newest All Listings report has it (state; a newer report replaces it)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "sku")
    sku = CompactTextField(max_length=60)
    asin = CompactTextField(max_length=10, blank=True)
    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    price_minor = models.BigIntegerField(null=True)
    quantity = models.IntegerField(null=True)
    fulfilment_channel = CompactTextField(max_length=20, blank=True)
    status = CompactTextField(max_length=20, blank=True)
    opened = models.TextField(blank=True)
    image_url = models.TextField(blank=True)
    product_id = CompactTextField(max_length=20, blank=True)
