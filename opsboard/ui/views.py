"""How the board looks to one person: theme and language."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from opsboard.accounts.public import public

_YEAR = 365 * 86400


@public
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme or language with the person (and the browser), and go back to the page.

    Open to all: the sign-in page is read in one's own language and theme too.
    """
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    user, changed = request.user, []
    secure = settings.SESSION_COOKIE_SECURE
    theme, language = request.POST.get("theme"), request.POST.get("language")
    if theme in {"", "light", "dark"}:
        response.set_cookie("theme", theme, max_age=_YEAR, samesite="Lax", secure=secure, httponly=True)
        changed.append(("theme", theme))
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=_YEAR, samesite="Lax", secure=secure)
        changed.append(("language", language))
    if user.is_authenticated and changed:
        for field, value in changed:
            setattr(user, field, value)
        user.save(update_fields=[field for field, _value in changed])
    return response
