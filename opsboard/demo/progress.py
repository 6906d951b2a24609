"""How far the demo is, read straight from its rows by the process that started it (no Django there)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2

FACTS = {
    "listings_salesday": "sales by day",
    "listings_asinday": "sales by ASIN and day",
    "listings_listing": "listings",
    "ads_campaignday": "campaigns by day",
    "ads_searchtermday": "search terms by day",
    "ads_targetday": "ad targets by day",
    "ads_advertisedproductday": "advertised products by day",
    "ads_purchasedproductday": "purchased products by day",
    "ads_brandscampaignday": "Sponsored Brands campaigns",
    "ads_brandstargetday": "Sponsored Brands targets",
    "ads_brandssearchtermday": "Sponsored Brands search terms",
    "ads_displaycampaignday": "Sponsored Display campaigns",
    "ads_displayproductday": "Sponsored Display products",
    "ads_displaytargetday": "Sponsored Display targets",
    "inventory_planningday": "inventory planning",
    "inventory_stockday": "FBA stock",
    "inventory_restockday": "restock recommendations",
    "inventory_strandedday": "stranded stock",
    "inventory_ledgerday": "inventory ledger",
    "inventory_storagefeemonth": "storage fees",
    "inventory_feepreviewday": "FBA fees",
    "inventory_customerreturn": "FBA returns",
    "health_metricday": "account health",
    "finance_orderline": "order lines",
    "finance_settlementline": "settlement lines",
    "finance_promotion": "promotions",
    "finance_coupon": "coupons",
    "finance_reimbursement": "reimbursements",
    "finance_referralfee": "referral fees",
}

_PROGRESS = """
SELECT count(*) FILTER (WHERE finished_at IS NOT NULL), count(*),
       count(*) FILTER (WHERE finished_at IS NULL AND priority < 20),
       count(*) FILTER (WHERE state IN ('failed', 'quarantined'))
FROM feeds_fetch
"""
# The history behind the newest days keeps arriving for a while: it does not hold up the first screen.
_PENDING = """
WITH waiting AS (
    SELECT coalesce(f.priority, 0) < 20 AS newest
    FROM feeds_ingest i JOIN feeds_document d ON d.id = i.document_id LEFT JOIN feeds_fetch f ON f.id = d.fetch_id
    WHERE i.finished_at IS NULL
    UNION ALL SELECT date > current_date - 60 FROM feeds_dirtyday
    UNION ALL SELECT true FROM alerts_outboxmessage WHERE finished_at IS NULL
)
SELECT count(*) FILTER (WHERE newest), count(*) FROM waiting
"""


@dataclass(frozen=True)
class Progress:
    done: int
    planned: int
    first_screen: int  # fetches of the newest days still to come
    failed: int
    newest_pending: int  # ingests, days to judge and mails to send that belong to the newest days
    pending: int  # the same with the history

    @property
    def first_cycle_over(self) -> bool:
        """The newest days are fetched, ingested, judged and mailed."""
        return self.planned > 0 and not self.first_screen and not self.newest_pending

    @property
    def all_over(self) -> bool:
        """Everything that was planned is fetched, ingested, judged and mailed."""
        return self.done >= self.planned > 0 and not self.pending


class Watch:
    """A connection of its own that reads progress and the final account."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connect()

    def _connect(self) -> None:
        self.connection = psycopg2.connect(self.url)
        self.connection.autocommit = True

    def read(self) -> Progress | None:
        """None while the database is away; the next call tries a new connection."""
        try:
            if self.connection.closed:
                self._connect()
            return Progress(*self._row(_PROGRESS), *self._row(_PENDING))
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.connection.close()
            return None

    def account(self) -> dict[str, Any]:
        """What was done, for people and scripts."""
        rows = {table: self._row(f"SELECT count(*) FROM {table}")[0] for table in FACTS}
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.kpi, a.name, m.code, e.state FROM alerts_episode e "
                "JOIN accounts_selleraccount a ON a.id = e.account_id "
                "JOIN accounts_marketplace m ON m.id = e.marketplace_id ORDER BY e.id"
            )
            episodes = [
                {"kpi": kpi, "account": name, "marketplace": code, "state": state}
                for kpi, name, code, state in cursor.fetchall()
            ]
        return {
            "accounts": self._row("SELECT count(*) FROM accounts_selleraccount")[0],
            "documents": self._row("SELECT count(*) FROM feeds_document")[0],
            "rows": rows,
            "episodes": episodes,
            "mails": self._row("SELECT count(*) FROM alerts_outboxmessage WHERE state = 'sent'")[0],
            "failed_fetches": self._row(_PROGRESS)[3],
        }

    def _row(self, sql: str) -> tuple[Any, ...]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            assert row is not None
            return tuple(row)

    def close(self) -> None:
        self.connection.close()
