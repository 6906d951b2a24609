"""Template tags all pages share: icons, status chips, figures, dates, addresses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Marketplace

from .. import formats, icons, joins
from ..filters import PageState

register = template.Library()

STATUS_WORDS = {
    "ok": _("within limit"),
    "warn": _("close to limit"),
    "breach": _("over the line"),
    "unknown": _("no data"),
    "provisional": _("provisional"),
    "no_limit": _("no limit set"),
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    return mark_safe(icons.svg(name, extra))


@register.simple_tag
def chip(status: str, word: str | Promise = "") -> SafeString:
    """Status as shape + word + colour; `word` replaces the usual one. A "plain" one is no status: a word in a frame."""
    if status == "plain":
        return format_html('<span class="chip chip--plain">{}</span>', str(word))
    status = status if status in STATUS_WORDS else "unknown"
    return format_html(
        '<span class="chip chip--{}">{}{}</span>', status, icon(status), str(word or STATUS_WORDS[status])
    )


@register.filter
def status_word(status: str) -> str:
    return str(STATUS_WORDS.get(status, status))


@register.filter
def status_icon(status: str) -> SafeString:
    return icon(status if status in STATUS_WORDS else "unknown")


@register.filter
def money(minor: int | Decimal | None, marketplace: Marketplace) -> str:
    return formats.money(minor, marketplace)


@register.filter
def count(value: int | Decimal | None) -> str:
    return formats.decimals(value)


@register.filter
def number(value: int | Decimal | None, digits: int = 1) -> str:
    return formats.decimals(value, digits)


@register.filter
def percent(value: Decimal | None, digits: int = 1) -> str:
    return formats.percent(value, digits)


@register.filter
def points(value: Decimal | None) -> str:
    return formats.points(value)


@register.filter
def day(value: date | None) -> str:
    return formats.day(value)


@register.filter
def weekday(value: date | None) -> str:
    return formats.weekday(value)


@register.filter
def instant(value: datetime | None, marketplace: Marketplace | None = None) -> str:
    return formats.instant(value, marketplace)


@register.filter
def ago(value: datetime | None) -> str:
    return formats.ago(value)


@register.simple_tag
def span(days: Any) -> str:
    """A span of days in words; nothing for None."""
    return formats.span(days.first, days.last) if days else ""


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: str | int | None) -> str:
    """The page's own address with some values changed; a trailing underscore escapes a keyword (from_)."""
    state = context["frame"]["state"]
    return state.query(**changes) if isinstance(state, PageState) or state else "?"


@register.simple_tag(takes_context=True)
def carried(context: template.Context) -> str:
    """Scope, period and comparison of this page, for a link to another."""
    state = context["frame"]["state"]
    return state.carried() if state else ""


@register.filter
def status_rank(status: str) -> int:
    return {"breach": 0, "warn": 1, "provisional": 2, "unknown": 3, "ok": 4}.get(status, 5)


@register.filter
def export_as(address: str, ending: str) -> str:
    """An export address ("/ads/export.{}?...") in one format."""
    return address.replace("{}", ending, 1)


@register.simple_tag
def gap() -> str:
    """What stands between two sentences of the reader's language."""
    return joins.gap()


@register.simple_tag
def comma() -> str:
    """What stands between two parts of a sentence."""
    return joins.comma()


@register.filter
def headed(what: object, more: object) -> str:
    """The two with a colon between them."""
    return joins.headed(what, more)


@register.filter
def aside(what: object, more: object) -> str:
    """The second in brackets behind the first."""
    return joins.aside(what, more)


@register.filter
def country(marketplace: Marketplace) -> str:
    """The marketplace's country in the reader's language; Amazon's own name where there is no such country."""
    return formats.country(marketplace)
