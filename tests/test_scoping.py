"""The wall between tenants, held for every address there is.

The addresses come from the URLconf itself: a new view is covered the day it is wired. What a
test run cannot know (a word in an address, a page open to all) has to be said below, with its
reason, or the test fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter
from django.urls.resolvers import RegexPattern, RoutePattern

from opsboard.accounts.models import Role, User
from opsboard.accounts.public import PUBLIC_NAMES
from tests.factories import make_account, make_org, make_scope, make_user
from tests.planting import FIRST_ID, MARKER, NUMBER, Tenant, set_sequences

#: Open without a sign-in, each with its reason. Nothing else may be.
PUBLIC = {
    "livez": "asked by the process supervisor",
    "readyz": "asked by the load balancer",
    "metrics": "asked by Prometheus; a token or this machine itself is the right, and no label names a seller",
    "account_login": "signing in",
    "account_logout": "signing out twice must not fail",
    "account_signup": "says that sign-up is closed",
    "account_inactive": "says why a closed account cannot sign in",
    "account_reset_password": "a forgotten password",
    "account_reset_password_done": "a forgotten password",
    "account_reset_password_from_key": "a forgotten password; the key is the right",
    "account_reset_password_from_key_done": "a forgotten password",
    "ui:look": "theme and language of the sign-in page; changes the asker's own look only",
    "alerts:unsubscribe": "followed from a mail; the signed token is the right",
    "summaries:unsubscribe": "followed from a mail; the signed token is the right",
}

#: Words in addresses that name no object of a tenant.
WORDS: dict[str, list[str]] = {
    "ending": ["csv", "xlsx"],
    "kind": ["sp_api"],
    "metric": ["odr_afn"],
    "kpi": ["acos"],
    "situation": ["new-shop"],
    "spec": ["listings"],
    "rule_kind": ["threshold"],
    "channel_kind": ["webhook"],
    "check": ["settlements"],
    "dataset": ["sp_campaigns"],
    "day": ["2026-11-03"],
    "uidb36": ["1"],
    "key": ["x"],
    "token": ["x"],
}

#: What a stranger may try to smuggle in a form.
SMUGGLED = {
    **{name: str(FIRST_ID) for name in ("account", "scope", "organisation", "pk", "id", "member", "user", "document")},
    "role": "owner",
    "email": "accomplice@example.com",
    "name": "smuggled",
    "value": "1",
    "low": "1",
    "high": "2",
    "note": "smuggled",
    "text": "smuggled",
    "zone_name": "Asia/Tokyo",
    "weekly": "off",
    "weekday": "1",
    "hour": "1",
    "daily_hour": "1",
    "client_id": "a",
    "client_secret": "b",
    "refresh_token": "c",
}


@dataclass(frozen=True)
class Address:
    name: str
    parts: tuple[tuple[str, bool], ...]  # (argument, is it a number)
    callback: Any

    @property
    def is_public(self) -> bool:
        view_class = getattr(self.callback, "view_class", None)
        return (
            self.name in PUBLIC_NAMES or getattr(self.callback, "public", False) or getattr(view_class, "public", False)
        )

    @property
    def words(self) -> list[str]:
        return [name for name, _number in self.parts if name in WORDS]

    @property
    def names_an_object(self) -> bool:
        return len(self.words) < len(self.parts)

    def url(self, tenant: Tenant | None) -> str:
        """The address with the tenant's own ids in it; fails on an argument nobody explained."""
        arguments: dict[str, Any] = {}
        for name, number in self.parts:
            if name in WORDS:
                arguments[name] = WORDS[name][0]
            elif tenant is not None and name not in {"pk", "id"} and tenant.value(name) is not None:
                arguments[name] = tenant.value(name)
            elif number:
                arguments[name] = FIRST_ID
            else:
                assert tenant is None, f"{self.name}: what is <{name}>? Explain it in tests.test_scoping.WORDS."
                arguments[name] = "x"
        return reverse(self.name, kwargs=arguments)


