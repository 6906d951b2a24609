"""A clock that stands still until it is moved, for Python and for PostgreSQL alike.

opsboard's statements ask for `clock_timestamp()` and `statement_timestamp()` by name. A schema that comes
before pg_catalog in this connection's search path has functions of these names which tell the clock's
time, so the very statements that run in earnest run here, unchanged, on another day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import time_machine
from django.db import connection

_SHADOWS = "CREATE SCHEMA IF NOT EXISTS pretended;" + "".join(
    f"CREATE OR REPLACE FUNCTION pretended.{name}() RETURNS timestamptz LANGUAGE sql STABLE AS "
    "$$ SELECT pg_catalog.current_setting('pretended.now')::pg_catalog.timestamptz $$;"
    for name in ("clock_timestamp", "statement_timestamp", "now")
)

# A default of a column keeps the function it was made with: made again, it takes the one that is found first.
_DEFAULTS = """
    SELECT format('ALTER TABLE public.%I ALTER %I SET DEFAULT statement_timestamp()', table_name, column_name)
      FROM information_schema.columns
     WHERE table_schema = 'public' AND column_default LIKE '%statement_timestamp()'"""


class Clock:
    """The instant it is; `move` goes to another one."""

    def __init__(self, start: datetime, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self.now = start

    def move(self, now: datetime) -> None:
        self.now = now
        self._traveller.move_to(now, tick=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pretended.now', %s, false)", [now.isoformat()])


@contextmanager
def pretended(start: datetime) -> Iterator[Clock]:
    """This process and its database connection live at the clock's time while the block runs."""
    with time_machine.travel(start, tick=False) as traveller:
        clock = Clock(start, traveller)
        with connection.cursor() as cursor:
            cursor.execute(_SHADOWS)
        _look_in("pretended, pg_catalog, public")
        clock.move(start)
        try:
            yield clock
        finally:
            _look_in("public")


def _look_in(path: str) -> None:
    """Have functions looked up along a search path, those of columns' defaults as well."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {path}")
        cursor.execute(_DEFAULTS)
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
