"""One way in for every document: keep it, read it, replace what it speaks for.

`keep` stores the raw bytes and leaves a waiting `Ingest` row; `run_ingest` does the work and
records the outcome in that row. A bad document is an outcome, not an exception: its row says
what is wrong, where, and what to do, and the facts stay as they were.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO

from django.db import DataError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace, SellerAccount, User

from . import doubts, hints, leases, personal, rawstore, registry, unique
from .ahead import read_ahead
from .decode import Decoded, decode
from .errors import BadDocument, Empty, Held, UnknownKind, WrongMarketplace
from .models import Coverage, Document, DocumentDay, Fetch, Ingest
from .readers import Batch, read_json, read_tsv, records_to_batch
from .registry import Dataset, Period, ReportSpec, Scope
from .replace import Replaced, SuddenEmptiness, is_loadable, load, replace
from .staging import Staged, Stager, TooManyRefused, columns_of

#: Documents that a callable turns into rows are read whole; they are small by nature.
WHOLE_DOCUMENT_BYTES = 16 << 20


@dataclass(slots=True)
class Outcome:
    """What became of a document; the numbers are sums over its datasets."""

    state: str
    reason: str = ""
    rows_in: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    refused: int = 0
    days: list[date] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    #: What was stored of its scope is not in it.
    emptied: bool = False


def keep(
    raw: BinaryIO,
    *,
    spec_key: str,
    account: SellerAccount,
    marketplace: Marketplace,
    source: str,
    source_created_at: datetime,
    report_id: str = "",
    options: dict[str, Any] | None = None,
    window: tuple[date, date] | None = None,
    fetch: Fetch | None = None,
    file_name: str = "",
    user: User | None = None,
    declared_charset: str = "",
) -> Document:
    """Keep a document as received, but for its personal columns, and leave it to be ingested.

    `raw` is a seekable binary file, gzip or plain. Raises BadDocument (nothing kept) when the
    bytes are not a whole, readable document.
    """
    spec = registry.spec(spec_key)
    with decode(
        raw, declared_charset=declared_charset, marketplace_code=marketplace.code, file_name=file_name
    ) as decoded:
        if decoded.workbook and "header_line" not in (options or {}):
            raise UnknownKind(
                _("It is a workbook, and Amazon sends this report as text"), todo=_("Send it as an upload.")
            )
        sha256, size = decoded.sha256, decoded.size
        if spec.personal or spec.written:
            with personal.emptied(decoded, spec, options or {}) as clean:
                sha256, size = clean.sha256, clean.size
                rawstore.store(clean.file, sha256, compressed=False)
        elif decoded.was_gzip:
            raw.seek(0)
            rawstore.store(raw, sha256, compressed=True)
        else:
            rawstore.store(decoded.file, sha256, compressed=False)
        with transaction.atomic():
            document = Document.objects.create(
                account=account,
                marketplace=marketplace,
                spec=spec.key,
                source=source,
                fetch=fetch,
                report_id=report_id,
                report_type=spec.report_type,
                options={**(options or {}), "charset": decoded.charset},
                file_name=file_name,
                uploaded_by=user,
                window_start=window[0] if window else None,
                window_end=window[1] if window else None,
                source_created_at=source_created_at,
                sha256=sha256,
                size=size,
            )
            Ingest.objects.create(document=document)
    return document


def run_ingest(ingest_id: int, *, force: bool = False) -> Outcome | None:
    """Claim and do one ingest; None when somebody else has it or it is finished.

    Never raises for a bad document. Other failures (database down, disk full) raise and leave
    the row to its lease: it is tried again, and set aside after three deaths.
    """
    fence = leases.claim(Ingest, ingest_id)
    if fence is None:
        return None
    ingest = Ingest.objects.select_related("document__account", "document__marketplace").get(pk=ingest_id)
    with leases.held(Ingest, ingest_id, fence):
        outcome = _do(ingest, force)
    told = {
        "state": outcome.state,
        "reason": outcome.reason,
        "rows_in": outcome.rows_in,
        "rows_changed": outcome.changed,
        "rows_unchanged": outcome.unchanged,
        "rows_deleted": outcome.deleted,
        "rows_refused": outcome.refused,
        "days": len(outcome.days),
        "errors": outcome.errors,
        "unknown_columns": outcome.unknown_columns,
    }
    with transaction.atomic():
        if leases.finish(Ingest, ingest_id, fence, **told) and ingest.document.fetch_id:
            if outcome.emptied:
                doubts.ask_once_more(ingest.document, outcome.reason)
            elif outcome.state in {Ingest.State.APPLIED, Ingest.State.UNCHANGED}:
                doubts.cleared(ingest.document)
    return outcome


def _do(ingest: Ingest, force: bool) -> Outcome:
    if ingest.task == Ingest.Task.WITHDRAW:
        from . import withdrawal

        return withdrawal.unmake(ingest.document)
    again = ingest.task in {Ingest.Task.REPLAY, Ingest.Task.FORCE}
    return apply(ingest.document, force=force or ingest.task == Ingest.Task.FORCE, again=again)


def _where(error: BadDocument) -> list[dict[str, Any]]:
    return [{"line": error.line, "column": error.column or "", "value": "", "why": error.what}] if error.line else []


def apply(document: Document, *, force: bool = False, again: bool = False) -> Outcome:
    """Make facts of a kept document. All its datasets change, or none does.

    `again` reads it although the same bytes were applied before; `force` also where it was held.
    """
    outcome = Outcome(Ingest.State.APPLIED)
    spec = registry.spec(document.spec)
    if document.withdrawn_at is not None:
        return Outcome(Ingest.State.WITHDRAWN, _("It was withdrawn and counts for nothing"))
    if not (force or again) and (same := _applied_before(document, spec)) is not None:
        return Outcome(Ingest.State.UNCHANGED, _("The same file was applied before; nothing to do"), days=same)
    try:
        replaced = _ingest(document, spec, outcome, force)
    except TooManyRefused as error:
        staged = error.staged
        return Outcome(Ingest.State.HELD, str(error), rows_in=staged.rows, refused=staged.refused, errors=staged.errors)
    except (SuddenEmptiness, Held) as error:
        emptied = isinstance(error, SuddenEmptiness)
        return Outcome(Ingest.State.HELD, str(error), errors=_where(error), emptied=emptied)
    except Empty as error:
        emptied = not force and doubts.has_rows(document)  # by hand or not, there is nothing to apply
        state = Ingest.State.HELD if emptied else Ingest.State.REFUSED
        return Outcome(state, str(error), errors=_where(error), emptied=emptied)
    except BadDocument as error:
        return Outcome(Ingest.State.REFUSED, str(error), errors=_where(error))
    except DataError as error:
        # A text or number that no such column of Amazon's holds: the database has the last word.
        what = str(error).partition("\n")[0]
        return Outcome(Ingest.State.REFUSED, _("A value does not fit: %(what)s. Nothing was changed.") % {"what": what})
    days: set[date] = set()
    for result in replaced:
        outcome.changed += result.changed
        outcome.deleted += result.deleted
        outcome.unchanged += result.rows - result.changed
        days.update(result.days)
    outcome.days = sorted(days)
    if not days:
        outcome.state = Ingest.State.SUPERSEDED
        outcome.reason = _("A newer document already covers these days")
    elif not any(result.moved for result in replaced):
        outcome.state = Ingest.State.UNCHANGED
        outcome.reason = " ".join(filter(None, [_("Everything in it was already stored"), outcome.reason]))
    else:
        hint_judge(document)
    return outcome


def reapply(document: Document, only: Mapping[str, Collection[date]], disowned: int) -> int:
    """Make facts of a document again for the days of some datasets ({dataset key: days}); rows changed.

    Rows that document `disowned` left there are taken over. For Scope.GROUPS, days say nothing: every
    group that no newer document holds is told again. Raises BadDocument; leaves the transaction to the caller.
    """
    spec = registry.spec(document.spec)
    wanted = [dataset for dataset in spec.datasets if dataset.key in only and _takes_part(dataset, document)]
    day = document_day(document)
    changed = 0
    with _staged(document, spec, wanted) as staged:
        for part in staged:
            days = only[part.dataset.key]
            result = replace(part, document, document.marketplace, day=day, force=True, only=days, disowned=disowned)
            changed += result.changed + result.deleted
    return changed


def _ingest(document: Document, spec: ReportSpec, outcome: Outcome, force: bool) -> list[Replaced]:
    wanted = [dataset for dataset in spec.datasets if _takes_part(dataset, document)]
    if len(wanted) == 1 and _comes_in_one_run(spec, wanted[0]) and is_loadable(wanted[0], document):
        loaded = _load(document, spec, wanted[0], outcome)
        if loaded is not None:
            return [loaded]
    return _stage_and_replace(document, spec, wanted, outcome, force)


def _load(document: Document, spec: ReportSpec, dataset: Dataset, outcome: Outcome) -> Replaced | None:
    """The short way for days nobody has spoken of, as in a back-fill: no staging. None: take the long way."""
    stager = _stager(document, spec, dataset)
    try:
        with rawstore.open_raw(document.sha256) as content:
            _dataset, batches = next(_parts(document, spec, [dataset], content))
            loaded = load(stager, document, document.marketplace, batches)
    finally:
        stager.drop()
    if loaded is not None:
        _tell(outcome, stager.staged)
    return loaded


def _stage_and_replace(
    document: Document, spec: ReportSpec, wanted: list[Dataset], outcome: Outcome, force: bool
) -> list[Replaced]:
    day = document_day(document)
    with _staged(document, spec, wanted) as staged:
        _check_as_a_whole(document, staged)
        for part in staged:
            _tell(outcome, part, same_rows=spec.format != "json")
        with transaction.atomic():
            return [replace(part, document, document.marketplace, day=day, force=force) for part in staged]


@contextmanager
def rehearsed(document: Document, content: BinaryIO) -> Iterator[tuple[list[Staged], Outcome]]:
    """The rows of a document that is not kept, staged and checked as those of a kept one, and what they told.

    `document` may be unsaved; `content` are its decoded bytes. Raises BadDocument.
    """
    spec = registry.spec(document.spec)
    outcome = Outcome(Ingest.State.APPLIED)
    wanted = [dataset for dataset in spec.datasets if _takes_part(dataset, document)]
    with _staged(document, spec, wanted, content) as staged:
        _check_as_a_whole(document, staged)
        for part in staged:
            _tell(outcome, part, same_rows=spec.format != "json")
        yield staged, outcome


def _check_as_a_whole(document: Document, staged: list[Staged]) -> None:
    _reject_headers_as_data(staged)
    _reject_other_marketplaces(staged, document)


@contextmanager
def _staged(
    document: Document, spec: ReportSpec, wanted: list[Dataset], content: BinaryIO | None = None
) -> Iterator[list[Staged]]:
    """The document's rows in staging tables, one a dataset, which are gone afterwards.

    In autocommit the tables live outside the transaction that replaces the scope. `content` stands for
    the kept bytes, where they are not kept yet.
    """
    stagers = {dataset.key: _stager(document, spec, dataset) for dataset in wanted}
    opened: list[Stager] = []
    try:
        with nullcontext(content) if content is not None else rawstore.open_raw(document.sha256) as content:
            for dataset, batches in _parts(document, spec, wanted, content):
                stager = stagers[dataset.key]
                if stager not in opened:
                    opened.append(stager.create())
                stager.copy(batches)
        yield [stager.staged for stager in opened]
    finally:
        for stager in opened:
            stager.drop()


def _stager(document: Document, spec: ReportSpec, dataset: Dataset) -> Stager:
    known = [name for item in spec.datasets for column in columns_of(item) for name in column.names]
    window = None
    if document.window_start and document.window_end and spec.history:
        window = document.window_start, document.window_end
    return Stager(dataset, document.marketplace, (*known, *spec.unstored, *spec.personal), window)


def _tell(outcome: Outcome, part: Staged, *, same_rows: bool = False) -> None:
    """`same_rows`: the datasets of a table read the same lines, which are not counted twice."""
    outcome.rows_in = max(outcome.rows_in, part.rows) if same_rows else outcome.rows_in + part.rows
    outcome.refused = max(outcome.refused, part.refused) if same_rows else outcome.refused + part.refused
    outcome.errors += [error for error in part.errors if error not in outcome.errors]
    outcome.datasets.append(part.dataset.key)
    outcome.unknown_columns += [n for n in part.unknown_columns if n not in outcome.unknown_columns]
    if part.elsewhere:
        outcome.reason = _("%(count)d rows are about other marketplaces (%(names)s) and were left out") % {
            "count": part.elsewhere.total(),
            "names": _names_of(part),
        }


def _names_of(part: Staged) -> str:
    return ", ".join(f"{name} {count}" for name, count in part.elsewhere.most_common(6))


def _comes_in_one_run(spec: ReportSpec, dataset: Dataset) -> bool:
    """Whether the dataset's rows stand together in the document: in a JSON object they might not."""
    return spec.format != "json" or dataset.rows == ""


