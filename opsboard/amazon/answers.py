"""From an HTTP answer to our errors: the one place that knows what Amazon's status codes mean.

The libraries do not do for that: python-amazon-sp-api raises only when the body has `errors`
(a 503 page or an empty 429 pass as an empty success), python-amazon-ad-api has no class for 425,
502 and 504. So both are asked to hand over the raw answer, and it is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.translation import gettext as _

from .errors import AmazonError, AuthRefused, BadRequest, Duplicate, NotAmazon, NotFound, TemporarilyDown, Throttled

LIMIT_HEADER = "x-amzn-RateLimit-Limit"
_DUPLICATE = re.compile(r"duplicate of\s*:?\s*([0-9A-Za-z._-]+)", re.IGNORECASE)


def problem(status: int, headers: Mapping[str, str], body: Any) -> AmazonError | None:
    """The error an answer means, None when it is a success. `body` is parsed JSON, or None for anything else."""
    if 200 <= status < 300:
        return None if isinstance(body, (dict, list)) else NotAmazon(_("the answer is not JSON"))
    said = words(body)
    if status == 429:
        wait = retry_after(headers)
        return Throttled(wait if wait is not None else -1.0, asked=True)
    if status == 425 and (found := _DUPLICATE.search(said)):
        return Duplicate(found.group(1))
    if status == 401:
        return AuthRefused(detail=said, status=401)
    if status == 403:
        todo = _(
            "Amazon refuses access to this. Check the roles of the application and that the seller authorised it, "
            "then try again."
        )
        return AuthRefused(todo, said, 403)
    if status == 404:
        return NotFound(said)
    if status >= 500 or status in {408, 425}:
        return TemporarilyDown(said or f"HTTP {status}")
    return BadRequest(said or f"HTTP {status}")


def words(body: Any) -> str:
    """Amazon's wording in any of its error bodies."""
    if isinstance(body, dict):
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else body
        if isinstance(first, dict):
            for name in ("message", "detail", "details", "error_description", "failureReason", "errorDetails"):
                if first.get(name):
                    return str(first[name])
    return ""


def token_is_old(status: int, body: Any) -> bool:
    """The access token is refused, not the seller.

    The SP-API says 403 "Access to requested resource is denied." for both, and names the token in the details only.
    """
    if status != 403:
        return status == 401
    errors = body.get("errors") if isinstance(body, dict) else None
    texts = [f"{one.get('message')} {one.get('details')}" for one in errors or () if isinstance(one, dict)]
    return any("access token" in text.lower() or "token you provided" in text.lower() for text in texts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header, which may also be a date."""
    text = headers.get("Retry-After") or headers.get("retry-after") or ""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
