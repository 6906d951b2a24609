"""Who may look at all, what the browser may keep, and in which language the page speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode

from .public import is_public

Next = Callable[[HttpRequest], HttpResponseBase]


class SignedInOnlyMiddleware:
    """Nothing but the public pages (opsboard.accounts.public) opens without a sign-in.

    A part asked for by htmx gets 401 and HX-Redirect, so that the whole page goes to the
    sign-in and comes back, instead of a sign-in form landing inside a table. Pages of a
    signed-in person are never stored: the back button after signing out shows nothing.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if request.user.is_authenticated or is_public(request, view):
            return None
        if request.headers.get("HX-Request") == "true":
            back = urlsplit(request.headers.get("HX-Current-URL", "/"))
            came_from = f"{back.path}?{back.query}" if back.query else back.path or "/"
            response = HttpResponse(status=401)
            response["HX-Redirect"] = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': came_from})}"
            return response
        came_from = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
        return redirect_to_login(came_from, resolve_url(settings.LOGIN_URL))


class UserLanguageMiddleware:
    """The language a person chose in their profile wins over cookie and Accept-Language."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and request.user.language in dict(settings.LANGUAGES):
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
        return self.get_response(request)
