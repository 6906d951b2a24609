"""Facts about advertising: campaigns and search terms by day, and the names behind their ids.

Amazon's ids are used as keys (bigint); a console file, which has names only, gets a negative
64-bit hash of the name, so both can live side by side and neither needs a look-up to load.
Attributed sales use Amazon's 7-day click window (Sponsored Products, sellers).
"""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact


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
