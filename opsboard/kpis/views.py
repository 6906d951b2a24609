"""Limits per account, the typed-in IPI, and what every KPI means."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts import access, audit
from opsboard.accounts.models import AccountMarketplace, Role, SellerAccount, User
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import again, catalogue, figures, vintages
from .forms import ManualForm, ThresholdForm
from .limits import in_force
from .models import ManualValue, ThresholdOverride, Verdict
from .registry import Kpi, kpis
from .words import AMAZON_TARGET, OWN_LIMIT, source_words

IPI = "inventory.ipi"


@dataclass(frozen=True, slots=True)
class LimitRow:
    kpi: Kpi
    limit: str
    source: str
    own: bool


def thresholds(request: HttpRequest) -> HttpResponse:
    """Every KPI with the limit it is held against, account by account and marketplace by marketplace."""
    sections = [
        (scope, _limit_rows(scope), access.has_role(request.user, scope.account.organisation, Role.MANAGER))
        for scope in access.visible_scopes(request.user)
    ]
    return render(request, "kpis/thresholds.html", {"sections": sections})


def _limit_rows(scope: AccountMarketplace) -> list[LimitRow]:
    marketplace, today = scope.marketplace, scope.marketplace.today()
    overrides = list(ThresholdOverride.objects.filter(account=scope.account_id))
    verdicts = {v.kpi: v for v in Verdict.objects.filter(account=scope.account_id, marketplace=marketplace)}
    rows = []
    for kpi in kpis().values():
        limit = in_force(kpi, marketplace, today, overrides)
        own = limit is not None and limit.source == OWN_LIMIT
        verdict = verdicts.get(kpi.key)
        if not own and verdict is not None and verdict.limit_source == AMAZON_TARGET:
            words, source = figures.limit_words(verdict, kpi, marketplace), verdict.limit_source
        else:
            words, source = (figures.limit_words(limit, kpi, marketplace), limit.source) if limit else (_("none"), "")
        rows.append(LimitRow(kpi, words, source_words(source), own))
    return rows


def threshold(request: HttpRequest, account: int, kpi: str) -> HttpResponse:
    """The limits an account has had for one KPI, and a form for the next."""
    found, declared = _account_and_kpi(request, account, kpi)
    may = access.has_role(request.user, found.organisation, Role.MANAGER)
    marketplace = found.marketplaces.order_by("code").first()
    if marketplace is None:
        raise Http404(_("This account sells in no marketplace yet."))
    form = ThresholdForm(request.POST or None, kpi=declared, account=found, initial={"valid_from": marketplace.today()})
    if request.method == "POST":
        access.require_role(request.user, found.organisation, Role.MANAGER)
        if form.is_valid():
            assert isinstance(request.user, User)
            _set_limit(form, request.user)
            messages.success(request, _("The limit is set; figures are judged by it from its day on."))
            return redirect("kpis:threshold", found.pk, declared.key)
    kept = ThresholdOverride.objects.filter(account=found, kpi=declared.key).select_related("marketplace", "set_by")
    context = {
        "account": found,
        "kpi": declared,
        "form": form if may else None,
        "history": [(item, figures.limit_words(item, declared, item.marketplace or marketplace)) for item in kept],
        "defaults": [
            (limit, figures.limit_words(limit, declared, marketplace), source_words(limit.source))
            for limit in declared.limits
        ],
    }
    return render(request, "kpis/threshold.html", context)


@transaction.atomic
def _set_limit(form: ThresholdForm, user: User) -> None:
    item = form.save(user)
    audit.record(
        form.account.organisation,
        user,
        "limit.set",
        f"{form.account.name}: {form.kpi.key}",
        after={
            "marketplace": item.marketplace.code if item.marketplace else "",
            "low": str(item.low) if item.low is not None else "",
            "high": str(item.high) if item.high is not None else "",
            "valid_from": item.valid_from.isoformat(),
            "note": item.note,
        },
    )
    again.judge_again(form.account)


def _account_and_kpi(request: HttpRequest, account: int, kpi: str) -> tuple[SellerAccount, Kpi]:
    found = access.visible_accounts(request.user).filter(pk=account).first()
    if found is None or kpi not in kpis():
        raise Http404(_("There is no such limit."))
    return found, kpis()[kpi]


def manual(request: HttpRequest) -> HttpResponse:
    """The IPI score, typed in weekly: no Amazon API gives it."""
    scopes = access.visible_scopes(request.user)
    writable = [s.pk for s in scopes if access.has_role(request.user, s.account.organisation, Role.OPERATOR)]
    form = ManualForm(
        request.POST or None, scopes=scopes.filter(pk__in=writable), initial={"date": timezone.localdate()}
    )
    if request.method == "POST" and not writable:
        raise PermissionDenied(_("Your role does not allow this. Ask an owner of your organisation."))
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        _keep_score(form, request.user)
        messages.success(request, _("The score is kept."))
        return redirect("kpis:manual")
    pairs = {(s.account_id, s.marketplace_id) for s in scopes}
    values = ManualValue.objects.filter(measure=IPI, account__in={a for a, _m in pairs})
    newest = values.select_related("account", "marketplace", "entered_by").order_by("-date", "account__name")[:100]
    kept = [item for item in newest if (item.account_id, item.marketplace_id) in pairs]
    return render(request, "kpis/manual.html", {"form": form if writable else None, "values": kept})


@transaction.atomic
def _keep_score(form: ManualForm, user: User) -> None:
    scope: AccountMarketplace = form.cleaned_data["scope"]
    item, _new = ManualValue.objects.update_or_create(
        account=scope.account,
        marketplace=scope.marketplace,
        measure=IPI,
        date=form.cleaned_data["date"],
        defaults={"value": form.cleaned_data["value"], "entered_by": user, "entered_at": timezone.now()},
    )
    vintages.typed(item)
    again.judge_again(scope.account)


def help_page(request: HttpRequest) -> HttpResponse:
    """Every KPI: its contract, and the limits of one scope with their history."""
    state = PageState.from_request(request)
    if state.one is None:
        return no_account(request)
    search = request.GET.get("q", "")[:100]
    shelves = catalogue.shelves(state.one, search)
    context = {
        "page_scope": state.one,
        "shelves": shelves,
        "found": sum(len(shelf.entries) for shelf in shelves),
        "search": search,
    }
    return render(request, "kpis/help.html", context)
