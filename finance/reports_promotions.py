"""Promotions and coupons: what each was, what it cost and what it brought, by product where Amazon says so.

Both are asked for by the days on which they start. Those of the last two months are asked for again
every day, for their figures grow while they run and shrink when orders are cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import Marketplace
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import Coupon, CouponProduct, Promotion, PromotionProduct

TEXT, MONEY, INTEGER, INSTANT = Kind.TEXT, Kind.MONEY, Kind.INTEGER, Kind.INSTANT
_START_DAY = "(s.started_at AT TIME ZONE %(zone)s)::date"
Rows = Callable[[Any], Iterator[dict[str, Any]]]


def rows_of(part: str, products: str, *, inner: bool = False) -> Rows:
    """The flat rows of a document: its `part`s, or (`inner`) the `products` of each beside the part's own fields."""

    def rows(document: Any) -> Iterator[dict[str, Any]]:
        found = document.get(part) if isinstance(document, dict) else None
        if not isinstance(found, list):
            raise BadDocument(
                _("The part “%(name)s” is missing") % {"name": part},
                todo=_("Check that this is a seller's report; nothing was changed."),
            )
        for item in found:
            if not isinstance(item, dict):
                raise BadDocument(_("“%(name)s” holds something that is not an object") % {"name": part})
            own = {name: value for name, value in item.items() if name != products}
            if not inner:
                yield own
                continue
            for product in item.get(products) or ():
                if not isinstance(product, dict):
                    raise BadDocument(_("“%(name)s” holds something that is not an object") % {"name": products})
                yield {**own, **product}

    return rows


def starting(prefix: str) -> Callable[[int, int, date, date], Mapping[str, str]]:
    """`ReportSpec.ask`: what starts on the marketplace's days first..last."""

    def ask(_account: int, marketplace: int, first: date, last: date) -> Mapping[str, str]:
        zone = Marketplace.objects.get(pk=marketplace).zone
        since, until = (
            datetime.combine(*at, zone).astimezone(UTC) for at in ((first, time()), (last, time(23, 59, 59)))
        )
        return {
            f"{prefix}StartDateFrom": f"{since:%Y-%m-%dT%H:%M:%SZ}",
            f"{prefix}StartDateTo": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        }

    return ask


_STARTED = Column("started_at", INSTANT, ("startDateTime",), required=True)
_ENDED = Column("ended_at", INSTANT, ("endDateTime",))

PROMOTIONS = Dataset(
    key="promotions",
    label=gettext_lazy("Promotions"),
    model=Promotion,
    scope=Scope.GROUPS,
    rows=rows_of("promotions", "includedProducts"),
    group=("promotion_id",),
    mature_days=60,
    derived={"date": _START_DAY, "name": "left(s.name, 255)"},
    columns=(
        Column("promotion_id", TEXT, ("promotionId",), required=True),
        Column("name", TEXT, ("promotionName",)),
        Column("kind", TEXT, ("type",)),
        Column("status", TEXT, ("status",)),
        _STARTED,
        _ENDED,
        Column("units", INTEGER, ("unitsSold",)),
        Column("currency", Kind.CURRENCY, ("revenueCurrencyCode",)),
        Column("sales_minor", MONEY, ("revenue",)),
        Column("glance_views", INTEGER, ("glanceViews",)),
    ),
)
PROMOTION_PRODUCTS = Dataset(
    key="promotion_products",
    label=gettext_lazy("Products of promotions"),
    model=PromotionProduct,
    scope=Scope.GROUPS,
    rows=rows_of("promotions", "includedProducts", inner=True),
    group=("promotion_id",),
    mature_days=60,
    derived={"date": _START_DAY},
    columns=(
        Column("promotion_id", TEXT, ("promotionId",), required=True),
        _STARTED,
        Column("asin", TEXT, ("asin",), required=True),
        Column("units", INTEGER, ("productUnitsSold",)),
        Column("currency", Kind.CURRENCY, ("productRevenueCurrencyCode",)),
        Column("sales_minor", MONEY, ("productRevenue",)),
        Column("glance_views", INTEGER, ("productGlanceViews",)),
    ),
)
COUPONS = Dataset(
    key="coupons",
    label=gettext_lazy("Coupons"),
    model=Coupon,
    scope=Scope.GROUPS,
    rows=rows_of("coupons", "asins"),
    group=("coupon_id",),
    mature_days=60,
    derived={
        "date": _START_DAY,
        "name": "left(s.name, 255)",
        # Amazon's 10 is ten per cent here, and ten euros where the type is an amount.
        "discount": "CASE WHEN s.discount_type LIKE 'PERCENT%%' THEN s.discount / 100 ELSE s.discount END",
    },
    columns=(
        Column("coupon_id", TEXT, ("couponId",), required=True),
        Column("currency", Kind.CURRENCY, ("currencyCode",)),
        Column("name", TEXT, ("name",)),
        _STARTED,
        _ENDED,
        Column("discount_type", TEXT, ("discountType",)),
        Column("discount", Kind.NUMBER, ("discountAmount",)),
        Column("clips", INTEGER, ("clips",)),
        Column("redemptions", INTEGER, ("redemptions",)),
        Column("budget_minor", MONEY, ("budget",)),
        Column("spent_minor", MONEY, ("budgetSpent",)),
        Column("discount_minor", MONEY, ("totalDiscount",)),
        Column("sales_minor", MONEY, ("sales",)),
    ),
)
COUPON_PRODUCTS = Dataset(
    key="coupon_products",
    label=gettext_lazy("Products of coupons"),
    model=CouponProduct,
    scope=Scope.GROUPS,
    rows=rows_of("coupons", "asins", inner=True),
    group=("coupon_id",),
    mature_days=60,
    derived={"date": _START_DAY},
    columns=(
        Column("coupon_id", TEXT, ("couponId",), required=True),
        _STARTED,
        Column("asin", TEXT, ("asin",), required=True),
    ),
)

register(
    ReportSpec(
        key="promotions",
        label=gettext_lazy("Promotion performance"),
        report_type="GET_PROMOTION_PERFORMANCE_REPORT",
        api="sp",
        format="json",
        datasets=(PROMOTIONS, PROMOTION_PRODUCTS),
        # Amazon documents neither a longest range nor how far back; two months are modest.
        max_days=60,
        lookback_days=180,
        modest=True,
        reask_days=60,
        ask=starting("promotion"),
        source_page="Advertising > Deals",
        unstored=(
            "merchantId",
            "vendorCode",
            "amountSpent*",
            "creationChannel",
            "fundingAgreementId",
            "createdDateTime",
            "lastUpdatedDateTime",
            "productName",
            "productAmountSpent*",
        ),
    ),
    ReportSpec(
        key="coupons",
        label=gettext_lazy("Coupon performance"),
        report_type="GET_COUPON_PERFORMANCE_REPORT",
        api="sp",
        format="json",
        datasets=(COUPONS, COUPON_PRODUCTS),
        max_days=60,
        lookback_days=180,
        modest=True,
        reask_days=60,
        ask=starting("coupon"),
        source_page="Advertising > Coupons",
        unstored=("merchantId", "websiteMessage", "customerSegment", "budgetRemaining", "budgetPercentageUsed"),
    ),
)
