"""Rules about SKUs and campaigns one by one, as they are typed, found, refused and tried on the past."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ads.models import Campaign
from opsboard.accounts.models import AccountMarketplace, Tag, TaggedEntity, User
from opsboard.alerts import backtest, rules
from opsboard.alerts.models import Episode, Rule
from opsboard.feeds.models import Document
from opsboard.kpis import held
from tests.factories import make_scope, make_seller

from .shelf import Shelf
from .test_grouped import PLENTY, SHORT, inside, supply

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hints")]
Kind = Rule.Kind


@pytest.fixture
def seller(db: None) -> tuple[User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    Shelf(scope).stock({"A-1": SHORT, "A-2": PLENTY, "B,1": PLENTY})
    return user, scope


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, scope: AccountMarketplace, kind: str = "supply", **fields: Any) -> Any:
    base = {"name": "Mine", "severity": "normal", "for_days": "1", "clear_by": "0", "mails": "on"}
    return client.post(f"/settings/rules/new/{scope.account.organisation_id}/{kind}/", base | fields)


def test_a_list_is_pasted_shown_again_and_told_in_a_sentence(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client = client_of(user)
    answer = post(client, scope, kpi="skus:days_of_supply", low="21", only="A-1\r\n\r\nB,1\r\nA-1\r\n")

    assert answer.status_code == 302
    rule = Rule.objects.get(name="Mine")
    assert (rule.snapshot, rule.kpi, rule.entities, rule.low) == ("skus", "days_of_supply", ["A-1", "B,1"], 21)
    form = client.get(f"/settings/rules/{rule.pk}/").context["form"]
    assert (form["kpi"].value(), form["only"].value()) == ("skus:days_of_supply", "A-1\nB,1")
    page = client.get("/settings/rules/").content.decode()
    assert "Days of supply (2 SKUs, one by one) under 21 days" in page
    assert "Days of supply (SKUs, one by one) under 14 days" in page  # the one to start with


def test_each_line_that_nobody_knows_is_named(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    lines = "A-1\nNOPE\nA-2, A-1; WRONG\n" + "\n".join(f"X{n}" for n in range(6))
    answer = post(client_of(user), scope, kpi="skus:days_of_supply", low="21", only=lines)

    assert answer.status_code == 422
    errors = answer.context["form"].errors["only"]
    assert errors[0] == "Line 2: “NOPE” is none of the SKUs known here."
    assert errors[1] == "Line 3: “WRONG” is none of the SKUs known here."
    assert errors[-1] == "And 3 more are not known." and len(errors) == 6
    assert not Rule.objects.filter(name="Mine").exists()


def test_skus_of_another_organisation_or_of_another_place_are_not_known(
    seller: tuple[User, AccountMarketplace],
) -> None:
    user, scope = seller
    Shelf(make_seller(("US",))[1][0]).stock({"THEIRS": SHORT})
    japan = make_scope(scope.account, "JP")
    Shelf(japan).stock({"JP-1": SHORT})
    client = client_of(user)
    fields = {"kpi": "skus:days_of_supply", "low": "21"}

    assert post(client, scope, only="THEIRS", **fields).status_code == 422
    assert post(client, scope, only="JP-1", where=f"s{scope.pk}", **fields).status_code == 422
    assert post(client, scope, only="JP-1", where=f"s{japan.pk}", **fields).status_code == 302
    found = post(client, scope, find="THEIRS", **fields).content.decode()
    assert "Nothing here is called “THEIRS”" in found


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("threshold", {"kpi": "acos", "high": "30", "only": "A-1"}, "A list goes with a KPI of"),
        ("supply", {"kpi": "skus:turnover", "low": "20"}, "Select a valid choice"),
        ("change", {"kpi": "skus:days_of_supply", "change_up": "20"}, "Select a valid choice"),
        ("limit", {"kpi": "asins:ordered_sales"}, "Select a valid choice"),
        ("forecast", {"kpi": "campaigns:acos", "days": "14"}, "Select a valid choice"),
        ("threshold", {"kpi": "campaigns:acos", "high": "30", "only": "A-1"}, "is none of the Campaigns"),
        ("supply", {"kpi": "skus:days_of_supply", "low": "20", "only": "A\n" * 2001}, "at most 2000"),
    ],
)
def test_what_makes_no_rule_is_said(
    seller: tuple[User, AccountMarketplace], kind: str, fields: dict[str, str], said: str
) -> None:
    user, scope = seller
    answer = post(client_of(user), scope, kind, **fields)
    assert answer.status_code == 422 and said in answer.content.decode()


def test_campaigns_are_listed_by_name_and_kept_by_id(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    pair = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    japan = make_scope(scope.account, "JP")
    for number, name in ((11, "Brand"), (12, "Auto, kitchen"), (13, "Twin"), (14, "Twin")):
        Campaign.objects.create(**pair, campaign_id=number, name=name)
    Campaign.objects.create(
        account_id=scope.account_id, marketplace_id=japan.marketplace_id, campaign_id=21, name="brand"
    )
    client = client_of(user)
    listed = "Auto, kitchen\nBRAND\n14"
    assert post(client, scope, "threshold", kpi="campaigns:acos", high="30", only=listed).status_code == 302

    rule = Rule.objects.get(name="Mine")
    assert rule.entities == ["12", "11", "21", "14"]
    form = client.get(f"/settings/rules/{rule.pk}/").context["form"]
    assert form["only"].value() == "Auto, kitchen\nBrand\nbrand\n14"  # "Twin" would be two


def test_searching_adds_what_is_ticked_and_keeps_what_was_typed(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client = client_of(user)
    typed = {"kpi": "skus:days_of_supply", "low": "21", "where": f"s{scope.pk}", "only": "B,1"}

    page = post(client, scope, find="a-", **typed)
    assert page.status_code == 200 and not page.context["form"].errors
    text = page.content.decode()
    assert 'value="A-1"> A-1 Thing A-1' in text and 'value="A-2"' in text and 'value="B,1">' not in text

    page = post(client, scope, find="thing", picked=["A-2"], **typed)
    form = page.context["form"]
    assert form["only"].value() == "B,1\nA-2" and form["low"].value() == "21" and form["mails"].value() is True
    assert not Rule.objects.filter(name="Mine").exists()

    assert post(client, scope, picked=["A-1"], **typed | {"only": "B,1\nA-2"}).status_code == 302
    assert Rule.objects.get(name="Mine").entities == ["B,1", "A-2", "A-1"]
    page = post(client, scope, find="a", kpi="", low="21")
    assert "Choose a KPI of SKUs, ASINs" in page.content.decode()


def test_a_rule_by_tag(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client = client_of(user)
    tag = Tag.objects.create(organisation=scope.account.organisation, name="Q4")
    theirs = Tag.objects.create(organisation=make_seller(("US",))[1][0].account.organisation, name="Theirs")
    fields = {"kpi": "skus:days_of_supply", "low": "21"}

    assert post(client, scope, tag=str(theirs.pk), **fields).status_code == 422
    empty = post(client, scope, tag=str(tag.pk), **fields)
    assert empty.status_code == 422 and "carries this tag yet" in empty.content.decode()
    TaggedEntity.objects.create(tag=tag, kind="skus", entity="A-1")
    assert post(client, scope, tag=str(tag.pk), **fields).status_code == 302
    rule = Rule.objects.get(name="Mine")
    assert client.get(f"/settings/rules/{rule.pk}/").context["form"]["tag"].value() == tag.pk
    assert "tagged “Q4”" in client.get("/settings/rules/").content.decode()


# --- tried on the past -------------------------------------------------------------------------------------


def told(scope: AccountMarketplace, day: date, stock: dict[str, tuple[int, int]], *, late: int = 0) -> None:
    """The planning report of a day, which came so many days late."""
    Shelf(scope).stock(stock, day)
    came = datetime.combine(day + timedelta(days=late), time(9), scope.marketplace.zone)
    Document.objects.filter(pk=Document.objects.latest("pk").pk).update(received_at=came)


def ago(scope: AccountMarketplace, days: int) -> date:
    return scope.marketplace.today() - timedelta(days=days)


def test_the_past_is_replayed_from_the_day_on_which_it_was_known(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    for back in range(40, 0, -1):
        low = back in {30, 29, 12, 11, 10}
        told(scope, ago(scope, back), {"A": SHORT if low else PLENTY, "B": SHORT if back < 11 else PLENTY})
    rule = supply(scope, user)

    found = backtest.replay(rule, [scope])

    assert [(item.day, item.count, item.value) for item in found.fired] == [
        (ago(scope, 12), 1, 7),
        (ago(scope, 30), 1, 7),
    ]
    assert (found.known_days, found.known_from) == (40, ago(scope, 40))

    page = post(client_of(user), scope, kpi="skus:days_of_supply", low="14", **{"try": "1"}).content.decode()
    assert "Would have fired 2 times in 90 days" in page
    assert "1 SKU: Days of supply under 14 days, worst 7 days" in page
    assert "We can replay from" in page and "no earlier figures are kept" in page
    assert not Episode.objects.exists()


def test_a_report_that_came_late_told_nobody_anything_before(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    for back in (20, 19, 18):
        told(scope, ago(scope, back), {"A": SHORT}, late=10)
    rule = supply(scope, user)
    assert backtest.replay(rule, [scope]).known_days == 0  # when they came they were too old to judge by


def test_a_replay_is_what_judging_day_by_day_would_have_opened(
    seller: tuple[User, AccountMarketplace], time_machine: Any
) -> None:
    user, scope = seller
    rule = supply(scope, user, for_days=2, clear_by=Decimal("0.5"))
    start, shelf = timezone.now().replace(hour=20), Shelf(scope)
    waves = ((900,) * 6 + (70, 70, 200), (900,) * 5 + (10,), (900,) * 11 + (130, 130, 220))
    lived: list[date] = []
    for day in range(30):
        time_machine.move_to(start + timedelta(days=day, minutes=day))
        if day % 7 != 5:  # a report fails now and then
            stock = {f"S{n}": (wave[day % len(wave)], 300) for n, wave in enumerate(waves)}
            told(scope, scope.marketplace.today(), stock)
        if shelf.judge():
            lived.append(scope.marketplace.today())
    time_machine.move_to(start + timedelta(days=30))

    replayed = backtest.replay(rule, [scope])

    assert sorted(item.day for item in replayed.fired) == lived
    assert len(lived) > 2


def test_bounds_of_the_limit_in_force_are_those_of_each_day(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    for back in range(20, 0, -1):
        told(scope, ago(scope, back), {"A": (270, 300) if back > 10 else (300, 300)})  # 27 days, then 30
    rule = supply(scope, user, kind=Kind.LIMIT, low=None)
    found = backtest.replay(rule, [scope])
    assert [(item.day, item.bounds.low) for item in found.fired] == [(ago(scope, 20), 28)]


def test_the_same_rows_are_beyond_for_the_judge_and_for_a_rule_of_the_same_value(
    seller: tuple[User, AccountMarketplace],
) -> None:
    _user, scope = seller
    shelf = Shelf(scope)
    shelf.judge({"A": (139, 300), "B": (140, 300), "C": (0, 10), "D": (0, 9)})
    pair = (scope.account_id, scope.marketplace_id)
    item = next(one.item for one in rules.sets_in_scope(rules.of(scope.account.organisation_id), *pair))
    found = held.beyond(item, pair, Decimal(14), None, also=["B", "D"])
    assert {entity: seen.beyond for entity, seen in found.items()} == {"A": True, "B": False, "C": True}
    assert inside(Episode.objects.get()) == {"A", "C"}
