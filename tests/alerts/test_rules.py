"""What each kind of rule finds in figures, and how rules meet episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from opsboard.accounts.models import AccountMarketplace, AuditEvent, Marketplace, User
from opsboard.alerts import evaluation, forecast, rules
from opsboard.alerts.models import Episode, OutboxMessage, Rule
from opsboard.alerts.tasks import judge_scope
from opsboard.kpis.judge import Figures
from opsboard.kpis.models import AccountDay
from opsboard.kpis.registry import Kpi
from tests.factories import make_account, make_scope, make_seller
from tests.kpis.planted import ACOS, CTR, ODR, SALES, days_before, plant

Acos = Callable[[AccountMarketplace, int], int]
Kind = Rule.Kind
TODAY = date(2026, 11, 20)
US = Marketplace(pk=1, code="US", currency="USD", time_zone="America/Los_Angeles", locale="en_US")

pytestmark = pytest.mark.django_db


def rule(kind: Kind, **fields: Any) -> Rule:
    return Rule(kind=kind, **fields)


def known(today: date = TODAY, **measures: Mapping[date, object]) -> evaluation.Known:
    """What is known on a day: t_spend={day: 40, ...} is the measure t.spend."""
    by_measure = {
        name.replace("_", ".", 1): {day: Decimal(str(value)) for day, value in days.items()}
        for name, days in measures.items()
    }
    return evaluation.Known(Figures.of((1, 1), by_measure), US, today)


def back(first: int, last: int, value: int | str, today: date = TODAY) -> dict[date, int | str]:
    """The same value on every day from `first` to `last` days before today."""
    return {today - timedelta(days=n): value for n in range(last, first + 1)}


def fires(rule: Rule, kpi: Kpi, known: evaluation.Known, running: bool = False) -> bool | None:
    return evaluation.evaluate(rule, kpi, known, running).fires


@pytest.mark.parametrize(("spend", "expected"), [(29, False), (30, False), (31, True)])
def test_a_threshold_of_its_own_fires_beyond_it_and_not_on_it(declared: None, spend: int, expected: bool) -> None:
    figures = known(t_spend=back(30, 1, spend), t_sales=back(30, 1, 100))
    assert fires(rule(Kind.THRESHOLD, high=Decimal("0.3")), ACOS, figures) is expected


def test_days_that_may_still_move_never_fire(declared: None) -> None:
    # Sales are final after seven days: of the newest seven nobody is told, however wild they are.
    figures = known(t_spend=back(30, 1, 20) | back(7, 1, 5000), t_sales=back(30, 1, 100))
    for kind, fields in ((Kind.THRESHOLD, {"high": Decimal("0.3")}), (Kind.CHANGE, {"change_up": Decimal("0.1")})):
        assert fires(rule(kind, **fields), ACOS, figures) is False
    only_young = known(t_spend=back(7, 1, 5000), t_sales=back(7, 1, 100))
    assert fires(rule(Kind.THRESHOLD, high=Decimal("0.3")), ACOS, only_young) is None


def test_a_threshold_waits_for_as_many_days_in_a_row_as_it_says(declared: None) -> None:
    # The window is seven days: 95 on the newest two final days lifts the last two windows over 30.
    spend = back(40, 10, 20) | back(9, 8, 95) | back(7, 1, 20)
    figures = known(t_spend=spend, t_sales=back(40, 1, 100))
    assert fires(rule(Kind.THRESHOLD, high=Decimal("0.3"), for_days=1), ACOS, figures) is True
    assert fires(rule(Kind.THRESHOLD, high=Decimal("0.3"), for_days=2), ACOS, figures) is True
    assert fires(rule(Kind.THRESHOLD, high=Decimal("0.3"), for_days=3), ACOS, figures) is False
    assert fires(rule(Kind.THRESHOLD, high=Decimal("0.3"), for_days=3), ACOS, figures, running=True) is True


@pytest.mark.parametrize(("spend", "running"), [(26, True), (25, True), (24, False), (20, False)])
def test_what_has_fired_is_over_only_when_it_is_back_inside_by_the_stated_share(
    declared: None, spend: int, running: bool
) -> None:
    figures = known(t_spend=back(30, 1, spend), t_sales=back(30, 1, 100))
    for kind, fields in ((Kind.LIMIT, {}), (Kind.THRESHOLD, {"high": Decimal("0.25")})):
        kept_open = rule(kind, clear_by=Decimal("0.04"), **fields)
        assert fires(kept_open, ACOS, figures, running=True) is running
        assert fires(kept_open, ACOS, figures, running=False) is (spend == 26)


def test_a_change_is_held_against_as_many_days_before(declared: None) -> None:
    # Sales of 7 final days (from the 8th day back) against the 7 before: 130 against 100.
    figures = known(t_sales=back(40, 15, 100) | back(14, 1, 130))
    found = evaluation.evaluate(rule(Kind.CHANGE, change_up=Decimal("0.25")), SALES, figures)
    assert found.fires and [found.value, found.compared, found.high] == [Decimal(910), Decimal(700), Decimal(875)]
    assert fires(rule(Kind.CHANGE, change_up=Decimal("0.31")), SALES, figures) is False
    assert fires(rule(Kind.CHANGE, change_down=Decimal("0.25")), SALES, figures) is False
    assert fires(rule(Kind.CHANGE, change_up=Decimal("0.1")), SALES, known(t_sales=back(14, 1, 100))) is None
    assert fires(rule(Kind.CHANGE, change_up=Decimal("0.1")), SALES, known(t_sales=back(40, 1, 0))) is None


def test_a_state_is_held_against_a_week_before(declared: None) -> None:
    figures = known(t_defects=back(20, 6, 1) | back(5, 0, 3), t_orders=back(20, 0, 100))
    found = evaluation.evaluate(rule(Kind.CHANGE, change_up=Decimal("1")), ODR, figures)
    assert (found.fires, found.value, found.compared) == (True, Decimal("0.03"), Decimal("0.01"))


def test_a_day_is_held_against_the_same_weekday_and_not_against_the_day_before(declared: None) -> None:
    # Every eighth, 15th, ... day back sells 300, the others 100: the weekly rhythm is no news.
    rhythm = back(60, 1, 100) | {TODAY - timedelta(days=8 + 7 * week): 300 for week in range(7)}
    up = rule(Kind.WEEKDAY, change_up=Decimal("0.5"), change_down=Decimal("0.5"))
    assert fires(up, SALES, known(t_sales=rhythm)) is False
    higher = evaluation.evaluate(up, SALES, known(t_sales=rhythm | {TODAY - timedelta(days=8): 500}))
    assert higher.fires and [higher.value, higher.compared] == [Decimal(500), Decimal(300)]
    assert fires(up, SALES, known(t_sales=rhythm | {TODAY - timedelta(days=8): 100})) is True
    gaps = {day: value for day, value in rhythm.items() if day not in {TODAY - timedelta(days=n) for n in (15, 22)}}
    assert fires(up, SALES, known(t_sales=gaps)) is None  # two of four weekdays are not enough


def test_a_weekday_of_a_ratio_is_the_ratio_of_all_those_days(declared: None) -> None:
    clicks, views = back(60, 1, 1), back(60, 1, 100)
    day = TODAY - timedelta(days=3)
    views |= {day - timedelta(days=7): 1000, day - timedelta(days=14): 1000}
    clicks |= {day - timedelta(days=7): 100, day - timedelta(days=14): 100}
    found = evaluation.evaluate(
        rule(Kind.WEEKDAY, change_down=Decimal("0.5")), CTR, known(t_clicks=clicks, t_views=views)
    )
    assert found.compared == Decimal(202) / Decimal(2200)  # not the mean of 10 %, 10 %, 1 %, 1 %
    assert found.fires is True


def test_no_data_counts_the_days_that_should_have_come_and_misses_nothing_that_never_was(declared: None) -> None:
    silent = rule(Kind.NO_DATA, days=3)
    # Sales are expected up to eight days ago.
    for newest, expected in ((8, False), (10, False), (11, True), (20, True)):
        found = evaluation.evaluate(silent, SALES, known(t_sales=back(60, newest, 100)))
        assert found.fires is expected and found.value == newest - 8
    assert fires(silent, SALES, known()) is None


def test_a_forecast_tells_before_the_limit_breaks_and_by_how_much_it_may_err(declared: None) -> None:
    # ACoS climbs 0.1 points a day and stands at about 24 % with its limit at 25 %.
    climbing = {TODAY - timedelta(days=n): f"{24.4 - 0.1 * (n - 8):.2f}" for n in range(1, 80)}
    figures = known(t_spend=climbing, t_sales=back(80, 1, 100))
    found = evaluation.evaluate(rule(Kind.FORECAST, days=14), ACOS, figures)
    assert found.fires is True and found.high == Decimal("0.25")
    # The window's mean is 24.1 on the 8th day back: nine days to 25, of which eight are past.
    assert found.expected_on == TODAY + timedelta(days=1) and found.error_days == 0
    falling = {day: 50 - Decimal(value) for day, value in climbing.items()}
    assert fires(rule(Kind.FORECAST, days=14), ACOS, known(t_spend=falling, t_sales=back(80, 1, 100))) in {False, None}
    level = known(t_spend=back(80, 1, 24), t_sales=back(80, 1, 100))
    assert fires(rule(Kind.FORECAST, days=14), ACOS, level) is False
    young = known(t_spend=back(40, 1, 24), t_sales=back(40, 1, 100))
    assert fires(rule(Kind.FORECAST, days=14), ACOS, young) is None  # four of five weeks


def test_a_forecast_whose_error_is_larger_than_its_news_tells_nobody() -> None:
    calm = forecast.fit([(-7 * n, Decimal(100 - n)) for n in range(8)])
    wild = forecast.fit([(-7 * n, Decimal(100 - n + (9 if n % 2 else -9))) for n in range(8)])
    assert calm and wild
    assert forecast.crossing(calm, Decimal(101), True, 14, sure=True) == forecast.Crossing(7, 0)
    assert forecast.crossing(wild, Decimal(101), True, 14, sure=True) is None
    assert forecast.crossing(wild, Decimal(90), False, 14, sure=True) is None  # it does not go that way


def test_the_line_and_its_error_are_those_of_the_textbook() -> None:
    line = forecast.fit([(0, Decimal(1)), (1, Decimal(3)), (2, Decimal(2)), (3, Decimal(5)), (4, Decimal(4))])
    assert line and (line.slope, line.level) == (Decimal("0.8"), Decimal("1.4"))
    assert line.scatter**2 == pytest.approx(Decimal("1.2"))
    assert line.error(6) ** 2 == pytest.approx(Decimal("1.2") * (1 + Decimal("0.2") + Decimal(16) / 10))


# --- rules and episodes ---------------------------------------------------------------------------


@pytest.fixture
def seller(declared: None, hints: object) -> tuple[User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    return user, scope


def keep(scope: AccountMarketplace, user: User, **fields: Any) -> Rule:
    return rules.save(Rule(organisation=scope.account.organisation, name="Mine", **fields), user)


def judged(scope: AccountMarketplace) -> int:
    return judge_scope(scope.account_id, scope.marketplace_id)


def test_every_organisation_has_one_rule_for_every_limit_and_never_two(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    acos(scope, 41)

    only = Rule.objects.get()
    assert (only.kind, only.kpi, only.is_default, only.enabled) == ("limit", "", True, True)
    assert only.for_days == 1 and only.clear_by == 0
    episode = Episode.objects.get()
    assert (episode.rule, episode.rule_version, episode.kind) == (only, 1, "limit")


def test_switching_a_rule_off_ends_its_alerts_and_on_again_goes_on_with_them(acos: Acos) -> None:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    general = rules.default_of(scope.account.organisation_id)

    rules.switch(general, user, False)
    assert judged(scope) == 0
    episode = Episode.objects.get()
    assert (episode.state, episode.events.last().reason) == ("resolved", "rule")  # type: ignore[union-attr]
    rules.switch(general, user, True)
    assert judged(scope) == 0  # within three days it is the same story

    episode.refresh_from_db()
    assert (episode.state, episode.rule_version) == ("open", 3)
    assert OutboxMessage.objects.count() == 1
    assert not rules.delete(general, user)


def test_of_two_rules_about_a_limit_the_narrowest_counts_and_takes_the_alert_over(acos: Acos) -> None:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    narrow = keep(scope, user, kind=Kind.LIMIT, kpi="t_acos", account=scope.account, severity=Rule.Severity.CRITICAL)

    assert judged(scope) == 0

    episode = Episode.objects.get()
    assert (episode.rule, episode.severity, episode.state) == (narrow, "critical", "open")
    rules.delete(narrow, user)
    judged(scope)
    episode.refresh_from_db()
    assert (episode.rule, episode.severity) == (rules.default_of(scope.account.organisation_id), "normal")


def test_rules_of_different_kinds_open_alerts_of_their_own(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    today = scope.marketplace.today()
    keep(scope, user, kind=Kind.THRESHOLD, kpi="t_total", low=Decimal(800))
    keep(scope, user, kind=Kind.CHANGE, kpi="t_total", change_down=Decimal("0.2"))
    plant(scope, "t.sales", days_before(today - timedelta(days=15), 30), 200)
    plant(scope, "t.sales", days_before(today - timedelta(days=1), 14), 100)

    assert [judged(scope), judged(scope)] == [2, 0]

    told = {e.kind: [str(v and v.normalize()) for v in (e.value, e.low, e.compared)] for e in Episode.objects.all()}
    assert told == {"change": ["7E+2", "1.12E+3", "1.4E+3"], "threshold": ["7E+2", "8E+2", "None"]}
    assert OutboxMessage.objects.filter(subject__contains="against the period before").count() == 1
    plant(scope, "t.sales", days_before(today - timedelta(days=1), 60), 200)
    judged(scope)
    assert set(Episode.objects.values_list("state", flat=True)) == {"resolved"}


def test_a_rule_counts_where_it_says_and_nowhere_else(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    elsewhere = make_scope(scope.account, "CA")
    other = make_scope(make_account(scope.account.organisation), "US")
    stranger = make_seller(("US",))[1][0]
    threshold: dict[str, Any] = {"kind": Kind.THRESHOLD, "kpi": "t_total", "high": Decimal(1)}
    keep(scope, user, **threshold, account=scope.account, marketplace=scope.marketplace)
    every = [scope, elsewhere, other, stranger]
    for one in every:
        plant(one, "t.sales", days_before(one.marketplace.today() - timedelta(days=1), 30), 100)

    assert [judged(one) for one in every] == [1, 0, 0, 0]
    Rule.objects.filter(kind="threshold").update(account=None)
    assert [judged(one) for one in every] == [0, 0, 1, 0]


def test_silence_is_told_once_and_is_over_when_the_figures_come(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    keep(scope, user, kind=Kind.NO_DATA, days=3)
    today = scope.marketplace.today()
    plant(scope, "t.sales", days_before(today - timedelta(days=12), 10), 100)

    assert [judged(scope), judged(scope)] == [1, 0]
    assert OutboxMessage.objects.get().subject.startswith("Sales: no data for 4 days")
    plant(scope, "t.sales", days_before(today - timedelta(days=8), 10), 100)
    judged(scope)
    assert Episode.objects.get().state == "resolved"


def test_missing_figures_close_no_alert_of_any_rule(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    keep(scope, user, kind=Kind.THRESHOLD, kpi="t_total", high=Decimal(1))
    plant(scope, "t.sales", days_before(scope.marketplace.today() - timedelta(days=1), 30), 100)
    assert judged(scope) == 1
    AccountDay.objects.all().delete()

    judged(scope)

    assert Episode.objects.get().state == "open"


def test_each_change_is_a_version_with_its_audit_and_the_same_question_twice_has_one_answer(
    seller: tuple[User, AccountMarketplace],
) -> None:
    user, scope = seller
    kept = keep(scope, user, kind=Kind.THRESHOLD, kpi="t_total", high=Decimal(1))
    kept.high = Decimal(2)
    rules.save(kept, user)

    kept.refresh_from_db()
    assert kept.version == 2
    created, changed = AuditEvent.objects.order_by("id").filter(action__startswith="rule.")
    assert (created.action, changed.action) == ("rule.created", "rule.changed")
    assert [Decimal(side["high"]) for side in (changed.before, changed.after)] == [Decimal(1), Decimal(2)]
    figures = known(t_sales=back(40, 1, 100))
    assert evaluation.evaluate(kept, SALES, figures) == evaluation.evaluate(kept, SALES, figures)
