"""Facts about listings: sales and traffic by day, parent, child ASIN and SKU, and the listings as they stand."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact
from opsboard.kpis.models import WindowSums


class SalesDay(Fact):
    """Sales and traffic of one marketplace day (GET_SALES_AND_TRAFFIC_REPORT, by date).

    Rates are Amazon's own figures as fractions; money is minor units. What business buyers ordered (b2b)
    is a part of the whole, and None where Amazon does not tell it apart.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date")
    date = models.DateField()
    ordered_sales_minor = models.BigIntegerField(default=0)
    ordered_sales_b2b_minor = models.BigIntegerField(null=True)
    units_ordered = models.IntegerField(default=0)
    units_ordered_b2b = models.IntegerField(null=True)
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


class AsinTraffic(Fact):
    """What the report tells of a parent ASIN, a child ASIN or a SKU on one marketplace day (one-day reports).

    Sessions of a parent are not the sum of its children's: a visitor who looked at two of them came once.
    """

    ordered_sales_minor = models.BigIntegerField(default=0)
    ordered_sales_b2b_minor = models.BigIntegerField(null=True)
    units_ordered = models.IntegerField(default=0)
    units_ordered_b2b = models.IntegerField(null=True)
    order_items = models.IntegerField(default=0)
    sessions = models.IntegerField(null=True)
    page_views = models.IntegerField(null=True)
    buy_box_rate = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    unit_session_rate = models.DecimalField(max_digits=11, decimal_places=6, null=True)

    class Meta:
        abstract = True


class ParentDay(AsinTraffic):
    """Sales and traffic of one parent ASIN on one marketplace day."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "parent_asin")
    date = models.DateField()
    parent_asin = CompactTextField(max_length=10)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "parent_asin", "date"], name="parentday_by_asin")
        ]


class AsinDay(AsinTraffic):
    """Sales and traffic of one child ASIN on one marketplace day."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "asin")
    date = models.DateField()
    asin = CompactTextField(max_length=10)
    parent_asin = CompactTextField(max_length=10, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "asin", "date"], name="asinday_by_asin")]


class SkuDay(AsinTraffic):
    """Sales and traffic of one SKU on one marketplace day; a SKU that changed its ASIN that day has a row of each."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku", "asin")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    asin = CompactTextField(max_length=10)
    parent_asin = CompactTextField(max_length=10, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="skuday_by_sku")]


class AsinWindow(WindowSums):
    """What a child ASIN came to in a window of days and in the one before (`p_`); kept by opsboard.kpis.snapshots."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "period", "asin")
    asin = CompactTextField(max_length=10)
    parent_asin = CompactTextField(max_length=10, blank=True)
    sales_minor = models.BigIntegerField(null=True)
    units = models.BigIntegerField(null=True)
    sessions = models.BigIntegerField(null=True)
    page_views = models.BigIntegerField(null=True)
    buy_box_views = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    rated_views = models.BigIntegerField(null=True)
    #: Over the days that can be compared with the period before; so are all of it.
    c_sales_minor = models.BigIntegerField(null=True)
    c_units = models.BigIntegerField(null=True)
    p_sales_minor = models.BigIntegerField(null=True)
    p_units = models.BigIntegerField(null=True)
    p_sessions = models.BigIntegerField(null=True)
    p_page_views = models.BigIntegerField(null=True)
    p_buy_box_views = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    p_rated_views = models.BigIntegerField(null=True)


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


class SuppressedDay(Fact):
    """A reason why a listing did not show in search on one day (GET_MERCHANTS_LISTINGS_FYP_REPORT).

    A listing has a row for each reason, in the order of the report. `status` is Amazon's word
    (Search Suppressed, Inactive, ...), `changed` the moment of the last change as the report writes it.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku", "ordinal")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    reason = models.TextField(blank=True)
    ordinal = models.IntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    title = models.TextField(blank=True)
    status = models.TextField(blank=True)
    condition = CompactTextField(max_length=40, blank=True)
    changed = models.TextField(blank=True)
    issue = models.TextField(blank=True)


class SearchQueryWeek(Fact):
    """How one of the seller's ASINs did in the searches for one query in a week (Search Query Performance).

    `date` is the week's Sunday. `*_total` are those of all ASINs in the query's results, `*_asin` those of
    this one; shares and rates follow from the counts. Prices are medians in minor units.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "asin", "query_id")
    date = models.DateField()
    asin = CompactTextField(max_length=10)
    query_id = models.BigIntegerField()
    score = models.IntegerField(null=True)
    volume = models.IntegerField(null=True)
    impressions_total = models.BigIntegerField(null=True)
    impressions_asin = models.BigIntegerField(null=True)
    clicks_total = models.IntegerField(null=True)
    clicks_asin = models.IntegerField(null=True)
    cart_adds_total = models.IntegerField(null=True)
    cart_adds_asin = models.IntegerField(null=True)
    purchases_total = models.IntegerField(null=True)
    purchases_asin = models.IntegerField(null=True)
    click_price_total_minor = models.BigIntegerField(null=True)
    click_price_asin_minor = models.BigIntegerField(null=True)
    purchase_price_total_minor = models.BigIntegerField(null=True)
    purchase_price_asin_minor = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "query_id", "date"], name="queryweek_by_query")]


class SearchQuery(models.Model):
    """The text behind a query_id (opsboard.feeds.keys.key64 of the text)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "query_id")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    query_id = models.BigIntegerField()
    text = models.TextField()


class SearchTermWeek(Fact):
    """One of the three ASINs clicked most after a search term in a week (Brand Analytics, top search terms).

    Amazon tells millions of terms; those are kept in which one of the seller's own ASINs is among the three,
    with all three. `date` is the week's Sunday, `rank` how often the term was searched (1: most often),
    `position` 1-3 by clicks; shares are fractions of all clicks and purchases after the term.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "term_id", "department", "asin")
    date = models.DateField()
    term_id = models.BigIntegerField()
    department = CompactTextField(max_length=100, blank=True)
    asin = CompactTextField(max_length=10)
    term = models.TextField()
    rank = models.IntegerField()
    position = models.SmallIntegerField(null=True)
    click_share = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    conversion_share = models.DecimalField(max_digits=9, decimal_places=6, null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "asin", "date"], name="termweek_by_asin")]
