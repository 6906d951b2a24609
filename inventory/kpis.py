"""Measures and KPIs of FBA stock: cover, turnover, age; IPI is typed in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from opsboard.kpis.entities import EntityKpi, Shown, Starter, register_entity_kpis
from opsboard.kpis.registry import Grain, Kpi, Limit, Measure, Unit, Window, register_kpis, register_measures
from opsboard.kpis.snapshots import JUDGED, Naming, Snapshot, register_snapshots

from . import playbooks
from .models import Item, LedgerDay, PlanningDay, SkuWindow, StockDay, StrandedDay

PAGE = "Inventory > FBA Inventory > Inventory planning"
_AGED = "sum(age_181_270 + age_271_365 + age_over_365)"
_ALL_AGES = "sum(age_0_90 + age_91_180 + age_181_270 + age_271_365 + age_over_365)"

register_measures(
    Measure("inventory.available", _("Available units"), Unit.COUNT, "planning", PlanningDay, "sum(available)", 0),
    Measure("inventory.shipped_30", _("Shipped, 30 days"), Unit.COUNT, "planning", PlanningDay, "sum(shipped_30)", 0),
    Measure("inventory.shipped_90", _("Shipped, 90 days"), Unit.COUNT, "planning", PlanningDay, "sum(shipped_90)", 0),
    Measure("inventory.excess", _("Excess units"), Unit.COUNT, "planning", PlanningDay, "sum(excess)", 0),
    Measure("inventory.aged", _("Units older than 180 days"), Unit.COUNT, "planning", PlanningDay, _AGED, 0),
    Measure("inventory.aged_all", _("Units of any age"), Unit.COUNT, "planning", PlanningDay, _ALL_AGES, 0),
    Measure("inventory.shipped_60", _("Shipped, 60 days"), Unit.COUNT, "planning", PlanningDay, "sum(shipped_60)", 0),
    Measure(
        "inventory.shipped_60_in_stock",
        _("Shipped, 60 days, of SKUs in stock"),
        Unit.COUNT,
        "planning",
        PlanningDay,
        "coalesce(sum(shipped_60) FILTER (WHERE available > 0), 0)",
        0,
    ),
    Measure(
        "inventory.storage_cost",
        _("Estimated storage cost, next month"),
        Unit.MONEY,
        "planning",
        PlanningDay,
        "sum(storage_cost_minor)",
        0,
    ),
    Measure("inventory.fulfillable", _("Fulfillable units"), Unit.COUNT, "stock", StockDay, "sum(fulfillable)", 0),
    Measure("inventory.stranded", _("Stranded units"), Unit.COUNT, "stranded", StrandedDay, "sum(fulfillable)", 0),
    # The ledger tells what lies there at the end of a day and what left it: both add up over days.
    Measure(
        "inventory.on_hand_days",
        _("Sellable units at the end of the day"),
        Unit.COUNT,
        "ledger",
        LedgerDay,
        "coalesce(sum(ending) FILTER (WHERE disposition = 'SELLABLE'), 0)",
    ),
    Measure(
        "inventory.ledger_shipped",
        _("Units shipped to buyers"),
        Unit.COUNT,
        "ledger",
        LedgerDay,
        "coalesce(-sum(customer_shipments), 0)",
    ),
    Measure(
        "inventory.ledger_returned",
        _("Units returned by buyers"),
        Unit.COUNT,
        "ledger",
        LedgerDay,
        "coalesce(sum(customer_returns), 0)",
    ),
    Measure("inventory.ipi", _("IPI"), Unit.SCORE, "", None, "", 0),
)

IPI_GUIDE = gettext_noop("Seller Central, Inventory Performance Index guide, as reported by third parties")
LOW_STOCK_FEE = gettext_noop("Amazon's low-inventory-level fee: charged where both the 30 and the 90 days are under 28")
ANNOUNCED = gettext_noop("Amazon's announcement to sellers in the US")
#: Under it, storage was limited; other marketplaces had other days.
_IPI_IN_THE_US = tuple(
    Limit(since, ANNOUNCED, low=Decimal(low), warn_low=Decimal(low + 50), marketplace="US")
    for since, low in (
        (date(2020, 1, 1), 400),
        (date(2020, 7, 13), 500),
        (date(2021, 1, 1), 450),
        (date(2022, 1, 1), 400),
    )
)
LEDGER_PAGE = "Reports > Fulfilment > Inventory Ledger"


def _historical_supply(days: int) -> Kpi:
    """Amazon's historical days of supply; the fee asks for that of 30 and that of 90 days."""
    return Kpi(
        key=f"historical_supply_{days}",
        label=_("Historical days of supply, 30 days") if days == 30 else _("Historical days of supply, 90 days"),
        unit=Unit.DAYS,
        numerator="inventory.on_hand_days",
        denominator="inventory.ledger_shipped",
        days=days,
        domain="inventory",
        direction=0,
        limits=(Limit(date(2024, 4, 1), LOW_STOCK_FEE, low=Decimal(28), warn_low=Decimal(35), severity="warn"),),
        meaning=_("How long the stock of the past days would have lasted at their pace, for all SKUs together."),
        formula=_("Average sellable units at the end of a day ÷ average units shipped a day"),
        amazon_name="Historical days of supply",
        amazon_page="Inventory > FBA Inventory",
        next_step=_("Send in earlier, and more evenly: the fee is charged SKU by SKU."),
    )


