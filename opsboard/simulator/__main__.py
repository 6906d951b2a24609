"""python -m opsboard.simulator: serve the made-up seller until told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import date

from .server import make


def main() -> int:
    parser = argparse.ArgumentParser(prog="opsboard.simulator", description="Amazon's protocol over a made-up seller.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--anchor", type=date.fromisoformat, help="the day the stories count back from (default: today)"
    )
    parser.add_argument("--rate-factor", type=float, default=1.0, help="1 is Amazon's own rate limits")
    parser.add_argument("--delay-factor", type=float, default=1.0, help="1 is Amazon's own processing time, 0 none")
    options = parser.parse_args()
    try:
        server = make(
            options.host,
            options.port,
            seed=options.seed,
            anchor=options.anchor,
            rate_factor=options.rate_factor,
            delay_factor=options.delay_factor,
        )
    except OSError as error:
        print(f"port {options.port} is not free: {error.strerror}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"simulator ready {server.url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
