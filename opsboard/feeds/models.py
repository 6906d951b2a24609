"""What to fetch, what was fetched, what became of it. Rows are the truth; messages are hints."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
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
    #: What a person chose: hours of the marketplace's clock and ISO weekdays; empty ones are as declared.
    hours = models.JSONField(default=list)
    weekdays = models.JSONField(default=list)
    next_due = models.DateTimeField(default=timezone.now)
    #: Deep pulls (ReportSpec.deep_reask_days) are planned up to here.
    deep_planned_to = models.DateTimeField(default=timezone.now)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    #: When its operators were mailed that it fails (opsboard.alerts.failing); once until it succeeds again.
    told_failing_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "marketplace", "spec"], name="feed_once")]

    def __str__(self) -> str:
        return f"{self.spec} {self.account_id}/{self.marketplace_id}"


class BackfillPlan(Scoped):
    """A history a person asked for: from which day on, of which reports. Its requests are `Fetch` rows."""

    class State(models.TextChoices):
        RUNNING = "running", _("Under way")
        PAUSED = "paused", _("Paused")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Stopped")

    OPEN = (State.RUNNING, State.PAUSED)
    #: Its requests are not asked for.
    RESTING = (State.PAUSED, State.CANCELLED)

    #: The days asked for, both included; each report stops at what Amazon still has of them.
    first_day = models.DateField()
    last_day = models.DateField()
    #: Keys of the reports.
    specs = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    #: Since when it is in its state.
    state_at = models.DateTimeField(default=timezone.now)
    #: The requests it began with, and how many seconds it was expected to take.
    requests = models.IntegerField(default=0)
    estimate_seconds = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace"],
                condition=models.Q(state__in=["running", "paused"]),
                name="backfill_one_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["account", "marketplace", "-created_at"], name="backfill_by_scope")]

    def __str__(self) -> str:
        return f"back-fill {self.pk}: {self.first_day}..{self.last_day}"


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
    #: The back-fill it belongs to: while that is paused it is not asked for.
    plan = models.ForeignKey(BackfillPlan, on_delete=models.SET_NULL, null=True, blank=True, related_name="fetches")
    #: Lower runs first: 0 an operator waits for it, 10 routine, 20 back-fill.
    priority = models.SmallIntegerField(default=10)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    report_id = models.CharField(max_length=80, blank=True)
    #: reportOptions it was asked with.
    options = models.JSONField(default=dict)
    report_document_id = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField(null=True, blank=True)
    #: Until when it is of use: the next slot of a routine fetch, at once when a person asked. None: no hurry.
    deadline = models.DateTimeField(null=True, blank=True)
    #: What ended it or holds it up (opsboard.feeds.outcomes), since when, and whether that is a guess of ours.
    outcome = models.CharField(max_length=24, blank=True)
    outcome_since = models.DateTimeField(null=True, blank=True)
    guessed = models.BooleanField(default=False)
    #: Amazon's own words about it.
    said = models.TextField(blank=True)
    #: What happened on the way, oldest first: [{"at", "outcome", "report", "note"}].
    journal = models.JSONField(default=list)
    #: The sentence of it, as it was written when it happened.
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
            # The order of claims within an account (opsboard.feeds.turns).
            models.Index(
                fields=["account", "priority", "deadline", "-window_end", "id"],
                name="fetch_turn",
                condition=models.Q(state__in=["waiting", "requested", "ready"]),
            ),
            # What may be claimed of an account while its requests rest: all but those, or those of one API.
            models.Index(
                fields=["account"], name="fetch_under_way", condition=models.Q(state__in=["requested", "ready"])
            ),
            models.Index(fields=["account", "spec"], name="fetch_waiting", condition=models.Q(state="waiting")),
            models.Index(fields=["account", "marketplace", "spec", "-window_end"], name="fetch_by_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.spec} {self.window_start}..{self.window_end}"


class Turn(models.Model):
    """When an account was last worked for: of several that wait, the one that waited longest goes first."""

    account = models.OneToOneField(SellerAccount, on_delete=models.CASCADE, primary_key=True, related_name="+")
    served_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"account {self.account_id}"


class Rest(models.Model):
    """An account's fetches in one state rest: Amazon would refuse them all. Nobody claims one to find that out."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    #: None: in every marketplace. The Ads API counts by profile.
    marketplace = models.ForeignKey(Marketplace, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    api = models.CharField(max_length=4)
    state = models.CharField(max_length=12)
    until = models.DateTimeField()
    #: For what a person waits for: it may use the reserve, so that it rests less.
    urgent_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace", "api", "state"], name="rest_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.api} {self.state} of {self.account_id}"


class ReportList(Scoped):
    """What Amazon said it had of a report type, kept for a moment so that several fetches ask once."""

    report_type = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    #: [{"id", "created", "marketplaces", "start", "end"}]
    reports = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace", "report_type"], name="reportlist_once")
        ]

    def __str__(self) -> str:
        return self.report_type


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


class ToldGroups(Scoped):
    """The groups (orders, settlements) a document told when some were stored already, each in its version.

    Rows that say the same keep the name of the document that said so first; this tells that a newer one
    said it too, so that no document from between them comes first.
    """

    dataset = models.CharField(max_length=60)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    #: What opsboard.feeds.groups.version_key makes of each.
    groups = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "dataset"], name="toldgroups_once")]
        indexes = [models.Index(fields=["account", "marketplace", "dataset"], name="toldgroups_by_scope")]

    def __str__(self) -> str:
        return f"{self.dataset} by {self.document_id}"


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
