"""Rules about SKUs and campaigns one by one: many of them beyond the limit are one alert and one letter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Tag, TaggedEntity, User
from opsboard.alerts import actions, groups, rules, snoozes
from opsboard.alerts.models import Episode, EpisodeEvent, OutboxMessage, Rule, RuleEntity
from opsboard.kpis import rollup
from opsboard.kpis.entities import entity_kpi
from opsboard.kpis.models import ThresholdOverride
from tests.factories import make_scope, make_seller

from .shelf import Shelf, Stock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hints")]
Kind = Rule.Kind
PLENTY = (900, 300)  # 90 days
SHORT = (70, 300)  # 7 days


@pytest.fixture
def seller(db: None) -> tuple[User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    return user, scope


@pytest.fixture
def shelf(seller: tuple[User, AccountMarketplace]) -> Shelf:
    return Shelf(seller[1])


def stock(short: Iterable[str], plenty: Iterable[str] = ()) -> Stock:
    return {**dict.fromkeys(short, SHORT), **dict.fromkeys(plenty, PLENTY)}


def supply(scope: AccountMarketplace, user: User, **fields: Any) -> Rule:
    """A rule of somebody's own, the one everybody starts with out of the way."""
    rules.of(scope.account.organisation_id)
    Rule.objects.filter(organisation=scope.account.organisation).exclude(starter="").update(enabled=False)
    fields = {"kind": Kind.SUPPLY, "low": Decimal(14), **fields}
    rule = Rule(organisation=scope.account.organisation, name="Mine", kpi="days_of_supply", snapshot="skus", **fields)
    return rules.save(rule, user)


def inside(episode: Episode) -> set[str]:
    return set(RuleEntity.objects.filter(episode=episode, left_at=None).values_list("entity", flat=True))


def letters(purpose: str = "opened") -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(purpose=purpose).order_by("id"))


