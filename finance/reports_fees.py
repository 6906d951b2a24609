"""Fees to come and money given back: the referral fee preview and FBA reimbursements."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import ReferralFee, Reimbursement

TEXT, MONEY = Kind.TEXT, Kind.MONEY

REFERRAL_FEES = Dataset(
    key="referral_fees",
    label=gettext_lazy("Referral fees"),
    model=ReferralFee,
    scope=Scope.DAY,
    mature_days=1,
    columns=(
        Column("sku", TEXT, ("seller-sku",), required=True),
        Column("asin", TEXT, ("asin",)),
        Column("price_minor", MONEY, ("price",)),
        Column("fee_minor", MONEY, ("estimated-referral-fee-per-item",), required=True),
    ),
)
REIMBURSEMENTS = Dataset(
    key="reimbursements",
    label=gettext_lazy("FBA reimbursements"),
    model=Reimbursement,
    scope=Scope.GROUPS,
    group=("reimbursement_id",),
    lag_days=2,
    mature_days=3,
    derived={"date": "(s.approved_at AT TIME ZONE %(zone)s)::date"},
    columns=(
        Column("approved_at", Kind.INSTANT, ("approval-date",), required=True),
        Column("reimbursement_id", TEXT, ("reimbursement-id",), required=True),
        Column("case_id", TEXT, ("case-id",)),
        Column("order_id", TEXT, ("amazon-order-id",)),
        Column("reason", TEXT, ("reason",), required=True, default=""),
        Column("sku", TEXT, ("sku",), required=True, default=""),
        Column("fnsku", TEXT, ("fnsku",)),
        Column("asin", TEXT, ("asin",)),
        Column("currency", Kind.CURRENCY, ("currency-unit",)),
        Column("amount_minor", MONEY, ("amount-total",), low=None),
        Column("quantity_cash", Kind.INTEGER, ("quantity-reimbursed-cash",), low=None),
        Column("quantity_inventory", Kind.INTEGER, ("quantity-reimbursed-inventory",), low=None),
        Column("original_id", TEXT, ("original-reimbursement-id",)),
    ),
)

register(
    ReportSpec(
        key="referral_fees",
        label=gettext_lazy("Referral fee preview"),
        report_type="GET_REFERRAL_FEE_PREVIEW_REPORT",
        reusable_minutes=24 * 60,  # and Amazon refuses another one in that time
        api="sp",
        format="tsv",
        datasets=(REFERRAL_FEES,),
        history=False,
        # Amazon makes it once in 24 hours and ends a second one in FATAL.
        rest_hours=24,
        localised=True,
        source_page="Reports > Fulfilment > Referral Fee Preview",
        unstored=("item-name",),
    ),
    ReportSpec(
        key="reimbursements",
        label=gettext_lazy("FBA reimbursements"),
        report_type="GET_FBA_REIMBURSEMENTS_DATA",
        api="sp",
        format="tsv",
        datasets=(REIMBURSEMENTS,),
        # Amazon documents no limits; a quarter a report and half a year back are modest.
        max_days=90,
        lookback_days=180,
        modest=True,
        reask_days=3,
        # FBA reports that Amazon makes daily are made anew every four hours at most.
        fastest_hours=4,
        moments=True,
        source_page="Reports > Fulfilment > Reimbursements",
        unstored=(
            "product-name",
            "condition",
            "amount-per-unit",
            "quantity-reimbursed-total",
            "original-reimbursement-type",
        ),
    ),
)
