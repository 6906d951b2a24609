"""manage.py doctor: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from opsboard.watch import registry
from opsboard.watch.registry import Result, Status

_EXIT = {Status.OK: 0, Status.UNKNOWN: 1, Status.WARN: 1, Status.FAIL: 2}
_WORD = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "FAIL", Status.UNKNOWN: "?"}


class Command(BaseCommand):
    help = (
        "Name what is wrong with this installation, and what to do. Exit code: 0 all is well, 1 something needs a "
        "look or cannot be told, 2 something is wrong. Works while PostgreSQL or Redis is away."
    )
    requires_system_checks = ()  # it is called when something is wrong; the checks would speak first

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
        parser.add_argument(
            "--offline", action="store_true", help="ask neither Amazon nor the mail server, only what is here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            left_out = {"credentials", "mail_server"} if options["offline"] else set()
            wanted = [check for check in registry.checks() if check.key not in left_out]
            results = registry.worst_first(registry.run(wanted))
            worst = registry.worst(results)
            self.stdout.write(_as_json(results, worst) if options["json"] else _as_text(results))
        if _EXIT[worst]:
            raise SystemExit(_EXIT[worst])


def _as_json(results: list[Result], worst: Status) -> str:
    found = [
        {
            "check": result.check.key,
            "title": str(result.check.title),
            "status": result.finding.status.value,
            "sentence": result.finding.sentence,
            "fix": str(result.check.fix),
            "evidence": dict(result.finding.evidence),
        }
        for result in results
    ]
    return json.dumps({"status": worst.value, "checks": found}, ensure_ascii=False, indent=2)


def _as_text(results: list[Result]) -> str:
    width = max(len(result.check.key) for result in results)
    lines = []
    for result in results:
        finding = result.finding
        lines.append(f"{_WORD[finding.status]:4}  {result.check.key:{width}}  {finding.sentence}")
        if finding.status in {Status.WARN, Status.FAIL}:
            indent = " " * (width + 8)
            lines += [f"{indent}{key}: {value}" for key, value in finding.evidence.items()]
            lines.append(f"{indent}-> {result.check.fix}")
    wrong = sum(result.finding.status is Status.FAIL for result in results)
    look = sum(result.finding.status is Status.WARN for result in results)
    lines += ["", f"{len(results)} checks: {wrong} wrong, {look} to look at."]
    return "\n".join(lines)
