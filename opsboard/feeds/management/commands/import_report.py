"""Send a report file down the same way as a fetched one, and say what became of it."""

from __future__ import annotations

import json
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace, Marketplace, SellerAccount
from opsboard.feeds import archives, cells, upload
from opsboard.feeds.decode import Limits
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Ingest
from opsboard.feeds.pipeline import Outcome
from opsboard.feeds.survey import Answers

BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Import report files downloaded from Amazon, also several in a zip. Exit code 2: one of them is refused, "
        "and of that one nothing was changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--account", required=True, help="name or id of the seller account")
        parser.add_argument("--marketplace", required=True, help="code of the marketplace, such as US or DE")
        parser.add_argument("--type", default="", help="report type; left away, the file is recognised")
        parser.add_argument("--day", type=date.fromisoformat, help="the day of rows that carry none (YYYY-MM-DD)")
        parser.add_argument("--date-order", choices=[cells.DMY, cells.MDY], default="", help="how 07/10/2025 is read")
        parser.add_argument("--decimal", choices=[".", ","], default="", help="the decimal point of 1.234")
        parser.add_argument("--encoding", default="", help="how the text is encoded, where the file does not tell")
        parser.add_argument("--dry-run", action="store_true", help="do everything, keep nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object a file")

    def handle(self, *args: Any, **options: Any) -> None:
        paths: list[Path] = options["file"]
        try:
            scope = find_scope(options["account"], options["marketplace"])
        except BadDocument as error:
            self.stderr.write(str(error))
            sys.exit(BAD_INPUT)
        read = refused = 0
        alone = len(paths) == 1 and not _is_bundle(paths[0])
        for name, file in (found for path in paths for found in files_of(path)):
            if self._import(name, file, scope, options, alone):
                read += 1
            else:
                refused += 1
        if not alone and not options["json"]:
            self.stdout.write(_("%(read)d read, %(refused)d refused") % {"read": read, "refused": refused})
        if refused:
            sys.exit(BAD_INPUT)

    def _import(
        self, name: str, file: Path | BadDocument, scope: AccountMarketplace, options: dict[str, Any], alone: bool
    ) -> bool:
        """Bring one file in and say what became of it; False when it is refused or held."""
        answers = Answers(options["date_order"], options["decimal"], options["day"], options["encoding"])
        asked: dict[str, Any] = {"account": scope.account, "marketplace": scope.marketplace, "file_name": name}
        try:
            if isinstance(file, BadDocument):
                raise file
            found = upload.look_as_answered(file, **asked, type=options["type"], answers=answers)
            with _nothing_kept() if options["dry_run"] else nullcontext():
                document = upload.recognise_and_keep(file, **asked, answers=found.answers, found=found)
                outcome = upload.settle(document)
        except BadDocument as error:
            error.file = error.file or name
            return self._refuse(name, str(error), [], options, alone)
        if outcome.state in {Ingest.State.REFUSED, Ingest.State.HELD}:
            at_a_line = bool(outcome.errors and outcome.errors[0].get("line"))
            sentence = f"{name}{', ' if at_a_line else ': '}{outcome.reason}"
            return self._refuse(name, sentence, outcome.errors[1:6], options, alone)
        report = describe(name, found, outcome, dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(report, default=str))
        else:
            self.stdout.write(told(report) if alone else told_shortly(report))
        return True

    def _refuse(
        self, name: str, sentence: str, more: Sequence[dict[str, Any]], options: dict[str, Any], alone: bool
    ) -> bool:
        if options["json"] and not alone:
            self.stdout.write(json.dumps({"file": name, "state": "refused", "note": sentence}))
            return False
        self.stderr.write(sentence)
        for cell in more if alone else ():
            self.stderr.write(_("  line %(line)s, column “%(column)s”: “%(value)s” %(why)s") % cell)
        return False


def files_of(path: Path) -> Iterator[tuple[str, Path | BadDocument]]:
    """(name, file) of a path: itself, or one after the other what is in a zip of several; or what is wrong with it."""
    if not _is_bundle(path):
        yield path.name, path
        return
    with path.open("rb") as raw, tempfile.TemporaryDirectory(prefix="opsboard-zip-") as directory:
        try:
            for name, content in archives.members(raw, Limits()):
                one = Path(directory) / "member"
                try:
                    if isinstance(content, BadDocument):
                        raise content
                    with one.open("wb") as out:
                        out.writelines(content)
                    if _is_bundle(one):
                        raise archives.packed_twice(name)
                except BadDocument as error:
                    error.file = name
                    yield name, error
                else:
                    yield name, one
        except BadDocument as error:
            error.file = path.name
            yield path.name, error


