"""A file from a person's hand, on the same way as any other document.

`look` says what a file is without changing anything; `recognise_and_keep` keeps it; `settle` makes
facts of it and waits when another worker was quicker. What the operator answered (a day, an order
of day and month) is kept with the document, so that it can be read again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from datetime import time as clock
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace, SellerAccount, User

from . import charset, memory, pipeline, registry
from .decode import Decoded, decode
from .errors import Ambiguous, BadDocument, UnknownKind, WrongCharset, WrongMarketplace
from .models import Document, Ingest, RememberedAnswer
from .recognise import Recognised, find_layouts, recognise
from .registry import ReportSpec, Scope
from .survey import Answers, survey
from .tables import Layout

#: How long `settle` waits for another worker that took the document first.
PATIENCE_SECONDS = 600


@dataclass(slots=True)
class Look:
    """What a file is; nothing was changed by looking."""

    spec: ReportSpec
    rows: int | None = None  # None: told when it is read (JSON)
    first_day: date | None = None
    last_day: date | None = None
    window: tuple[date, date] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    layout: Layout | None = None  # of tables
    charset: str = ""  # "" for a workbook
    size: int = 0  # decoded bytes
    #: With which answers it was read, and which of them were given for an earlier file.
    answers: Answers = Answers()
    recalled: dict[str, RememberedAnswer] = field(default_factory=dict)


def look(
    file: Path | BinaryIO,
    *,
    account: SellerAccount,
    marketplace: Marketplace,
    type: str = "",
    answers: Answers | None = None,
    file_name: str = "",
) -> Look:
    """Recognise a file and read it through once. Raises BadDocument, Ambiguous where only the operator knows."""
    answers = answers or Answers()
    with _opened(file, file_name) as (raw, name):
        return _look(raw, name, account, marketplace, type, answers)


def look_as_answered(
    file: Path | BinaryIO,
    *,
    account: SellerAccount,
    marketplace: Marketplace,
    type: str = "",
    answers: Answers | None = None,
    file_name: str = "",
) -> Look:
    """`look`, with what was answered before where the file leaves it open. Raises as `look` does.

    What was answered before is no reason to refuse a file: where it does not fit, the question is asked.
    """
    answers = answers or Answers()
    recalled: dict[str, RememberedAnswer] = {}
    asked: Ambiguous | None = None
    while True:
        try:
            found = look(
                file, account=account, marketplace=marketplace, type=type, answers=answers, file_name=file_name
            )
        except Ambiguous as question:
            before = memory.recall(account, question)
            if before is None or question.needs in recalled:
                raise
            asked = asked or question
            recalled[question.needs] = before
            if question.needs == "kind":
                type = before.answers["kind"]
            else:
                answers = replace(answers, **{question.needs: before.answers[question.needs]})
        except BadDocument:
            if asked is not None:
                raise asked from None
            raise
        else:
            found.recalled = recalled
            return found


def recognise_and_keep(
    file: Path | BinaryIO,
    *,
    account: SellerAccount,
    marketplace: Marketplace,
    type: str = "",
    answers: Answers | None = None,
    file_name: str = "",
    user: User | None = None,
    found: Look | None = None,
) -> Document:
    """Keep a recognised file as a document that waits to be ingested; BadDocument keeps nothing.

    `found` is what `look` said of the same file with the same answers, to spare a second pass.
    """
    answers = answers or Answers()
    with _opened(file, file_name) as (raw, name):
        found = found or _look(raw, name, account, marketplace, type, answers)
        with transaction.atomic():
            document = pipeline.keep(
                raw,
                spec_key=found.spec.key,
                account=account,
                marketplace=marketplace,
                source=Document.Source.UPLOAD,
                source_created_at=made_at(found, marketplace, answers.day),
                options=found.options,
                window=found.window,
                file_name=name[:255],
                user=user,
                declared_charset=answers.charset,
            )
            if _read_otherwise_before(document):
                document.ingests.update(task=Ingest.Task.REPLAY)
        return document


def settle(document: Document) -> pipeline.Outcome:
    """Make facts of a kept document now, or tell what the worker that had it made of it."""
    ingest = document.ingests.latest("pk")
    outcome = pipeline.run_ingest(ingest.pk)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while outcome is None:
        ingest.refresh_from_db()
        if ingest.finished_at is not None:
            return _told(ingest)
        if time.monotonic() > deadline:
            raise TimeoutError(_("Another worker has the document and has not finished"))
        time.sleep(0.2)
    return outcome


def _look(
    raw: BinaryIO, name: str, account: SellerAccount, marketplace: Marketplace, wanted: str, answers: Answers
) -> Look:
    if wanted and wanted not in {spec.key for spec in registry.specs()}:
        raise UnknownKind(
            _("There is no report type “%(type)s”") % {"type": wanted},
            todo=_("Choose one of: %(types)s.") % {"types": ", ".join(sorted(spec.key for spec in registry.specs()))},
        )
    if answers.charset and not charset.known(answers.charset):
        raise WrongCharset(_("There is no encoding “%(name)s”") % {"name": answers.charset}, file=name)
    with decode(raw, declared_charset=answers.charset, marketplace_code=marketplace.code, file_name=name) as decoded:
        found: Recognised | None = None
        try:
            found = recognise(decoded, wanted)
            result = Look(found.spec, window=_window(found, answers.day), layout=found.layout, answers=answers)
            result.charset, result.size = decoded.charset, decoded.size
            if found.layout is not None:
                _survey(result, decoded, found, marketplace, answers)
                result.options["scope"] = [account.pk, marketplace.pk]
            elif result.window:
                result.first_day, result.last_day = result.window
        except BadDocument as error:
            error.file = error.file or name
            if isinstance(error, Ambiguous):
                layout = found.layout if found else find_layouts(decoded)[0]
                error.spec = found.spec.key if found else ""
                error.fingerprint = memory.fingerprint(layout.header) if layout else ""
            raise
    raw.seek(0)
    return result


def _survey(result: Look, decoded: Decoded, found: Recognised, marketplace: Marketplace, answers: Answers) -> None:
    assert found.layout is not None
    told = survey(decoded, found.spec, found.layout, marketplace, answers)
    result.rows, result.options = told.rows, told.options
    days = told.days or set(result.window or ())
    result.first_day, result.last_day = min(days, default=None), max(days, default=None)


def _window(found: Recognised, day: date | None) -> tuple[date, date] | None:
    """The days the document speaks for, where its rows do not say it themselves."""
    if day is None:
        return found.window
    if found.window is not None and found.window != (day, day):
        raise WrongMarketplace(
            _("It is about %(first)s to %(last)s, not %(day)s")
            % {"first": found.window[0], "last": found.window[1], "day": day}
        )
    if all(dataset.scope is Scope.DAYS for dataset in found.spec.datasets):
        return found.window
    return (day, day)


def made_at(found: Look, marketplace: Marketplace, day: date | None) -> datetime:
    """How new an upload counts: as new as now; a state of an earlier day no newer than the end of that day."""
    now = timezone.now()
    if day is None or not any(dataset.scope is Scope.STATE for dataset in found.spec.datasets):
        return now
    return min(now, datetime.combine(day, clock.max, marketplace.zone))


def _read_otherwise_before(document: Document) -> bool:
    """The same bytes were applied with other answers: their rows are to be read again."""
    last = (
        Document.objects.filter(
            account=document.account_id,
            marketplace=document.marketplace_id,
            spec=document.spec,
            sha256=document.sha256,
            ingests__state__in=[Ingest.State.APPLIED, Ingest.State.UNCHANGED],
        )
        .exclude(pk=document.pk)
        .order_by("-pk")
        .first()
    )
    return last is not None and last.options != document.options


def _told(ingest: Ingest) -> pipeline.Outcome:
    return pipeline.Outcome(
        ingest.state,
        ingest.reason,
        rows_in=ingest.rows_in,
        changed=ingest.rows_changed,
        unchanged=ingest.rows_unchanged,
        deleted=ingest.rows_deleted,
        refused=ingest.rows_refused,
        errors=ingest.errors,
        unknown_columns=ingest.unknown_columns,
    )


@contextmanager
def _opened(file: Path | BinaryIO, file_name: str) -> Iterator[tuple[BinaryIO, str]]:
    if not isinstance(file, Path):
        yield file, file_name
        return
    try:
        raw = file.open("rb")
    except OSError as error:
        raise BadDocument(_("The file cannot be opened (%(why)s)") % {"why": error.strerror}, file=file.name) from None
    with raw:
        yield raw, file_name or file.name
