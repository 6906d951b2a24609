"""A playbook run on a scope: steps answered one by one as they are asked for, the likely cause, what moved."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from opsboard.accounts.models import AccountMarketplace

from . import decomposition, figures, playbook
from .judge import last_mature_day
from .models import Verdict
from .playbook import Case, Finding, Playbook, Result, Situation, Step
from .registry import Kpi, Unit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    number: int
    question: str
    finding: Finding
    action: str
    likely: bool

    @property
    def status(self) -> str:
        """As the page's shapes are called."""
        return {Result.FAIL: "breach", Result.PASS: "ok"}.get(self.finding.result, "unknown")

    @property
    def word(self) -> str:
        return {
            Result.FAIL: pgettext("a step of a diagnosis", "off"),
            Result.PASS: _("not this"),
            Result.UNKNOWN: _("unknown"),
        }[self.finding.result]


@dataclass(frozen=True, slots=True)
class Moved:
    """One line of what moved the figure, in words."""

    label: str
    before: str
    now: str
    moved: str
    tone: str


class Diagnosis:
    """The answers of one case; nothing is read before it is asked for, and nothing twice."""

    def __init__(
        self, case: Case, title: str, steps: Sequence[Step], kpi: Kpi | None = None, *, broken: bool = True
    ) -> None:
        self.case, self.title, self.kpi, self._steps = case, title, kpi, steps
        #: Whether there is something to explain; of a figure that is fine the first step that is off is no cause.
        self.broken = broken
        self._answers: list[Answer] = []

    def __iter__(self) -> Iterator[Answer]:
        for at, step in enumerate(self._steps):
            if at == len(self._answers):
                finding = _answered(step, self.case)
                likely = finding.result is Result.FAIL and not any(item.likely for item in self._answers)
                self._answers.append(Answer(at + 1, str(step.question), finding, _action(step, finding), likely))
            yield self._answers[at]

    @property
    def answers(self) -> list[Answer]:
        return list(self)

    @cached_property
    def cause(self) -> Answer | None:
        """The first step that is off; later ones are not looked into for it."""
        return next((answer for answer in self if answer.likely), None)

    @property
    def summary(self) -> str:
        """What it most likely is, in one sentence; or that nothing was found, and how much could not be seen."""
        if self.cause is not None and not self.broken:
            return _("What stands out: %(what)s") % {"what": self.cause.finding.sentence}
        if self.cause is not None:
            return _("Most likely: %(cause)s") % {"cause": self.cause.finding.sentence}
        unseen = sum(answer.finding.result is Result.UNKNOWN for answer in self)
        if unseen == len(self._steps):
            return _("None of these steps can be answered yet: what each one lacks stands beside it.")
        if not unseen:
            return _("None of these steps is off: the cause is not in our data.")
        text = ngettext(
            "None of the steps we can see is off; %(n)s cannot be seen.",
            "None of the steps we can see is off; %(n)s cannot be seen.",
            unseen,
        )
        return text % {"n": unseen}

    @cached_property
    def parts(self) -> list[decomposition.Part]:
        """What each factor added to the change; empty where a side is missing or a factor is nothing."""
        factors = playbook.playbooks()[self.kpi.key].factors if self.kpi else ()
        names = sorted({name for item in factors for name in (item.numerator, item.denominator) if name})
        sums = self.case.sums(*names) if names else None
        if sums is None:
            return []
        sides = [
            [side[item.numerator] / (side[item.denominator] if item.denominator else 1) for item in factors]
            for side in sums
            if all(side[name] > 0 for name in names)
        ]
        if len(sides) < 2:
            return []
        now, before = sides
        moved = decomposition.split(before, now, [item.sign for item in factors])
        return [decomposition.Part(*line) for line in zip(factors, before, now, moved, strict=True)]

    @property
    def moved(self) -> list[Moved]:
        """The parts in words, the whole last: rounded so that the column adds up."""
        if not self.parts or self.kpi is None:
            return []
        signs = [part.factor.sign for part in self.parts]
        old = decomposition.product([part.before for part in self.parts], signs)
        new = decomposition.product([part.now for part in self.parts], signs)
        digits = {Unit.RATE: 4 if abs(new) < Decimal("0.02") else 3}.get(self.kpi.unit, 0)
        shown = decomposition.rounded([part.moved for part in self.parts], digits)
        lines = [
            self._line(str(part.factor.label), part.factor.unit, part.before, part.now, value)
            for part, value in zip(self.parts, shown, strict=True)
        ]
        whole = self._line(str(self.kpi.label), self.kpi.unit, old, new, sum(shown, Decimal(0)))
        return [*lines, whole]

    def _line(self, label: str, unit: Unit, before: Decimal, now: Decimal, moved: Decimal) -> Moved:
        assert self.kpi is not None
        market = self.case.marketplace
        words = figures.difference(moved, self.kpi.unit, market)
        sign = "−" if moved < 0 else "+" if moved > 0 else ""
        good = moved * self.kpi.direction > 0
        tone = "" if not moved or not self.kpi.direction else "good" if good else "bad"
        return Moved(
            label, figures.in_words(before, unit, market), figures.in_words(now, unit, market), sign + words, tone
        )