def parts(document: Document, content: BinaryIO) -> Generator[tuple[Dataset, Iterator[Batch]]]:
    """The rows of a kept document as they are read: (dataset, batches) for each dataset it feeds."""
    spec = registry.spec(document.spec)
    yield from _parts(document, spec, [dataset for dataset in spec.datasets if _takes_part(dataset, document)], content)


def _parts(
    document: Document, spec: ReportSpec, wanted: list[Dataset], content: BinaryIO
) -> Iterator[tuple[Dataset, Iterator[Batch]]]:
    """The document's rows as (dataset, batches), each dataset's rows in one run."""
    charset = str(document.options.get("charset") or "utf-8")
    written: Mapping[str, Any] = document.options
    if spec.localised and "delimiter" not in written:
        from . import localised  # with what uploads need, which other fetched documents do without

        written = localised.options(content, charset, spec, document) or written
    if spec.format == "tsv" and "delimiter" not in written:
        for dataset in wanted:
            content.seek(0)
            yield dataset, read_ahead(read_tsv(content, charset))
    elif spec.format in {"csv", "tsv"}:
        from . import tables

        with Decoded.reopen(content, charset) as decoded:
            for dataset in wanted:
                yield dataset, tables.open_table(decoded, spec, dataset, written)
    else:
        yield from _json_parts(document, spec, wanted, content)


