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


def sp_api(region: str) -> str:
    return (settings.SP_API_ENDPOINT or SP_API[region]).rstrip("/")


def ads(region: str) -> str:
    return (settings.ADS_API_ENDPOINT or ADS[region]).rstrip("/")


def token() -> str:
    return settings.LWA_TOKEN_URL or TOKEN
