"""The freshness sentence of the context bar."""

from __future__ import annotations

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from opsboard.feeds import freshness

register = template.Library()


@register.simple_tag(takes_context=True)
def freshness_sentence(context: template.Context) -> SafeString | str:
    """What the page's scopes are covered up to, linked to the Data page."""
    state = context["frame"]["state"]
    if not state:
        return ""
    chosen = context.get("page_scope")
    text = freshness.sentence([chosen] if chosen else state.scopes)
    try:
        return format_html('<a href="{}">{}</a>', reverse("feeds:index") + state.carried(), text)
    except NoReverseMatch:
        return text
