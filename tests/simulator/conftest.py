"""Simulators for these tests: a quick one that is shared, and one of Amazon's own pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from opsboard.simulator import Running, start_in_thread
from tests.simulator.seller import ANCHOR, Clock, Seller


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def strict(clock: Clock) -> Iterator[Running]:
    """Amazon's own limits and processing times; time stands still until the test moves it."""
    with start_in_thread(anchor=ANCHOR, clock=clock) as running:
        yield running


@pytest.fixture
def quick(clock: Clock) -> Iterator[Running]:
    """No delays, limits out of the way; at noon of the day the stories count back from."""
    with start_in_thread(anchor=ANCHOR, clock=clock, rate_factor=1000.0, delay_factor=0.0) as running:
        yield running


@pytest.fixture
def seller(quick: Running) -> Callable[[str], Seller]:
    return lambda key: Seller(quick, key)
