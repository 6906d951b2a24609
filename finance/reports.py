"""Reports about money: what Amazon pays and charges. Each family has a file of its own."""

from __future__ import annotations

from . import (  # noqa: F401 - importing them declares them
    reports_fees,
    reports_promotions,
    reports_settlements,
)
