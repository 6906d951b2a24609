"""Reports that Amazon makes by itself (settlements): found in its list, never asked for.

A listing is a fetch like any other, with a slot and a lease. Each page of Amazon's list becomes rows
in one commit with the token of the next page, so that a listing that dies goes on where it was; a
report already noted or kept is not noted again, whichever of the seller's marketplaces looks. What
was noted is then looked at, downloaded and kept like a report somebody asked for.

Amazon lists these reports for the whole seller: only the document says which marketplace one is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace, Marketplace, SellerAccount

from . import schedule, shops
from .models import Document, Fetch
from .readers import Batch, read_tsv
from .staging import canonical

if TYPE_CHECKING:
    from opsboard.amazon.reports import Listed

    from .decode import Decoded
    from .registry import ReportSpec

#: Amazon keeps reports for 90 days; an hour is left for the question to arrive.
KEPT = timedelta(days=90) - timedelta(hours=1)


class NotOurs(Exception):
    """The report is about a marketplace that is not among the account's here; `str()` says which."""


class Unclear(Exception):
    """Nobody but the operator can say which marketplace the report is about; `str()` says why."""


def note(listing: Fetch, reports: tuple[Listed, ...]) -> int:
    """Make a fetch of each report of a page that is not known yet; how many are new.

    Those that failed are tried once more for as long as Amazon lists them.
    """
    mine = Fetch.objects.filter(account=listing.account_id, spec=listing.spec, kind=Fetch.Kind.FOUND)
    ids = [report.report_id for report in reports]
    ended = mine.filter(report_id__in=ids).exclude(options__has_key="unclear")
    schedule.reopen(ended.filter(finished_at__lt=listing.slot))
    known = set(mine.filter(report_id__in=ids).values_list("report_id", flat=True))
    kept = Document.objects.filter(account=listing.account_id, spec=listing.spec, report_id__in=ids)
    known |= set(kept.values_list("report_id", flat=True))
    fresh = {report.report_id: report for report in reports if report.report_id not in known}
    newest = max((report.created_at for report in fresh.values() if report.created_at), default=None)
    Fetch.objects.bulk_create(
        (_fetch_of(listing, report, report.created_at == newest) for report in fresh.values()), ignore_conflicts=True
    )
    return len(fresh)


def _fetch_of(listing: Fetch, report: Listed, is_newest: bool) -> Fetch:
    """Older ones wait, as older days do, until what the first screen shows is there."""
    priority = listing.priority
    if not is_newest and priority > schedule.ASKED_PRIORITY:
        priority = max(priority, schedule.BACKFILL_PRIORITY)
    now = timezone.now()
    end = report.end or report.created_at or now
    start = min(report.start or end, end)
    return Fetch(
        account_id=listing.account_id,
        marketplace_id=listing.marketplace_id,
        spec=listing.spec,
        window_start=listing.marketplace.day_of(start),
        window_end=listing.marketplace.day_of(end),
        slot=report.created_at or now,
        kind=Fetch.Kind.FOUND,
        priority=priority,
        state=Fetch.State.REQUESTED,
        report_id=report.report_id,
        requested_at=now,
        options={"marketplaces": list(report.marketplace_ids)},
    )


def since(now: datetime) -> datetime:
    """The oldest report worth asking for."""
    return now - KEPT


# --- whose is it ------------------------------------------------------------------------------------


def marketplace_of(spec: ReportSpec, decoded: Decoded, account: SellerAccount, listed: list[str]) -> Marketplace:
    """The marketplace of the account that a document is about: the one most of its rows name.

    Where no row names one, the currency has to tell, among the marketplaces Amazon `listed` it for.
    Raises NotOurs or Unclear.
    """
    assert spec.whose is not None
    named, currencies = _read_names(decoded, *spec.whose)
    ours = {
        scope.marketplace.code: scope.marketplace
        for scope in AccountMarketplace.objects.filter(account=account, active=True).select_related("marketplace")
    }
    if named:
        code = max(sorted(named), key=lambda name: named[name])
    else:
        code = _by_currency(account, currencies, listed)
    if code not in ours:
        raise NotOurs(
            _("It is about marketplace %(code)s, which is not among those of this account here. Nothing was kept.")
            % {"code": code}
        )
    return ours[code]


def _by_currency(account: SellerAccount, currencies: set[str], listed: list[str]) -> str:
    possible = Marketplace.objects.filter(region=account.region, currency__in=currencies)
    codes = set(possible.filter(amazon_id__in=listed).values_list("code", flat=True)) if listed else set()
    codes = codes or set(possible.values_list("code", flat=True))
    if len(codes) != 1:
        raise Unclear(
            _(
                "No row of it names a marketplace, and with the currency %(currency)s it can be about several "
                "(%(codes)s). Download it from Seller Central and upload it for the right one."
            )
            % {"currency": ", ".join(sorted(currencies)) or "-", "codes": ", ".join(sorted(codes)) or "-"}
        )
    return codes.pop()


def _read_names(decoded: Decoded, shop: str, currency: str) -> tuple[Counter[str], set[str]]:
    named: Counter[str] = Counter()
    currencies: set[str] = set()
    decoded.file.seek(0)
    for batch in read_tsv(decoded.file, decoded.charset):
        for name, count in Counter(_cells(batch, shop)).items():
            if code := shops.code_of(name):
                named[code] += count
        currencies |= {text.strip().upper() for text in set(_cells(batch, currency)) if text.strip()}
    return named, currencies


def _cells(batch: Batch, name: str) -> Iterator[str]:
    for header, cells in batch.columns.items():
        if canonical(header) == canonical(name):
            yield from map(str, cells)
