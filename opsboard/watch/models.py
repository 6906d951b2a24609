"""What opsboard knows of itself: who is alive, and what was counted."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """One process of opsboard: when it was last seen, and when it last did what it is there for.

    Instants are the database's; what the host's clock said at the same moment is kept as its difference.
    """

    class Kind(models.TextChoices):
        CLOCK = "clock", _("dispatcher")
        TICK = "tick", _("planning")
        WORKER = "worker", _("worker")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    #: host:process id; several processes of a kind have a row each, planning has one.
    name = models.CharField(max_length=120)
    seen_at = models.DateTimeField(db_default=Now())
    #: Dispatcher: sent a tick. Planning: planned. Worker: was given a task.
    worked_at = models.DateTimeField(null=True, blank=True)
    #: Seconds the host's clock is ahead of the database's.
    ahead = models.FloatField(default=0)
    #: Tasks it is at.
    busy = models.IntegerField(default=0)
    #: Since when it hears nothing although there is work.
    deaf_since = models.DateTimeField(null=True, blank=True)
    #: It ended as it should.
    left_at = models.DateTimeField(null=True, blank=True)
    #: What it found of the machine it runs on: {check: {"status", "sentence"}}.
    saw = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="heartbeat_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Trouble(models.Model):
    """Something wrong with the machine that people were mailed of; open while it lasts."""

    #: Key of the check that found it.
    what = models.CharField(max_length=40)
    began_at = models.DateTimeField(db_default=Now())
    over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["what"], condition=models.Q(over_at=None), name="trouble_once"),
        ]

    def __str__(self) -> str:
        return f"{self.what} since {self.began_at}"


class Tally(models.Model):
    """Something counted by all processes together; only grows."""

    what = models.CharField(max_length=40)
    label = models.CharField(max_length=60, blank=True)
    total = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["what", "label"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.what} {self.label}: {self.total}"
