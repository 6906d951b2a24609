"""What a page shows, read from its address: scopes, period, comparison. Nothing is kept elsewhere.

Unknown values fall back politely (a mistyped period is the usual one); a scope of another
tenant does not exist (404). Periods end on each marketplace's own newest complete day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from django.http import Http404, HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.access import visible_scopes
from opsboard.accounts.models import AccountMarketplace, Marketplace

PRESETS: Final = {"7d": 7, "14d": 14, "30d": 30, "90d": 90}
PERIODS: Final = {
    "7d": _("Last 7 days"),
    "14d": _("Last 14 days"),
    "30d": _("Last 30 days"),
    "90d": _("Last 90 days"),
    "mtd": _("This month so far"),
}
COMPARISONS: Final = {
    "previous": _("previous period"),
    "year": _("a year before"),
    "none": _("nothing"),
}
DEFAULT_PERIOD: Final = "30d"
DEFAULT_COMPARE: Final = "previous"
#: The longest span a page adds up on demand.
LONGEST_DAYS: Final = 800


@dataclass(frozen=True, slots=True)
class Days:
    """A span of marketplace days, both ends included."""

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (self.first + timedelta(days=i) for i in range(len(self)))

    def back(self, days: int) -> Days:
        return Days(self.first - timedelta(days=days), self.last - timedelta(days=days))


def newest_complete_day(marketplace: Marketplace) -> date:
    """Yesterday on the marketplace's own calendar: the newest day that is over there."""
    return marketplace.today() - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A preset key or "custom" with its ends; `days` turns it into one marketplace's own days."""

    key: str = DEFAULT_PERIOD
    first: date | None = None
    last: date | None = None

    def days(self, marketplace: Marketplace) -> Days:
        newest = newest_complete_day(marketplace)
        if self.key == "custom" and self.first and self.last:
            return Days(self.first, self.last)
        if self.key == "mtd":
            return Days(newest.replace(day=1), newest)
        return Days(newest - timedelta(days=PRESETS[self.key] - 1), newest)

    def compared(self, marketplace: Marketplace, compare: str) -> Days | None:
        """The days compared with: the nearest earlier span of equal length on the same weekdays."""
        days = self.days(marketplace)
        if compare == "previous":
            return days.back(-(-len(days) // 7) * 7)
        if compare == "year":
            return days.back(364)
        return None


@dataclass
class PageState:
    """The state of a page. `scopes` are visible to the user, always; `scope` is the chosen one or None."""

    query_dict: QueryDict
    every_scope: list[AccountMarketplace]
    scope: AccountMarketplace | None
    period: Period
    compare: str
    path: str = ""
    _scopes: list[AccountMarketplace] = field(default_factory=list)

    @classmethod
    def from_request(cls, request: HttpRequest) -> PageState:
        """Read (once) what the address says; 404 for a scope the user may not see."""
        known = getattr(request, "_opsboard_page_state", None)
        if isinstance(known, PageState):
            return known
        every = list(visible_scopes(request.user).order_by("account__name", "account_id", "marketplace__code"))
        query = request.GET
        state = cls(
            query_dict=query,
            every_scope=every,
            scope=_chosen(query.get("scope", ""), every),
            period=_period(query),
            compare=query.get("compare", "") if query.get("compare") in COMPARISONS else DEFAULT_COMPARE,
            path=request.path,
        )
        request._opsboard_page_state = state  # type: ignore[attr-defined]
        return state

    @property
    def scopes(self) -> list[AccountMarketplace]:
        """What the page is about: the chosen scope, or all the user's."""
        return [self.scope] if self.scope else self.every_scope

    @property
    def one(self) -> AccountMarketplace | None:
        """The scope a one-scope page shows: the chosen one, else the first; None when there is none."""
        return self.scope or (self.every_scope[0] if self.every_scope else None)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return [(scope.account_id, scope.marketplace_id) for scope in self.scopes]

    def days(self, scope: AccountMarketplace) -> Days:
        return self.period.days(scope.marketplace)

    def snapshot_days(self, scope: AccountMarketplace) -> Days:
        """The period for states (stock, health): it may end today, since a count of this morning is complete."""
        days, today = self.days(scope), scope.marketplace.today()
        return Days(days.first, today) if (today - days.last).days == 1 else days

    def compared(self, scope: AccountMarketplace) -> Days | None:
        return self.period.compared(scope.marketplace, self.compare)

    @cached_property
    def shown_days(self) -> Days | None:
        """The days of the page's first scope, for the context bar."""
        return self.days(self.scopes[0]) if self.scopes else None

    @cached_property
    def shown_compared(self) -> Days | None:
        return self.compared(self.scopes[0]) if self.scopes else None

    @property
    def period_label(self) -> str:
        return str(PERIODS.get(self.period.key, _("Chosen days")))

    @property
    def compare_label(self) -> str:
        return str(COMPARISONS[self.compare])

    @property
    def search(self) -> str:
        return self.query_dict.get("q", "").strip()[:200]

    @property
    def known_on(self) -> date | None:
        """The day (?known=2026-11-01) whose knowledge a trend is held against; None for now only."""
        return _date(self.query_dict.get("known", ""))

    def query(self, **changes: str | int | None) -> str:
        """The address's query with some values changed (None removes), "?"-prefixed, stable in order.

        Changing anything but the page key goes back to the first page.
        """
        query = self.query_dict.copy()
        if "after" not in changes:
            query.pop("after", None)
        for key, value in changes.items():
            key = key.rstrip("_")
            if value is None or value == "":
                query.pop(key, None)
            else:
                query[key] = str(value)
        return "?" + query.urlencode() if query else "?"

    def carried(self, scope: AccountMarketplace | None = None, **more: str) -> str:
        """The part of the state that goes along to another page: scope (or this one), period, comparison."""
        query = QueryDict(mutable=True)
        for key in ("scope", "period", "from", "to", "compare"):
            if key in self.query_dict:
                query[key] = self.query_dict.get(key, "")
        if scope is not None:
            query["scope"] = str(scope.pk)
        query.update(more)
        return "?" + query.urlencode() if query else ""

    def step(self, direction: int) -> str | None:
        """The address of the period before (-1) or after (+1); None when that is in the future."""
        days = self.shown_days
        if days is None:
            return None
        moved = days.back(-direction * len(days))
        newest = newest_complete_day(self.scopes[0].marketplace)
        if moved.last > newest:
            if days.last >= newest:
                return None
            moved = Days(newest - timedelta(days=len(days) - 1), newest)
        return self.query(period="custom", from_=moved.first.isoformat(), to=moved.last.isoformat())

    @property
    def earlier(self) -> str | None:
        return self.step(-1)

    @property
    def later(self) -> str | None:
        return self.step(1)


def _chosen(value: str, every: list[AccountMarketplace]) -> AccountMarketplace | None:
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        return None
    for scope in every:
        if scope.pk == int(value):
            return scope
    raise Http404("no such account and marketplace")


def _period(query: QueryDict) -> Period:
    key = query.get("period", "")
    if key == "custom":
        first, last = _date(query.get("from", "")), _date(query.get("to", ""))
        if first and last:
            first, last = min(first, last), max(first, last)
            if (last - first).days < LONGEST_DAYS:
                return Period("custom", first, last)
    return Period(key if key in PERIODS else DEFAULT_PERIOD)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None
