"""What money can say about a breach: SKUs that were cancelled, or pay too high a referral fee."""

from __future__ import annotations

from django.utils.translation import gettext as _

from opsboard.kpis.findings import ROWS, failed, missing, passed, rate, ratio, span, unknown
from opsboard.kpis.format import format_money, format_number
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.ui import formats
from opsboard.ui.entities import rows

# Leans on the primary key of finance_orderline (account, marketplace, date).
_CANCELLED = """
SELECT sku, count(DISTINCT order_id) AS orders, max(date) AS newest FROM finance_orderline
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
   AND lower(status) IN ('cancelled', 'canceled') AND lower(fulfilment) IN ('merchant', 'mfn', '')
 GROUP BY sku ORDER BY orders DESC, sku
"""
# Both lean on the primary key of finance_referralfee (account, marketplace, date): one day, the newest.
_NEWEST = """
SELECT max(date) AS day FROM finance_referralfee WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
"""
_FEES = """
SELECT sku, price_minor, fee_minor, date FROM finance_referralfee
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND price_minor > 0
   AND fee_minor * 10000 > price_minor * 1504 AND date = %(day)s
 ORDER BY fee_minor DESC, sku
"""


def cancelled(case: Case) -> Finding:
    """Off where a SKU was cancelled more than once. Buyers' own cancellations are in it: no report tells them apart."""
    if not case.covers("order_lines", before=False):
        return missing(case, "order_lines", before=False)
    found = rows(_CANCELLED, case.params)
    words = {"span": span(case), "n": format_number(sum(row["orders"] for row in found))}
    if not found:
        return passed(_("No seller-fulfilled order of %(span)s was cancelled.") % words)
    words |= {"sku": found[0]["sku"], "orders": format_number(found[0]["orders"])}
    text = _(
        "%(n)s seller-fulfilled orders of %(span)s were cancelled, most of %(sku)s (%(orders)s). Buyers' own "
        "cancellations are among them: no report here tells them apart."
    )
    evidence = Evidence(
        _("Cancelled SKUs"),
        (_("SKU"), _("Orders"), _("Newest")),
        tuple(
            EvidenceRow(
                row["sku"],
                (format_number(row["orders"]), formats.day(row["newest"])),
            )
            for row in found[:ROWS]
        ),
    )
    return failed(text % words, evidence) if found[0]["orders"] > 1 else passed(text % words, evidence)


def referral_fees(case: Case) -> Finding:
    """Off where the newest fee preview has SKUs over 15 % of their price."""
    day = rows(_NEWEST, case.params)[0]["day"]
    if day is None:
        return missing(case, "referral_fees", before=False)
    found = rows(_FEES, {**case.params, "day": day})
    if not found:
        return passed(_("No SKU of the fee preview pays more than 15 %% of its price.") % {})
    market, first = case.marketplace, found[0]
    words = {
        "n": format_number(len(found)),
        "sku": first["sku"],
        "rate": rate(first["fee_minor"], first["price_minor"]),
        "day": formats.day(first["date"]),
    }
    return failed(
        _("%(n)s SKUs pay more than 15 %% of their price in the preview of %(day)s, first %(sku)s with %(rate)s.")
        % words,
        Evidence(
            _("SKUs with a high referral fee"),
            (_("SKU"), _("Price"), _("Fee"), _("Rate")),
            tuple(
                EvidenceRow(
                    row["sku"],
                    (
                        format_money(row["price_minor"], market),
                        format_money(row["fee_minor"], market),
                        rate(row["fee_minor"], row["price_minor"]),
                    ),
                )
                for row in found[:ROWS]
            ),
        ),
    )


def refunds(case: Case) -> Finding:
    """Off where refunds rose by a fifth against what was settled."""
    sums = case.sums("finance.refunded_sales", "finance.settled_sales")
    if sums is None:
        return missing(case, "settlement_lines")
    now, then = (ratio(side["finance.refunded_sales"], side["finance.settled_sales"]) for side in sums)
    if now is None or then is None:
        return unknown(_("Nothing was settled in %(span)s or before.") % {"span": span(case)})
    words = {"now": formats.percent(now), "then": formats.percent(then)}
    if not then or now < then * 6 / 5:
        return passed(_("%(now)s of settled sales were refunded, before %(then)s.") % words)
    return failed(_("%(now)s of settled sales were refunded instead of %(then)s.") % words)
