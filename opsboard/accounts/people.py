"""Inviting people, changing their roles, letting them go. Each change is audited in its own transaction."""

from __future__ import annotations

import smtplib

import structlog
from allauth.account import app_settings as allauth_settings
from allauth.account.utils import user_pk_to_url_str
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from . import audit
from .models import Membership, Organisation, Role, User

log = structlog.get_logger(__name__)


def assignable_roles(actor: Membership) -> list[Role]:
    """The roles this member may give: an owner any, a manager those below owner, others none."""
    if not actor.at_least(Role.MANAGER):
        return []
    return [role for role in Role if role is not Role.OWNER or actor.role == Role.OWNER]


def may_change(actor: Membership, member: Membership) -> bool:
    """Whether `actor` may change or remove `member`: never oneself, never a role one could not give."""
    return (
        actor.organisation_id == member.organisation_id
        and actor.pk != member.pk
        and Role(member.role) in assignable_roles(actor)
    )


def invite(actor: Membership, email: str, role: Role, name: str = "") -> tuple[Membership, bool]:
    """Make a person a member; returns (membership, whether it is new). The mail is sent apart.

    A person who is a member already is left as they are. Someone known from another
    organisation keeps their password; a new person gets none until they follow the mailed link.
    """
    if role not in assignable_roles(actor):
        raise PermissionDenied(_("Your role does not allow giving this role."))
    with transaction.atomic():
        user = User.objects.filter(email=email.lower()).first() or User.objects.create_user(email, name=name)
        if not user.is_active and not user.memberships.exists():
            user.is_active = True
            user.set_unusable_password()  # back after having left: the old password does not come back
            user.save(update_fields=["is_active", "password"])
        member, created = Membership.objects.get_or_create(
            user=user, organisation=actor.organisation, defaults={"role": role}
        )
        if created:
            audit.record(actor.organisation, actor.user, "person.invited", user.email, after={"role": role.value})
    return member, created


def send_invitation(actor: Membership, member: Membership) -> bool:
    """Mail the invitation with a link to set a password; False when the mail server did not take it."""
    context = {
        "organisation": member.organisation,
        "inviter": actor.user,
        "role": Role(member.role).label,
        "link": password_link(member.user) if not member.user.has_usable_password() else settings.BASE_URL,
        "sets_password": not member.user.has_usable_password(),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
    }
    subject = " ".join(render_to_string("settings/mail/invitation_subject.txt", context).split())
    mail = EmailMultiAlternatives(
        subject, render_to_string("settings/mail/invitation.txt", context), None, [member.user.email]
    )
    mail.attach_alternative(render_to_string("settings/mail/invitation.html", context), "text/html")
    try:
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail_not_sent", mail="invitation", error=type(error).__name__)
        return False
    return True


def password_link(user: User) -> str:
    """A link that lets its holder set the user's password once; mail it, never show or log it."""
    token = allauth_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": token})
    return settings.BASE_URL + path


def change_role(actor: Membership, member: Membership, role: Role) -> None:
    """Give a member another role; PermissionDenied when the actor may not."""
    if not may_change(actor, member) or role not in assignable_roles(actor):
        raise PermissionDenied(_("Your role does not allow this. Ask an owner of your organisation."))
    with transaction.atomic():
        before, member.role = member.role, role.value
        member.save(update_fields=["role"])
        audit.record(
            member.organisation,
            actor.user,
            "role.changed",
            member.user.email,
            before={"role": before},
            after={"role": role.value},
        )


def remove(actor: Membership, member: Membership) -> None:
    """End a membership and every session of the person at once.

    A person left without any organisation cannot sign in any more; what they did keeps their name.
    """
    if not may_change(actor, member):
        raise PermissionDenied(_("Your role does not allow this. Ask an owner of your organisation."))
    with transaction.atomic():
        user = member.user
        member.delete()
        if not user.memberships.exists():
            user.is_active = False
            user.save(update_fields=["is_active"])
        end_sessions(user)
        audit.record(actor.organisation, actor.user, "person.removed", user.email, before={"role": member.role})


def end_sessions(user: User) -> int:
    """Sign the person out everywhere; returns how many sessions ended."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)


def create_owner(email: str, organisation_name: str, password: str) -> tuple[User, Organisation, bool]:
    """The first person of an organisation, from the command line; returns (user, organisation, user is new).

    Run again for the same pair it changes nothing but the role: an owner who lost the role gets it back.
    """
    with transaction.atomic():
        organisation = Organisation.objects.filter(name=organisation_name).first()
        if organisation is None:
            organisation = Organisation.objects.create(name=organisation_name, slug=_free_slug(organisation_name))
        user = User.objects.filter(email=email.lower()).first()
        created = user is None
        if user is None:
            user = User.objects.create_user(email, password)
        Membership.objects.update_or_create(user=user, organisation=organisation, defaults={"role": Role.OWNER})
        audit.record(organisation, None, "owner.created", user.email)
    return user, organisation, created


def _free_slug(name: str) -> str:
    base = slugify(name)[:40] or "organisation"
    taken = set(Organisation.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 3) if (slug := base if n == 1 else f"{base}-{n}") not in taken)
