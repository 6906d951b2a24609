"""One house for the whole suite, empty at the start of each test; and the table of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from . import record
from .house import House
from .plant import plant_a_buyer
from .record import SOAK, Measured, measured

Faulty = Callable[[str, str], Measured]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-rows", type=Path, default=None, help="write what the fault suite measured to this file")


def pytest_configure(config: pytest.Config) -> None:
    record.brief = "not faults" in config.option.markexpr


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What `make test` does not try too (mark `quick`) is for `make faults` alone."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        if not item.get_closest_marker("quick"):
            item.add_marker(pytest.mark.faults)
        item.add_marker(pytest.mark.timeout(3600 if SOAK else 900))  # later than any of its waits gives up


@pytest.fixture(scope="package")  # it makes the simulated sellers small: the tests of other rooms want them whole
def _house(django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    made = House()
    with django_db_blocker.unblock():
        try:
            made.open()
            plant_a_buyer(made)
            yield made
        finally:
            made.close()
            connections.close_all()


@pytest.fixture
def house(_house: House) -> Iterator[House]:
    _house.reset()
    yield _house
    _house.dismiss_all()


@pytest.fixture
def fault() -> Faulty:
    """Note a fault of a group; the test counts into it."""

    def note(group: str, words: str) -> Measured:
        made = Measured(words, group)
        measured.append(made)
        return made

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    rows = [row for row in measured if row.passed]
    if not rows:
        return
    terminalreporter.section("faults")
    for row in rows:
        line = f"{row.tried:>5} tried  {row.lost} lost  {row.doubled} doubled  {row.to_recover:<28} {row.fault}"
        terminalreporter.write_line(line + (f" ({row.note})" if row.note else ""))
    file = config.getoption("--faults-rows", None)
    if file is not None and exitstatus == pytest.ExitCode.OK:
        record.save(file, rows)
