"""Many files at once: each is looked at by a worker, shown to the person, and brought in by a worker.

Rows say how far each file is, so a restart loses nothing; a file that is wrong stops no other. What a
person has to say about one (a question, "bring it in") is written to its row, and a worker goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace, User

from . import archives, hints, leases, memory, registry, rehearsal, upload, waiting_room
from .decode import Limits
from .errors import Ambiguous, BadDocument, WrongCharset
from .models import UploadBatch, UploadItem
from .survey import Answers

State = UploadItem.State
#: What a worker has to do with, and what waits for a person.
DUE = (State.WAITING, State.WANTED)
SHOWN = (State.READY, State.QUESTION)

log = structlog.get_logger(__name__)
_swept: float | None = None


def open_batch(scope: AccountMarketplace, user: User, kind: str = "") -> UploadBatch:
    return UploadBatch.objects.create(account=scope.account, marketplace=scope.marketplace, user=user, kind=kind)


def add(batch: UploadBatch, name: str, blocks: Iterable[bytes], answers: Mapping[str, Any] | None = None) -> UploadItem:
    """Put a file of the batch aside, to be looked at."""
    held, size = waiting_room.hold(blocks)
    item = UploadItem.objects.create(
        batch=batch, file_name=name[:255], held=held, size=size, answers=dict(answers or {})
    )
    transaction.on_commit(wake)
    return item


def wake() -> None:
    hints.hint("opsboard.feeds.work")


# --- what a person says ---------------------------------------------------------------------------


def answer(item: UploadItem, said: Mapping[str, Any]) -> bool:
    """Look at the file again with these answers; False when it no longer waits for any."""
    answers = {**item.answers, **said}
    return _ask(item, SHOWN, State.WAITING, answers=answers, question={}, preview={}, reason="")


def want(item: UploadItem) -> bool:
    """Have a file that was shown brought in; False when it is not there to be."""
    return _ask(item, (State.READY,), State.WANTED)


def leave_out(item: UploadItem) -> bool:
    """Forget a file that waits; False when it is too late for that."""
    if not _ask(item, (*SHOWN, State.WAITING), State.DROPPED, finished_at=Now(), held=""):
        return False
    waiting_room.drop(item.held)
    return True


def _ask(item: UploadItem, of: Iterable[str], to: str, **fields: Any) -> bool:
    # A worker that is busy with the row loses it: its fence is another one now.
    done = UploadItem.objects.filter(pk=item.pk, state__in=list(of), fence=item.fence).update(
        state=to, fence=item.fence + 1, lease_until=None, not_before=Now(), attempts=0, **fields
    )
    if done and to in DUE:
        transaction.on_commit(wake)
    return bool(done)


# --- what a worker does ---------------------------------------------------------------------------


def due(at_most: int) -> int:
    """How many files wait for a worker, counted no further than `at_most`."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return UploadItem.objects.filter(free, state__in=DUE, not_before__lte=Now()).order_by()[:at_most].count()


def work_one() -> bool:
    """Do what is next for one file; False when none waits.

    A failure other than a bad document leaves the row to its lease: it is tried again and, at the
    third time, set aside.
    """
    claimed = leases.claim_first(UploadItem, "state = ANY(%s)", [[state.value for state in DUE]], "id")
    if claimed is None:
        return False
    pk, fence = claimed
    item = UploadItem.objects.select_related("batch__account", "batch__marketplace", "batch__user").get(pk=pk)
    language = item.batch.user.language if item.batch.user else ""
    try:
        with leases.held(UploadItem, pk, fence), translation.override(language or translation.get_language()):
            fields = _bring_in(item, fence) if item.state == State.WANTED else _look(item, fence)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("upload_failed", item=pk)
        return True
    if fields is None:
        return True
    if fields["state"] in SHOWN:
        leases.park(UploadItem, pk, fence, shown_at=timezone.now(), **fields)
    elif leases.finish(UploadItem, pk, fence, held="", **fields):
        waiting_room.drop(item.held)
    return True


