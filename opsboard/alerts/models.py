"""Rules, the episodes they open with their journal, and the mails about them."""

from __future__ import annotations

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Marketplace, Membership, Organisation, SellerAccount, Tag, User
from opsboard.feeds.models import Work
from opsboard.kpis.words import source_words


class Channel(models.Model):
    """Where alerts of an organisation are posted beside people's mail; its address is a secret and sealed."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook")
        SLACK = "slack", "Slack"
        FEISHU = "feishu", _("Feishu")
        DINGTALK = "dingtalk", _("DingTalk")
        WECOM = "wecom", _("WeCom")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    #: What is posted is written in this language.
    language = models.CharField(_("language"), max_length=10, blank=True)
    sealed = models.BinaryField(editable=False)
    key_id = models.CharField(max_length=20, editable=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def bound(self) -> tuple[int, str]:
        """What the secret is sealed for: moved to another row it does not open."""
        return self.pk, "channel"


class Route(models.Model):
    """How a person wants to be mailed of an organisation's alerts; without a row: at once, at any hour."""

    class Mode(models.TextChoices):
        INSTANT = "instant", _("At once")
        DIGEST = "digest", _("Once a day, in one mail")

    member = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="route")
    mode = models.CharField(_("when"), max_length=10, choices=Mode.choices, default=Mode.INSTANT)
    #: All three are times of day in the person's zone.
    digest_at = models.TimeField(_("digest at"), default=time(8))
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("quiet to"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, default="UTC")

    def __str__(self) -> str:
        return f"{self.member}: {self.mode}"


