"""The inbox of episodes, one episode with its evidence, and the way out of the mails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from opsboard.accounts import access
from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.accounts.public import public
from opsboard.kpis import cards
from opsboard.kpis.registry import Kpi, kpis
from opsboard.ui import formats
from opsboard.ui.filters import PageState

from . import episodes, mail
from .models import Episode

FILTERS = ("running", "acknowledged", "resolved")
_STATES = {
    "running": [Episode.State.OPEN, Episode.State.ACKNOWLEDGED],
    "acknowledged": [Episode.State.ACKNOWLEDGED],
    "resolved": [Episode.State.RESOLVED],
}
MOST = 200


@dataclass(frozen=True, slots=True)
class Row:
    episode: Episode
    scope: AccountMarketplace
    kpi: Kpi
    what: str
    headroom: str
    since: str
    may_act: bool
    #: Over how many days after a click the sales behind it are counted; "" where it has none.
    counted: str


def index(request: HttpRequest) -> HttpResponse:
    state = PageState.from_request(request)
    chosen = request.GET.get("show", "running")
    chosen = chosen if chosen in FILTERS else "running"
    rows = _rows(request, state, chosen)
    words = {"running": _("Running"), "acknowledged": _("Acknowledged"), "resolved": _("Resolved")}
    filters = [(state.query(show=name), words[name], name == chosen) for name in FILTERS]
    return render(request, "alerts/index.html", {"rows": rows, "filters": filters, "show": chosen})


def _rows(request: HttpRequest, state: PageState, chosen: str) -> list[Row]:
    scopes = [state.scope] if state.scope else state.scopes
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    found = Episode.objects.filter(account__in={account for account, _m in by_pair}, state__in=_STATES[chosen])
    rows = []
    for item in found.order_by("-opened_at", "-id")[:MOST]:
        scope, kpi = by_pair.get((item.account_id, item.marketplace_id)), kpis().get(item.kpi)
        if scope is not None and kpi is not None:
            rows.append(_row(request, item, scope, kpi))
    # Not yet seen by anybody first, then the farthest over its limit.
    rows.sort(key=lambda row: (row.episode.state != Episode.State.OPEN, -_share_over(row.episode)))
    return rows


def _row(request: HttpRequest, item: Episode, scope: AccountMarketplace, kpi: Kpi) -> Row:
    may = not item.resolved_at and access.has_role(request.user, scope.account.organisation, Role.OPERATOR)
    since = formats.day(item.since or item.opened_at.date())
    counted = cards.counted(item.kpi, item.account_id, item.marketplace_id, item)
    headroom = cards.headroom(item, kpi, scope.marketplace)
    return Row(item, scope, kpi, _what(item, kpi, scope), headroom, since, may, counted)


def _what(item: Episode, kpi: Kpi, scope: AccountMarketplace) -> str:
    return _("%(kpi)s %(value)s against %(limit)s") % {
        "kpi": kpi.label,
        "value": cards.in_words(item.value, kpi.unit, scope.marketplace),
        "limit": cards.in_words(_limit(item), kpi.unit, scope.marketplace),
    }


def _limit(item: Episode) -> Decimal | None:
    return item.high if item.high is not None and item.value > item.high else item.low


def _share_over(item: Episode) -> float:
    limit = _limit(item)
    return float(abs(item.value - limit) / abs(limit)) if limit else 0.0


def _visible(request: HttpRequest, pk: int) -> tuple[Episode, AccountMarketplace]:
    """The episode and its scope, or 404: a stranger's and an unknown one answer alike."""
    item = Episode.objects.select_related("account", "marketplace", "acknowledged_by").filter(pk=pk).first()
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
    kpi = kpis()[item.kpi]
    state = PageState.from_request(request)
    story = mail.story(item)
    context = {
        "row": _row(request, item, scope, kpi),
        "kpi": kpi,
        "scope": scope,
        "worst": cards.in_words(item.worst, kpi.unit, scope.marketplace),
        "window": story.window,
        "chart": cards.chart(kpi.key, scope, state),
        "evidence": story.evidence,
        "limit": story.limit,
        "events": [
            (event, cards.in_words(event.value, kpi.unit, scope.marketplace))
            for event in item.events.select_related("by")
        ],
        "mails": item.mails.select_related("recipient").order_by("id"),
        "domain_url": reverse(f"{kpi.domain}:index") + state.carried(scope, chart=kpi.key) if kpi.domain else "",
    }
    return render(request, "alerts/episode.html", context)


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, episodes.acknowledge, _("Acknowledged: the others see that you are on it."))


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, episodes.reopen, _("Open again: somebody else can take it."))


def _act(request: HttpRequest, pk: int, act: Callable[[int, User], bool], done: str) -> HttpResponse:
    item, scope = _visible(request, pk)
    assert isinstance(request.user, User)
    access.require_role(request.user, scope.account.organisation, Role.OPERATOR)
    if act(item.pk, request.user):
        messages.success(request, done)
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
