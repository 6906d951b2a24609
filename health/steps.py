"""What account health can say about a breach: what defects are made of, which orders, since when.

Amazon's report is a state: the newest one up to the last judged day counts, older ones tell how it moved.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.kpis.findings import ROWS, failed, missing, passed, rate, ratio, span, unknown
from opsboard.kpis.format import format_number, format_rate
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.ui import formats, joins
from opsboard.ui.entities import rows

from .playbooks import labels
from .reports import COUNTERS

# Leans on the primary key of health_metricday (account, marketplace, date, metric): a few dozen rows a day.
_METRICS = """
SELECT date, metric, numerator, denominator, rate, target, status FROM health_metricday
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(before)s AND %(last)s::date + 7
 ORDER BY date DESC, metric
"""
# Leans on the primary key of health_feedback (account, marketplace, date).
_FEEDBACK = """
SELECT date, order_id, rating, comment, answered FROM health_feedback
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
   AND rating <= 2
 ORDER BY answered, date DESC, order_id
"""
# Leans on the primary key of health_sellerreturn (account, marketplace, date).
_CLAIMS = """
SELECT date, order_id, sku, reason, status FROM health_sellerreturn
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
   AND lower(a_to_z) IN ('y', 'yes', 'true')
 ORDER BY date DESC, order_id
