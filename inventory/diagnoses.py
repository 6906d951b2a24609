"""The playbooks of stock: what its steps ask, and in which order operators ask them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.kpis.playbook import Playbook, Step, register_playbooks, register_steps

from . import steps

register_steps(
    Step(
        "inventory.stock_out",
        _("Is something that sells out of stock?"),
        _("Send in these SKUs first, and pause their ads until they arrive."),
        steps.stock_out,
    ),
    Step(
        "inventory.stock_lost",
        _("Did something that sells much run out of stock?"),
        _("Send in these SKUs first, and pause their ads until they arrive."),
        steps.stock_lost,
    ),
    Step(
        "inventory.runs_out",
        _("Does something that sells run out?"),
        _("Send in these SKUs, those with the fewest days first."),
        steps.runs_out,
    ),
    Step(
        "inventory.faster",
        _("Does it sell faster than before?"),
        _("Reorder by the pace of the last week; raise prices or lower bids until stock arrives."),
        steps.sells_faster,
    ),
    Step(
        "inventory.inbound",
        _("Is more on its way?"),
        _("Create a shipment for these SKUs."),
        steps.on_its_way,
    ),
    Step(
        "inventory.aged",
        _("Has stock been lying for over 180 days?"),
        _("Discount, bundle or remove these SKUs before they cost a surcharge."),
        steps.aged,
    ),
    Step(
        "inventory.excess",
        _("Is there more than sells in 90 days?"),
        _("Sell off or remove the largest excess, and send in less of it."),
        steps.excess,
    ),
    Step(
        "inventory.still",
        _("Is there stock that does not sell at all?"),
        _("Correct the listing, advertise it, or have the units removed."),
        steps.does_not_sell,
    ),
    Step(
        "inventory.stranded",
        _("Is stock stranded without an offer?"),
        _("Fix these listings, or have the units removed."),
        steps.stranded,
    ),
    Step(
        "inventory.returns",
        _("Which SKUs come back?"),
        _("Look at the reasons of the first SKU, and stop selling it until its fault is known."),
        steps.returned,
    ),
    Step(
        "inventory.return_reasons",
        _("Why do buyers send back?"),
        _("Correct what the listing promises, or talk to the supplier about the fault."),
        steps.return_reasons,
    ),
)

_LEAN = ("inventory.stock_out", "inventory.runs_out", "inventory.faster", "inventory.inbound")
_HEAVY = ("inventory.aged", "inventory.excess", "inventory.still", "inventory.stranded")

register_playbooks(
    Playbook(
        ("days_of_supply", "historical_supply_30", "historical_supply_90", "in_stock_rate"),
        _("Why stock lasts as long as it does"),
        (*_LEAN, "inventory.excess", "inventory.aged"),
    ),
    Playbook(
        ("turnover", "sell_through", "aged_share", "storage_cost"),
        _("Why stock turns as slowly as it does"),
        _HEAVY,
    ),
    # Amazon's four drivers of the index, in the order Amazon names them.
    Playbook(
        ("ipi", "excess_share"),
        _("What moves the IPI"),
        ("inventory.excess", "inventory.aged", "inventory.still", "inventory.stranded", *_LEAN[:2]),
    ),
    Playbook(("stranded_share",), _("Which stock is stranded"), ("inventory.stranded", "listings.suppressed")),
    Playbook(
        ("return_rate",),
        _("Why units come back"),
        ("inventory.returns", "inventory.return_reasons", "listings.refunded"),
    ),
)
