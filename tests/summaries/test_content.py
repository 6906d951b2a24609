"""What a week says: the pages' own figures, matched weekdays, causes that add up, what was restated."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from ads.models import CampaignDay
from listings.models import AsinDay, SalesDay
from opsboard.accounts.models import AccountMarketplace, User
from opsboard.alerts import actions
from opsboard.alerts.models import Episode
from opsboard.feeds.models import Coverage, DirtyDay
from opsboard.kpis import cards, rollup
from opsboard.kpis.registry import kpis
from opsboard.summaries import brief, content, words, work
from opsboard.summaries.models import Kind, Summary
from opsboard.summaries.report import Report
from opsboard.summaries.slots import Week
from opsboard.ui.filters import PageState
from tests.factories import make_seller

from .conftest import TUESDAY, WEEK, japan

pytestmark = pytest.mark.django_db
Shop = tuple[User, AccountMarketplace]
W47 = Week(date(2026, 11, 16))


def told(scope: AccountMarketplace, last: dict[str, Any] | None = None) -> dict[str, Any]:
    now = timezone.now()
    scopes = content.scopes_of(scope.account.organisation)
    return content.weekly(scopes, W47, now - timedelta(days=7), now, last)


def read(made: dict[str, Any], scope: AccountMarketplace) -> Report:
    return words.read(made, content.scopes_of(scope.account.organisation), scope.marketplace.zone)


def row(made: dict[str, Any], key: str, section: int = 0) -> dict[str, Any]:
    return next(one for one in made["sections"][section]["kpis"] if one["key"] == key)


def restate(scope: AccountMarketplace, day: date, **fields: int) -> None:
    """Amazon says something else of a day, and it is summed again."""
    SalesDay.objects.filter(account_id=scope.account_id, date=day).update(**fields)
    again(scope, "sales_by_date", day)


def again(scope: AccountMarketplace, dataset: str, day: date) -> None:
    DirtyDay.objects.create(account_id=scope.account_id, marketplace_id=scope.marketplace_id, dataset=dataset, date=day)
    with transaction.atomic():
        rollup.refresh(scope.account_id, scope.marketplace_id)


def test_every_figure_is_the_one_the_pages_show_for_the_same_days(shop: Shop) -> None:
    user, scope = shop
    asked = RequestFactory().get(
        "/",
        {"scope": str(scope.pk), "period": "custom", "from": "2026-11-16", "to": "2026-11-22", "compare": "previous"},
    )
    asked.user = user
    shown = {card.key: card for card in cards.cards(list(kpis()), scope, PageState.from_request(asked))}

    lines = {line.key: line for line in read(told(scope), scope).sections[0].kpis}

    assert len(lines) >= 20
    for key, line in lines.items():
        assert (line.now, line.change, line.tone) == (shown[key].value, shown[key].change, shown[key].tone), key


def test_every_figure_is_the_one_known_at_that_instant(shop: Shop) -> None:
    _user, scope = shop
    made = told(scope)
    instant = timezone.now()
    with time_machine.travel(TUESDAY + timedelta(days=3), tick=False):
        restate(scope, date(2026, 11, 18), ordered_sales_minor=1, units_ordered=1)

        then = content.known_at(scope, date(2026, 11, 9), date(2026, 11, 22), instant)
        for one in made["sections"][0]["kpis"]:
            value = then.over(kpis()[one["key"]], W47.days)
            assert (value is None) == (one["now"] is None) and (value is None or value == Decimal(one["now"]))
        assert row(told(scope), "ordered_sales")["now"] != row(made, "ordered_sales")["now"]


def test_weeks_are_compared_on_the_weekdays_that_both_have(shop: Shop) -> None:
    _user, scope = shop  # Sunday the 15th is missing
    found = row(told(scope), "ordered_sales")

    sold = dict(SalesDay.objects.filter(date__gte=date(2026, 11, 9)).values_list("date", "ordered_sales_minor"))
    week = [date(2026, 11, 16) + timedelta(days=n) for n in range(7)]
    assert Decimal(found["now"]) == sum(sold[day] for day in week)
    assert Decimal(found["like"]) == sum(sold[day] for day in week[:6])
    assert Decimal(found["before"]) == sum(sold[day - timedelta(days=7)] for day in week[:6])
    assert (found["days"], found["matched"], found["missing"]) == (7, 6, [])
    line = next(line for line in read(told(scope), scope).sections[0].kpis if line.key == "ordered_sales")
    assert line.note == "compared over 6 weekdays that both weeks have, provisional from 21 Nov"


def test_missing_days_are_named_and_immature_ones_are_provisional(shop: Shop) -> None:
    _user, scope = shop
    day = date(2026, 11, 18)
    Coverage.objects.filter(dataset="sales_by_date", date=day).delete()
    SalesDay.objects.filter(date=day).delete()
    again(scope, "sales_by_date", day)

    made = told(scope)
    found, section = row(made, "ordered_sales"), read(made, scope).sections[0]

    assert found["missing"] == ["2026-11-18"] and found["provisional"] == "2026-11-21"
    line = next(line for line in section.kpis if line.key == "ordered_sales")
    assert line.note == "6 of 7 days, compared over 5 weekdays that both weeks have, provisional from 21 Nov"
    assert section.gaps == ("Sales and traffic by day: no data for Wed 18 Nov (No report was asked for these days)",)


def test_movers_and_the_others_are_the_whole_change(shop: Shop) -> None:
    _user, scope = shop
    week = AsinDay.objects.filter(date__range=(date(2026, 11, 16), date(2026, 11, 22)))
    week.filter(asin="B000000001").update(ordered_sales_minor=100, units_ordered=1, sessions=9, buy_box_rate="0.4")
    week.filter(asin="B000000002").update(ordered_sales_minor=9000, units_ordered=6)
    CampaignDay.objects.filter(date__gte=date(2026, 11, 16), campaign_id=101).update(spend_minor=9000, clicks=60)

    blocks = {block["key"]: block for block in told(scope)["sections"][0]["movers"]}

    assert set(blocks) == {"listings.sales_by_asin", "ads.spend_by_campaign", "ads.acos_by_campaign"}
    for block in blocks.values():
        parts = sum(Decimal(item["change"]) for item in block["items"]) + Decimal(block["others_change"])
        assert abs(parts - Decimal(block["change"])) < Decimal("1e-12")
        assert abs(Decimal(block["now"]) - Decimal(block["before"]) - Decimal(block["change"])) < Decimal("1e-12")
        for item in block["items"]:
            assert not item["parts"] or sum(Decimal(value) for _c, value in item["parts"]) == Decimal(item["change"])
    sales = blocks["listings.sales_by_asin"]
    assert [item["key"] for item in sales["items"]] == ["B000000002", "B000000001"] and sales["days"] == 6
    clues = {clue["code"] for clue in sales["items"][1]["clues"]}
    assert clues == {"buy_box", "sold_out"}  # SKU-001 has nothing at Amazon
    assert blocks["ads.acos_by_campaign"]["items"][0]["key"] == "101"


def test_acos_contributions_add_up_where_a_campaign_comes_and_another_goes(shop: Shop) -> None:
    _user, scope = shop
    now = CampaignDay.objects.filter(date__gte=date(2026, 11, 16))
    now.filter(campaign_id=100).delete()
    CampaignDay.objects.filter(date__lt=date(2026, 11, 16), campaign_id=102).delete()
    now.filter(campaign_id=103).update(spend_minor=1, sales_minor=77777)
    with transaction.atomic():
        rollup.rebuild(scope.account_id, scope.marketplace_id)

    block = next(b for b in told(scope)["sections"][0]["movers"] if b["key"] == "ads.acos_by_campaign")

    assert abs(Decimal(block["now"]) - Decimal(block["before"]) - Decimal(block["change"])) < Decimal("1e-12")
    found = Decimal(row(told(scope), "acos")["now"]) - Decimal(row(told(scope), "acos")["before"])
    assert abs(found - Decimal(block["change"])) < Decimal("1e-12")


def test_currencies_stay_apart(shop: Shop) -> None:
    user, scope = shop
    japan(user, scope.account.organisation)

    report = read(told(scope), scope)

    assert {(section.currency, section.zone) for section in report.sections} == {
        ("USD", "America/Los_Angeles"),
        ("JPY", "Asia/Tokyo"),
    }
    sales = [line.now for section in report.sections for line in section.kpis if line.key == "ordered_sales"]
    assert sorted(text[0] for text in sales) == ["$", "¥"]


def test_alerts_say_who_did_what_and_what_is_still_open(shop: Shop) -> None:
    user, scope = shop
    episode = Episode.objects.get(kpi="acos")
    actions.acknowledge(episode.pk, user)

    section = read(told(scope), scope).sections[0]

    line = next(line for line in section.alerts if line.url.endswith(f"/{episode.pk}/"))
    assert line.what == "ACoS 40.0\N{NARROW NO-BREAK SPACE}% against 25.0\N{NARROW NO-BREAK SPACE}%"
    assert line.state == "acknowledged" and line.new and f"acknowledged by {user}" in line.did
    assert all("nobody is on it yet" in other.did for other in section.alerts if other is not line)
    assert "1 SKU: Days of supply under 14 days, worst 0 days" in {other.what for other in section.alerts}
    assert "3 limits broken (3 new)" in read(told(scope), scope).finding


def test_the_next_summary_tells_what_the_one_before_said_and_how_it_reads_now(shop: Shop) -> None:
    _user, scope = shop
    before = told(scope)
    with time_machine.travel(TUESDAY + timedelta(days=7), tick=False):
        restate(scope, date(2026, 11, 17), ordered_sales_minor=95000)
        restate(scope, date(2026, 11, 18), sessions=401)  # changes conversion by less than anybody reads
        scopes = content.scopes_of(scope.account.organisation)
        after = content.weekly(scopes, W47.step(1), TUESDAY, timezone.now(), before)

        lines = {line.label: line for line in read(after, scope).sections[0].restated}

    was, now = Decimal(row(before, "ordered_sales")["now"]), None
    now = next(one["now"] for one in after["sections"][0]["restated"] if one["key"] == "ordered_sales")
    assert Decimal(now) != was and lines["Ordered sales"].was != lines["Ordered sales"].now
    assert lines["Ordered sales"].change and "Unit session percentage" not in lines
    assert read(after, scope).restated_title == "Week 47 as it was told, and as it reads now"


def test_without_a_summary_before_it_is_compared_with_what_was_known_then(shop: Shop) -> None:
    _user, scope = shop
    day = date(2026, 11, 11)
    with time_machine.travel(TUESDAY + timedelta(hours=1), tick=False):
        restate(scope, day, ordered_sales_minor=1)
        now = timezone.now()
        since = TUESDAY + timedelta(minutes=30)
        made = content.weekly(content.scopes_of(scope.account.organisation), W47, since, now, None)

    found = {one["key"]: one for one in made["sections"][0]["restated"]}
    assert Decimal(found["ordered_sales"]["was"]) - Decimal(found["ordered_sales"]["now"]) > 50000
    assert made["restated_week"] == "2026-W46"


def test_what_was_frozen_stays_and_later_restatements_are_its_addendum(shop: Shop) -> None:
    _user, scope = shop
    organisation = scope.account.organisation
    summary = Summary.objects.create(organisation=organisation, kind=Kind.WEEKLY, period=WEEK, slot=TUESDAY)
    summary.content = work.build(organisation, Kind.WEEKLY, WEEK, TUESDAY, timezone.now())
    summary.save()
    frozen = row(summary.content, "ordered_sales")["now"]
    scopes = content.scopes_of(organisation)
    assert content.changes(summary.content, scopes) == {scope.pk: []}

    restate(scope, date(2026, 11, 19), ordered_sales_minor=5)

    summary.refresh_from_db()
    report = words.read(
        summary.content, scopes, scope.marketplace.zone, changes=content.changes(summary.content, scopes)
    )
    assert row(summary.content, "ordered_sales")["now"] == frozen
    assert "Ordered sales" in {line.label for line in report.sections[0].addendum}


def test_a_scope_without_any_figure_is_named_and_empty(shop: Shop) -> None:
    from tests.factories import make_account, make_scope

    _user, scope = shop
    bare = make_scope(make_account(scope.account.organisation, "Bare"), "CA")

    section = next(one for one in read(told(scope), scope).sections if one.scope_id == bare.pk)

    assert (section.kpis, section.movers, section.gaps, section.restated) == ((), (), (), ())


def test_a_brief_tells_of_final_figures_that_moved_and_not_of_days_that_came_late(shop: Shop) -> None:
    _user, scope = shop
    since = TUESDAY + timedelta(minutes=1)
    with time_machine.travel(TUESDAY + timedelta(hours=1), tick=False):
        late, like = date(2026, 11, 15), SalesDay.objects.get(date=date(2026, 11, 14))  # nobody knew of it
        like.pk = (like.account_id, like.marketplace_id, late)
        like.save(force_insert=True)
        held = Coverage.objects.get(dataset="sales_by_date", date=date(2026, 11, 14))
        held.pk, held.date = None, late
        held.save()
        again(scope, "sales_by_date", late)
        assert row(told(scope), "ordered_sales")["matched"] == 7
        quiet = brief.daily([scope], date(2026, 11, 24), since, timezone.now())["sections"][0]["restated"]
        restate(scope, date(2026, 11, 10), ordered_sales_minor=1)
        loud = brief.daily([scope], date(2026, 11, 24), since, timezone.now())["sections"][0]["restated"]

    assert quiet == []
    assert "ordered_sales" in {one["key"] for one in loud}


def test_a_shop_without_a_judged_figure_is_not_said_to_keep_its_limits(tuesday: object, hints: object) -> None:
    _user, (scope,) = make_seller(("US",))

    assert read(told(scope), scope).finding == "No figures yet"
    since = timezone.now() - timedelta(days=1)
    assert read(brief.daily([scope], date(2026, 11, 24), since, timezone.now()), scope).finding == "No figures yet"
