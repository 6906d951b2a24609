"""Where at Amazon a set of credentials is known: the region, the advertising profile.

Amazon answers a call in the wrong region, one without a role and one whose authorisation is gone with
the same 403. They are told apart by asking the regions: whichever accepts the credentials is theirs.
"""

from __future__ import annotations

from enum import Enum

from opsboard.accounts.models import AccountMarketplace, SellerAccount

from . import ads_api, hosts, sp_api
from .errors import AmazonError, AuthRefused


class Place(Enum):
    HERE = "here"
    ELSEWHERE = "elsewhere"
    OTHER_PROFILE = "other_profile"
    UNKNOWN = "unknown"


def place_of(scope: AccountMarketplace, api: str) -> Place:
    """Where a scope's refused credentials are known; UNKNOWN when that cannot be found out now."""
    if api == "ads":
        return _profile_of(scope)
    try:
        sp_api.participations(scope.account)
        return Place.HERE
    except AuthRefused:
        return Place.ELSEWHERE if sp_region(scope.account) else Place.UNKNOWN
    except AmazonError:
        return Place.UNKNOWN


def _profile_of(scope: AccountMarketplace) -> Place:
    try:
        known = {profile.id for profile in ads_api.profiles(scope.account)}
    except AmazonError:
        return Place.UNKNOWN
    if scope.ads_profile_id in known:
        return Place.HERE
    return Place.ELSEWHERE if not known and ads_region(scope.account) else Place.OTHER_PROFILE


def sp_region(account: SellerAccount) -> str:
    """The other region that knows the seller; "" when none does, or none can be asked now."""
    for region in _others(account):
        try:
            sp_api.participations(account, region)
            return region
        except AmazonError:
            continue
    return ""


def ads_region(account: SellerAccount) -> str:
    """The other region with advertising profiles of these credentials; "" when there is none."""
    for region in _others(account):
        try:
            if ads_api.profiles(account, region):
                return region
        except AmazonError:
            continue
    return ""


def _others(account: SellerAccount) -> list[str]:
    return [region for region in hosts.REGIONS if region != account.region and hosts.differs(region, account.region)]
