"""A server that speaks Amazon's protocol over a made-up seller: for the demo, tests and faults.

`start_in_thread()` gives a running server with `.url`, `.state` and `.stop()`;
`python -m opsboard.simulator --port N` runs one. DEMO_CREDENTIALS are the only ones it accepts.
`Truth` is what happened; documents are rendered from it, so tests compare what opsboard shows
with what was planted (`stories`). Nothing here imports Django or the rest of opsboard.
"""

from __future__ import annotations

from .business import ACCOUNTS, DEMO_CREDENTIALS
from .server import Running, start_in_thread
from .stories import STORIES, Story
from .truth import Truth

__all__ = ["ACCOUNTS", "DEMO_CREDENTIALS", "STORIES", "Running", "Story", "Truth", "start_in_thread"]
