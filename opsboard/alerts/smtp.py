"""Django's SMTP backend that also remembers what the server said to the last mail it took.

smtplib throws the server's 250 away; its queue number is what one asks the mail provider about.
"""

from __future__ import annotations

import smtplib
from typing import Any

from django.core.mail.backends.smtp import EmailBackend as SmtpBackend


class _Remembering:
    last_answer = ""

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, said = super().data(msg)  # type: ignore[misc]
        self.last_answer = f"{code} {said.decode(errors='backslashreplace')}"
        return code, said


class _Plain(_Remembering, smtplib.SMTP): ...


class _Tls(_Remembering, smtplib.SMTP_SSL): ...


class EmailBackend(SmtpBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _Tls if self.use_ssl else _Plain

    @property
    def last_answer(self) -> str:
        return str(getattr(self.connection, "last_answer", ""))
