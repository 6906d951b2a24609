"""Reports about money: orders, settlements, statements, fees, promotions. Each family has a file of its own."""

from __future__ import annotations

from . import (  # noqa: F401 - importing them declares them
    reports_console,
    reports_fees,
    reports_orders,
    reports_promotions,
    reports_settlements,
)