register_kpis(
    Kpi(
        key="days_of_supply",
        label=_("Days of supply"),
        unit=Unit.DAYS,
        numerator="inventory.available",
        denominator="inventory.shipped_30",
        scale=Decimal(30),
        window=Window.LATEST,
        days=1,
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=0,
        limits=(
            Limit(
                date(2024, 4, 1),
                gettext_noop(
                    "Amazon's low-inventory-level fee (28 days), as reported by third parties; excess: over 90 days"
                ),
                low=Decimal(28),
                warn_low=Decimal(35),
                warn_high=Decimal(90),
            ),
        ),
        meaning=_("How long the stock at Amazon lasts at the pace of the last 30 days."),
        formula=_("Available units ÷ units shipped in 30 days × 30"),
        amazon_name="Days of Supply",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_cover,
        next_step=_("Send in the SKUs below that sell and run out first."),
    ),
    Kpi(
        key="turnover",
        label=_("Inventory turnover"),
        unit=Unit.PER_YEAR,
        numerator="inventory.shipped_90",
        denominator="inventory.available",
        scale=Decimal(365) / Decimal(90),
        window=Window.AVERAGE_DENOMINATOR,
        days=90,
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=0,
        limits=(
            Limit(
                date(2015, 1, 1),
                gettext_noop("Operators' handbook: 4 to 6 a year"),
                low=Decimal(4),
                warn_high=Decimal(6),
            ),
        ),
        meaning=_("How often a year the stock is sold, in units (the cost of goods is not known to Amazon)."),
        formula=_("Units shipped in 90 days × 365/90 ÷ average available units of the days held"),
        amazon_name="",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_age,
        next_step=_("Discount, bundle or remove the aged SKUs below before they cost a surcharge."),
    ),
    Kpi(
        key="aged_share",
        label=_("Aged over 180 days"),
        unit=Unit.RATE,
        numerator="inventory.aged",
        denominator="inventory.aged_all",
        window=Window.LATEST,
        days=1,
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=-1,
        meaning=_("Share of units that have been at Amazon for more than 180 days: they cost a surcharge."),
        formula=_("Units aged 181 days and more ÷ units of all ages"),
        amazon_name="Inventory age",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_age,
    ),
    Kpi(
        key="ipi",
        label=_("IPI"),
        unit=Unit.SCORE,
        numerator="inventory.ipi",
        window=Window.LATEST,
        days=21,
        domain="inventory",
        direction=1,
        limits=(
            Limit(
                date(2022, 1, 1),
                gettext_noop("Seller Central, 400 since January 2022 as reported by third parties"),
                low=Decimal(400),
                warn_low=Decimal(450),
            ),
            *_IPI_IN_THE_US,
        ),
        meaning=_("Inventory Performance Index. No Amazon API gives it: it is typed in weekly."),
        formula=_("As stated by Amazon on the Inventory Performance page"),
        amazon_name="Inventory Performance Index",
        amazon_page="Inventory > Inventory Performance",
        evidence=playbooks.skus_by_age,
        next_step=_("Work on excess, sell-through, stranded units and in-stock rate, in that order of size."),
    ),
    Kpi(
        key="excess_share",
        label=_("Excess units"),
        unit=Unit.RATE,
        numerator="inventory.excess",
        denominator="inventory.available",
        window=Window.LATEST,
        days=1,
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=-1,
        meaning=_("Share of units that Amazon expects not to sell within 90 days. It lowers the IPI."),
        formula=_("Amazon's estimated excess units ÷ available units"),
        amazon_name="Excess Inventory %",
        amazon_page="Inventory > Inventory Performance",
        evidence=playbooks.skus_by_age,
        next_step=_("Sell off or remove the SKUs with the largest excess first."),
    ),
    Kpi(
        key="stranded_share",
        label=_("Stranded units"),
        unit=Unit.RATE,
        numerator="inventory.stranded",
        denominator="inventory.fulfillable",
        window=Window.LATEST,
        days=2,
        domain="inventory",
        direction=-1,
        limits=(Limit(date(2015, 1, 1), IPI_GUIDE, high=Decimal(0), severity="warn"),),
        meaning=_("Share of units at Amazon that nobody can buy because their offer is missing. It lowers the IPI."),
        formula=_("Fulfillable units of the stranded report ÷ fulfillable units of all SKUs"),
        amazon_name="Stranded Inventory %",
        amazon_page="Inventory > Fix stranded inventory",
        next_step=_("Fix the listings in the stranded report, or have the units removed."),
    ),
    Kpi(
        key="sell_through",
        label=_("Sell-through"),
        unit=Unit.TIMES,
        numerator="inventory.shipped_90",
        denominator="inventory.available",
        window=Window.AVERAGE_DENOMINATOR,
        days=90,
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=1,
        limits=(Limit(date(2015, 1, 1), IPI_GUIDE, low=Decimal(2), severity="warn"),),
        meaning=_("Units shipped in 90 days for each unit in stock on average. It moves the IPI."),
        formula=_("Units shipped in 90 days ÷ average available units of the days held"),
        amazon_name="FBA Sell-Through",
        amazon_page="Inventory > Inventory Performance",
        evidence=playbooks.skus_by_age,
        next_step=_("Advertise or discount what does not move, and send in less of it."),
    ),
    Kpi(
        key="in_stock_rate",
        label=_("In-stock rate"),
        unit=Unit.RATE,
        numerator="inventory.shipped_60_in_stock",
        denominator="inventory.shipped_60",
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=1,
        limits=(Limit(date(2015, 1, 1), IPI_GUIDE, low=Decimal("0.7"), warn_low=Decimal("0.9"), severity="warn"),),
        meaning=_("How much of what sells was in stock, each SKU weighted by how fast it sells."),
        formula=_("Units shipped in 60 days of SKUs in stock ÷ those of all SKUs, added up over the days"),
        amazon_name="FBA In-Stock Rate",
        amazon_page="Inventory > Inventory Performance",
        evidence=playbooks.skus_by_cover,
        next_step=_("Send in the SKUs below that sell and run out first."),
    ),
    _historical_supply(30),
    _historical_supply(90),
    Kpi(
        key="return_rate",
        label=_("Return rate, FBA"),
        unit=Unit.RATE,
        numerator="inventory.ledger_returned",
        denominator="inventory.ledger_shipped",
        days=90,
        domain="inventory",
        direction=-1,
        meaning=_("Units that came back against units shipped in the same days. Amazon's fee counts by month of sale."),
        formula=_("Units returned by buyers ÷ units shipped to buyers"),
        amazon_name="Return rate",
        amazon_page=LEDGER_PAGE,
    ),
    Kpi(
        key="storage_cost",
        label=_("Estimated storage cost"),
        unit=Unit.MONEY,
        numerator="inventory.storage_cost",
        window=Window.LATEST,
        days=1,
        domain="inventory",
        rows=("inventory:index#skus",),
        direction=-1,
        meaning=_("What Amazon expects to charge for storage next month, as the stock stands."),
        formula=_("Sum of the estimated storage cost of all SKUs"),
        amazon_name="Estimated storage cost, next month",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_age,
    ),
)

SKUS = Snapshot(
    "skus",
    _("SKUs"),
    Grain.SKU,
    "planning",
    PlanningDay,
    SkuWindow,
    "sku",
    {name: f"sum({name})" for name in ("available", "inbound", "shipped_30")},
    mature_days=0,
    naming=Naming(Item, "sku", "name", "inventory:sku", lambda n: ngettext("%(n)s SKU", "%(n)s SKUs", n) % {"n": n}),
    newest_day=True,
    periods=(JUDGED,),
)
register_snapshots(SKUS)
register_entity_kpis(
    # What sells a piece now and then is not watched by its pace.
    EntityKpi(
        "days_of_supply",
        SKUS,
        "available * 30",
        "shipped_30",
        enough="shipped_30 >= 10",
        shows=(
            Shown("available", _("Available"), Unit.COUNT),
            Shown("inbound", _("Inbound"), Unit.COUNT),
            Shown("shipped_30", _("Shipped, 30 days"), Unit.COUNT),
        ),
        starter=Starter(gettext_noop("SKUs that sell and run out soon"), low=Decimal(14)),
    ),
)
