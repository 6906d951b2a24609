"""Measures and KPIs of advertising. Definitions and limits: the operators' handbook and Amazon Ads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from opsboard.kpis.registry import Kpi, Limit, Measure, Unit, register_kpis, register_measures

from . import playbooks
from .models import CampaignDay

HANDBOOK = gettext_noop("Operators' handbook")
SINCE = date(2015, 1, 1)

register_measures(
    # Clicks settle in three days; attributed sales keep coming for the seven-day window.
    Measure("ads.impressions", _("Ad impressions"), Unit.COUNT, "sp_campaigns", CampaignDay, "sum(impressions)", 3),
    Measure("ads.clicks", _("Ad clicks"), Unit.COUNT, "sp_campaigns", CampaignDay, "sum(clicks)", 3),
    Measure("ads.spend", _("Ad spend"), Unit.MONEY, "sp_campaigns", CampaignDay, "sum(spend_minor)", 3),
    Measure("ads.sales", _("Ad sales"), Unit.MONEY, "sp_campaigns", CampaignDay, "sum(sales_minor)", 7, True),
    Measure("ads.orders", _("Ad orders"), Unit.COUNT, "sp_campaigns", CampaignDay, "sum(orders)", 7, True),
)

register_kpis(
    Kpi(
        key="acos",
        label=_("ACoS"),
        unit=Unit.RATE,
        numerator="ads.spend",
        denominator="ads.sales",
        domain="ads",
        direction=-1,
        limits=(Limit(SINCE, HANDBOOK, high=Decimal("0.25"), warn_high=Decimal("0.23")),),
        meaning=_("Advertising cost of sales: what a unit of ad-attributed sales costs in advertising."),
        formula=_("Ad spend ÷ ad-attributed sales, Sponsored Products"),
        amazon_name="Total Advertising Cost of Sales (ACOS)",
        amazon_page="Amazon Ads console > Campaigns",
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
        formula=_("Ad spend ÷ ordered product sales"),
        amazon_name="",
        amazon_page="",
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
        direction=1,
        limits=(Limit(SINCE, HANDBOOK, low=Decimal("0.004"), warn_low=Decimal("0.0045")),),
        meaning=_("Click-through rate: how often an impression of an ad becomes a click."),
        formula=_("Clicks ÷ impressions, Sponsored Products"),
        amazon_name="Click-Thru Rate (CTR)",
        amazon_page="Amazon Ads console > Campaigns",
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
        direction=-1,
        meaning=_("Cost per click."),
        formula=_("Ad spend ÷ clicks"),
        amazon_name="Cost Per Click (CPC)",
        amazon_page="Amazon Ads console > Campaigns",
    ),
)
