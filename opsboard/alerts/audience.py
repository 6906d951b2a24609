"""Who is told: the members of an organisation that an alert concerns."""

from __future__ import annotations

from collections.abc import Sequence

from opsboard.accounts.models import Membership, Role

from .models import Channel, Episode, Rule


def of(organisation_id: int) -> list[Membership]:
    """Every active member from operator up who wants alerts by mail."""
    members = Membership.objects.filter(
        organisation=organisation_id, mail_alerts=True, user__is_active=True
    ).select_related("user", "organisation")
    return [member for member in members.order_by("id") if member.at_least(Role.OPERATOR)]


def mailed(organisation_id: int, episodes: Sequence[Episode]) -> list[tuple[Membership, list[Episode]]]:
    """Who is mailed of which of these episodes, by their rules."""
    everybody = of(organisation_id)
    named: dict[int | None, set[int] | None] = {None: None}
    for rule in _rules_of(episodes):
        people = set(rule.people.values_list("pk", flat=True))
        named[rule.pk] = (people or None) if rule.mails else set()
    found = []
    for member in everybody:
        mine = [e for e in episodes if (only := named.get(e.rule_id)) is None or member.pk in only]
        if mine:
            found.append((member, mine))
    return found


def posted(episodes: Sequence[Episode]) -> list[tuple[Channel, list[Episode]]]:
    """Which channels are told of which of these episodes."""
    found: dict[Channel, list[Episode]] = {}
    for rule in _rules_of(episodes):
        for channel in rule.channels.filter(enabled=True, deleted_at=None).select_related("organisation"):
            found.setdefault(channel, []).extend(e for e in episodes if e.rule_id == rule.pk)
    return list(found.items())


def _rules_of(episodes: Sequence[Episode]) -> list[Rule]:
    return list(Rule.objects.filter(pk__in={episode.rule_id for episode in episodes}))


def managers(organisation_id: int) -> list[Membership]:
    """Who is told when nobody has taken an alert."""
    return [member for member in of(organisation_id) if member.at_least(Role.MANAGER)]


def responsible_for(episode: Episode) -> list[Membership]:
    """Whose the episode is, if somebody has it and can be mailed; else everybody who is told of new ones."""
    everybody = of(episode.account.organisation_id)
    mine = [member for member in everybody if member.user_id == episode.assigned_to_id]
    return mine or everybody


def may_be_assigned(organisation_id: int) -> list[Membership]:
    """Who can be given an alert: active members from operator up, by name."""
    members = Membership.objects.filter(organisation=organisation_id, user__is_active=True).select_related("user")
    return sorted((m for m in members if m.at_least(Role.OPERATOR)), key=lambda m: str(m.user).lower())
