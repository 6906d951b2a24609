"""Histories as rows: a plan names the days and reports a person asked for, its requests are fetches.

One plan at a time is open for an account and marketplace. While it is paused its requests are not
claimed (opsboard.feeds.dispatch), those Amazon works on already are finished, and the routine goes on.
Everything is in rows, so a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from opsboard.accounts import audit
from opsboard.accounts.models import AccountMarketplace, User

from . import pace, reach, registry, schedule, slots
from .models import BackfillPlan, Fetch
from .registry import ReportSpec

#: What the first look at a new account shows; these days are fetched before any older ones.
FIRST_SCREEN_DAYS = 60

State = BackfillPlan.State

#: Of the fetch table's rows, those no paused or stopped plan keeps from being asked for.
NOT_RESTING = (
    "(state <> 'waiting' OR plan_id IS NULL OR plan_id NOT IN "
    "(SELECT p.id FROM feeds_backfillplan p WHERE p.state IN ('paused', 'cancelled')))"
)


class AlreadyOpen(Exception):
    """Another back-fill of this account and marketplace is under way or paused."""


class NothingToAsk(Exception):
    """Everything Amazon still has of these days is stored."""


def open_plan(scope: AccountMarketplace) -> BackfillPlan | None:
    return _of(scope).filter(state__in=BackfillPlan.OPEN).first()


def newest_plan(scope: AccountMarketplace) -> BackfillPlan | None:
    """The open plan, else the last one."""
    return _of(scope).select_related("asked_by").order_by("-created_at", "-pk").first()


def past(scope: AccountMarketplace, at_most: int) -> list[Progress]:
    """Plans that are over, the newest first."""
    over = _of(scope).exclude(state__in=BackfillPlan.OPEN).select_related("asked_by").order_by("-created_at", "-pk")
    return [progress(plan, scope) for plan in over[:at_most]]


def open_progress(scopes: Sequence[AccountMarketplace]) -> list[Progress]:
    """The open plans of some (visible) scopes."""
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    plans = BackfillPlan.objects.filter(account__in={account for account, _shop in by_pair})
    return [
        progress(plan, by_pair[plan.account_id, plan.marketplace_id])
        for plan in plans.filter(state__in=BackfillPlan.OPEN).order_by("pk")
        if (plan.account_id, plan.marketplace_id) in by_pair
    ]


def _of(scope: AccountMarketplace) -> QuerySet[BackfillPlan]:
    return BackfillPlan.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id)


def start(
    scope: AccountMarketplace, first_day: date, specs: Sequence[ReportSpec], user: User | None = None
) -> BackfillPlan:
    """Ask for every day from `first_day` up to yesterday that is not stored, as far as each report goes back.

    Newest first, and the newest FIRST_SCREEN_DAYS of every report before anything older of any. Raises
    AlreadyOpen or NothingToAsk, and then nothing is written.
    """
    now = timezone.now()
    parts = [reach.part(spec, scope, first_day, now) for spec in specs if reach.has_past(spec)]
    if not any(part.windows for part in parts):
        raise NothingToAsk
    try:
        with transaction.atomic():
            plan = BackfillPlan.objects.create(
                account_id=scope.account_id,
                marketplace_id=scope.marketplace_id,
                first_day=first_day,
                last_day=scope.marketplace.day_of(now) - timedelta(days=1),
                specs=[part.spec.key for part in parts],
                asked_by=user,
                estimate_seconds=pace.estimate(scope, reach.by_api(parts)),
            )
            plan.requests = sum(_plan_part(scope, part, plan) for part in parts)
            if not plan.requests:  # all of it waits to be fetched already
                raise NothingToAsk
            plan.save(update_fields=["requests"])
            _tell(scope, plan, user, "backfill.started")
    except IntegrityError:
        raise AlreadyOpen from None
    return plan


def _plan_part(scope: AccountMarketplace, part: reach.Part, plan: BackfillPlan) -> int:
    border = plan.last_day - timedelta(days=FIRST_SCREEN_DAYS)
    # The week or month across the border is whole in neither half: it belongs to the older one.
    newest = [window for window in part.windows if window[0] > border]
    older = [window for window in part.windows if window[0] <= border]
    return sum(
        schedule.insert(scope, part.spec, windows, plan.created_at, Fetch.Kind.BACKFILL, priority, plan)
        for windows, priority in ((newest, schedule.FIRST_SCREEN_PRIORITY), (older, schedule.BACKFILL_PRIORITY))
    )


def ensure(scope: AccountMarketplace, days: int) -> int:
    """Have the last `days` days of everything fetched, snapshots too; how many requests are new.

    Changes nothing while a back-fill is open, and asks for nothing that is stored.
    """
    schedule.ensure_feeds(scope)
    now = timezone.now()
    today = scope.marketplace.day_of(now)
    specs = schedule.usable_specs(scope)
    planned = 0
    for spec in specs:
        if not reach.has_past(spec):
            slot = slots.before(slots.declared(spec, scope), scope, now)
            kind, priority = Fetch.Kind.ROUTINE, schedule.FIRST_SCREEN_PRIORITY
            planned += schedule.insert(scope, spec, [(today, today)], slot, kind, priority)
    try:
        return planned + start(scope, today - timedelta(days=days), specs).requests
    except (AlreadyOpen, NothingToAsk):
        return planned


# --- what a person does with a plan ----------------------------------------------------------------


def pause(scope: AccountMarketplace, plan: BackfillPlan, user: User | None) -> bool:
    """Nothing more of it is asked for until `resume`; False when it was not running."""
    return _turn(scope, plan, user, "backfill.paused", [State.RUNNING], State.PAUSED)


def resume(scope: AccountMarketplace, plan: BackfillPlan, user: User | None) -> bool:
    return _turn(scope, plan, user, "backfill.resumed", [State.PAUSED], State.RUNNING)


def cancel(scope: AccountMarketplace, plan: BackfillPlan, user: User | None) -> bool:
    """Ask for no more of it; what is fetched stays, what Amazon works on is finished."""
    return _turn(scope, plan, user, "backfill.stopped", [State.RUNNING, State.PAUSED], State.CANCELLED)


@transaction.atomic
def _turn(
    scope: AccountMarketplace, plan: BackfillPlan, user: User | None, action: str, before: list[State], after: State
) -> bool:
    mine = BackfillPlan.objects.filter(pk=plan.pk, state__in=before)
    if not mine.update(state=after, state_at=timezone.now()):
        return False
    if after is State.CANCELLED:
        _drop(plan.pk)
    _tell(scope, plan, user, action)
    return True


def _tell(scope: AccountMarketplace, plan: BackfillPlan, user: User | None, action: str) -> None:
    after = {
        "from": plan.first_day.isoformat(),
        "to": plan.last_day.isoformat(),
        "reports": plan.specs,
        "requests": plan.requests,
    }
    audit.record(scope.account.organisation, user, action, scope, after=after)


def _drop(*plans: int) -> None:
    """Forget the requests of stopped plans that nobody holds and Amazon never heard of."""
    waiting = Fetch.objects.filter(plan__in=plans, state=Fetch.State.WAITING, finished_at=None)
    free = waiting.filter(Q(lease_until=None) | Q(lease_until__lt=Now()))
    Fetch.objects.filter(pk__in=[row.pk for row in free.select_for_update(skip_locked=True).only("pk")]).delete()


@transaction.atomic
def sweep() -> None:
    """Plans whose last request has ended are done; a stopped plan's request that a worker gave back is dropped."""
    left = Fetch.objects.filter(plan=OuterRef("pk"), finished_at=None)
    BackfillPlan.objects.filter(~Exists(left), state__in=BackfillPlan.OPEN).update(
        state=State.DONE, state_at=timezone.now()
    )
    stopped = BackfillPlan.objects.filter(Exists(left), state=State.CANCELLED).values_list("pk", flat=True)
    if stopped:
        _drop(*stopped)


