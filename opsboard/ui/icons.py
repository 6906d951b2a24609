"""The icons: one stroke, 24 units square, drawn here so that no page waits for them."""

from __future__ import annotations

from typing import Final

# ruff: noqa: E501 - a drawing is one line
PATHS: Final[dict[str, str]] = {
    # rooms
    "today": '<path d="M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z"/>',
    "listings": '<path d="M8 6h12M8 12h12M8 18h12"/><path d="M4 6h.01M4 12h.01M4 18h.01"/>',
    "ads": '<path d="M4 10v4l11 5V5zM15 9a3 3 0 0 1 0 6M7 15.5V19h3v-2"/>',
    "inventory": '<path d="M12 3 4 7v10l8 4 8-4V7zM4 7l8 4 8-4M12 11v10"/>',
    "health": '<path d="M12 21s-8-4-8-10V5l8-2 8 2v6c0 6-8 10-8 10z"/><path d="m9 11.5 2 2 4-4"/>',
    "alerts": '<path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4"/>',
    "weekly": '<path d="M5 3h14v18H5zM8.5 8h7M8.5 12h7"/><path d="m8.5 17 2.2-2 2 1.3 2.8-2.8"/>',
    "data": '<ellipse cx="12" cy="5.5" rx="7.5" ry="2.5"/><path d="M4.5 5.5v13c0 1.4 3.4 2.5 7.5 2.5s7.5-1.1 7.5-2.5v-13M4.5 12c0 1.4 3.4 2.5 7.5 2.5s7.5-1.1 7.5-2.5"/>',
    "settings": '<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="2.5"/><circle cx="8" cy="17" r="2.5"/>',
    "more": '<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3"/>',
    # status: a shape each, so that colour is never alone
    "ok": '<circle cx="12" cy="12" r="9"/><path d="m8 12.5 2.7 2.7L16 9.5"/>',
    "warn": '<path d="M12 3.5 2.5 20h19zM12 10v4M12 17h.01"/>',
    "breach": '<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8z"/><path d="M12 8v5M12 16h.01"/>',
    "unknown": '<circle cx="12" cy="12" r="9" stroke-dasharray="3 3"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17h.01"/>',
    "provisional": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
    "no_limit": '<path d="M5 12h14"/>',
    "running": '<path d="M20 11a8 8 0 1 0-2.3 6.2M20 5v6h-6"/>',
    # acts
    "down": '<path d="m6 9 6 6 6-6"/>',
    "left": '<path d="m15 5-7 7 7 7"/>',
    "right": '<path d="m9 5 7 7-7 7"/>',
    "sort-up": '<path d="M12 19V5M6 11l6-6 6 6"/>',
    "sort-down": '<path d="M12 5v14M6 13l6 6 6-6"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5M12 8h.01"/>',
    "export": '<path d="M12 4v11M7 10l5 5 5-5M5 20h14"/>',
    "columns": '<path d="M4 5h16v14H4zM9.5 5v14M14.5 5v14"/>',
    "density": '<path d="M4 6h16M4 10h16M4 14h16M4 18h16"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m20 20-4.2-4.2"/>',
    "close": '<path d="M6 6l12 12M18 6 6 18"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "calendar": '<path d="M4 6h16v14H4zM4 10h16M8 3v4M16 3v4"/>',
    "compare": '<path d="M7 4v16M3.5 8 7 4l3.5 4M17 20V4M13.5 16l3.5 4 3.5-4"/>',
    "shop": '<path d="M4 10v10h16V10M3 10l2-6h14l2 6a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0z"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M18.4 5.6l-1 1M6.6 17.4l-1 1"/>',
    "moon": '<path d="M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z"/>',
    "auto": '<path d="M4 5h16v11H4zM9 20h6M12 16v4"/>',
    "out": '<path d="M14 5H5v14h9M10 12h10M16 8l4 4-4 4"/>',
    "file": '<path d="M6 3h8l4 4v14H6zM14 3v4h4"/>',
    "upload": '<path d="M12 16V4M7 9l5-5 5 5M5 20h14"/>',
    "brand": '<path d="M4 19V5M4 19h16"/><path d="m8 14 3.5-4 3 2.5L20 6" stroke-width="2.2"/>',
}


def svg(name: str, extra: str = "") -> str:
    """The icon as inline SVG, hidden from assistive technology: a word always stands beside it."""
    classes = f"icon {extra}".strip()
    return f'<svg class="{classes}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{PATHS[name]}</svg>'
