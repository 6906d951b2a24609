"""The directory a one-machine opsboard lives in: one at a time, secrets made once, sockets kept short."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import IO

#: A unix socket's path may be 107 bytes at most; PostgreSQL adds ".s.PGSQL.5432" to the directory's.
_LONGEST_SOCKET_DIRECTORY = 90


class CannotStart(Exception):
    """Something is in the way; the message says what and what to do."""


class DataDirectory:
    """The directory everything lives in; one opsboard at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make and lock it; CannotStart when it cannot be written or is in use."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / "lock", "a+", encoding="utf-8")
        except OSError as error:
            raise CannotStart(
                f"The data directory {self.path} cannot be written ({error.strerror}). "
                "Choose another: OPSBOARD_DATA_DIR=/some/dir make demo"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise CannotStart(
                f"Another opsboard already runs in {self.path} (process {holder}). Stop it first, "
                "or choose another directory: OPSBOARD_DATA_DIR=/some/dir make demo"
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()

    @property
    def left_behind(self) -> bool:
        """The run before was killed: what it had started may still be going down."""
        return (self.path / "sockets").exists()

    def secrets(self) -> dict[str, str]:
        """Generated once, readable by the owner only; whole or not there, whenever we are killed."""
        file = self.path / "secrets.json"
        if file.exists():
            found: dict[str, str] = json.loads(file.read_text())
            return found
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "OPSBOARD_SEAL_KEYS": "k1:" + b64encode(secrets.token_bytes(32)).decode(),
            "DEMO_PASSWORD": secrets.token_urlsafe(12),
        }
        unfinished = self.path / "secrets.part"
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(made, out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, file)
        return made

    def make_sockets(self) -> Path:
        """A private directory with a short path; that of a run that was killed is removed first."""
        note = self.path / "sockets"
        if note.exists():
            self._remove_sockets(Path(note.read_text().strip()))
        made = Path(tempfile.mkdtemp(prefix="opsboard-"))
        if len(os.fsencode(made)) > _LONGEST_SOCKET_DIRECTORY:  # a deep TMPDIR
            made.rmdir()
            made = Path(tempfile.mkdtemp(prefix="opsboard-", dir="/tmp"))
        note.write_text(str(made))
        return made

    def drop_sockets(self, made: Path) -> None:
        self._remove_sockets(made)
        (self.path / "sockets").unlink(missing_ok=True)

    def _remove_sockets(self, path: Path) -> None:
        temporary = {Path(tempfile.gettempdir()), Path("/tmp")}
        if path.name.startswith("opsboard-") and path.parent in temporary:  # whatever the note says
            shutil.rmtree(path, ignore_errors=True)
