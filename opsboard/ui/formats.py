"""Figures and dates as a person reads them, in the language of the page (CLDR through Babel).

Inside, money is minor units, rates are fractions, days are dates; None is "no data", never zero.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from django.utils import timezone
from django.utils.translation import get_language, gettext

from opsboard.accounts.models import Marketplace

#: What stands where there is no figure: an en dash, read out as "no data".
NOTHING: Final = "–"
#: A real minus and a narrow enough plus, so signs align under tabular numerals.
MINUS: Final = "−"

Number = Decimal | int | float


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    return Locale.parse({"zh-hans": "zh_Hans", "zh-cn": "zh_Hans"}.get(language, language.replace("-", "_")))


def locale() -> Locale:
    return _locale(get_language() or "en")


def exact(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def decimals(value: Number | None, digits: int = 0) -> str:
    """1234.5 -> "1,234.5" with exactly `digits` decimals."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(_rounded(exact(value), digits), format=pattern, locale=locale()).replace("-", MINUS)


def money(minor: Number | None, marketplace: Marketplace, *, whole: bool = False, cents: bool = True) -> str:
    """Minor units -> "$1,234.50" in the marketplace's own currency.

    `whole` drops the cents of sums from a thousand up, `cents=False` of all.
    """
    if minor is None:
        return NOTHING
    amount = exact(minor).scaleb(-marketplace.minor_digits)
    digits = 0 if not cents or (whole and abs(amount) >= 1000) else marketplace.minor_digits
    pattern = locale().currency_formats["standard"].pattern.split(";")[0]
    head = pattern.split("0.00")[0] + "0" + ("." + "0" * digits if digits else "") + pattern.split("0.00")[-1]
    text = format_currency(
        _rounded(amount, digits), marketplace.currency, format=head, locale=locale(), currency_digits=False
    )
    return text.replace("-", MINUS)


def currency_symbol(marketplace: Marketplace) -> str:
    return get_currency_symbol(marketplace.currency, locale=locale())


def percent(fraction: Number | None, digits: int = 1) -> str:
    """0.413 -> "41.3 %"."""
    if fraction is None:
        return NOTHING
    return decimals(exact(fraction) * 100, digits) + "\N{NARROW NO-BREAK SPACE}%"


def signed(text: str, value: Decimal) -> str:
    return ("+" + text) if value > 0 else text


def rate_digits(fraction: Number | None) -> int:
    """How many decimals a rate is told with: small ones, such as those of clicks, say nothing with one."""
    return 2 if fraction is not None and abs(exact(fraction)) < Decimal("0.02") else 1


def points(difference: Number | None, digits: int = 1) -> str:
    """A difference of two fractions in percentage points: 0.062 -> "+6.2 pts"."""
    if difference is None:
        return NOTHING
    value = _rounded(exact(difference) * 100, digits)
    return gettext("%(points)s pts") % {"points": signed(decimals(value, digits), value)}


def relative(now: Number | None, before: Number | None, digits: int = 1) -> str:
    """The change from `before` to `now`, relative: "+4.2 %"; nothing to divide by gives a dash."""
    if now is None or not before:
        return NOTHING
    value = _rounded((exact(now) - exact(before)) / abs(exact(before)) * 100, digits)
    if abs(value) >= 1000:
        return gettext("× %(times)s") % {"times": decimals(exact(now) / exact(before), 0)}
    return signed(decimals(value, digits), value) + "\N{NARROW NO-BREAK SPACE}%"


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN) + 0


def day(value: date | None, *, today: date | None = None, year: bool = False) -> str:
    """22 Nov; with the year when it is not this one, or when asked for."""
    if value is None:
        return NOTHING
    same_year = not year and value.year == (today or timezone.now().date()).year
    skeleton = {"en": "d MMM", "zh": "M月d日"}.get(locale().language, "d MMM")
    if not same_year:
        skeleton = {"en": "d MMM y", "zh": "y年M月d日"}.get(locale().language, "d MMM y")
    return format_date(value, format=skeleton, locale=locale())


def full_day(value: date) -> str:
    """Sun 22 Nov 2026: nothing left to guess about which day is meant."""
    skeleton = {"zh": "y年M月d日 EEE"}.get(locale().language, "EEE d MMM y")
    return format_date(value, format=skeleton, locale=locale())


def weekday(value: date | None) -> str:
    return NOTHING if value is None else format_date(value, format="EEE", locale=locale())


def span(first: date, last: date) -> str:
    """24 Oct – 22 Nov."""
    if first == last:
        return day(first)
    return f"{day(first)} – {day(last)}"


def instant(value: datetime | None, marketplace: Marketplace | None = None) -> str:
    """22 Nov 06:12, on the marketplace's clock when given one."""
    if value is None:
        return NOTHING
    zone = marketplace.zone if marketplace else timezone.get_current_timezone()
    local = value.astimezone(zone)
    return f"{day(local.date())} {format_datetime(local, format='HH:mm', locale=locale())}"


def ago(value: datetime | None) -> str:
    """3 hours ago / in 20 minutes."""
    if value is None:
        return NOTHING
    return format_timedelta(value - timezone.now(), add_direction=True, locale=locale(), threshold=1.2)


def country(marketplace: Marketplace) -> str:
    """Germany / 德国: CLDR's name of the marketplace's country (Amazon says UK, ISO says GB)."""
    code = {"UK": "GB"}.get(marketplace.code, marketplace.code)
    return str(locale().territories.get(code, marketplace.name))
