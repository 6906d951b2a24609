"""What can be wrong with an installation: each check is a declaration, asked by whoever wants to know.

`manage.py doctor` asks all of them, /readyz those without which nothing is served or worked on, the
System page those that need nothing but the database, and a worker those about its own machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from . import heartbeats

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

log = structlog.get_logger(__name__)


class Status(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    #: Nobody can tell: what would have to be asked is away, or there is nothing yet.
    UNKNOWN = "unknown"


#: Worst first.
ORDER = (Status.FAIL, Status.WARN, Status.UNKNOWN, Status.OK)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, in a sentence, with the figures behind it (never a secret)."""

    status: Status
    sentence: str
    evidence: Mapping[str, str | int | float] = field(default_factory=dict)


def as_seen(told: Mapping[str, Any]) -> Finding:
    """What a worker left with its heartbeat, in the reader's language."""
    language = get_language() or settings.LANGUAGE_CODE
    return Finding(Status(told["status"]), told["sentences"].get(language) or told["sentences"][settings.LANGUAGE_CODE])


class Sight:
    """What may be looked at: all accounts, or those a person may see. Shared by the checks of one look."""

    def __init__(self, accounts: Sequence[int] | None = None, organisations: Sequence[int] | None = None) -> None:
        self.accounts = accounts
        self.organisations = organisations

    @cached_property
    def processes(self) -> list[heartbeats.Process]:
        return heartbeats.standing()

    def of(self, kind: str) -> list[heartbeats.Process]:
        return [one for one in self.processes if one.kind == kind]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong."""

    key: str
    #: What it is about, in two or three words.
    title: _StrPromise
    #: Where it looks.
    looks_at: _StrPromise
    #: What to do about it.
    fix: _StrPromise
    look: Callable[[Sight], Finding]
    #: "serving": no page without it; "processing": nothing is fetched, read or judged without it.
    stops: str = ""
    #: It asks something other than the database (Redis, a mail server, Amazon, the disk).
    live: bool = False
    #: Each worker looks as well, on its own machine, and leaves what it saw with its heartbeat.
    seen_by_workers: bool = False

    def run(self, sight: Sight) -> Finding:
        """The finding; a check that cannot look finds `unknown`, and why."""
        try:
            return self.look(sight)
        except DatabaseError:
            return Finding(Status.UNKNOWN, _("The database does not answer, so nobody can tell."))
        except Exception as error:
            log.exception("check_failed", check=self.key)
            return Finding(Status.UNKNOWN, _("The check itself failed (%(kind)s).") % {"kind": type(error).__name__})


_checks: dict[str, Check] = {}


def register(*checks: Check) -> None:
    for check in checks:
        if _checks.get(check.key, check) is not check:
            raise ValueError(f"two checks are called {check.key}")
        _checks[check.key] = check


def checks() -> tuple[Check, ...]:
    return tuple(_checks.values())


def live_checks(*, seen_by_workers: bool) -> tuple[Check, ...]:
    return tuple(check for check in checks() if check.live and check.seen_by_workers == seen_by_workers)


@dataclass(frozen=True, slots=True)
class Result:
    check: Check
    finding: Finding


def run(wanted: Sequence[Check], sight: Sight | None = None) -> list[Result]:
    """Ask each of them; in the order they are declared."""
    sight = sight or Sight()
    return [Result(check, check.run(sight)) for check in wanted]


def worst_first(results: Sequence[Result]) -> list[Result]:
    return sorted(results, key=lambda result: ORDER.index(result.finding.status))


def worst(results: Sequence[Result]) -> Status:
    return min((result.finding.status for result in results), key=ORDER.index, default=Status.OK)
