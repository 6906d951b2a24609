"""Episodes of breached limits, their journal, and the mails about them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Marketplace, Organisation, SellerAccount, User
from opsboard.feeds.models import Work
from opsboard.kpis.words import source_words


class Episode(models.Model):
    """One breach of one KPI in one scope, from the day it was seen until it was over.

    While it lasts there is one row, however often the KPI is judged; the partial unique index
    makes two workers that see the same breach at once open it once.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    kpi = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField(default=timezone.now)
    #: The first marketplace day of the breach.
    since = models.DateField(null=True)
    value = models.DecimalField(max_digits=24, decimal_places=6)
    worst = models.DecimalField(max_digits=24, decimal_places=6)
    low = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    high = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    limit_source = models.CharField(max_length=200, blank=True)
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace", "kpi"],
                condition=models.Q(resolved_at__isnull=True),
                name="one_running_episode",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kpi} {self.account_id}/{self.marketplace_id} {self.state}"


class EpisodeEvent(models.Model):
    """A line of an episode's journal: who, when, from what to what, why. Never changed."""

    class Reason(models.TextChoices):
        BREACH = "breach", _("the limit was broken")
        AGAIN = "again", _("broken again within three days: the same alert goes on, without a mail")
        RECOVERED = "recovered", _("the limit is kept again")
        LIMIT = "limit", _("the limit was changed")
        PERSON = "person", _("by hand")

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    old = models.CharField(max_length=12, blank=True)
    new = models.CharField(max_length=12)
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class OutboxMessage(Work):
    """A mail that must arrive: committed with the episode it is about, sent afterwards.

    `dedupe_key` and the Message-ID made of it are the same however often sending is tried, so
    a copy sent twice around a crash can be told from another mail.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Delivered")
        FAILED = "failed", _("Not delivered")

    dedupe_key = models.CharField(max_length=200, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    address = models.EmailField()
    episodes: models.ManyToManyField[Episode, models.Model] = models.ManyToManyField(Episode, related_name="mails")
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField()
    message_id = models.CharField(max_length=250)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    #: How often DATA was begun without the server refusing; from the second time on the copy says so.
    tries = models.SmallIntegerField(default=0)
    answer = models.TextField(blank=True, help_text="what the mail server said last")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], name="outbox_due", condition=models.Q(finished_at__isnull=True)),
            models.Index(fields=["state", "tries"], name="outbox_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"

    @property
    def said(self) -> str:
        """What became of the last try, in words: the server's, or ours."""
        if self.answer:
            return source_words(self.answer)
        if self.state == self.State.FAILED:
            return gettext("Set aside: its sender stopped three times while sending. It may have arrived.")
        return ""
