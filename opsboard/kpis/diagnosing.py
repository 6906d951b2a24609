"""The page of a diagnosis: of any KPI as it stands, breached or not, and of a situation a shop is in."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import freshness
from opsboard.ui.filters import PageState
from opsboard.ui.pages import one_scope_or_404

from . import diagnosis, figures, trends
from .diagnosis import Diagnosis
from .models import Verdict
from .playbook import playbooks, situations
from .registry import kpis


def kpi(request: HttpRequest, kpi: str) -> HttpResponse:
    """Why a KPI is what it is."""
    state, scope = one_scope_or_404(request)
    declared = kpis().get(kpi)
    if declared is None or kpi not in playbooks():
        raise Http404(_("There are no steps for this figure."))
    found = diagnosis.now(declared, scope)
    verdict = Verdict.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, kpi=kpi).first()
    context = {
        "chart": trends.chart(kpi, scope, state),
        "label": declared.label,
        "value": figures.in_words(verdict.value, declared.unit, scope.marketplace) if verdict else "",
        "verdict": verdict,
        "word": figures.status_words(verdict) if verdict else "",
        "limit": figures.limit_words(verdict, declared, scope.marketplace) if verdict else "",
    }
    return _page(request, state, scope, found, context)


def situation(request: HttpRequest, situation: str) -> HttpResponse:
    """The steps of a situation, whether the shop is in it now or not."""
    state, scope = one_scope_or_404(request)
    declared = situations().get(situation)
    if declared is None:
        raise Http404(_("There are no steps for this."))
    words = declared.detect([scope]).get(scope.pk) or _(
        "This shop is not in this situation now; the steps can be taken all the same."
    )
    return _page(request, state, scope, diagnosis.of_situation(declared, scope), {"said": words})


def _page(
    request: HttpRequest,
    state: PageState,
    scope: AccountMarketplace,
    found: Diagnosis | None,
    context: Mapping[str, object],
) -> HttpResponse:
    common = {"page_scope": scope, "scope": scope, "diagnosis": found, "fresh": freshness.sentence([scope])}
    return render(request, "kpis/diagnose.html", {**common, **context})
