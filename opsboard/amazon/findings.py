"""What checking a connection can find, each with what it means and what to do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.accounts.connections import Finding, Found

_SIGN_IN, _REGION, _MARKETS = _("Signing in"), _("Region"), _("Marketplaces")
_REPORTS, _ADS, _PROFILE = _("Asking for reports"), _("Advertising access"), _("Profile of %(marketplace)s")
_ROLE = _("Role: %(role)s")
_FAIL, _PASS, _UNKNOWN = Found.FAIL, Found.PASS, Found.UNKNOWN
_LATER = _("Check again in a while.")

FINDINGS: dict[str, Finding] = {
    "sign_in.ok": Finding(_SIGN_IN, _PASS, _("Amazon accepts client id, client secret and refresh token.")),
    "sign_in.wrong_secret": Finding(
        _SIGN_IN,
        _FAIL,
        _("Amazon does not accept the client id and secret. Secrets end after 180 days."),
        _("Make a new secret in the developer console, and enter client id and secret anew."),
    ),
    "sign_in.revoked": Finding(
        _SIGN_IN,
        _FAIL,
        _("Amazon accepts the application but not the refresh token: taken back by the seller, run out, or mistyped."),
        _("Authorise the application again and enter the new refresh token."),
    ),
    "sign_in.refused": Finding(
        _SIGN_IN,
        _FAIL,
        _("Amazon refuses to sign in: %(why)s"),
        _("Enter client id, client secret and refresh token anew."),
    ),
    "sign_in.missing": Finding(
        _SIGN_IN, _FAIL, _("No credentials that open are stored here."), _("Enter the credentials.")
    ),
    "sign_in.unknown": Finding(_SIGN_IN, _UNKNOWN, "%(why)s", _LATER),
    "sign_in.token_refused": Finding(
        _SIGN_IN,
        _FAIL,
        _("Amazon gives an access token and then refuses it."),
        _("Check again in an hour. If it stays so, authorise the application again."),
    ),
    "region.ok": Finding(_REGION, _PASS, _("Amazon knows this seller in the region of the account: %(region)s.")),
    "region.elsewhere": Finding(
        _REGION,
        _FAIL,
        _("These credentials belong to the region %(there)s; the account is set up in %(region)s."),
        _("Add the account again under %(there)s and enter the credentials there."),
    ),
    "region.denied": Finding(
        _REGION,
        _FAIL,
        _("Amazon denies access to this seller in every region that could be asked."),
        _(
            "See in Seller Central, Apps and Services, Manage Your Apps, whether the application is still authorised, "
            "and whether it has the role Selling Partner Insights. Then authorise it again."
        ),
    ),
    "region.unknown": Finding(_REGION, _UNKNOWN, "%(why)s", _LATER),
    "marketplaces.ok": Finding(_MARKETS, _PASS, _("The seller sells in every marketplace chosen here: %(names)s.")),
    "marketplaces.missing": Finding(
        _MARKETS,
        _FAIL,
        _("The seller does not sell in: %(names)s. Amazon knows it in: %(known)s."),
        _("Untick these marketplaces in the account's settings, or check that it is the right seller."),
    ),
    "marketplaces.suspended": Finding(
        _MARKETS,
        _FAIL,
        _("Amazon has suspended listings of this seller in: %(names)s."),
        _("Look at Account Health in Seller Central. Reports may come all the same."),
    ),
    "marketplaces.none": Finding(
        _MARKETS, _FAIL, _("No marketplace is chosen here."), _("Tick the marketplaces in the account's settings.")
    ),
    "marketplaces.unknown": Finding(_MARKETS, _UNKNOWN, "%(why)s", _LATER),
    "role.ok": Finding(_ROLE, _PASS, _("Amazon shows the application reports of this role.")),
    "role.missing": Finding(
        _ROLE,
        _FAIL,
        _("Amazon denies the reports of this role (asked for: %(report)s)."),
        _("Add the role to the application in the developer console, authorise it again, enter the new refresh token."),
    ),
    "role.unknown": Finding(_ROLE, _UNKNOWN, "%(why)s", _LATER),
    "reports.ok": Finding(_REPORTS, _PASS, _("Amazon took the request for a report (account health).")),
    "reports.made": Finding(_REPORTS, _PASS, _("Amazon took a request for a report at %(time)s UTC.")),
    "reports.denied": Finding(
        _REPORTS,
        _FAIL,
        _("Amazon lists reports and refuses to make one: %(why)s"),
        _("Check the roles of the application, authorise it again, and enter the new refresh token."),
    ),
    "reports.unknown": Finding(_REPORTS, _UNKNOWN, "%(why)s", _LATER),
    "ads.ok": Finding(_ADS, _PASS, _("Amazon lists %(count)d advertising profiles: %(known)s.")),
    "ads.none": Finding(
        _ADS,
        _FAIL,
        _("These credentials open no advertising profile in the region %(region)s."),
        _("Authorise the application as a user of the advertising account, and see whether it advertises there."),
    ),
    "ads.denied": Finding(
        _ADS,
        _FAIL,
        _("Amazon denies the Ads API to this application."),
        _("Apply for access to the Amazon Ads API with this application, then authorise it again."),
    ),
    "ads.unknown": Finding(_ADS, _UNKNOWN, "%(why)s", _LATER),
    "profile.ok": Finding(_PROFILE, _PASS, _("%(profile)s is %(name)s, %(country)s, %(currency)s.")),
    "profile.stranger": Finding(
        _PROFILE,
        _FAIL,
        _("%(profile)s is not among the profiles of these credentials. Those are: %(known)s."),
        _("Enter one of them in the account's settings."),
    ),
    "profile.country": Finding(
        _PROFILE,
        _FAIL,
        _("%(profile)s is a profile of %(country)s (%(currency)s), not of this marketplace."),
        _("Enter the profile of this marketplace in the account's settings. Amazon's profiles: %(known)s."),
    ),
    "profile.missing": Finding(
        _PROFILE,
        _UNKNOWN,
        _("No profile id is entered, so no advertising report is asked for. Amazon's profiles: %(known)s."),
        _("Enter the profile id in the account's settings if you advertise there."),
    ),
    "profile.unknown": Finding(_PROFILE, _UNKNOWN, "%(why)s", _LATER),
}

_SKIPPED = _("Not asked: a step before it has to be fixed first.")
for _name, _title in (
    ("region", _REGION),
    ("marketplaces", _MARKETS),
    ("reports", _REPORTS),
    ("ads", _ADS),
    ("profile", _PROFILE),
):
    FINDINGS[f"{_name}.skipped"] = Finding(_title, _UNKNOWN, _SKIPPED)