"""
PARTS = ("claims", "negative_feedback", "chargebacks")


def metrics(case: Case) -> dict[str, dict[str, Any]]:
    """The metrics of the newest report up to the last day; empty where there is none."""
    found = _history(case)
    return {row["metric"]: row for row in found if row["date"] == found[0]["date"]}


def _history(case: Case) -> list[dict[str, Any]]:
    """What the reports said up to the last day, the newest first; of none so early, what the next one said."""

    def read() -> list[dict[str, Any]]:
        found = rows(_METRICS, case.params)
        newest = max((row["date"] for row in found if row["date"] <= case.last), default=None)
        newest = newest or min((row["date"] for row in found), default=case.last)
        return [row for row in found if row["date"] <= newest]

    return case.once("health.metrics", read)


def defect_part(channel: str, part: str) -> Callable[[Case], Finding]:
    """Off where a kind of defect makes up a quarter of the defects of this fulfilment."""

    def check(case: Case) -> Finding:
        found = metrics(case)
        whole, row = found.get(f"odr_{channel}"), found.get(f"odr_{channel}_{part}")
        if whole is None or row is None or row["numerator"] is None:
            return missing(case, "performance", before=False)
        words = {
            "label": labels()[f"odr_{channel}_{part}"],
            "n": format_number(row["numerator"]),
            "of": format_number(whole["numerator"] or 0),
            "share": rate(row["numerator"], whole["numerator"]),
            "orders": format_number(whole["denominator"] or 0),
            "day": formats.day(row["date"]),
        }
        text = _("%(label)s: %(n)s of %(of)s orders with a defect (%(share)s), of %(orders)s orders, as of %(day)s.")
        evidence = _parts(case, channel)
        if not row["numerator"] or row["numerator"] * 4 < (whole["numerator"] or 0):
            return passed(text % words, evidence)
        return failed(text % words, evidence, url=case.url("health:metric", f"odr_{channel}"))

    return check


def _parts(case: Case, channel: str) -> Evidence:
    found = metrics(case)
    keys = [f"odr_{channel}", *(f"odr_{channel}_{part}" for part in PARTS)]
    return _table(case, _("What the defects are made of"), [found[key] for key in keys if key in found])


def over_target(*names: str) -> Callable[[Case], Finding]:
    """Off where Amazon's count breaks Amazon's own target: how many, of how many, since which report."""

    def check(case: Case) -> Finding:
        found = [metrics(case)[name] for name in names if name in metrics(case)]
        stated = [row for row in found if row["denominator"] and row["target"] is not None]
        if not stated:
            return missing(case, "performance", before=False)
        row = max(stated, key=lambda item: abs((ratio(item["numerator"], item["denominator"]) or 0) - item["target"]))
        words = {
            "label": labels().get(row["metric"], row["metric"]),
            "n": format_number(row["numerator"]),
            "of": format_number(row["denominator"]),
            "rate": rate(row["numerator"], row["denominator"], 2),
            "target": format_rate(row["target"], 2),
            "day": formats.day(row["date"]),
            "since": "",
        }
        if since := _broken_since(case, row["metric"]):
            words["since"] = _(", over it since the report of %(day)s") % {"day": formats.day(since)}
        text = _("%(label)s: %(n)s of %(of)s, %(rate)s against Amazon's %(target)s as of %(day)s%(since)s.") % words
        evidence = _table(case, _("Amazon's rates and targets"), stated)
        if not _broken(row):
            return passed(text, evidence)
        return failed(text, evidence, url=case.url("health:metric", row["metric"]))

    return check


#: Rates of which more is better.
_MORE_IS_BETTER = {"valid_tracking", "on_time_delivery", "unit_on_time_delivery"}


def _broken(row: dict[str, Any]) -> bool:
    """Whether Amazon's own counts break Amazon's own target."""
    if not row["denominator"] or row["target"] is None or row["numerator"] is None:
        return False
    counted, allowed = row["numerator"], row["target"] * row["denominator"]
    return bool(counted < allowed) if row["metric"] in _MORE_IS_BETTER else bool(counted >= allowed)


def _broken_since(case: Case, metric: str) -> date | None:
    """The first of the newest reports in a row that break the target; None where the newest keeps it."""
    found = None
    for row in _history(case):
        if row["metric"] == metric:
            if not _broken(row):
                break
            found = row["date"]
    return found


def eligibility(case: Case) -> Finding:
    """Off where a rate Amazon asks for was broken before the breach began: then it may cost the Buy Box.

    A rate that broke only afterwards makes it worse and did not begin it.
    """
    names = ("odr_mfn", "odr_afn", "late_shipment", "cancellation")
    found = [metrics(case)[name] for name in names if name in metrics(case)]
    if not found:
        return missing(case, "performance", before=False)
    broken = [row for row in found if _broken(row)]
    evidence = _table(case, _("Amazon's rates and targets"), found)
    day = formats.day(found[0]["date"])
    if not broken:
        return passed(_("Every rate Amazon asks for is kept as of %(day)s.") % {"day": day}, evidence)
    row = broken[0]
    words = {"label": labels()[row["metric"]], "rate": rate(row["numerator"], row["denominator"], 2)}
    began = _broken_since(case, row["metric"])
    oldest = _history(case)[-1]["date"]
    if began is not None and began > case.first + timedelta(days=3) and oldest < began:
        words["day"] = formats.day(began)
        return passed(
            _("%(label)s is at %(rate)s, but only since the report of %(day)s: it did not begin this.") % words,
            evidence,
        )
    if began is not None and began == oldest and began > case.first + timedelta(days=3):
        words["day"] = formats.day(oldest)
        return unknown(
            _(
                "%(label)s is at %(rate)s, over Amazon's target. Since when is not known: "
                "the oldest report is of %(day)s."
            )
            % words
        )
    return failed(
        _("%(label)s is at %(rate)s, over Amazon's target: that can cost the Buy Box.") % words,
        evidence,
        url=case.url("health:metric", row["metric"]),
    )


def feedback(case: Case) -> Finding:
    """Off where there are negative ratings: which orders, the unanswered first."""
    if not case.covers("seller_feedback", before=False):
        return missing(case, "seller_feedback", before=False)
    found = rows(_FEEDBACK, case.params)
    words = {"n": format_number(len(found)), "span": span(case)}
    if not found:
        return passed(_("Nobody gave one or two stars in %(span)s.") % words)
    words["open"] = format_number(sum(not row["answered"] for row in found))
    text = ngettext(
        "%(n)s rating of one or two stars in %(span)s, %(open)s unanswered.",
        "%(n)s ratings of one or two stars in %(span)s, %(open)s unanswered.",
        len(found),
    )
    return failed(
        text % words,
        Evidence(
            _("Orders with negative feedback"),
            (_("Order"), _("Day"), _("Stars"), _("Comment")),
            tuple(
                EvidenceRow(
                    row["order_id"],
                    (formats.day(row["date"]), str(row["rating"]), row["comment"][:60]),
                )
                for row in found[:ROWS]
            ),
            words=(3,),
        ),
    )


def claims(case: Case) -> Finding:
    """Off where returns carry an A-to-z claim: which orders and SKUs."""
    if not case.covers("seller_returns", before=False):
        return missing(case, "seller_returns", before=False)
    found = rows(_CLAIMS, case.params)
    words = {"n": format_number(len(found)), "span": span(case)}
    if not found:
        return passed(_("No return asked for in %(span)s carries an A-to-z claim.") % words)
    text = ngettext(
        "%(n)s return asked for in %(span)s carries an A-to-z claim.",
        "%(n)s returns asked for in %(span)s carry an A-to-z claim.",
        len(found),
    )
    return failed(
        text % words,
        Evidence(
            _("Orders with a claim"),
            (_("Order"), _("SKU"), _("Reason"), _("Status")),
            tuple(
                EvidenceRow(
                    row["order_id"],
                    (row["sku"], row["reason"][:40], row["status"][:30]),
                )
                for row in found[:ROWS]
            ),
            words=(1, 2, 3),
        ),
    )


def which_orders(case: Case) -> Finding:
    """No report of Amazon's that can be fetched names the orders behind these rates."""
    return unknown(
        _("Which orders these are no report here names."),
        action=_("Open the rate on Amazon's Account Health page and download its orders."),
    )


