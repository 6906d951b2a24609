from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from opsboard.accounts.connections import Step
    from opsboard.accounts.models import SellerAccount


class AmazonConfig(AppConfig):
    name = "opsboard.amazon"
    label = "amazon"

    def ready(self) -> None:
        from opsboard.accounts.connections import register_findings, register_tester

        from .findings import FINDINGS

        register_findings(FINDINGS)
        register_tester("sp_api", _check_sp_api)
        register_tester("ads", _check_ads)


# The clients' libraries take a while to import, so only the process that talks to Amazon does.
def _check_sp_api(account: SellerAccount) -> list[Step]:
    from .connect import check_sp_api

    return check_sp_api(account)


def _check_ads(account: SellerAccount) -> list[Step]:
    from .connect import check_ads

    return check_ads(account)
