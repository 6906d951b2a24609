"""What a person may see and do. Every page asks here; anything not visible answers 404."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from .models import AccountMarketplace, Membership, Organisation, Role, SellerAccount

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from .models import User

    Person: TypeAlias = User | AnonymousUser


def visible_accounts(user: Person) -> QuerySet[SellerAccount]:
    """The active seller accounts of the organisations the user belongs to, by name."""
    return SellerAccount.objects.visible_to(user).filter(active=True).select_related("organisation")


def visible_scopes(user: Person) -> QuerySet[AccountMarketplace]:
    """The active marketplaces of those accounts, with account and marketplace loaded."""
    scopes = AccountMarketplace.objects.select_related("account__organisation", "marketplace")
    return scopes.filter(active=True, account__in=visible_accounts(user).values("id"))


def scope_or_404(user: Person, scope_id: int | str | None) -> AccountMarketplace:
    """One visible scope by its id; a stranger's, an unknown and a malformed id all answer alike."""
    try:
        return visible_scopes(user).get(pk=int(scope_id or 0))
    except (AccountMarketplace.DoesNotExist, ValueError, OverflowError):
        raise Http404(_("There is no such account and marketplace.")) from None


def account_or_404(user: Person, account_id: int) -> SellerAccount:
    """One account of the user's organisations, paused ones too (Settings needs to reach them)."""
    account = SellerAccount.objects.visible_to(user).select_related("organisation").filter(pk=account_id).first()
    if account is None:
        raise Http404(_("There is no such account."))
    return account


def memberships(user: Person) -> QuerySet[Membership]:
    """The user's memberships, with their organisations, by name."""
    if not user.is_authenticated:
        return Membership.objects.none()
    return Membership.objects.filter(user=user).select_related("organisation").order_by("organisation__name", "id")


def membership(user: Person, organisation: Organisation | int) -> Membership | None:
    """The user's membership in an organisation, or None for a stranger."""
    return memberships(user).filter(organisation=organisation).first()


def require_role(user: Person, organisation: Organisation | int, role: Role) -> Membership:
    """The user's membership if it has at least `role`; 404 for strangers, 403 when the role is too low."""
    found = membership(user, organisation)
    if found is None:
        raise Http404(_("There is no such organisation."))
    if not found.at_least(role):
        raise PermissionDenied(_("Your role does not allow this. Ask an owner of your organisation."))
    return found


def has_role(user: Person, organisation: Organisation | int, role: Role) -> bool:
    """Whether the user is a member with at least `role`; for showing or hiding a button."""
    found = membership(user, organisation)
    return found is not None and found.at_least(role)
