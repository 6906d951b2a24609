"""The packages everybody uses talk to the simulator as they talk to Amazon; only the endpoints differ."""

from __future__ import annotations

import os
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest

from opsboard.simulator import ACCOUNTS, Running
from tests.simulator.seller import ANCHOR, LISTINGS, PLANNING, STOCK, Seller, token_form

KEYS = sorted(ACCOUNTS)
YESTERDAY = ANCHOR - timedelta(days=1)


def test_the_selling_partner_package_works_against_it(quick: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """python-amazon-sp-api, as anybody would use it."""
    from sp_api.api import ListingsItems, Reports, Sellers
    from sp_api.auth import AccessTokenClient
    from sp_api.base import SellingApiException, SellingApiRequestThrottledException

    class LocalTokens(AccessTokenClient):  # type: ignore[misc]
        scheme, host, path = "http://", quick.url.removeprefix("http://"), "/auth/o2/token"

    forget_tokens(monkeypatch)
    for key in KEYS:
        seller = Seller(quick, key)
        form = token_form(key)
        options = {
            "marketplace": SimpleNamespace(
                endpoint=quick.url, marketplace_id=seller.account.marketplace_id, region="local"
            ),
            "credentials": {
                "refresh_token": form["refresh_token"],
                "lwa_app_id": form["client_id"],
                "lwa_client_secret": form["client_secret"],
            },
            "auth_token_client_class": LocalTokens,
            "timeout": 30,
        }
        reports = Reports(**options)
        for kind, expected in ((STOCK, "afn-fulfillable-quantity"), (LISTINGS, "seller-sku"), (PLANNING, "available")):
            made = reports.create_report(reportType=kind, marketplaceIds=[seller.account.marketplace_id])
            status = reports.get_report(made.payload["reportId"]).payload
            assert status["processingStatus"] == "DONE"
            found = reports.get_report_document(status["reportDocumentId"], download=True, timeout=30)
            lines = found.payload["document"].splitlines()
            assert expected in lines[0].split("\t") and len(lines) > 50
            assert any(quick.state.truth.skus(key)[0].title in line for line in lines), "decoded as declared"
        listed = reports.get_reports(reportTypes=[STOCK, LISTINGS, PLANNING], pageSize=2)
        assert len(listed.payload["reports"]) == 2
        rest = reports.get_reports(nextToken=listed.next_token)
        assert len(rest.payload["reports"]) == 1
        stores = Sellers(**options).get_marketplace_participation().payload
        assert stores[0]["marketplace"]["id"] == seller.account.marketplace_id
        sku = quick.state.truth.skus(key)[0].sku
        item = ListingsItems(**options).get_listings_item(
            seller.account.selling_partner_id, sku, includedData="summaries,issues"
        )
        assert item.payload["sku"] == sku
        with pytest.raises(SellingApiException) as missing:
            reports.get_report("1")
        assert missing.value.code == 404
        quick.state.faults.plan("throttle", operation="createReport")
        with pytest.raises(SellingApiRequestThrottledException) as throttled:
            reports.create_report(reportType=STOCK, marketplaceIds=[seller.account.marketplace_id])
        assert throttled.value.amzn_code == "QuotaExceeded"
        assert "x-amzn-RateLimit-Limit" in throttled.value.headers


def test_the_ads_package_works_against_it(quick: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """python-amazon-ad-api, as anybody would use it."""
    from ad_api.api import Profiles, Reports
    from ad_api.auth import AccessTokenClient
    from ad_api.base import AdvertisingApiException

    forget_tokens(monkeypatch)
    monkeypatch.setattr(AccessTokenClient, "scheme", "http://")
    monkeypatch.setattr(AccessTokenClient, "host", quick.url.removeprefix("http://"))
    for key in KEYS:
        seller = Seller(quick, key)
        form = token_form(key)
        options = {
            "marketplace": SimpleNamespace(endpoint=quick.url),
            "credentials": {
                "refresh_token": form["refresh_token"],
                "client_id": form["client_id"],
                "client_secret": form["client_secret"],
                "profile_id": str(seller.account.profile_id),
            },
            "timeout": 30,
        }
        profiles = Profiles(**options).list_profiles().payload
        assert [profile["profileId"] for profile in profiles] == [seller.account.profile_id]
        reports = Reports(**options)
        body = {
            "name": "as the package does",
            "startDate": f"{YESTERDAY - timedelta(days=3)}",
            "endDate": f"{YESTERDAY}",
            "configuration": {
                "adProduct": "SPONSORED_PRODUCTS",
                "groupBy": ["searchTerm"],
                "columns": ["date", "searchTerm", "clicks", "cost", "sales7d"],
                "reportTypeId": "spSearchTerm",
                "timeUnit": "DAILY",
                "format": "GZIP_JSON",
            },
        }
        made = reports.post_report(body=body).payload
        status = reports.get_report(reportId=made["reportId"]).payload
        assert status["status"] == "COMPLETED"
        rows = reports.download_report(url=status["url"], format="data").payload
        assert len(rows) > 50 and set(rows[0]) == set(body["configuration"]["columns"])  # type: ignore[index]
        quick.state.reports[made["reportId"]].done_at += timedelta(hours=1)
        with pytest.raises(AdvertisingApiException) as duplicate:
            reports.post_report(body=body)
        assert duplicate.value.code == 425 and made["reportId"] in str(duplicate.value.error)


def forget_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages keep tokens by refresh token, whatever server gave them, and let the environment win."""
    for package in ("sp_api", "ad_api"):
        import_module(f"{package}.api")  # first, or its parts import one another in a circle
        import_module(f"{package}.auth.access_token_client").cache.clear()
    for name in list(os.environ):
        if name.startswith(("SP_API_", "AD_API_", "LWA_")):
            monkeypatch.delenv(name)
