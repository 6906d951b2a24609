"""Signing in and out, sessions, passwords and lock-outs, through the real pages."""

from __future__ import annotations

import re
import socket

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from pytest_django.fixtures import Settings

from opsboard.accounts.models import Role, User
from tests.factories import PASSWORD, make_org, make_user

from .conftest import SignIn
from .mailserver import Inbox

pytestmark = pytest.mark.django_db
PAGE = "/settings/profile/"
NEW_PASSWORD = "another long passphrase 42"


def signed_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def test_a_signed_out_person_is_sent_to_sign_in_and_back(client: Client) -> None:
    user = make_user(make_org())
    answer = client.get(PAGE + "?x=1")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/settings/profile/%3Fx%3D1"

    answer = client.post(answer["Location"], {"login": user.email, "password": PASSWORD, "next": PAGE})
    assert answer["Location"] == PAGE
    assert signed_in(client)


def test_the_address_may_be_typed_in_capitals(sign_in: SignIn) -> None:
    user = make_user(make_org(), email="anna@example.com")
    user.email = "Anna@Example.com"
    assert signed_in(sign_in(user))


def test_next_never_leads_to_another_site(client: Client) -> None:
    user = make_user(make_org())
    answer = client.post(
        "/accounts/login/", {"login": user.email, "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer.status_code == 302 and answer["Location"] == "/"


def test_a_part_asked_for_by_htmx_sends_the_whole_page_to_sign_in(client: Client) -> None:
    answer = client.get(
        PAGE, headers={"HX-Request": "true", "HX-Current-URL": "https://testserver/listings/?scope=3&q=a"}
    )
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Flistings%2F%3Fscope%3D3%26q%3Da"
    assert not answer.content


def test_pages_of_a_signed_in_person_are_never_stored(sign_in: SignIn) -> None:
    client = sign_in(make_user(make_org()))
    assert "no-store" in client.get(PAGE)["Cache-Control"]


def test_signing_out_needs_a_post_and_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in(make_user(make_org()))
    key = client.session.session_key
    client.get("/accounts/logout/")
    assert signed_in(client)

    client.post("/accounts/logout/")

    assert not signed_in(client)
    stolen = Client()
    stolen.cookies["sessionid"] = key or ""
    assert not signed_in(stolen)


def test_the_session_key_changes_when_signing_in(client: Client) -> None:
    user = make_user(make_org())
    client.get("/accounts/login/")
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.session.session_key != before


def test_sign_up_is_closed(client: Client) -> None:
    values = {"email": "new@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    for answer in (client.get("/accounts/signup/"), client.post("/accounts/signup/", values)):
        assert b"Sign-up is closed" in answer.content
    assert not User.objects.filter(email="new@example.com").exists()


def test_forms_need_the_csrf_token() -> None:
    user = make_user(make_org())
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/accounts/login/", {"login": user.email, "password": PASSWORD}).status_code == 403


# --- passwords ----------------------------------------------------------------------------------


def test_changing_the_password_ends_other_sessions_and_keeps_this_one(sign_in: SignIn) -> None:
    user = make_user(make_org())
    here, elsewhere = sign_in(user), sign_in(user)

    answer = here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )

    assert answer.status_code == 302
    assert signed_in(here)
    assert not signed_in(elsewhere)
    assert signed_in(sign_in(user, NEW_PASSWORD))


@pytest.mark.parametrize("weak", ["short", "password12345", "123456789012345"])
def test_weak_passwords_are_refused(sign_in: SignIn, weak: str) -> None:
    client = sign_in(make_user(make_org()))
    answer = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": weak, "password2": weak})
    assert answer.status_code == 200 and b"errorlist" in answer.content


def reset_link(inbox: Inbox) -> str:
    found = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", inbox.text())
    assert found, inbox.text()
    return found[1]


def test_a_forgotten_password_is_set_anew_by_mail_once(sign_in: SignIn, inbox: Inbox) -> None:
    user = make_user(make_org())
    old = sign_in(user)
    browser = Client()
    browser.post("/accounts/password/reset/", {"email": user.email}, headers={"Host": "testserver"})
    assert inbox.mails[0]["To"] == user.email
    link = reset_link(inbox)

    form = browser.get(link, follow=True)
    answer = browser.post(form.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    assert answer.status_code == 302
    assert not signed_in(old)
    assert signed_in(sign_in(user, NEW_PASSWORD))
    assert b"does not work any more" in Client().get(link, follow=True).content


def test_a_forged_host_does_not_steer_the_reset_link(inbox: Inbox, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.BASE_URL = "https://board.example"
    user = make_user(make_org())
    Client().post("/accounts/password/reset/", {"email": user.email}, headers={"Host": "evil.example"})
    assert "https://board.example/accounts/password/reset/key/" in inbox.text()
    assert "evil.example" not in inbox.text()


def test_asking_for_a_reset_does_not_tell_who_is_here(inbox: Inbox) -> None:
    user = make_user(make_org())
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in (user.email, "nobody@example.com")
    ]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].redirect_chain == answers[1].redirect_chain
    pages = [re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", answer.content) for answer in answers]
    assert pages[0] == pages[1]
    assert "password/reset/key" not in inbox.text()


def test_a_dead_mail_server_is_said_not_crashed(settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", unused.getsockname()[1]
        for email in (make_user(make_org()).email, "nobody@example.com"):
            answer = Client().post("/accounts/password/reset/", {"email": email}, follow=True)
            assert b"mail server did not accept" in answer.content


# --- sessions -----------------------------------------------------------------------------------


def test_sessions_are_listed_and_any_other_can_be_ended(sign_in: SignIn) -> None:
    user = make_user(make_org())
    here = sign_in(user)
    phone = sign_in(user, headers={"User-Agent": "My old phone"})
    assert signed_in(here) and signed_in(phone)

    page = here.get("/accounts/sessions/").content.decode()
    assert "My old phone" in page and "This session" in page
    there = UserSession.objects.get(user=user, user_agent="My old phone")
    here.post(f"/settings/sessions/{there.pk}/end/")

    assert signed_in(here)
    assert not signed_in(phone)


def test_all_other_sessions_end_at_once(sign_in: SignIn) -> None:
    user = make_user(make_org())
    browsers = [sign_in(user) for _ in range(3)]
    assert all(map(signed_in, browsers))
    browsers[0].post("/accounts/sessions/")
    assert [signed_in(browser) for browser in browsers] == [True, False, False]


def test_nobody_ends_the_session_of_another(sign_in: SignIn) -> None:
    victim, stranger = make_user(make_org()), make_user(make_org())
    theirs = sign_in(victim)
    assert signed_in(theirs)
    session = UserSession.objects.get(user=victim)
    assert sign_in(stranger).post(f"/settings/sessions/{session.pk}/end/").status_code == 404
    assert signed_in(theirs)


def test_switching_a_person_off_ends_their_sessions(sign_in: SignIn) -> None:
    user = make_user(make_org())
    client = sign_in(user)
    user.is_active = False
    user.save()
    assert not signed_in(client)


# --- lock-outs ----------------------------------------------------------------------------------


def attempt(email: str, password: str, ip: str, client: Client | None = None, forwarded: str = "") -> bool:
    """Whether a sign-in from an address works."""
    client = client or Client()
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = client.post("/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=ip, headers=headers)
    return answer.status_code == 302


def test_guessing_one_address_from_many_machines_is_held() -> None:
    user = make_user(make_org())
    for n in range(10):
        assert not attempt(user.email, f"guess {n}", f"10.0.0.{n}")
    assert not attempt(user.email, PASSWORD, "10.0.1.1"), "the right password must not be evaluated any more"


def test_guessing_many_addresses_from_one_machine_is_held() -> None:
    user = make_user(make_org())
    for n in range(12):
        attempt(f"victim{n}@example.com", "guess", "10.0.0.9")
    assert not attempt(user.email, PASSWORD, "10.0.0.9")
    assert attempt(user.email, PASSWORD, "10.0.0.10")


def test_a_forged_forwarded_address_does_not_help() -> None:
    user = make_user(make_org())
    for n in range(12):
        attempt(f"victim{n}@example.com", "guess", "10.0.0.9", forwarded=f"10.9.9.{n}")
    assert not attempt(user.email, PASSWORD, "10.0.0.9", forwarded="10.9.9.99")


def test_behind_the_proxy_only_its_own_entry_counts(settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    user = make_user(make_org())
    for n in range(12):
        attempt(f"victim{n}@example.com", "guess", "127.0.0.1", forwarded=f"10.9.9.{n}, 10.0.0.9")
    assert not attempt(user.email, PASSWORD, "127.0.0.1", forwarded="10.0.0.9")
    assert attempt(user.email, PASSWORD, "127.0.0.1", forwarded="10.0.0.10")


def test_a_stranger_burning_the_attempts_does_not_lock_the_owner_out(sign_in: SignIn) -> None:
    owner = make_user(make_org(), Role.OWNER)
    known = sign_in(owner)
    known.post("/accounts/logout/")
    for n in range(10):
        attempt(owner.email, f"guess {n}", f"10.0.0.{n}")

    assert not attempt(owner.email, PASSWORD, "10.0.1.1"), "an unknown browser waits"
    assert attempt(owner.email, PASSWORD, "127.0.0.1", known), "the owner's own browser does not"


def test_a_known_browser_guesses_no_more_than_others(sign_in: SignIn) -> None:
    owner = make_user(make_org(), Role.OWNER)
    known = sign_in(owner)
    known.post("/accounts/logout/")
    for n in range(6):
        attempt(owner.email, f"guess {n}", f"10.0.2.{n}", known)
    assert not attempt(owner.email, PASSWORD, "127.0.0.1", known)


def test_a_known_browser_of_one_person_is_a_stranger_to_another(sign_in: SignIn) -> None:
    owner, other = make_user(make_org()), make_user(make_org())
    known = sign_in(other)
    known.post("/accounts/logout/")
    for n in range(10):
        attempt(owner.email, f"guess {n}", f"10.0.0.{n}")
    assert not attempt(owner.email, PASSWORD, "127.0.0.1", known)
