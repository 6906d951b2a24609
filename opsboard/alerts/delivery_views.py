"""Settings › Delivery: when a person is mailed, where else alerts go, and what became of every message."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from opsboard.accounts import access
from opsboard.accounts.models import AccountMarketplace, Membership, Role, User

from . import channels, mail, outbox, posts
from .delivery_forms import HINTS, ChannelForm, RouteForm
from .models import Channel, OutboxMessage, Route

PAGE = 50
_STATES = {
    "all": None,
    "waiting": [OutboxMessage.State.WAITING, OutboxMessage.State.SENDING],
    "failed": [OutboxMessage.State.FAILED],
}


def index(request: HttpRequest) -> HttpResponse:
    """One's own hours in each organisation, and the channels of those one manages."""
    sections = [
        (
            member,
            Route.objects.filter(member=member).first() or Route(member=member),
            Channel.objects.filter(organisation=member.organisation, deleted_at=None),
            member.at_least(Role.MANAGER),
        )
        for member in access.memberships(request.user)
    ]
    kinds = [(kind, kind.label) for kind in Channel.Kind]
    return render(request, "alerts/delivery.html", {"sections": sections, "kinds": kinds})


def route(request: HttpRequest, organisation: int) -> HttpResponse:
    """When the person asking is mailed of an organisation's alerts."""
    member = access.require_role(request.user, organisation, Role.VIEWER)
    kept = Route.objects.filter(member=member).first() or Route(member=member, time_zone=_zone(member))
    form = RouteForm(request.POST or None, instance=kept)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your mails come as you said from now on."))
        return redirect("delivery:index")
    title = _("Your mails of %(org)s") % {"org": member.organisation}
    return render(request, "alerts/form.html", {"form": form, "title": title}, status=422 if form.errors else 200)


def _zone(member: Membership) -> str:
    """A guess for the first time: that of the organisation's first marketplace."""
    scope = AccountMarketplace.objects.filter(account__organisation=member.organisation_id, active=True)
    first = scope.select_related("marketplace").first()
    return first.marketplace.time_zone if first else "UTC"


@require_POST
def test_mail(request: HttpRequest, organisation: int) -> HttpResponse:
    """One mail to oneself; the log says what the server answered."""
    member = access.require_role(request.user, organisation, Role.VIEWER)
    key = f"test:{secrets.token_hex(8)}:{member.user_id}"
    outbox.put(key, outbox.Person(member), mail.test(member), OutboxMessage.Purpose.TEST)
    messages.success(request, _("A test is on its way to %(address)s.") % {"address": member.user.email})
    return redirect("delivery:log")


def log(request: HttpRequest) -> HttpResponse:
    """Every message of the organisations one manages, and one's own; the newest first."""
    mine = OutboxMessage.objects.none()
    for member in access.memberships(request.user):
        of_mine = OutboxMessage.objects.filter(organisation=member.organisation_id)
        mine = mine | (of_mine if member.at_least(Role.MANAGER) else of_mine.filter(recipient=member.user_id))
    show = request.GET.get("show", "all")
    show = show if show in _STATES else "all"
    if (states := _STATES[show]) is not None:
        mine = mine.filter(state__in=states)
    before = request.GET.get("before", "")
    if before.isdigit() and len(before) < 19:
        mine = mine.filter(pk__lt=int(before))
    found = list(mine.select_related("recipient", "channel", "organisation").order_by("-id")[: PAGE + 1])
    words = {"all": _("All"), "waiting": _("Waiting"), "failed": _("Not delivered")}
    context = {
        "found": found[:PAGE],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "show": show,
        "filters": [(name, word, name == show) for name, word in words.items()],
    }
    return render(request, "alerts/log.html", context)


def channel_new(request: HttpRequest, organisation: int, channel_kind: str) -> HttpResponse:
    member = access.require_role(request.user, organisation, Role.MANAGER)
    if channel_kind not in HINTS:
        raise Http404(_("There is no such channel."))
    return _channel_form(request, Channel(organisation=member.organisation, kind=channel_kind))


def channel(request: HttpRequest, pk: int) -> HttpResponse:
    return _channel_form(request, _channel(request, pk))


def _channel_form(request: HttpRequest, found: Channel) -> HttpResponse:
    form = ChannelForm(request.POST or None, channel=found)
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        made, values = form.made()
        channels.save(made, request.user, values)
        if values and made.kind == Channel.Kind.WEBHOOK:
            # Shown this once: afterwards it is sealed and nobody reads it again.
            return render(request, "alerts/channel_secret.html", {"channel": made, "secret": values["secret"]})
        messages.success(request, _("The channel is kept. Name it in the rules that are to use it."))
        return redirect("delivery:index")
    context = {"form": form, "title": found.name or found.get_kind_display()}
    return render(request, "alerts/form.html", context, status=422 if form.errors else 200)


@require_POST
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    found = _channel(request, pk)
    key = f"test:{secrets.token_hex(8)}:channel-{found.pk}"
    outbox.put(key, outbox.Place(found), posts.test(found), OutboxMessage.Purpose.TEST)
    messages.success(request, _("A test is on its way to %(address)s.") % {"address": found.name})
    return redirect("delivery:log")


@require_POST
def channel_delete(request: HttpRequest, pk: int) -> HttpResponse:
    found = _channel(request, pk)
    assert isinstance(request.user, User)
    channels.delete(found, request.user)
    messages.success(request, _("The channel is deleted, and its address with it."))
    return redirect("delivery:index")


def _channel(request: HttpRequest, pk: int) -> Channel:
    """A channel for somebody who may change it: 404 for strangers, 403 for those who may only look."""
    mine = [member.organisation_id for member in access.memberships(request.user)]
    found = Channel.objects.filter(pk=pk, organisation__in=mine, deleted_at=None).select_related("organisation").first()
    if found is None:
        raise Http404(_("There is no such channel."))
    access.require_role(request.user, found.organisation_id, Role.MANAGER)
    return found
