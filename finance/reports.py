"""Reports about money: what Amazon pays and charges. Each family has a file of its own."""

from __future__ import annotations

from . import reports_settlements  # noqa: F401 - importing them declares them
