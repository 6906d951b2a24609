"""What Today says: what is over the line, the tiles worst first, what changed, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts import words as alert_words
from opsboard.alerts.models import Episode, is_shared
from opsboard.feeds import freshness, registry
from opsboard.kpis import cards, causes, figures, worth
from opsboard.kpis.daily import measures_by_day
from opsboard.kpis.models import Verdict
from opsboard.kpis.registry import Kpi, kpis
from opsboard.ui import formats, joins
from opsboard.ui.filters import PageState

MOST_TILES = 8
_RANK = {"breach": 0, "warn": 1, "provisional": 2, "unknown": 3, "ok": 4, "no_limit": 5}
#: What the comparison of marketplaces shows, in this order.
SIDE_BY_SIDE = ("ordered_sales", "acos", "tacos", "unit_session", "buy_box", "days_of_supply", "odr_mfn", "ipi")

Verdicts = Mapping[tuple[int, int, str], Verdict]
#: Whether the person may acknowledge alerts of a scope.
Acknowledger = Callable[[AccountMarketplace], bool]


@dataclass(frozen=True, slots=True)
class BreachRow:
    """A limit that is broken: what, where, since, by how much, and the first thing to do."""

    episode: Episode
    scope: AccountMarketplace
    what: str
    headroom: str
    since: str
    next_step: str
    url: str
    evidence_url: str
    new: bool
    may_acknowledge: bool
    #: Over how many days after a click the sales behind it are counted; "" where it has none.
    counted: str = ""
    #: What it most likely comes from, in one sentence; "" where no step is off.
    cause: str = ""


def breaches(
    scopes: Sequence[AccountMarketplace], state: PageState, verdicts: Verdicts, acknowledger: Acknowledger
) -> list[BreachRow]:
    """Unresolved episodes of these scopes, the farthest over its limit first."""
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    yesterday = timezone.now() - timedelta(days=1)
    found: list[tuple[tuple[bool, Decimal], BreachRow]] = []
    likely = causes.known(by_pair)
    running = Episode.objects.filter(account_id__in={account for account, _m in by_pair}, resolved_at__isnull=True)
    episodes = running.select_related("account", "marketplace")
    for episode in episodes:
        scope, kpi = by_pair.get((episode.account_id, episode.marketplace_id)), kpis().get(episode.kpi)
        if scope is None or kpi is None:
            continue
        pair = (episode.account_id, episode.marketplace_id)
        verdict = verdicts.get((*pair, episode.kpi)) if not episode.snapshot else None  # else of each SKU or campaign
        value = verdict.value if verdict and verdict.value is not None else episode.value
        if verdict is not None and is_shared(episode) and value is not None:
            episode.value = value  # what is judged now, not what was when the episode was last looked at
        limit = alert_words.limit_of(episode)
        severity = abs(value - limit) / abs(limit) if value is not None and limit else Decimal(0)
        cause = likely.get((*pair, episode.kpi)) if is_shared(episode) else None
        row = BreachRow(
            episode=episode,
            scope=scope,
            what=alert_words.what(episode, kpi),
            headroom=_headroom(episode, verdict, kpi, scope),
            since=formats.day(episode.since or episode.opened_at.date()),
            next_step=(cause.action if cause else "") or str(kpi.next_step),
            url=_episode_url(episode),
            evidence_url=_kpi_url(kpi.domain, kpi.key, scope, state),
            new=episode.opened_at >= yesterday,
            may_acknowledge=episode.state == Episode.State.OPEN and acknowledger(scope),
            counted=cards.counted(episode.kpi, episode.account_id, episode.marketplace_id, verdict or episode),
            cause=causes.words(cause),
        )
        found.append(((episode.state != Episode.State.OPEN, -severity), row))
    return [row for _rank, row in sorted(found, key=lambda pair: pair[0])]


def _headroom(episode: Episode, verdict: Verdict | None, kpi: Kpi, scope: AccountMarketplace) -> str:
    if not is_shared(episode):
        return alert_words.headroom(episode, kpi)
    return figures.headroom(verdict, kpi, scope.marketplace) if verdict else ""


def _episode_url(episode: Episode) -> str:
    try:
        return reverse("alerts:episode", args=[episode.pk])
    except NoReverseMatch:
        return ""


def _kpi_url(domain: str, key: str, scope: AccountMarketplace, state: PageState) -> str:
    try:
        return reverse(f"{domain}:index") + state.carried(scope, chart=key) + "#trend"
    except NoReverseMatch:
        return ""


def finding(rows: Sequence[BreachRow], judged: bool) -> str:
    """The page's title: "3 limits breached, 2 new since yesterday"."""
    if not judged:
        return _("No figures yet")
    if not rows:
        return _("Every limit is kept")
    text = ngettext("%(n)s limit breached", "%(n)s limits breached", len(rows)) % {"n": len(rows)}
    new = sum(row.new for row in rows)
    if new:
        text += joins.comma() + ngettext("%(n)s new since yesterday", "%(n)s new since yesterday", new) % {"n": new}
    return text