# --- how far ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """How far one report of a plan is, in requests."""

    label: str
    total: int
    done: int  # fetched, or Amazon has no data for it
    failed: int
    #: Ended requests reach back to here.
    back_to: date | None

    @property
    def ended(self) -> int:
        return self.done + self.failed


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan is. `done` never goes down (what failed may be tried again), `total` stays as at the start."""

    plan: BackfillPlan
    scope: AccountMarketplace
    total: int
    done: int
    failed: int
    #: Days that one of the reports still waits for.
    days_left: int
    seconds_left: int | None
    finish_at: datetime | None
    parts: list[Part]

    @property
    def is_open(self) -> bool:
        return self.plan.state in BackfillPlan.OPEN and self.left > 0

    @property
    def time_left(self) -> str:
        return pace.words(self.seconds_left) if self.seconds_left is not None else ""

    @property
    def left(self) -> int:
        return self.total - self.done - self.failed

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 100


def progress(plan: BackfillPlan, scope: AccountMarketplace) -> Progress:
    now = timezone.now()
    wrong = [Fetch.State.FAILED, Fetch.State.QUARANTINED, Fetch.State.CANCELLED]
    counted = (
        Fetch.objects.filter(plan=plan)
        .order_by()
        .values_list("spec")
        .annotate(
            total=Count("id"),
            ended=Count("id", filter=Q(finished_at__isnull=False)),
            failed=Count("id", filter=Q(finished_at__isnull=False, state__in=wrong)),
        )
    )
    by_spec = {row[0]: row[1:] for row in counted}
    waiting = list(Fetch.objects.filter(plan=plan, finished_at=None).values_list("spec", "window_start", "window_end"))
    newest_left: dict[str, date] = {}
    for spec, _first, last in waiting:
        newest_left[spec] = max(last, newest_left.get(spec, last))
    parts = []
    for one in registry.specs():
        if one.key in by_spec:
            total, ended, failed = by_spec[one.key]
            left = newest_left.get(one.key)
            back_to = left + timedelta(days=1) if left and left < plan.last_day else None
            parts.append(Part(str(one.label), total, ended - failed, failed, back_to))
    failed = sum(part.failed for part in parts)
    open_count = len(waiting) if plan.state in BackfillPlan.OPEN else 0
    # What a plan began with stays its whole: of a stopped one the rest was dropped.
    total = plan.requests
    done = sum(part.done for part in parts) if plan.state == State.CANCELLED else total - open_count - failed
    seconds = pace.left(plan, scope, now) if plan.state == State.RUNNING and open_count else None
    return Progress(
        plan=plan,
        scope=scope,
        total=total,
        done=done,
        failed=failed,
        days_left=len({day for _spec, first, last in waiting for day in _days(first, last)}) if open_count else 0,
        seconds_left=seconds,
        finish_at=now + timedelta(seconds=seconds) if seconds is not None else None,
        parts=parts,
    )


def _days(first: date, last: date) -> Iterable[int]:
    return range(first.toordinal(), last.toordinal() + 1)
