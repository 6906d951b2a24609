"""How django-allauth behaves here: closed sign-up, honest client addresses, fair lock-outs."""

from __future__ import annotations

import smtplib
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from .models import User

log = structlog.get_logger(__name__)

_DEVICE_COOKIE = "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"
_DEVICE_DAYS = 180


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Sign-up is closed: an owner invites, or `manage.py create_owner` makes the first person.

    Failed sign-ins are counted per e-mail address, so that guessing from many addresses is
    held too. A browser that has signed in before carries a signed device cookie and has a
    count of its own: a stranger who burns the attempts of an address does not lock its owner out.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    # --- who is asking ----------------------------------------------------------------------

    def get_client_ip(self, request: HttpRequest) -> str:
        """The peer's address; X-Forwarded-For counts only behind our proxy, and then its last entry only."""
        if settings.SECURE_PROXY_SSL_HEADER:
            forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            if forwarded:
                request.META["REMOTE_ADDR"] = forwarded
        try:
            return str(super().get_client_ip(request))
        except PermissionDenied:
            return "127.0.0.1"  # a unix socket names no peer

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        key = str(super()._get_login_attempts_cache_key(request, **credentials))
        email = str(credentials.get("email", "")).lower()
        return f"{key}:known" if self._is_known_device(request, email) else key

    def _is_known_device(self, request: HttpRequest, email: str) -> bool:
        try:
            value = request.get_signed_cookie(_DEVICE_COOKIE, salt=__name__, max_age=_DEVICE_DAYS * 86400)
        except (KeyError, BadSignature):
            return False
        return value in {self._device_value(user) for user in User.objects.filter(email=email)}

    @staticmethod
    def _device_value(user: User) -> str:
        # Bound to the password, so changing it makes every earlier device a stranger again.
        return f"{user.pk}:{salted_hmac(__name__, user.password).hexdigest()[:16]}"

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        log.info("signed_in", user=user.pk, ip=self.get_client_ip(request))
        response.set_signed_cookie(
            _DEVICE_COOKIE,
            self._device_value(user),
            salt=__name__,
            max_age=_DEVICE_DAYS * 86400,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        log.warning("sign_in_failed", ip=self.get_client_ip(request))

    # --- mail ---------------------------------------------------------------------------------

    def get_reset_password_from_key_url(self, key: str) -> str:
        """On the configured address, whatever Host the request claimed."""
        uid, _dash, token = key.partition("-")
        return settings.BASE_URL + reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})

    def format_email_subject(self, subject: str) -> str:
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, or say that it could not be sent; the same words whether or not the address is known."""
        try:
            super().send_mail(template_prefix, email, {"base_url": settings.BASE_URL, **context})
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail_not_sent", mail=template_prefix, error=type(error).__name__)
            messages.error(
                self.request,
                _("The mail server did not accept the mail. Try again later, or ask whoever runs this server."),
            )
