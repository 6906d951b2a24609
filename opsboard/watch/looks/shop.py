"""What concerns the sellers: credentials, feeds, work set aside, mail. Scoped to what may be looked at."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.accounts import connections
from opsboard.accounts.models import Credential
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds import leases
from opsboard.feeds.models import Feed, Fetch, Ingest, UploadItem
from opsboard.summaries.models import Send, Summary

from .. import staleness
from ..registry import Check, Finding, Sight, Status, register
from .work import ago

#: A mail that has waited so many minutes: a warning, a fault.
MAIL_WARN, MAIL_FAIL = 15, 60
#: Mails that were given up count for so long.
MAIL_MEMORY = timedelta(days=1)
#: Work that was set aside counts for so long: after that it is history, on the Data page.
ASIDE_MEMORY = timedelta(days=7)


def _of(sight: Sight, rows: QuerySet[Any], path: str = "account") -> QuerySet[Any]:
    return rows if sight.accounts is None else rows.filter(**{f"{path}__in": sight.accounts})


def _credentials(sight: Sight) -> Finding:
    """Each stored credential, tried with Amazon."""
    rows = _of(sight, Credential.objects.filter(account__active=True)).select_related("account").order_by("id")
    refused: list[str] = []
    tried = 0
    for row in rows:
        if connections.tester_for(row.kind) is None:
            continue
        tried += 1
        failed = [
            step for step in connections.check(row.account, row.kind).steps if step.found is connections.Found.FAIL
        ]
        refused += [f"{row.account.name}, {row.get_kind_display()}: {step.sentence}" for step in failed]
    if refused:
        said = ngettext(
            "%(n)d of the stored credentials does not work.",
            "%(n)d of the stored credentials do not work.",
            len(refused),
        )
        return Finding(Status.FAIL, said % {"n": len(refused)}, {"refused": " | ".join(refused), "tried": tried})
    if not tried:
        return Finding(Status.OK, _("No Amazon credentials are stored."))
    return Finding(Status.OK, _("Amazon takes all stored credentials."), {"tried": tried})


def _feeds(sight: Sight) -> Finding:
    late = staleness.late(sight.accounts)
    if not late:
        return Finding(Status.OK, _("Every report arrives in its rhythm."))
    worst = max(late, key=lambda one: one.age)
    said = ngettext(
        "%(n)d feed is behind; %(report)s arrived %(ago)s.",
        "%(n)d feeds are behind; %(report)s arrived %(ago)s.",
        len(late),
    )
    words = {"n": len(late), "report": worst.label, "ago": ago(worst.age)}
    status = Status.FAIL if any(one.stale for one in late) else Status.WARN
    return Finding(status, said % words, {"feeds": ", ".join(sorted({one.spec for one in late}))})


def _refused_feeds(sight: Sight) -> Finding:
    """What feeds say went wrong last, as the pages show it; for where Amazon is not asked."""
    feeds = _of(sight, Feed.objects.filter(enabled=True, account__active=True)).exclude(last_error="")
    reasons = list(feeds.order_by("id").values_list("spec", "last_error"))
    if not reasons:
        return Finding(Status.OK, _("No feed reports a failure."))
    said = ngettext("%(n)d feed failed last time.", "%(n)d feeds failed last time.", len(reasons))
    spec, reason = reasons[0]
    return Finding(Status.WARN, said % {"n": len(reasons)}, {"first": f"{spec}: {reason[:300]}"})


def _set_aside(sight: Sight) -> Finding:
    since = timezone.now() - ASIDE_MEMORY
    counts = {
        "fetches": _of(sight, Fetch.objects.filter(state=Fetch.State.QUARANTINED, finished_at__gt=since)).count(),
        "documents": _of(
            sight, Ingest.objects.filter(state=Ingest.State.QUARANTINED, finished_at__gt=since), "document__account"
        ).count(),
        "uploads": _of(
            sight,
            UploadItem.objects.filter(state=UploadItem.State.QUARANTINED, finished_at__gt=since),
            "batch__account",
        ).count(),
    }
    total = sum(counts.values())
    if total:
        said = ngettext(
            "%(n)d piece of work was set aside after three tries within a week.",
            "%(n)d pieces of work were set aside after three tries within a week.",
            total,
        )
        return Finding(Status.WARN, said % {"n": total}, counts)
    return Finding(Status.OK, _("Nothing was set aside within a week."))


def _mails(sight: Sight) -> QuerySet[OutboxMessage]:
    found = OutboxMessage.objects.all()
    return found if sight.organisations is None else found.filter(organisation__in=sight.organisations)


def _outbox(sight: Sight) -> Finding:
    """Leans on outbox_due: what is not finished. What waits for somebody's morning or digest is not overdue."""
    waiting = _mails(sight).filter(finished_at=None, due_at__lte=timezone.now())
    oldest = waiting.order_by("due_at").first()
    if oldest is None:
        return Finding(Status.OK, _("No mail waits."))
    age = (timezone.now() - oldest.due_at).total_seconds()
    status = Status.FAIL if age > MAIL_FAIL * 60 else Status.WARN if age > MAIL_WARN * 60 else Status.OK
    evidence: dict[str, str | int | float] = {"waiting": waiting.count(), "oldest_seconds": round(age)}
    if oldest.answer:
        evidence["server"] = oldest.said
    return Finding(status, _("The oldest mail that is not sent was due %(ago)s.") % {"ago": ago(age)}, evidence)


