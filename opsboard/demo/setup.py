"""The demo organisation: a login, three seller accounts with the simulator's credentials, IPI scores."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from opsboard.accounts import sealing
from opsboard.accounts.models import (
    AccountMarketplace,
    Credential,
    Marketplace,
    Membership,
    Organisation,
    Role,
    SellerAccount,
    User,
)
from opsboard.feeds import backfill
from opsboard.kpis.models import ManualValue
from opsboard.simulator import ACCOUNTS, DEMO_CREDENTIALS

from . import EMAIL

NAMES = {"NA": "Northwind US", "EU": "Northwind Europe", "FE": "Northwind Japan"}
#: What somebody typed in, week by week, the newest last.
IPI = {"NA": (488, 493, 501, 507, 512), "EU": (471, 468, 470, 466, 465), "FE": (462, 455, 447, 436, 428)}


@transaction.atomic
def create(password: str) -> list[AccountMarketplace]:
    """Create or complete the demo organisation; running it again changes nothing that is there."""
    organisation, _new = Organisation.objects.get_or_create(slug="northwind-home", defaults={"name": "Northwind Home"})
    user = User.objects.filter(email=EMAIL).first() or User.objects.create_user(EMAIL, password, name="Demo operator")
    Membership.objects.get_or_create(user=user, organisation=organisation, defaults={"role": Role.OWNER})
    scopes = []
    for key, simulated in ACCOUNTS.items():
        known = DEMO_CREDENTIALS[key]
        account, _new = SellerAccount.objects.get_or_create(
            organisation=organisation,
            name=NAMES[key],
            defaults={"region": key, "selling_partner_id": simulated.selling_partner_id},
        )
        secrets = {name: str(known[name]) for name in ("client_id", "client_secret", "refresh_token")}
        for kind in (Credential.Kind.SP_API, Credential.Kind.ADS):
            if not Credential.objects.filter(account=account, kind=kind).exists():
                sealing.store(account, kind, secrets)
        marketplace = Marketplace.objects.get(code=simulated.marketplace)
        scope, _new = AccountMarketplace.objects.get_or_create(
            account=account, marketplace=marketplace, defaults={"ads_profile_id": str(simulated.profile_id)}
        )
        _type_in_ipi(key, scope, user)
        scopes.append(scope)
    return scopes


def _type_in_ipi(key: str, scope: AccountMarketplace, user: User) -> None:
    if ManualValue.objects.filter(account=scope.account, measure="inventory.ipi").exists():
        return
    today = scope.marketplace.today()
    monday = today - timedelta(days=today.weekday())
    for weeks, score in enumerate(reversed(IPI[key])):
        ManualValue.objects.create(
            account=scope.account,
            marketplace=scope.marketplace,
            measure="inventory.ipi",
            date=monday - timedelta(weeks=weeks),
            value=score,
            entered_by=user,
        )


def plan(scopes: list[AccountMarketplace], days: int) -> int:
    """Plan the demo's fetches, the newest 60 days of everything first; how many are new."""
    return sum(backfill.ensure(scope, days) for scope in scopes)
