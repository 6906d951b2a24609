"""Every story planted in the made-up seller opens its episode, and the diagnosis names what was planted.

What is expected is taken from the simulator's truth; the facts come in through the pipeline as documents.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.utils import translation
from pytest_django.fixtures import Settings

from ads.models import Campaign
from opsboard.alerts.models import Episode, RuleEntity
from opsboard.kpis.decomposition import product
from opsboard.kpis.diagnosis import Answer, Diagnosis
from opsboard.kpis.playbook import Result
from opsboard.simulator import stories
from opsboard.simulator.business import campaigns
from opsboard.simulator.stories import STORIES
from opsboard.ui import formats

from .fixtures import hints
from .served import Served

__all__ = ["hints"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hints")]


@pytest.fixture(autouse=True)
def kept(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False


def cause(found: Diagnosis) -> Answer:
    assert found.cause is not None, [(a.question, a.finding.result, a.finding.sentence) for a in found]
    return found.cause


def step(found: Diagnosis, question: str) -> Answer:
    return next(answer for answer in found if question in answer.question)


def names_about(day: date, sentence: str) -> bool:
    """Whether a sentence says "since" the day, give or take two: figures waver."""
    return any(f"since {formats.day(day + timedelta(days=n))}" in sentence for n in range(-2, 3))


def test_acos_ran_away_because_the_bids_of_one_campaign_were_raised() -> None:
    shop = Served(STORIES["acos_runaway"].account).ads(75).sales(75).stock()
    episodes = shop.judge()
    found = shop.diagnose("acos")
    runaway = campaigns(1, "NA")[stories.RUNAWAY_CAMPAIGN]

    assert episodes["acos"].resolved_at is None
    first = cause(found)
    assert "bids" in first.question and runaway.name in first.finding.sentence
    assert names_about(shop.told_on("acos_runaway"), first.finding.sentence)
    assert first.finding.evidence is not None
    top = first.finding.evidence.rows[0]
    assert top.label == runaway.name and f"/ads/campaign/{runaway.id}/" in top.url
    # What was planted beside it: terms of this campaign that never order.
    wasted = step(found, "search terms cost more")
    assert wasted.finding.result is Result.FAIL and wasted.finding.evidence is not None
    planted = {t.text for t in runaway.terms if t.match_type.endswith("PREDEFINED") and t.weight > 0.25}
    assert {row.label for row in wasted.finding.evidence.rows} & planted
    assert step(found, "Buy Box").finding.result is Result.PASS
    # What moved it: the factors give the judged figure, and their parts its change.
    signs = [part.factor.sign for part in found.parts]
    now, before = (product([getattr(part, side) for part in found.parts], signs) for side in ("now", "before"))
    assert round(now, 6) == episodes["acos"].value
    assert round(sum(part.moved for part in found.parts), 20) == round(now - before, 20)


def test_clicks_fell_for_the_main_image_in_every_campaign_and_not_for_the_price() -> None:
    shop = Served(STORIES["ctr_fall"].account).ads(75, "sp_campaigns").sales(70).listings().suppressed()
    episodes = shop.judge()
    found = shop.diagnose("ctr")

    assert "ctr" in episodes
    first = cause(found)
    assert "main image" in first.question and "main image" in first.finding.sentence
    case, missed = found.case, dict.fromkeys((c.name for c in campaigns(1, "FE")), 0.0)
    for offset in range((case.last - case.first).days + 1):
        for term in shop.truth.terms("FE", case.first + timedelta(days=offset)):
            missed[term.campaign.name] += term.clicks / 0.58 - term.clicks
    # Which of two alike stands first is chance: the named one misses about as many as the worst.
    assert any(name in first.finding.sentence for name, lost in missed.items() if lost > 0.9 * max(missed.values()))
    assert first.finding.evidence is not None and len(first.finding.evidence.rows) == len(missed)
    assert step(found, "raise our own price").finding.result is Result.PASS
    assert "how good" in step(found, "main image there").finding.sentence.lower()


def test_the_buy_box_went_to_other_offers_at_own_prices_that_stood() -> None:
    shop = Served(STORIES["price_war"].account).sales(75).stock().suppressed().health(*range(40, -1, -4))
    episodes = shop.judge()
    found = shop.diagnose("buy_box")
    skus = shop.truth.skus("EU")
    fought = {skus[index].asin for index in stories.PRICE_WAR_SKUS}

    assert "buy_box" in episodes and "odr_mfn" in episodes
    first = cause(found)
    assert "other sellers" in first.question.lower()
    assert found.case.suspects == fought
    assert first.finding.evidence is not None
    assert {row.label.split()[0] for row in first.finding.evidence.rows} <= fought
    assert f"{len(fought)} products" in first.finding.sentence and "No report here names" in first.finding.sentence
    assert names_about(shop.told_on("price_war"), first.finding.sentence)
    # The defects are over the limit too, but began weeks later: they did not start it.
    health = step(found, "account health")
    assert health.finding.result is Result.PASS and "did not begin this" in health.finding.sentence


def test_without_older_health_reports_nobody_claims_to_know_since_when() -> None:
    shop = Served("EU").sales(75).stock().suppressed().health()
    shop.judge()
    health = step(shop.diagnose("buy_box"), "account health")
    assert health.finding.result is Result.UNKNOWN and "oldest report" in health.finding.sentence


def test_old_stock_slows_the_turnover_and_is_named() -> None:
    shop = Served(STORIES["aged_stock"].account).stock(*range(8, -1, -1))
    episodes = shop.judge()
    found = shop.diagnose("turnover")
    aged = {shop.truth.skus("FE")[index].sku for index in stories.AGED_SKUS if shop.truth.skus("FE")[index].fba}

    assert "turnover" in episodes
    first = cause(found)
    assert "180 days" in first.question and f"{len(aged)} SKUs" in first.finding.sentence
    assert first.finding.evidence is not None
    assert {row.label.split()[0] for row in first.finding.evidence.rows} <= aged


def test_defects_are_told_apart_into_claims_and_feedback() -> None:
    shop = Served(STORIES["odr_breach"].account).health(12, 8, 4, 0)
    episodes = shop.judge()
    found = shop.diagnose("odr_mfn")
    stated = shop.truth.health("EU", shop.today)

    assert "odr_mfn" in episodes
    first = cause(found)
    assert "claims" in first.question and f" {stated.claims_mfn} of {stated.odr_mfn.count} " in first.finding.sentence
    feedback = step(found, "Negative feedback")
    assert feedback.finding.result is Result.FAIL
    assert f" {stated.negative_mfn} of {stated.odr_mfn.count} " in feedback.finding.sentence
    assert step(found, "Which orders got negative feedback").finding.result is Result.UNKNOWN


def test_what_ran_out_and_what_runs_out_is_one_alert_though_the_stock_as_a_whole_lasts() -> None:
    shop = Served(STORIES["stock_out"].account).stock(6, 5, 0)
    episode = shop.judge()["days_of_supply"]
    found = shop.diagnose("days_of_supply")
    skus = shop.truth.skus("NA")

    assert (episode.kind, episode.snapshot, episode.count, episode.value) == ("supply", "skus", 4, 0)
    planted = {skus[index].sku for index in (stories.STOCK_OUT_SKU, *stories.LOW_SKUS)}
    assert set(RuleEntity.objects.filter(episode=episode).values_list("entity", flat=True)) == planted
    assert not Episode.objects.filter(kpi="days_of_supply", snapshot="").exists()

    first = cause(found)
    assert "out of stock" in first.question and skus[stories.STOCK_OUT_SKU].sku in first.finding.sentence
    assert formats.day(shop.today - timedelta(days=5)) in first.finding.sentence  # there last
    low = step(found, "run out").finding
    assert low.evidence is not None
    assert {skus[index].sku for index in stories.LOW_SKUS} <= {row.label.split()[0] for row in low.evidence.rows}


def test_a_stock_out_is_no_cause_of_what_was_judged_before_it() -> None:
    shop = Served(STORIES["stock_out"].account).ads(75, "sp_campaigns")
    shop.stock(0)
    shop.judge()
    sku = shop.truth.skus("NA")[stories.STOCK_OUT_SKU].sku
    blind = step(shop.diagnose("acos"), "run out of stock").finding
    assert blind.result is Result.UNKNOWN and sku in blind.sentence and "since when" in blind.sentence
    shop.stock(6, 5)
    after = step(shop.diagnose("acos"), "run out of stock").finding
    assert after.result is Result.PASS and sku in after.sentence and "after the days judged" in after.sentence


def test_hidden_listings_are_named_with_amazons_reason() -> None:
    shop = Served(STORIES["suppressed"].account).listings().suppressed()
    shop.judge()
    first = cause(shop.diagnose("suppressed"))
    hidden = {shop.truth.skus("NA")[index].sku for index in stories.SUPPRESSED_SKUS}
    assert first.finding.evidence is not None
    assert {row.label for row in first.finding.evidence.rows} == hidden
    assert all(sku in first.finding.sentence for sku in hidden)
    assert "image" in first.finding.evidence.rows[0].cells[1]


def test_late_shipments_close_to_the_limit_are_no_cause_yet() -> None:
    shop = Served(STORIES["late_shipments"].account).health()
    assert "late_shipment" not in shop.judge()
    found = shop.diagnose("late_shipment")
    late = shop.truth.health("FE", shop.today).late
    assert found.cause is None
    answer = found.answers[0]
    assert answer.finding.result is Result.PASS and f"{late.count} of {late.of}" in answer.finding.sentence
    assert "cannot be seen" in found.summary  # which orders these are


def test_a_missing_report_is_said_with_the_way_to_get_it() -> None:
    shop = Served("NA").ads(75, "sp_campaigns")
    shop.judge()
    found = shop.diagnose("acos")
    unseen = {answer.question: answer for answer in found if answer.finding.result is Result.UNKNOWN}
    assert any("Buy Box" in question for question in unseen)
    assert any("out of stock" in question for question in unseen)
    for answer in unseen.values():
        assert "is not there for" in answer.finding.sentence
        assert "/data/upload/" in answer.finding.url and answer.action


def test_with_no_days_before_nothing_is_compared() -> None:
    shop = Served("NA").ads(38, "sp_campaigns")
    shop.judge()
    found = shop.diagnose("acos")
    assert found.answers[0].finding.result is Result.UNKNOWN
    assert found.parts == []


def test_the_same_cause_is_told_in_chinese() -> None:
    shop = Served("NA").ads(75, "sp_campaigns")
    shop.judge()
    with translation.override("zh-hans"):
        found = shop.diagnose("acos")
        assert Campaign.objects.filter(name=campaigns(1, "NA")[0].name).exists()
        assert campaigns(1, "NA")[stories.RUNAWAY_CAMPAIGN].name in found.summary
