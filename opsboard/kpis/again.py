"""Having an account judged again because what it is judged by was changed."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from opsboard.accounts.models import AccountMarketplace, SellerAccount
from opsboard.feeds import dispatch

from .models import Verdict


def judge_again(account: SellerAccount) -> None:
    """Have all marketplaces of the account judged once this is committed; the tick finds them if the hint is lost."""
    Verdict.objects.filter(account=account).update(judged_on=None)
    for marketplace_id in AccountMarketplace.objects.filter(account=account, active=True).values_list(
        "marketplace_id", flat=True
    ):
        transaction.on_commit(partial(dispatch.hint, "opsboard.kpis.judge", (account.pk, marketplace_id)))
