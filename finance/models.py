"""Facts about money: what was ordered and what Amazon paid, line by line."""

from __future__ import annotations

from django.db import models

from opsboard.feeds.facts import CompactTextField, Fact


class OrderLine(Fact):
    """A line of an order as it was last told; no buyer and no address (All Orders, by last update).

    `date` is the marketplace's day of the purchase. Amounts are those of the whole line in minor units,
    and NULL while Amazon does not state them: pending orders have none yet, cancelled ones often none any more.
    A line has no key of Amazon's; lines of the same SKU are numbered. `sales_channel` tells orders of
    Amazon's shop from those that FBA only ships ("Non-Amazon"): a sum of sales names the one it means.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "order_id", "sku", "ordinal")
    date = models.DateField()
    order_id = CompactTextField(max_length=40)
    sku = CompactTextField(max_length=60)
    ordinal = models.IntegerField()
    asin = CompactTextField(max_length=10, blank=True)
    purchased_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    status = CompactTextField(max_length=40)
    item_status = CompactTextField(max_length=40, blank=True)
    fulfilment = CompactTextField(max_length=20, blank=True)
    sales_channel = CompactTextField(max_length=40, blank=True)
    quantity = models.IntegerField()
    price_minor = models.BigIntegerField(null=True)
    tax_minor = models.BigIntegerField(null=True)
    shipping_minor = models.BigIntegerField(null=True)
    shipping_tax_minor = models.BigIntegerField(null=True)
    gift_wrap_minor = models.BigIntegerField(null=True)
    gift_wrap_tax_minor = models.BigIntegerField(null=True)
    #: Amounts the seller gave away, positive.
    discount_minor = models.BigIntegerField(null=True)
    shipping_discount_minor = models.BigIntegerField(null=True)
    is_business = models.BooleanField(null=True)

    class Meta:
        indexes = [
            # An order that is told again is looked for in every month.
            models.Index(fields=["account_id", "marketplace_id", "order_id"], name="orderline_by_order"),
            models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="orderline_by_sku"),
        ]


class Settlement(Fact):
    """A settlement as its header states it: what Amazon paid out (or, negative, asked for) and for when.

    `date` is the day of the deposit, or the last day where none is stated; days are as the header has them
    (UTC). The lines add up to `total_minor` to the cent; a document
    whose lines do not is held (finance.reports_settlements).
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "settlement_id")
    date = models.DateField()
    settlement_id = CompactTextField(max_length=30)
    first_day = models.DateField()
    last_day = models.DateField()
    total_minor = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "settlement_id"], name="settlement_by_id"),
        ]


class SettlementLine(Fact):
    """One amount of a settlement: a price, a fee, a refund, a transfer (flat file V2 and the older wide one).

    `date` is the marketplace's day on which it was posted. Amounts are signed minor units as seen by the
    seller: fees are negative. An order item has a line per amount, and `quantity` stands on each of them, so
    it is never added up over lines of different amounts. `amount_minor` is NULL on lines of the older layout
    that state a quantity and no amount.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "settlement_id", "ordinal")
    date = models.DateField()
    settlement_id = CompactTextField(max_length=30)
    ordinal = models.IntegerField()
    posted_at = models.DateTimeField(null=True)
    transaction_type = CompactTextField(max_length=120, blank=True)
    order_id = CompactTextField(max_length=40, blank=True)
    order_item_id = CompactTextField(max_length=40, blank=True)
    adjustment_id = CompactTextField(max_length=60, blank=True)
    sku = CompactTextField(max_length=60, blank=True)
    fulfilment = CompactTextField(max_length=40, blank=True)
    #: The shop the sale was made in ("Amazon.de"), where the line names one.
    sales_channel = CompactTextField(max_length=60, blank=True)
    amount_type = CompactTextField(max_length=120, blank=True)
    amount_description = CompactTextField(max_length=255, blank=True)
    amount_minor = models.BigIntegerField(null=True)
    quantity = models.IntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "settlement_id"], name="settlementline_by_id"),
            models.Index(fields=["account_id", "marketplace_id", "order_id"], name="settlementline_by_order"),
            models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="settlementline_by_sku"),
        ]


class AccountTransaction(Fact):
    """A line of the account's statement as Seller Central shows it (Payments > Date Range Reports).

    `date` is the marketplace's day of `posted_at`. Amounts are signed minor units as seen by the seller and add up
    to `total_minor`; one the marketplace has no column for is NULL. `kind` is Amazon's English word where the
    file's own is known ("Order", "Refund", "Transfer": what was paid to the bank, so that a statement sums to zero).
    The same money is told by settlements, so the two are compared and never added.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "order_id", "posted_at", "ordinal")
    date = models.DateField()
    order_id = CompactTextField(max_length=60, blank=True)
    posted_at = models.DateTimeField()
    ordinal = models.IntegerField()
    settlement_id = CompactTextField(max_length=30, blank=True)
    kind = CompactTextField(max_length=120)
    sku = CompactTextField(max_length=60, blank=True)
    #: What the line is for, where it has no SKU.
    description = CompactTextField(max_length=255, blank=True)
    quantity = models.IntegerField(null=True)
    sales_channel = CompactTextField(max_length=60, blank=True)
    fulfilment = CompactTextField(max_length=40, blank=True)
    sales_minor = models.BigIntegerField(null=True)
    sales_tax_minor = models.BigIntegerField(null=True)
    shipping_minor = models.BigIntegerField(null=True)
    shipping_tax_minor = models.BigIntegerField(null=True)
    gift_wrap_minor = models.BigIntegerField(null=True)
    gift_wrap_tax_minor = models.BigIntegerField(null=True)
    regulatory_minor = models.BigIntegerField(null=True)
    regulatory_tax_minor = models.BigIntegerField(null=True)
    #: Japan: points given to buyers, paid by the seller.
    points_minor = models.BigIntegerField(null=True)
    promotion_minor = models.BigIntegerField(null=True)
    promotion_tax_minor = models.BigIntegerField(null=True)
    withheld_tax_minor = models.BigIntegerField(null=True)
    selling_fees_minor = models.BigIntegerField(null=True)
    fba_fees_minor = models.BigIntegerField(null=True)
    other_fees_minor = models.BigIntegerField(null=True)
    other_minor = models.BigIntegerField(null=True)
    total_minor = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "order_id", "posted_at"], name="transaction_by_order"),
            models.Index(fields=["account_id", "marketplace_id", "sku", "date"], name="transaction_by_sku"),
        ]


