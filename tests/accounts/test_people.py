"""Inviting people, their roles, and letting them go, through the real pages and a real mail server."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AuditEvent, Membership, Organisation, Role, User
from tests.factories import PASSWORD, make_org, make_user

from .conftest import SignIn
from .mailserver import Inbox

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "another long passphrase 42"


def invite(client: Client, organisation: Organisation, role: str, email: str = "new@example.com") -> int:
    answer = client.post(f"/settings/people/{organisation.pk}/invite/", {"email": email, "role": role, "name": "New"})
    return answer.status_code


def test_an_invited_person_sets_a_password_and_signs_in(sign_in: SignIn, inbox: Inbox) -> None:
    organisation = make_org("Acme")
    owner = make_user(organisation, name="Anna")

    assert invite(sign_in(owner), organisation, "operator", "New@Example.com") == 302

    assert inbox.mails[0]["To"] == "new@example.com"
    assert inbox.mails[0]["Subject"] == "You are invited to Acme on opsboard"
    link = re.search(r"http://testserver(\S+)", inbox.text())
    assert link and "Anna" in inbox.text() and "Operator" in inbox.text()
    browser = Client()
    form = browser.get(link[1], follow=True)
    browser.post(form.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    person = User.objects.get(email="new@example.com")
    assert sign_in(person, NEW_PASSWORD).get("/settings/").status_code == 200
    assert person.memberships.get().role == Role.OPERATOR
    assert AuditEvent.objects.filter(action="person.invited", actor=owner.email, target=person.email).exists()


def test_a_dead_mail_server_is_said_and_the_invitation_can_be_sent_again(
    sign_in: SignIn, settings: Settings, request: pytest.FixtureRequest
) -> None:
    organisation = make_org()
    client = sign_in(make_user(organisation))
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        9,
    )
    invite(client, organisation, "viewer")
    assert b"did not accept the invitation" in client.get("/settings/people/").content
    member = Membership.objects.get(user__email="new@example.com")

    inbox: Inbox = request.getfixturevalue("inbox")
    client.post(f"/settings/people/{member.pk}/invite-again/")
    assert len(inbox.mails) == 1


def test_somebody_known_elsewhere_keeps_their_password(sign_in: SignIn, inbox: Inbox) -> None:
    person, organisation = make_user(make_org()), make_org()
    invite(sign_in(make_user(organisation)), organisation, "viewer", person.email)
    assert "password/reset" not in inbox.text()
    assert person.memberships.count() == 2
    assert sign_in(person, PASSWORD)


def test_inviting_a_member_again_changes_nothing(sign_in: SignIn, inbox: Inbox) -> None:
    organisation = make_org()
    owner, viewer = make_user(organisation), make_user(organisation, Role.VIEWER)
    invite(sign_in(owner), organisation, "owner", viewer.email)
    assert viewer.memberships.get().role == Role.VIEWER
    assert not inbox.mails


# --- what each role may do ----------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/settings/", Role.VIEWER),
        ("/settings/profile/", Role.VIEWER),
        ("/settings/accounts/", Role.VIEWER),
        ("/accounts/sessions/", Role.VIEWER),
        ("/accounts/password/change/", Role.VIEWER),
        ("/settings/people/", Role.MANAGER),
        ("/settings/audit/", Role.OWNER),
        ("/settings/accounts/new/", Role.OWNER),
    ],
)
def test_who_opens_which_settings_page(sign_in: SignIn, role: Role, path: str, needed: Role) -> None:
    client = sign_in(make_user(make_org(), role))
    assert client.get(path).status_code == (200 if role.rank >= needed.rank else 403)
    linked = f'href="{path}"' in client.get("/settings/").content.decode()
    if path not in {"/settings/", "/settings/accounts/new/"}:
        assert linked == (role.rank >= needed.rank)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("given", list(Role))
def test_who_may_give_which_role(sign_in: SignIn, inbox: Inbox, role: Role, given: Role) -> None:
    organisation = make_org()
    client = sign_in(make_user(organisation, role))
    allowed = role is Role.OWNER or (role is Role.MANAGER and given is not Role.OWNER)

    invite(client, organisation, given.value)

    assert User.objects.filter(email="new@example.com").exists() == allowed
    assert len(inbox.mails) == int(allowed)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("of", list(Role))
def test_who_may_change_and_remove_whom(sign_in: SignIn, role: Role, of: Role) -> None:
    organisation = make_org()
    client = sign_in(make_user(organisation, role))
    member = make_user(organisation, of).memberships.get()
    allowed = role is Role.OWNER or (role is Role.MANAGER and of is not Role.OWNER)

    answer = client.post(f"/settings/people/{member.pk}/role/", {"role": "viewer"})
    assert answer.status_code == (302 if allowed else 403)
    member.refresh_from_db()
    assert member.role == ("viewer" if allowed else of.value)
    assert client.post(f"/settings/people/{member.pk}/remove/").status_code == (302 if allowed else 403)
    assert Membership.objects.filter(pk=member.pk).exists() is not allowed


def test_a_manager_makes_nobody_an_owner(sign_in: SignIn) -> None:
    organisation = make_org()
    client = sign_in(make_user(organisation, Role.MANAGER))
    member = make_user(organisation, Role.VIEWER).memberships.get()
    assert client.post(f"/settings/people/{member.pk}/role/", {"role": "owner"}).status_code == 403
    member.refresh_from_db()
    assert member.role == "viewer"


def test_nobody_changes_or_removes_themselves_so_an_owner_always_stays(sign_in: SignIn) -> None:
    owner = make_user(make_org())
    client, mine = sign_in(owner), owner.memberships.get()
    assert client.post(f"/settings/people/{mine.pk}/role/", {"role": "viewer"}).status_code == 403
    assert client.post(f"/settings/people/{mine.pk}/remove/").status_code == 403
    assert owner.memberships.get().role == Role.OWNER


# --- letting go ---------------------------------------------------------------------------------


def test_a_removed_person_is_out_at_once_and_cannot_come_back(sign_in: SignIn, inbox: Inbox) -> None:
    organisation = make_org()
    owner, leaver = sign_in(make_user(organisation)), make_user(organisation, Role.OPERATOR)
    browsers = [sign_in(leaver), sign_in(leaver)]
    assert all(browser.get("/settings/").status_code == 200 for browser in browsers)

    owner.post(f"/settings/people/{leaver.memberships.get().pk}/remove/")

    assert all(browser.get("/settings/").status_code == 302 for browser in browsers)
    answer = Client().post("/accounts/login/", {"login": leaver.email, "password": PASSWORD})
    assert answer.get("Location") != "/"
    Client().post("/accounts/password/reset/", {"email": leaver.email})
    assert not inbox.mails or "password/reset/key" not in inbox.text()
    assert AuditEvent.objects.filter(action="person.removed", target=leaver.email, before={"role": "operator"}).exists()


def test_a_person_who_comes_back_sets_a_new_password(sign_in: SignIn, inbox: Inbox) -> None:
    organisation = make_org()
    owner, leaver = sign_in(make_user(organisation)), make_user(organisation, Role.OPERATOR)
    owner.post(f"/settings/people/{leaver.memberships.get().pk}/remove/")
    invite(owner, organisation, "viewer", leaver.email)
    assert "password/reset/key" in inbox.text()
    leaver.refresh_from_db()
    assert leaver.is_active and not leaver.has_usable_password()


def test_a_person_of_two_organisations_keeps_the_other(sign_in: SignIn) -> None:
    here, there = make_org(), make_org()
    leaver = make_user(here, Role.VIEWER)
    Membership.objects.create(user=leaver, organisation=there, role=Role.VIEWER)
    sign_in(make_user(here)).post(f"/settings/people/{leaver.memberships.get(organisation=here).pk}/remove/")
    leaver.refresh_from_db()
    assert leaver.is_active
    assert [m.organisation for m in leaver.memberships.all()] == [there]


# --- the first person ---------------------------------------------------------------------------


def create_owner(*arguments: str) -> str:
    out = StringIO()
    call_command("create_owner", *arguments, stdout=out)
    return out.getvalue()


def test_the_first_owner_signs_in_with_the_printed_password(sign_in: SignIn) -> None:
    printed = create_owner("boss@example.com", "--organisation", "Acme Ltd")
    password = printed.strip().rpartition(" ")[2]
    owner = User.objects.get(email="boss@example.com")
    assert sign_in(owner, password)
    assert owner.memberships.get().organisation.slug == "acme-ltd"


def test_creating_the_owner_twice_leaves_the_password(sign_in: SignIn) -> None:
    password = create_owner("boss@example.com", "--organisation", "Acme").strip().rpartition(" ")[2]
    assert "as it was" in create_owner("Boss@example.com", "--organisation", "Acme")
    assert sign_in(User.objects.get(), password)
    assert Organisation.objects.count() == 1


def test_two_organisations_of_like_names_get_slugs_of_their_own() -> None:
    for name in ("Acme", "ACME", "acme!", "电商", "跨境"):
        create_owner("boss@example.com", "--organisation", name)
    assert Organisation.objects.values("slug").distinct().count() == 5


def test_a_password_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch, sign_in: SignIn) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(NEW_PASSWORD + "\n"))
    printed = create_owner("boss@example.com", "--organisation", "Acme", "--password-stdin")
    assert NEW_PASSWORD not in printed
    assert sign_in(User.objects.get(), NEW_PASSWORD)
    monkeypatch.setattr("sys.stdin", StringIO("short\n"))
    with pytest.raises(CommandError, match="too short"):
        create_owner("other@example.com", "--organisation", "Acme", "--password-stdin")


def test_what_is_not_an_address_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        create_owner("boss", "--organisation", "Acme")
