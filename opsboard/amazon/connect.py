"""The "try it" buttons of Settings: do these credentials work, and for what?"""

from __future__ import annotations

from django.utils.translation import gettext as _

from opsboard.accounts.connections import ConnectionResult
from opsboard.accounts.models import SellerAccount

from .ads_api import profiles
from .errors import AmazonError, Throttled
from .sp_api import participations


def try_sp_api(account: SellerAccount) -> ConnectionResult:
    """Ask where the seller takes part, and compare with the marketplaces chosen for the account."""
    try:
        found = participations(account)
    except AmazonError as error:
        return ConnectionResult(False, _said(error))
    open_ids = {part.marketplace_id for part in found if part.participates}
    chosen = [scope.marketplace for scope in account.scopes.filter(active=True).select_related("marketplace")]
    missing = [shop.name for shop in chosen if shop.amazon_id not in open_ids]
    if missing:
        message = _(
            "It works, but this seller does not sell in: %(names)s. Remove them, or check the account's region."
        )
        return ConnectionResult(False, message % {"names": ", ".join(missing)})
    return ConnectionResult(
        True, _("It works: Amazon knows this seller in %(count)d marketplaces.") % {"count": len(open_ids)}
    )


def try_ads(account: SellerAccount) -> ConnectionResult:
    """Ask for the advertising profiles, and compare with those entered for the account's marketplaces."""
    try:
        found = profiles(account)
    except AmazonError as error:
        return ConnectionResult(False, _said(error))
    known = {profile.id for profile in found}
    scopes = account.scopes.filter(active=True).exclude(ads_profile_id="").select_related("marketplace")
    strangers = [
        f"{scope.marketplace.code} {scope.ads_profile_id}" for scope in scopes if scope.ads_profile_id not in known
    ]
    listed = ", ".join(f"{profile.country} {profile.id}" for profile in found) or _("none")
    if strangers:
        message = _("It works, but these profile ids are not among its profiles: %(ids)s. Amazon knows: %(known)s.")
        return ConnectionResult(False, message % {"ids": ", ".join(strangers), "known": listed})
    return ConnectionResult(True, _("It works. Amazon's profiles: %(known)s.") % {"known": listed})


def _said(error: AmazonError) -> str:
    if isinstance(error, Throttled):
        return _("Amazon allows this question only so often; try again in %(seconds)d seconds.") % {
            "seconds": max(1, round(error.retry_after))
        }
    return str(error)
