"""What advertising can say about how often its ads are shown and clicked."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from opsboard.kpis.findings import failed, missing, passed, rate, ratio, since
from opsboard.kpis.format import format_number, format_rate
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.turning import turned_on

from .steps import campaign_table, campaigns, within


def seen_and_passed(case: Case) -> Finding:
    """Off where ads get fewer clicks an impression in the same campaigns: what is seen got weaker, image or price."""
    split = _click_rate(case)
    if split is None:
        return missing(case, "sp_campaigns")
    change, own, _mix = split
    words = {**within(case), "within": _points(own), "change": _points(change)}
    fewer = [
        {
            **row,
            "missed": Decimal(row["clicks_before"]) / row["impressions_before"] * row["impressions"] - row["clicks"],
        }
        for row in campaigns(case)
        if row["impressions_before"] and row["impressions"]
    ]
    both = len(fewer)
    fewer = sorted((row for row in fewer if row["missed"] > 0), key=lambda row: -row["missed"])
    if change >= 0 or own * 2 > change or not fewer:
        return passed(_("The same campaigns get clicked as before: %(within)s of the change of %(change)s.") % words)
    words |= {
        "n": format_number(len(fewer)),
        "all": format_number(both),
        "name": fewer[0]["name"],
        "since": since(turned_on(case.by_day("ads.clicks", "ads.impressions"), -1)),
    }
    everywhere = len(fewer) * 5 >= both * 4
    text = (
        _(
            "%(n)s of %(all)s campaigns get fewer clicks an impression%(since)s, most of all %(name)s. That is what "
            "buyers see first: the main image. No report of Amazon's shows the picture itself."
        )
        if everywhere
        else _(
            "%(n)s of %(all)s campaigns get fewer clicks an impression%(since)s, most of all %(name)s: look at the "
            "main image and price of what they advertise."
        )
    )
    return failed(
        text % words,
        campaign_table(
            case,
            _("Campaigns that miss most clicks"),
            (_("Impressions"), _("CTR before"), _("CTR now"), _("Missed clicks")),
            fewer,
            lambda row: (
                format_number(row["impressions"]),
                rate(row["clicks_before"], row["impressions_before"], 2),
                rate(row["clicks"], row["impressions"], 2),
                format_number(int(row["missed"])),
            ),
        ),
        url=case.url("ads:campaign", fewer[0]["campaign_id"]),
    )


def where_shown(case: Case) -> Finding:
    """Off where the fall comes from impressions that moved to campaigns that are clicked less."""
    split = _click_rate(case)
    if split is None:
        return missing(case, "sp_campaigns")
    change, _own, mix = split
    words = {"mix": _points(mix), "change": _points(change)}
    if change >= 0 or mix * 2 > change:
        return passed(
            _(
                "Impressions lie in the campaigns they lay in: %(mix)s of the change of %(change)s. "
                "Which placement they were in no report here tells."
            )
            % words
        )
    impressions = (
        sum(row["impressions"] for row in campaigns(case)),
        sum(row["impressions_before"] for row in campaigns(case)),
    )
    grown = sorted(
        campaigns(case),
        key=lambda row: (
            Decimal(row["impressions_before"]) / impressions[1] - Decimal(row["impressions"]) / impressions[0]
        ),
    )
    return failed(
        _(
            "Impressions moved to campaigns that are clicked less, most of all %(name)s: "
            "%(mix)s of the change of %(change)s."
        )
        % {**words, "name": grown[0]["name"]},
        campaign_table(
            case,
            _("Campaigns with a larger part of the impressions"),
            (_("Part before"), _("Part now"), _("CTR now")),
            grown,
            lambda row: (
                rate(row["impressions_before"], impressions[1]),
                rate(row["impressions"], impressions[0]),
                rate(row["clicks"], row["impressions"], 2),
            ),
        ),
    )


def _click_rate(case: Case) -> tuple[Decimal, Decimal, Decimal] | None:
    """The change of CTR, exactly in two: of the campaigns' own rates, and of where impressions lie."""
    if not case.covers("sp_campaigns"):
        return None
    all_now = sum(row["impressions"] for row in campaigns(case))
    all_then = sum(row["impressions_before"] for row in campaigns(case))
    if not all_now or not all_then:
        return None
    own = Decimal(0)
    for row in campaigns(case):
        now, then = ratio(row["clicks"], row["impressions"]), ratio(row["clicks_before"], row["impressions_before"])
        if now is not None and then is not None:
            part = Decimal(row["impressions"]) / all_now + Decimal(row["impressions_before"]) / all_then
            own += (now - then) * part / 2
    change = Decimal(sum(row["clicks"] for row in campaigns(case))) / all_now - (
        Decimal(sum(row["clicks_before"] for row in campaigns(case))) / all_then
    )
    return change, own, change - own


def shown_at_all(case: Case) -> Finding:
    """Off where ads were not shown, or shown and never clicked: a new shop's ad placement."""
    if not case.covers("sp_campaigns", before=False):
        return missing(case, "sp_campaigns", before=False)
    shown, clicks = (sum(row[name] for row in campaigns(case)) for name in ("impressions", "clicks"))
    words = {**within(case), "shown": format_number(shown), "clicks": format_number(clicks)}
    if not shown:
        return failed(_("No ad was shown in %(span)s.") % words, url=case.url("ads:index"))
    if not clicks or clicks * 250 < shown:
        return failed(
            _(
                "Ads were shown %(shown)s times in %(span)s and clicked %(clicks)s times: "
                "they stand where nobody clicks."
            )
            % words,
            url=case.url("ads:index"),
        )
    return passed(
        _(
            "Ads were shown %(shown)s times in %(span)s and clicked %(clicks)s times. "
            "Which placement that was no report here tells."
        )
        % words
    )


def _points(value: Decimal) -> str:
    return format_rate(value, 2)
