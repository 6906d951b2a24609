"""Facts about advertising by day (campaigns, targets, search terms, products) and the names behind their ids.

Amazon's ids are used as keys (bigint); a console file, which has names only, gets a negative
64-bit hash of the name, so both can live side by side and neither needs a look-up to load.
Attributed sales of Sponsored Products use Amazon's 7-day click window (sellers' own), or 14 days where
the document that holds the day says so (opsboard.feeds.attribution). Those of Sponsored Brands and Display
are counted over 14 days after a click or a view; they live in tables of their own, so that the two are
never added up unnoticed.
"""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact
from opsboard.kpis.models import WindowSums


class CampaignDay(Fact):
    """One campaign on one day (Ads v3 spCampaigns, DAILY)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "campaign_id")
    date = models.DateField()
    campaign_id = models.BigIntegerField()
    impressions = models.IntegerField(default=0)
    clicks = models.IntegerField(default=0)
    spend_minor = models.BigIntegerField(default=0)
    sales_minor = models.BigIntegerField(default=0)
    orders = models.IntegerField(default=0)
    units = models.IntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "campaign_id", "date"], name="campaignday_by_campaign")
        ]


class SearchTermDay(Fact):
    """One customer search term against one target on one day (Ads v3 spSearchTerm; clicked terms only)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "target_id", "term_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    term_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    impressions = models.IntegerField(default=0)
    clicks = models.IntegerField(default=0)
    spend_minor = models.BigIntegerField(default=0)
    sales_minor = models.BigIntegerField(default=0)
    orders = models.IntegerField(default=0)
    units = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "term_id", "date"], name="termday_by_term")]


class AdWindow(WindowSums):
    """What ads came to in a window of days and in the one before (`p_`); kept by opsboard.kpis.snapshots."""

    impressions = models.BigIntegerField(null=True)
    clicks = models.BigIntegerField(null=True)
    spend_minor = models.BigIntegerField(null=True)
    sales_minor = models.BigIntegerField(null=True)
    orders = models.BigIntegerField(null=True)
    p_impressions = models.BigIntegerField(null=True)
    p_clicks = models.BigIntegerField(null=True)
    p_spend_minor = models.BigIntegerField(null=True)
    p_sales_minor = models.BigIntegerField(null=True)
    p_orders = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class CampaignWindow(AdWindow):
    """One campaign of Sponsored Products over a window."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "period", "campaign_id")
    campaign_id = models.BigIntegerField()


class TermWindow(AdWindow):
    """One customer search term of Sponsored Products over a window, whatever it met."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "period", "term_id")
    term_id = models.BigIntegerField()


class Delivery(Fact):
    """What an ad was shown, clicked and what it cost; money in minor units."""

    impressions = models.IntegerField(default=0)
    clicks = models.IntegerField(default=0)
    spend_minor = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class Clicked(Delivery):
    """Sales after a click on Sponsored Products; within how many days of it, the document that holds the day says."""

    sales_minor = models.BigIntegerField(default=0)
    orders = models.IntegerField(default=0)
    units = models.IntegerField(default=0)

    class Meta:
        abstract = True


class FourteenDays(Delivery):
    """Sales within 14 days after a click or a view (Sponsored Brands, Display); `clicked_` those after a click only."""

    sales_minor = models.BigIntegerField(default=0)
    clicked_sales_minor = models.BigIntegerField(default=0)
    orders = models.IntegerField(default=0)
    clicked_orders = models.IntegerField(default=0)
    units = models.IntegerField(default=0)

    class Meta:
        abstract = True


class TargetDay(Clicked):
    """One keyword or product target of Sponsored Products on one day (spTargeting)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "target_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()


class AdvertisedProductDay(Clicked):
    """One advertised SKU in one ad of Sponsored Products on one day (spAdvertisedProduct)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "ad_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    ad_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    sku = CompactTextField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="advertisedday_by_sku")]


class PurchasedProductDay(Fact):
    """What was bought within days of a click on the ad of another or the same product (spPurchasedProduct).

    `other_` are sales of SKUs that were not the advertised one.
    """

    pk = models.CompositePrimaryKey(
        "account_id", "marketplace_id", "date", "ad_group_id", "target_id", "advertised_sku", "purchased_asin"
    )
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    advertised_sku = CompactTextField(max_length=60, blank=True)
    purchased_asin = CompactTextField(max_length=10)
    campaign_id = models.BigIntegerField()
    advertised_asin = CompactTextField(max_length=10, blank=True)
    sales_minor = models.BigIntegerField(default=0)
    orders = models.IntegerField(default=0)
    units = models.IntegerField(default=0)
    other_sales_minor = models.BigIntegerField(default=0)
    other_orders = models.IntegerField(default=0)
    other_units = models.IntegerField(default=0)


class BrandsCampaignDay(FourteenDays):
    """One campaign of Sponsored Brands on one day (sbCampaigns); new to brand: bought nothing of it for a year."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "campaign_id")
    date = models.DateField()
    campaign_id = models.BigIntegerField()
    new_to_brand_sales_minor = models.BigIntegerField(default=0)
    new_to_brand_orders = models.IntegerField(default=0)


class BrandsTargetDay(FourteenDays):
    """One keyword or target of Sponsored Brands on one day (sbTargeting)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "target_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()


class BrandsSearchTermDay(FourteenDays):
    """One customer search term against one keyword of Sponsored Brands on one day (sbSearchTerm)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "target_id", "term_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    term_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()


class DisplayCampaignDay(FourteenDays):
    """One campaign of Sponsored Display on one day (sdCampaigns)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "campaign_id")
    date = models.DateField()
    campaign_id = models.BigIntegerField()
    new_to_brand_sales_minor = models.BigIntegerField(default=0)
    new_to_brand_orders = models.IntegerField(default=0)


class DisplayProductDay(FourteenDays):
    """One advertised SKU in one ad of Sponsored Display on one day (sdAdvertisedProduct)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "ad_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    ad_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    sku = CompactTextField(max_length=60, blank=True)


class DisplayTargetDay(FourteenDays):
    """One audience or product target of Sponsored Display on one day (sdTargeting)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "ad_group_id", "target_id")
    date = models.DateField()
    ad_group_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()


class Campaign(models.Model):
    """What a campaign is called and how it stands, as the newest report had it."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "campaign_id")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    campaign_id = models.BigIntegerField()
    name = models.TextField()
    status = CompactTextField(max_length=20, blank=True)
    budget_minor = models.BigIntegerField(null=True)


class AdGroup(models.Model):
    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "ad_group_id")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    ad_group_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    name = models.TextField()


class Target(models.Model):
    """A keyword or product target: its text and match type."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "target_id")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    target_id = models.BigIntegerField()
    text = models.TextField(blank=True)
    match_type = CompactTextField(max_length=40, blank=True)


class SearchTerm(models.Model):
    """The text behind a term_id (opsboard.feeds.keys.key64 of the text)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "term_id")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    term_id = models.BigIntegerField()
    text = models.TextField()
