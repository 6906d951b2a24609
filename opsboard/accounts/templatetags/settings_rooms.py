"""The pages of Settings that a person may open, for the row of links on top of them."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..access import memberships
from ..models import Role

register = template.Library()

#: address name, word, the role it needs
_ROOMS = (
    ("settings:profile", _("Profile"), Role.VIEWER),
    ("usersessions_list", pgettext_lazy("of a person who signed in", "Sessions"), Role.VIEWER),
    ("account_change_password", _("Password"), Role.VIEWER),
    ("settings:accounts", _("Seller accounts"), Role.VIEWER),
    ("schedules:index", _("Schedules"), Role.VIEWER),
    ("kpis:thresholds", _("Thresholds"), Role.VIEWER),
    ("kpis:tags", _("Tags"), Role.VIEWER),
    ("rules:index", _("Alert rules"), Role.VIEWER),
    ("delivery:index", _("Delivery"), Role.VIEWER),
    ("kpis:manual", _("IPI score"), Role.VIEWER),
    ("summary_settings:index", _("Summaries"), Role.VIEWER),
    ("settings:people", _("People"), Role.MANAGER),
    ("settings:audit", _("Changes"), Role.OWNER),
    ("watch:system", _("System"), Role.MANAGER),
)


@register.simple_tag(takes_context=True)
def settings_rooms(context: RequestContext) -> list[tuple[str, str, bool]]:
    """(address, word, whether it is this page); a room whose app is not there is left out."""
    request = context["request"]
    ranks = [Role(m.role).rank for m in memberships(request.user)]
    found = []
    for name, word, role in _ROOMS:
        if max(ranks, default=0) < role.rank:
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        found.append((url, str(word), request.path == url))
    return found
