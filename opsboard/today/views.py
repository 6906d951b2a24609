"""Today: what changed, what is over the line, what to do first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from opsboard.accounts.access import memberships
from opsboard.accounts.models import Role
from opsboard.kpis import cards, diagnosis
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import board


def today(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    if not state.scopes:
        return no_account(request)
    verdicts = cards.verdicts(state.scopes)
    roles = {m.organisation_id: m.at_least(Role.OPERATOR) for m in memberships(request.user)}
    rows = board.breaches(state.scopes, state, verdicts, lambda scope: roles.get(scope.account.organisation_id, False))
    context = {
        "finding": board.finding(rows, bool(verdicts)),
        "breaches": rows,
        "tiles": board.worst_tiles(state.scopes, state, verdicts),
        "sides": board.side_by_side(state.scopes, state, verdicts),
        "side_headers": board.side_headers(),
        "gaps": board.gaps(state.scopes, state),
        "spotted": diagnosis.spotted(state.scopes),
        "judged": bool(verdicts),
    }
    return render(request, "today/today.html", context)
