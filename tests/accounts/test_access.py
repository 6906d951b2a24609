"""Who sees which account, and what each role may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404

from opsboard.accounts import access, audit
from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import AuditEvent, Marketplace, Role
from tests.factories import make_account, make_org, make_scope, make_seller, make_user

pytestmark = pytest.mark.django_db


def test_every_marketplace_of_the_list_is_there() -> None:
    assert set(Marketplace.objects.values_list("code", flat=True)) == {fact.code for fact in MARKETPLACES}
    japan = Marketplace.objects.get(code="JP")
    assert (japan.time_zone, japan.currency, japan.minor_digits) == ("Asia/Tokyo", "JPY", 0)


def test_a_person_sees_the_scopes_of_their_organisations_only() -> None:
    mine, [us, ca] = make_seller(("US", "CA"))
    _stranger, [theirs] = make_seller(("DE",))

    assert set(access.visible_scopes(mine)) == {us, ca}
    assert access.scope_or_404(mine, us.pk) == us
    for hidden in (theirs.pk, 0, None, "x", "9" * 40, "²"):
        with pytest.raises(Http404):
            access.scope_or_404(mine, hidden)
    assert not access.visible_scopes(AnonymousUser())
    assert not access.visible_accounts(AnonymousUser())


def test_two_memberships_never_double_a_scope() -> None:
    user, [scope] = make_seller()
    make_user(scope.account.organisation)
    assert list(access.visible_scopes(user)) == [scope]


def test_paused_accounts_and_marketplaces_are_not_shown() -> None:
    user, [us, ca] = make_seller(("US", "CA"))
    ca.active = False
    ca.save()
    assert list(access.visible_scopes(user)) == [us]
    us.account.active = False
    us.account.save()
    assert not access.visible_scopes(user)
    assert not access.visible_accounts(user)


def test_listing_scopes_is_one_query(django_assert_num_queries: object) -> None:
    user, _ = make_seller(("US", "CA", "MX"))
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert [
            f"{s.account.organisation.name} {s.account.name} {s.marketplace.code}" for s in access.visible_scopes(user)
        ]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("needed", list(Role))
def test_a_role_can_do_what_those_below_it_can(role: Role, needed: Role) -> None:
    organisation = make_org()
    user = make_user(organisation, role)
    if role.rank >= needed.rank:
        assert access.require_role(user, organisation, needed).role == role
    else:
        with pytest.raises(PermissionDenied):
            access.require_role(user, organisation, needed)


def test_a_stranger_is_not_told_that_an_organisation_exists() -> None:
    with pytest.raises(Http404):
        access.require_role(make_user(make_org()), make_org(), Role.VIEWER)


def test_the_audit_trail_cannot_be_edited_or_deleted() -> None:
    organisation = make_org()
    event = audit.record(organisation, None, "tested", make_account(organisation), after={"x": 1})
    for change in ("UPDATE accounts_auditevent SET actor = 'x'", "DELETE FROM accounts_auditevent"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    make_scope(make_account(organisation))
    organisation.delete()  # the trail outlives what it speaks of
    assert AuditEvent.objects.get(pk=event.pk).after == {"x": 1}
