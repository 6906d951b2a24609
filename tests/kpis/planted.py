"""A tiny set of declarations, and figures planted straight into the roll-up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.utils.functional import lazystr

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis.models import AccountDay
from opsboard.kpis.registry import Evidence, EvidenceRow, Kpi, Limit, Measure, Unit, Window

LONG_AGO = date(2015, 1, 1)


def evidence(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    return Evidence(
        "Campaigns by waste",
        ("Campaign", "Spend", "Sales"),
        tuple(EvidenceRow(f"SP-Auto-{n} <script>alert(1)</script>", (f"${n}.00", "$0.00")) for n in range(12)),
    )


MEASURES = (
    Measure("t.spend", "Spend", Unit.MONEY, "", None, "", 2),
    Measure("t.sales", "Sales", Unit.MONEY, "", None, "", 7),
    Measure("t.clicks", "Clicks", Unit.COUNT, "", None, "", 2),
    Measure("t.views", "Views", Unit.COUNT, "", None, "", 2),
    Measure("t.stock", "Stock", Unit.COUNT, "", None, "", 0),
    Measure("t.shipped", "Shipped", Unit.COUNT, "", None, "", 0),
    Measure("t.defects", "Defects", Unit.COUNT, "", None, "", 0),
    Measure("t.orders", "Orders", Unit.COUNT, "", None, "", 0),
    Measure("t.target", "Target", Unit.RATE, "", None, "", 0),
)

ACOS = Kpi(
    key="t_acos",
    label=lazystr("ACoS"),
    unit=Unit.RATE,
    numerator="t.spend",
    denominator="t.sales",
    days=7,
    limits=(Limit(LONG_AGO, "Handbook", high=Decimal("0.25"), warn_high=Decimal("0.23")),),
    meaning=lazystr("What a unit of sales costs."),
    formula=lazystr("Spend ÷ sales"),
    evidence=evidence,
    next_step=lazystr("Lower the bids."),
)
CTR = Kpi(
    key="t_ctr",
    label=lazystr("CTR"),
    unit=Unit.RATE,
    numerator="t.clicks",
    denominator="t.views",
    days=7,
    limits=(
        Limit(LONG_AGO, "Handbook", low=Decimal("0.004")),
        Limit(date(2026, 1, 1), "Handbook, 2026", low=Decimal("0.005")),
        Limit(LONG_AGO, "Handbook, Japan", low=Decimal("0.003"), marketplace="JP"),
    ),
    meaning=lazystr("How often a view becomes a click."),
    formula=lazystr("Clicks ÷ views"),
)
ODR = Kpi(
    key="t_odr",
    label=lazystr("ODR"),
    unit=Unit.RATE,
    numerator="t.defects",
    denominator="t.orders",
    window=Window.LATEST,
    days=3,
    target="t.target",
    limits=(Limit(LONG_AGO, "Account Health", high=Decimal("0.02"), warn_high=Decimal("0.008")),),
    meaning=lazystr("Orders with a defect."),
    formula=lazystr("Defects ÷ orders"),
)
TURNOVER = Kpi(
    key="t_turnover",
    label=lazystr("Turnover"),
    unit=Unit.PER_YEAR,
    numerator="t.shipped",
    denominator="t.stock",
    scale=Decimal(4),
    window=Window.AVERAGE_DENOMINATOR,
    days=10,
    limits=(Limit(LONG_AGO, "Handbook", low=Decimal(4), severity="warn"),),
    meaning=lazystr("How often the stock is sold."),
    formula=lazystr("Shipped ÷ average stock × 4"),
)
SALES = Kpi(
    key="t_total",
    label=lazystr("Sales"),
    unit=Unit.MONEY,
    numerator="t.sales",
    days=7,
    meaning=lazystr("Sales."),
    formula=lazystr("Sum of sales"),
)
KPIS = (ACOS, CTR, ODR, TURNOVER, SALES)


def plant(scope: AccountMarketplace, measure: str, days: Iterable[date], value: int | str) -> None:
    """Write one value for each of the days into the roll-up."""
    for day in days:
        AccountDay.objects.update_or_create(
            account_id=scope.account_id,
            marketplace_id=scope.marketplace_id,
            date=day,
            measure=measure,
            defaults={"value": Decimal(value)},
        )


def days_before(last: date, count: int) -> list[date]:
    """The `count` days that end with `last`, oldest first."""
    return [last - timedelta(days=n) for n in range(count - 1, -1, -1)]


def plant_acos(scope: AccountMarketplace, spend: int, sales: int, *, today: date, count: int = 30) -> None:
    """Ad figures up to yesterday."""
    span = days_before(today - timedelta(days=1), count)
    plant(scope, "t.spend", span, spend)
    plant(scope, "t.sales", span, sales)
