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
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace, Marketplace, SellerAccount
from opsboard.feeds import cells, upload
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Ingest
from opsboard.feeds.pipeline import Outcome
from opsboard.feeds.survey import Answers

BAD_INPUT = 2


class Command(BaseCommand):
    help = "Import a report file downloaded from Amazon. Exit code 2: the file is refused and nothing was changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--account", required=True, help="name or id of the seller account")
        parser.add_argument("--marketplace", required=True, help="code of the marketplace, such as US or DE")
        parser.add_argument("--type", default="", help="report type; left away, the file is recognised")
        parser.add_argument("--day", type=date.fromisoformat, help="the day of rows that carry none (YYYY-MM-DD)")
        parser.add_argument("--date-order", choices=[cells.DMY, cells.MDY], default="", help="how 07/10/2025 is read")
        parser.add_argument("--decimal", choices=[".", ","], default="", help="the decimal point of 1.234")
        parser.add_argument("--encoding", default="", help="how the text is encoded, where the file does not tell")
        parser.add_argument("--dry-run", action="store_true", help="do everything, keep nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            scope = find_scope(options["account"], options["marketplace"])
            answers = Answers(options["date_order"], options["decimal"], options["day"], options["encoding"])
            asked = {
                "account": scope.account,
                "marketplace": scope.marketplace,
                "type": options["type"],
                "answers": answers,
            }
            found = upload.look(file, **asked)
            with _nothing_kept() if options["dry_run"] else nullcontext():
                outcome = upload.settle(upload.recognise_and_keep(file, **asked, found=found))
        except BadDocument as error:
            self._refuse(str(error))
        if outcome.state in {Ingest.State.REFUSED, Ingest.State.HELD}:
            at_a_line = bool(outcome.errors and outcome.errors[0].get("line"))
            self._refuse(f"{file.name}{', ' if at_a_line else ': '}{outcome.reason}", outcome.errors[1:6])
        report = describe(file.name, found, outcome, dry_run=options["dry_run"])
        self.stdout.write(json.dumps(report, default=str) if options["json"] else told(report))

    def _refuse(self, sentence: str, more: Sequence[dict[str, Any]] = ()) -> NoReturn:
        self.stderr.write(sentence)
        for cell in more:
            self.stderr.write(_("  line %(line)s, column “%(column)s”: “%(value)s” %(why)s") % cell)
        sys.exit(BAD_INPUT)


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
    if report["no_op"]:
        lines.append(_("Nothing to do: %(note)s.") % report)
    elif report["note"]:
        lines.append(f"{report['note']}.")
    if report["dry_run"]:
        lines.append(_("Dry run: nothing was kept or changed."))
    return "\n".join(lines)


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
