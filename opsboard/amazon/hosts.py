"""Where Amazon answers, by region. The simulator differs from Amazon in these three settings only."""

from __future__ import annotations

from django.conf import settings

SP_API = {
    "NA": "https://sellingpartnerapi-na.amazon.com",
    "EU": "https://sellingpartnerapi-eu.amazon.com",
    "FE": "https://sellingpartnerapi-fe.amazon.com",
}
ADS = {
    "NA": "https://advertising-api.amazon.com",
    "EU": "https://advertising-api-eu.amazon.com",
    "FE": "https://advertising-api-fe.amazon.com",
}
TOKEN = "https://api.amazon.com/auth/o2/token"

#: Connecting, and waiting for the next bytes of an answer (seconds).
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0


REGIONS = tuple(SP_API)


def sp_api(region: str) -> str:
    return _at(settings.SP_API_ENDPOINT, region) or SP_API[region]


def ads(region: str) -> str:
    return _at(settings.ADS_API_ENDPOINT, region) or ADS[region]


def differs(one: str, other: str) -> bool:
    """Whether two regions answer at addresses of their own."""
    return sp_api(one) != sp_api(other)


def _at(address: str, region: str) -> str:
    """The configured address; one with "{region}" in it answers for each region apart, as Amazon's do."""
    return address.replace("{region}", region).rstrip("/")


def token() -> str:
    return settings.LWA_TOKEN_URL or TOKEN
