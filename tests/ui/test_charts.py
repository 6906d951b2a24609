"""What a chart promises: missing is a gap, provisional is hatched, bars stand on zero."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from opsboard.ui import charts

FIRST = date(2026, 11, 1)


def points(*values: int | None, provisional_from: int = 99) -> list[charts.Point]:
    return [
        charts.Point(FIRST + timedelta(days=i), None if v is None else Decimal(v), i >= provisional_from)
        for i, v in enumerate(values)
    ]


def draw(*values: int | None, bars: bool = False, provisional_from: int = 99, **options: object) -> charts.Trend:
    series = charts.Series("Sales", points(*values, provisional_from=provisional_from), bars=bars)
    return charts.trend("Sales", [series], show=str, **options)  # type: ignore[arg-type]


def test_a_missing_day_breaks_the_line_in_two() -> None:
    path = draw(5, 6, None, 7, 8).series[0].path

    assert path.count("M") == 2
    assert path.count("L") == 2


def test_a_missing_day_is_shaded_and_named_in_the_table() -> None:
    chart = draw(5, None, 7)

    assert [(gap.x, gap.width) for gap in chart.gaps] == [("33.33%", "33.33%")]
    assert chart.twin[1].cells == ("–",)


def test_a_missing_day_has_no_bar_and_a_zero_day_has_one_without_height() -> None:
    bars = draw(5, None, 0, bars=True).series[0].bars

    assert len(bars) == 2
    assert bars[1].height == "0"


def test_a_day_between_two_gaps_is_still_seen() -> None:
    drawn = draw(None, 5, None, 6, 7).series[0]

    assert len(drawn.dots) == 2  # the lone day and the end of the line


def test_provisional_days_are_hatched_but_days_without_data_are_not() -> None:
    chart = draw(5, 6, 7, None, provisional_from=2)

    assert [(area.x, area.width) for area in chart.hatched] == [("50%", "25%")]


def test_bars_always_stand_on_zero() -> None:
    chart = draw(980, 990, 985, bars=True)

    assert chart.y_ticks[0].label == "0"


def test_a_line_high_above_zero_may_leave_it_out_but_says_so_on_its_axis() -> None:
    chart = draw(980, 990, 985)

    assert Decimal(chart.y_ticks[0].label) >= 900


def test_the_limit_is_inside_the_picture_even_when_no_day_comes_near() -> None:
    chart = draw(1, 2, 3, limit=charts.LimitLine(Decimal(10), "limit 10"))

    assert chart.plot_top <= float(chart.limit_y) <= chart.bottom


def test_no_day_at_all_draws_an_empty_frame() -> None:
    chart = draw(None, None)

    assert chart.series[0].path == ""
    assert chart.series[0].end is None


def test_a_sparkline_without_figures_is_none() -> None:
    assert charts.sparkline([(FIRST, None, False)]) is None


def test_a_sparkline_leaves_out_a_limit_that_would_flatten_it() -> None:
    days = [(FIRST + timedelta(days=i), Decimal(1 + i), False) for i in range(3)]

    near, far = charts.sparkline(days, Decimal(2)), charts.sparkline(days, Decimal(400))

    assert near is not None and near.limit_y
    assert far is not None and not far.limit_y


def test_coordinates_are_plain_numbers_in_any_language(settings: object) -> None:
    from django.utils import translation

    with translation.override("zh-hans"):
        path = draw(1234567, 2345678).series[0].path

    assert "," not in path
