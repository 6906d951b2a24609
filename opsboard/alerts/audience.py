"""Who is told: the members of an organisation that an alert concerns."""

from __future__ import annotations

from opsboard.accounts.models import Membership, Role

from .models import Episode


def of(organisation_id: int) -> list[Membership]:
    """Every active member from operator up who wants alerts by mail."""
    members = Membership.objects.filter(
        organisation=organisation_id, mail_alerts=True, user__is_active=True
    ).select_related("user", "organisation")
    return [member for member in members.order_by("id") if member.at_least(Role.OPERATOR)]


def responsible_for(episode: Episode) -> list[Membership]:
    """Whose the episode is, if somebody has it and can be mailed; else everybody who is told of new ones."""
    everybody = of(episode.account.organisation_id)
    mine = [member for member in everybody if member.user_id == episode.assigned_to_id]
    return mine or everybody


def may_be_assigned(organisation_id: int) -> list[Membership]:
    """Who can be given an alert: active members from operator up, by name."""
    members = Membership.objects.filter(organisation=organisation_id, user__is_active=True).select_related("user")
    return sorted((m for m in members if m.at_least(Role.OPERATOR)), key=lambda m: str(m.user).lower())
