"""What Amazon can answer instead of an answer, each with a sentence for the person who reads it.

Whatever the transport did (status code, broken body, time-out, a library's own exception), the
rest of opsboard sees one of these. No message holds an address, a token or a credential.
"""

from __future__ import annotations

from django.utils.translation import gettext as _


class AmazonError(Exception):
    """`str()` is a sentence for the seller; `detail` is Amazon's own wording, when it gave one."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = " ".join(detail.split())[:500]

    def sentence(self) -> str:
        return _("Amazon refused without saying why.")

    def __str__(self) -> str:
        said = _("Amazon says: %(detail)s") % {"detail": self.detail} if self.detail else ""
        return f"{self.sentence()} {said}".strip()


class Throttled(AmazonError):
    """Not now: ask again in `retry_after` seconds. `asked` tells whether Amazon said so or our own bucket."""

    def __init__(self, retry_after: float, operation: str = "", asked: bool = False) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.operation = operation
        self.asked = asked

    def sentence(self) -> str:
        return _("Amazon limits how often this may be asked; it is asked again by itself.")


class TemporarilyDown(AmazonError):
    """Amazon, or the way there, does not work at the moment; nothing is known about the request."""

    def sentence(self) -> str:
        return _("Amazon does not answer as it should at the moment; it is tried again by itself.")


class Unreachable(TemporarilyDown):
    """No answer at all: the network, a name, a proxy, or Amazon's door."""

    def sentence(self) -> str:
        return _("Amazon could not be reached; it is tried again by itself.")


class NotAmazon(TemporarilyDown):
    """Something answered that does not speak as Amazon does: a web page of a proxy, a firewall, a sign-in."""

    def sentence(self) -> str:
        return _("A web page came instead of Amazon's answer; it is tried again by itself.")


class AuthRefused(AmazonError):
    """Credentials or permissions are not good enough, and trying again will not help.

    `code` is Login with Amazon's own word where that refused ("invalid_grant"), else "".
    """

    def __init__(self, todo: str = "", detail: str = "", status: int = 0, code: str = "") -> None:
        super().__init__(detail)
        self.todo = todo
        self.status = status
        self.code = code

    def sentence(self) -> str:
        return self.todo or _("Amazon refused the credentials. Enter them again under Settings, Accounts.")


class NoCredentials(AuthRefused):
    """Nothing to sign in with."""

    def sentence(self) -> str:
        return self.todo or _("No Amazon credentials are stored for this account. Enter them under Settings, Accounts.")


class Duplicate(AmazonError):
    """The same report is already being made, under `report_id`."""

    def __init__(self, report_id: str) -> None:
        super().__init__()
        self.report_id = report_id

    def sentence(self) -> str:
        return _("The same report is already being made.")


class BadRequest(AmazonError):
    """Amazon will never answer this request as it stands."""

    def sentence(self) -> str:
        return _("Amazon does not accept this request.")


class NotFound(AmazonError):
    """Amazon does not know this report any more."""

    def sentence(self) -> str:
        return _("Amazon no longer knows this report; it is requested anew.")


class DownloadFailed(AmazonError):
    """A document did not arrive whole; nothing of it is kept."""

    def sentence(self) -> str:
        return _("The document did not arrive whole; it is downloaded again.")


class PageInstead(DownloadFailed):
    """A web page came where the document should be."""

    def sentence(self) -> str:
        return _("A web page came instead of the document; it is downloaded again.")


class Expired(DownloadFailed):
    """The document's address is no longer valid: ask for a new one, not for a new report."""

    def sentence(self) -> str:
        return _("The address of the document has expired; a new one is asked for.")


class TooBig(DownloadFailed):
    """The document is larger than any report opsboard reads."""

    def sentence(self) -> str:
        return _("The document is larger than opsboard accepts. Ask for a shorter period.")
