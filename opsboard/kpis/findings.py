"""Short ways to say what a step found."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.ui import formats

from .contract import source_label
from .playbook import Case, Finding, Result
from .registry import Evidence

ROWS = 10


def failed(sentence: str, evidence: Evidence | None = None, *, action: str = "", url: str = "") -> Finding:
    return Finding(Result.FAIL, sentence, evidence, action, url)


def passed(sentence: str, evidence: Evidence | None = None) -> Finding:
    return Finding(Result.PASS, sentence, evidence)


def unknown(sentence: str, *, action: str = "", url: str = "") -> Finding:
    return Finding(Result.UNKNOWN, sentence, None, action, url)


def missing(case: Case, dataset: str, *, before: bool = True) -> Finding:
    """The report this needs is not there, or not for all of the days: which, for when, and how to get it."""
    first = case.before[0] if before else case.first
    words = {"report": source_label(dataset), "span": formats.span(first, case.last)}
    return unknown(
        _("“%(report)s” is not there for enough of %(span)s.") % words,
        action=_("Upload the report, or connect the account so that it is fetched."),
        url=reverse("feeds:upload") + f"?scope={case.scope.pk}",
    )


def since(day: date | None) -> str:
    """ " since 12 Nov", or nothing where no day stands out."""
    return _(" since %(day)s") % {"day": formats.day(day)} if day else ""


def span(case: Case) -> str:
    return formats.span(case.first, case.last)


def ratio(numerator: Decimal | int | None, denominator: Decimal | int | None) -> Decimal | None:
    """Their ratio; None where either is missing or there is nothing to divide by."""
    if numerator is None or not denominator:
        return None
    return Decimal(numerator) / Decimal(denominator)


def rate(numerator: Decimal | int | None, denominator: Decimal | int | None, digits: int = 1) -> str:
    return formats.percent(ratio(numerator, denominator), digits)