class Rule(models.Model):
    """When people are told, about what, and by how much. Its `version` goes up with every change.

    Every organisation has one rule for every limit in force, for all its KPIs and accounts; it can be changed and
    switched off, not deleted. Deleted rules stay, so that their episodes keep their name.
    """

    class Kind(models.TextChoices):
        LIMIT = "limit", _("The limit in force is broken")
        THRESHOLD = "threshold", _("It is beyond a value of the rule's own")
        CHANGE = "change", _("It changed against the period before")
        WEEKDAY = "weekday", _("A day is unlike the same weekdays before")
        FORECAST = "forecast", _("It is on its way over the limit")
        NO_DATA = "no_data", _("No data come any more")
        SUPPLY = "supply", _("Days of supply run short")

    class Severity(models.TextChoices):
        NORMAL = "normal", _("Normal")
        CRITICAL = "critical", _("Critical")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("when"), max_length=10, choices=Kind.choices)
    #: "" is every KPI.
    kpi = models.CharField(_("KPI"), max_length=40, blank=True)
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    #: Only accounts, products and campaigns that carry it.
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    #: What is looked at one by one, as opsboard.kpis.snapshots calls it ("skus"); "" is the marketplace as a whole.
    snapshot = models.CharField(max_length=20, blank=True)
    #: Only these SKUs, ASINs or campaigns (Amazon's ids as text); none is every one.
    entities = ArrayField(models.TextField(), default=list, blank=True)
    #: In the KPI's own unit: a fraction, minor units, days.
    low = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    high = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    #: By what share of the compared figure.
    change_up = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    change_down = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    #: How far ahead is looked (forecast), or how long nothing may come (no data).
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    #: On how many days in a row it has to be so.
    for_days = models.PositiveSmallIntegerField(default=1)
    #: By what share of the limit the figure has to be back inside before it is over.
    clear_by = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity.choices, default=Severity.NORMAL)
    #: Whether people are mailed: those named, or everybody from operator up who wants mails where none is named.
    mails = models.BooleanField(default=True)
    people: models.ManyToManyField[Membership, models.Model] = models.ManyToManyField(
        Membership, blank=True, related_name="+"
    )
    channels: models.ManyToManyField[Channel, models.Model] = models.ManyToManyField(
        Channel, blank=True, related_name="+"
    )
    #: Hours after which managers are mailed if nobody has acknowledged.
    escalate_after = models.PositiveSmallIntegerField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, editable=False)
    #: Which of the rules every organisation starts with it is; those can be deleted and do not come back.
    starter = models.CharField(max_length=40, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-is_default", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"], condition=models.Q(is_default=True), name="one_default_rule"
            ),
            models.UniqueConstraint(
                fields=["organisation", "starter"], condition=~models.Q(starter=""), name="one_rule_a_starter"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Episode(models.Model):
    """One breach of one KPI in one scope, from the day it was seen until it was over.

    A rule that looks at SKUs or campaigns one by one has one episode for all of them: `value` is that of the worst.
    While it lasts there is one row, however often the KPI is judged; the partial unique index
    makes two workers that see the same breach at once open it once.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        SNOOZED = "snoozed", _("Snoozed")
        RESOLVED = "resolved", _("Resolved")

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    kpi = models.CharField(max_length=40)
    #: The rule that opened it and the version that looked last; none for episodes older than rules.
    rule = models.ForeignKey(Rule, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    rule_version = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=10, choices=Rule.Kind.choices, default=Rule.Kind.LIMIT)
    #: As of its rule: of what it counts how many; "" and 0 for the marketplace as a whole.
    snapshot = models.CharField(max_length=20, blank=True)
    count = models.PositiveIntegerField(default=0)
    severity = models.CharField(max_length=10, choices=Rule.Severity.choices, default=Rule.Severity.NORMAL)
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
    #: What the figure is compared with, of a change.
    compared = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    #: When the limit would be crossed, of a forecast, give or take so many days.
    expected_on = models.DateField(null=True, blank=True)
    error_days = models.PositiveSmallIntegerField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    #: Whose it is; who is away or has left is replaced by hand.
    assigned_to = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    #: Nobody is troubled until this instant (the start of a day of the marketplace) ...
    snoozed_until = models.DateTimeField(null=True, blank=True)
    #: ... or until the figure is beyond this, on the side on which the limit is broken; whichever comes first.
    snoozed_beyond = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    #: A person closed it while the limit was broken: the same breach stays closed until it is over.
    closed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    #: When the limit was kept again, of an episode that a person closed before.
    kept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace", "kpi"],
                condition=models.Q(resolved_at__isnull=True, kind="limit", snapshot=""),
                name="one_running_episode",
            ),
            models.UniqueConstraint(
                fields=["account", "marketplace", "kpi", "snapshot", "rule"],
                condition=models.Q(resolved_at__isnull=True) & ~models.Q(kind="limit", snapshot=""),
                name="one_running_episode_a_rule",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kpi} {self.account_id}/{self.marketplace_id} {self.state}"

    @property
    def over(self) -> bool:
        """Whether it is about the upper limit rather than the lower one."""
        return self.high is not None and (self.low is None or 2 * self.value > self.low + self.high)


class EpisodeEvent(models.Model):
    """A line of an episode's journal: who, when, from what to what, why. Never changed."""

    class Reason(models.TextChoices):
        BREACH = "breach", _("the limit was broken")
        AGAIN = "again", _("broken again within three days: the same alert goes on, without a mail")
        RECOVERED = "recovered", _("the limit is kept again")
        LIMIT = "limit", _("the limit was changed")
        RULE = "rule", _("the rule was changed or switched off")
        PERSON = "person", _("by hand")
        ASSIGNED = "assigned", _("given to somebody")
        COMMENT = "comment", _("a comment")
        AWAKE = "awake", _("the snooze is over and the limit is still broken")
        ESCALATED = "escalated", _("nobody had taken it: the managers were told")
        WORSE = "worse", _("it got worse than the snooze allowed")
        JOINED = "joined", _("more of them are beyond the limit")
        LEFT = "left", _("some of them keep it again")

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    old = models.CharField(max_length=12, blank=True)
    new = models.CharField(max_length=12)
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    #: How many joined or left.
    count = models.PositiveIntegerField(null=True)
    comment = models.TextField(blank=True)
    assignee = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    until = models.DateTimeField(null=True)
    beyond = models.DecimalField(max_digits=24, decimal_places=6, null=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


def is_shared(one: Rule | Episode) -> bool:
    """About the limit in force of the marketplace as a whole: however many rules tell of it, it is one story."""
    return one.kind == Rule.Kind.LIMIT and not one.snapshot


class RuleEntity(models.Model):
    """A SKU or campaign that a rule finds beyond its limit in one scope, from the first day on which it was so.

    In an episode once it was so for as many days as the rule asks for; those that left stay as the episode's past.
    """

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+", db_index=False)
    snapshot = models.CharField(max_length=20)
    kpi = models.CharField(max_length=40)
    entity = models.CharField(max_length=200)
    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, null=True, related_name="entities")
    value = models.DecimalField(max_digits=24, decimal_places=6)
    worst = models.DecimalField(max_digits=24, decimal_places=6)
    #: The last days of the first and of the newest window in which it was known to be beyond.
    since = models.DateField()
    last = models.DateField()
    joined_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace", "rule", "entity"],
                condition=models.Q(left_at__isnull=True),
                name="ruleentity_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.entity}: {self.kpi}"


class OutboxMessage(Work):
    """A mail or a post that must arrive: committed with the episode it is about, sent afterwards.

    `dedupe_key` and the Message-ID made of it are the same however often sending is tried, so
    a copy sent twice around a crash can be told from another mail.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Delivered")
        FAILED = "failed", _("Not delivered")

    class Purpose(models.TextChoices):
        OPENED = "opened", _("New alert")
        AWAKE = "awake", _("Snooze over")
        ASSIGNED = "assigned", _("Given to you")
        ESCALATED = "escalated", _("Taken by nobody")
        JOINED = "joined", _("More in an alert")
        FAILING = "failing", _("A report fails")
        MACHINE = "machine", _("The machine")
        TEST = "test", _("Test")
        WEEKLY = "weekly", _("Weekly summary")
        DAILY = "daily", _("Daily brief")

    dedupe_key = models.CharField(max_length=200, unique=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.OPENED)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    #: To a person by mail, or to a channel.
    recipient = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    address = models.EmailField(blank=True)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, null=True, related_name="+")
    #: About something critical: it waits for no hour of the day.
    urgent = models.BooleanField(default=False)
    #: When it was to be sent; much later it says that it is late.
    due_at = models.DateTimeField(default=timezone.now)
    #: The Message-ID of the first mail about the same to the same person.
    thread = models.CharField(max_length=250, blank=True)
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
            models.Index(fields=["organisation", "-id"], name="outbox_log"),
            models.Index(fields=["state", "tries"], name="outbox_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"

    @property
    def to(self) -> str:
        """Who gets it: a person's name, or a channel's."""
        return str(self.channel or self.recipient or self.address)

    @property
    def said(self) -> str:
        """What became of the last try, in words: the server's, or ours."""
        if self.answer:
            return source_words(self.answer)
        if self.state == self.State.FAILED:
            return gettext("Set aside: its sender stopped three times while sending. It may have arrived.")
        return ""
