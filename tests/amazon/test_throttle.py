"""The bucket is shared: whatever the number of workers, Amazon's burst is not exceeded."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.amazon import throttle, tokens
from opsboard.amazon.errors import Throttled
from opsboard.amazon.models import Bucket
from opsboard.amazon.reports import Request, reports_for
from opsboard.amazon.throttle import Meter
from opsboard.simulator import DEMO_CREDENTIALS
from opsboard.simulator.server import start_in_thread
from tests.factories import make_account, make_scope

METER = Meter("seller", "application")
ASKED = Meter("seller", "application", urgent=True)


@pytest.mark.django_db(transaction=True)
def test_eight_workers_together_get_no_more_than_the_burst() -> None:
    def grab(_: int) -> list[float]:
        try:
            return [throttle.take(METER, "createReport") for _ in range(5)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        waits = [wait for waits in workers.map(grab, range(8)) for wait in waits]

    assert len(waits) == 40 and sum(wait == 0 for wait in waits) == 10  # and five are kept


@pytest.mark.django_db
def test_tokens_flow_in_with_time_up_to_the_burst() -> None:
    for _ in range(15):
        assert throttle.take(ASKED, "createReport") == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE amazon_bucket SET filled_at = filled_at - interval '121 seconds'")
    assert [throttle.take(ASKED, "createReport") == 0 for _ in range(3)] == [True, True, False]

    with connection.cursor() as cursor:
        cursor.execute("UPDATE amazon_bucket SET filled_at = filled_at - interval '10 days'")
    assert sum(throttle.take(ASKED, "createReport") == 0 for _ in range(40)) == 15


@pytest.mark.django_db
def test_a_429_without_a_word_costs_the_penalty_and_one_with_a_rate_costs_a_token() -> None:
    throttle.take(METER, "getReports")
    wait = throttle.empty(METER, "getReports", None, None)
    assert 1 <= wait / throttle.PENALTY_SECONDS <= 1.25
    assert throttle.take(METER, "getReports") == pytest.approx(wait, abs=1)

    throttle.take(METER, "getReport")
    assert throttle.empty(METER, "getReport", None, "0.1") == 10
    assert throttle.take(METER, "getReport") == pytest.approx(10, abs=1)


@pytest.mark.django_db
@pytest.mark.parametrize("header", [None, "", "soon", "0", "-1", "nan", "1e99"])
def test_an_unreadable_limit_teaches_nothing(header: str | None) -> None:
    throttle.take(METER, "getReport")
    throttle.learn(METER, "getReport", header)
    assert Bucket.objects.get().rate == 2.0


@pytest.mark.django_db
def test_five_reports_are_left_for_what_a_person_waits_for() -> None:
    taken = [throttle.take(METER, "createReport") == 0 for _ in range(12)]
    assert taken == [True] * 10 + [False] * 2
    assert [throttle.take(ASKED, "createReport") == 0 for _ in range(6)] == [True] * 5 + [False]
    assert throttle.take(METER, "createReport") > throttle.take(ASKED, "createReport") > 50


@pytest.mark.django_db
def test_where_amazon_publishes_no_limit_the_rate_halves_when_refused_and_climbs_back_with_success() -> None:
    def rate() -> float:
        return Bucket.objects.get(operation="ads.createReport").rate

    throttle.take(METER, "ads.createReport")
    throttle.empty(METER, "ads.createReport", 1, None)
    throttle.empty(METER, "ads.createReport", 1, None)
    assert rate() == 0.5
    for _ in range(3):
        throttle.learn(METER, "ads.createReport", None)
    assert rate() == pytest.approx(0.8)
    for _ in range(100):
        throttle.learn(METER, "ads.createReport", None)
    assert rate() == 2.0  # and no faster than is modest
    for _ in range(50):
        throttle.empty(METER, "ads.createReport", 1, None)
    assert rate() == pytest.approx(0.04)  # slow, and never at a stand

    throttle.take(METER, "createReport")
    throttle.empty(METER, "createReport", None, None)
    assert Bucket.objects.get(operation="createReport").rate == pytest.approx(0.0167)  # published: believed


@pytest.mark.django_db
def test_refusals_that_name_no_time_cost_longer_each_time_until_one_call_goes_well() -> None:
    throttle.take(METER, "ads.createReport")
    waits = [throttle.empty(METER, "ads.createReport", None, None) / throttle.PENALTY_SECONDS for _ in range(4)]
    assert [int(wait / 1.25 + 0.2) <= 2**n <= wait for n, wait in enumerate(waits)] == [True] * 4, waits
    for _ in range(20):
        last = throttle.empty(METER, "ads.createReport", None, None)
    assert last <= throttle.LONGEST_PENALTY * 1.25

    throttle.learn(METER, "ads.createReport", None)
    assert throttle.empty(METER, "ads.createReport", None, None) <= throttle.PENALTY_SECONDS * 1.25


@pytest.mark.django_db
def test_a_new_rate_does_not_rewrite_what_has_flowed_in_already() -> None:
    for _ in range(15):
        throttle.take(ASKED, "createReport")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE amazon_bucket SET filled_at = filled_at - interval '60 seconds'")
    throttle.learn(ASKED, "createReport", "10")
    assert throttle.take(ASKED, "createReport") == 0  # one token of the old rate, not the whole burst
    assert Bucket.objects.get().tokens < 2


@pytest.mark.django_db
def test_one_profile_slowed_down_slows_no_other() -> None:
    other = Meter("NA 2", "application")
    throttle.take(METER, "ads.createReport")
    throttle.take(other, "ads.createReport")
    throttle.empty(METER, "ads.createReport", 60, None)
    assert throttle.take(METER, "ads.createReport") > 50 and throttle.take(other, "ads.createReport") == 0


@pytest.mark.django_db(transaction=True)
def test_six_workers_asking_all_the_time_are_never_refused_by_amazon(settings: Settings) -> None:
    """A hundred calls at the rate Amazon states: what it would refuse is not asked."""
    settings.SEAL_KEYS = sealing.new_key()
    tokens._held.clear()
    with start_in_thread(rate_factor=600.0) as simulator:
        settings.SP_API_ENDPOINT, settings.LWA_TOKEN_URL = simulator.url, f"{simulator.url}/auth/o2/token"
        demo = {name: str(value) for name, value in DEMO_CREDENTIALS["NA"].items()}
        scope = make_scope(make_account(region="NA"), "US")
        secrets = {name: demo[name] for name in ("client_id", "client_secret", "refresh_token")}
        sealing.store(scope.account, "sp_api", secrets)
        left = list(range(60))
        refused: list[float] = []
        held_back: list[float] = []

        def ask(_: int) -> None:
            reports = reports_for(scope, "sp")
            try:
                while left:
                    try:
                        reports.request(Request("GET_V2_SELLER_PERFORMANCE_REPORT", scope.marketplace.amazon_id))
                        left.pop()
                    except Throttled as error:
                        (refused if error.asked else held_back).append(error.retry_after)
                        time.sleep(min(error.retry_after, 0.2))
                    except IndexError:
                        return
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as workers:
            list(workers.map(ask, range(6)))

        assert not refused and held_back and simulator.state.calls["createReport"] >= 60
        assert simulator.state.calls["token"] == 1
