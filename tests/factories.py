"""Small makers of rows for tests: each returns a saved object, every name is unique by default."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict

from django.contrib.auth.hashers import make_password

from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import (
    AccountMarketplace,
    Marketplace,
    Membership,
    Organisation,
    Role,
    SellerAccount,
    User,
)

PASSWORD = "correct horse battery staple"
_HASHED = ""
_numbers = itertools.count(1)


def make_marketplaces() -> None:
    """Amazon's marketplaces, which belong to the migrations: tests that commit leave empty tables behind."""
    if not Marketplace.objects.exists():  # with their numbers, or each try would use up some, and there are few
        Marketplace.objects.bulk_create(Marketplace(pk=pk, **asdict(fact)) for pk, fact in enumerate(MARKETPLACES, 1))


def make_org(name: str = "") -> Organisation:
    number = next(_numbers)
    return Organisation.objects.create(name=name or f"Organisation {number}", slug=f"org-{number}")


def make_user(
    organisation: Organisation | None = None, role: Role = Role.OWNER, email: str = "", **fields: object
) -> User:
    """A person who signs in with PASSWORD; a member of `organisation` when one is given."""
    global _HASHED
    _HASHED = _HASHED or make_password(PASSWORD)  # argon2 is slow on purpose; once is enough
    user = User.objects.create(email=email or f"person{next(_numbers)}@example.com", password=_HASHED, **fields)
    if organisation is not None:
        Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


def make_account(organisation: Organisation | None = None, name: str = "", region: str = "NA") -> SellerAccount:
    return SellerAccount.objects.create(
        organisation=organisation or make_org(), name=name or f"Account {next(_numbers)}", region=region
    )


def make_scope(account: SellerAccount | None = None, marketplace: str = "US", **fields: object) -> AccountMarketplace:
    """A marketplace of an account: the scope that facts, fetches and pages are keyed by."""
    shop = Marketplace.objects.get(code=marketplace)
    return AccountMarketplace.objects.create(
        account=account or make_account(region=shop.region), marketplace=shop, **fields
    )


def make_seller(
    marketplaces: Sequence[str] = ("US",), role: Role = Role.OWNER
) -> tuple[User, list[AccountMarketplace]]:
    """A whole tenant in one call: organisation, member, account, one scope a marketplace."""
    organisation = make_org()
    account = make_account(organisation, region=Marketplace.objects.get(code=marketplaces[0]).region)
    return make_user(organisation, role), [make_scope(account, code) for code in marketplaces]