def test_four_hundred_skus_are_one_alert_and_one_letter_with_the_worst_ten(shelf: Shelf) -> None:
    skus = [f"SKU-{n:03d}" for n in range(400)]
    many = {sku: (n // 5, 300) for n, sku in enumerate(skus)} | {"FULL": PLENTY}

    assert shelf.judge(many) == 1
    assert shelf.judge() == 0

    episode = Episode.objects.get()
    assert (episode.snapshot, episode.count, episode.value, episode.low) == ("skus", 400, 0, 14)
    (letter,) = letters()
    assert letter.subject.startswith("400 SKUs: Days of supply under 14 days, worst 0 days")
    assert "The worst 10 of 400 SKUs" in letter.text and "SKU-000 Thing SKU-000" in letter.text
    assert f"/alerts/{episode.pk}/" in letter.text and "SKU-300" not in letter.text


def test_what_hardly_sells_and_what_lasts_is_in_no_alert(shelf: Shelf) -> None:
    assert shelf.judge({"SLOW": (0, 9), "FULL": PLENTY, "EDGE": (140, 300)}) == 0
    assert not Episode.objects.exists()


def test_those_that_join_are_told_of_once_in_one_letter_a_day(shelf: Shelf, time_machine: Any) -> None:
    time_machine.move_to(timezone.now().replace(hour=18))
    shelf.judge(stock(["A"], ["B", "C", "D"]))
    assert shelf.judge(stock(["A", "B"], ["C", "D"])) == 0
    shelf.judge(stock(["A", "B", "C"], ["D"]))

    episode = Episode.objects.get()
    assert inside(episode) == {"A", "B", "C"} and episode.count == 3
    (first,) = letters("joined")
    assert "An alert you know got longer" in first.text
    assert "Joined last: B\n" in first.text
    assert first.thread == letters()[0].message_id

    time_machine.move_to(timezone.now() + timedelta(days=1))
    shelf.judge(stock(["A", "B", "C"], ["D"]))
    shelf.judge()
    assert len(letters()) == 1
    assert "Joined last: C\n" in letters("joined")[1].text and len(letters("joined")) == 2
    assert [e.count for e in EpisodeEvent.objects.filter(reason="joined")] == [1, 1]


def test_those_that_leave_are_journalled_and_with_the_last_it_is_over(shelf: Shelf) -> None:
    shelf.judge(stock(["A", "B"]))
    shelf.judge(stock(["B"], ["A"]))
    episode = Episode.objects.get()
    assert inside(episode) == {"B"} and episode.state == "open"
    assert EpisodeEvent.objects.get(reason="left").count == 1

    shelf.judge(stock([], ["A", "B"]))
    episode.refresh_from_db()
    assert episode.state == "resolved" and not inside(episode)
    assert len(OutboxMessage.objects.all()) == 1


def test_one_that_wavers_is_the_same_alert_and_nobody_hears_of_it_twice(shelf: Shelf) -> None:
    shelf.judge(stock(["A"], ["B"]))
    for _again in range(3):
        shelf.judge(stock([], ["A", "B"]))
        assert shelf.judge(stock(["A"], ["B"])) == 0
    assert Episode.objects.get().state == "open"
    assert len(letters()) == 1 and not letters("joined")

    shelf.judge(stock([], ["A", "B"]))
    shelf.judge(stock(["B"], ["A"]))  # another one, while the alert is still warm
    assert len(letters("joined")) == 1


def test_back_inside_by_enough_or_it_stays(shelf: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    supply(scope, user, clear_by=Decimal("0.5"))
    shelf.judge({"A": (70, 300)})
    shelf.judge({"A": (200, 300)})  # 20 days: over 14, not over 21
    episode = Episode.objects.get()
    assert inside(episode) == {"A"} and episode.value == 20
    shelf.judge({"A": (211, 300)})
    assert not inside(episode)


def test_on_so_many_days_in_a_row(shelf: Shelf, seller: tuple[User, AccountMarketplace], time_machine: Any) -> None:
    user, scope = seller
    supply(scope, user, for_days=3)
    for day, left in enumerate((70, 70, 900, 70, 70, 70)):
        time_machine.move_to(timezone.now() + timedelta(days=1 if day else 0))
        opened = shelf.judge({"A": (left, 300), "B": PLENTY})
        assert opened == (1 if day == 5 else 0), day
    assert RuleEntity.objects.get().episode == Episode.objects.get()


def test_missing_days_and_what_nothing_is_known_of_neither_open_nor_close(shelf: Shelf, time_machine: Any) -> None:
    shelf.judge(stock(["A", "B"]))
    episode = Episode.objects.get()
    shelf.judge({"B": SHORT, "C": PLENTY})  # A is in no report any more
    assert inside(episode) == {"A", "B"}

    time_machine.move_to(timezone.now() + timedelta(days=5))
    shelf.judge()  # no report for five days: too old to judge by
    assert inside(episode) == {"A", "B"} and Episode.objects.get().state == "open"

    time_machine.move_to(timezone.now() + groups.GONE_AFTER)
    shelf.judge({"B": SHORT, "C": PLENTY})
    assert inside(episode) == {"B"}


def test_only_the_skus_of_the_rule(shelf: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    rule = supply(scope, user, entities=["A", "B"])
    shelf.judge(stock(["A", "C", "D"], ["B"]))
    assert inside(Episode.objects.get()) == {"A"}

    rule.entities = ["C"]
    rules.save(rule, user)
    shelf.judge()
    assert inside(Episode.objects.get()) == {"C"}


def test_a_tag_of_skus_and_a_tag_of_accounts(shelf: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    other = Shelf(make_scope(marketplace="US"))
    other.scope.account.organisation = scope.account.organisation
    other.scope.account.save()
    tag = Tag.objects.create(organisation=scope.account.organisation, name="Q4")
    TaggedEntity.objects.create(tag=tag, kind="skus", entity="A")
    tag.accounts.add(other.scope.account)
    supply(scope, user, tag=tag)

    shelf.judge(stock(["A", "B"]))
    other.judge(stock(["X", "Y"]))

    found = {item.account_id: inside(item) for item in Episode.objects.all()}
    assert found == {scope.account_id: {"A"}, other.scope.account_id: {"X", "Y"}}


def test_a_rule_about_a_whole_marketplace_counts_in_the_tagged_accounts_alone(
    seller: tuple[User, AccountMarketplace],
) -> None:
    user, scope = seller
    tag = Tag.objects.create(organisation=scope.account.organisation, name="Own brand")
    rule = Rule(organisation=scope.account.organisation, name="x", kind=Kind.NO_DATA, days=3, tag=tag)
    rules.save(rule, user)

    def counts() -> bool:
        found = rules.in_scope(rules.of(scope.account.organisation_id), scope.account_id, scope.marketplace_id)
        return any(item.pk == rule.pk for item, _kpi in found)

    assert not counts()
    tag.accounts.add(scope.account)
    assert counts()


def test_the_limit_in_force_is_that_of_the_account(shelf: Shelf, seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    supply(scope, user, kind=Kind.LIMIT, low=None)
    some = {"A": (200, 300), "B": (270, 300), "C": PLENTY}  # 20 and 27 days; the declared limit is 28
    shelf.judge(some)
    of_skus = Episode.objects.get(snapshot="skus")
    assert inside(of_skus) == {"A", "B"} and of_skus.low == 28

    ThresholdOverride.objects.create(
        account=scope.account, kpi="days_of_supply", low=Decimal(25), valid_from=scope.marketplace.today()
    )
    shelf.judge()
    assert inside(of_skus) == {"A"}


def test_the_alert_about_skus_and_the_one_about_the_marketplace_run_side_by_side(
    shelf: Shelf, seller: tuple[User, AccountMarketplace]
) -> None:
    user, scope = seller
    supply(scope, user, kind=Kind.LIMIT, low=None)
    shelf.stock({"A": SHORT})
    rollup.rebuild(scope.account_id, scope.marketplace_id)
    shelf.judge()
    found = Episode.objects.filter(kpi="days_of_supply").values_list("kind", "snapshot")
    assert set(found) == {("limit", ""), ("limit", "skus")}


def test_a_rule_that_is_switched_off_or_about_something_else_ends_its_alert(
    shelf: Shelf, seller: tuple[User, AccountMarketplace]
) -> None:
    user, scope = seller
    rule = supply(scope, user)
    shelf.judge(stock(["A"]))
    rules.switch(rule, user, enabled=False)
    shelf.judge()
    episode = Episode.objects.get()
    assert episode.state == "resolved" and not inside(episode)
    assert episode.events.last().reason == "rule"  # type: ignore[union-attr]

    rules.switch(rule, user, enabled=True)
    shelf.judge()
    rule.snapshot, rule.kpi, rule.kind, rule.low, rule.high = "campaigns", "acos", Kind.THRESHOLD, None, Decimal(1)
    rules.save(rule, user)
    shelf.judge()
    assert not Episode.objects.filter(resolved_at=None).exists()
    assert not RuleEntity.objects.filter(left_at=None).exists()


def test_what_a_person_closed_stays_closed_and_another_sku_is_a_new_alert(
    shelf: Shelf, seller: tuple[User, AccountMarketplace]
) -> None:
    user, _scope = seller
    shelf.judge(stock(["A"], ["B"]))
    first = Episode.objects.get()
    actions.resolve(first.pk, user, "sold out on purpose")
    assert shelf.judge() == 0

    assert shelf.judge(stock(["A", "B"])) == 1
    second = Episode.objects.get(resolved_at=None)
    assert inside(second) == {"B"} and second.count == 1

    shelf.judge(stock([], ["A", "B"]))
    first.refresh_from_db()
    assert first.kept_at is not None and not Episode.objects.filter(resolved_at=None).exists()


def test_a_snoozed_alert_gets_longer_in_silence_and_worse_aloud(
    shelf: Shelf, seller: tuple[User, AccountMarketplace], time_machine: Any
) -> None:
    user, scope = seller
    shelf.judge(stock(["A"], ["B"]))
    episode = Episode.objects.get()
    until = scope.marketplace.today() + timedelta(days=3)
    actions.snooze(episode.pk, user, until=until, worse_by=Decimal(3))
    shelf.judge(stock(["A", "B"]))
    assert not letters("joined") and inside(episode) == {"A", "B"}

    shelf.judge({"A": (70, 300), "B": (10, 300)})
    (awake,) = letters("awake")
    assert awake.subject.startswith("2 SKUs: Days of supply under 14 days, worst 1 days")
    assert not letters("joined")
    assert snoozes.wake_due() == 0


def test_every_organisation_starts_with_one_such_rule_that_stays_deleted(
    seller: tuple[User, AccountMarketplace],
) -> None:
    user, scope = seller
    organisation = scope.account.organisation_id
    starters = [rule for rule in rules.of(organisation) if rule.starter]
    assert [(rule.kpi, rule.snapshot, rule.low) for rule in starters] == [("days_of_supply", "skus", 14)]
    assert rules.delete(starters[0], user)
    assert not [rule for rule in rules.of(organisation) if rule.starter]
    assert entity_kpi("skus", "days_of_supply") is not None


def test_the_neighbours_skus_are_in_no_alert_of_ours(shelf: Shelf) -> None:
    other = Shelf(make_seller(("US",))[1][0])
    other.judge(stock(["A"]))
    assert shelf.judge(stock([], ["A"])) == 0
    assert {episode.account_id for episode in Episode.objects.all()} == {other.scope.account_id}
