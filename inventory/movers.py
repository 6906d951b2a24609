"""What the shelf says about an ASIN that sold less: on how many days it was empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext_lazy as _

from opsboard.kpis.movers import Clue, Witness, register_witness
from opsboard.kpis.registry import Unit

# Leans on the primary key prefix (account, marketplace, date, sku). An ASIN is out when all its SKUs are.
_EMPTY = """
    SELECT asin, count(*) FROM (
        SELECT i.asin, p.date FROM inventory_planningday p
          JOIN inventory_item i USING (account_id, marketplace_id, sku)
         WHERE p.account_id = %s AND p.marketplace_id = %s AND p.date = ANY(%s) AND i.asin = ANY(%s)
         GROUP BY i.asin, p.date HAVING sum(p.available) = 0) AS empty
     GROUP BY asin"""


def sold_out(account_id: int, marketplace_id: int, days: Sequence[date], asins: Sequence[str]) -> dict[str, Clue]:
    """{ASIN: on how many of the days Amazon had none of it to sell}."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY, [account_id, marketplace_id, list(days), list(asins)])
        return {asin: Clue("sold_out", (("days", Unit.DAYS, Decimal(count)),)) for asin, count in cursor.fetchall()}


register_witness(Witness("inventory.sold_out", "asin", _("nothing to sell at Amazon: %(days)s"), sold_out))
