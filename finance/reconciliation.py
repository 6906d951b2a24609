"""A settlement's lines against the total its header states: to the cent, settlement by settlement."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.reconciliation import Check, Figure, Side, register

from .models import Settlement, SettlementLine

# Leans on the primary key of finance_settlement (account, marketplace, date) and on settlementline_by_id.
# A settlement belongs to the period its deposit falls in, its lines to the settlement wherever their days lie.
_BY_SETTLEMENT = """
    SELECT s.settlement_id::text AS key, s.date,
           CASE WHEN l.lines IS NULL THEN 'missing' ELSE 'compared' END AS state,
           l.amount AS money_left, s.total_minor::numeric AS money_right, 0 AS money_slack,
           NULL::numeric AS count_left, NULL::numeric AS count_right, 0 AS count_slack
      FROM finance_settlement s
      LEFT JOIN LATERAL (SELECT sum(i.amount_minor) AS amount, nullif(count(*), 0) AS lines
                           FROM finance_settlementline i
                          WHERE i.account_id = s.account_id AND i.marketplace_id = s.marketplace_id
                            AND i.settlement_id = s.settlement_id) l ON true
     WHERE s.account_id = %(account)s AND s.marketplace_id = %(marketplace)s
       AND s.date BETWEEN %(first)s AND %(last)s
"""

register(
    Check(
        "settlements",
        _("Settlement lines"),
        Side(_("Settlement lines"), "settlement_lines", SettlementLine),
        Side(_("Total of the header"), "settlements", Settlement),
        money=Figure(_("Settled"), "sum(amount_minor)", "total_minor"),
        unit=_("Settlement"),
        sql=_BY_SETTLEMENT,
    )
)
