"""What verdicts and limits say, in the reader's language.

Verdicts are written by workers and read by people of several languages, so the rows keep codes
("few_days:12:30") and source texts; they become words here, when a page or a mail is made.
"""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from opsboard.ui import formats

#: Sources of limits that are not declared by a domain; kept untranslated, shown by `source_words`.
OWN_LIMIT = gettext_noop("Set by your organisation")
AMAZON_TARGET = gettext_noop("Amazon's target in the report")


def reason_words(code: str) -> str:
    """Why there is no judgement, or what is missing under one: the words of a verdict's reason."""
    kind, _colon, rest = code.partition(":")
    match kind:
        case "no_data":
            return _("no data for these days")
        case "few_days":
            have, want = rest.split(":")
            return _("only %(have)s of %(want)s days are there") % {"have": have, "want": want}
        case "gap":
            have, want = rest.split(":")
            return _("%(have)s of %(want)s days are there") % {"have": have, "want": want}
        case "stale":
            return _("the newest figure is of %(day)s") % {"day": formats.day(date.fromisoformat(rest))}
        case "no_denominator":
            return _("nothing to divide by in these days")
        case "immature":
            return _("judged by days that may still move")
    return code


def source_words(source: str) -> str:
    """Where a limit comes from."""
    return _(source) if source else ""
