"""People: who is a member, with which role; inviting and letting go; what was changed by whom."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import people
from ..access import memberships, require_role
from ..forms import InviteForm, RoleForm
from ..models import AuditEvent, Membership, Role


def _managed(request: HttpRequest, role: Role) -> list[Membership]:
    """The person's memberships with at least `role`; 403 when there is none."""
    mine = [m for m in memberships(request.user) if m.at_least(role)]
    if not mine:
        raise PermissionDenied(_("Your role does not allow this. Ask an owner of your organisation."))
    return mine


def _actor_and_member(request: HttpRequest, pk: int) -> tuple[Membership, Membership]:
    member = Membership.objects.select_related("user", "organisation").filter(pk=pk).first()
    if member is None:
        raise Http404(_("There is no such member."))
    return require_role(request.user, member.organisation_id, Role.MANAGER), member


def _page(request: HttpRequest, failed: InviteForm | None = None, failed_in: int = 0) -> HttpResponse:
    sections = []
    for mine in _managed(request, Role.MANAGER):
        members = mine.organisation.memberships.select_related("user").order_by("user__name", "user__email")
        roles = people.assignable_roles(mine)
        form = failed if failed_in == mine.organisation_id else None
        sections.append(
            {
                "organisation": mine.organisation,
                "members": [(m, people.may_change(mine, m)) for m in members],
                "roles": roles,
                "form": form or InviteForm(roles=roles, auto_id=f"id_{mine.organisation_id}_%s"),
            }
        )
    return render(request, "settings/people.html", {"sections": sections}, status=422 if failed else 200)


def index(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Invite into organisation `pk`."""
    actor = require_role(request.user, pk, Role.MANAGER)
    form = InviteForm(request.POST, roles=people.assignable_roles(actor), auto_id=f"id_{pk}_%s")
    if not form.is_valid():
        return _page(request, form, pk)
    values = form.cleaned_data
    member, created = people.invite(actor, values["email"], Role(values["role"]), values["name"])
    if not created:
        messages.info(request, _("%(email)s is a member already.") % {"email": member.user.email})
        return redirect("settings:people")
    return _send(request, actor, member)


@require_POST
def invite_again(request: HttpRequest, pk: int) -> HttpResponse:
    actor, member = _actor_and_member(request, pk)
    if not people.may_change(actor, member):
        raise PermissionDenied
    return _send(request, actor, member)


def _send(request: HttpRequest, actor: Membership, member: Membership) -> HttpResponse:
    if people.send_invitation(actor, member):
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": member.user.email})
    else:
        messages.error(
            request,
            _("%(email)s is a member now, but the mail server did not accept the invitation. Send it again later.")
            % {"email": member.user.email},
        )
    return redirect("settings:people")


@require_POST
def role(request: HttpRequest, pk: int) -> HttpResponse:
    actor, member = _actor_and_member(request, pk)
    form = RoleForm(request.POST)
    if form.is_valid():
        people.change_role(actor, member, Role(form.cleaned_data["role"]))
        messages.success(request, _("The role of %(person)s is changed.") % {"person": member.user})
    return redirect("settings:people")


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    actor, member = _actor_and_member(request, pk)
    people.remove(actor, member)
    messages.success(request, _("%(person)s is removed and signed out everywhere.") % {"person": member.user})
    return redirect("settings:people")


def audit_trail(request: HttpRequest) -> HttpResponse:
    """The last 200 changes of settings in the organisations the person owns; older ones by ?before=<id>."""
    mine = _managed(request, Role.OWNER)
    events = AuditEvent.objects.filter(organisation__in=[m.organisation_id for m in mine]).select_related(
        "organisation"
    )
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit():
        events = events.filter(pk__lt=min(int(before), 2**63 - 1))
    page = list(events[:200])
    return render(request, "settings/audit.html", {"events": page, "older": page[-1].pk if len(page) == 200 else None})