def worst_tiles(scopes: Sequence[AccountMarketplace], state: PageState, verdicts: Verdicts) -> list[cards.Card]:
    """Six to eight tiles, worst first; ties as scopes and declarations come, so the same state looks the same."""
    order = {key: at for at, key in enumerate(kpis())}
    ranked: list[tuple[tuple[int, Decimal, int, int], AccountMarketplace, str]] = []
    for at, scope in enumerate(scopes):
        for key in order:
            verdict = verdicts.get((scope.account_id, scope.marketplace_id, key))
            status = verdict.status if verdict else "unknown"
            if verdict is None or (status in {"unknown", "no_limit"} and key != "ordered_sales"):
                continue
            ranked.append(((_RANK.get(status, 5), -_severity(verdict), at, order[key]), scope, key))
    worst: dict[str, AccountMarketplace] = {}  # a KPI once, where it stands worst; the table below has the rest
    for _rank, scope, key in sorted(ranked, key=lambda item: item[0]):
        worst.setdefault(key, scope)
    picked = [(scope, key) for key, scope in list(worst.items())[:MOST_TILES]]
    drawn: dict[tuple[int, str], cards.Card] = {}
    for scope in scopes:
        keys = [key for one, key in picked if one.pk == scope.pk]
        if keys:
            drawn |= {(scope.pk, card.key): card for card in cards.cards(keys, scope, state, elsewhere=True)}
    return [drawn[(scope.pk, key)] for scope, key in picked if (scope.pk, key) in drawn]


def _severity(verdict: Verdict) -> Decimal:
    """How far over its limit, as a share of the limit; 0 within it."""
    value = verdict.value
    if value is None:
        return Decimal(0)
    over = [
        Decimal(value - verdict.high) / abs(verdict.high) if verdict.high else Decimal(0),
        Decimal(verdict.low - value) / abs(verdict.low) if verdict.low else Decimal(0),
    ]
    return max(Decimal(0), *over)


@dataclass(frozen=True, slots=True)
class SideCell:
    value: str
    change: str
    tone: str
    status: str
    #: Over how many days after a click its sales are counted, where it is not the usual 7.
    counted: str = ""


@dataclass(frozen=True, slots=True)
class SideRow:
    scope: AccountMarketplace
    url: str
    cells: tuple[SideCell, ...]


def side_by_side(scopes: Sequence[AccountMarketplace], state: PageState, verdicts: Verdicts) -> list[SideRow]:
    """Marketplaces beside each other, each in its own currency and its own days; nothing is added up across them."""
    keys = [key for key in SIDE_BY_SIDE if key in kpis()]
    needed = sorted({name for key in keys for name in (kpis()[key].numerator, kpis()[key].denominator) if name})
    found = []
    for scope in scopes:
        days, before = state.days(scope), state.compared(scope)
        table = measures_by_day(
            scope,
            needed,
            (days.first, state.snapshot_days(scope).last),
            (before.first, before.last) if before else None,
        )
        row = []
        for key in keys:
            kpi = kpis()[key]
            days = worth.days_for(key, scope, state)
            now = worth.value_over(key, table, days)
            change, tone = figures.change_of(
                *worth.compared_over(key, table, days, before), kpi.unit, kpi.direction, scope.marketplace
            )
            verdict = verdicts.get((scope.account_id, scope.marketplace_id, key))
            row.append(
                SideCell(
                    figures.in_words(now, kpi.unit, scope.marketplace, whole=True),
                    change,
                    tone,
                    verdict.status if verdict and verdict.status in {"breach", "warn"} else "",
                    cards.counted(key, scope.account_id, scope.marketplace_id, days, before, brief=True),
                )
            )
        found.append(SideRow(scope, state.query(scope=scope.pk), tuple(row)))
    return found


def side_headers() -> list[str]:
    return [str(kpis()[key].label) for key in SIDE_BY_SIDE if key in kpis()]


@dataclass(frozen=True, slots=True)
class Gap:
    """Days of a dataset inside the page's period that no document covers."""

    scope: AccountMarketplace
    label: str
    days: int
    last: str


def gaps(scopes: Sequence[AccountMarketplace], state: PageState) -> list[Gap]:
    """Where figures of the period are missing; the newest days within Amazon's lag are not counted."""
    wanted = ("sales_by_date", "sp_campaigns")
    found = []
    for scope in scopes:
        days = state.days(scope)
        for key in wanted:
            dataset = registry.datasets().get(key)
            if dataset is None:
                continue
            end = min(days.last, scope.marketplace.today() - timedelta(days=dataset.lag_days + 1))
            if end < days.first:
                continue
            covered = freshness.covered_days(scope, key, days.first, end)
            missing = [day for day in days if day <= end and day not in covered]
            if missing:
                found.append(Gap(scope, str(dataset.label), len(missing), formats.day(max(missing))))
    return found
