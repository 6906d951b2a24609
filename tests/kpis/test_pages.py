"""Limits, the IPI score and the meaning of KPIs, through the real pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from opsboard.accounts.models import AccountMarketplace, AuditEvent, Role, User
from opsboard.kpis import contract
from opsboard.kpis.contract import PastLine
from opsboard.kpis.models import AccountDayVintage, ManualValue, ThresholdOverride, Verdict
from opsboard.kpis.registry import kpis
from tests.factories import make_seller, make_user

pytestmark = pytest.mark.django_db
Hints = list[tuple[str, tuple[object, ...]]]


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def limit_page(scope: AccountMarketplace, kpi: str = "acos") -> str:
    return reverse("kpis:threshold", args=[scope.account_id, kpi])


def new_limit(scope: AccountMarketplace, **fields: str) -> dict[str, str]:
    return {"high": "20", "valid_from": scope.marketplace.today().isoformat(), "note": "margin fell", **fields}


def test_every_kpi_stands_with_its_limit_and_source() -> None:
    user, _scopes = make_seller(("US",))

    page = browser(user).get(reverse("kpis:thresholds")).content.decode()

    for kpi in kpis().values():
        assert str(kpi.label) in page
    assert "at most 25.0\N{NARROW NO-BREAK SPACE}%" in page
    assert "Operators&#x27; handbook" in page


def test_a_manager_sets_a_limit_in_percent(hints: Hints, django_capture_on_commit_callbacks: object) -> None:
    user, (scope,) = make_seller(("US",), Role.MANAGER)
    Verdict.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        kpi="acos",
        status="ok",
        judged_on=scope.marketplace.today(),
    )

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        answer = browser(user).post(limit_page(scope), new_limit(scope, warn_high="18.5"), follow=True)

    kept = ThresholdOverride.objects.get()
    assert (kept.high, kept.warn_high, kept.low, kept.set_by) == (Decimal("0.2"), Decimal("0.185"), None, user)
    assert "at most 20.0" in answer.content.decode()
    assert hints == [("opsboard.kpis.judge", (scope.account_id, scope.marketplace_id))]
    assert Verdict.objects.get().judged_on is None  # the tick comes by if the hint is lost
    event = AuditEvent.objects.get(action="limit.set")
    assert (event.actor, event.after["high"]) == (user.email, "0.20")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"high": ""}, "Give at least one limit."),
        ({"low": "30"}, "The lower limit must be below the upper one."),
        ({"warn_high": "21"}, "A warning comes before the limit"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(fields: dict[str, str], said: str) -> None:
    user, (scope,) = make_seller(("US",), Role.MANAGER)

    answer = browser(user).post(limit_page(scope), new_limit(scope, **fields))

    assert said in answer.content.decode()
    assert not ThresholdOverride.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_operators_see_limits_and_do_not_set_them(role: Role) -> None:
    user, (scope,) = make_seller(("US",), role)

    assert "Managers and owners set limits." in browser(user).get(limit_page(scope)).content.decode()
    assert browser(user).post(limit_page(scope), new_limit(scope)).status_code == 403
    assert not ThresholdOverride.objects.exists()


def test_a_strangers_account_and_an_unknown_kpi_do_not_exist() -> None:
    user, (scope,) = make_seller(("US",))
    stranger = make_user()
    elsewhere, (other,) = make_seller(("DE",))

    assert browser(stranger).get(limit_page(scope)).status_code == 404
    assert browser(user).post(limit_page(other), new_limit(other)).status_code == 404
    assert browser(user).get(limit_page(scope, "nonsense")).status_code == 404


def test_a_limit_cannot_be_set_for_a_marketplace_of_somebody_else() -> None:
    user, (scope,) = make_seller(("US",), Role.OWNER)
    _elsewhere, (other,) = make_seller(("DE",))

    browser(user).post(limit_page(scope), new_limit(scope, marketplace=str(other.marketplace_id)))

    assert not ThresholdOverride.objects.exists()


def test_an_operator_types_the_ipi_score_and_corrects_it(hints: Hints) -> None:
    user, (scope,) = make_seller(("US",), Role.OPERATOR)
    day = scope.marketplace.today() - timedelta(days=1)

    for value in ("512", "521"):
        browser(user).post(reverse("kpis:manual"), {"scope": scope.pk, "date": day.isoformat(), "value": value})

    kept = ManualValue.objects.get()
    assert (kept.value, kept.date, kept.entered_by) == (Decimal(521), day, user)
    assert "521" in browser(user).get(reverse("kpis:manual")).content.decode()


@pytest.mark.parametrize(("field", "value"), [("value", "1001"), ("value", "-1"), ("date", "2099-01-01")])
def test_a_score_that_cannot_be_is_refused(field: str, value: str) -> None:
    user, (scope,) = make_seller(("US",), Role.OPERATOR)
    fields = {"scope": str(scope.pk), "date": scope.marketplace.today().isoformat(), "value": "500", field: value}

    assert browser(user).post(reverse("kpis:manual"), fields).status_code == 200
    assert not ManualValue.objects.exists()


def test_viewers_and_strangers_type_no_score() -> None:
    _user, (scope,) = make_seller(("US",))
    viewer = make_user(scope.account.organisation, Role.VIEWER)
    operator_elsewhere, _others = make_seller(("US",), Role.OPERATOR)
    fields = {"scope": str(scope.pk), "date": scope.marketplace.today().isoformat(), "value": "500"}

    assert browser(viewer).post(reverse("kpis:manual"), fields).status_code == 403
    browser(operator_elsewhere).post(reverse("kpis:manual"), fields)

    assert not ManualValue.objects.exists()


def test_help_says_what_each_kpi_means_and_where_amazon_shows_it() -> None:
    user, _scopes = make_seller(("US",))

    page = browser(user).get(reverse("kpis:help")).content.decode()

    for kpi in kpis().values():
        assert f'id="{kpi.key}"' in page
    assert "Total Advertising Cost of Sales (ACOS)" in page
    assert "the last 30 mature days" in page and "final after 7 days" in page


def test_help_is_searched_by_what_amazon_calls_a_figure() -> None:
    user, _scopes = make_seller(("US",))

    page = browser(user).get(reverse("kpis:help"), {"q": "featured offer"}).content.decode()

    assert 'id="buy_box"' in page and 'id="acos"' not in page
    assert "Nothing matches" in browser(user).get(reverse("kpis:help"), {"q": "no such thing"}).content.decode()


def test_help_keeps_every_limit_a_figure_had_and_marks_the_one_in_force() -> None:
    user, (scope,) = make_seller(("US",))
    today = scope.marketplace.today()
    for day, target in ((today - timedelta(days=40), "0.05"), (today - timedelta(days=10), "0.04")):
        for measure, value in (("late_shipment", 3), ("late_shipment_of", 100), ("late_shipment_target", target)):
            told(scope, f"health.{measure}", day, value)
            told(scope, f"health.{measure}", day + timedelta(days=1), value)

    entry = history(user, "late_shipment")

    assert [line.words.split()[-2] for line in entry] == ["4.0", "5.0", "4.0"]
    assert [line.source for line in entry[:2]] == ["Amazon's target in the report"] * 2
    assert [line.current for line in entry] == [True, False, False]
    own = {"marketplace": "", "high": "3", "valid_from": today.isoformat(), "note": "ours is stricter"}
    browser(user).post(reverse("kpis:threshold", args=[scope.account_id, "late_shipment"]), own)
    entry = history(user, "late_shipment")
    assert [line.current for line in entry] == [True, False, False, False]
    assert (entry[0].source, entry[0].note.endswith("ours is stricter")) == ("Set by your organisation", True)


def history(user: User, key: str) -> Sequence[PastLine]:
    shelves = browser(user).get(reverse("kpis:help")).context["shelves"]
    return next(entry.contract.history for shelf in shelves for entry in shelf.entries if entry.kpi.key == key)


def told(scope: AccountMarketplace, measure: str, day: date, value: int | str) -> None:
    AccountDayVintage.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        measure=measure,
        date=day,
        value=Decimal(value),
    )


def test_every_figure_with_rows_leads_to_a_page_that_is_there() -> None:
    leading = [kpi for kpi in kpis().values() if kpi.rows]

    assert len(leading) > 20
    assert all(contract.rows_url(kpi).startswith("/") for kpi in leading)
