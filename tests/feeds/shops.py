"""Scopes that are connected to Amazon by name only, and what is planned for them."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Credential, SellerAccount
from opsboard.feeds.models import Coverage, Document, Fetch
from tests.factories import make_scope


def connected(code: str = "US", ads: bool = True, account: SellerAccount | None = None) -> AccountMarketplace:
    """A marketplace whose account has credentials (sealed nothing) for the SP-API and, by choice, Ads."""
    scope = make_scope(account, marketplace=code, ads_profile_id="1" if ads else "")
    for kind in ("sp_api", "ads") if ads else ("sp_api",):
        Credential.objects.get_or_create(account=scope.account, kind=kind, defaults={"sealed": b"", "key_id": "k"})
    return scope


def fetches(spec: str) -> list[tuple[date, date]]:
    """The windows planned for a report, the newest first."""
    rows = Fetch.objects.filter(spec=spec).order_by("-window_end")
    return list(rows.values_list("window_start", "window_end"))


def hold(scope: AccountMarketplace, dataset: str, day: date, made: datetime | None = None) -> None:
    """A document, made at an instant (now), holds a day of a dataset."""
    made = made or timezone.now()
    document, _new = Document.objects.get_or_create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec="planted",
        source_created_at=made,
        defaults={"source": "sp_api", "report_type": "x", "sha256": "0" * 64, "size": 0},
    )
    Coverage.objects.update_or_create(
        account=scope.account,
        marketplace=scope.marketplace,
        dataset=dataset,
        date=day,
        defaults={"document": document, "source_created_at": made},
    )


def end(fetch: Fetch, state: str, asked: datetime | None = None) -> None:
    """What a worker leaves of a fetch that is over."""
    Fetch.objects.filter(pk=fetch.pk).update(
        state=state, finished_at=timezone.now(), report_id="R", requested_at=asked or timezone.now()
    )
