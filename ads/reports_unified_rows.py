"""Whose each row of an Amazon Ads reporting file is, and what is known of the entities it names.

The file is of a whole advertising account: every marketplace it sells in stands in it, and no filter of the
page keeps to one. It says a campaign's name and not its state, so what the API said of that is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import Marketplace
from opsboard.feeds.errors import BadRow
from opsboard.feeds.shops import code_of
from opsboard.feeds.staging import canonical

from .models import AdGroup, Campaign, Target
from .reports_console import by_name

#: Columns of the file.
AD_PRODUCT, CURRENCY, MARKETPLACE = "Ad product", "Budget currency", "Advertised product marketplace"
ADVERTISER = "Advertiser account ID"
CAMPAIGN, CAMPAIGN_NAME = "Campaign ID", "Campaign Name"
AD_GROUP, AD_GROUP_NAME = "Ad group ID", "Ad Group Name"
TARGET, TARGETING, MATCH_TYPE = "Target ID", "Targeting", "Targeting match type"
AD, ASIN, SKU = "Ad ID", "Advertised product ID", "Advertised product SKU"
#: Columns made of them.
PLACE, STATUS = "marketplace of the row", "state of the campaign"
NEW_TARGET, AD_KEY = "target not known yet", "ad of this id or product"

_ID = re.compile(r"[1-9][0-9]{0,17}")
#: Currencies of one marketplace only: with them a row that names none is told all the same.
_ALONE = {currency for currency, count in Counter(shop.currency for shop in MARKETPLACES).items() if count == 1}


class Rows:
    """A `Prepare`: adds whose the rows are and what is known of what they name; BadRow where that is open.

    One for each document, which is gone through once.
    """

    def __init__(self, options: Mapping[str, Any], *, targets: bool = False) -> None:
        account, marketplace = options["scope"]
        scope = {"account_id": account, "marketplace_id": marketplace}
        shop = Marketplace.objects.get(pk=marketplace)
        self.code, self.currency = shop.code, shop.currency
        campaigns = Campaign.objects.filter(**scope, campaign_id__gt=0).values_list("campaign_id", "name", "status")
        groups = AdGroup.objects.filter(**scope, ad_group_id__gt=0).values_list("ad_group_id", "name")
        self.names: dict[str, dict[str, str]] = {CAMPAIGN_NAME: {}, AD_GROUP_NAME: {}, TARGETING: {}}
        self.states: dict[str, str] = {}
        for number, name, status in campaigns.iterator():
            self.names[CAMPAIGN_NAME][str(number)], self.states[str(number)] = name, status
        self.names[AD_GROUP_NAME] = {str(number): name for number, name in groups.iterator()}
        self.targets: set[str] = set()
        if targets:
            known = Target.objects.filter(**scope, target_id__gt=0).values_list("target_id", flat=True)
            self.targets = set(map(str, known.iterator()))
        self.places: dict[tuple[str, str], str] = {}
        self.advertiser = ""

    def __call__(self, columns: dict[str, list[str]]) -> None:
        spelt = {canonical(name): name for name in columns}

        def of(name: str) -> list[str]:
            found = spelt.get(canonical(name))
            return columns[found] if found is not None else [""] * count

        count = len(next(iter(columns.values())))
        columns[PLACE] = [self._place(*row) for row in zip(range(count), of(MARKETPLACE), of(CURRENCY), strict=True)]
        ours = [row for row, place in enumerate(columns[PLACE]) if code_of(place) == self.code]
        _check_product(of(AD_PRODUCT), ours)
        self._check_advertiser(of(ADVERTISER), ours)
        for name in (CAMPAIGN, AD_GROUP, TARGET, AD):
            _check_ids(name, of(name), ours)
        for entity, name in ((CAMPAIGN, CAMPAIGN_NAME), (AD_GROUP, AD_GROUP_NAME), (TARGET, TARGETING)):
            if canonical(name) in spelt:
                columns[spelt[canonical(name)]] = self._named(name, of(entity), of(name))
        columns[STATUS] = [self.states.get(number, "") for number in of(CAMPAIGN)]
        if canonical(TARGET) in spelt:
            columns[NEW_TARGET] = ["" if number in self.targets else number for number in of(TARGET)]
        if canonical(ASIN) in spelt:
            columns[AD_KEY] = [
                ad or by_name(*product) for ad, *product in zip(of(AD), of(AD_GROUP), of(SKU), of(ASIN), strict=True)
            ]
        if canonical(MATCH_TYPE) in spelt:
            columns[spelt[canonical(MATCH_TYPE)]] = [found.upper() for found in of(MATCH_TYPE)]

    def _place(self, row: int, name: str, currency: str) -> str:
        """The marketplace a row is about, by its own name, or its currency where that is another's or nobody else's."""
        known = self.places.get((name, currency))
        if known is None:
            known = self.places[name, currency] = self._placed(row, name, currency)
        return known

    def _placed(self, row: int, name: str, currency: str) -> str:
        if code_of(name):
            return name
        if currency and currency != self.currency:
            return name or currency
        if name:
            raise BadRow(
                _("“%(name)s” is no marketplace opsboard knows") % {"name": name[:40]}, row=row, column=MARKETPLACE
            )
        if currency and currency in _ALONE:
            return self.code
        raise BadRow(
            _("The row does not say of which marketplace it is, and several sell in %(currency)s")
            % {"currency": self.currency}
            if currency
            else _("The row says neither its marketplace nor its currency"),
            row=row,
            column=MARKETPLACE if currency else CURRENCY,
            todo=_("Create the report again with the column “Advertised product marketplace”."),
        )

    def _check_advertiser(self, cells: Sequence[str], ours: Iterable[int]) -> None:
        """Rows of two advertising accounts in one marketplace are those of two sellers, or of one twice."""
        for row in ours:
            said, self.advertiser = self.advertiser, cells[row] or self.advertiser
            if said and said != self.advertiser:
                raise BadRow(
                    _("The file has rows of more than one advertising account in this marketplace"),
                    row=row,
                    column=ADVERTISER,
                    todo=_("Create the report again for one account."),
                )

    def _named(self, what: str, numbers: Sequence[str], names: Sequence[str]) -> list[str]:
        """The names, with those known where a row (of sales without clicks) does not say them."""
        known = self.names[what]
        found = []
        for number, name in zip(numbers, names, strict=True):
            if name:
                known[number] = name
            found.append(name or known.get(number, ""))
        return found


def with_targets(options: Mapping[str, Any]) -> Rows:
    return Rows(options, targets=True)


def _check_product(cells: Sequence[str], ours: Iterable[int]) -> None:
    """That what is said is Sponsored Products is seen before (`Table.only`); here, that something is."""
    if (row := next((row for row in ours if not cells[row]), None)) is not None:
        raise BadRow(
            _("The row does not say which kind of ads it is about"),
            row=row,
            column=AD_PRODUCT,
            todo=_("Create the report again with the filter “Ad product”: Sponsored Products."),
        )


def _check_ids(name: str, cells: Sequence[str], ours: Iterable[int]) -> None:
    """An id that is none would be taken for a name, and the entity's history would end there."""
    for row in ours:
        if cells[row] and not _ID.fullmatch(cells[row]):
            raise BadRow(
                _("“%(cell)s” is not an id of Amazon's") % {"cell": cells[row][:40]},
                row=row,
                column=name,
                todo=_("Download the report again, and do not open it in a spreadsheet before sending it."),
            )
