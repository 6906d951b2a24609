"""Breach -> evidence: what Amazon's performance report says behind a rate."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from opsboard.kpis.format import format_number, format_rate
from opsboard.kpis.registry import Evidence, EvidenceRow

from .models import MetricDay


def _newest(account_id: int, marketplace_id: int, last: date) -> list[MetricDay]:
    """The metrics of the newest report not after `last` (primary key prefix, a few dozen rows)."""
    rows = MetricDay.objects.filter(account_id=account_id, marketplace_id=marketplace_id, date__lte=last)
    day = rows.order_by("-date").values_list("date", flat=True).first()
    return list(rows.filter(date=day).order_by("metric")) if day else []


def labels() -> dict[str, str]:
    """What each metric of the report is called on screen."""
    return {
        "odr_mfn": _("Orders with defects (seller-fulfilled)"),
        "odr_mfn_negative_feedback": _("Negative feedback (seller-fulfilled)"),
        "odr_mfn_claims": _("A-to-z claims (seller-fulfilled)"),
        "odr_mfn_chargebacks": _("Chargebacks (seller-fulfilled)"),
        "odr_afn": _("Orders with defects (FBA)"),
        "odr_afn_negative_feedback": _("Negative feedback (FBA)"),
        "odr_afn_claims": _("A-to-z claims (FBA)"),
        "odr_afn_chargebacks": _("Chargebacks (FBA)"),
        "late_shipment": _("Late shipment rate"),
        "cancellation": _("Pre-fulfilment cancel rate"),
        "valid_tracking": _("Valid tracking rate"),
        "on_time_delivery": _("On-time delivery rate"),
        "unit_on_time_delivery": _("Unit on-time delivery rate"),
        "invoice_defect": _("Invoice defect rate"),
        "account_health_rating": _("Account health rating (AHR)"),
        "account_status": _("Account status"),
        "listing_policy": _("Listing policy violations"),
        "authenticity": _("Product authenticity complaints"),
        "condition": _("Product condition complaints"),
        "safety": _("Product safety complaints"),
        "ip_received": _("Intellectual property complaints received"),
        "ip_suspected": _("Suspected intellectual property violations"),
        "restricted_product": _("Restricted product violations"),
        "food_safety": _("Food and product safety issues"),
        "other_policy": _("Other policy violations"),
        "document_requests": _("Document requests"),
    }


def defect_parts(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """What the defects are made of: feedback, claims, chargebacks, by fulfilment."""
    return _table(
        _("What the defects are made of"),
        [row for row in _newest(account_id, marketplace_id, last) if row.metric.startswith("odr_")],
    )


def all_rates(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """Every rate of the report beside its target."""
    return _table(
        _("Amazon's rates and targets"),
        [row for row in _newest(account_id, marketplace_id, last) if row.rate is not None],
    )


def _table(title: str, metrics: list[MetricDay]) -> Evidence:
    names = labels()
    return Evidence(
        title,
        (_("Metric"), _("Count"), _("Of"), _("Rate"), _("Amazon's target")),
        tuple(
            EvidenceRow(
                names.get(row.metric, row.metric),
                (
                    "–" if row.numerator is None else format_number(row.numerator),
                    "–" if row.denominator is None else format_number(row.denominator),
                    "–" if row.rate is None else format_rate(row.rate, 2),
                    "–" if row.target is None else format_rate(row.target, 2),
                ),
            )
            for row in metrics
        ),
    )