def violations(case: Case) -> Finding:
    """Off where any kind of policy violation is open: which kinds."""
    found = [row for name, row in metrics(case).items() if name in COUNTERS]
    if not found:
        return missing(case, "performance", before=False)
    open_ = sorted((row for row in found if row["numerator"]), key=lambda row: (-row["numerator"], row["metric"]))
    day = {"day": formats.day(found[0]["date"])}
    if not open_:
        return passed(_("No policy violation is open as of %(day)s.") % day)
    listed = joins.listed(
        f"{labels().get(row['metric'], row['metric'])} {format_number(row['numerator'])}" for row in open_[:3]
    )
    return failed(
        _("Open as of %(day)s: %(listed)s.") % {**day, "listed": listed},
        _table(case, _("Open policy violations"), open_),
        url=case.url("health:index", fragment="#policy-title"),
    )


def other_rates(case: Case) -> Finding:
    """Off where a rate Amazon asks for is broken as well: its violation takes points from the rating."""
    found = [row for row in metrics(case).values() if row["target"] is not None]
    if not found:
        return missing(case, "performance", before=False)
    broken = [row for row in found if _broken(row)]
    if not broken:
        return passed(
            _("Every rate Amazon asks for is kept as of %(day)s.") % {"day": formats.day(found[0]["date"])},
            _table(case, _("Amazon's rates and targets"), found),
        )
    listed = joins.listed(
        f"{labels().get(row['metric'], row['metric'])} {rate(row['numerator'], row['denominator'], 2)}"
        for row in broken
    )
    return failed(
        _("Over Amazon's target: %(listed)s.") % {"listed": listed},
        _table(case, _("Amazon's rates and targets"), broken),
        url=case.url("health:metric", broken[0]["metric"]),
    )


def _table(case: Case, title: str, found: list[dict[str, Any]]) -> Evidence:
    names = labels()
    return Evidence(
        title,
        (_("Metric"), _("Count"), _("Of"), _("Rate"), _("Amazon's target")),
        tuple(
            EvidenceRow(
                names.get(row["metric"], row["metric"]),
                (
                    "–" if row["numerator"] is None else format_number(row["numerator"]),
                    "–" if row["denominator"] is None else format_number(row["denominator"]),
                    rate(row["numerator"], row["denominator"], 2),
                    "–" if row["target"] is None else format_rate(row["target"], 2),
                ),
                case.url("health:metric", row["metric"]),
            )
            for row in found[:ROWS]
        ),
    )
