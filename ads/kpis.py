"""Measures and KPIs of advertising. Definitions and limits: the operators' handbook and Amazon Ads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from opsboard.kpis.decomposition import Factor
from opsboard.kpis.entities import EntityKpi, Shown, register_entity_kpis
from opsboard.kpis.registry import Grain, Kpi, Limit, Measure, Unit, register_kpis, register_measures
from opsboard.kpis.snapshots import JUDGED, Naming, Snapshot, register_snapshots

from . import playbooks
from .models import (
    BrandsCampaignDay,
    Campaign,
    CampaignDay,
    CampaignWindow,
    DisplayCampaignDay,
    SearchTerm,
    SearchTermDay,
    TermWindow,
)

HANDBOOK = gettext_noop("Operators' handbook")
SINCE = date(2015, 1, 1)
CONSOLE = "Amazon Ads console > Campaigns"

register_measures(
    # Clicks settle in three days; attributed sales keep coming for the seven-day window.
    Measure("ads.impressions", _("Ad impressions"), Unit.COUNT, "sp_campaigns", CampaignDay, "sum(impressions)", 3),
    Measure("ads.clicks", _("Ad clicks"), Unit.COUNT, "sp_campaigns", CampaignDay, "sum(clicks)", 3),
    Measure("ads.spend", _("Ad spend"), Unit.MONEY, "sp_campaigns", CampaignDay, "sum(spend_minor)", 3),
    Measure("ads.sales", _("Ad sales"), Unit.MONEY, "sp_campaigns", CampaignDay, "sum(sales_minor)", 7, True),
    Measure("ads.orders", _("Ad orders"), Unit.COUNT, "sp_campaigns", CampaignDay, "sum(orders)", 7, True),
)
# Brands and Display count sales for fourteen days after a click or a view: never added to the seven-day ones.
for _key, _dataset, _model, _spend, _sales, _new in (
    (
        "brands",
        "sb_campaigns",
        BrandsCampaignDay,
        _("Sponsored Brands spend"),
        _("Sponsored Brands sales, 14 days"),
        _("Sponsored Brands sales to new customers"),
    ),
    (
        "display",
        "sd_campaigns",
        DisplayCampaignDay,
        _("Sponsored Display spend"),
        _("Sponsored Display sales, 14 days"),
        _("Sponsored Display sales to new customers"),
    ),
):
    register_measures(
        Measure(f"ads.{_key}_spend", _spend, Unit.MONEY, _dataset, _model, "sum(spend_minor)", 3),
        Measure(f"ads.{_key}_sales", _sales, Unit.MONEY, _dataset, _model, "sum(sales_minor)", 14),
        Measure(f"ads.{_key}_new_sales", _new, Unit.MONEY, _dataset, _model, "sum(new_to_brand_sales_minor)", 14),
    )

register_kpis(
    Kpi(
        key="acos",
        label=_("ACoS"),
        unit=Unit.RATE,
        numerator="ads.spend",
        denominator="ads.sales",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=-1,
        limits=(Limit(SINCE, HANDBOOK, high=Decimal("0.25"), warn_high=Decimal("0.23")),),
        meaning=_("Advertising cost of sales: what a unit of ad-attributed sales costs in advertising."),
        formula=_("Ad spend ÷ ad-attributed sales (7-day clicks, 14 where the figure says so), Sponsored Products"),
        amazon_name="Total Advertising Cost of Sales (ACOS)",
        amazon_page=CONSOLE,
        evidence=playbooks.campaigns_by_waste,
        next_step=_("Look at the campaigns below: lower bids or add negatives where spend brings no orders."),
    ),
    Kpi(
        key="tacos",
        label=_("TACoS"),
        unit=Unit.RATE,
        numerator="ads.spend",
        denominator="listings.ordered_sales",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=0,
        limits=(
            Limit(
                SINCE,
                HANDBOOK,
                high=Decimal("0.18"),
                warn_high=Decimal("0.17"),
                warn_low=Decimal("0.12"),
            ),
        ),
        meaning=_("Advertising's share of all sales, advertised or not. TACoS = ACoS × ad share of sales."),
        formula=_("Sponsored Products spend ÷ ordered product sales; Brands and Display are not in it"),
        evidence=playbooks.campaigns_by_spend,
        next_step=_("Over the band: cut the campaigns with the worst ACoS. Under it: fund the ones under target."),
    ),
    Kpi(
        key="ctr",
        label=_("Ad CTR"),
        unit=Unit.RATE,
        numerator="ads.clicks",
        denominator="ads.impressions",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=1,
        limits=(Limit(SINCE, HANDBOOK, low=Decimal("0.004"), warn_low=Decimal("0.0045")),),
        meaning=_("Click-through rate: how often an impression of an ad becomes a click."),
        formula=_("Clicks ÷ impressions, Sponsored Products"),
        amazon_name="Click-Thru Rate (CTR)",
        amazon_page=CONSOLE,
        evidence=playbooks.campaigns_by_click_rate,
        next_step=_("Check the main image first, then the price against the offers beside it."),
    ),
    Kpi(
        key="cpc",
        label=_("CPC"),
        unit=Unit.MONEY,
        numerator="ads.spend",
        denominator="ads.clicks",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=-1,
        meaning=_("Cost per click."),
        formula=_("Ad spend ÷ clicks"),
        amazon_name="Cost Per Click (CPC)",
        amazon_page=CONSOLE,
        next_step=_("Lower the bids of targets whose clicks cost most and sell least."),
    ),
    Kpi(
        key="roas",
        label=_("ROAS"),
        unit=Unit.TIMES,
        numerator="ads.sales",
        denominator="ads.spend",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=1,
        meaning=_("Return on ad spend: what a unit of advertising brings in ad-attributed sales. ROAS = 1 ÷ ACoS."),
        formula=_("Ad-attributed sales (7-day clicks) ÷ ad spend, Sponsored Products"),
        amazon_name="Total Return on Advertising Spend (ROAS)",
        amazon_page=CONSOLE,
        evidence=playbooks.campaigns_by_waste,
    ),
    Kpi(
        key="ad_cvr",
        label=_("Ad conversion rate"),
        unit=Unit.RATE,
        numerator="ads.orders",
        denominator="ads.clicks",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=1,
        meaning=_("How often a click on an ad becomes an order within seven days."),
        formula=_("Ad orders (7-day clicks) ÷ clicks, Sponsored Products"),
        amazon_name="Conversion rate",
        amazon_page=CONSOLE,
        evidence=playbooks.campaigns_by_waste,
    ),
    Kpi(
        key="ad_share",
        label=_("Ad share of sales"),
        unit=Unit.RATE,
        numerator="ads.sales",
        denominator="listings.ordered_sales",
        domain="ads",
        rows=("ads:index#campaigns",),
        direction=0,
        meaning=_("How much of what is ordered came through Sponsored Products ads. TACoS = ACoS × this share."),
        formula=_("Ad-attributed sales (7-day clicks) ÷ ordered product sales"),
    ),
    Kpi(
        key="brands_acos",
        label=_("ACoS, Sponsored Brands"),
        unit=Unit.RATE,
        numerator="ads.brands_spend",
        denominator="ads.brands_sales",
        domain="ads",
        direction=-1,
        meaning=_("Advertising cost of sales of Sponsored Brands, over its own window of 14 days."),
        formula=_("Spend ÷ sales within 14 days after a click or a view, Sponsored Brands"),
        amazon_name="Total Advertising Cost of Sales (ACOS)",
        amazon_page=CONSOLE,
    ),
    Kpi(
        key="display_acos",
        label=_("ACoS, Sponsored Display"),
        unit=Unit.RATE,
        numerator="ads.display_spend",
        denominator="ads.display_sales",
        domain="ads",
        direction=-1,
        meaning=_("Advertising cost of sales of Sponsored Display, over its own window of 14 days."),
        formula=_("Spend ÷ sales within 14 days after a click or a view, Sponsored Display"),
        amazon_name="Total Advertising Cost of Sales (ACOS)",
        amazon_page=CONSOLE,
    ),
    Kpi(
        key="brands_new",
        label=_("New-to-brand share, Sponsored Brands"),
        unit=Unit.RATE,
        numerator="ads.brands_new_sales",
        denominator="ads.brands_sales",
        domain="ads",
        direction=1,
        meaning=_("Share of Sponsored Brands sales to buyers who bought nothing of the brand for a year."),
        formula=_("New-to-brand sales ÷ sales within 14 days, Sponsored Brands"),
        amazon_name="% of sales new-to-brand",
        amazon_page=CONSOLE,
    ),
    Kpi(
        key="display_new",
        label=_("New-to-brand share, Sponsored Display"),
        unit=Unit.RATE,
        numerator="ads.display_new_sales",
        denominator="ads.display_sales",
        domain="ads",
        direction=1,
        meaning=_("Share of Sponsored Display sales to buyers who bought nothing of the brand for a year."),
        formula=_("New-to-brand sales ÷ sales within 14 days, Sponsored Display"),
        amazon_name="% of sales new-to-brand",
        amazon_page=CONSOLE,
    ),
)

_SUMS = {name: f"sum({name})" for name in ("impressions", "clicks", "spend_minor", "sales_minor", "orders")}
CAMPAIGNS = Snapshot(
    "campaigns",
    _("Campaigns"),
    Grain.CAMPAIGN,
    "sp_campaigns",
    CampaignDay,
    CampaignWindow,
    "campaign_id",
    _SUMS,
    mature_days=7,
    naming=Naming(
        Campaign,
        "campaign_id",
        "name",
        "ads:campaign",
        lambda n: ngettext("%(n)s campaign", "%(n)s campaigns", n) % {"n": n},
        by_name=True,
    ),
)
TERMS = Snapshot(
    "terms",
    _("Search terms"),
    Grain.TERM,
    "sp_search_terms",
    SearchTermDay,
    TermWindow,
    "term_id",
    _SUMS,
    mature_days=7,
    naming=Naming(
        SearchTerm,
        "term_id",
        "text",
        "ads:term",
        lambda n: ngettext("%(n)s search term", "%(n)s search terms", n) % {"n": n},
        by_name=True,
    ),
    periods=("30d", JUDGED),
)
register_snapshots(CAMPAIGNS, TERMS)
_SPENT = (
    Shown("spend_minor", _("Spend"), Unit.MONEY),
    Shown("sales_minor", _("Sales"), Unit.MONEY),
    Shown("clicks", _("Clicks"), Unit.COUNT),
)
_BEHIND_ACOS = (
    Factor(_("Price of a click"), Unit.MONEY, "spend_minor", "clicks"),
    Factor(_("Orders a click"), Unit.RATE, "orders", "clicks", -1),
    Factor(_("Sales an order"), Unit.MONEY, "sales_minor", "orders", -1),
)
_CLICKED = (Shown("impressions", _("Impressions"), Unit.COUNT), Shown("clicks", _("Clicks"), Unit.COUNT))
register_entity_kpis(
    # A campaign or term with a handful of clicks says nothing yet.
    EntityKpi(
        "acos", CAMPAIGNS, "spend_minor", "sales_minor", enough="clicks >= 20", shows=_SPENT, factors=_BEHIND_ACOS
    ),
    EntityKpi("ctr", CAMPAIGNS, "clicks", "impressions", enough="impressions >= 1000", shows=_CLICKED),
    EntityKpi("cpc", CAMPAIGNS, "spend_minor", "clicks", enough="clicks >= 20", shows=_SPENT),
    EntityKpi("acos", TERMS, "spend_minor", "sales_minor", enough="clicks >= 20", shows=_SPENT, factors=_BEHIND_ACOS),
)
