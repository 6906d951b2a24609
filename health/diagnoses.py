"""The playbooks of account health: what its steps ask, and in which order operators ask them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.kpis.playbook import Playbook, Step, register_playbooks, register_steps

from . import steps

_QUESTIONS = {
    "claims": (
        _("A-to-z claims: are they what the defects are made of?"),
        _("Answer the claims first: refund where the buyer is right, appeal with proof of delivery where not."),
    ),
    "negative_feedback": (
        _("Negative feedback: is it what the defects are made of?"),
        _("Ask for removal of feedback that breaks Amazon's rules, then write to the buyers."),
    ),
    "chargebacks": (
        _("Chargebacks: are they what the defects are made of?"),
        _("Answer each chargeback with the proof of delivery within Amazon's days."),
    ),
}
register_steps(
    *(
        Step(f"health.{channel}_{part}", question, action, steps.defect_part(channel, part))
        for channel in ("mfn", "afn")
        for part, (question, action) in _QUESTIONS.items()
    ),
    Step(
        "health.feedback",
        _("Which orders got negative feedback?"),
        _("Answer the unanswered ones, and ask Amazon to remove what breaks its rules."),
        steps.feedback,
    ),
    Step(
        "health.claims",
        _("Which orders carry a claim?"),
        _("Answer the claims of these orders, the oldest first."),
        steps.claims,
    ),
    Step(
        "health.late",
        _("Late shipments: how many are too many?"),
        _("Ship today's orders by their ship-by date; raise the handling time if you cannot."),
        steps.over_target("late_shipment"),
    ),
    Step(
        "health.cancelled",
        _("Cancellations: how many are too many?"),
        _("Correct the stock of the SKUs you cancelled, or close them."),
        steps.over_target("cancellation"),
    ),
    Step(
        "health.tracking",
        _("Tracking: how many packages lack it?"),
        _("Correct the missing tracking numbers within 72 hours of shipping, and buy labels through Amazon."),
        steps.over_target("valid_tracking"),
    ),
    Step(
        "health.delivery",
        _("Delivery: how many arrive late?"),
        _("Promise longer transit times for the regions that are late, or ship with a faster service."),
        steps.over_target("on_time_delivery", "unit_on_time_delivery"),
    ),
    Step(
        "health.invoices",
        _("Invoices: how many are missing or late?"),
        _("Upload the missing invoices, or let Amazon's VAT service make them."),
        steps.over_target("invoice_defect"),
    ),
    Step(
        "health.orders",
        _("Which orders are behind it?"),
        _("Open the rate on Amazon's Account Health page and download its orders."),
        steps.which_orders,
    ),
    Step(
        "health.eligibility",
        _("Does account health cost the Buy Box?"),
        _("Bring this rate under Amazon's target first; until then offers are featured less."),
        steps.eligibility,
    ),
    Step(
        "health.violations",
        _("Which policy violations are open?"),
        _("Appeal or acknowledge those with the most severe mark first, with invoices at hand."),
        steps.violations,
    ),
    Step(
        "health.rates",
        _("Is a rate over Amazon's target as well?"),
        _("Bring it under the target: a broken rate takes points from the rating."),
        steps.other_rates,
    ),
)

_MFN = ("odr_mfn", *(f"odr_mfn_{part}" for part in steps.PARTS))
_AFN = ("odr_afn", *(f"odr_afn_{part}" for part in steps.PARTS))
register_playbooks(
    Playbook(
        _MFN,
        _("What the defects are made of, seller-fulfilled"),
        (*(f"health.mfn_{part}" for part in steps.PARTS), "health.claims", "health.feedback", "health.late"),
    ),
    Playbook(
        _AFN,
        _("What the defects are made of, FBA"),
        (*(f"health.afn_{part}" for part in steps.PARTS), "health.feedback", "inventory.return_reasons"),
    ),
    Playbook(("late_shipment",), _("Why orders ship late"), ("health.late", "health.orders")),
    Playbook(
        ("cancellation",),
        _("Why orders are cancelled"),
        ("health.cancelled", "finance.cancelled", "inventory.stock_out"),
    ),
    Playbook(("valid_tracking",), _("Why packages lack tracking"), ("health.tracking", "health.orders")),
    Playbook(
        ("on_time_delivery", "unit_on_time_delivery"),
        _("Why deliveries are late"),
        ("health.delivery", "health.late", "health.tracking", "health.orders"),
    ),
    Playbook(("invoice_defect",), _("Why invoices count as defects"), ("health.invoices", "health.orders")),
    Playbook(
        ("account_rating", "policy_violations"),
        _("What takes points from the account"),
        ("health.violations", "health.rates", "listings.suppressed"),
    ),
    Playbook(
        ("negative_feedback",),
        _("Who gave bad ratings"),
        ("health.feedback", "health.late", "health.delivery"),
    ),
)
