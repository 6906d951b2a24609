"""Sentences put together of parts read as the reader's language writes them."""

from __future__ import annotations

from django.utils import translation

from opsboard.ui import joins


def test_parts_that_are_not_there_leave_no_mark_behind() -> None:
    assert joins.listed(["3 new days", "", "1 restated"]) == "3 new days, 1 restated"
    assert joins.clauses(["", "3 new days"]) == "3 new days"
    assert joins.sentences("It is late.", "", "Look at it.") == "It is late. Look at it."
    assert joins.aside("at most 25 %", "the handbook") == "at most 25 % (the handbook)"
    assert joins.aside("at most 25 %", "") == "at most 25 %"
    assert joins.headed("2 of 30 days are missing", "3 Nov") == "2 of 30 days are missing: 3 Nov"


def test_chinese_parts_have_chinese_marks_between_them() -> None:
    with translation.override("zh-hans"):
        assert joins.listed(["新增 3 天", "修订 1 天"]) == "新增 3 天，修订 1 天"
