"""What people do with an episode. Each is one transaction: the state, its line in the journal, the audit.

Which state allows what is in ALLOWED and nowhere else; an action that comes too late (somebody was faster, the
judge closed it) changes nothing and says so by returning False.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts import audit
from opsboard.accounts.models import User

from . import audience, outbox
from .models import Episode, EpisodeEvent, OutboxMessage

State = Episode.State
_Reason = EpisodeEvent.Reason
_RUNNING = frozenset({State.OPEN, State.ACKNOWLEDGED, State.SNOOZED})

#: From which states each action may be taken.
ALLOWED: dict[str, frozenset[Episode.State]] = {
    "acknowledge": frozenset({State.OPEN, State.SNOOZED}),
    "reopen": frozenset({State.ACKNOWLEDGED, State.SNOOZED}),
    "assign": _RUNNING,
    "snooze": _RUNNING,
    "resolve": _RUNNING,
    "comment": frozenset(State),
}


def may(action: str, episode: Episode) -> bool:
    return episode.state in ALLOWED[action]


def acknowledge(episode_id: int, user: User) -> bool:
    """Mark an episode as seen by `user`; a snooze ends with it."""
    return _change(
        "acknowledge",
        episode_id,
        user,
        state=State.ACKNOWLEDGED,
        acknowledged_by=user,
        acknowledged_at=timezone.now(),
        snoozed_until=None,
        snoozed_beyond=None,
    )


def reopen(episode_id: int, user: User) -> bool:
    """Take an acknowledgement or a snooze back."""
    return _change(
        "reopen",
        episode_id,
        user,
        state=State.OPEN,
        acknowledged_by=None,
        acknowledged_at=None,
        snoozed_until=None,
        snoozed_beyond=None,
    )


@transaction.atomic
def assign(episode_id: int, user: User, to: User | None, comment: str = "") -> bool:
    """Give the episode to a member of the organisation, or to nobody; who gets it from another is mailed once."""
    episode = _locked("assign", episode_id)
    organisation_id = episode.account.organisation_id if episode else 0
    members = {member.user_id: member for member in audience.may_be_assigned(organisation_id)}
    if episode is None or (to is not None and to.pk not in members):
        return False
    event = _note(episode, user, "assign", episode.state, _Reason.ASSIGNED, comment, assignee=to)
    episode.assigned_to = to
    episode.save(update_fields=["assigned_to"])
    member = members.get(to.pk) if to else None
    if member is not None and member.user_id != user.pk and member.mail_alerts:

        def lead() -> str:
            said = {"who": str(user), "comment": comment}
            if comment:
                return _("%(who)s gave you this alert: %(comment)s") % said
            return _("%(who)s gave you this alert.") % said

        outbox.enqueue([episode], outbox.Person(member), OutboxMessage.Purpose.ASSIGNED, lead=lead, about=str(event.pk))
    return True


def snooze(
    episode_id: int, user: User, until: date | None = None, worse_by: Decimal | None = None, comment: str = ""
) -> bool:
    """Trouble nobody until a day of the marketplace begins, or until the figure is worse by so much (in its unit)."""
    if until is None and worse_by is None:
        raise ValueError("a snooze needs an end")
    with transaction.atomic():
        episode = _locked("snooze", episode_id)
        if episode is None:
            return False
        instant = None
        if until is not None:
            instant = datetime.combine(until, time(), tzinfo=episode.marketplace.zone)
        beyond = None
        if worse_by is not None:
            beyond = episode.value + worse_by if episode.over else episode.value - worse_by
        _note(episode, user, "snooze", State.SNOOZED, _Reason.PERSON, comment, until=instant, beyond=beyond)
        episode.state, episode.snoozed_until, episode.snoozed_beyond = State.SNOOZED, instant, beyond
        episode.save(update_fields=["state", "snoozed_until", "snoozed_beyond"])
        return True


def resolve(episode_id: int, user: User, why: str) -> bool:
    """Close an episode by hand. The same breach stays closed; once the limit was kept, a new breach is a new one."""
    return _change(
        "resolve",
        episode_id,
        user,
        why,
        state=State.RESOLVED,
        resolved_at=timezone.now(),
        closed_by=user,
        kept_at=None,
        snoozed_until=None,
        snoozed_beyond=None,
    )


@transaction.atomic
def comment(episode_id: int, user: User, text: str) -> bool:
    """A line in the journal; nothing else changes."""
    episode = _locked("comment", episode_id)
    if episode is None or not text.strip():
        return False
    _note(episode, user, "comment", episode.state, _Reason.COMMENT, text)
    return True


@transaction.atomic
def _change(action: str, episode_id: int, user: User, comment: str = "", **fields: Any) -> bool:
    episode = _locked(action, episode_id)
    if episode is None:
        return False
    _note(episode, user, action, fields["state"], _Reason.PERSON, comment)
    for name, value in fields.items():
        setattr(episode, name, value)
    episode.save(update_fields=list(fields))
    return True


def _locked(action: str, episode_id: int) -> Episode | None:
    """The episode, locked, if its state allows the action."""
    episode = (
        Episode.objects.select_for_update(of=("self",))
        .select_related("account__organisation", "marketplace")
        .get(pk=episode_id)
    )
    return episode if may(action, episode) else None


def _note(
    episode: Episode, user: User, action: str, new: str, reason: EpisodeEvent.Reason, comment: str, **fields: Any
) -> EpisodeEvent:
    event = EpisodeEvent.objects.create(
        episode=episode,
        by=user,
        old=episode.state,
        new=new,
        value=episode.value,
        reason=reason,
        comment=comment.strip(),
        **fields,
    )
    audit.record(
        episode.account.organisation,
        user,
        f"alert.{action}",
        f"{episode.kpi}: {episode.account.name} {episode.marketplace.code} #{episode.pk}",
        before={"state": episode.state},
        after={"state": str(new), **({"to": str(fields["assignee"] or "")} if "assignee" in fields else {})},
    )
    return event
