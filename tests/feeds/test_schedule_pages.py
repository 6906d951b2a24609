"""Settings, Schedules and Data, Back-fill as people use them: what they read, what they may, what is written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from opsboard.accounts.models import AccountMarketplace, AuditEvent, Role, User
from opsboard.feeds import backfill, overview, registry, schedule, slots, timetable
from opsboard.feeds.models import BackfillPlan, Feed, Fetch
from tests.factories import make_user
from tests.feeds.shops import connected, end

pytestmark = pytest.mark.django_db
EVERY_DAY = ["1", "2", "3", "4", "5", "6", "7"]


@pytest.fixture
def scope() -> AccountMarketplace:
    return connected("DE")


def signed_in(scope: AccountMarketplace, role: Role = Role.MANAGER) -> tuple[Client, User]:
    user = make_user(scope.account.organisation, role)
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client, user


def text(answer) -> str:  # type: ignore[no-untyped-def]
    return " ".join(answer.content.decode().split())


def save(client: Client, scope: AccountMarketplace, key: str, **said: object):  # type: ignore[no-untyped-def]
    form = {"enabled": "on", "every": "24", "hours": "", "weekdays": EVERY_DAY, **said}
    sent = {f"{key}-{name}": value for name, value in form.items() if value is not None}
    return client.post(reverse("schedules:change", args=[scope.pk, key]), sent)


def feed(scope: AccountMarketplace, key: str) -> Feed:
    return Feed.objects.get(account=scope.account_id, marketplace=scope.marketplace_id, spec=key)


# --- schedules --------------------------------------------------------------------------------------


def test_each_schedule_is_told_in_plain_words(scope: AccountMarketplace) -> None:
    schedule.ensure_feeds(scope)
    told = {line.spec.key: line.words for line in timetable.lines(scope)}

    def at(key: str) -> str:
        return f"{int(slots.declared(registry.spec(key), scope).late.total_seconds()) // 60:02d}"

    assert (
        told["sp_campaigns"] == f"daily at 05:{at('sp_campaigns')} Berlin time: the last 30 days; Sundays the last 42"
    )
    assert (
        told["listings"]
        == f"daily at 05:{at('listings')} and 17:{at('listings')} Berlin time: the state of that moment"
    )
    key = "sales_and_traffic_asin"
    assert told[key] == f"daily at 05:{at(key)} Berlin time: each day until it is final, 3 days after it"
    assert told["settlements"].endswith("Berlin time: what Amazon has made since")
    day = slots.declared(registry.spec("storage_fees"), scope).weekdays[0]
    assert told["storage_fees"].startswith(f"{timetable.WEEKDAYS[day]} at 05:")
    client, _user = signed_in(scope, Role.VIEWER)
    page = text(client.get(reverse("schedules:index")))
    assert all(words in page for words in told.values())
    assert "Managers and owners change schedules." in page and "<summary" not in page.split("</nav>")[-1]


def test_many_times_a_day_and_chosen_days_are_told_shortly(scope: AccountMarketplace) -> None:
    late = timedelta(minutes=7)
    assert timetable.when(slots.Rhythm(tuple(range(24)), slots.EVERY_DAY, late)) == "daily every hour at minute 07"
    assert timetable.when(slots.Rhythm(slots.hours_every(3), slots.EVERY_DAY, late)) == "daily every 3 hours from 02:07"
    assert timetable.when(slots.Rhythm((5,), (1, 4), late)) == "Mondays and Thursdays at 05:07"
    ads = registry.spec("sp_campaigns")
    assert timetable.what(ads, slots.Rhythm((5,), (3, 5), late)) == "the last 30 days; Wednesdays the last 42"


def test_a_changed_schedule_plans_the_next_run_anew_and_is_kept_with_who_did_it(scope: AccountMarketplace) -> None:
    schedule.plan_due()
    client, user = signed_in(scope)
    answer = save(client, scope, "stock", every="chosen", hours="9, 3，21", weekdays=["1", "3"])
    assert answer.status_code == 302

    row = feed(scope, "stock")
    rhythm = slots.rhythm_of(row, registry.spec("stock"), scope)
    assert (row.hours, row.weekdays, row.enabled) == ([3, 9, 21], [1, 3], True)
    assert row.next_due == slots.after(rhythm, scope, timezone.now())
    local = row.next_due.astimezone(scope.marketplace.zone)
    assert local.hour in {3, 9, 21} and local.isoweekday() in {1, 3}
    event = AuditEvent.objects.get(action="schedule.changed")
    assert event.actor == user.email and event.before == {"enabled": True, "hours": [], "weekdays": []}
    assert event.after == {"enabled": True, "hours": [3, 9, 21], "weekdays": [1, 3]}

    save(client, scope, "stock", every="chosen", hours="3 ,9,21", weekdays=["3", "1"])
    assert AuditEvent.objects.count() == 1  # the same again is no change


def test_back_to_default_and_choosing_the_default_by_hand_leave_nothing_of_ones_own(scope: AccountMarketplace) -> None:
    client, _user = signed_in(scope)
    save(client, scope, "stock", every="24", weekdays=["2"])
    client.post(reverse("schedules:change", args=[scope.pk, "stock"]), {"act": "default"})
    assert (feed(scope, "stock").hours, feed(scope, "stock").weekdays) == ([], [])
    save(client, scope, "stock", every="6")
    assert (feed(scope, "stock").hours, feed(scope, "stock").weekdays) == ([], [])
    assert "your own" not in text(client.get(reverse("schedules:index")))


def test_switched_off_it_rests_and_switched_on_again_it_is_asked_for_at_once(scope: AccountMarketplace) -> None:
    schedule.plan_due()
    Fetch.objects.update(state=Fetch.State.DONE, finished_at=timezone.now())
    client, _user = signed_in(scope)
    save(client, scope, "stock", enabled=None, every="6")
    tomorrow = timezone.now() + timedelta(days=1)
    schedule.plan_due(tomorrow)
    assert not Fetch.objects.filter(spec="stock", finished_at=None).exists()
    assert "no next run" in text(client.get(reverse("schedules:index")))
    save(client, scope, "stock", every="6")
    schedule.plan_due(tomorrow)
    assert Fetch.objects.filter(spec="stock", finished_at=None).count() == 1


@pytest.mark.parametrize(
    ("key", "said", "error"),
    [
        ("stock", {"every": "chosen", "hours": "5, 25"}, "“25” is no hour of the day: write numbers from 0 to 23."),
        ("stock", {"every": "chosen", "hours": "five"}, "“five” is no hour of the day"),
        ("stock", {"every": "chosen"}, "Say at which hours."),
        ("stock", {"weekdays": []}, "Choose at least one day, or switch the report off."),
        ("referral_fees", {"every": "chosen", "hours": "5, 17"}, "Amazon makes this report once in 24 hours"),
        ("planning", {"every": "chosen", "hours": "23, 2"}, "Amazon makes this report once in 4 hours"),
        ("fee_preview", {"every": "12"}, "Select a valid choice"),
    ],
)
def test_what_amazon_or_the_clock_does_not_allow_is_refused_by_name_and_nothing_is_changed(
    scope: AccountMarketplace, key: str, said: dict[str, object], error: str
) -> None:
    schedule.ensure_feeds(scope)
    before = Feed.objects.filter(spec=key).values().get()
    client, _user = signed_in(scope)
    answer = save(client, scope, key, **said)
    page = text(answer)
    assert answer.status_code == 422 and error in page
    assert f"{registry.spec(key).label}: the schedule is not changed" in page
    assert page.count('<details class="schedule__change" open>') == 1  # the form stays open, and only it
    assert Feed.objects.filter(spec=key).values().get() == before and not AuditEvent.objects.exists()


def test_only_managers_and_owners_change_schedules(scope: AccountMarketplace) -> None:
    schedule.ensure_feeds(scope)
    for role in (Role.VIEWER, Role.OPERATOR):
        client, _user = signed_in(scope, role)
        assert save(client, scope, "stock", every="24").status_code == 403
    assert feed(scope, "stock").hours == []


def test_a_report_that_was_made_rare_is_not_called_late(scope: AccountMarketplace) -> None:
    schedule.ensure_feeds(scope)
    Feed.objects.update(last_success_at=timezone.now() - timedelta(days=5))

    def word(key: str) -> str:
        label = str(registry.spec(key).label)
        return next(line.status_words for line in overview.feed_lines([scope]) if line.label == label)

    assert word("stock") == "late"
    assert word("storage_fees") == "up to date"  # a month is fetched when it is out
    client, _user = signed_in(scope)
    save(client, scope, "stock", every="24", weekdays=["1"])
    assert word("stock") == "up to date"


# --- back-fill --------------------------------------------------------------------------------------


def page_of(scope: AccountMarketplace) -> str:
    return f"{reverse('feeds:backfill')}?scope={scope.pk}"


def test_before_it_starts_a_back_fill_says_what_it_takes_and_where_amazon_ends(scope: AccountMarketplace) -> None:
    client, _user = signed_in(scope, Role.OPERATOR)
    page = text(client.get(page_of(scope) + "&far=396&report=sp_search_terms&report=ledger&report=sales_and_traffic"))
    from_day = scope.marketplace.today() - timedelta(days=64)
    assert f"Amazon keeps 65 days, so from {from_day:%-d %b}." in page
    assert "download them in Amazon Ads console &gt; Sponsored ads reports &gt; Search term" in page
    assert f"{reverse('feeds:upload')}?scope={scope.pk}" in page
    assert "opsboard asks for 60 days" in page  # of the ledger Amazon documents no limit
    assert "19 requests" in page  # 14 windows of 30 days of sales, 3 of 31 days of terms, 2 of the ledger
    assert not BackfillPlan.objects.exists()


def test_started_paused_resumed_and_stopped_by_hand(scope: AccountMarketplace) -> None:
    client, user = signed_in(scope, Role.OPERATOR)
    said = {"scope": scope.pk, "far": "60", "report": ["sales_and_traffic", "sp_campaigns"]}
    assert client.post(reverse("feeds:backfill"), said).status_code == 302
    plan = BackfillPlan.objects.get()
    assert plan.asked_by == user and plan.requests == 4 and set(plan.specs) == {"sales_and_traffic", "sp_campaigns"}

    again = client.post(reverse("feeds:backfill"), said)
    assert again.status_code == 422 and "A back-fill of this marketplace is under way." in text(again)

    act = reverse("feeds:backfill-act", args=[plan.pk])
    first = plan.fetches.order_by("pk").first()
    assert first
    end(first, Fetch.State.DONE)
    assert "Under way: 25 %" in text(client.get(page_of(scope)))
    client.post(act, {"act": "pause"})
    assert "Paused at 25 %" in text(client.get(page_of(scope)))
    client.post(act, {"act": "resume"})
    client.post(act, {"act": "cancel"})
    page = text(client.get(page_of(scope)))
    assert "Under way" not in page and "Stopped · 1 of 4 requests" in page
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "backfill.started",
        "backfill.paused",
        "backfill.resumed",
        "backfill.stopped",
    ]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"far": "day"}, "Say from which day on."),
        ({"far": "day", "day": "30.02.2026"}, "That is no day. Write it as 2026-01-31."),
        ({"far": "day", "day": "2090-01-01"}, "The first day must be over: yesterday or before."),
        ({"far": "60", "report": "stock"}, "“stock” is no report of this account."),
    ],
)
def test_what_makes_no_plan_is_refused_by_name(scope: AccountMarketplace, said: dict[str, str], error: str) -> None:
    client, _user = signed_in(scope)
    for answer in (client.get(page_of(scope), {"scope": scope.pk, **said}), client.post(page_of(scope), said)):
        assert answer.status_code == 422 and error in text(answer)
    assert not BackfillPlan.objects.exists()


def test_when_all_is_there_or_on_its_way_there_is_nothing_to_start(scope: AccountMarketplace) -> None:
    client, _user = signed_in(scope)
    schedule.plan_due()
    yesterday = (scope.marketplace.today() - timedelta(days=1)).isoformat()
    said = {"far": "day", "day": yesterday, "report": "sales_and_traffic_asin", "scope": scope.pk}
    answer = client.post(reverse("feeds:backfill"), said)
    assert answer.status_code == 422 and "There is nothing to fetch" in text(answer)


def test_viewers_see_a_back_fill_and_touch_nothing(scope: AccountMarketplace) -> None:
    plan = backfill.start(scope, scope.marketplace.today() - timedelta(days=3), [registry.spec("sp_campaigns")])
    client, _user = signed_in(scope, Role.VIEWER)
    page = text(client.get(page_of(scope)))
    assert "Under way: 0 %" in page and ">Pause<" not in page and ">Start<" not in page
    assert client.post(reverse("feeds:backfill"), {"scope": scope.pk, "far": "60"}).status_code == 403
    assert client.post(reverse("feeds:backfill-act", args=[plan.pk]), {"act": "cancel"}).status_code == 403
    assert "Fetching the history" in text(client.get(reverse("feeds:index")))


def test_the_bar_refreshes_itself_and_says_when_it_is_over(scope: AccountMarketplace) -> None:
    plan = backfill.start(scope, scope.marketplace.today() - timedelta(days=3), [registry.spec("sp_campaigns")])
    client, _user = signed_in(scope)
    part = text(client.get(page_of(scope), headers={"HX-Request": "true"}))
    assert part.startswith('<div id="plan"') and 'hx-trigger="every 5s"' in part
    for fetch in plan.fetches.all():
        end(fetch, Fetch.State.DONE)
    part = text(client.get(page_of(scope), headers={"HX-Request": "true"}))
    assert "The back-fill is over: 1 of 1 requests are fetched." in part and "hx-get" not in part


def test_a_scope_without_credentials_is_offered_to_be_connected() -> None:
    scope = connected()
    scope.account.credentials.all().delete()
    client, _user = signed_in(scope)
    for address in (page_of(scope), f"{reverse('schedules:index')}?scope={scope.pk}"):
        assert reverse("settings:account", args=[scope.account_id]) in text(client.get(address))


def test_the_city_of_the_clock_is_named_in_the_readers_language(scope: AccountMarketplace) -> None:
    with translation.override("zh-hans"):
        assert timetable.city(scope) == "柏林"
