"""Settings › Tags: labels for accounts, products and campaigns."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from opsboard.accounts.models import AccountMarketplace, AuditEvent, Role, Tag, TaggedEntity, User
from opsboard.alerts import rules
from opsboard.alerts.models import Rule
from tests.alerts.shelf import Shelf
from tests.factories import make_seller, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hints")]


@pytest.fixture
def seller(db: None) -> tuple[User, AccountMarketplace]:
    user, (scope,) = make_seller(("US",))
    Shelf(scope).stock({"A-1": (1, 30), "A-2": (1, 30)})
    return user, scope


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, address: str, **fields: Any) -> Any:
    return client.post(f"/settings/tags/{address}", {"name": "Q4", **fields})


def test_a_tag_is_made_shown_and_changed(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client, organisation = browser(user), scope.account.organisation
    assert post(client, f"new/{organisation.pk}/", accounts=[scope.account_id], skus="A-1\nA-2").status_code == 302

    tag = Tag.objects.get()
    assert list(tag.accounts.all()) == [scope.account]
    page = client.get("/settings/tags/").content.decode()
    assert "Q4" in page and "1 account · 2 SKUs" in page
    form = client.get(f"/settings/tags/{tag.pk}/").context["form"]
    assert (form["skus"].value(), form["accounts"].value()) == ("A-1\nA-2", [scope.account_id])

    assert post(client, f"{tag.pk}/", name="Season", skus="A-2").status_code == 302
    tag.refresh_from_db()
    assert tag.name == "Season" and not tag.accounts.exists()
    assert list(TaggedEntity.objects.values_list("kind", "entity")) == [("skus", "A-2")]
    events = AuditEvent.objects.filter(action__startswith="tag.").order_by("id")
    assert [(event.action, event.after["skus"]) for event in events] == [
        ("tag.created", "A-1, A-2"),
        ("tag.changed", "A-2"),
    ]


def test_what_nobody_knows_and_a_name_that_is_taken_are_said(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client, organisation = browser(user), scope.account.organisation
    other = make_seller(("US",))[1][0]
    Shelf(other).stock({"THEIRS": (1, 30)})
    Tag.objects.create(organisation=other.account.organisation, name="Q4")
    answer = post(client, f"new/{organisation.pk}/", skus="A-1\nTHEIRS")
    assert answer.status_code == 422 and "Line 2: “THEIRS”" in answer.content.decode()
    assert post(client, f"new/{organisation.pk}/", accounts=[other.account_id]).status_code == 422
    assert post(client, f"new/{organisation.pk}/").status_code == 302
    assert post(client, f"new/{organisation.pk}/", name="q4").status_code == 422


def test_viewers_look_and_managers_change(seller: tuple[User, AccountMarketplace]) -> None:
    _owner, scope = seller
    organisation = scope.account.organisation
    tag = Tag.objects.create(organisation=organisation, name="Q4")
    viewer, manager = make_user(organisation, Role.VIEWER), make_user(organisation, Role.MANAGER)
    assert "Q4" in browser(viewer).get("/settings/tags/").content.decode()
    assert browser(viewer).get(f"/settings/tags/{tag.pk}/").status_code == 403
    assert post(browser(viewer), f"{tag.pk}/delete/").status_code == 403
    assert post(browser(manager), f"{tag.pk}/delete/").status_code == 302
    assert not Tag.objects.exists()


def test_a_tag_that_rules_go_by_is_kept_until_they_are_gone(seller: tuple[User, AccountMarketplace]) -> None:
    user, scope = seller
    client, organisation = browser(user), scope.account.organisation
    tag = Tag.objects.create(organisation=organisation, name="Q4")
    rule = rules.save(Rule(organisation=organisation, name="By tag", kind="no_data", days=3, tag=tag), user)
    answer = client.post(f"/settings/tags/{tag.pk}/delete/", follow=True)
    assert "Alert rules go by this tag: By tag" in answer.content.decode() and Tag.objects.exists()
    rules.delete(rule, user)
    client.post(f"/settings/tags/{tag.pk}/delete/")
    assert not Tag.objects.exists()
