"""Settings › Alert rules: who sees, who changes, and what is typed in which unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from opsboard.accounts.models import AccountMarketplace, AuditEvent, Role, User
from opsboard.alerts import rules
from opsboard.alerts.models import Rule
from opsboard.alerts.rule_forms import FIELDS
from tests.factories import make_scope, make_seller, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(declared: None, hints: object) -> tuple[User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    return user, scope


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


FIELDS_OF: dict[str, dict[str, str]] = {
    "limit": {"kpi": "t_acos", "for_days": "2", "clear_by": "5"},
    "threshold": {"kpi": "t_acos", "low": "10", "high": "30", "for_days": "1", "clear_by": "0"},
    "change": {"kpi": "t_acos", "change_up": "20", "for_days": "1", "clear_by": "0"},
    "weekday": {"kpi": "t_total", "change_down": "40", "for_days": "1"},
    "forecast": {"kpi": "t_acos", "days": "14"},
    "no_data": {"kpi": "", "days": "3"},
}


@pytest.mark.parametrize("kind", FIELDS_OF)
def test_each_kind_is_made_shown_and_found_again_as_it_was_typed(
    seller: tuple[User, AccountMarketplace], kind: str
) -> None:
    user, scope = seller
    client = browser(user)
    address = f"/settings/rules/new/{scope.account.organisation_id}/{kind}/"
    assert client.get(address).status_code == 200
    typed = {"name": f"My {kind}", "where": f"s{scope.pk}", "severity": "critical", **FIELDS_OF[kind]}

    answer = client.post(address, typed)

    assert answer.status_code == 302, answer.content.decode()
    rule = Rule.objects.get(kind=kind, is_default=False)
    assert (rule.severity, rule.changed_by, rule.account) == ("critical", user, scope.account)
    assert f"My {kind}" in client.get("/settings/rules/").content.decode()
    form = client.get(f"/settings/rules/{rule.pk}/").context["form"]
    for name, value in typed.items():
        assert str(form[name].value() if form[name].value() is not None else "") == value, name


def test_rates_are_typed_in_percent_and_money_in_the_currency(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    yen = make_scope(scope.account, "JP")
    client = browser(user)
    address = f"/settings/rules/new/{scope.account.organisation_id}/threshold/"
    base = {"name": "x", "severity": "normal", "for_days": "1", "clear_by": "0"}

    client.post(address, base | {"kpi": "t_acos", "high": "30.5"})
    assert Rule.objects.get(kpi="t_acos").high == Decimal("0.305")
    answer = client.post(address, base | {"kpi": "t_total", "high": "1500"})
    assert answer.status_code == 422 and "one currency" in answer.content.decode()
    client.post(address, base | {"kpi": "t_total", "high": "1500", "where": f"s{yen.pk}"})
    client.post(address, base | {"kpi": "t_total", "high": "1500", "where": f"m{scope.marketplace_id}"})
    assert set(Rule.objects.filter(kpi="t_total").values_list("high", flat=True)) == {1500, 150_000}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("threshold", {"kpi": "t_acos"}),
        ("threshold", {"kpi": "t_acos", "low": "30", "high": "20"}),
        ("threshold", {"kpi": "", "high": "20"}),
        ("change", {"kpi": "t_acos"}),
        ("weekday", {"kpi": "t_odr", "change_up": "20"}),  # no sum of days
        ("supply", {"kpi": "t_acos", "low": "20"}),  # no days
        ("limit", {"kpi": "t_acos", "for_days": "0"}),
        ("limit", {"kpi": "t_acos", "where": "s999999"}),
    ],
)
def test_what_makes_no_rule_is_said_and_not_kept(
    seller: tuple[User, AccountMarketplace], kind: str, fields: dict[str, str]
) -> None:
    user, scope = seller
    base = {"name": "x", "severity": "normal", "for_days": "1", "clear_by": "0"}
    answer = browser(user).post(f"/settings/rules/new/{scope.account.organisation_id}/{kind}/", base | fields)
    assert answer.status_code == 422 and "errorlist" in answer.content.decode()
    assert not Rule.objects.filter(is_default=False).exists()


def test_the_general_rule_is_seen_by_all_changed_by_managers_and_never_deleted(
    seller: tuple[User, AccountMarketplace],
) -> None:
    _owner, scope = seller
    organisation = scope.account.organisation
    manager, viewer = make_user(organisation, Role.MANAGER), make_user(organisation, Role.VIEWER)
    page = browser(viewer).get("/settings/rules/").content.decode()
    general = Rule.objects.get()
    assert "Every limit in force" in page and "breaks the limit in force" in page
    assert f"/settings/rules/{general.pk}/" not in page
    for address in (f"{general.pk}/", f"{general.pk}/switch/", f"{general.pk}/delete/", f"new/{organisation.pk}/"):
        answers = {browser(viewer).get(f"/settings/rules/{address}").status_code}
        answers.add(browser(viewer).post(f"/settings/rules/{address}").status_code)
        assert answers <= {403, 405} and 403 in answers

    client = browser(manager)
    patient = {"name": "Calm", "for_days": "3", "clear_by": "4", "severity": "normal"}
    assert client.post(f"/settings/rules/{general.pk}/", patient).status_code == 302
    client.post(f"/settings/rules/{general.pk}/delete/")
    client.post(f"/settings/rules/{general.pk}/switch/")

    general.refresh_from_db()
    assert (general.name, general.for_days, general.clear_by, general.enabled, general.deleted_at, general.version) == (
        "Calm", 3, Decimal("0.04"), False, None, 3,
    )  # fmt: skip
    assert AuditEvent.objects.filter(action="rule.changed", actor=manager.email).count() == 2


def test_a_deleted_rule_is_gone_from_the_page_and_its_address(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    rule = rules.save(Rule(organisation=scope.account.organisation, name="Gone soon", kind="no_data", days=3), user)
    client = browser(user)
    assert client.post(f"/settings/rules/{rule.pk}/delete/").status_code == 302
    assert "Gone soon" not in client.get("/settings/rules/").content.decode()
    assert client.get(f"/settings/rules/{rule.pk}/").status_code == 404


def test_every_kind_says_what_it_does(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    page = browser(user).get(f"/settings/rules/new/{scope.account.organisation_id}/").content.decode()
    for kind in Rule.Kind:
        assert str(kind.label) in page.replace("&#x27;", "'")
    assert set(FIELDS) == set(Rule.Kind)
