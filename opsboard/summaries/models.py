"""When an organisation's summaries are made, who reads them, what they said, and to whom they went."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Membership, Organisation, Role, SellerAccount, User
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds.models import Work


class Kind(models.TextChoices):
    WEEKLY = "weekly", _("Weekly summary")
    DAILY = "daily", _("Daily brief")


class Schedule(models.Model):
    """An organisation's hour: weekday, hour and zone are wall-clock, slots are computed from them as UTC instants."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    HOURS = tuple((hour, f"{hour:02}:00") for hour in range(24))

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="+")
    zone_name = models.CharField(_("Time zone"), max_length=40)
    weekly = models.BooleanField(_("Mail the weekly summary"), default=True)
    #: Tuesday: Amazon's figures of Sunday are there by then.
    weekday = models.SmallIntegerField(_("Weekday"), choices=Weekday.choices, default=Weekday.TUESDAY)
    hour = models.SmallIntegerField(_("Hour"), choices=HOURS, default=9)
    #: Who gets it unless they chose for themselves: this role and those above.
    role = models.CharField(
        _("To everybody from this role up"), max_length=10, choices=Role.choices, default=Role.MANAGER
    )
    daily_hour = models.SmallIntegerField(_("Daily brief at"), choices=HOURS, default=8)
    #: Nothing that was due before it is made: a new organisation is told of its first week when that is over.
    since = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.weekday} {self.hour}:00 {self.zone_name}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


class Reader(models.Model):
    """What a member chose; without a row, or with None, the organisation's role decides. Daily briefs are asked for."""

    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="reader")
    weekly = models.BooleanField(_("Weekly summary"), null=True)
    daily = models.BooleanField(_("Daily brief"), default=False)
    #: None chosen: all of the organisation's.
    accounts: models.ManyToManyField[SellerAccount, models.Model] = models.ManyToManyField(
        SellerAccount, blank=True, related_name="+", verbose_name=_("Seller accounts")
    )

    def __str__(self) -> str:
        return f"reader {self.membership_id}"


class Summary(Work):
    """One week or day of an organisation, made at its hour and never changed after: what people were told.

    `content` is free of language (keys, codes, exact figures as text); opsboard.summaries.words reads it out.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Being made")
        MADE = "made", _("Sent")
        SILENT = "silent", _("Nothing to say")
        FAILED = "failed", _("Not made")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    #: "2026-W47", or the day "2026-11-24".
    period = models.CharField(max_length=10)
    slot = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    content = models.JSONField(default=dict)
    made_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    signed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "kind", "period"], name="summary_once")]
        indexes = [
            models.Index(fields=["not_before"], name="summary_due", condition=models.Q(finished_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period}"


class Send(Work):
    """A summary owed to a person: one row a person and period, however often it is tried or planned."""

    summary = models.ForeignKey(Summary, on_delete=models.CASCADE, related_name="sends")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    period = models.CharField(max_length=10)
    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    #: The letter in the outbox; none when the person left or stopped it in between, or had nothing to read.
    message = models.ForeignKey(OutboxMessage, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "period", "recipient"], name="summary_once_a_person"
            )
        ]
        indexes = [models.Index(fields=["not_before"], name="send_due", condition=models.Q(finished_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.kind} {self.period} to {self.recipient_id}"


class Comment(models.Model):
    """What somebody said about a summary; never changed."""

    summary = models.ForeignKey(Summary, on_delete=models.CASCADE, related_name="comments")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField(max_length=2000)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text[:60]
