"""Reports Amazon has made already, taken instead of asking for another one.

Another program of the seller's, a person in Seller Central or we ourselves before a crash may have asked
for the same report minutes ago. Amazon refuses some of those that are asked for again, and each costs one
of the few it allows. Its list tells type, marketplaces, days and age, and no options: so only reports
without any are taken (`ReportSpec.reusable_minutes`), and only when everything the list tells is the same.

It saves a request and is never a condition: when the list cannot be had now, the report is asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from opsboard.amazon.errors import AmazonError
from opsboard.amazon.reports import Listed, Reports, Request, instant

from .models import Fetch, ReportList
from .registry import ReportSpec

#: For so long Amazon's list is believed.
LIST_KEPT = timedelta(minutes=2)


def made_already(fetch: Fetch, spec: ReportSpec, reports: Reports, wanted: Request) -> Listed | None:
    """The newest report that is what `wanted` would be and no older than the spec allows; None without one."""
    if not spec.reusable_minutes:
        return None
    now = timezone.now()
    since = now - timedelta(minutes=spec.reusable_minutes)
    try:
        listed = _listed(fetch, spec, reports, since, now)
    except AmazonError:
        return None
    had = set(fetch.documents.values_list("report_id", flat=True))  # asked for once more: not the same again
    same = [
        one for one in listed
        if one.created_at and since <= one.created_at <= now and one.report_id not in had and _same(one, spec, wanted)
    ]  # fmt: skip
    return max(same, key=lambda one: one.created_at or now, default=None)


def _same(listed: Listed, spec: ReportSpec, wanted: Request) -> bool:
    if listed.marketplace_ids != (wanted.marketplace_id,):
        return False
    if not spec.history:  # the state of now, whatever moments it was asked with
        return True
    if not (listed.start and listed.end and wanted.first and wanted.last):
        return False
    return (listed.start, listed.end) == wanted.moments()


def _listed(fetch: Fetch, spec: ReportSpec, reports: Reports, since: datetime, now: datetime) -> list[Listed]:
    """Amazon's list of the type, from a moment ago if it was asked for then."""
    key: dict[str, Any] = {
        "account_id": fetch.account_id,
        "marketplace_id": fetch.marketplace_id,
        "report_type": spec.report_type,
    }
    kept = ReportList.objects.filter(**key, asked_at__gt=now - LIST_KEPT).first()
    if kept is not None:
        return [
            Listed(
                row["id"],
                instant(row["created"]),
                tuple(row["marketplaces"]),
                instant(row["start"]),
                instant(row["end"]),
            )
            for row in kept.reports
        ]
    # One page holds a hundred of them, the newest first: more than Amazon makes of a type in that time.
    found = list(reports.find(spec.report_type, fetch.marketplace.amazon_id, since, unfinished=True).reports)
    rows = [
        {
            "id": one.report_id,
            "created": one.created_at.isoformat() if one.created_at else "",
            "marketplaces": list(one.marketplace_ids),
            "start": one.start.isoformat() if one.start else "",
            "end": one.end.isoformat() if one.end else "",
        }
        for one in found
    ]
    ReportList.objects.update_or_create(**key, defaults={"asked_at": now, "reports": rows})
    return found
