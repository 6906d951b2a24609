"""The Help page: every declared KPI with its contract and its limits in one scope, by domain."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import joins
from opsboard.ui.context import ROOMS

from . import contract, figures
from .entities import limited
from .models import Verdict
from .registry import Kpi, kpis


@dataclass(frozen=True, slots=True)
class Entry:
    """A KPI of the catalogue: its contract, and how it stands in the scope."""

    kpi: Kpi
    contract: contract.Contract
    amazon_target: bool
    status: str
    #: What its status is called where the usual word would mislead.
    word: str
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The KPIs of one domain."""

    key: str
    label: str
    entries: tuple[Entry, ...]


def shelves(scope: AccountMarketplace, search: str = "") -> list[Shelf]:
    """Every KPI whose words hold all of the searched ones, by domain, in the order of declaration."""
    found = [kpi for kpi in kpis().values() if _matches(kpi, search)]
    kept = contract.Shelf(scope, [kpi.key for kpi in found])
    verdicts = {
        verdict.kpi: verdict
        for verdict in Verdict.objects.filter(
            account=scope.account_id, marketplace=scope.marketplace_id
        ).select_related("marketplace")
    }
    by_domain: dict[str, list[Entry]] = {}
    for kpi in found:
        entry = _entry(kpi, kept, verdicts.get(kpi.key))
        by_domain.setdefault(kpi.domain, []).append(entry)
    return [Shelf(domain, domain_label(domain), tuple(entries)) for domain, entries in by_domain.items()]


def domain_label(domain: str) -> str:
    """The word of the domain's room or, where it has no page yet, its name."""
    for namespace, _name, _icon, word, _major, _carries in ROOMS:
        if namespace == domain:
            return str(word)
    return str(apps.get_app_config(domain).verbose_name)


def _matches(kpi: Kpi, search: str) -> bool:
    text = " ".join(map(str, (kpi.key, kpi.label, kpi.meaning, kpi.formula, kpi.amazon_name))).casefold()
    return all(word in text for word in search.casefold().split())


def _grains(kpi: Kpi) -> str:
    """What it is judged for: the account, and each of its campaigns, terms or products."""
    grains = [kpi.grain, *(item.snapshot.grain for item in limited() if item.kpi == kpi.key)]
    return joins.listed(contract.grain_words(grain) for grain in grains)


def _entry(kpi: Kpi, kept: contract.Shelf, verdict: Verdict | None) -> Entry:
    market = kept.scope.marketplace
    about = (
        contract.Fact(_("One figure for"), _grains(kpi)),
        contract.Fact(_("Unit"), contract.unit_words(kpi.unit), contract.direction_words(kpi)),
    )
    promise = contract.of_kpi(kpi, kept, verdict=verdict, more=about)
    limit = next((line.words for line in promise.history if line.current), "")
    return Entry(
        kpi,
        promise,
        bool(kpi.target),
        verdict.status if verdict else "unknown",
        figures.status_words(verdict) if verdict else "",
        figures.in_words(verdict.value if verdict else None, kpi.unit, market, whole=True),
        limit,
    )
