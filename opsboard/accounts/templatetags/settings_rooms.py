"""The pages of Settings that a person may open, for the row of links on top of them."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..access import memberships
from ..models import AuditEvent, Role

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


#: Pages that lie beside the address of their room.
_INSIDE = {
    "settings:account": "settings:accounts",
    "settings:credentials": "settings:accounts",
    "settings:credentials_test": "settings:accounts",
}


@register.simple_tag(takes_context=True)
def settings_rooms(context: RequestContext) -> list[tuple[str, str, str]]:
    """(address, word, what aria-current says of it: "page", "true" on a page inside, else nothing).

    A room whose app is not there is left out.
    """
    request = context["request"]
    ranks = [Role(m.role).rank for m in memberships(request.user)]
    here = request.resolver_match.view_name if request.resolver_match else ""
    found = []
    for name, word, role in _ROOMS:
        if max(ranks, default=0) < role.rank:
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        inside = request.path.startswith(url) or _INSIDE.get(here) == name
        found.append((url, str(word), "page" if request.path == url else "true" if inside else ""))
    return found


#: What a browser says of itself, the more particular first: most of them also say they are Chrome or Safari.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser(agent: str) -> str:
    """ "Chrome · Windows" of a browser's long name for itself; that name, where neither is known."""
    found = [next((word for sign, word in known if sign in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or agent or "–"


#: So many items of a list are named; the audit trail in the database has them all.
_NAMED = 3


@register.filter
def changed(event: AuditEvent) -> list[tuple[str, str, str]]:
    """(name, before, after) of what an event changed; what stayed as it was or empty is left out."""
    keys = [*event.before, *(key for key in event.after if key not in event.before)]
    pairs = [(key, event.before.get(key), event.after.get(key)) for key in keys]
    return [(key.replace("_", " "), _brief(was), _brief(now)) for key, was, now in pairs if was != now and (was or now)]


def _brief(value: object) -> str:
    """A value on one line: a list as its items, of a long one the first and how many there are."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return str(value)
    words = ", ".join(map(str, value[:_NAMED]))
    return f"{words}, … ({len(value)})" if len(value) > _NAMED else words
