"""The inbox of episodes, one episode with its evidence, and the way out of the mails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from opsboard.accounts import access
from opsboard.accounts.models import AccountMarketplace, Membership, Organisation, Role, User
from opsboard.accounts.public import public
from opsboard.kpis import cards, diagnosis, trends
from opsboard.kpis.diagnosis import Diagnosis
from opsboard.kpis.registry import Kpi, kpis
from opsboard.ui import formats
from opsboard.ui.filters import PageState

from . import actions, audience, mail, members, rules, words
from .forms import AssignForm, CommentForm, ResolveForm, SnoozeForm
from .models import Episode, Rule

FILTERS = ("running", "acknowledged", "snoozed", "resolved")
_STATES = {
    "running": [Episode.State.OPEN, Episode.State.ACKNOWLEDGED],
    "acknowledged": [Episode.State.ACKNOWLEDGED],
    "snoozed": [Episode.State.SNOOZED],
    "resolved": [Episode.State.RESOLVED],
}
MOST = 200
#: So many of the SKUs or campaigns of an alert are listed at first.
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Row:
    episode: Episode
    scope: AccountMarketplace
    kpi: Kpi
    what: str
    headroom: str
    since: str
    #: What to do with it, for those who may and while it runs.
    desk: Desk | None
    snoozed: str
    #: Over how many days after a click the sales behind it are counted; "" where it has none.
    counted: str


@dataclass(frozen=True, slots=True)
class Desk:
    """The forms that go with an episode's buttons."""

    snooze: SnoozeForm
    assign: AssignForm
    resolve: ResolveForm
    comment: CommentForm