def _look(item: UploadItem, fence: int) -> dict[str, Any] | None:
    """What a file is, as fields of its row; None where that is written already (a zip of several)."""
    path = waiting_room.find(item.held)
    if path is None:
        return {"state": State.GONE, "reason": gone()}
    batch = item.batch
    told: dict[str, Any] = {"account": batch.account, "marketplace": batch.marketplace, "file_name": item.file_name}
    try:
        with path.open("rb") as raw:
            if archives.is_bundle(raw):
                if item.inside:
                    raise archives.packed_twice(item.file_name)
                _unpack(item, fence, path)
                return None
        kind, answers = said(item.answers)
        found = upload.look_as_answered(path, **told, type=kind or batch.kind, answers=answers)
        with path.open("rb") as raw:
            preview = rehearsal.rehearse(raw, found, **told)
    except Ambiguous as question:
        return {"state": State.QUESTION, "reason": _sentence(question), "question": _question(question), "preview": {}}
    except WrongCharset as problem:
        if item.answers.get("charset") or "--encoding" not in problem.todo:
            return {"state": State.REFUSED, "reason": _sentence(problem, problem.todo)}
        asked = {"text": problem.what, "needs": "charset", "choices": [], "spec": "", "fingerprint": ""}
        return {"state": State.QUESTION, "reason": _sentence(problem), "question": asked, "preview": {}}
    except BadDocument as problem:
        return {"state": State.REFUSED, "reason": _sentence(problem, problem.todo)}
    return {
        "state": State.READY,
        "reason": preview["reason"],
        "question": {},
        "preview": {**preview, **_reading(item, found, kind)},
    }


def said(answers: Mapping[str, Any]) -> tuple[str, Answers]:
    """(the kind, the rest) of answers as a row keeps them."""
    day = date.fromisoformat(answers["day"]) if answers.get("day") else None
    return answers.get("kind", ""), Answers(
        answers.get("date_order", ""), answers.get("point", ""), day, answers.get("charset", "")
    )


def _sentence(problem: BadDocument, todo: str = "") -> str:
    """What is wrong and where; the file is named beside it, and what to do about a question is asked there."""
    return str(BadDocument(problem.what, line=problem.line, column=problem.column, todo=todo))


def _question(asked: Ambiguous) -> dict[str, Any]:
    return {
        "text": asked.question,
        "todo": asked.todo if asked.needs == "day" else "",
        "needs": asked.needs,
        "choices": list(asked.choices),
        "spec": asked.spec,
        "fingerprint": asked.fingerprint,
    }


def _reading(item: UploadItem, found: upload.Look, kind: str) -> dict[str, Any]:
    """How the file is read, for the page and for reading it again; what was answered is remembered now."""
    account = item.batch.account
    header = memory.fingerprint(found.layout.header) if found.layout else ""
    if item.answers.get("remember"):
        memory.remember(account, found.spec.key, header, {**item.answers, "kind": ""}, item.batch.user)
        memory.remember(account, "", header, {"kind": kind}, item.batch.user)
        _ask_again(item, header)
    before = memory.known(account, found.spec.key, header)
    proved_otherwise = {
        name: before.answers[name]
        for name in ("date_order", "point")
        if before and before.answers.get(name) and found.options.get(name) not in {None, before.answers[name]}
    }
    return {
        "spec": found.spec.key,
        "label": str(found.spec.label),
        "options": found.options,
        "window": [day.isoformat() for day in found.window] if found.window else None,
        "answers": {
            "date_order": found.answers.date_order,
            "point": found.answers.point,
            "charset": found.answers.charset,
        },
        "charset": found.charset,
        "size": found.size,
        "first_day": found.first_day.isoformat() if found.first_day else None,
        "last_day": found.last_day.isoformat() if found.last_day else None,
        "fingerprint": header,
        "recalled": {
            needs: {
                "pk": memory_.pk,
                "value": memory_.answers[needs],
                "by": str(memory_.answered_by or ""),
                "at": memory_.answered_at.isoformat(),
            }
            for needs, memory_ in found.recalled.items()
        },
        "proved_otherwise": proved_otherwise,
    }


