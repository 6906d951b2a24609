"""Trying out stored credentials. The room that talks to Amazon registers how; pages here only ask.

accounts is the lowest layer and knows no client, so opsboard.amazon hands its testers and their words in
from AppConfig.ready. Without a tester for a kind there is no button. What a check found is kept as codes,
so that it reads in the language of whoever looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from .models import ConnectionCheck, SellerAccount

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Found(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    #: It could not be found out, which is never a pass.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step of a check can find: its words, with %(name)s for what the step was told."""

    title: _StrPromise
    found: Found
    sentence: _StrPromise | str
    #: What to do; "" when there is nothing to do.
    fix: _StrPromise | str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step's finding, by its code, and what fills its words."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


Tester = Callable[[SellerAccount], list[Step]]
_testers: dict[str, Tester] = {}
_findings: dict[str, Finding] = {}
#: What is kept as a code of Amazon's region and shown by its name.
_REGIONS = {"region", "there"}


def register_tester(kind: str, tester: Tester) -> None:
    """Say how credentials of a Credential.Kind are tried; the tester does not raise for Amazon's refusals."""
    _testers[kind] = tester


def register_findings(findings: Mapping[str, Finding]) -> None:
    _findings.update(findings)


def tester_for(kind: str) -> Tester | None:
    return _testers.get(kind)


@dataclass(frozen=True, slots=True)
class ShownStep:
    found: Found
    title: str
    sentence: str
    fix: str

    @property
    def status(self) -> str:
        """Of its chip."""
        return {Found.PASS: "ok", Found.FAIL: "breach", Found.UNKNOWN: "unknown"}[self.found]

    @property
    def word(self) -> str:
        return {Found.PASS: _("passed"), Found.FAIL: _("to fix"), Found.UNKNOWN: _("not known")}[self.found]


@dataclass(frozen=True, slots=True)
class Result:
    """A check as a person reads it."""

    checked_at: datetime
    steps: list[ShownStep]

    @property
    def failed(self) -> int:
        return sum(step.found is Found.FAIL for step in self.steps)

    @property
    def unknown(self) -> int:
        return sum(step.found is Found.UNKNOWN for step in self.steps)

    @property
    def ok(self) -> bool:
        return not self.failed and not self.unknown


def check(account: SellerAccount, kind: str) -> Result:
    """Try the credentials out now and keep what was found; KeyError when nobody knows how."""
    steps = _testers[kind](account)
    row, _created = ConnectionCheck.objects.update_or_create(
        account=account,
        kind=kind,
        defaults={
            "checked_at": timezone.now(),
            "steps": [{"code": step.code, "params": dict(step.params)} for step in steps],
        },
    )
    return _shown(row)


def last_check(account: SellerAccount, kind: str) -> Result | None:
    """What the last check found; None before the first, or when the credentials have changed since."""
    row = ConnectionCheck.objects.filter(account=account, kind=kind).first()
    entered = account.credentials.filter(kind=kind).values_list("updated_at", flat=True).first()
    return _shown(row) if row and entered and entered <= row.checked_at else None


def shown(step: Step) -> ShownStep:
    """A finding in words; one that a newer version kept is unknown."""
    finding = _findings.get(step.code)
    if finding is None:
        return ShownStep(Found.UNKNOWN, step.code, "", "")
    regions = dict(SellerAccount.Region.choices)
    params = {
        name: regions.get(str(value), value) if name in _REGIONS else value for name, value in step.params.items()
    }
    texts = (str(text) % params if text else "" for text in (finding.title, finding.sentence, finding.fix))
    return ShownStep(finding.found, *texts)


def _shown(row: ConnectionCheck) -> Result:
    return Result(row.checked_at, [shown(Step(step["code"], step["params"])) for step in row.steps])
