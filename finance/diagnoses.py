"""The playbooks of money, and its steps in those of others."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.kpis.playbook import Playbook, Step, register_playbooks, register_steps

from . import steps

register_steps(
    Step(
        "finance.cancelled",
        _("Which SKUs were cancelled?"),
        _("Correct the stock of these SKUs, or close them."),
        steps.cancelled,
    ),
    Step(
        "finance.referral",
        _("Which SKUs pay too high a referral fee?"),
        _("Have Amazon correct the category of these SKUs."),
        steps.referral_fees,
    ),
    Step(
        "finance.refunds",
        _("Did refunds rise?"),
        _("Look at which SKUs come back and why, before more of them are sold."),
        steps.refunds,
    ),
)
register_playbooks(
    Playbook(("referral_share",), _("Why the commission is what it is"), ("finance.referral", "finance.refunds")),
    Playbook(
        ("refund_share",),
        _("Why money is given back"),
        ("finance.refunds", "inventory.returns", "inventory.return_reasons"),
    ),
)