def _json_parts(
    document: Document, spec: ReportSpec, wanted: list[Dataset], content: BinaryIO
) -> Iterator[tuple[Dataset, Iterator[Batch]]]:
    shaped = [dataset for dataset in wanted if callable(dataset.rows)]
    if shaped:
        yield from _shaped_parts(document, shaped, content)
        return
    by_path = {str(dataset.rows): dataset for dataset in wanted}
    ignored = {str(dataset.rows) for dataset in spec.datasets} - set(by_path)
    seen: set[str] = set()
    for path, group in itertools.groupby(read_ahead(read_json(content)), key=lambda part: part[0]):
        if path in by_path:
            seen.add(path)
            yield by_path[path], (_batch(value) for _path, value in group)
        else:
            for _path, value in group:
                if spec.preflight is not None and path not in ignored:
                    spec.preflight(path, value, document)
    if missing := sorted(set(by_path) - seen):
        raise BadDocument(
            _("The part “%(name)s” is missing") % {"name": missing[0]},
            todo=_("Check that this is a %(type)s document; nothing was changed.") % {"type": spec.report_type},
        )


def _shaped_parts(
    document: Document, shaped: list[Dataset], content: BinaryIO
) -> Iterator[tuple[Dataset, Iterator[Batch]]]:
    import orjson

    try:
        text = content.read(WHOLE_DOCUMENT_BYTES).removeprefix(codecs.BOM_UTF8)
        whole = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadDocument(_("The JSON is broken or cut off"), line=error.lineno) from None
    unique.check(text, whole)
    for dataset in shaped:
        assert callable(dataset.rows)
        every = list(dataset.rows(whole))
        rows = [row for row in every if row.pop("marketplaceId", None) in _theirs(document)]
        # That nothing was on sale is something a report can say; that all of it was elsewhere is not.
        if not rows and (every or dataset.scope is not Scope.GROUPS):
            kind = WrongMarketplace if every else Empty
            raise kind(_("It says nothing about marketplace %(code)s") % {"code": document.marketplace.code})
        yield dataset, iter([records_to_batch(rows, 1)])


