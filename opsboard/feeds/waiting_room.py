"""Where an uploaded file waits between "what is this?" and "bring it in": an hour, for its uploader only."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from opsboard.accounts.models import User

KEEP_SECONDS = 3600
_SALT = "opsboard.feeds.waiting_room"


class Gone(Exception):
    """The file is not there any more, or was another person's."""


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def hold(file: UploadedFile[bytes], user: User) -> str:
    """Put the file aside and return the ticket to fetch it with; sweeps what has waited too long."""
    folder = _folder()
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - KEEP_SECONDS:
            old.unlink(missing_ok=True)
    name = uuid.uuid4().hex
    with (folder / name).open("xb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    return signing.dumps({"file": name, "user": user.pk, "name": (file.name or "")[:200]}, salt=_SALT)


def find(ticket: str, user: User) -> tuple[Path, str]:
    """(path, the file's own name) of a ticket; Gone for a stranger's, a forged or an old one."""
    try:
        said = signing.loads(ticket, salt=_SALT, max_age=KEEP_SECONDS)
    except signing.BadSignature:
        raise Gone from None
    path = _folder() / said["file"]
    if said["user"] != user.pk or not path.is_file():
        raise Gone
    return path, said["name"]


def drop(ticket: str, user: User) -> None:
    """Forget the file."""
    try:
        find(ticket, user)[0].unlink(missing_ok=True)
    except Gone:
        return
