"""Facts about account health: each metric of Amazon's performance report, a row a day."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact


class MetricDay(Fact):
    """One metric as Amazon stated it on one day (GET_V2_SELLER_PERFORMANCE_REPORT).

    `metric` is one of those in health.reports.METRICS (odr_afn, odr_mfn, late_shipment, ...).
    numerator/denominator are orders or packages; `rate` is Amazon's own figure (fraction);
    target and window are those of the payload, so a changed target is known from its day on.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "metric")
    date = models.DateField()
    metric = CompactTextField(max_length=40)
    numerator = models.IntegerField(null=True)
    denominator = models.IntegerField(null=True)
    rate = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    status = CompactTextField(max_length=20, blank=True)
    target = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    target_condition = CompactTextField(max_length=20, blank=True)
    window_start = models.DateField(null=True)
    window_end = models.DateField(null=True)