def _theirs(document: Document) -> set[str | None]:
    return {document.marketplace.amazon_id, None}


def _batch(value: Any) -> Batch:
    if not isinstance(value, Batch):
        raise BadDocument(_("A list of rows was expected here"))
    return value


def _takes_part(dataset: Dataset, document: Document) -> bool:
    if dataset.applies is None:
        return True
    start, end = document.window_start, document.window_end
    return bool(start and end and dataset.applies(start, end))


def document_day(document: Document) -> date:
    """The marketplace's day that undated rows belong to."""
    if document.window_start and (
        document.window_start == document.window_end or registry.spec(document.spec).period is not Period.DAY
    ):
        return document.window_start
    return document.marketplace.day_of(document.source_created_at)


def _reject_headers_as_data(staged: list[Staged]) -> None:
    if (
        staged
        and all(part.rows == 0 for part in staged)
        and all(part.dataset.scope in {Scope.DAY, Scope.STATE} for part in staged)
        and not any(part.dataset.may_be_empty for part in staged)
    ):
        raise Empty(_("The file has a header and no rows"), todo=_("Nothing was changed."))


def _reject_other_marketplaces(staged: list[Staged], document: Document) -> None:
    """An account's report may tell of another marketplace only; a file for this one is then the wrong file."""
    for part in staged:
        if document.source == Document.Source.UPLOAD and part.elsewhere and not part.rows:
            raise WrongMarketplace(
                _("None of its rows is about marketplace %(code)s; they are about %(names)s")
                % {"code": document.marketplace.code, "names": _names_of(part)},
                todo=_("Choose the marketplace the file was downloaded from."),
            )


