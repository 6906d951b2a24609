"""The frame: playbooks are complete, steps are asked in order and only as far as needed, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from listings.models import Listing
from opsboard.accounts.models import AccountMarketplace, User
from opsboard.alerts import mail
from opsboard.alerts.models import Episode
from opsboard.kpis import causes, diagnosis, playbook
from opsboard.kpis.models import LikelyCause
from opsboard.kpis.playbook import Case, Finding, Playbook, Result, Situation, Step
from opsboard.kpis.registry import kpis
from tests.factories import make_scope, make_seller

from .fixtures import hints
from .planted import days_before, plant

__all__ = ["hints"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hints")]


def said(result: Result, sentence: str = "so it is") -> Callable[[Case], Finding]:
    return lambda case: Finding(result, sentence)


@pytest.fixture
def scope() -> AccountMarketplace:
    return make_scope(marketplace="US")


def case_of(scope: AccountMarketplace) -> Case:
    today = scope.marketplace.today()
    return Case(scope, today - timedelta(days=30), today - timedelta(days=1))


def ids() -> set[str | None]:
    return {message.id for message in checks.run_checks() if str(message.id).startswith("kpis.")}


def test_what_is_declared_holds_together() -> None:
    assert ids() == set()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda patch: patch.delitem(playbook._playbooks, "acos"), "kpis.E020"),
        (
            lambda patch: patch.setitem(playbook._steps, "t.x", Step("t.x", "", "Do", said(Result.PASS))),
            "kpis.E021",
        ),
        (lambda patch: patch.delitem(playbook._steps, "ads.cpc"), "kpis.E022"),
        (
            lambda patch: patch.setitem(playbook._playbooks, "nothing", Playbook(("nothing",), "T", ("ads.cpc",))),
            "kpis.E023",
        ),
        (
            lambda patch: patch.setitem(playbook._situations, "t", Situation("t", "T", "ads", 7, (), lambda _: {})),
            "kpis.E025",
        ),
    ],
)
def test_what_is_missing_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], wrong: str
) -> None:
    change(monkeypatch)
    assert wrong in ids()


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ads\.cpc"):
        playbook.register_steps(Step("ads.cpc", "Q", "A", said(Result.PASS)))


def test_the_cause_is_the_first_step_that_is_off_and_later_ones_are_not_asked_for_it(scope: AccountMarketplace) -> None:
    asked: list[str] = []

    def step(key: str, result: Result) -> Step:
        def check(case: Case) -> Finding:
            asked.append(key)
            return Finding(result, f"{key}.")

        return Step(key, key, f"Mend {key}", check)

    steps = [step("a", Result.PASS), step("b", Result.UNKNOWN), step("c", Result.FAIL), step("d", Result.FAIL)]
    found = diagnosis.Diagnosis(case_of(scope), "T", steps)
    assert found.cause is not None
    assert (found.summary, found.cause.action, asked) == ("Most likely: c.", "Mend c", ["a", "b", "c"])
    assert [answer.likely for answer in found.answers] == [False, False, True, False]
    assert asked == ["a", "b", "c", "d"]


def test_where_nothing_is_off_it_is_said_how_much_could_not_be_seen(scope: AccountMarketplace) -> None:
    good, blind = Step("a", "a", "x", said(Result.PASS)), Step("b", "b", "x", said(Result.UNKNOWN))
    assert diagnosis.Diagnosis(case_of(scope), "T", [good]).summary.startswith("None of these steps is off")
    assert "1 cannot be seen" in diagnosis.Diagnosis(case_of(scope), "T", [good, blind]).summary
    assert "can be answered yet" in diagnosis.Diagnosis(case_of(scope), "T", [blind]).summary


def test_of_a_figure_that_is_fine_a_step_that_is_off_stands_out_and_is_no_cause(scope: AccountMarketplace) -> None:
    step = Step("a", "a", "x", said(Result.FAIL))
    fine = diagnosis.Diagnosis(case_of(scope), "T", [step], broken=False)
    assert fine.summary == "What stands out: so it is"


def test_a_step_that_breaks_is_unknown_and_takes_nothing_with_it(scope: AccountMarketplace) -> None:
    def broken(case: Case) -> Finding:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        raise AssertionError

    steps = [Step("a", "a", "x", broken), Step("b", "b", "x", said(Result.FAIL))]
    first, second = diagnosis.Diagnosis(case_of(scope), "T", steps).answers
    assert first.finding.result is Result.UNKNOWN and second.likely
    assert User.objects.count() == 0  # the connection still answers


@pytest.mark.parametrize("key", sorted(playbook.playbooks()))
def test_an_empty_shop_gets_honest_unknowns_a_few_reads_and_no_write(key: str, scope: AccountMarketplace) -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        found = diagnosis.now(kpis()[key], scope)
        assert found is not None
        answers = found.answers
    verbs = {query["sql"].split()[0].upper() for query in seen.captured_queries}
    assert verbs <= {"SELECT", "WITH", "SAVEPOINT", "RELEASE"}
    reads = sum(query["sql"].split()[0].upper() in {"SELECT", "WITH"} for query in seen.captured_queries)
    assert reads <= 3 * len(answers) + 4
    assert all(answer.finding.result is Result.UNKNOWN for answer in answers), [a.finding for a in answers]
    assert all("could not be worked out" not in answer.finding.sentence for answer in answers)
    assert found.cause is None


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_step_asks_and_advises_in_both_languages(language: str) -> None:
    with translation.override(language):
        for step in playbook.steps().values():
            assert str(step.question) and str(step.action)


# --- what is remembered for Today and the mails --------------------------------------------------


def breach(scope: AccountMarketplace, spend: int = 50_00) -> None:
    from opsboard.alerts.tasks import judge_scope

    days = days_before(scope.marketplace.today() - timedelta(days=8), 30)
    plant(scope, "ads.spend", days, spend)
    plant(scope, "ads.sales", days, 100_00)
    judge_scope(scope.account_id, scope.marketplace_id)


@pytest.fixture
def blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("t.blame", "Q", "Lower the bids of it", said(Result.FAIL, "SP-Auto pays twice a click."))
    monkeypatch.setitem(playbook._steps, "t.blame", step)
    monkeypatch.setitem(playbook._playbooks, "acos", Playbook(("acos",), "Why", ("t.blame",)))


@pytest.mark.usefixtures("blamed")
def test_the_cause_is_on_today_in_the_mail_and_on_the_episode_and_goes_with_the_breach() -> None:
    user, (scope,) = make_seller()
    breach(scope)
    episode = Episode.objects.get()
    story = mail.story(episode)
    assert (story.cause, story.next_step) == ("Most likely: SP-Auto pays twice a click.", "Lower the bids of it")
    client = Client()
    client.force_login(user)
    for page in ("/", f"/alerts/{episode.pk}/"):
        text = client.get(page).content.decode()
        assert "Most likely: SP-Auto pays twice a click." in text and "Lower the bids of it" in text, page
    member = user.memberships.get()
    letter = mail.compose([episode], member)
    assert "Most likely: SP-Auto pays twice a click." in letter.text and "SP-Auto pays twice a click." in letter.html
    assert "Do first: Lower the bids of it" in letter.text

    breach(scope, 10_00)
    assert not LikelyCause.objects.exists()


@pytest.mark.usefixtures("blamed")
def test_causes_are_remembered_in_each_language_and_read_in_the_readers() -> None:
    _user, (scope,) = make_seller()
    breach(scope)
    assert set(LikelyCause.objects.values_list("language", flat=True)) == {"en", "zh-hans"}
    pair = (scope.account_id, scope.marketplace_id)
    with translation.override("zh-hans"):
        assert causes.known([pair])[(*pair, "acos")].language == "zh-hans"
    assert causes.known([(scope.account_id, scope.marketplace_id + 1)]) == {}


def test_a_tile_leads_to_the_diagnosis_of_a_figure_that_is_fine() -> None:
    user, (scope,) = make_seller()
    breach(scope, 10_00)
    client = Client()
    client.force_login(user)
    assert f"/diagnosis/acos/?scope={scope.pk}" in client.get(f"/ads/?scope={scope.pk}").content.decode()
    page = client.get(f"/diagnosis/acos/?scope={scope.pk}")
    assert page.status_code == 200 and "Did clicks get dearer" in page.content.decode()
    assert client.get("/diagnosis/no_such/").status_code == 404
    assert client.get("/diagnosis/run/no-such/").status_code == 404
    stranger, _scopes = make_seller()
    client.force_login(stranger)
    assert client.get(f"/diagnosis/acos/?scope={scope.pk}").status_code == 404


# --- a new shop ---------------------------------------------------------------------------------


def open_shop(scope: AccountMarketplace, units: int, *, days: int = 20, title: str = "Bamboo board") -> None:
    plant(scope, "listings.units", days_before(scope.marketplace.today() - timedelta(days=2), days), units)
    Listing.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        sku="S-1",
        asin="B000000001",
        title=title,
        status="Active",
        document_id=1,
        line=2,
    )


def test_a_new_shop_without_orders_is_spotted_and_shown_on_today_and_listings() -> None:
    user, (scope,) = make_seller()
    open_shop(scope, 0)
    client = Client()
    client.force_login(user)
    for address in ("/", f"/listings/?scope={scope.pk}"):
        text = client.get(address).content.decode()
        assert "New shop, no orders yet" in text and f"/diagnosis/run/new-shop/?scope={scope.pk}" in text
    page = client.get(f"/diagnosis/run/new-shop/?scope={scope.pk}").content.decode()
    at = [page.index(words) for words in ("Search terms:", "Is the main image there?", "Ad placement:", "Buy Box: is")]
    assert at == sorted(at)
    assert "1 active listing and no unit ordered on 20 days" in page


@pytest.mark.parametrize(("units", "days"), [(1, 20), (0, 5)])
def test_a_shop_that_sells_or_that_nobody_can_judge_yet_is_not(units: int, days: int) -> None:
    _user, (scope,) = make_seller()
    open_shop(scope, units, days=days)
    assert diagnosis.spotted([scope]) == []


def test_terms_that_no_title_holds_are_the_first_thing_a_new_shop_is_told(scope: AccountMarketplace) -> None:
    from ads.models import SearchTerm, SearchTermDay
    from opsboard.feeds import partitions
    from opsboard.feeds.models import Coverage
    from tests.e2e.shop import _document

    open_shop(scope, 0)
    first = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    document, today = _document(scope, "sp_search_terms"), scope.marketplace.today()
    partitions.ensure(SearchTermDay, today - timedelta(days=3), today)
    for n, text in enumerate(("bamboo board", "wooden tray", "board bamboo", "cheese knife"), start=1):
        SearchTerm.objects.create(**first, term_id=n, text=text)
        SearchTermDay.objects.create(
            **first,
            date=today - timedelta(days=3),
            ad_group_id=1,
            target_id=1,
            term_id=n,
            campaign_id=1,
            clicks=n,
            document_id=document.pk,
            line=n,
        )
    for day in days_before(today - timedelta(days=1), 30):
        Coverage.objects.create(
            **first,
            dataset="sp_search_terms",
            date=day,
            document=document,
            source_created_at=document.source_created_at,
            rows=4,
        )
    found = diagnosis.of_situation(playbook.situations()["new-shop"], scope)
    assert found.cause is not None
    assert found.cause.finding.sentence.startswith("2 of 4 terms") and "cheese knife" in found.cause.finding.sentence
    assert found.cause.finding.evidence is not None
    assert {row.label for row in found.cause.finding.evidence.rows} == {"wooden tray", "cheese knife"}


def test_one_accounts_figures_answer_for_no_other(scope: AccountMarketplace) -> None:
    other = make_scope(marketplace="US")
    span = days_before(scope.marketplace.today() - timedelta(days=1), 70)
    plant(other, "listings.units", span, 5)
    assert case_of(other).sums("listings.units") is not None
    assert case_of(scope).sums("listings.units") is None
