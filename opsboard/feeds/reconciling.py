"""The Reconciliation page: every declared check over the page's days, the worst first, and its days one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats, tables
from opsboard.ui.filters import PageState
from opsboard.ui.pages import export_address, no_account, one_scope_or_404, span_params, table_export
from opsboard.ui.tables import Choice, Column, Filter, Table

from . import freshness, registry
from .models import Ingest
from .reconciliation import Check, Excuse, Figure, checks, judged_sql

#: How each verdict is shown: status and words.
_WORDS = {
    "off": ("breach", gettext_lazy("differs")),
    "explained": ("no_limit", gettext_lazy("differs, with reason")),
    "agrees": ("ok", gettext_lazy("agrees")),
    "provisional": ("provisional", gettext_lazy("may still move")),
    "missing": ("unknown", gettext_lazy("cannot be compared")),
}
_STATUS = "CASE verdict " + " ".join(f"WHEN '{key}' THEN %(words_{key})s::text" for key in _WORDS) + " END"
_HELD_SHOWN = 50
_SHOW = Filter(
    "verdict",
    gettext_lazy("Show"),
    (
        Choice("off", gettext_lazy("Differ"), "verdict = 'off'"),
        Choice("explained", gettext_lazy("Differ with reason"), "verdict = 'explained'"),
        Choice("missing", gettext_lazy("Cannot be compared"), "verdict IN ('missing', 'provisional')"),
    ),
)
_WORST = Column("worst", gettext_lazy("Unexplained"), "rate", "nullif(worst, -1)", total=False, digits=2)


def params(state: PageState, scope: AccountMarketplace) -> dict[str, Any]:
    """What the checks' SQL asks for: scope, days, for each check the last day that counts as final, and words."""
    found = span_params(state, scope)
    for one in checks().values():
        found[f"final_{one.key}"] = last_final_day(one, scope)
        found[f"label_{one.key}"] = str(one.label)
    found |= {f"words_{key}": f"{status}|{words}" for key, (status, words) in _WORDS.items()}
    return found


def last_final_day(one: Check, scope: AccountMarketplace) -> date:
    """The newest marketplace day that neither side restates any more."""
    declared = registry.datasets()
    wait = max(declared[key].mature_days for key in one.datasets)
    return scope.marketplace.today() - timedelta(days=wait + 1)


# One row a check. Sums are over compared rows only; the differences add up with their signs, the faults without.
_SUMMED = """
    SELECT '{key}' AS key, %(label_{key})s::text AS label, {sums},
           count(*) FILTER (WHERE state = 'compared') AS compared,
           count(*) FILTER (WHERE verdict = 'off') AS off,
           count(*) FILTER (WHERE state <> 'compared') AS absent,
           CASE WHEN count(*) FILTER (WHERE state = 'compared') = 0 THEN -1 ELSE greatest({shares}) END AS worst,
           CASE WHEN count(*) FILTER (WHERE state = 'compared') = 0 THEN 'missing'
                WHEN count(*) FILTER (WHERE verdict = 'off') > 0 THEN 'off'
                WHEN count(*) FILTER (WHERE verdict = 'explained') > 0 THEN 'explained' ELSE 'agrees' END AS verdict
      FROM ({rows}) w
"""


def _summed(one: Check) -> str:
    sums, shares = [], []
    for name in ("money", "count"):
        sums += [
            f"sum({name}_left) FILTER (WHERE state = 'compared') AS {name}_left",
            f"sum({name}_right) FILTER (WHERE state = 'compared') AS {name}_right",
            f"sum({name}_diff) AS {name}_diff",
        ]
        fault, whole = f"sum(abs({name}_fault))", f"sum(abs({name}_right)) FILTER (WHERE state = 'compared')"
        shares.append(f"CASE WHEN {fault} > 0 THEN coalesce({fault} / nullif({whole}, 0), 1) ELSE 0 END")
    return _SUMMED.format(key=one.key, sums=", ".join(sums), shares=", ".join(shares), rows=judged_sql(one))


def summary_table() -> Table:
    """All checks, the worst first."""
    return Table(
        name="reconciliation",
        title=gettext_lazy("What should agree"),
        rows_sql=" UNION ALL ".join(_summed(one) for one in checks().values()),
        sums=(),
        texts=("label", "verdict"),
        columns=(
            Column("name", gettext_lazy("Compared"), "text", "label"),
            Column("state", gettext_lazy("Result"), "status", _STATUS),
            _WORST,
            Column("money_left", gettext_lazy("Amount"), "money", total=False),
            Column("money_right", gettext_lazy("Amount against"), "money", total=False),
            Column("money_diff", gettext_lazy("Amount difference"), "money", total=False),
            Column("money_share", gettext_lazy("Amount difference"), "rate", _share("money"), total=False, digits=2),
            Column("count_left", gettext_lazy("Count"), "count", total=False),
            Column("count_right", gettext_lazy("Count against"), "count", total=False),
            Column("count_diff", gettext_lazy("Count difference"), "count", total=False),
            Column("count_share", gettext_lazy("Count difference"), "rate", _share("count"), total=False, digits=2),
            Column("compared", gettext_lazy("Days compared"), "count", total=False),
            Column("off", gettext_lazy("Days that differ"), "count", total=False),
            Column("absent", gettext_lazy("Days not compared"), "count", total=False),
        ),
        sort="-worst",
        filters=(_SHOW,),
    )


