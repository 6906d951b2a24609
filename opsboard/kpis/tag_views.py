"""Settings › Tags: labels for accounts, products and campaigns, changed by managers and owners."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from opsboard.accounts import access
from opsboard.accounts.models import Membership, Role, Tag, User
from opsboard.ui import joins

from . import tags
from .snapshots import snapshots
from .tag_forms import TagForm


def index(request: HttpRequest) -> HttpResponse:
    """Every tag of the organisations the person belongs to, and how much carries it."""
    sections = [
        (member.organisation, [(tag, _carried(tag)) for tag in tags.of(member.organisation)], _may_change(member))
        for member in access.memberships(request.user)
    ]
    return render(request, "kpis/tags.html", {"sections": sections})


def _may_change(member: Membership) -> bool:
    return member.at_least(Role.MANAGER)


def _carried(tag: Tag) -> str:
    """ "2 accounts · 14 SKUs"."""
    accounts, parts = len(tag.accounts.all()), []
    if accounts:
        parts.append(ngettext("%(n)s account", "%(n)s accounts", accounts) % {"n": accounts})
    parts += [snapshots()[kind].naming.counted(n) for kind, n in tags.counts(tag).items() if kind in snapshots()]
    return " · ".join(parts) or _("Nothing carries it yet")


def new(request: HttpRequest, organisation: int) -> HttpResponse:
    member = access.require_role(request.user, organisation, Role.MANAGER)
    return _form(request, Tag(organisation=member.organisation))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, _tag(request, pk))


def _form(request: HttpRequest, tag: Tag) -> HttpResponse:
    form = TagForm(request.POST or None, tag=tag)
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        form.save(request.user)
        messages.success(request, _("The tag is kept."))
        return redirect("kpis:tags")
    title = tag.name if tag.pk else _("New tag")
    return render(
        request, "kpis/tag.html", {"form": form, "tag": tag, "title": title}, status=422 if form.errors else 200
    )


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    tag = _tag(request, pk)
    assert isinstance(request.user, User)
    if using := tags.delete(tag, request.user):
        messages.error(
            request, _("Alert rules go by this tag: %(rules)s. Change those first.") % {"rules": joins.listed(using)}
        )
        return redirect("kpis:tag", pk)
    messages.success(request, _("The tag is deleted."))
    return redirect("kpis:tags")


def _tag(request: HttpRequest, pk: int) -> Tag:
    """A tag for somebody who may change it: 404 for strangers, 403 for those who may only look."""
    mine = [member.organisation_id for member in access.memberships(request.user)]
    tag = Tag.objects.filter(pk=pk, organisation__in=mine).select_related("organisation").first()
    if tag is None:
        raise Http404(_("There is no such tag."))
    access.require_role(request.user, tag.organisation_id, Role.MANAGER)
    return tag