def _answered(step: Step, case: Case) -> Finding:
    """A step's finding; one that fails to work takes neither the page nor the judgement with it."""
    try:
        with transaction.atomic():
            return step.check(case)
    except Exception:
        log.exception("step %s could not be answered", step.key)
        return Finding(Result.UNKNOWN, _("This could not be worked out; opsboard's log says why."))


def _action(step: Step, finding: Finding) -> str:
    """What to do next: of a step that is off its own words, else only what the finding itself asks for."""
    return finding.action or (str(step.action) if finding.result is Result.FAIL else "")


def of_kpi(kpi: Kpi, scope: AccountMarketplace, first: date, last: date, *, broken: bool = True) -> Diagnosis | None:
    """The diagnosis of a KPI over the days it was judged by; None where it has no playbook."""
    found = playbook.playbooks().get(kpi.key)
    if found is None:
        return None
    case = Case.of_kpi(kpi, scope, first, last)
    case.suspects = _suspects(found, case)
    return Diagnosis(case, str(found.title), playbook.of(found.steps), kpi, broken=broken)


def _suspects(found: Playbook, case: Case) -> frozenset[str]:
    if found.suspects is None:
        return frozenset()
    try:
        with transaction.atomic():
            return found.suspects(case)
    except Exception:
        log.exception("the products behind %s could not be worked out", found.kpis)
        return frozenset()


def now(kpi: Kpi, scope: AccountMarketplace) -> Diagnosis | None:
    """The diagnosis of a KPI as it stands, breached or not."""
    verdict = Verdict.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, kpi=kpi.key).first()
    last = last_mature_day(kpi, scope.marketplace.today())
    if verdict is not None and verdict.first and verdict.last:
        broken = verdict.status in {Verdict.Status.BREACH, Verdict.Status.WARN}
        return of_kpi(kpi, scope, verdict.first, verdict.last, broken=broken)
    return of_kpi(kpi, scope, last - timedelta(days=kpi.days - 1), last, broken=False)


def of_situation(situation: Situation, scope: AccountMarketplace) -> Diagnosis:
    """The steps of a situation over its newest days."""
    last = scope.marketplace.today() - timedelta(days=1)
    case = Case(scope, last - timedelta(days=situation.days - 1), last)
    return Diagnosis(case, str(situation.title), playbook.of(situation.steps))


@dataclass(frozen=True, slots=True)
class Spotted:
    """A situation a shop is in."""

    situation: Situation
    scope: AccountMarketplace
    sentence: str


def spotted(scopes: Sequence[AccountMarketplace], domain: str = "") -> list[Spotted]:
    """The situations these shops are in; of one domain's, or all."""
    found = []
    for situation in playbook.situations().values():
        if domain and situation.domain != domain:
            continue
        told = situation.detect(scopes)
        found += [Spotted(situation, scope, told[scope.pk]) for scope in scopes if scope.pk in told]
    return found
