"""Token buckets at Amazon's published default rates, one per seller account and operation."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

#: operation -> (requests a second, burst). Source: Amazon's API models.
RATES: dict[str, tuple[float, int]] = {
    "createReport": (0.0167, 15),
    "getReports": (0.0222, 10),
    "getReport": (2.0, 15),
    "getReportDocument": (0.0167, 15),
    "cancelReport": (0.0222, 10),
    "getMarketplaceParticipations": (0.016, 15),
    "getListingsItem": (5.0, 10),
    # Amazon publishes no figure for Ads reporting; this one only keeps a runaway loop honest.
    "adsReporting": (5.0, 50),
}


@dataclass
class Limits:
    """`factor` turns every rate and burst up: 1 is Amazon, a demo wants to fill quickly."""

    factor: float = 1.0
    _buckets: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rate(self, operation: str) -> float:
        return RATES[operation][0] * self.factor

    def take(self, account: str, operation: str) -> bool:
        """Whether a request may pass now; it then costs a token."""
        burst = RATES[operation][1] * max(1.0, self.factor)
        with self._lock:
            now = time.monotonic()
            tokens, then = self._buckets.get((account, operation), (burst, now))
            tokens = min(burst, tokens + (now - then) * self.rate(operation))
            self._buckets[(account, operation)] = (tokens - 1 if tokens >= 1 else tokens, now)
            return tokens >= 1
