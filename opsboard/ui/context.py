"""What the frame around every page needs: rooms, page state, theme, language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .filters import COMPARISONS, PERIODS, PageState

#: namespace, address name, icon, word, shown in the small-screen bar, state carried along
ROOMS = (
    ("today", "today:today", "today", _("Today"), True, True),
    ("listings", "listings:index", "listings", _("Listings"), False, True),
    ("ads", "ads:index", "ads", _("Ads"), True, True),
    ("inventory", "inventory:index", "inventory", _("Inventory"), True, True),
    ("health", "health:index", "health", _("Health"), False, True),
    ("alerts", "alerts:index", "alerts", _("Alerts"), True, True),
    ("summaries", "summaries:weekly", "weekly", _("Weekly"), False, True),
    ("feeds", "feeds:index", "data", _("Data"), False, True),
    ("kpis", "kpis:help", "info", _("Help"), False, True),
    ("settings", "settings:index", "settings", _("Settings"), False, False),
)
#: A page that is a room by itself, in a namespace whose other pages belong to Settings.
HELP = "kpis:help"
#: Pages of these namespaces belong to Settings.
SETTINGS = frozenset({"kpis", "rules", "delivery"})
#: Rooms whose pages show figures of a period; the others show accounts and freshness only.
PERIOD_ROOMS = frozenset({"today", "listings", "ads", "inventory", "health"})
#: Pages of other rooms that do as well; with nothing they are compared with.
PERIOD_PAGES = frozenset({"feeds:reconciliation", "feeds:reconciliation-check"})
SCOPE_ROOMS = PERIOD_ROOMS | {"alerts", "summaries", "feeds"}


@dataclass(frozen=True, slots=True)
class Room:
    name: str
    url: str
    icon: str
    word: str
    major: bool
    current: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor; costs nothing on pages that never draw the frame."""
    user = getattr(request, "user", None)
    theme = getattr(user, "theme", "") or request.COOKIES.get("theme", "")
    here = request.resolver_match.namespaces[0] if request.resolver_match and request.resolver_match.namespaces else ""
    page = request.resolver_match.view_name if request.resolver_match else ""

    def state() -> PageState | None:
        if user is None or not user.is_authenticated:
            return None
        try:
            return PageState.from_request(request)
        except Http404:
            return None

    lazy_state = SimpleLazyObject(state)

    def rooms() -> list[Room]:
        carried = lazy_state.carried() if lazy_state else ""
        found = []
        for namespace, name, icon, word, major, carries in ROOMS:
            try:
                url = reverse(name)
            except NoReverseMatch:
                continue
            at_home = "settings" if here in SETTINGS and page != HELP else here
            current = page == HELP if name == HELP else namespace == at_home
            found.append(Room(namespace, url + (carried if carries else ""), icon, str(word), major, current))
        return found

    return {
        "frame": {
            "rooms": SimpleLazyObject(rooms),
            "state": lazy_state,
            "theme": theme if theme in {"light", "dark"} else "",
            "language": get_language() or settings.LANGUAGE_CODE,
            "languages": (("en", "EN", "English"), ("zh-hans", "中", "简体中文")),
            "has_period": here in PERIOD_ROOMS or page in PERIOD_PAGES,
            "has_comparison": here in PERIOD_ROOMS,
            "has_scope": here in SCOPE_ROOMS or page == HELP,
            "periods": PERIODS,
            "comparisons": COMPARISONS,
        }
    }
