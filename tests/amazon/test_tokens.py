"""One access token for everybody: whoever needs it, however many, wherever they run."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon import tokens
from opsboard.amazon.credentials import Credentials
from opsboard.amazon.errors import AuthRefused, Throttled
from opsboard.amazon.models import AccessToken

from .fixtures import CREDENTIALS
from .scripted import Asked, Says, ScriptedAmazon

LWA = "/auth/o2/token"
MINE = Credentials(**CREDENTIALS)


def slowly(*given: str, status: int = 200) -> Callable[[Asked], Says]:
    """A sign-in that takes its time, so that whoever does not wait for another's asks too."""
    left = list(given)

    def answer(_: Asked) -> Says:
        time.sleep(0.3)
        if status != 200:
            return Says({"error": left[0]}, status)
        return Says({"access_token": left.pop(0) if len(left) > 1 else left[0], "expires_in": 3600})

    return answer


def in_threads(count: int) -> list[str]:
    def one(_: int) -> str:
        try:
            return tokens.access_token(MINE)
        except AuthRefused as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def _process(queue: multiprocessing.Queue[list[str]]) -> None:
    connection.close()
    tokens._held.clear()
    queue.put(in_threads(2))


def in_processes(count: int) -> list[str]:
    """Two threads in each of `count` processes."""
    connection.close()
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[list[str]] = context.Queue()
    running = [context.Process(target=_process, args=(queue,)) for _ in range(count)]
    for process in running:
        process.start()
    found = [token for _ in running for token in queue.get(timeout=60)]
    for process in running:
        process.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_eight_workers_in_four_processes_sign_in_once(amazon: ScriptedAmazon) -> None:
    amazon.on("POST", LWA, slowly("T1", "T2"))
    assert in_processes(4) == ["T1"] * 8
    assert amazon.count("POST", LWA) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_threads_of_one_process_sign_in_once(amazon: ScriptedAmazon) -> None:
    amazon.on("POST", LWA, slowly("T1", "T2"))
    assert in_threads(8) == ["T1"] * 8
    assert amazon.count("POST", LWA) == 1


@pytest.mark.django_db(transaction=True)
def test_credentials_that_are_refused_are_refused_to_all_at_the_price_of_one_question(amazon: ScriptedAmazon) -> None:
    amazon.on("POST", LWA, slowly("invalid_grant", status=400))
    assert in_processes(4) == ["AuthRefused"] * 8
    assert amazon.count("POST", LWA) == 1


@pytest.mark.django_db
def test_a_refusal_is_believed_for_a_moment_and_not_for_other_credentials(amazon: ScriptedAmazon) -> None:
    amazon.on("POST", LWA, Says({"error": "invalid_grant"}, 400))
    with pytest.raises(AuthRefused, match="Authorise the application again"):
        tokens.access_token(MINE)
    amazon.sign_in("T1")
    with pytest.raises(AuthRefused, match="Authorise the application again"):
        tokens.access_token(MINE)
    assert tokens.access_token(Credentials("amzn1.client", "SECRETCLIENT", "NEW")) == "T1"

    AccessToken.objects.update(refused_until=timezone.now() - timedelta(seconds=1))
    assert tokens.access_token(MINE) == "T1"


@pytest.mark.django_db
def test_a_refused_token_is_dropped_for_all_and_a_newer_one_is_not(amazon: ScriptedAmazon) -> None:
    amazon.sign_in("T1", "T2")
    assert tokens.access_token(MINE) == "T1"
    tokens.forget(MINE, "T1")
    tokens._held.clear()  # another process
    assert tokens.access_token(MINE) == "T2"
    tokens.forget(MINE, "T1")  # one that slept
    tokens._held.clear()
    assert tokens.access_token(MINE) == "T2" and amazon.count("POST", LWA) == 2


@pytest.mark.django_db
def test_the_token_is_sealed_where_it_is_kept_and_a_lost_key_only_costs_a_new_one(
    amazon: ScriptedAmazon, settings: Settings
) -> None:
    amazon.sign_in("SECRETACCESS")
    tokens.access_token(MINE)
    row = AccessToken.objects.get()
    assert b"SECRETACCESS" not in bytes(row.sealed) and "SECRET" not in f"{row.digest} {row.name} {row!r}"

    settings.SEAL_KEYS = sealing.new_key()
    tokens._held.clear()
    assert tokens.access_token(MINE) == "SECRETACCESS" and amazon.count("POST", LWA) == 2


@pytest.mark.django_db
def test_a_process_that_died_while_asking_holds_the_others_up_no_longer_than_its_lease(
    amazon: ScriptedAmazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    amazon.sign_in("T1")
    monkeypatch.setattr(tokens, "PATIENCE_SECONDS", 0.1)
    name = tokens._name(MINE)
    AccessToken.objects.create(name=name, asking_until=timezone.now() + timedelta(seconds=60))
    with pytest.raises(Throttled):  # the job is parked, no worker waits a minute
        tokens.access_token(MINE)
    AccessToken.objects.update(asking_until=timezone.now() - timedelta(seconds=1))
    assert tokens.access_token(MINE) == "T1"


@pytest.mark.django_db
def test_an_expired_token_is_renewed_before_amazon_refuses_it(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sign_in("T1", "T2")
    tokens.access_token(MINE)
    AccessToken.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    tokens._held.clear()
    assert tokens.access_token(MINE) == "T2"