def _applied_before(document: Document, spec: ReportSpec) -> list[date] | None:
    """The days, if the same bytes are what is stored for all of them; they are now as fresh as this copy."""
    last = (
        Document.objects.filter(
            account=document.account_id,
            marketplace=document.marketplace_id,
            spec=spec.key,
            window_start=document.window_start,
            window_end=document.window_end,
            withdrawn_at=None,
            ingests__state__in=[Ingest.State.APPLIED, Ingest.State.UNCHANGED],
        )
        .exclude(pk=document.pk)
        .order_by("-source_created_at", "-pk")
        .first()
    )
    # Undated rows belong to the day of the document: the same bytes on another day are news.
    if last is None or last.sha256 != document.sha256 or document_day(last) != document_day(document):
        return None
    wanted: set[tuple[str, date]] = set()
    for dataset in spec.datasets:
        if not _takes_part(dataset, document):
            continue
        if dataset.scope is Scope.GROUPS:
            return None  # its rows are stamped with the document that says them last
        if dataset.scope is not Scope.DAYS:
            wanted.add((dataset.key, document_day(document)))
        elif document.window_start and document.window_end:
            days = dataset.period.first_days(document.window_start, document.window_end)
            wanted |= {(dataset.key, day) for day in days}
        else:
            return None  # only reading it tells which days it speaks for
    held = Coverage.objects.filter(document=last, dataset__in={key for key, _day in wanted})
    # Another document may have replaced some of its days since, under another window or report.
    if wanted != set(held.values_list("dataset", "date")):
        return None
    held.filter(source_created_at__lt=document.source_created_at).update(
        source_created_at=document.source_created_at, document=document, applied_at=timezone.now()
    )
    DocumentDay.objects.bulk_create(
        (
            DocumentDay(
                account=document.account,
                marketplace=document.marketplace,
                dataset=said.dataset,
                date=said.date,
                document=document,
                source_created_at=document.source_created_at,
                rows=said.rows,
                digest=said.digest,
            )
            for said in last.spoken_days.all()
        ),
        ignore_conflicts=True,
    )
    return sorted({day for _key, day in wanted})


def hint_judge(document: Document) -> None:
    """Tell a worker that this scope has dirty days.

    While more documents of the scope are on their way the tick judges once for all of them.
    """
    mine = {"account": document.account_id, "marketplace": document.marketplace_id}
    if not Fetch.objects.filter(**mine, finished_at=None, not_before__lte=Now()).exists():
        ids = (document.account_id, document.marketplace_id)
        transaction.on_commit(lambda: hints.hint("opsboard.kpis.judge", ids))
