"""What a person once said of files with a header, for the next file with the same one.

An answer is offered where a file leaves the same thing open again, and said to be so; a file that
proves otherwise is read as it proves. A day is never remembered: it is another one next time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.utils import timezone

from opsboard.accounts.models import SellerAccount, User

from . import cells
from .errors import Ambiguous
from .models import RememberedAnswer
from .staging import canonical

#: What may be remembered; `kind` is the report type, where the header fits several.
KEPT = ("kind", "date_order", "point")


def fingerprint(header: Iterable[Any]) -> str:
    """The same for headers that differ in case, spaces and hyphens only."""
    names = "\n".join(canonical(cells.text(name)) for name in header)
    return blake2b(names.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def recall(account: SellerAccount, question: Ambiguous) -> RememberedAnswer | None:
    """What was answered to the same question about such a file of the account."""
    if question.needs not in KEPT or not question.fingerprint:
        return None
    found = known(account, question.spec, question.fingerprint)
    return found if found and found.answers.get(question.needs) in question.choices else None


def known(account: SellerAccount, spec: str, header: str) -> RememberedAnswer | None:
    """All that was answered about such files of the account."""
    answers = RememberedAnswer.objects.select_related("answered_by")
    return answers.filter(account=account, spec=spec, fingerprint=header).first()


def remember(account: SellerAccount, spec: str, header: str, answers: Mapping[str, Any], user: User | None) -> None:
    """Keep what was answered; a newer answer takes the place of the old one."""
    kept = {name: answers[name] for name in KEPT if answers.get(name)}
    if not kept or not header:
        return
    with transaction.atomic():
        found, _new = RememberedAnswer.objects.select_for_update().get_or_create(
            account=account, spec=spec, fingerprint=header
        )
        found.answers = {**found.answers, **kept}
        found.answered_by, found.answered_at = user, timezone.now()
        found.save()
