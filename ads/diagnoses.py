"""The playbooks of advertising: what its steps ask, and in which order operators ask them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.kpis.decomposition import Factor
from opsboard.kpis.playbook import Playbook, Step, register_playbooks, register_source, register_steps
from opsboard.kpis.registry import Unit

from . import steps, steps_clicks

register_source("search_terms", steps.terms_bought)
register_steps(
    Step(
        "ads.cpc",
        _("Did clicks get dearer: were bids raised?"),
        _("Lower the bids of this campaign to what they were, then of those after it."),
        steps.price_of_clicks,
    ),
    Step(
        "ads.conversion",
        _("Do clicks order less?"),
        _("Look at what these campaigns advertise: price, reviews and stock; pause what does not sell."),
        steps.conversion,
    ),
    Step(
        "ads.order_value",
        _("Does an order bring less: a lower price, or smaller products?"),
        _("Check discounts and coupons, and which products these campaigns sell now."),
        steps.order_value,
    ),
    Step(
        "ads.clicks",
        _("Were more clicks bought?"),
        _("Check the budgets of these campaigns: what grew has to pay for itself."),
        steps.bought_clicks,
    ),
    Step(
        "ads.terms",
        _("Do search terms cost more than they sell?"),
        _("Add these terms as negative keywords in their campaigns, or lower the bids that catch them."),
        steps.wasted_terms,
    ),
    Step(
        "ads.counting",
        _("Are the sales of these days final, and counted alike?"),
        _("Wait until the days are final before changing bids, or upload reports that count sales alike."),
        steps.same_counting,
    ),
    Step(
        "ads.creative",
        _("Do ads get clicked less in the same campaigns: main image or price?"),
        _("Test another main image on the advertised products, then compare the price with the offers beside it."),
        steps_clicks.seen_and_passed,
    ),
    Step(
        "ads.mix",
        _("Did impressions move to where they are clicked less?"),
        _("Lower bids where impressions grew and clicks did not; add negatives for what does not fit."),
        steps_clicks.where_shown,
    ),
    Step(
        "ads.placement",
        _("Ad placement: are ads shown, and clicked?"),
        _("Start an automatic campaign for the main products, with a bid at Amazon's suggestion."),
        steps_clicks.shown_at_all,
    ),
)

_CLICK = Factor(_("Price of a click"), Unit.MONEY, "ads.spend", "ads.clicks")
_ORDERS = Factor(_("Orders a click"), Unit.RATE, "ads.orders", "ads.clicks", -1)
_VALUE = Factor(_("Sales an order"), Unit.MONEY, "ads.sales", "ads.orders", -1)
_BEHIND = ("listings.buy_box", "inventory.stock_lost", "ads.terms")

register_playbooks(
    Playbook(
        ("acos",),
        _("Why ACoS is what it is"),
        ("ads.cpc", "ads.conversion", "ads.order_value", *_BEHIND, "ads.counting"),
        (_CLICK, _ORDERS, _VALUE),
    ),
    Playbook(
        ("tacos",),
        _("Why TACoS is what it is"),
        ("ads.cpc", "ads.clicks", "listings.visits", "listings.conversion", "listings.price_fall", *_BEHIND),
        (
            _CLICK,
            Factor(_("Ad clicks a visit"), Unit.RATE, "ads.clicks", "listings.sessions"),
            Factor(_("Units a visit"), Unit.RATE, "listings.units", "listings.sessions", -1),
            Factor(_("Sales a unit"), Unit.MONEY, "listings.ordered_sales", "listings.units", -1),
        ),
    ),
    Playbook(
        ("ctr",),
        _("Why the CTR is what it is"),
        ("listings.main_image", "listings.price_rise", "ads.creative", "ads.mix", "ads.terms"),
    ),
    Playbook(("cpc",), _("Why the CPC is what it is"), ("ads.cpc", "ads.mix", "ads.terms")),
    Playbook(
        ("ad_cvr", "roas"),
        _("Why ads sell what they sell"),
        ("ads.conversion", "ads.cpc", "ads.order_value", *_BEHIND, "ads.counting"),
    ),
)
