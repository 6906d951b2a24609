"""What listings can say about what buyers do not see: suppressed listings, missing images."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.feeds import freshness
from opsboard.kpis.findings import ROWS, failed, missing, passed
from opsboard.kpis.format import format_number
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.ui import formats
from opsboard.ui.entities import rows

from .steps import asin_url, listed

# Leans on the primary key of listings_suppressedday (account, marketplace, date): one day.
_SUPPRESSED = """
SELECT sku, max(asin) AS asin, max(title) AS title, string_agg(reason, '; ' ORDER BY ordinal) AS reasons,
       max(changed) AS changed, bool_or(reason ~* %(image)s) AS image
  FROM listings_suppressedday
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date = %(day)s
 GROUP BY sku ORDER BY sku
"""
# Leans on the primary key of listings_listing (account, marketplace, sku): the listings of one scope.
_LISTINGS = """
SELECT sku, asin, title, description, status, image_url FROM listings_listing
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s ORDER BY sku
"""
#: An image as the reasons call it, in the languages Amazon writes them in.
IMAGE = "image|bild|imagen|immagin|imagem|afbeelding|zdj|画像|图片"
#: How old a report about the state of now may be.
STATE_AGE = timedelta(days=7)


def listings(case: Case) -> list[dict[str, Any]]:
    return case.once("listings.listings", lambda: rows(_LISTINGS, case.params))


def suppressed(case: Case) -> Finding:
    """Off where the newest report of suppressed listings names any that the breach is about."""
    found = _suppressed(case)
    if found is None:
        return missing(case, "suppressed_listings", before=False)
    day, hidden = found
    words = {"day": formats.day(day), "n": format_number(len(hidden))}
    if not hidden:
        return passed(_("No such listing is suppressed in the report of %(day)s.") % words)
    words["names"] = listed([row["sku"] for row in hidden])
    text = ngettext(
        "%(n)s listing is suppressed in the report of %(day)s: %(names)s.",
        "%(n)s listings are suppressed in the report of %(day)s: %(names)s.",
        len(hidden),
    )
    return failed(
        text % words,
        Evidence(
            _("Suppressed listings"),
            (_("SKU"), _("Since"), _("Amazon says")),
            tuple(
                EvidenceRow(row["sku"], (row["changed"][:10], row["reasons"][:80]), asin_url(case, row["asin"]))
                for row in hidden[:ROWS]
            ),
            words=(2,),
        ),
        url=case.url("listings:index", fragment="#stopped-title"),
    )


def _suppressed(case: Case) -> tuple[date, list[dict[str, Any]]] | None:
    """The newest report of suppressed listings and what it hides; None where there is none of these days."""

    def read() -> tuple[date, list[dict[str, Any]]] | None:
        today = case.marketplace.today()
        held = freshness.covered_days(case.scope, "suppressed_listings", case.last - STATE_AGE, today)
        return (max(held), rows(_SUPPRESSED, {**case.params, "day": max(held), "image": IMAGE})) if held else None

    found = case.once("listings.suppressed", read)
    if found is None or not case.suspects:
        return found
    return found[0], [row for row in found[1] if row["asin"] in case.suspects]


def main_image(case: Case) -> Finding:
    """Off where active listings have no image, or Amazon hides one for its image."""
    known = [row for row in listings(case) if row["status"].lower() in {"", "active"}]
    if not known:
        return missing(case, "listings", before=False)
    found = _suppressed(case)
    hidden = {row["sku"] for row in found[1] if row["image"]} if found else set()
    pictured = sum(bool(row["image_url"]) for row in known)
    # Amazon often leaves the whole column empty: then it says nothing about any one of them.
    bare = [row for row in known if not row["image_url"]] if pictured else []
    by_sku = {row["sku"]: row for row in listings(case)}
    off = [by_sku[sku] for sku in sorted(hidden) if sku in by_sku] + bare
    if off:
        words = {"n": format_number(len(off)), "names": listed([row["sku"] for row in off])}
        text = ngettext(
            "%(n)s listing has no main image that Amazon shows: %(names)s.",
            "%(n)s listings have no main image that Amazon shows: %(names)s.",
            len(off),
        )
        return failed(
            text % words,
            Evidence(
                _("Listings without a main image"),
                (_("SKU"), _("Product")),
                tuple(EvidenceRow(row["sku"], (row["title"][:60],), asin_url(case, row["asin"])) for row in off[:ROWS]),
                words=(1,),
            ),
        )
    if found is None:
        return missing(case, "suppressed_listings", before=False)
    return passed(
        _("No suppressed listing names its image as the reason. How good the images are no report here tells."),
    )
