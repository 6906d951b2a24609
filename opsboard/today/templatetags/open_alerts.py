"""How many alerts are open, for the rail."""

from __future__ import annotations

from django import template

from opsboard.alerts.models import Episode

register = template.Library()


@register.simple_tag(takes_context=True)
def open_alerts(context: template.Context) -> int:
    """Open (not acknowledged, not resolved) episodes the user may see, whatever the page is about."""
    state = context["frame"]["state"]
    if not state or not state.every_scope:
        return 0
    pairs = {(scope.account_id, scope.marketplace_id) for scope in state.every_scope}
    found = Episode.objects.filter(
        state=Episode.State.OPEN, account_id__in={account for account, _m in pairs}
    ).values_list("account_id", "marketplace_id")
    return sum(pair in pairs for pair in found)
