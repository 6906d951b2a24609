"""Rules about what changed against the period before, ASIN by ASIN: what fell, what rose, what is gone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from listings.models import Listing
from opsboard.accounts.models import AccountMarketplace, User
from opsboard.alerts import backtest, members, rules
from opsboard.alerts.models import Episode, Rule, RuleEntity
from opsboard.feeds.models import Coverage, Document
from opsboard.kpis import held
from opsboard.kpis.entities import EntityKpi, entity_kpi
from tests.factories import make_seller

from .shelf import Sales, Shelf
from .test_grouped import inside, letters
from .test_rule_sets import client_of, post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hints")]
Kind = Rule.Kind
#: Today's judged days end so long ago, and go back so far.
MATURE, LENGTH = 4, 30


@pytest.fixture
def seller(db: None) -> tuple[User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    return user, scope


@pytest.fixture
def shop(seller: tuple[User, AccountMarketplace]) -> Shelf:
    return Shelf(seller[1])


def days(shop: Shelf, newest: int, oldest: int) -> list[date]:
    """From so many days ago to so many."""
    return [shop.scope.marketplace.today() - timedelta(days=n) for n in range(newest, oldest + 1)]


def now(shop: Shelf) -> list[date]:
    return days(shop, MATURE, MATURE + LENGTH - 1)


def before(shop: Shelf) -> list[date]:
    return days(shop, MATURE + LENGTH, MATURE + 2 * LENGTH - 1)


def change(shop: Shelf, user: User, **fields: Any) -> Rule:
    organisation = shop.scope.account.organisation
    fields = {"kpi": "ordered_sales", "change_down": Decimal("0.4"), **fields}
    return rules.save(Rule(organisation=organisation, name="Mine", kind=Kind.CHANGE, snapshot="asins", **fields), user)


def item(kpi: str = "ordered_sales") -> EntityKpi:
    found = entity_kpi("asins", kpi)
    assert found is not None
    return found


def place(shop: Shelf) -> tuple[tuple[int, int], tuple[date, date]]:
    """Whose figures of which days are judged today."""
    return (shop.scope.account_id, shop.scope.marketplace_id), (now(shop)[-1], now(shop)[0])


def both(shop: Shelf, were: Sales, are: Sales) -> None:
    shop.sold(were, *before(shop))
    shop.sold(are, *now(shop))


def test_what_fell_and_what_is_gone_are_one_alert_with_both_figures(
    shop: Shelf, seller: tuple[User, AccountMarketplace]
) -> None:
    user, scope = seller
    both(
        shop,
        {"FELL": (10, 100), "GONE": (2, 30), "SAME": (10, 100), "EDGE": (10, 100), "ROSE": (1, 10)},
        {"FELL": (4, 100), "SAME": (9, 100), "EDGE": (6, 100), "ROSE": (9, 10), "NEW": (5, 50)},
    )
    told_by = {"document_id": Document.objects.latest("pk").pk, "line": 2}
    Listing.objects.create(**shop.first, **told_by, sku="S", asin="FELL", title="Coffee grinder")
    change(shop, user)

    assert shop.judge() == 1 and shop.judge() == 0

    episode = Episode.objects.get(snapshot="asins")
    assert inside(episode) == {"FELL", "GONE"}
    assert (episode.value, episode.low, episode.high) == (-1, Decimal("-0.4"), None)
    evidence = members.evidence(episode, 10)
    assert evidence is not None and [evidence.headers[n] for n in evidence.words] == ["Mostly from"]  # it may wrap
    (letter,) = letters()
    assert letter.subject.startswith("2 ASINs: Ordered sales down by more than 40.0 %, most by 100.0 %")
    text = " ".join(letter.text.replace("\N{NARROW NO-BREAK SPACE}", " ").split())
    assert "- GONE Change −100.0 %, Ordered sales $0.00, Before $1,200.00, Mostly from Visits −100.0 %" in text
    assert "- FELL Coffee grinder Change −60.0 %, Ordered sales $2,400.00, Before $6,000.00, Mostly from" in text
    assert "Mostly from Units a visit −60.0 %" in text and "Mostly from: Visits (1), Units a visit (1)" in text
    assert "down by at most 40.0 %, compared with the period before" in text
    page = client_of(user).get(f"/alerts/{episode.pk}/").content.decode().replace("\N{NARROW NO-BREAK SPACE}", " ")
    for told in ("Change", "Before", "−60.0 %", "$2,400.00", "$6,000.00", "Worst so far</dt><dd>−100.0 %"):
        assert told in page, told


def test_what_sells_a_piece_now_and_then_is_no_news(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    both(shop, {}, {})
    shop.sold({"SELDOM": (9, 100)}, before(shop)[0])
    shop.sold({"TEN": (10, 100)}, before(shop)[1])
    change(shop, seller[0])
    shop.judge()
    assert inside(Episode.objects.get()) == {"TEN"}


def test_missing_days_are_no_change(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    both(shop, {"A": (10, 100)}, {"A": (10, 100)})
    change(shop, seller[0], change_down=Decimal("0.01"), change_up=Decimal("0.01"))
    lost = [*now(shop)[3:6], *before(shop)[10:13]]  # 3 of each: 24 days are left to compare
    Coverage.objects.filter(dataset="sales_by_asin", date__in=lost).delete()
    shop.sold({"A": (5, 100)}, now(shop)[0])
    assert shop.judge() == 1
    assert Episode.objects.get().value == Decimal("-0.020833")  # half a day of 24

    shop.sold({"A": (0, 100)}, now(shop)[1])
    Coverage.objects.filter(dataset="sales_by_asin", date=before(shop)[0]).delete()
    assert shop.judge() == 0  # 23 days are too few: nobody knows
    assert Episode.objects.get().value == Decimal("-0.020833") and Episode.objects.get().state == "open"


def test_a_ratio_needs_enough_in_both_periods(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    both(shop, {"A": (10, 100), "B": (10, 100), "C": (0, 100)}, {"A": (4, 100), "B": (0, 1), "C": (5, 100)})
    change(shop, seller[0], kpi="unit_session", change_up=Decimal(1))
    shop.judge()
    assert inside(Episode.objects.get()) == {"A"}  # B was hardly looked at; C has no share of nothing to rise by
    pair, window = place(shop)
    assert held.compared_window(item().snapshot, pair) == window


def test_the_factor_most_of_a_change_came_from(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    were = {"VISITS": (10, 100), "BUYERS": (10, 100), "BOTH": (10, 100), "GONE": (10, 100), "UNSEEN": (10, 0)}
    are = {"VISITS": (4, 40), "BUYERS": (4, 110), "BOTH": (2, 60), "UNSEEN": (1, 0)}
    both(shop, were, are)
    found = held.changed(item(), *place(shop), Decimal("-0.4"), None)
    drivers = {asin: held.driver(item(), one) for asin, one in found.items()}
    told = {asin: (str(one[0].label), round(one[1], 3)) for asin, one in drivers.items() if one}
    assert told == {
        "VISITS": ("Visits", Decimal("-0.6")),
        "BUYERS": ("Units a visit", Decimal("-0.636")),
        "BOTH": ("Units a visit", Decimal("-0.667")),  # of a fall by 80 %, visits explain 40
        "GONE": ("Visits", Decimal(-1)),
    }
    assert drivers["UNSEEN"] is None  # nobody knows who looked


def test_what_rose_is_told_too_and_it_is_over_when_it_is_back(
    shop: Shelf, seller: tuple[User, AccountMarketplace]
) -> None:
    both(shop, {"A": (10, 100)}, {"A": (25, 100)})
    change(shop, seller[0], change_down=None, change_up=Decimal(1), clear_by=Decimal("0.5"))
    shop.judge()
    assert (
        letters()[0]
        .subject.replace("\N{NARROW NO-BREAK SPACE}", " ")
        .startswith("1 ASIN: Ordered sales up by more than 100.0 %, most by 150.0 %")
    )
    shop.sold({"A": (17, 100)}, *now(shop))  # 70 % more: inside, not by half of 100 %
    shop.judge()
    assert inside(Episode.objects.get()) == {"A"}
    shop.sold({"A": (15, 100)}, *now(shop))
    shop.judge()
    assert Episode.objects.get().state == "resolved"


def test_down_or_up_in_one_rule_says_both(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, _scope = seller
    both(shop, {"A": (10, 100), "B": (10, 100)}, {"A": (5, 100), "B": (18, 100)})
    change(shop, user, change_up=Decimal("0.5"))
    shop.judge()
    told = "2 ASINs: Ordered sales down by more than 40.0 % or up by more than 50.0 %, most by +80.0 %"
    assert letters()[0].subject.startswith(told)


def test_only_these_and_not_the_neighbours(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    other = Shelf(make_seller(("US",))[1][0])
    both(other, {"A": (10, 100), "B": (10, 100)}, {"A": (1, 100), "B": (1, 100)})
    both(shop, {"A": (10, 100), "B": (10, 100), "C": (10, 100)}, {"A": (10, 100), "B": (1, 100), "C": (1, 100)})
    change(shop, seller[0], entities=["A", "B"])
    shop.judge()
    other.judge()
    assert inside(Episode.objects.get()) == {"B"}


def test_snoozed_until_so_many_points_worse(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, _scope = seller
    both(shop, {"A": (10, 100)}, {"A": (5, 100)})
    change(shop, user)
    shop.judge()
    episode = Episode.objects.get()
    answer = client_of(user).post(f"/alerts/{episode.pk}/snooze/", {"worse_by": "10"})
    episode.refresh_from_db()
    assert answer.status_code == 302 and episode.snoozed_beyond == Decimal("-0.6")
    shop.sold({"A": (4, 100)}, *now(shop))
    shop.judge()
    assert not letters("awake")
    shop.sold({"A": (3, 100)}, *now(shop))
    shop.judge()
    assert len(letters("awake")) == 1


def test_a_sum_of_each_against_a_value_and_never_against_the_limit_of_all(
    shop: Shelf, seller: tuple[User, AccountMarketplace]
) -> None:
    user, scope = seller
    both(shop, {"A": (10, 100)}, {"A": (1, 100), "B": (10, 100)})
    fields = {"kpi": "asins:ordered_sales", "low": "700", "where": f"s{scope.pk}"}
    assert post(client_of(user), scope, "threshold", **fields).status_code == 302
    shop.judge()
    episode = Episode.objects.get(snapshot="asins")
    assert inside(episode) == {"A"} and episode.value == 60_000
    assert letters()[0].subject.startswith("1 ASIN: Ordered sales under $700.00, worst $600.00")


def test_typed_and_told_in_a_sentence(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client = client_of(user)
    assert post(client, scope, "change", kpi="asins:ordered_sales", change_down="40").status_code == 302
    assert post(client, scope, "change", kpi="campaigns:cpc", change_up="30").status_code == 302
    told = client.get("/settings/rules/").content.decode().replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "Ordered sales (Child ASINs, one by one) lower by 40 % than the period before" in told
    assert "CPC (Campaigns, one by one) higher by 30 % than the period before" in told


def test_every_asin_of_a_shop_at_its_own_distance(shop: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    names = [f"A{n:03d}" for n in range(60)]
    were = {name: (20 + n % 7, 60) for n, name in enumerate(names)}
    are = {name: (max(0, 20 - n // 2), 60) for n, name in enumerate(names)}
    both(shop, were, are)
    change(shop, seller[0])
    shop.judge()
    judged = {row.entity: row.value for row in RuleEntity.objects.filter(left_at=None)}
    found = held.changed(item(), *place(shop), Decimal("-0.4"), None, also=["A000"])
    assert {entity: one.change for entity, one in found.items() if one.beyond} == judged
    assert found["A000"].change == 0 and not found["A000"].beyond and 10 < len(judged) < 59


# --- tried on the past -------------------------------------------------------------------------------------


def waves(day: int) -> dict[str, tuple[int, int]]:
    """What is sold on the nth day: one breaks down and recovers, one ends, one is new, one wavers."""
    shop = {"DIP": (2 if 68 <= day < 85 else 10, 50), "WAVE": (10 + 8 * (day // 20 % 2), 50)}
    if day < 72:
        shop["ENDS"] = (5, 20)
    if day > 60:
        shop["NEW"] = (3, 20)
    return shop


@pytest.mark.parametrize(("kpi", "fields"), [("ordered_sales", {}), ("unit_session", {"change_up": Decimal("0.3")})])
def test_a_replay_is_what_judging_day_by_day_would_have_opened(
    shop: Shelf, seller: tuple[User, AccountMarketplace], time_machine: Any, kpi: str, fields: dict[str, Any]
) -> None:
    user, scope = seller
    rule = change(shop, user, kpi=kpi, change_down=Decimal("0.3"), **fields)
    start = timezone.now().replace(hour=20)
    lived: list[tuple[date, int]] = []
    for day in range(100):
        time_machine.move_to(start + timedelta(days=day))
        if day % 11 != 5:  # a report fails now and then
            shop.sold(waves(day), scope.marketplace.today() - timedelta(days=1))
            Document.objects.filter(pk=Document.objects.latest("pk").pk).update(received_at=timezone.now())
        if day > 60 and shop.judge():
            lived.append((scope.marketplace.today(), Episode.objects.latest("pk").count))
    time_machine.move_to(start + timedelta(days=100))

    replayed = backtest.replay(rule, [scope])

    assert sorted((one.day, one.count) for one in replayed.fired) == lived
    assert lived and replayed.known_from is not None
    told = post(client_of(user), scope, "change", kpi=f"asins:{kpi}", change_down="30", **{"try": "1"})
    assert "down by more than 30.0" in told.content.decode()
