"""The only place that imports python-amazon-sp-api and python-amazon-ad-api.

Both read the environment while they are imported (AWS_ENV=production is enough to make one fail,
SP_API_DEFAULT_MARKETPLACE to make it talk to another region) and one calls logging.basicConfig.
Here they are imported with those variables out of sight and with the root logger already
furnished, which makes basicConfig do nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

_PREFIXES = ("SP_API_", "AD_API_", "LWA_")
_NAMES = ("AWS_ENV",)


@contextmanager
def quiet_surroundings() -> Iterator[None]:
    """Hide the libraries' environment variables and keep their hands off the root logger."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_PREFIXES) or name in _NAMES}
    occupied = logging.NullHandler()
    logging.root.addHandler(occupied)
    try:
        yield
    finally:
        logging.root.removeHandler(occupied)
        os.environ.update(hidden)


with quiet_surroundings():
    from ad_api.api import Profiles as AdsProfiles
    from ad_api.api import Reports as AdsReports
    from ad_api.base import ApiResponse as AdsResponse
    from sp_api.api import Reports as SpReports
    from sp_api.api import Sellers as SpSellers
    from sp_api.auth import AccessTokenResponse as SpToken
    from sp_api.base import ApiResponse as SpResponse
    from sp_api.base.credential_provider import FromCodeCredentialProvider as SpGivenCredentials

__all__ = [
    "AdsProfiles",
    "AdsReports",
    "AdsResponse",
    "SpGivenCredentials",
    "SpReports",
    "SpResponse",
    "SpSellers",
    "SpToken",
    "quiet_surroundings",
]
