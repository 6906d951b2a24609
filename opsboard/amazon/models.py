"""What all workers share about Amazon: rate limits and the tokens it signs us in with."""

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
    refusals = models.SmallIntegerField(default=0, help_text="429s in a row")
    filled_at = models.DateTimeField(db_default=Now())
    #: How often a caller had to wait for a token, and how often Amazon itself said 429.
    waits = models.BigIntegerField(db_default=0)
    refused = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "application", "operation"], name="bucket_once")]

    def __str__(self) -> str:
        return f"{self.operation} of {self.partner}"


class AccessToken(models.Model):
    """The short-lived token of one set of credentials, sealed; see tokens.py.

    `name` is a hash of credentials and host. Of any number of processes that need a token one holds
    `asking_until` and asks; what Amazon refused is remembered for a moment, so that the others do not ask too.
    """

    name = models.CharField(max_length=64, unique=True)
    sealed = models.BinaryField(default=b"")
    key_id = models.CharField(max_length=20, blank=True)
    #: Tells whether a refused token is this one.
    digest = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    asking_until = models.DateTimeField(null=True, blank=True)
    #: Login with Amazon's word for its last refusal ("invalid_grant"), and until when it is believed.
    refusal = models.CharField(max_length=60, blank=True)
    refused_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"token {self.name[:8]}"
