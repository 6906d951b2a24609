"""Seller accounts: adding them, their marketplaces, and their sealed credentials."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from .. import audit, connections, sealing
from ..access import account_or_404, has_role, memberships, require_role
from ..forms import AccountForm, CredentialForm, NewAccountForm
from ..models import Credential, Role, SellerAccount
from ._person import person


def index(request: HttpRequest) -> HttpResponse:
    accounts = (
        SellerAccount.objects.visible_to(request.user)
        .select_related("organisation")
        .prefetch_related("scopes__marketplace", "credentials")
        .order_by("organisation__name", "name")
    )
    owns = any(m.at_least(Role.OWNER) for m in memberships(request.user))
    return render(request, "settings/accounts.html", {"accounts": accounts, "owns": owns})


def new(request: HttpRequest) -> HttpResponse:
    organisations = [m.organisation for m in memberships(request.user) if m.at_least(Role.OWNER)]
    if not organisations:
        raise PermissionDenied(_("Only an owner can add a seller account."))
    form = NewAccountForm(request.POST or None, organisations=organisations)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            account = form.save()
            audit.record(account.organisation, person(request), "account.created", account, after=_shown(account))
        messages.success(request, _("The account is added. Connect it to Amazon next, or upload files."))
        return redirect("settings:account", pk=account.pk)
    return render(request, "settings/account_new.html", {"form": form}, status=422 if form.errors else 200)


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """An account as every member may read it; an owner also changes it."""
    account = account_or_404(request.user, pk)
    owns = has_role(request.user, account.organisation_id, Role.OWNER)
    if request.method == "POST":
        require_role(request.user, account.organisation_id, Role.OWNER)
    before = _shown(account)
    form = AccountForm(request.POST or None, instance=account)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            audit.record(
                account.organisation, person(request), "account.changed", account, before=before, after=_shown(account)
            )
        messages.success(request, _("The account is saved."))
        return redirect("settings:account", pk=pk)
    stored = {row.kind: row for row in account.credentials.all()}
    connections_shown = [
        (kind, stored.get(kind.value), connections.tester_for(kind.value) is not None) for kind in Credential.Kind
    ]
    context = {"account": account, "form": form, "owns": owns, "connections": connections_shown}
    return render(request, "settings/account.html", context, status=422 if form.errors else 200)


def _owned(request: HttpRequest, pk: int, kind: str) -> tuple[SellerAccount, Credential.Kind]:
    account = account_or_404(request.user, pk)
    require_role(request.user, account.organisation_id, Role.OWNER)
    if kind not in Credential.Kind.values:
        raise Http404(_("There is no such connection."))
    return account, Credential.Kind(kind)


@sensitive_post_parameters()
@sensitive_variables("form")
def credentials(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Enter or replace credentials. What is stored is never shown again, not even to its owner."""
    account, which = _owned(request, pk, kind)
    form = CredentialForm(request.POST or None, kind=which)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = sealing.store(account, which.value, form.cleaned_data)
                audit.record(
                    account.organisation,
                    person(request),
                    "credentials.stored",
                    account,
                    after={"kind": which.value, "key": row.key_id},
                )
        except sealing.SealError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The credentials are sealed and stored. The first reports are asked for soon."))
            return redirect("settings:credentials_test", pk=pk, kind=kind)
    context = {"account": account, "kind": which, "form": form}
    return render(request, f"settings/credentials_{which.value}.html", context, status=422 if form.errors else 200)


@require_POST
def remove_credentials(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    account, which = _owned(request, pk, kind)
    with transaction.atomic():
        gone, _by_model = account.credentials.filter(kind=which.value).delete()
        if gone:
            audit.record(
                account.organisation, person(request), "credentials.removed", account, before={"kind": which.value}
            )
    messages.success(request, _("The credentials are removed. Nothing more is fetched with them; data stays."))
    return redirect("settings:account", pk=pk)


def check_connection(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """What the last check found, step by step; POST checks now."""
    account, which = _owned(request, pk, kind)
    if connections.tester_for(which.value) is None:
        raise Http404
    if request.method == "POST":
        connections.check(account, which.value)
        return redirect("settings:credentials_test", pk=pk, kind=kind)
    context = {"account": account, "kind": which, "result": connections.last_check(account, which.value)}
    return render(request, "settings/connection.html", context)


def _shown(account: SellerAccount) -> dict[str, object]:
    """The account as the audit trail keeps it."""
    return {
        "name": account.name,
        "merchant_id": account.selling_partner_id,
        "active": account.active,
        "marketplaces": {
            s.marketplace.code: s.ads_profile_id
            for s in account.scopes.filter(active=True).select_related("marketplace")
        },
    }
