"""Measures and KPIs of money: what Amazon kept of the sales it settled."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from opsboard.kpis.registry import Kpi, Limit, Measure, Unit, register_kpis, register_measures

from .models import Reimbursement, SettlementLine

LINES = "settlement_lines"
PAGE = "Payments > Reports Repository > Settlement Report"
HANDBOOK = gettext_noop("Operators' handbook")
#: A settlement spans a fortnight and is closed some days later; younger days are not all there.
SETTLED = 21


def _money(key: str, label: object, condition: str, sign: str = "") -> Measure:
    """The sum of some lines of settlements, by the day they were posted; days without such lines are zero."""
    sql = f"coalesce({sign}sum(amount_minor) FILTER (WHERE {condition}), 0)"
    return Measure(f"finance.{key}", label, Unit.MONEY, LINES, SettlementLine, sql, SETTLED)  # type: ignore[arg-type]


_PRINCIPAL = "amount_type = 'ItemPrice' AND amount_description = 'Principal'"
# Advertising and taxes that Amazon withholds are booked as fees in some layouts; they are none of the sale's.
_ITEM_FEES = (
    "amount_type = 'ItemFees' AND transaction_type IN ('Order', 'Refund') "
    "AND amount_description NOT LIKE 'MarketplaceFacilitator%%'"
)
register_measures(
    _money("settled_sales", _("Settled sales"), f"transaction_type = 'Order' AND {_PRINCIPAL}"),
    _money("refunded_sales", _("Refunded sales"), f"transaction_type = 'Refund' AND {_PRINCIPAL}", "-"),
    # Amazon keeps a part of the commission of what is refunded: the net of both is what it costs.
    _money("referral_fees", _("Referral fees"), "amount_description IN ('Commission', 'RefundCommission')", "-"),
    _money("item_fees", _("Fees on orders and refunds"), _ITEM_FEES, "-"),
    _money("fba_fees", _("FBA fulfilment fees"), "amount_description LIKE 'FBA%%Fulfillment%%'", "-"),
    Measure(
        "finance.reimbursed",
        _("Reimbursements"),
        Unit.MONEY,
        "reimbursements",
        Reimbursement,
        "coalesce(sum(amount_minor), 0)",
    ),
)


register_kpis(
    Kpi(
        key="referral_share",
        label=_("Referral fee share"),
        unit=Unit.RATE,
        numerator="finance.referral_fees",
        denominator="finance.settled_sales",
        domain="finance",
        direction=-1,
        # 15.04 %: fifteen per cent of each line, rounded line by line, is a little more than of the sum.
        limits=(Limit(date(2015, 1, 1), HANDBOOK, high=Decimal("0.1504"), warn_low=Decimal("0.08"), severity="warn"),),
        meaning=_("Amazon's commission on what was settled; 8 to 15 % by category."),
        formula=_("Commission, net of what is given back on refunds ÷ principal of settled orders"),
        amazon_name="Commission",
        amazon_page=PAGE,
        next_step=_("Look for SKUs in the wrong category: the referral fee preview names each SKU's fee."),
    ),
    Kpi(
        key="fee_share",
        label=_("Fee share of settled sales"),
        unit=Unit.RATE,
        numerator="finance.item_fees",
        denominator="finance.settled_sales",
        domain="finance",
        direction=-1,
        meaning=_("What Amazon keeps of each sale for selling and shipping it; without storage and advertising."),
        formula=_("All item fees ÷ principal of settled orders"),
        amazon_name="ItemFees",
        amazon_page=PAGE,
    ),
    Kpi(
        key="fba_fee_share",
        label=_("FBA fee share of settled sales"),
        unit=Unit.RATE,
        numerator="finance.fba_fees",
        denominator="finance.settled_sales",
        domain="finance",
        direction=-1,
        meaning=_("What fulfilment by Amazon costs of what was sold, whoever fulfilled it."),
        formula=_("FBA fulfilment fees ÷ principal of settled orders"),
        amazon_name="FBAPerUnitFulfillmentFee",
        amazon_page=PAGE,
    ),
    Kpi(
        key="refund_share",
        label=_("Refund share of settled sales"),
        unit=Unit.RATE,
        numerator="finance.refunded_sales",
        denominator="finance.settled_sales",
        domain="finance",
        direction=-1,
        meaning=_("Money given back to buyers against what was settled in the same days."),
        formula=_("Principal of refunds ÷ principal of settled orders"),
        amazon_name="Refund",
        amazon_page=PAGE,
    ),
    Kpi(
        key="reimbursed",
        label=_("Reimbursements"),
        unit=Unit.MONEY,
        numerator="finance.reimbursed",
        domain="finance",
        direction=0,
        meaning=_("What Amazon paid for stock it lost or damaged, less what it took back."),
        formula=_("Sum of approved reimbursements in money"),
        amazon_name="Reimbursements",
        amazon_page="Reports > Fulfilment > Reimbursements",
    ),
)
