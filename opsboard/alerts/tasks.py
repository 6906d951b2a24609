"""Judge a scope and tell people, as Celery runs it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from celery import shared_task
from django.db import connection, transaction

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import dispatch
from opsboard.feeds.models import DirtyDay
from opsboard.kpis import causes, entities, judge, rollup, snapshots
from opsboard.kpis.models import ManualValue, Verdict

from . import episodes, outbox


def judge_scope(account_id: int, marketplace_id: int) -> int:
    """Roll up what is dirty, judge the scope and its entities, ask the rules, open and close episodes: one commit.

    Returns the number of episodes opened. One judge a scope at a time: a second one waits and then finds
    nothing left to do.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('judge'), %s)", [account_id * 1000 + marketplace_id])
        rollup.refresh(account_id, marketplace_id)
        snapshots.refresh(account_id, marketplace_id)
        entities.judge([(account_id, marketplace_id)])
        causes.remember(account_id, marketplace_id, judge.judge(account_id, marketplace_id))
        return len(episodes.follow_scope(account_id, marketplace_id))


@shared_task(name="opsboard.kpis.judge")
def judge_task(account_id: int, marketplace_id: int) -> None:
    judge_scope(account_id, marketplace_id)


@shared_task(name="opsboard.alerts.deliver")
def deliver(message_id: int) -> None:
    outbox.deliver(message_id)


def wake_judges() -> None:
    """Hint at scopes with dirty days, with a new day, or with typed figures that nobody has judged yet."""
    dirty = set(DirtyDay.objects.values_list("account_id", "marketplace_id").distinct())
    judged: dict[tuple[int, int], set[date | None]] = defaultdict(set)
    for account, shop, day in Verdict.objects.values_list("account_id", "marketplace_id", "judged_on").distinct():
        judged[account, shop].add(day)
    dirty |= set(ManualValue.objects.values_list("account_id", "marketplace_id").distinct()) - judged.keys()
    for scope in AccountMarketplace.objects.filter(active=True, account__active=True).select_related("marketplace"):
        here = scope.account_id, scope.marketplace_id
        if here in dirty or judged.get(here, set()) - {scope.marketplace.today()}:
            dispatch.hint("opsboard.kpis.judge", here)
