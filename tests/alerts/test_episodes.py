"""A breach is one alert, told once to each who asked, until it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership, Role
from opsboard.alerts import actions, episodes
from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds.models import DirtyDay
from opsboard.kpis import registry
from opsboard.kpis.models import AccountDay, ThresholdOverride, Verdict
from tests.factories import make_account, make_org, make_scope, make_seller, make_user
from tests.kpis.planted import ACOS, days_before, plant_acos

pytestmark = pytest.mark.django_db
Acos = Callable[[AccountMarketplace, int], int]


def journal(episode: Episode) -> list[tuple[str, str, str]]:
    return list(episode.events.values_list("old", "new", "reason"))


def test_a_breach_opens_one_episode_and_judging_again_none(acos: Acos) -> None:
    user, (scope,) = make_seller(("US",))

    opened = [acos(scope, 40), acos(scope, 40), judge_scope(scope.account_id, scope.marketplace_id)]

    assert opened == [1, 0, 0]
    episode = Episode.objects.get()
    assert (episode.state, episode.value, episode.high, episode.kpi) == (
        "open",
        Decimal("0.4"),
        Decimal("0.25"),
        "t_acos",
    )
    assert journal(episode) == [("", "open", "breach")]
    assert OutboxMessage.objects.get().recipient == user


def test_it_mails_every_active_member_from_operator_up_who_wants_it(acos: Acos) -> None:
    organisation = make_org()
    scope = make_scope(make_account(organisation), "US")
    owner, operator = make_user(organisation, Role.OWNER), make_user(organisation, Role.OPERATOR)
    make_user(organisation, Role.VIEWER)
    make_user(organisation, Role.OWNER, is_active=False)
    quiet = make_user(organisation, Role.OWNER)
    Membership.objects.filter(user=quiet).update(mail_alerts=False)
    make_seller(("US",))  # another tenant

    acos(scope, 40)

    assert set(OutboxMessage.objects.values_list("recipient", flat=True)) == {owner.pk, operator.pk}


def test_worse_while_open_is_noted_and_not_mailed_again(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))

    for percent in (40, 60, 30):
        acos(scope, percent)

    episode = Episode.objects.get()
    assert (episode.value, episode.worst) == (Decimal("0.3"), Decimal("0.6"))
    assert OutboxMessage.objects.count() == 1


def test_recovery_closes_without_a_mail(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)

    acos(scope, 20)

    episode = Episode.objects.get()
    assert episode.state == "resolved" and episode.resolved_at
    assert journal(episode)[-1] == ("open", "resolved", "recovered")
    assert OutboxMessage.objects.count() == 1


def test_missing_data_neither_open_nor_close(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    AccountDay.objects.all().delete()

    judge_scope(scope.account_id, scope.marketplace_id)

    assert Verdict.objects.get(kpi="t_acos").status == "unknown"
    assert Episode.objects.get().state == "open"


def test_immature_days_alert_nobody(declared: None, hints: object) -> None:
    _user, (scope,) = make_seller(("US",))
    plant_acos(scope, 95, 100, today=scope.marketplace.today(), count=7)

    judge_scope(scope.account_id, scope.marketplace_id)

    assert Verdict.objects.get(kpi="t_acos").status == "provisional"
    assert not Episode.objects.exists() and not OutboxMessage.objects.exists()


def test_a_figure_that_wavers_around_its_limit_is_one_alert_and_one_mail(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))

    for percent in (26, 24, 26, 24, 26, 24, 26):
        acos(scope, percent)

    episode = Episode.objects.get()
    assert episode.state == "open"
    assert [reason for _old, _new, reason in journal(episode)] == ["breach", *["recovered", "again"] * 3]
    assert OutboxMessage.objects.count() == 1


def test_a_breach_a_week_after_the_last_is_a_new_one(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    acos(scope, 20)
    Episode.objects.update(resolved_at=timezone.now() - timedelta(days=7))

    assert acos(scope, 40) == 1
    assert OutboxMessage.objects.count() == 2


def test_a_limit_changed_by_a_person_is_followed(acos: Acos) -> None:
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    ThresholdOverride.objects.create(
        account=scope.account, kpi="t_acos", high=Decimal("0.5"), valid_from=scope.marketplace.today()
    )

    judge_scope(scope.account_id, scope.marketplace_id)

    assert journal(Episode.objects.get())[-1] == ("open", "resolved", "limit")


def test_many_breaches_at_once_are_one_mail_a_person(
    declared: None, hints: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation = make_org()
    scope = make_scope(make_account(organisation), "US")
    for _ in range(2):
        make_user(organisation)
    many = {f"t_acos{n}": replace(ACOS, key=f"t_acos{n}", label=f"ACoS {n}") for n in range(7)}
    monkeypatch.setattr(registry, "_kpis", many)
    plant_acos(scope, 40, 100, today=scope.marketplace.today())

    assert judge_scope(scope.account_id, scope.marketplace_id) == 7

    first, second = OutboxMessage.objects.order_by("id")
    assert first.subject == "7 limits breached, first: ACoS 0 40.0 % over 25.0 %"
    assert first.episodes.count() == second.episodes.count() == 7
    assert first.message_id != second.message_id


def test_acknowledging_and_taking_it_back_are_journalled(acos: Acos) -> None:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    episode = Episode.objects.get()

    assert actions.acknowledge(episode.pk, user) and not actions.acknowledge(episode.pk, user)
    episode.refresh_from_db()
    assert (episode.state, episode.acknowledged_by) == ("acknowledged", user)
    assert actions.reopen(episode.pk, user) and not actions.reopen(episode.pk, user)

    episode.refresh_from_db()
    assert (episode.state, episode.acknowledged_by) == ("open", None)
    assert [event.by for event in episode.events.all()] == [None, user, user]


def test_an_acknowledged_breach_still_ends_by_itself(acos: Acos) -> None:
    user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    actions.acknowledge(Episode.objects.get().pk, user)

    acos(scope, 20)

    assert Episode.objects.get().state == "resolved"


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_open_one_episode_and_write_one_mail_each(declared: None, hints: object) -> None:
    _user, (scope,) = make_seller(("US",))
    make_user(scope.account.organisation)
    plant_acos(scope, 40, 100, today=scope.marketplace.today())
    keys = {"account": scope.account, "marketplace": scope.marketplace, "dataset": "sp_campaigns"}
    DirtyDay.objects.bulk_create(DirtyDay(**keys, date=day) for day in days_before(scope.marketplace.today(), 5))
    AccountDay.objects.filter(measure__startswith="ads.").delete()
    start, opened, failures = threading.Barrier(4), [], []

    def work() -> None:
        try:
            start.wait()
            opened.append(judge_scope(scope.account_id, scope.marketplace_id))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failures == []
    assert sorted(opened) == [0, 0, 0, 1]
    assert Episode.objects.count() == 1
    assert OutboxMessage.objects.count() == 2
    assert not DirtyDay.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_judge_that_dies_leaves_neither_half(
    declared: None, hints: list[tuple[str, tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _user, (scope,) = make_seller(("US",))
    plant_acos(scope, 40, 100, today=scope.marketplace.today())

    def dies(*_arguments: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(episodes, "_tell", dies)
        with pytest.raises(RuntimeError):
            judge_scope(scope.account_id, scope.marketplace_id)
    assert not Verdict.objects.exists() and not Episode.objects.exists()

    assert judge_scope(scope.account_id, scope.marketplace_id) == 1
    assert OutboxMessage.objects.count() == 1
    assert [task for task, _arguments in hints] == ["opsboard.alerts.deliver"]