def _ask_again(item: UploadItem, header: str) -> None:
    """Questions of the batch that the answer just remembered may settle too: their files are looked at again."""
    alike = item.batch.items.filter(state=State.QUESTION, question__fingerprint=header).exclude(pk=item.pk)
    if alike.update(state=State.WAITING, question={}, not_before=Now()):
        wake()


def _unpack(item: UploadItem, fence: int, path: Path) -> None:
    """Every file of a zip becomes a file of the batch; a wrong one among them is refused alone."""
    made: list[UploadItem] = []
    answers = {name: value for name, value in item.answers.items() if name != "remember"}
    try:
        with path.open("rb") as raw, transaction.atomic():
            for name, content in archives.members(raw, Limits()):
                made.append(_member(item, name, content))
                made[-1].answers = answers
            UploadItem.objects.bulk_create(made)
            told = _("%(count)d files were in it") % {"count": len(made)}
            if not leases.finish(UploadItem, item.pk, fence, state=State.UNPACKED, reason=told, held=""):
                raise _LeaseLost
    except BaseException as error:
        for one in made:
            waiting_room.drop(one.held)
        if not isinstance(error, _LeaseLost):
            raise
    else:
        waiting_room.drop(item.held)


class _LeaseLost(Exception):
    """Another worker has the row by now, and all of this is its business."""


def _member(item: UploadItem, name: str, content: Iterable[bytes] | BadDocument) -> UploadItem:
    one = UploadItem(batch=item.batch, file_name=name, inside=True)
    try:
        if isinstance(content, BadDocument):
            raise content
        one.held, one.size = waiting_room.hold(content)
    except BadDocument as problem:
        reason = _sentence(problem, problem.todo)
        one.state, one.reason, one.finished_at = State.REFUSED, reason, timezone.now()
    return one


def _bring_in(item: UploadItem, fence: int) -> dict[str, Any] | None:
    """Keep the file as a document that waits to be ingested; that and the row's end are one transaction."""
    path = waiting_room.find(item.held)
    if path is None:
        return {"state": State.GONE, "reason": gone()}
    batch = item.batch
    try:
        with transaction.atomic():
            document = upload.recognise_and_keep(
                path,
                account=batch.account,
                marketplace=batch.marketplace,
                answers=said(item.answers)[1],
                file_name=item.file_name,
                user=batch.user,
                found=_found(item),
            )
            if not leases.finish(UploadItem, item.pk, fence, state=State.DONE, document=document, held=""):
                raise _LeaseLost
    except _LeaseLost:
        return None
    except BadDocument as problem:
        return {"state": State.REFUSED, "reason": _sentence(problem, problem.todo)}
    waiting_room.drop(item.held)
    return None


def _found(item: UploadItem) -> upload.Look:
    """What `_look` found, as it was shown."""
    preview = item.preview
    _kind, answers = said({**item.answers, **{k: v for k, v in preview["answers"].items() if v}})
    window = preview["window"]
    return upload.Look(
        registry.spec(preview["spec"]),
        window=(date.fromisoformat(window[0]), date.fromisoformat(window[1])) if window else None,
        options=preview["options"],
        answers=answers,
    )


# --- what waited too long -------------------------------------------------------------------------


def gone() -> str:
    return _("The file has waited longer than an hour and is gone. Choose it again.")


def sweep(every_seconds: float = 60.0) -> None:
    """Forget files nobody came back for within the hour, and what no row knows of; at most so often."""
    global _swept
    if _swept is not None and time.monotonic() - _swept < every_seconds:
        return
    _swept = time.monotonic()
    late = timezone.now() - timedelta(seconds=waiting_room.KEEP_SECONDS)
    UploadItem.objects.filter(state__in=SHOWN, shown_at__lt=late).update(
        state=State.GONE, reason=gone(), finished_at=timezone.now(), held=""
    )
    open_ = UploadItem.objects.filter(finished_at=None).exclude(held="")
    waiting_room.sweep(set(open_.values_list("held", flat=True)))


def items(batch: UploadBatch) -> Iterator[UploadItem]:
    """The files of a batch in the order they came, with what became of their documents."""
    yield from batch.items.select_related("document").prefetch_related("document__ingests").order_by("pk")
