"""A report that is empty all at once: asked for once more, and only then called suspicious.

Amazon now and then makes a report with a header and nothing else, and an hour later the whole one. Such a
document is held and what is stored stays. The fetch it came with goes back to its beginning once, in the commit
that notes the holding; when the second document is like the first, it ends and somebody has to look.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import DurationField, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from . import registry
from .models import Coverage, Document, Feed, Fetch, Ingest
from .outcomes import MEANINGS, Outcome


def has_rows(document: Document) -> bool:
    """Whether anything is stored of what the document would speak for, so that "nothing" is news."""
    spec = registry.spec(document.spec)
    held = Coverage.objects.filter(
        account=document.account_id,
        marketplace=document.marketplace_id,
        dataset__in=[dataset.key for dataset in spec.datasets],
        rows__gt=0,
    )
    if spec.history and document.window_start and document.window_end:
        held = held.filter(date__range=(document.window_start, document.window_end))
    return held.exists()


def ask_once_more(document: Document, reason: str) -> None:
    """Have the report of a held document made anew; the second time it is called suspicious instead."""
    fetch = Fetch.objects.select_for_update(of=("self",)).filter(documents=document).first()
    if fetch is None or fetch.state != Fetch.State.DONE or fetch.kind == Fetch.Kind.FOUND:
        return
    again = fetch.documents.count() > 1
    outcome = Outcome.SUSPICIOUS if again else Outcome.EMPTIED
    noted = {"at": timezone.now().isoformat(timespec="seconds"), "outcome": outcome.value, "note": reason}
    fetch.journal = [*fetch.journal, {**noted, "report": fetch.report_id}]
    fields = {"outcome": outcome, "outcome_since": Now(), "journal": fetch.journal, "reason": reason}
    if again:
        fields["finished_at"] = Now()  # it ended with this look, after what its feed calls its last success
    else:
        spec = registry.spec(fetch.spec)
        seconds = max(MEANINGS[outcome].waits[0] * settings.POLL_SECONDS, spec.rest_hours * 3600.0)
        fields |= {
            "state": Fetch.State.WAITING,
            "report_id": "",
            "report_document_id": "",
            "attempts": 0,
            "finished_at": None,
            "not_before": Now() + Value(timedelta(seconds=seconds), output_field=DurationField()),
        }
    Fetch.objects.filter(pk=fetch.pk).update(**fields)
    feeds = Feed.objects.filter(account=fetch.account_id, marketplace=fetch.marketplace_id, spec=fetch.spec)
    feeds.update(last_error=reason)


def cleared(document: Document) -> None:
    """The second document of a fetch is whole: nobody needs to look at the first."""
    held = Ingest.objects.filter(document__fetch=document.fetch_id, state=Ingest.State.HELD)
    reason = _("It was asked for once more, and the newer document is the one that counts")
    held.exclude(document=document).update(state=Ingest.State.SUPERSEDED, reason=reason)
