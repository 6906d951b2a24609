"""Take the README's pictures from a running demo: `make demo` in one terminal, `make screenshots` in another."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
BASE = os.environ.get("BASE", "http://127.0.0.1:8000")
DATA = Path(os.environ.get("OPSBOARD_DATA_DIR", ROOT / ".data"))
FOLDER = ROOT / "docs" / "screenshots"
#: name -> (address, link to follow from there, theme, language, width, height)
PICTURES = {
    "today": ("/", "", "light", "en", 1440, 1000),
    "today-zh-dark": ("/", "", "dark", "zh-hans", 1440, 1000),
    "weekly": ("/weekly/", "", "light", "en", 1440, 1000),
    "alert": ("/alerts/", "ACoS", "light", "en", 1440, 1100),
    "coverage": ("/data/coverage/", "Northwind Europe", "light", "en", 1440, 900),
    "ads": ("/ads/?chart=acos", "United States", "light", "en", 1440, 1000),
    "inventory": ("/inventory/", "Japan", "light", "en", 1440, 1000),
}
#: Two thirds of the size of a PNG, and letters stay sharp.
QUALITY = 88


def sign_in(page: Page, language: str) -> None:
    page.goto(f"{BASE}/accounts/login/")
    page.fill("input[name=login]", "demo@example.com")
    page.fill("input[name=password]", json.loads((DATA / "secrets.json").read_text())["DEMO_PASSWORD"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{BASE}/")
    with page.expect_navigation():  # the button may be in a closed menu
        page.locator(f"button[name=language][value='{language}']").first.evaluate("button => button.click()")


def open_page(page: Page, address: str, link: str) -> None:
    """The page at an address or, with a link, the one behind its first link with these words."""
    page.goto(BASE + address)
    if link:
        found = page.locator(f":is(main, .context) a:has-text('{link}')").first
        page.goto(urljoin(page.url, str(found.get_attribute("href"))))
    page.wait_for_load_state("networkidle")


def main() -> int:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("No Chromium here: install one or name it in CHROMIUM.", file=sys.stderr)
        return 2
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (address, link, theme, language, width, height) in PICTURES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                locale=language,
                reduced_motion="reduce",
            )
            page = context.new_page()
            sign_in(page, language)
            open_page(page, address, link)
            shot = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
            (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