def _refused_mails(sight: Sight) -> Finding:
    """Leans on outbox_by_state."""
    failed = _mails(sight).filter(
        state=OutboxMessage.State.FAILED, tries__gt=0, finished_at__gt=timezone.now() - MAIL_MEMORY
    )
    newest = failed.order_by("-finished_at").first()
    if newest is None:
        return Finding(Status.OK, _("No mail was given up within a day."))
    count = failed.count()
    said = ngettext("%(n)d mail was given up within a day.", "%(n)d mails were given up within a day.", count)
    return Finding(Status.WARN, said % {"n": count}, {"server": newest.said})


def _summaries(sight: Sight) -> Finding:
    """Summaries that could not be made, and letters of them that could not be written, within a week."""
    since = timezone.now() - timedelta(days=7)
    failed = Summary.objects.filter(state=Summary.State.FAILED, finished_at__gt=since)
    stuck = Send.objects.filter(finished_at__gt=since, message=None, attempts__gte=leases.MAX_ATTEMPTS)
    if sight.organisations is not None:
        failed = failed.filter(organisation__in=sight.organisations)
        stuck = stuck.filter(organisation__in=sight.organisations)
    counts = {"summaries": failed.count(), "letters": stuck.count()}
    if not any(counts.values()):
        return Finding(Status.OK, _("Every summary that was due is made and mailed."))
    said = _("Of the last week, %(summaries)d summaries could not be made and %(letters)d letters not be written.")
    return Finding(Status.WARN, said % counts, dict(counts))


def _mail_server(sight: Sight) -> Finding:
    """A session with the mail server, signed in; nothing is sent."""
    session = get_connection()
    where = {"server": f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"}
    try:
        session.open()
    except smtplib.SMTPAuthenticationError as error:
        words = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode(errors="replace")
        return Finding(
            Status.FAIL,
            _("The mail server refuses the sign-in."),
            {**where, "answer": f"{error.smtp_code} {words}"[:300]},
        )
    except (OSError, smtplib.SMTPException) as error:
        return Finding(
            Status.FAIL,
            _("The mail server cannot be reached. Mails wait and are not lost."),
            {**where, "error": type(error).__name__},
        )
    finally:
        session.close()
    return Finding(Status.OK, _("The mail server lets us in."), where)


register(
    Check(
        "credentials",
        gettext_lazy("Amazon credentials"),
        gettext_lazy("each stored credential, tried with Amazon"),
        gettext_lazy("Authorise the app again in Seller Central or Amazon Ads and enter the new token in Settings."),
        _credentials,
        live=True,
    ),
    Check(
        "feed_failures",
        gettext_lazy("Failures of feeds"),
        gettext_lazy("what each feed said went wrong last"),
        gettext_lazy("Open Data: each report names its reason and what to do."),
        _refused_feeds,
    ),
    Check(
        "feeds",
        gettext_lazy("Age of feeds"),
        gettext_lazy("the last success of each feed against its rhythm"),
        gettext_lazy("Open Data: each report names its reason. If none arrives, look at dispatcher and workers."),
        _feeds,
    ),
    Check(
        "set_aside",
        gettext_lazy("Work set aside"),
        gettext_lazy("fetches, documents and uploads that failed three times"),
        gettext_lazy("Open Data: each says why; a document can be read again from its page."),
        _set_aside,
    ),
    Check(
        "outbox",
        gettext_lazy("Waiting mail"),
        gettext_lazy("the oldest mail that is not sent"),
        gettext_lazy("Read what the mail server answered, and check the EMAIL_ variables."),
        _outbox,
    ),
    Check(
        "mails_refused",
        gettext_lazy("Refused mail"),
        gettext_lazy("mails the server refused for good within a day"),
        gettext_lazy("Check the address of the person and DEFAULT_FROM_EMAIL; the server's answer says which."),
        _refused_mails,
    ),
    Check(
        "summaries",
        gettext_lazy("Summaries"),
        gettext_lazy("weekly summaries and daily briefs that were given up within a week"),
        gettext_lazy("Read the log of the worker: it says why. Weekly shows the figures all the same."),
        _summaries,
    ),
    Check(
        "mail_server",
        gettext_lazy("Mail server"),
        gettext_lazy("a session with the mail server, signed in"),
        gettext_lazy("Check EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS, EMAIL_HOST_USER and EMAIL_HOST_PASSWORD."),
        _mail_server,
        live=True,
    ),
)