def index(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    chosen = request.GET.get("show", "running")
    chosen = chosen if chosen in FILTERS else "running"
    rows = _rows(request, state, chosen)
    names = {
        "running": _("Running"),
        "acknowledged": _("Acknowledged"),
        "snoozed": _("Snoozed"),
        "resolved": _("Resolved"),
    }
    filters = [(state.query(show=name), names[name], name == chosen) for name in FILTERS]
    return render(request, "alerts/index.html", {"rows": rows, "filters": filters, "show": chosen})


def _rows(request: HttpRequest, state: PageState, chosen: str) -> list[Row]:
    scopes = [state.scope] if state.scope else state.scopes
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    found = Episode.objects.filter(account__in={account for account, _m in by_pair}, state__in=_STATES[chosen])
    found = found.select_related("account", "marketplace", "assigned_to")
    rows, asker = [], _Asker(request)
    for item in found.order_by("-opened_at", "-id")[:MOST]:
        scope, kpi = by_pair.get((item.account_id, item.marketplace_id)), kpis().get(item.kpi)
        if scope is not None and kpi is not None:
            rows.append(_row(asker, item, scope, kpi))
    # Not yet seen by anybody first, then what is critical, then the farthest over its limit.
    rows.sort(
        key=lambda row: (
            row.episode.state != Episode.State.OPEN,
            row.episode.severity != Rule.Severity.CRITICAL,
            -_share_over(row.episode),
        )
    )
    return rows


class _Asker:
    """What the person asking may do in each organisation, looked up once a page."""

    def __init__(self, request: HttpRequest) -> None:
        self.user = request.user
        self._members: dict[int, list[Membership] | None] = {}

    def members(self, organisation: Organisation) -> list[Membership] | None:
        """To whom this person may give an alert; None where they may not act."""
        if organisation.pk not in self._members:
            may = access.has_role(self.user, organisation, Role.OPERATOR)
            self._members[organisation.pk] = audience.may_be_assigned(organisation.pk) if may else None
        return self._members[organisation.pk]


def _row(asker: _Asker, item: Episode, scope: AccountMarketplace, kpi: Kpi) -> Row:
    members = asker.members(scope.account.organisation)
    return Row(
        item,
        scope,
        kpi,
        words.what(item, kpi),
        words.headroom(item, kpi),
        formats.day(item.since or item.opened_at.date()),
        None if members is None else _desk(item, kpi, members),
        words.snooze_words(item, kpi) if item.state == Episode.State.SNOOZED else "",
        cards.counted(item.kpi, item.account_id, item.marketplace_id, item),
    )


def _desk(
    item: Episode, kpi: Kpi, members: list[Membership], posted: Mapping[str, Any] | None = None, action: str = ""
) -> Desk:
    """Every form is blank but the one that was posted and is to be corrected."""

    def data(name: str) -> Mapping[str, Any] | None:
        return posted if name == action else None

    return Desk(
        SnoozeForm(data("snooze"), episode=item, kpi=kpi),
        AssignForm(data("assign"), members=members, initial={"to": item.assigned_to_id}),
        ResolveForm(data("resolve")),
        CommentForm(data("comment")),
    )


def _share_over(item: Episode) -> float:
    limit = words.limit_of(item)
    return float(abs(item.value - limit) / abs(limit)) if limit else 0.0


def _visible(request: HttpRequest, pk: int) -> tuple[Episode, AccountMarketplace]:
    """The episode and its scope, or 404: a stranger's and an unknown one answer alike."""
    item = Episode.objects.select_related("account", "marketplace", "assigned_to", "rule").filter(pk=pk).first()
    scope = None
    if item is not None:
        scope = (
            access.visible_scopes(request.user).filter(account=item.account_id, marketplace=item.marketplace_id).first()
        )
    if item is None or scope is None or item.kpi not in kpis():
        raise Http404(_("There is no such alert."))
    return item, scope


def episode(request: HttpRequest, pk: int) -> HttpResponse:
    item, scope = _visible(request, pk)
    return _page(request, item, scope)


def _page(
    request: HttpRequest, item: Episode, scope: AccountMarketplace, desk: Desk | None = None, status: int = 200
) -> HttpResponse:
    kpi = kpis()[item.kpi]
    state = PageState.from_request(request)
    story = mail.story(item)
    row = _row(_Asker(request), item, scope, kpi)
    context = {
        "row": replace(row, desk=desk) if desk else row,
        "kpi": kpi,
        "scope": scope,
        "worst": words.value(item.worst, item, kpi),
        "window": story.window,
        "chart": trends.chart(kpi.key, scope, state) if not item.snapshot else None,
        "listing": members.listing(item, None if "all" in request.GET else MOST_LISTED),
        "all_url": state.query(all="1"),
        "evidence": story.evidence,
        "diagnosis": _diagnosis(item, kpi, scope),
        "limit": story.limit,
        "rule": rules.title(item.rule) if item.rule else "",
        "events": [
            (
                event,
                words.journal_words(event, item, kpi, scope.marketplace),
                words.value(event.value, item, kpi),
            )
            for event in item.events.select_related("by", "assignee")
        ],
        "mails": item.mails.select_related("recipient", "channel").order_by("id"),
        "domain_url": reverse(f"{kpi.domain}:index") + state.carried(scope, chart=kpi.key) if kpi.domain else "",
    }
    return render(request, "alerts/episode.html", context, status=status)


def _diagnosis(item: Episode, kpi: Kpi, scope: AccountMarketplace) -> Diagnosis | None:
    return diagnosis.of_kpi(kpi, scope, item.first, item.last) if item.first and item.last else None


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    item, _scope, user = _to_act_on(request, pk)
    done = actions.acknowledge(item.pk, user)
    return _acted(request, pk, done, _("Acknowledged: the others see that you are on it."))


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    item, _scope, user = _to_act_on(request, pk)
    done = actions.reopen(item.pk, user)
    return _acted(request, pk, done, _("Open again: somebody else can take it."))


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    item, scope, user = _to_act_on(request, pk)
    desk = _posted(request, item, scope, "assign")
    if not desk.assign.is_valid():
        return _page(request, item, scope, desk, 422)
    to = desk.assign.chosen
    done = actions.assign(item.pk, user, to, desk.assign.cleaned_data["comment"])
    said = _("%(who)s has it now.") % {"who": to} if to else _("Nobody has it now.")
    return _acted(request, pk, done, said)


@require_POST
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    item, scope, user = _to_act_on(request, pk)
    desk = _posted(request, item, scope, "snooze")
    if not desk.snooze.is_valid():
        return _page(request, item, scope, desk, 422)
    data = desk.snooze.cleaned_data
    done = actions.snooze(item.pk, user, data["until"], data["worse_by"], data["comment"])
    return _acted(request, pk, done, _("Snoozed: if it is still broken then, one mail says so."))


@require_POST
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    item, scope, user = _to_act_on(request, pk)
    desk = _posted(request, item, scope, "resolve")
    if not desk.resolve.is_valid():
        return _page(request, item, scope, desk, 422)
    done = actions.resolve(item.pk, user, desk.resolve.cleaned_data["why"])
    return _acted(request, pk, done, _("Closed."))


@require_POST
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    item, scope, user = _to_act_on(request, pk)
    desk = _posted(request, item, scope, "comment")
    if not desk.comment.is_valid():
        return _page(request, item, scope, desk, 422)
    done = actions.comment(item.pk, user, desk.comment.cleaned_data["text"])
    return _acted(request, pk, done, _("Your comment is in the journal."))


def _to_act_on(request: HttpRequest, pk: int) -> tuple[Episode, AccountMarketplace, User]:
    """The episode, for somebody who may change it: 404 for strangers, 403 for viewers."""
    item, scope = _visible(request, pk)
    assert isinstance(request.user, User)
    access.require_role(request.user, scope.account.organisation, Role.OPERATOR)
    return item, scope, request.user


def _posted(request: HttpRequest, item: Episode, scope: AccountMarketplace, action: str) -> Desk:
    members = audience.may_be_assigned(scope.account.organisation_id)
    return _desk(item, kpis()[item.kpi], members, request.POST, action)


def _acted(request: HttpRequest, pk: int, done: bool, said: str) -> HttpResponse:
    if done:
        messages.success(request, said)
    else:
        messages.info(request, _("Somebody was faster, or it is over."))
    following = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(following, {request.get_host()}, require_https=request.is_secure()):
        return redirect(following)
    return redirect("alerts:episode", pk)


@public  # a mail program acts without a sign-in; the signed token names one membership and one list
@csrf_exempt  # RFC 8058: the mail provider posts from outside
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks and changes nothing (mail scanners follow links); POST stops the mails."""
    member = mail.member_of(token)
    if member is None:
        raise Http404(_("This link is not valid any more. Change your mails under Settings."))
    if request.method == "POST" and member.mail_alerts:
        member.mail_alerts = False
        member.save(update_fields=["mail_alerts"])
    return render(request, "alerts/unsubscribe.html", {"member": member, "done": not member.mail_alerts})
