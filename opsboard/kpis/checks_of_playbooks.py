"""Start-up checks: every KPI that mails has a playbook, and every playbook holds together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.utils.functional import Promise

from .playbook import Playbook, playbooks, situations, steps
from .registry import kpis, measures


@register()
def check_playbooks(app_configs: Any, **_options: Any) -> list[CheckMessage]:
    books = {id(book): book for book in playbooks().values()}.values()
    return [*_step_errors(), *(error for book in books for error in _book_errors(book)), *_silent_kpis(), *_runs()]


def _silent_kpis() -> Iterator[CheckMessage]:
    for kpi in kpis().values():
        mails = bool(kpi.target) or any(limit.severity == "breach" for limit in kpi.limits)
        if mails and kpi.key not in playbooks():
            yield Error(
                f"KPI {kpi.key} mails people when its limit breaks and has no playbook.",
                hint="Declare one with register_playbooks() in its domain's diagnoses.py.",
                id="kpis.E020",
            )


def _step_errors() -> Iterator[CheckMessage]:
    for step in steps().values():
        for name in ("question", "action"):
            words = getattr(step, name)
            if not str(words) or not isinstance(words, Promise):
                yield Error(
                    f"Step {step.key} has no {name} that can be read in every language.",
                    hint='Mark it with gettext_lazy: _("...").',
                    id="kpis.E021",
                )


def _book_errors(book: Playbook) -> Iterator[CheckMessage]:
    name = "/".join(book.kpis)
    yield from _unknown_steps(f"The playbook of {name}", book.steps)
    for key in book.kpis:
        if key not in kpis():
            yield Error(f"A playbook is for the unknown KPI {key!r}.", id="kpis.E023")
    for factor in book.factors:
        for measure in filter(None, (factor.numerator, factor.denominator)):
            if measure not in measures():
                yield Error(f"The playbook of {name} splits by the unknown measure {measure!r}.", id="kpis.E024")


def _runs() -> Iterator[CheckMessage]:
    for situation in situations().values():
        yield from _unknown_steps(f"The situation {situation.key}", situation.steps)


def _unknown_steps(what: str, keys: tuple[str, ...]) -> Iterator[CheckMessage]:
    if not keys or len(set(keys)) < len(keys):
        yield Error(f"{what} has no steps, or one twice.", id="kpis.E025")
    for key in keys:
        if key not in steps():
            yield Error(
                f"{what} names the unknown step {key!r}.",
                hint="Declare it with register_steps() in a domain's diagnoses.py.",
                id="kpis.E022",
            )
