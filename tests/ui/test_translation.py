"""The Chinese catalogue is whole: nothing untranslated, nothing doubtful, every placeholder kept."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po
from django.conf import settings

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def test_every_string_is_translated_with_its_placeholders() -> None:
    with CATALOGUE.open("rb") as file:
        messages = [message for message in read_po(file, locale="zh_Hans") if message.id]
    wrong = []
    for message in messages:
        source = message.id if isinstance(message.id, str) else message.id[-1]
        said = message.string if isinstance(message.string, str) else message.string[0]
        if not said or message.fuzzy or _names(source) != _names(said):
            wrong.append(source)

    assert len(messages) > 800
    assert wrong == []


def _names(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)", text))
