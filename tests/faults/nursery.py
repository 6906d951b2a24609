"""python -m tests.faults.nursery: forks real Celery workers and beats at once, for tests that kill dozens of them.

A worker that starts from nothing spends seconds of a processor on imports. This process imports all that once and
then forks: each child is a session of its own and runs Celery's own main. One JSON line in, the child's pid out:
{"argv": [...], "log": path, "sabotage": {name: argument}}. When it ends, all its children do.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

import django

from opsboard.supervisor import dies_with_parent

from .sabotage import SABOTAGES


def _load() -> Any:
    django.setup()
    from opsboard.alerts import tasks as _alerts
    from opsboard.amazon import ads_api as _ads
    from opsboard.amazon import sp_api as _sp
    from opsboard.celery import app
    from opsboard.feeds import convert as _convert
    from opsboard.feeds import tasks as _feeds

    _ = _alerts, _ads, _sp, _convert, _feeds
    import kombu.transport.redis  # noqa: F401

    app.loader.import_default_modules()
    return app


def _become(app: Any, wanted: dict[str, Any]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, handle in ((0, nothing), (1, log), (2, log)):
        os.dup2(handle, number)
    for name, argument in wanted["sabotage"].items():
        SABOTAGES[name](str(argument))
    app.start(argv=wanted["argv"])


def main() -> None:
    app = _load()
    children: list[int] = []

    def end(*_: object) -> None:
        for pid in children:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os._exit(0)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    for line in sys.stdin:
        arrange = dies_with_parent(signal.SIGKILL)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                arrange()
                _become(app, json.loads(line))
                status = 0
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else 1
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        children.append(pid)
        print(pid, flush=True)
    end()


if __name__ == "__main__":
    main()
