"""Limits per account, the typed-in IPI, and what every KPI means."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts import access
from opsboard.accounts.models import AccountMarketplace, Marketplace, Role, SellerAccount
from opsboard.feeds import dispatch

from . import cards
from .forms import ManualForm, ThresholdForm
from .limits import in_force
from .models import ManualValue, ThresholdOverride, Verdict
from .registry import Kpi, Limit, kpis, measures

IPI = "inventory.ipi"


@dataclass(frozen=True, slots=True)
class LimitRow:
    kpi: Kpi
    limit: str
    source: str
    own: bool
    editable: bool


def _limit_words(kpi: Kpi, low: Decimal | None, high: Decimal | None, marketplace: Marketplace) -> str:
    parts = []
    if low is not None:
        parts.append(_("at least %(value)s") % {"value": cards.in_words(low, kpi.unit, marketplace)})
    if high is not None:
        parts.append(_("at most %(value)s") % {"value": cards.in_words(high, kpi.unit, marketplace)})
    return ", ".join(parts) or _("none")


def thresholds(request: HttpRequest) -> HttpResponse:
    """Every KPI with the limit it is held against, account by account and marketplace by marketplace."""
    sections = []
    for scope in access.visible_scopes(request.user):
        overrides = list(ThresholdOverride.objects.filter(account=scope.account_id))
        verdicts = {v.kpi: v for v in Verdict.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id)}
        may = access.has_role(request.user, scope.account.organisation, Role.MANAGER)
        today = scope.marketplace.today()
        rows = []
        for kpi in kpis().values():
            limit = in_force(kpi, scope.marketplace, today, overrides)
            verdict = verdicts.get(kpi.key)
            if verdict is not None and kpi.target and verdict.limit_source:
                words, source = _limit_words(kpi, verdict.low, verdict.high, scope.marketplace), verdict.limit_source
            elif limit is None:
                words, source = _("none"), ""
            else:
                words, source = _limit_words(kpi, limit.low, limit.high, scope.marketplace), limit.source
            own = any(o.kpi == kpi.key and o.valid_from <= today and o.marketplace_id in {None, scope.marketplace_id} for o in overrides)
            rows.append(LimitRow(kpi, words, source, own, may))
        sections.append((scope, rows))
    return render(request, "kpis/thresholds.html", {"sections": sections})


def threshold(request: HttpRequest, account: int, kpi: str) -> HttpResponse:
    """The limits an account has had for one KPI, and a form for the next."""
    found, declared = _account_and_kpi(request, account, kpi)
    may = access.has_role(request.user, found.organisation, Role.MANAGER)
    form = ThresholdForm(request.POST or None, kpi=declared, account=found, initial={"valid_from": timezone.localdate()})
    if request.method == "POST":
        access.require_role(request.user, found.organisation, Role.MANAGER)
        if form.is_valid():
            form.save(request.user)
            _judge_again(found)
            messages.success(request, _("The limit is set; figures are judged by it from its day on."))
            return redirect("kpis:threshold", found.pk, declared.key)
    marketplace = found.marketplaces.order_by("code").first()
    if marketplace is None:
        raise Http404(_("This account sells in no marketplace yet."))
    history = [
        (item, _limit_words(declared, item.low, item.high, marketplace))
        for item in ThresholdOverride.objects.filter(account=found, kpi=declared.key).select_related("marketplace", "set_by")
    ]
    defaults: list[tuple[Limit, str]] = [
        (limit, _limit_words(declared, limit.low, limit.high, marketplace)) for limit in declared.limits
    ]
    context = {"account": found, "kpi": declared, "form": form if may else None, "history": history, "defaults": defaults}
    return render(request, "kpis/threshold.html", context)


def _account_and_kpi(request: HttpRequest, account: int, kpi: str) -> tuple[SellerAccount, Kpi]:
    found = access.visible_accounts(request.user).filter(pk=account).first()
    if found is None or kpi not in kpis():
        raise Http404(_("There is no such limit."))
    return found, kpis()[kpi]


def _judge_again(account: SellerAccount) -> None:
    scopes = AccountMarketplace.objects.filter(account=account, active=True)
    Verdict.objects.filter(account=account).update(judged_on=None)  # the tick finds these if the hint is lost
    for marketplace_id in scopes.values_list("marketplace_id", flat=True):
        dispatch.hint("opsboard.kpis.judge", (account.pk, marketplace_id))


def manual(request: HttpRequest) -> HttpResponse:
    """The IPI score, typed in weekly: no Amazon API gives it."""
    scopes = access.visible_scopes(request.user)
    writable = [s.pk for s in scopes if access.has_role(request.user, s.account.organisation, Role.OPERATOR)]
    form = ManualForm(
        request.POST or None, scopes=scopes.filter(pk__in=writable), initial={"date": timezone.localdate()}
    )
    if request.method == "POST" and form.is_valid():
        scope: AccountMarketplace = form.cleaned_data["scope"]
        ManualValue.objects.update_or_create(
            account=scope.account,
            marketplace=scope.marketplace,
            measure=IPI,
            date=form.cleaned_data["date"],
            defaults={"value": form.cleaned_data["value"], "entered_by": request.user, "entered_at": timezone.now()},
        )
        _judge_again(scope.account)
        messages.success(request, _("The score is kept."))
        return redirect("kpis:manual")
    pairs = {(s.account_id, s.marketplace_id) for s in scopes}
    values = ManualValue.objects.filter(measure=IPI, account__in={a for a, _m in pairs}).select_related(
        "account", "marketplace", "entered_by"
    )
    kept = [item for item in values.order_by("-date", "account__name")[:100] if (item.account_id, item.marketplace_id) in pairs]
    return render(request, "kpis/manual.html", {"form": form if writable else None, "values": kept})


def catalogue(request: HttpRequest) -> HttpResponse:
    """Every KPI: what it means, its formula, window, limit and where Amazon shows it."""
    known = measures()
    rows = []
    for kpi in kpis().values():
        used = [known[name] for name in (kpi.numerator, kpi.denominator) if name]
        rows.append((kpi, used, max(measure.mature_days for measure in used), [limit for limit in kpi.limits]))
    return render(request, "kpis/help.html", {"rows": rows})
