"""A file from a person's hand, on the same way as any other document.

`look` says what a file is without changing anything; `recognise_and_keep` keeps it; `settle` makes
facts of it and waits when another worker was quicker. What the operator answered (a day, an order
of day and month) is kept with the document, so that it can be read again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from datetime import time as clock
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace, SellerAccount, User

from . import charset, pipeline, registry
from .decode import Decoded, decode
from .errors import BadDocument, UnknownKind, WrongCharset, WrongMarketplace
from .models import Document, Ingest
from .recognise import Recognised, recognise
from .registry import ReportSpec, Scope
from .survey import Answers, survey

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
        return pipeline.keep(
            raw,
            spec_key=found.spec.key,
            account=account,
            marketplace=marketplace,
            source=Document.Source.UPLOAD,
            source_created_at=_created(found, marketplace, answers.day),
            options=found.options,
            window=found.window,
            file_name=name[:255],
            user=user,
            declared_charset=answers.charset,
        )


def settle(document: Document) -> pipeline.Outcome:
    """Make facts of a kept document now, or tell what the worker that had it made of it."""
    ingest = document.ingests.latest("pk")
    outcome = pipeline.run_ingest(ingest.pk, force=_read_otherwise_before(document))
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
        try:
            found = recognise(decoded, wanted)
            result = Look(found.spec, window=_window(found, answers.day))
            if found.layout is not None:
                _survey(result, decoded, found, marketplace, answers)
                result.options["scope"] = [account.pk, marketplace.pk]
            elif result.window:
                result.first_day, result.last_day = result.window
        except BadDocument as error:
            error.file = error.file or name
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


def _created(found: Look, marketplace: Marketplace, day: date | None) -> datetime:
    """As new as the moment it is handed over; a state of an earlier day no newer than that day's end."""
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
