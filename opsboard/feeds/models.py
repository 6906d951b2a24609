"""What to fetch, what was fetched, what became of it. Rows are the truth; messages are hints."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Marketplace, SellerAccount, User


class Work(models.Model):
    """A unit of work that survives its worker: claimed by lease, written under a fence.

    A claim is one UPDATE ... RETURNING fence (opsboard.feeds.leases); every later write names
    that fence, so a worker that slept through its lease can change nothing.
    """

    attempts = models.SmallIntegerField(default=0)
    #: By the database's clock, as everything about leases: a host whose clock is ahead must not make rows that nobody
    #: may claim for so long.
    not_before = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Scoped(models.Model):
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Feed(Scoped):
    """The schedule of one report type for one account and marketplace."""

    spec = models.CharField(max_length=60)
    enabled = models.BooleanField(default=True)
    next_due = models.DateTimeField(default=timezone.now)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "marketplace", "spec"], name="feed_once")]

    def __str__(self) -> str:
        return f"{self.spec} {self.account_id}/{self.marketplace_id}"


class Fetch(Work, Scoped):
    """One report asked of Amazon for one window of days (both ends included)."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for its turn")
        REQUESTED = "requested", _("Waiting for Amazon")
        READY = "ready", _("Ready to download")
        DONE = "done", _("Done")
        EMPTY = "empty", _("Amazon has no data for it")
        CANCELLED = "cancelled", _("Cancelled by Amazon")
        FAILED = "failed", _("Failed")
        QUARANTINED = "quarantined", _("Set aside after three tries")

    class Kind(models.TextChoices):
        ROUTINE = "routine", _("Routine")
        BACKFILL = "backfill", _("Back-fill")
        MANUAL = "manual", _("Asked by a person")
        FOUND = "found", _("Made by Amazon and found")

    spec = models.CharField(max_length=60)
    window_start = models.DateField()
    window_end = models.DateField()
    #: The instant the schedule meant; makes (scope, spec, window, slot) unique, so two beats ask once.
    slot = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ROUTINE)
    #: Lower runs first: 0 an operator waits for it, 10 routine, 20 back-fill.
    priority = models.SmallIntegerField(default=10)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    report_id = models.CharField(max_length=80, blank=True)
    #: reportOptions it was asked with.
    options = models.JSONField(default=dict)
    report_document_id = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField(null=True, blank=True)
    #: A sentence for the Data page: what happened, to what, what to do.
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace", "spec", "window_start", "window_end", "slot"],
                condition=~models.Q(kind="found"),
                name="fetch_once",
            ),
            # Amazon lists what it made for the whole seller: whichever marketplace looks, a report is fetched once.
            models.UniqueConstraint(
                fields=["account", "spec", "report_id"], condition=models.Q(kind="found"), name="fetch_found_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "not_before"],
                name="fetch_due",
                condition=models.Q(state__in=["waiting", "requested", "ready"]),
            ),
            models.Index(fields=["account", "marketplace", "spec", "-window_end"], name="fetch_by_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.spec} {self.window_start}..{self.window_end}"


class Document(Scoped):
    """A raw report as it was received; its bytes are kept compressed, named by their sha256."""

    class Source(models.TextChoices):
        SP_API = "sp_api", _("Selling Partner API")
        ADS_API = "ads_api", _("Amazon Ads API")
        UPLOAD = "upload", _("Upload")

    spec = models.CharField(max_length=60)
    source = models.CharField(max_length=10, choices=Source.choices)
    fetch = models.ForeignKey(Fetch, on_delete=models.SET_NULL, null=True, blank=True, related_name="documents")
    report_id = models.CharField(max_length=80, blank=True)
    report_type = models.CharField(max_length=80)
    options = models.JSONField(default=dict)
    file_name = models.CharField(max_length=255, blank=True)
    uploaded_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    window_start = models.DateField(null=True, blank=True)
    window_end = models.DateField(null=True, blank=True)
    #: When Amazon made the report: an older document never overwrites a newer one.
    source_created_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="decoded bytes")
    #: Somebody took it back: what it said counts for nothing, and its bytes stay.
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "marketplace", "spec", "-source_created_at"], name="document_by_scope")
        ]

    def __str__(self) -> str:
        return f"{self.report_type} {self.sha256[:12]}"