def _is_bundle(path: Path) -> bool:
    """A zip of several files; what cannot be opened or is damaged is no bundle, and is refused in words later."""
    try:
        with path.open("rb") as raw:
            return archives.is_bundle(raw)
    except (OSError, BadDocument):
        return False


def find_scope(account: str, marketplace: str) -> AccountMarketplace:
    """The account (by id or name) in one of its marketplaces. Raises BadDocument where there is none."""
    accounts = SellerAccount.objects.filter(pk=int(account)) if account.isdigit() else SellerAccount.objects.none()
    accounts = accounts or SellerAccount.objects.filter(name=account)
    if len(accounts) != 1:
        raise BadDocument(
            _("There is no seller account “%(name)s”") % {"name": account}
            if not accounts
            else _("Several seller accounts are called “%(name)s”") % {"name": account},
            todo=_("Name it by its id; see Settings > Accounts."),
        )
    shop = Marketplace.objects.filter(code=marketplace.upper()).first()
    scope = AccountMarketplace.objects.filter(account=accounts[0], marketplace=shop).first() if shop else None
    if scope is None:
        codes = AccountMarketplace.objects.filter(account=accounts[0]).values_list("marketplace__code", flat=True)
        raise BadDocument(
            _("The account does not sell in marketplace “%(code)s”") % {"code": marketplace},
            todo=_("It sells in: %(codes)s.") % {"codes": ", ".join(sorted(codes)) or "-"},
        )
    return scope


def describe(file_name: str, found: upload.Look, outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    days = outcome.days
    return {
        "file": file_name,
        "type": found.spec.key,
        "label": str(found.spec.label),
        "datasets": outcome.datasets or [dataset.key for dataset in found.spec.datasets],
        "first_day": days[0] if days else found.first_day,
        "last_day": days[-1] if days else found.last_day,
        "days": len(days),
        "rows_in": outcome.rows_in or found.rows or 0,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "deleted": outcome.deleted,
        "refused": outcome.refused,
        "errors": outcome.errors,
        "unknown_columns": outcome.unknown_columns,
        "state": str(outcome.state),
        "no_op": outcome.state in {Ingest.State.UNCHANGED, Ingest.State.SUPERSEDED},
        "note": outcome.reason,
        "recalled": {
            needs: {"value": one.answers[needs], "at": one.answered_at.isoformat()}
            for needs, one in found.recalled.items()
        },
        "dry_run": dry_run,
    }


def told(report: dict[str, Any]) -> str:
    """The report as lines for a person."""
    lines = [_("%(file)s: %(label)s (%(type)s)") % report]
    if report["first_day"]:
        lines.append(_("Days: %(first_day)s to %(last_day)s") % report)
    lines.append(
        _(
            "Rows: %(rows_in)d in, %(changed)d changed, %(unchanged)d unchanged, "
            "%(deleted)d removed, %(refused)d refused"
        )
        % report
    )
    lines += [_("Refused: line %(line)s, column “%(column)s”: “%(value)s” %(why)s") % cell for cell in report["errors"]]
    if report["unknown_columns"]:
        lines.append(_("Columns nobody reads: %(names)s") % {"names": ", ".join(report["unknown_columns"])})
    lines += _recalled(report)
    if report["no_op"]:
        lines.append(_("Nothing to do: %(note)s.") % report)
    elif report["note"]:
        lines.append(f"{report['note']}.")
    if report["dry_run"]:
        lines.append(_("Dry run: nothing was kept or changed."))
    return "\n".join(lines)


def told_shortly(report: dict[str, Any]) -> str:
    """The report as one line."""
    days = f", {report['first_day']} – {report['last_day']}" if report["first_day"] else ""
    rows = _("%(rows_in)d rows, %(changed)d changed, %(deleted)d removed, %(refused)d refused") % report
    parts = [f"{report['file']}: {report['label']}{days}: {rows}", *_recalled(report)]
    if report["note"]:
        parts.append(f"{report['note']}.")
    if report["dry_run"]:
        parts.append(_("Dry run: nothing was kept or changed."))
    return " ".join(parts)


def _recalled(report: dict[str, Any]) -> list[str]:
    return [
        _("Read with “%(value)s”, as answered on %(day)s for such a file.")
        % {"value": one["value"], "day": one["at"][:10]}
        for one in report["recalled"].values()
    ]


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """Rows go back, and the bytes into a directory that goes away."""
    kept = settings.DOCUMENT_DIR
    with tempfile.TemporaryDirectory(prefix="opsboard-dry-run-") as directory, transaction.atomic():
        settings.DOCUMENT_DIR = Path(directory)
        try:
            yield
        finally:
            settings.DOCUMENT_DIR = kept
            transaction.set_rollback(True)
