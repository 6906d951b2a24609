"""Whom a message goes to: a person by mail, or a channel. What is composed, kept and counted differs only here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.db import models

from opsboard.accounts.models import Membership

from . import mail, posts
from .mail import Letter
from .models import Channel, Episode, OutboxMessage


class Addressee(Protocol):
    #: Whether everything that comes up at once is one message.
    together: bool

    @property
    def key(self) -> str: ...
    def messages(self) -> models.QuerySet[OutboxMessage]: ...
    def fields(self) -> dict[str, Any]: ...
    def compose(
        self, episodes: Sequence[Episode], purpose: OutboxMessage.Purpose, lead: Callable[[], str]
    ) -> Letter: ...


class Person:
    together = False

    def __init__(self, member: Membership) -> None:
        self.member = member

    @property
    def key(self) -> str:
        return str(self.member.user_id)

    def messages(self) -> models.QuerySet[OutboxMessage]:
        return OutboxMessage.objects.filter(organisation=self.member.organisation_id, recipient=self.member.user_id)

    def fields(self) -> dict[str, Any]:
        user = self.member.user
        return {"organisation": self.member.organisation, "recipient": user, "address": user.email}

    def compose(self, episodes: Sequence[Episode], purpose: OutboxMessage.Purpose, lead: Callable[[], str]) -> Letter:
        return mail.compose(list(episodes), self.member, lead)


class Place:
    together = True

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    @property
    def key(self) -> str:
        return f"channel-{self.channel.pk}"

    def messages(self) -> models.QuerySet[OutboxMessage]:
        return OutboxMessage.objects.filter(channel=self.channel)

    def fields(self) -> dict[str, Any]:
        return {"organisation": self.channel.organisation, "channel": self.channel}

    def compose(self, episodes: Sequence[Episode], purpose: OutboxMessage.Purpose, lead: Callable[[], str]) -> Letter:
        return posts.compose(episodes, self.channel, purpose, lead)
