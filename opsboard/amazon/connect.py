"""Checking a connection, step by step: is it accepted, where, for what, and can reports be asked for?

Every step ends in one finding (findings.py): passed, to be fixed, or not known. What could not be asked
is not known, never passed. It costs a handful of calls, and a report only when nobody asked for one today
(account health: without options, so that the next routine fetch takes it over).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.connections import Step
from opsboard.accounts.models import AccountMarketplace, Marketplace, SellerAccount

from . import ads_api, places, sp_api, tokens
from .credentials import ADS, SP_API, open_credentials
from .errors import AmazonError, AuthRefused, BadRequest, NoCredentials, Throttled
from .reports import Request

#: Role, by its name in Amazon's console -> a report that only it opens.
ROLES = {
    "Product Listing": "GET_MERCHANTS_LISTINGS_FYP_REPORT",
    "Amazon Fulfillment": "GET_FBA_INVENTORY_PLANNING_DATA",
    "Selling Partner Insights": "GET_V2_SELLER_PERFORMANCE_REPORT",
    "Inventory and Order Tracking": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
    "Brand Analytics": "GET_SALES_AND_TRAFFIC_REPORT",
    "Finance and Accounting": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
}
_CHEAP = "GET_V2_SELLER_PERFORMANCE_REPORT"
_LATELY = timedelta(hours=24)


def check_sp_api(account: SellerAccount) -> list[Step]:
    """Sign in, region, marketplaces, each role, and whether a report can be asked for."""
    signed_in = _sign_in(account, SP_API)
    if signed_in.code != "sign_in.ok":
        return [signed_in, *_not_asked(["region", "marketplaces", "reports"])]
    region, known = _region(account)
    if region.code == "sign_in.token_refused":
        return [region, *_not_asked(["region", "marketplaces", "reports"])]
    if region.code == "region.elsewhere":
        return [signed_in, region, *_not_asked(["marketplaces", "reports"])]
    roles, newest = _roles(account)
    denied = all(step.code == "role.missing" for step in roles)
    if region.code == "region.denied" and not denied:
        # Reports come, so the region is right; what is missing is the role that names the marketplaces.
        region = Step("region.ok", {"region": account.region})
        markets = Step("marketplaces.unknown", {"why": _("Amazon does not show the seller's marketplaces.")})
    else:
        markets = _marketplaces(account, known)
    reports = _not_asked(["reports"])[0] if denied else _reports(account, newest)
    return [signed_in, region, markets, *roles, reports]


def check_ads(account: SellerAccount) -> list[Step]:
    """Sign in, the profiles, and each marketplace's profile against them."""
    scopes = list(account.scopes.filter(active=True).select_related("marketplace"))
    titled = [("profile", {"marketplace": scope.marketplace.name}) for scope in scopes]
    signed_in = _sign_in(account, ADS)
    if signed_in.code != "sign_in.ok":
        return [signed_in, *_not_asked(["ads"]), *_not_asked(titled)]
    region = {"region": account.region}
    try:
        profiles = ads_api.profiles(account)
    except AuthRefused:
        return [signed_in, Step("ads.denied"), *_not_asked(titled)]
    except AmazonError as error:
        return [signed_in, Step("ads.unknown", {"why": _said(error)}), *_not_asked(titled)]
    if not profiles:
        there = places.ads_region(account)
        step = Step("region.elsewhere", {**region, "there": there}) if there else Step("ads.none", region)
        return [signed_in, step, *_not_asked(titled)]
    listed = ", ".join(f"{profile.country} {profile.id}" for profile in profiles)
    found = Step("ads.ok", {"count": len(profiles), "known": listed})
    return [signed_in, found, *(_profile(scope, profiles, listed) for scope in scopes)]


# --- steps ----------------------------------------------------------------------------------------

_BY_WORD = {
    "invalid_client": "wrong_secret",
    "unauthorized_client": "wrong_secret",
    "invalid_grant": "revoked",
}


def _sign_in(account: SellerAccount, kind: str) -> Step:
    """Amazon is asked now, whatever token is held."""
    try:
        tokens.prove(open_credentials(account, kind))
        return Step("sign_in.ok")
    except NoCredentials:
        return Step("sign_in.missing")
    except AuthRefused as error:
        why = error.detail or error.code
        return Step(f"sign_in.{_BY_WORD.get(error.code, 'refused')}", {"why": why})
    except AmazonError as error:
        return Step("sign_in.unknown", {"why": _said(error)})


