"""What campaigns cost against the same cost told by search term, target and advertised product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.facts import Fact
from opsboard.feeds.reconciliation import Check, Excuse, Figure, Side, register

from .models import (
    AdvertisedProductDay,
    BrandsCampaignDay,
    BrandsSearchTermDay,
    BrandsTargetDay,
    CampaignDay,
    DisplayCampaignDay,
    DisplayProductDay,
    DisplayTargetDay,
    SearchTermDay,
    TargetDay,
)

if TYPE_CHECKING:
    from opsboard.feeds.reconciliation import Label

# Each row's cost is rounded to the cent for itself.
_SPEND = Figure(_("Ad spend"), "sum(spend_minor)", "sum(spend_minor)", rounded=True)
_CLICKS = Figure(_("Ad clicks"), "sum(clicks)", "sum(clicks)")
_PRODUCTS = Side(_("Sponsored Products campaigns"), "sp_campaigns", CampaignDay)
_BRANDS = Side(_("Sponsored Brands campaigns"), "sb_campaigns", BrandsCampaignDay)
_DISPLAY = Side(_("Sponsored Display campaigns"), "sd_campaigns", DisplayCampaignDay)
_NOT_ALL_TERMS = _("Terms that nobody clicked are absent, so terms add up to less than their campaigns, not more.")


def _against(whole: Side, dataset: str, label: Label, model: type[Fact], excuse: Excuse = Excuse.NONE) -> Check:
    reason = _NOT_ALL_TERMS if excuse else ""
    return Check(
        dataset, label, Side(label, dataset, model), whole, money=_SPEND, count=_CLICKS, excuse=excuse, reason=reason
    )


register(
    _against(_PRODUCTS, "sp_search_terms", _("Search terms of Sponsored Products"), SearchTermDay, Excuse.LESS),
    _against(_PRODUCTS, "sp_targets", _("Targets of Sponsored Products"), TargetDay),
    _against(_PRODUCTS, "sp_advertised_products", _("Advertised products of Sponsored Products"), AdvertisedProductDay),
    _against(_BRANDS, "sb_search_terms", _("Search terms of Sponsored Brands"), BrandsSearchTermDay, Excuse.LESS),
    _against(_BRANDS, "sb_targets", _("Targets of Sponsored Brands"), BrandsTargetDay),
    _against(_DISPLAY, "sd_advertised_products", _("Advertised products of Sponsored Display"), DisplayProductDay),
    _against(_DISPLAY, "sd_targets", _("Targets of Sponsored Display"), DisplayTargetDay),
)
