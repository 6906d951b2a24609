"""Rate limits as Amazon keeps them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Bucket(models.Model):
    """The tokens left for one operation of one application at one seller; see throttle.py.

    `tokens` may be negative: that much has to flow in before the next call.
    """

    partner = models.CharField(max_length=40)
    application = models.CharField(max_length=20)
    operation = models.CharField(max_length=60)
    tokens = models.FloatField()
    rate = models.FloatField(help_text="tokens a second")
    burst = models.FloatField()
    filled_at = models.DateTimeField(db_default=Now())
    #: How often a caller had to wait for a token, and how often Amazon itself said 429.
    waits = models.BigIntegerField(db_default=0)
    refusals = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "application", "operation"], name="bucket_once")]

    def __str__(self) -> str:
        return f"{self.operation} of {self.partner}"
