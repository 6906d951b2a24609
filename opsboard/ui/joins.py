"""Putting sentences and their parts together as the reader's language does: Chinese has marks of its own."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _


def listed(parts: Iterable[object]) -> str:
    """ "3 new days, 1 restated"; empty parts are left out."""
    return comma().join(str(part) for part in parts if part)


def clauses(parts: Iterable[object]) -> str:
    """ "3 new days; rows: 120 new"; empty parts are left out."""
    return _("; ").join(str(part) for part in parts if part)


def sentences(*parts: object) -> str:
    """One sentence after the other; empty ones are left out."""
    return gap().join(str(part) for part in parts if part)


def headed(what: object, more: object) -> str:
    """ "ACoS 41.3 % over 25 %: Demo US"."""
    return _("%(what)s: %(more)s") % {"what": what, "more": more}


def aside(what: object, more: object) -> str:
    """ "at most 25.0 % (Operators' handbook)"; without the brackets where nothing would stand in them."""
    return _("%(what)s (%(more)s)") % {"what": what, "more": more} if more else str(what)


def comma() -> str:
    """What stands between two parts of a sentence."""
    return _(", ")


def gap() -> str:
    """What stands between two sentences."""
    return _("%(sentence)s %(next)s") % {"sentence": "", "next": ""}
