"""Child processes: started in groups of their own, restarted when they die, gone when we are."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

STOP_SECONDS = 25.0
_PR_SET_PDEATHSIG = 1


def dies_with_parent(sign: int = signal.SIGTERM) -> Callable[[], None]:
    """For Popen(preexec_fn=...): the kernel sends `sign` when the parent is gone."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, sign)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return arrange


def end(process: subprocess.Popen[bytes], sign: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> None:
    """Stop a child and its group: politely, then firmly."""
    if process.poll() is None:
        process.send_signal(sign)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(5)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Supervisor:
    """Starts child processes, restarts those that die, stops them all."""

    RESTARTS = 5

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.children: dict[str, tuple[list[str], dict[str, str], subprocess.Popen[bytes]]] = {}
        self.restarts: dict[str, int] = {}

    def spawn(self, name: str, argv: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start `argv` in its own process group with its output in <logs>/<name>.log."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with open(self.logs / f"{name}.log", "ab") as log:
            child = subprocess.Popen(
                argv,
                env=env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
        self.children[name] = argv, env, child
        return child

    def look_after(self) -> str:
        """Restart what died; the name of a child that will not stay up, else ""."""
        for name, (argv, env, child) in list(self.children.items()):
            if child.poll() is None:
                continue
            self.restarts[name] = self.restarts.get(name, 0) + 1
            if self.restarts[name] > self.RESTARTS:
                return name
            self.spawn(name, argv, env)
        return ""

    def stop(self) -> None:
        """Stop every child: all are asked at once, the last started is waited for first."""
        for _argv, _env, child in self.children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for _argv, _env, child in reversed(self.children.values()):
            end(child)
        self.children.clear()

    def tail(self, name: str, size: int = 800) -> str:
        file = self.logs / f"{name}.log"
        return file.read_text(errors="replace")[-size:] if file.exists() else ""
