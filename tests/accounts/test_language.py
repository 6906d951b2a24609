"""In which language a page speaks."""

from __future__ import annotations

import pytest

from tests.factories import make_org, make_user

from .conftest import SignIn

pytestmark = pytest.mark.django_db


def test_the_language_of_the_profile_wins(sign_in: SignIn) -> None:
    user = make_user(make_org())
    client = sign_in(user, headers={"Accept-Language": "zh-hans"})
    assert client.get("/settings/profile/")["Content-Language"] == "zh-hans"

    client.post("/settings/profile/", {"name": "Anna", "language": "en", "theme": "dark"})

    assert client.get("/settings/profile/")["Content-Language"] == "en"
    user.refresh_from_db()
    assert (user.name, user.theme) == ("Anna", "dark")
    assert not user.memberships.get().mail_alerts  # the box was not ticked
