"""Things a test may plant: documents by hand, a limit that is broken, a buyer's name."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from opsboard.feeds import pipeline
from opsboard.feeds.models import Document
from opsboard.kpis.models import ThresholdOverride
from tests.finance.conftest import tsv
from tests.finance.test_orders import NOW, line

from .house import SALES, House, Tenant
from .invariants import BUYER


def sales_document(house: House, tenant: Tenant, day: date, *, share: float = 1.0) -> bytes:
    """A report of one day as the simulator makes it; `share` of what happened has been counted."""
    from opsboard.simulator.reports.sales import sales_and_traffic

    today = tenant.scope.marketplace.today()
    options = {"dateGranularity": "DAY", "asinGranularity": "CHILD"}
    made: dict[str, Any] = sales_and_traffic(house.simulator.state.truth, tenant.simulated, day, day, options, today)
    if share != 1.0:
        for row in made["salesAndTrafficByDate"]:
            row["salesByDate"]["unitsOrdered"] = int(row["salesByDate"]["unitsOrdered"] * share)
            money = row["salesByDate"]["orderedProductSales"]
            money["amount"] = round(money["amount"] * share, 2)
    return json.dumps(made).encode()


def keep(
    house: House, tenant: Tenant, content: bytes, day: date, made_at: datetime | None = None, spec: str = SALES
) -> Document:
    """A document as if it had just been downloaded; its ingest waits."""
    return pipeline.keep(
        io.BytesIO(content),
        spec_key=spec,
        account=tenant.account,
        marketplace=tenant.scope.marketplace,
        source=Document.Source.SP_API,
        source_created_at=made_at or timezone.now(),
        window=(day, day),
    )


def limit(tenant: Tenant, kpi: str, low: str) -> None:
    """A lower limit of a person's; what falls below it opens an episode."""
    ThresholdOverride.objects.create(
        account=tenant.account,
        marketplace=tenant.scope.marketplace,
        kpi=kpi,
        low=Decimal(low),
        valid_from=timezone.now().date() - timedelta(days=400),
    )


def plant_a_buyer(house: House) -> None:
    """A file of orders with a buyer in it, as Amazon sends one: the checker looks for the name ever after."""
    tenant = house.tenant()
    document = keep(house, tenant, tsv(NOW, [line(ship_city=BUYER)]), tenant.day(1), spec="orders")
    outcome = pipeline.run_ingest(document.ingests.get().pk)
    assert outcome is not None and outcome.changed == 1, outcome
