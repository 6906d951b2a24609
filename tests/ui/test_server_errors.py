"""When a page cannot be made: nobody's mistake is called one. (tests/faults takes the database away for real.)"""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from opsboard.ui.errors import server_error


def after(error: Exception) -> HttpResponse:
    """The page Django asks for while `error` is being handled."""
    try:
        raise error
    except type(error):
        return server_error(RequestFactory().get("/"))


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_a_page_says_so_and_when_to_come_again(error: type[Exception]) -> None:
    answer = after(error("server closed the connection unexpectedly"))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5" and answer["Cache-Control"] == "no-store"
    page = answer.content.decode()
    assert "The database does not answer" in page and "server closed" not in page


def test_a_mistake_of_ours_is_still_one() -> None:
    answer = after(ZeroDivisionError())
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
