"""The roll-up of measures by account and day, what was typed in, limits set by people, verdicts."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Marketplace, SellerAccount, User
from opsboard.feeds.facts import CompactTextField


class AccountDay(models.Model):
    """One measure of one account, marketplace and day. No row is no data; zero is a row.

    The roll-up that tiles and judgements read instead of raw facts; written by kpis.rollup only.
    """

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "date", "measure")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    date = models.DateField()
    measure = models.CharField(max_length=60, db_collation="C")
    value = models.DecimalField(max_digits=24, decimal_places=6)


class AccountDayVintage(models.Model):
    """What a measure of a day was known to be from an instant on (UTC): written when it changes, never altered.

    No row before an instant: nothing was known; a row without a value: the day was missing again. The newest of
    several rows of one instant counts.
    """

    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    date = models.DateField()
    measure = models.CharField(max_length=60, db_collation="C")
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    known_at = models.DateTimeField(default=timezone.now)
    #: The document that said so, or that was taken back; None for figures typed in by hand.
    document_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "marketplace_id", "measure", "date", "known_at"], name="vintage_by_day")
        ]


class ManualValue(models.Model):
    """A figure no Amazon API gives, typed in by a person (the IPI score)."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    measure = models.CharField(max_length=60)
    date = models.DateField(_("day"))
    value = models.DecimalField(_("value"), max_digits=12, decimal_places=2)
    entered_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace", "measure", "date"], name="manual_value_once")
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.date}"


class ThresholdOverride(models.Model):
    """A limit a person set for an account, from a day on; wins over the declared default."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kpi = models.CharField(max_length=40)
    low = models.DecimalField(_("lower limit"), max_digits=14, decimal_places=6, null=True, blank=True)
    high = models.DecimalField(_("upper limit"), max_digits=14, decimal_places=6, null=True, blank=True)
    warn_low = models.DecimalField(_("warn below"), max_digits=14, decimal_places=6, null=True, blank=True)
    warn_high = models.DecimalField(_("warn above"), max_digits=14, decimal_places=6, null=True, blank=True)
    valid_from = models.DateField(_("valid from"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    set_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-valid_from", "-id"]
        indexes = [models.Index(fields=["account", "kpi", "-valid_from"], name="override_by_kpi")]

    def __str__(self) -> str:
        return f"{self.kpi} from {self.valid_from}"


class Verdict(models.Model):
    """The newest judgement of one KPI in one scope; written only when it changes."""

    class Status(models.TextChoices):
        OK = "ok", _("Within the limit")
        WARN = "warn", _("Close to the limit")
        BREACH = "breach", _("Over the limit")
        UNKNOWN = "unknown", _("Not enough data")
        PROVISIONAL = "provisional", _("Judged by days that may still move")
        NO_LIMIT = "no_limit", _("No limit")

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    kpi = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=Status.choices)
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    low = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    high = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    warn_low = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    warn_high = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    limit_source = models.CharField(max_length=200, blank=True)
    #: The judged window, both ends included.
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    breached_since = models.DateField(null=True)
    #: Why there is no value, or what is missing under it: a code for opsboard.kpis.words.reason_words.
    reason = models.CharField(max_length=200, blank=True)
    #: Order-based figures: events until the limit is broken, the one that breaks it included; negative: too many by.
    more = models.IntegerField(null=True)
    #: The day on which a broken limit is kept again if nothing new comes; `clear_how` as in kpis.headroom.
    clear_on = models.DateField(null=True)
    clear_how = models.CharField(max_length=10, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    #: The marketplace's day on which the scope was last judged, changed or not.
    judged_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "marketplace", "kpi"], name="verdict_once")]

    def __str__(self) -> str:
        return f"{self.kpi}: {self.status}"


class WindowSums(models.Model):
    """What a snapshot's table has beside its own columns; subclasses add the key and the sums, as `x` and `p_x`."""

    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    period = CompactTextField(max_length=8)

    class Meta:
        abstract = True


class SnapshotWindow(models.Model):
    """Which days a window of a scope holds, and whether facts of them moved since it was built."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "snapshot", "period")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    snapshot = CompactTextField(max_length=40)
    period = CompactTextField(max_length=8)
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    before_first = models.DateField(null=True)
    before_last = models.DateField(null=True)
    stale = models.BooleanField(default=True)


class EntityVerdict(models.Model):
    """A product, campaign or term that does not simply keep its limit; written by kpis.entities when it changes."""

    pk = models.CompositePrimaryKey("account_id", "marketplace_id", "snapshot", "kpi", "entity")
    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    snapshot = CompactTextField(max_length=40)
    kpi = CompactTextField(max_length=40)
    #: The ASIN, or Amazon's id as text.
    entity = CompactTextField(max_length=60)
    status = CompactTextField(max_length=12)
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    low = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    high = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    #: The last day of the first judged window with this status, and of the one that gave this value.
    since = models.DateField(null=True)
    last = models.DateField(null=True)


class LikelyCause(models.Model):
    """What a breach most likely comes from, in one language: worked out as it is judged, so that pages only read it."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    kpi = models.CharField(max_length=40)
    language = models.CharField(max_length=10)
    #: The first step that is off, as a sentence, and what to do about it; empty where none is.
    sentence = models.TextField(blank=True)
    action = models.TextField(blank=True)
    worked_out_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace", "kpi", "language"], name="likely_cause_once")
        ]

    def __str__(self) -> str:
        return f"{self.kpi}: {self.sentence}"