class ReferralFee(Fact):
    """What Amazon would charge for selling one piece of a SKU at its price of the day (Referral Fee Preview)."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "sku")
    date = models.DateField()
    sku = CompactTextField(max_length=60)
    asin = CompactTextField(max_length=10, blank=True)
    price_minor = models.BigIntegerField(null=True)
    fee_minor = models.BigIntegerField(null=True)


class Promotion(Fact):
    """A deal or another promotion and what it brought so far; `date` is the marketplace's day of its start."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "promotion_id")
    date = models.DateField()
    promotion_id = CompactTextField(max_length=60)
    name = models.CharField(max_length=255, blank=True)
    kind = CompactTextField(max_length=60, blank=True)
    status = CompactTextField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    units = models.IntegerField(null=True)
    #: Sales made at the promotion's price.
    sales_minor = models.BigIntegerField(null=True)
    glance_views = models.BigIntegerField(null=True)


class PromotionProduct(Fact):
    """What one product brought in a promotion; `date` is that of the promotion."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "promotion_id", "asin")
    date = models.DateField()
    promotion_id = CompactTextField(max_length=60)
    asin = CompactTextField(max_length=10)
    units = models.IntegerField(null=True)
    sales_minor = models.BigIntegerField(null=True)
    glance_views = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "asin", "date"], name="promotionproduct_by_asin")
        ]


class Coupon(Fact):
    """A coupon and what it cost and brought so far; `date` is the marketplace's day of its start.

    Counts and amounts are gross: what was returned or cancelled later is in them (Amazon's definition).
    `discount` is a fraction of the list price, or an amount in the currency's major unit, as `discount_type` says.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "coupon_id")
    date = models.DateField()
    coupon_id = CompactTextField(max_length=60)
    name = models.CharField(max_length=255, blank=True)
    discount_type = CompactTextField(max_length=60, blank=True)
    discount = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    clips = models.IntegerField(null=True)
    redemptions = models.IntegerField(null=True)
    budget_minor = models.BigIntegerField(null=True)
    #: Discounts and Amazon's fees for clips and redemptions.
    spent_minor = models.BigIntegerField(null=True)
    discount_minor = models.BigIntegerField(null=True)
    sales_minor = models.BigIntegerField(null=True)


class CouponProduct(Fact):
    """A product a coupon is for; `date` is that of the coupon."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "coupon_id", "asin")
    date = models.DateField()
    coupon_id = CompactTextField(max_length=60)
    asin = CompactTextField(max_length=10)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "asin", "date"], name="couponproduct_by_asin"),
        ]


class Reimbursement(Fact):
    """What Amazon gave back for lost, damaged or wrongly returned stock, in money or in pieces.

    `date` is the marketplace's day of approval. Taking a reimbursement back is a row with a negative amount.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "reimbursement_id", "sku", "ordinal")
    date = models.DateField()
    reimbursement_id = CompactTextField(max_length=40)
    sku = CompactTextField(max_length=60, blank=True)
    ordinal = models.IntegerField()
    approved_at = models.DateTimeField()
    case_id = CompactTextField(max_length=40, blank=True)
    order_id = CompactTextField(max_length=60, blank=True)
    reason = CompactTextField(max_length=120, blank=True)
    fnsku = CompactTextField(max_length=20, blank=True)
    asin = CompactTextField(max_length=10, blank=True)
    amount_minor = models.BigIntegerField(null=True)
    quantity_cash = models.IntegerField(null=True)
    quantity_inventory = models.IntegerField(null=True)
    original_id = CompactTextField(max_length=40, blank=True)
