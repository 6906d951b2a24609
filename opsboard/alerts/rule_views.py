"""Settings › Alert rules: what people are told about, changed by managers and owners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from opsboard.accounts import access
from opsboard.accounts.models import AccountMarketplace, Marketplace, Membership, Organisation, Role, User

from . import backtest, rule_words, rules
from .models import Episode, Rule
from .rule_forms import FIELDS, SENTENCES, RuleForm

#: So many of the days on which a rule would have fired are listed one by one.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    rule: Rule
    title: str
    condition: str
    place: str
    running: int


def index(request: HttpRequest) -> HttpResponse:
    """Every rule of the organisations the person belongs to."""
    sections = [
        (member.organisation, _lines(member.organisation), member.at_least(Role.MANAGER))
        for member in access.memberships(request.user)
    ]
    return render(request, "alerts/rules.html", {"sections": sections})


def _lines(organisation: Organisation) -> list[Line]:
    running: dict[int, int] = {}
    for rule_id in Episode.objects.filter(
        account__organisation=organisation, resolved_at=None, rule__isnull=False
    ).values_list("rule_id", flat=True):
        running[rule_id or 0] = running.get(rule_id or 0, 0) + 1
    shop = _shop(organisation)
    return [
        Line(
            rule,
            rules.title(rule),
            rule_words.condition(rule, rule.marketplace or shop),
            rule_words.place(rule),
            running.get(rule.pk, 0),
        )
        for rule in rules.of(organisation.pk)
    ]


def _shop(organisation: Organisation) -> Marketplace:
    """A marketplace to show amounts in where a rule names none: there is one currency then."""
    scope = AccountMarketplace.objects.filter(account__organisation=organisation, active=True)
    first = scope.select_related("marketplace").first()
    return first.marketplace if first else Marketplace(code="US", currency="USD", locale="en_US", time_zone="UTC")


def choose(request: HttpRequest, organisation: int) -> HttpResponse:
    """Which kind of rule a new one is to be."""
    member = _manager(request, organisation)
    kinds = [(kind, Rule.Kind(kind).label, sentence) for kind, sentence in SENTENCES.items()]
    return render(request, "alerts/rule_kinds.html", {"organisation": member.organisation, "kinds": kinds})


def new(request: HttpRequest, organisation: int, rule_kind: str) -> HttpResponse:
    member = _manager(request, organisation)
    if rule_kind not in FIELDS:
        raise Http404(_("There is no such rule."))
    return _form(request, member, Rule(organisation=member.organisation, kind=rule_kind))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    rule, member = _rule(request, pk)
    return _form(request, member, rule)


def _form(request: HttpRequest, member: Membership, rule: Rule) -> HttpResponse:
    title = rules.title(rule) if rule.pk else Rule.Kind(rule.kind).label
    tried: backtest.Replay | None = None
    typed = _with_picked(request.POST)
    searched = typed.pop("find", [""])[-1].strip()
    if searched or "search" in request.POST:  # looking for what to list keeps nothing and judges nothing
        form = RuleForm(None, rule=rule, organisation=member.organisation, begun=_begun(typed))
    else:
        form = RuleForm(typed if request.method == "POST" else None, rule=rule, organisation=member.organisation)
    if form.is_bound and form.is_valid():
        assert isinstance(request.user, User)
        made = form.made()
        if "try" not in request.POST:
            rules.save(made, request.user, form.who)
            messages.success(request, _("The rule counts from now on."))
            return redirect("rules:index")
        tried = backtest.replay(made, form.scopes)
    context = {
        "form": form,
        "tried": tried,
        "lines": [(item, rule_words.fired(item, rule)) for item in tried.fired[:MOST_SHOWN]] if tried else [],
        "searched": searched,
        "hits": form.hits(searched) if searched else [],
        "rule": rule,
        "title": title,
        "sentence": SENTENCES[Rule.Kind(rule.kind)],
    }
    return render(request, "alerts/rule.html", context, status=422 if form.errors else 200)


def _with_picked(posted: QueryDict) -> QueryDict:
    """What was posted, with those ticked in a search at the end of the list."""
    typed = posted.copy()
    lines = [line for line in typed.get("only", "").splitlines() if line.strip()]
    new = [entity for entity in typed.pop("picked", []) if entity not in lines]
    if new:
        typed["only"] = "\n".join([*lines, *new])
    return typed


def _begun(typed: QueryDict) -> dict[str, Any]:
    """What was typed so far, as a form shows it."""
    several = {"people", "channels"}
    return {name: typed.getlist(name) if name in several else typed.get(name) for name in {*typed, *several}} | {
        "mails": "mails" in typed
    }


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    rule, _member = _rule(request, pk)
    assert isinstance(request.user, User)
    rules.switch(rule, request.user, not rule.enabled)
    said = _("The rule counts from now on.") if rule.enabled else _("The rule is off; its alerts are over.")
    messages.success(request, said)
    return redirect("rules:index")


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    rule, _member = _rule(request, pk)
    assert isinstance(request.user, User)
    if rules.delete(rule, request.user):
        messages.success(request, _("The rule is deleted; its alerts are over."))
    else:
        messages.info(request, _("This rule can be switched off, not deleted."))
    return redirect("rules:index")


def _manager(request: HttpRequest, organisation: int) -> Membership:
    return access.require_role(request.user, organisation, Role.MANAGER)


def _rule(request: HttpRequest, pk: int) -> tuple[Rule, Membership]:
    """A rule for somebody who may change it: 404 for strangers, 403 for those who may only look."""
    mine = [member.organisation_id for member in access.memberships(request.user)]
    rule = (
        Rule.objects.filter(pk=pk, organisation__in=mine, deleted_at=None)
        .select_related("organisation", "account", "marketplace")
        .first()
    )
    if rule is None:
        raise Http404(_("There is no such rule."))
    return rule, _manager(request, rule.organisation_id)