def addresses(patterns: list[Any], namespace: str = "", parts: tuple[tuple[str, bool], ...] = ()) -> Iterator[Address]:
    for entry in patterns:
        found = parts
        match entry.pattern:
            case RoutePattern():
                found += tuple((n, isinstance(c, IntConverter)) for n, c in entry.pattern.converters.items())
            case RegexPattern():
                found += tuple((name, False) for name in entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from addresses(entry.url_patterns, inner, found)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"{entry.pattern} has no name, so nobody can link to it or test it"
            yield Address(namespace + entry.name, found, entry.callback)


def _name(address: Address) -> str:
    return address.name


EVERY = {address.name: address for address in addresses(get_resolver().url_patterns)}
PRIVATE = [address for address in EVERY.values() if not address.is_public]
OBJECTS = [address for address in PRIVATE if address.names_an_object]

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Two:
    """Tenant A, whose owner looks over the wall, and tenant B, whose rows must stay unseen."""

    a: User
    b: Tenant


@pytest.fixture
def two() -> Iterator[Two]:
    set_sequences(100)
    organisation = make_org("Ours")
    make_scope(make_account(organisation, "Our account"), "US")
    a = make_user(organisation, Role.OWNER)
    set_sequences(FIRST_ID - 1)
    yield Two(a, Tenant("US"))
    set_sequences(1000)


def body(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text: str = content.decode("utf-8", "replace")
    return text + str(answer.headers)


def leaks(answer: Any) -> bool:
    text = body(answer)
    digits = re.sub(r"(?<=\d)[.,'’\s\u00a0\u202f](?=\d)", "", text)
    return MARKER.lower() in text.lower() or str(NUMBER) in digits


def test_the_pages_open_to_all_are_those_with_a_reason() -> None:
    assert {a.name for a in EVERY.values() if a.is_public} - set(PUBLIC) == set()


@pytest.mark.parametrize("address", PRIVATE, ids=_name)
@pytest.mark.parametrize("method", ["get", "post"])
def test_signed_out_nothing_opens(address: Address, method: str, two: Two) -> None:
    answer = getattr(Client(), method)(address.url(two.b))
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next="), address.name
    part = getattr(Client(), method)(address.url(two.b), headers={"HX-Request": "true"})
    assert part.status_code == 401 and not part.content


@pytest.mark.parametrize("address", PRIVATE, ids=_name)
def test_a_stranger_sees_and_changes_nothing_of_another_tenant(address: Address, two: Two) -> None:
    before = two.b.snapshot()
    client = Client()
    client.force_login(two.a, "allauth.account.auth_backends.AuthenticationBackend")
    url = address.url(two.b)

    answers = [client.get(url), client.post(url, SMUGGLED)]
    if address.names_an_object:
        assert 404 in {a.status_code for a in answers}
        assert {a.status_code for a in answers} <= {404, 405}
    else:
        assert answers[0].status_code in {200, 302, 405}
        for theirs in ({"scope": FIRST_ID}, {"account": FIRST_ID}):
            answers += [client.get(url, theirs), client.post(f"{url}?scope={FIRST_ID}", SMUGGLED)]
    for answer in answers:
        assert answer.status_code < 500
        assert not leaks(answer), f"{address.name} shows something of another tenant"
    assert two.b.snapshot() == before, f"{address.name} changed something of another tenant"


@pytest.mark.parametrize("address", OBJECTS, ids=_name)
def test_the_owner_does_reach_them(address: Address, two: Two) -> None:
    """The other half of the proof: these addresses name rows that exist."""
    client = Client()
    client.force_login(two.b.user, "allauth.account.auth_backends.AuthenticationBackend")
    url = address.url(two.b)
    answers = {client.get(url).status_code, client.post(url).status_code}
    assert answers - {404, 405}


@pytest.mark.parametrize(
    "name",
    [
        "settings:accounts",
        "settings:people",
        "settings:audit",
        "feeds:index",
        "feeds:coverage-day-export",
        "feeds:document",
        "feeds:backfill",
        "schedules:index",
        "feeds:document-line",
        "feeds:documents",
        "feeds:documents-export",
        "feeds:reconciliation",
        "feeds:reconciliation-check",
        "feeds:reconciliation-export",
        "feeds:reconciliation-check-export",
        "today:today",
        "listings:index",
        "listings:export",
        "listings:asin",
        "ads:index",
        "ads:export",
        "ads:terms",
        "inventory:index",
        "inventory:sku",
        "health:index",
        "health:metric",
        "summaries:weekly",
        "summary_settings:index",
    ],
)
def test_what_is_planted_can_be_seen_by_its_own_people(name: str, two: Two) -> None:
    """Else the absence that the tests above look for would prove nothing."""
    client = Client()
    colleague = make_user(
        two.b.organisation, Role.VIEWER if name not in {"settings:people", "settings:audit"} else Role.OWNER
    )
    client.force_login(colleague, "allauth.account.auth_backends.AuthenticationBackend")
    assert leaks(client.get(EVERY[name].url(two.b)))


def test_a_person_of_no_organisation_sees_nothing(two: Two) -> None:
    client = Client()
    client.force_login(make_user(), "allauth.account.auth_backends.AuthenticationBackend")
    for address in PRIVATE:
        answer = client.get(address.url(two.b))
        assert answer.status_code < 500, address.name
        assert not leaks(answer), address.name
