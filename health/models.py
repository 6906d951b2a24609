"""Facts about account health: Amazon's metrics, what buyers say of the seller, what they send back to him."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact


class MetricDay(Fact):
    """One metric as Amazon stated it on one day (GET_V2_SELLER_PERFORMANCE_REPORT).

    `metric` is one of those in health.reports.METRICS (odr_afn, odr_mfn, late_shipment, ...), or
    "warning_" and the name of a warning Amazon has given.
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


class Feedback(Fact):
    """What a buyer said of the seller (GET_SELLER_FEEDBACK_DATA): neutral and negative, one to three stars.

    Who said it is never kept. A comment with an e-mail address or a telephone number in it is not kept
    either: `comment_withheld` tells that there was one.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "order_id", "ordinal")
    date = models.DateField()
    order_id = CompactTextField(max_length=30, blank=True)
    ordinal = models.IntegerField()
    rating = models.SmallIntegerField()
    comment = models.TextField(blank=True)
    comment_withheld = models.BooleanField()
    answered = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["account_id", "marketplace_id", "order_id"], name="feedback_by_order")]


class SellerReturn(Fact):
    """A line of a return that came back to the seller himself (GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE).

    `date` is the day the buyer asked for it. What happened since (status, refund, claim) is told again for as
    long as the request is among the days asked for. The parcel's number is not kept.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "order_id", "rma_id", "sku", "ordinal")
    date = models.DateField()
    order_id = CompactTextField(max_length=30)
    rma_id = CompactTextField(max_length=40, blank=True)
    sku = CompactTextField(max_length=60, blank=True)
    ordinal = models.IntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    order_item_id = CompactTextField(max_length=30, blank=True)
    ordered_on = models.DateField(null=True)
    received_on = models.DateField(null=True)
    status = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    kind = models.TextField(blank=True)
    resolution = models.TextField(blank=True)
    in_policy = CompactTextField(max_length=10, blank=True)
    a_to_z = CompactTextField(max_length=10, blank=True)
    prime = CompactTextField(max_length=10, blank=True)
    quantity = models.IntegerField(null=True)
    order_quantity = models.IntegerField(null=True)
    order_amount_minor = models.BigIntegerField(null=True)
    refunded_minor = models.BigIntegerField(null=True)
    label_cost_minor = models.BigIntegerField(null=True)
    label_paid_by = models.TextField(blank=True)
    claim_state = models.TextField(blank=True)
    claim_reimbursed_minor = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "order_id"], name="sellerreturn_by_order"),
            models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="sellerreturn_by_sku"),
        ]