class Ingest(Work):
    """One attempt to make facts of a document, or to unmake them, with what it read, changed and refused."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        APPLIED = "applied", _("Applied")
        UNCHANGED = "unchanged", _("Nothing new in it")
        SUPERSEDED = "superseded", _("A newer document already covers it")
        HELD = "held", _("Held: please look")
        REFUSED = "refused", _("Refused")
        QUARANTINED = "quarantined", _("Set aside after three tries")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Task(models.TextChoices):
        APPLY = "apply", _("Apply")
        REPLAY = "replay", _("Read again")
        FORCE = "force", _("Apply although it was held")
        WITHDRAW = "withdraw", _("Withdraw")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="ingests")
    task = models.CharField(max_length=10, choices=Task.choices, default=Task.APPLY)
    #: Who asked for it and why, where a person did.
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    rows_in = models.IntegerField(default=0)
    rows_changed = models.IntegerField(default=0)
    rows_unchanged = models.IntegerField(default=0)
    rows_deleted = models.IntegerField(default=0)
    rows_refused = models.IntegerField(default=0)
    days = models.IntegerField(default=0)
    #: First refused cells: [{"line": 12, "column": "clicks", "value": "x", "why": "..."}]
    errors = models.JSONField(default=list)
    #: Columns of the file that no dataset asked for (drift).
    unknown_columns = models.JSONField(default=list)
    reason = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], name="ingest_due", condition=models.Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.state}"


class Coverage(Scoped):
    """Which document holds a day of a dataset: the answer to "is it missing or is it zero?"."""

    dataset = models.CharField(max_length=60)
    date = models.DateField()
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+")
    source_created_at = models.DateTimeField()
    #: How many rows are stored of the day, and a digest of what the document said of it.
    rows = models.IntegerField(default=0)
    digest = models.CharField(max_length=40, blank=True)
    applied_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace", "dataset", "date"], name="coverage_once")
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {self.date}"


class DocumentDay(Scoped):
    """What each document said of each day, whether or not a newer one holds it: what a day can fall back to."""

    dataset = models.CharField(max_length=60)
    date = models.DateField()
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="spoken_days")
    source_created_at = models.DateTimeField()
    rows = models.IntegerField(default=0)
    digest = models.CharField(max_length=40, blank=True)
    applied_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "dataset", "date"], name="documentday_once")]
        indexes = [
            models.Index(
                fields=["account", "marketplace", "dataset", "date", "-source_created_at"], name="documentday_by_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {self.date} by {self.document_id}"


class DirtyDay(Scoped):
    """A day whose facts changed and whose measures and KPIs have not followed yet."""

    dataset = models.CharField(max_length=60)
    date = models.DateField()
    marked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "marketplace", "dataset", "date"], name="dirty_once")]

    def __str__(self) -> str:
        return f"{self.dataset} {self.date}"


class UploadBatch(Scoped):
    """Files one person handed over together, for one account and marketplace."""

    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    #: The kind of report the person says they are; "" to find out by their columns.
    kind = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["account", "marketplace", "-created_at"], name="uploadbatch_by_scope")]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class UploadItem(Work):
    """One file of a batch: looked at by a worker, shown to the person, brought in by a worker."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting to be looked at")
        READY = "ready", _("Ready: nothing is changed yet")
        QUESTION = "question", _("One question")
        REFUSED = "refused", _("Refused")
        WANTED = "wanted", _("Waiting to be brought in")
        DONE = "done", _("Brought in")
        UNPACKED = "unpacked", _("Unpacked")
        DROPPED = "dropped", _("Left out")
        GONE = "gone", _("Waited too long and is gone")
        QUARANTINED = "quarantined", _("Set aside after three tries")

    batch = models.ForeignKey(UploadBatch, on_delete=models.CASCADE, related_name="items")
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField(default=0)
    #: It came out of a zip, and no other is looked for in it.
    inside = models.BooleanField(default=False)
    #: Where its bytes wait (opsboard.feeds.waiting_room); "" once they do not.
    held = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True)
    #: What the person said: kind, date_order, point, charset, day; and `remember`.
    answers = models.JSONField(default=dict)
    #: {"text", "needs", "choices", "spec", "fingerprint"} of what only the person knows.
    question = models.JSONField(default=dict)
    #: What it is and what it would change (opsboard.feeds.rehearsal), and how it is read.
    preview = models.JSONField(default=dict)
    #: Since when it waits for a person.
    shown_at = models.DateTimeField(null=True, blank=True)
    document = models.ForeignKey(Document, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(
                fields=["not_before"], name="uploaditem_due", condition=models.Q(state__in=["waiting", "wanted"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name}: {self.state}"


class RememberedAnswer(models.Model):
    """What a person said of files with these columns, for the next one that leaves it open."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    #: The kind of report; "" where the kind itself was the question.
    spec = models.CharField(max_length=60, blank=True)
    #: Of the header (opsboard.feeds.memory.fingerprint).
    fingerprint = models.CharField(max_length=40)
    #: kind, date_order, point; never a day, which is another one next time.
    answers = models.JSONField(default=dict)
    answered_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "spec", "fingerprint"], name="answer_once")]

    def __str__(self) -> str:
        return f"{self.spec} {self.answers}"
