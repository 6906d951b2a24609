"""The playbooks of listings, and the run for a new shop without orders, in the operators' order."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.kpis.decomposition import Factor
from opsboard.kpis.playbook import (
    Playbook,
    Situation,
    Step,
    register_playbooks,
    register_situations,
    register_steps,
)
from opsboard.kpis.registry import Unit

from . import new_shop, steps, steps_hidden

register_steps(
    Step(
        "listings.visits",
        _("Did visits fall?"),
        _("Look up these products: their rank, their ads and whether they are found in search."),
        steps.visits,
    ),
    Step(
        "listings.conversion",
        _("Do visits order less?"),
        _("Compare images, price and newest reviews of these products with last month's."),
        steps.conversion,
    ),
    Step(
        "listings.price_rise",
        _("Did we raise our own price?"),
        _("Compare the new price with the offers beside it, and take it back where it is dearest."),
        steps.price_rise,
    ),
    Step(
        "listings.price_fall",
        _("Did we lower our own price?"),
        _("Check which discount or coupon runs, and end what does not bring more units."),
        steps.price_fall,
    ),
    Step(
        "listings.buy_box",
        _("Was the Buy Box lost?"),
        _("Win it back first: ads and visits of a product without the Buy Box sell for somebody else."),
        steps.buy_box,
    ),
    Step(
        "listings.other_offers",
        _("Did other sellers' offers take it?"),
        _("Open these products on Amazon and compare the offers: match the price, or report a hijacker."),
        steps.other_offers,
    ),
    Step(
        "listings.suppressed",
        _("Is a listing suppressed?"),
        _("Correct what Amazon names; the listing shows again within a day."),
        steps_hidden.suppressed,
    ),
    Step(
        "listings.main_image",
        _("Is the main image there?"),
        _("Upload a main image: white ground, the product on 85 percent of it, 1,600 pixels or more."),
        steps_hidden.main_image,
    ),
    Step(
        "listings.term_coverage",
        _("Search terms: do the listings hold what buyers type?"),
        _("Put these terms into titles, bullet points and the search terms of the listings they fit."),
        new_shop.term_coverage,
    ),
    Step(
        "listings.buy_box_share",
        _("Buy Box: is our offer the one that is featured?"),
        _("Check price, stock and condition of these offers; without the Buy Box ads are not shown either."),
        new_shop.buy_box_share,
    ),
    Step(
        "listings.refunded",
        _("Are more units refunded?"),
        _("Read the reasons of the returns, and correct what the listing promises wrongly."),
        steps.refunded,
    ),
)

_VISIT = Factor(_("Visits"), Unit.COUNT, "listings.sessions")
_UNITS = Factor(_("Units a visit"), Unit.RATE, "listings.units", "listings.sessions")
_PRICE = Factor(_("Sales a unit"), Unit.MONEY, "listings.ordered_sales", "listings.units")

register_playbooks(
    Playbook(
        ("ordered_sales",),
        _("Why sales are what they are"),
        (
            "listings.visits",
            "listings.conversion",
            "listings.price_fall",
            "listings.buy_box",
            "inventory.stock_lost",
            "listings.suppressed",
        ),
        (_VISIT, _UNITS, _PRICE),
    ),
    Playbook(
        ("unit_session",),
        _("Why visits order what they order"),
        (
            "listings.main_image",
            "listings.price_rise",
            "listings.buy_box",
            "inventory.stock_lost",
            "listings.suppressed",
            "listings.conversion",
        ),
    ),
    Playbook(
        ("buy_box",),
        _("Why the Buy Box is what it is"),
        (
            "listings.price_rise",
            "inventory.stock_out",
            "listings.suppressed",
            "health.eligibility",
            "listings.other_offers",
        ),
        suspects=steps.lost_the_buy_box,
    ),
    Playbook(("suppressed",), _("Which listings are hidden, and why"), ("listings.suppressed", "listings.main_image")),
    Playbook(
        ("refund_rate",),
        _("Why units are refunded"),
        ("listings.refunded", "inventory.returns", "inventory.return_reasons"),
    ),
)
register_situations(
    Situation(
        "new-shop",
        _("New shop, no orders yet"),
        "listings",
        new_shop.DAYS,
        ("listings.term_coverage", "listings.main_image", "ads.placement", "listings.buy_box_share"),
        new_shop.no_orders,
    )
)
