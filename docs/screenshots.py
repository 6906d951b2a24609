"""Take the README's pictures from a running demo: `make demo` in one terminal, `make screenshots` in another."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
BASE = os.environ.get("BASE", "http://127.0.0.1:8000")
DATA = Path(os.environ.get("OPSBOARD_DATA_DIR", ROOT / ".data"))
#: file -> (address, theme, language, width)
PICTURES = {
    "today.png": ("/", "light", "en", 1440),
    "today-zh.png": ("/", "light", "zh-hans", 1440),
    "phone.png": ("/", "light", "en", 360),
    "listings.png": ("/listings/", "light", "en", 1440),
    "ads-dark.png": ("/ads/?chart=acos", "dark", "en", 1440),
    "search-terms.png": ("/ads/terms/", "light", "en", 1440),
    "inventory-zh-dark.png": ("/inventory/", "dark", "zh-hans", 1440),
    "alert.png": ("/alerts/1/", "light", "en", 1440),
    "health.png": ("/health/", "light", "en", 1440),
    "data.png": ("/data/", "light", "en", 1440),
}


def sign_in(page: Page) -> None:
    page.goto(f"{BASE}/accounts/login/")
    page.fill("input[name=login]", "demo@example.com")
    page.fill("input[name=password]", json.loads((DATA / "secrets.json").read_text())["DEMO_PASSWORD"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{BASE}/")


def main() -> int:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("No Chromium here: install one or name it in CHROMIUM.", file=sys.stderr)
        return 2
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (address, theme, language, width) in PICTURES.items():
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=theme, locale=language, reduced_motion="reduce"
            )
            page = context.new_page()
            sign_in(page)
            page.goto(BASE + address)
            page.screenshot(path=ROOT / "docs" / "screenshots" / name)
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
