"""The bucket is shared: whatever the number of workers, Amazon's burst is not exceeded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from opsboard.amazon import throttle
from opsboard.amazon.models import Bucket
from opsboard.amazon.throttle import Meter

METER = Meter("seller", "application")


@pytest.mark.django_db(transaction=True)
def test_eight_workers_together_get_no_more_than_the_burst() -> None:
    def grab(_: int) -> list[float]:
        try:
            return [throttle.take(METER, "createReport") for _ in range(5)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        waits = [wait for waits in workers.map(grab, range(8)) for wait in waits]

    assert len(waits) == 40 and sum(wait == 0 for wait in waits) == 15


@pytest.mark.django_db
def test_tokens_flow_in_with_time_up_to_the_burst() -> None:
    for _ in range(15):
        assert throttle.take(METER, "createReport") == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE amazon_bucket SET filled_at = filled_at - interval '121 seconds'")
    assert [throttle.take(METER, "createReport") == 0 for _ in range(3)] == [True, True, False]

    with connection.cursor() as cursor:
        cursor.execute("UPDATE amazon_bucket SET filled_at = filled_at - interval '10 days'")
    assert sum(throttle.take(METER, "createReport") == 0 for _ in range(40)) == 15


@pytest.mark.django_db
def test_a_429_without_a_word_costs_the_penalty_and_one_with_a_rate_costs_a_token() -> None:
    throttle.take(METER, "ads.getReport")
    assert throttle.empty(METER, "ads.getReport", None, None) == throttle.PENALTY_SECONDS
    assert throttle.take(METER, "ads.getReport") == pytest.approx(throttle.PENALTY_SECONDS, abs=1)

    throttle.take(METER, "getReport")
    assert throttle.empty(METER, "getReport", None, "0.1") == 10
    assert throttle.take(METER, "getReport") == pytest.approx(10, abs=1)


@pytest.mark.django_db
@pytest.mark.parametrize("header", [None, "", "soon", "0", "-1", "nan", "1e99"])
def test_an_unreadable_limit_teaches_nothing(header: str | None) -> None:
    throttle.take(METER, "getReport")
    throttle.learn(METER, "getReport", header)
    assert Bucket.objects.get().rate == 2.0
