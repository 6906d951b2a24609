from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from opsboard.accounts.connections import ConnectionResult
    from opsboard.accounts.models import SellerAccount


class AmazonConfig(AppConfig):
    name = "opsboard.amazon"
    label = "amazon"

    def ready(self) -> None:
        from opsboard.accounts.connections import register_tester

        register_tester("sp_api", _try_sp_api)
        register_tester("ads", _try_ads)


# The clients' libraries take a while to import, so only the process that talks to Amazon does.
def _try_sp_api(account: SellerAccount) -> ConnectionResult:
    from .connect import try_sp_api

    return try_sp_api(account)


def _try_ads(account: SellerAccount) -> ConnectionResult:
    from .connect import try_ads

    return try_ads(account)
