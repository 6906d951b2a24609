"""A pytest plugin: real PostgreSQL and Redis for the run, started before Django reads its settings.

Each run has a directory and sockets of its own, so runs do not meet; so has each process of a run on several
processors (`make test`), for tests empty the queues and stop the servers. With DATABASE_URL set in the
environment, that server is used instead.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from opsboard.embedded import CannotStart, DataDirectory, Services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsboard.settings")
os.environ.setdefault("SECRET_KEY", "tests-only")
os.environ.setdefault("OPSBOARD_SEAL_KEYS", "test:" + b64encode(b"0123456789abcdef0123456789abcdef").decode())
os.environ.setdefault("OPSBOARD_PLAIN_STATIC", "1")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop in this thread

#: Set for the processes that pytest-xdist starts: DATABASE_URL is the servers of who started them, not the user's.
_OURS = "OPSBOARD_TESTS_START_SERVERS"

if "DATABASE_URL" not in os.environ or ("PYTEST_XDIST_WORKER" in os.environ and _OURS in os.environ):
    _directory = Path(tempfile.mkdtemp(prefix="opsboard-tests-"))
    _data = DataDirectory(_directory)
    _services = Services(_data, throwaway=True)

    def _stop() -> None:
        _services.stop()
        _data.close()
        shutil.rmtree(_directory, ignore_errors=True)

    atexit.register(_stop)
    try:
        _data.open()
        os.environ.update(_services.start(), **{_OURS: "1"})
    except CannotStart as error:
        sys.exit(str(error))
