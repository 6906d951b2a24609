"""Run the whole demo: services, processes, progress; stop everything that was started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opsboard import processes
from opsboard.data_directory import CannotStart, DataDirectory
from opsboard.embedded import Services
from opsboard.supervisor import Supervisor, free_port, port_is_free

from . import EMAIL
from .progress import Progress, Watch

HISTORY_DAYS = 400
FIRST_DAYS = 60
#: The web server of a run that was killed finishes its answers first.
PORT_SECONDS = 15.0
_MANAGE = str(Path(__file__).resolve().parents[2] / "manage.py")


class Demo:
    """One run of the demo. `say` prints a line; `once` leaves when its days are in."""

    def __init__(self, *, port: int, data_dir: Path, once: bool, days: int | None, say: Callable[[str], None]) -> None:
        self.port, self.once, self.say = port, once, say
        self.days = days or (FIRST_DAYS if once else HISTORY_DAYS)
        self.data = DataDirectory(data_dir)
        self.services = Services(self.data)
        self.children = Supervisor(self.data.path / "logs")
        self.started = time.monotonic()
        self.stopping = False

    def run(self) -> int:
        """0 when all went well, 2 when something is in the way (with a sentence on stderr)."""
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sign, self._stop)
        try:
            self.data.open()
            if not self.once:
                self._wait_for_port(PORT_SECONDS if self.data.left_behind else 0)
            return self._serve()
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 0
        finally:
            for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(sign, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
            if self.services.sockets is not None and not self.once:
                self.say("Stopping.")
            self.children.stop()
            self.services.stop()
            self.data.close()

    def _wait_for_port(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not port_is_free(self.port):
            if time.monotonic() >= until:
                raise CannotStart(f"Port {self.port} is in use. Choose another: PORT=8001 make demo")
            time.sleep(0.2)

    def _stop(self, _sign: int, _frame: object) -> None:
        if not self.stopping:
            self.stopping = True
            raise KeyboardInterrupt

    def _serve(self) -> int:
        env = self._environment()
        self._manage(env, "demo_setup", "--days", str(self.days))
        if not self.once:
            self._manage(env, "collectstatic", "--noinput", "--verbosity", "0")
        self._start_processes(env)
        watch = Watch(env["DATABASE_URL"])
        try:
            if self.once:
                return self._wait_once(watch)
            return self._stay(watch, env)
        finally:
            watch.close()

    def _environment(self) -> dict[str, str]:
        own = self.data.secrets()
        simulator, mail = free_port(), free_port()
        self.simulator_port, self.mail_port = simulator, mail
        return {
            **os.environ,
            **self.services.start(),
            **own,
            "DJANGO_SETTINGS_MODULE": "opsboard.settings",
            "OPSBOARD_BASE_URL": f"http://127.0.0.1:{self.port}",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SP_API_ENDPOINT": f"http://127.0.0.1:{simulator}",
            "ADS_API_ENDPOINT": f"http://127.0.0.1:{simulator}",
            "LWA_TOKEN_URL": f"http://127.0.0.1:{simulator}/auth/o2/token",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(mail),
            "DEFAULT_FROM_EMAIL": "opsboard <alerts@example.com>",
            "OPSBOARD_TICK_SECONDS": "2",
            "OPSBOARD_ALERT_GROUP_SECONDS": "0",  # who tries it looks now
            "OPSBOARD_POLL_SECONDS": "0.2",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
        }

    def _anchor(self) -> str:
        """The day the stories count back from: that of the first start, so that resuming restates nothing."""
        file = self.data.path / "demo.json"
        if not file.exists():
            file.write_text(json.dumps({"anchor": datetime.now(UTC).date().isoformat()}))
        return str(json.loads(file.read_text())["anchor"])

    def _manage(self, env: dict[str, str], *command: str) -> None:
        done = subprocess.run([sys.executable, _MANAGE, *command], env=env, capture_output=True, text=True)
        if done.returncode:
            raise CannotStart(f"manage.py {command[0]} failed:\n{done.stderr.strip()[-1500:]}")

    def _start_processes(self, env: dict[str, str]) -> None:
        spawn = self.children.spawn
        spawn("simulator", processes.simulator(self.simulator_port, self._anchor()), env)
        spawn("mail", processes.mail_sink(self.mail_port, str(self.data.path / "mail")), env)
        spawn("worker", processes.worker(), env)
        spawn("beat", processes.beat(), env)
        if not self.once:
            spawn("web", processes.web(self.port, "127.0.0.1"), env)

    def _look_after(self) -> None:
        self.services.look_after()
        if broken := self.children.look_after():
            raise CannotStart(f"The {broken} process does not stay up:\n{self.children.tail(broken)}")

    def _wait_once(self, watch: Watch) -> int:
        """Leaves when all the days it was told are ingested, judged and mailed."""
        while (now := watch.read()) is None or not now.all_over:
            self._look_after()
            if now:
                self._show(now)
            time.sleep(0.5)
        print(file=sys.stderr)
        account: dict[str, Any] = {**watch.account(), "seconds": round(time.monotonic() - self.started, 1)}
        print(json.dumps(account))
        return 0

    def _stay(self, watch: Watch, env: dict[str, str]) -> int:
        until = time.monotonic() + 30
        while port_is_free(self.port) and time.monotonic() < until:
            self._look_after()
            time.sleep(0.1)
        self.say(f"opsboard is at http://127.0.0.1:{self.port}")
        self.say(f"Sign in as {EMAIL} with the password {env['DEMO_PASSWORD']}")
        self.say(
            f"Alert mails arrive in {self.data.path / 'mail'}; logs are in {self.children.logs}. Ctrl-C stops it all."
        )
        told_first = told_all = False
        while True:
            self._look_after()
            now = watch.read()
            if now is None:  # the database is coming back
                time.sleep(1.0)
                continue
            if now.first_cycle_over and not told_first:
                told_first = True
                self._end_line()
                self.say(f"The newest days are in after {time.monotonic() - self.started:.0f} s; every page has data.")
            if now.all_over and not told_all:
                told_all = True
                self._end_line()
                self.say(f"All {now.planned} fetches are done after {time.monotonic() - self.started:.0f} s.")
            if not told_all:
                self._show(now)
            time.sleep(1.0)

    def _show(self, now: Progress) -> None:
        """One line that rewrites itself on a terminal, a line every ten seconds elsewhere."""
        text = f"{now.done} of {now.planned} reports fetched"
        if now.failed:
            text += f", {now.failed} failed"
        if sys.stderr.isatty():
            print(f"\r{text}   ", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - getattr(self, "_shown_at", 0.0) > 10:
            self._shown_at = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def _end_line(self) -> None:
        if sys.stderr.isatty():
            print(file=sys.stderr)
