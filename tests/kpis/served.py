"""The made-up seller's documents, handed in as the pipeline gets them, up to the marketplace's today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.models import Episode
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds import registry
from opsboard.kpis import diagnosis
from opsboard.kpis.diagnosis import Diagnosis
from opsboard.kpis.registry import kpis
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports import advertising, flat_files, performance, sales, voice
from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk


class Served:
    """One account of the made-up seller in a scope of its own; its stories count back from today."""

    def __init__(self, key: str, scope: AccountMarketplace | None = None) -> None:
        self.account = ACCOUNTS[key]
        self.scope = scope or make_scope(marketplace=self.account.marketplace)
        self.today: date = self.scope.marketplace.today()
        self.truth = Truth(1, self.today)
        self.desk = Desk(self.scope)

    def hand_in(self, spec: str, content: Any, first: date, last: date) -> None:
        raw = content if isinstance(content, bytes) else orjson.dumps(content)
        made = datetime(last.year, last.month, last.day, tzinfo=UTC)
        outcome = self.desk.ingest(raw, spec, (first, last), made=made)
        assert outcome.state == "applied", (spec, outcome)

    def ads(self, back: int, *specs: str) -> Served:
        """Advertising of the last `back` days, a month a document."""
        first = self.today - timedelta(days=back)
        while first < self.today:
            last = min(first + timedelta(days=29), self.today - timedelta(days=1))
            for key in specs or ("sp_campaigns", "sp_search_terms"):
                spec = registry.spec(key)
                columns = list(spec.ads_configuration["columns"])
                rows = advertising.rows(
                    self.truth, self.account, spec.report_type, first, last, columns, self.today, daily=True
                )
                self.hand_in(key, rows, first, last)
            first = last + timedelta(days=1)
        return self

    def sales(self, back: int) -> Served:
        """Sales and traffic by child ASIN, a day a document."""
        options = {"dateGranularity": "DAY", "asinGranularity": "CHILD"}
        for n in range(back, 0, -1):
            day = self.today - timedelta(days=n)
            document = sales.sales_and_traffic(self.truth, self.account, day, day, options, self.today)
            self.hand_in("sales_and_traffic_asin", document, day, day)
        return self

    def listings(self) -> Served:
        self.hand_in("listings", flat_files.listings(self.truth, self.account, self.today), self.today, self.today)
        return self

    def suppressed(self) -> Served:
        content = voice.suppressed(self.truth, self.account, self.today)
        self.hand_in("suppressed_listings", content, self.today, self.today)
        return self

    def stock(self, *back: int) -> Served:
        for n in back or (0,):
            day = self.today - timedelta(days=n)
            self.hand_in("planning", flat_files.planning(self.truth, self.account, day), day, day)
        return self

    def health(self, *back: int) -> Served:
        for n in back or (0,):
            day = self.today - timedelta(days=n)
            self.hand_in("performance", performance.performance(self.truth, self.account, day), day, day)
        return self

    def judge(self) -> dict[str, Episode]:
        """The running episodes by KPI, after a judgement."""
        judge_scope(self.scope.account_id, self.scope.marketplace_id)
        return {item.kpi: item for item in Episode.objects.filter(account=self.scope.account_id)}

    def diagnose(self, kpi: str) -> Diagnosis:
        found = diagnosis.now(kpis()[kpi], self.scope)
        assert found is not None
        return found

    def told_on(self, story: str) -> date:
        """The day a story began."""
        from opsboard.simulator.stories import STORIES

        return self.today - timedelta(days=STORIES[story].days_ago)
