"""The inbox: who sees what, who acts, and what a limit set by a person does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from opsboard.accounts.models import Role, User
from opsboard.alerts.models import Episode
from opsboard.kpis.models import ManualValue, ThresholdOverride, Verdict
from tests.factories import make_scope, make_seller
from tests.kpis.shop import back, quiet

from .test_breach_to_mail import House, house, no_broker

__all__ = ["house", "no_broker", "quiet"]
WHAT = "ACoS 50.0\u202f% against 25.0\u202f%"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_inbox_shows_what_runs_and_filters_what_is_over(house: House) -> None:
    house.breach()
    client = browser(house.user)
    page = client.get("/alerts/").content.decode()
    assert WHAT in page
    assert WHAT not in client.get("/alerts/?show=resolved").content.decode()
    house.ads(10_00)
    house.judge()
    assert WHAT not in client.get("/alerts/").content.decode()
    assert "against" in client.get("/alerts/?show=resolved").content.decode()


def test_an_episode_tells_its_figures_its_journal_and_its_mails(house: House) -> None:
    house.breach()
    page = browser(house.user).get(f"/alerts/{Episode.objects.get().pk}/").content.decode()
    for words in (WHAT, "Opened", house.user.email, "Waiting", "handbook", "Every limit in force"):
        assert words in page, words


def test_strangers_find_neither_the_inbox_row_nor_the_episode(house: House) -> None:
    house.breach()
    stranger, _scopes = make_seller()
    client = browser(stranger)
    pk = Episode.objects.get().pk
    assert WHAT not in client.get("/alerts/").content.decode()
    assert client.get(f"/alerts/{pk}/").status_code == 404
    assert client.post(f"/alerts/{pk}/acknowledge/").status_code == 404
    assert Episode.objects.get().state == Episode.State.OPEN
    assert Client().get(f"/alerts/{pk}/").status_code == 302


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 302), (Role.OWNER, 302)])
def test_operators_acknowledge_and_viewers_look_on(house: House, role: Role, status: int) -> None:
    house.breach()
    user = house.person(role)
    pk = Episode.objects.get().pk
    page = browser(user).get(f"/alerts/{pk}/").content.decode()
    assert (f"/alerts/{pk}/acknowledge/" in page) is (status == 302)
    assert browser(user).get(f"/alerts/{pk}/acknowledge/").status_code == 405
    assert browser(user).post(f"/alerts/{pk}/acknowledge/").status_code == status
    episode = Episode.objects.get()
    assert (episode.state, episode.acknowledged_by) == (("acknowledged", user) if status == 302 else ("open", None))


def test_an_acknowledged_episode_stays_acknowledged_while_it_is_judged(house: House) -> None:
    house.breach()
    pk = Episode.objects.get().pk
    client = browser(house.user)
    client.post(f"/alerts/{pk}/acknowledge/")
    assert client.post(f"/alerts/{pk}/acknowledge/").status_code == 302
    house.ads(60_00)
    house.judge()
    episode = Episode.objects.get()
    assert (episode.state, episode.events.count(), episode.value) == ("acknowledged", 2, Decimal("0.6"))


def test_acknowledging_never_leads_to_another_site(house: House) -> None:
    house.breach()
    pk = Episode.objects.get().pk
    answer = browser(house.user).post(f"/alerts/{pk}/acknowledge/", {"next": "https://evil.example.com/"})
    assert answer["Location"] == f"/alerts/{pk}/"


def test_a_limit_typed_in_percent_is_kept_as_a_fraction_and_ends_the_episode(house: House) -> None:
    house.breach()
    path = f"/settings/thresholds/{house.scope.account_id}/acos/"
    fields = {"high": "55.5", "valid_from": house.today.isoformat(), "note": "launch"}
    assert browser(house.person(Role.OPERATOR)).post(path, fields).status_code == 403
    assert not ThresholdOverride.objects.exists()
    assert browser(house.person(Role.MANAGER)).post(path, fields).status_code == 302
    assert ThresholdOverride.objects.get().high == Decimal("0.555")
    house.judge()
    assert Episode.objects.get().state == Episode.State.RESOLVED
    assert "55.5" in browser(house.user).get("/settings/thresholds/").content.decode()


def test_a_limit_of_money_is_typed_in_the_currency_and_judged_in_it(house: House) -> None:
    days = back(37, 4, house.today)
    house.shop.plant("ads.spend", dict.fromkeys(days, 90))
    house.shop.plant("ads.clicks", dict.fromkeys(days, 1))
    path = f"/settings/thresholds/{house.scope.account_id}/cpc/"
    client = browser(house.user)
    assert client.post(path, {"high": "1.50", "valid_from": house.today.isoformat()}).status_code == 302
    assert ThresholdOverride.objects.get().high == 150
    house.judge()
    assert Verdict.objects.get(kpi="cpc").status == "ok"
    assert "$1.50" in client.get(path).content.decode()
    assert client.post(path, {"high": "0.80", "valid_from": house.today.isoformat()}).status_code == 302
    house.judge()
    assert Verdict.objects.get(kpi="cpc").status == "breach"


def test_a_limit_of_money_for_two_currencies_must_say_which(house: House) -> None:
    yen = make_scope(house.scope.account, "JP")
    path = f"/settings/thresholds/{house.scope.account_id}/cpc/"
    client = browser(house.user)
    fields = {"high": "150", "valid_from": house.today.isoformat()}
    assert client.post(path, fields).status_code == 200
    assert not ThresholdOverride.objects.exists()
    assert client.post(path, fields | {"marketplace": yen.marketplace_id}).status_code == 302
    assert ThresholdOverride.objects.get().high == 150
    assert (
        client.post(path, fields | {"high": "99999999", "marketplace": house.scope.marketplace_id}).status_code == 200
    )


def test_a_typed_in_score_under_400_is_a_breach_with_its_mail(house: House) -> None:
    client = browser(house.person(Role.OPERATOR))
    fields = {"scope": house.scope.pk, "date": house.today.isoformat(), "value": "380"}
    assert client.post("/settings/ipi/", fields).status_code == 302
    assert ManualValue.objects.get().value == 380
    assert house.judge() == 1
    assert Episode.objects.get().kpi == "ipi"
    assert client.get(f"/alerts/{Episode.objects.get().pk}/").status_code == 200
    assert client.post("/settings/ipi/", fields | {"value": "410"}).status_code == 302
    house.judge()
    assert Episode.objects.get().state == Episode.State.RESOLVED
