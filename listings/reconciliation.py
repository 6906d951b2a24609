"""Sales by child ASIN, by SKU and by parent ASIN against sales by day: four views of the same orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.reconciliation import Check, Figure, Side, register

from .models import AsinDay, AsinTraffic, ParentDay, SalesDay, SkuDay

if TYPE_CHECKING:
    from opsboard.feeds.reconciliation import Label

_DAYS = Side(_("Sales by day"), "sales_by_date", SalesDay)
_SALES = Figure(_("Ordered sales"), "sum(ordered_sales_minor)", "sum(ordered_sales_minor)")
_UNITS = Figure(_("Units ordered"), "sum(units_ordered)", "sum(units_ordered)")


def _against_days(key: str, label: Label, dataset: str, model: type[AsinTraffic]) -> Check:
    return Check(key, label, Side(label, dataset, model), _DAYS, money=_SALES, count=_UNITS)


register(
    _against_days("sales_by_asin", _("Sales by child ASIN"), "sales_by_asin", AsinDay),
    _against_days("sales_by_sku", _("Sales by SKU"), "sales_by_sku", SkuDay),
    _against_days("sales_by_parent", _("Sales by parent ASIN"), "sales_by_parent", ParentDay),
)