def _region(account: SellerAccount) -> tuple[Step, list[sp_api.Participation] | None]:
    here = {"region": account.region}
    try:
        return Step("region.ok", here), sp_api.participations(account)
    except AuthRefused as error:
        if error.status == 401:
            return Step("sign_in.token_refused"), None
        if there := places.sp_region(account):
            return Step("region.elsewhere", {**here, "there": there}), None
        return Step("region.denied"), None
    except AmazonError as error:
        return Step("region.unknown", {"why": _said(error)}), None


def _marketplaces(account: SellerAccount, known: list[sp_api.Participation] | None) -> Step:
    if known is None:
        return _not_asked(["marketplaces"])[0]
    chosen = [scope.marketplace for scope in account.scopes.filter(active=True).select_related("marketplace")]
    by_id = {part.marketplace_id: part for part in known if part.participates}
    missing = [shop.name for shop in chosen if shop.amazon_id not in by_id]
    suspended = [shop.name for shop in chosen if shop.amazon_id in by_id and by_id[shop.amazon_id].suspended]
    if not chosen:
        return Step("marketplaces.none")
    if missing:
        codes = {shop.amazon_id: shop.code for shop in Marketplace.objects.filter(amazon_id__in=by_id)}
        listed = ", ".join(sorted(codes.get(one, one) for one in by_id)) or "–"
        return Step("marketplaces.missing", {"names": ", ".join(missing), "known": listed})
    if suspended:
        return Step("marketplaces.suspended", {"names": ", ".join(suspended)})
    return Step("marketplaces.ok", {"names": ", ".join(shop.name for shop in chosen)})


def _roles(account: SellerAccount) -> tuple[list[Step], datetime | None]:
    """A step for each role, and when the newest report of any was asked for.

    One question for all of them; only when that is denied is each asked for apart.
    """
    since = timezone.now() - _LATELY
    try:
        newest = sp_api.may_list(account, list(ROLES.values()), since)
        return [Step("role.ok", {"role": role}) for role in ROLES], newest
    except AuthRefused:
        pass
    except AmazonError as error:
        return [Step("role.unknown", {"role": role, "why": _said(error)}) for role in ROLES], None
    found: list[Step] = []
    times = []
    for role, report in ROLES.items():
        try:
            times.append(sp_api.may_list(account, [report], since))
            found.append(Step("role.ok", {"role": role}))
        except AuthRefused:
            found.append(Step("role.missing", {"role": role, "report": report}))
        except AmazonError as error:
            found.append(Step("role.unknown", {"role": role, "why": _said(error)}))
    return found, max(filter(None, times), default=None)


def _reports(account: SellerAccount, newest: datetime | None) -> Step:
    if newest is not None:
        return Step("reports.made", {"time": f"{newest:%Y-%m-%d %H:%M}"})
    scope = account.scopes.filter(active=True).select_related("marketplace", "account").first()
    if scope is None:
        return _not_asked(["reports"])[0]
    try:
        sp_api.SpReportService(scope, urgent=True).request(Request(_CHEAP, scope.marketplace.amazon_id))
        return Step("reports.ok")
    except (AuthRefused, BadRequest) as error:
        return Step("reports.denied", {"why": error.detail or "403"})
    except AmazonError as error:
        return Step("reports.unknown", {"why": _said(error)})


def _profile(scope: AccountMarketplace, profiles: list[ads_api.Profile], listed: str) -> Step:
    shop = scope.marketplace
    titled = {"marketplace": shop.name, "known": listed}
    if not scope.ads_profile_id:
        return Step("profile.missing", titled)
    profile = next((one for one in profiles if one.id == scope.ads_profile_id), None)
    if profile is None:
        return Step("profile.stranger", {**titled, "profile": scope.ads_profile_id})
    told = {
        **titled,
        "profile": profile.id,
        "name": profile.name or "–",
        "country": profile.country or "–",
        "currency": profile.currency or "–",
    }
    # Amazon's marketplace id decides where it is given; a country alone may be spelt in two ways (UK, GB).
    other = profile.marketplace_id and profile.marketplace_id != shop.amazon_id
    if other or (profile.currency and profile.currency != shop.currency):
        return Step("profile.country", told)
    return Step("profile.ok", told)


def _not_asked(names: list[str] | list[tuple[str, dict[str, str]]]) -> list[Step]:
    """Steps that make no sense before an earlier one is fixed."""
    pairs = ((name, {}) if isinstance(name, str) else name for name in names)
    return [Step(f"{name}.skipped", params) for name, params in pairs]


def _said(error: AmazonError) -> str:
    if isinstance(error, Throttled):
        return _("Amazon allows this question only so often; try again in %(seconds)d seconds.") % {
            "seconds": max(1, round(error.retry_after))
        }
    return str(error)