def _share(name: str) -> str:
    return f"{name}_diff / nullif(abs({name}_right), 0)"


def days_table(one: Check) -> Table:
    """The rows (days, settlements) of one check, the worst first; not-compared rows show the side that is there."""
    columns = [
        Column("name", one.unit or gettext_lazy("Day"), "text", "key"),
        Column("state", gettext_lazy("Result"), "status", _STATUS),
        _WORST,
    ]
    figures: list[tuple[str, Figure]] = [(n, f) for n, f in (("money", one.money), ("count", one.count)) if f]
    for name, figure in figures:
        words = {"figure": figure.label}
        columns += [
            Column(f"{name}_left", _side(figure, one.left.label), name, total=False),
            Column(f"{name}_right", _side(figure, one.right.label), name, total=False),
            Column(f"{name}_diff", _("%(figure)s: difference") % words, name),
            Column(f"{name}_share", _("%(figure)s: difference") % words, "rate", _share(name), total=False, digits=2),
        ]
    return Table(
        name=f"reconciliation-{one.key}",
        title=gettext_lazy("Day by day") if not one.unit else gettext_lazy("One by one"),
        rows_sql=judged_sql(one),
        sums=tuple(f"{name}_diff" for name, _figure in figures),
        texts=("date",),
        columns=tuple(columns),
        sort="-worst",
        filters=(_SHOW,),
        empty=gettext_lazy("No document says anything of these days yet."),
    )


def _side(figure: Figure, label: Any) -> str:
    return _("%(figure)s: %(side)s") % {"figure": figure.label, "side": label}


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A document that waits for a person, and why."""

    document_id: int
    label: str
    name: str
    received: str
    reason: str


def held(scope: AccountMarketplace) -> list[HeldLine]:
    """The documents that one of the checks would speak of and that are held: what is in them is compared nowhere."""
    about = {key for one in checks().values() for key in one.datasets}
    specs = {spec.key: spec for spec in registry.specs() if any(d.key in about for d in spec.datasets)}
    newest = Ingest.objects.filter(document=OuterRef("document")).order_by("-pk").values("pk")[:1]
    # Leans on document_by_scope (account, marketplace, spec).
    found = (
        Ingest.objects.filter(
            document__account=scope.account_id,
            document__marketplace=scope.marketplace_id,
            document__spec__in=specs,
            document__withdrawn_at=None,
            state=Ingest.State.HELD,
            pk=Subquery(newest),
        )
        .select_related("document")
        .order_by("-document__received_at")[:_HELD_SHOWN]
    )
    return [
        HeldLine(
            one.document_id,
            str(specs[one.document.spec].label),
            one.document.report_id or one.document.file_name or f"#{one.document_id}",
            formats.instant(one.document.received_at, scope.marketplace),
            one.reason,
        )
        for one in found
    ]


def _known(key: str) -> Check:
    try:
        return checks()[key]
    except KeyError:
        raise Http404("no such reconciliation") from None


def index(request: HttpRequest) -> HttpResponse:
    """Every check over the page's days for one account and marketplace."""
    state = PageState.from_request(request)
    scope = state.one
    if scope is None:
        return no_account(request)

    verdicts: list[str] = []

    def entity(record: tables.Record) -> tuple[str, str, str]:
        one = checks()[record["key"]]
        verdicts.append(record["verdict"])
        against = _("against %(side)s") % {"side": one.right.label}
        return str(one.label), against, reverse("feeds:reconciliation-check", args=[one.key]) + state.carried(scope)

    asked, address = params(state, scope), export_address("feeds:reconciliation-export")
    shown = tables.page(summary_table(), state, asked, scope.marketplace, entity, address)
    context = {
        "page_scope": scope,
        "table": shown,
        "off": verdicts.count("off"),
        "compared": len(verdicts) - verdicts.count("missing"),
        "held": held(scope),
        "reasons": sorted({str(one.reason) for one in checks().values() if one.excuse is not Excuse.NONE}),
    }
    return render(request, "feeds/reconciliation.html", context)


def check(request: HttpRequest, check: str) -> HttpResponse:
    """One check day by day."""
    one = _known(check)
    state, scope = one_scope_or_404(request)
    carried = state.carried(scope)

    def entity(record: tables.Record) -> tuple[str, str, str]:
        day = formats.day(date.fromisoformat(record["date"]))
        if one.unit:
            return record["key"], day, ""
        return day, record["key"], reverse("feeds:coverage-day", args=[one.left.dataset, record["date"]]) + carried

    address = reverse("feeds:reconciliation-check-export", kwargs={"check": one.key, "ending": "csv"})
    context = {
        "page_scope": scope,
        "check": one,
        "back_url": reverse("feeds:reconciliation") + state.carried(scope),
        "table": tables.page(
            days_table(one),
            state,
            params(state, scope),
            scope.marketplace,
            entity,
            address.removesuffix("csv") + "{}",
        ),
    }
    return render(request, "feeds/reconciliation_check.html", context)


def export(request: HttpRequest, ending: str) -> HttpResponse:
    state, scope = one_scope_or_404(request)
    return table_export(request, ending, summary_table(), params(state, scope), freshness.sentence([scope]))


def check_export(request: HttpRequest, check: str, ending: str) -> HttpResponse:
    one = _known(check)
    state, scope = one_scope_or_404(request)
    return table_export(request, ending, days_table(one), params(state, scope), freshness.sentence([scope]))
