"""Handing over files in a real browser: dropped, counted, answered by keyboard, and the same without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace, User
from opsboard.feeds import batches, dispatch
from opsboard.feeds.models import Document, UploadBatch, UploadItem

pytestmark = pytest.mark.django_db(transaction=True)
Shop = tuple[User, list[AccountMarketplace]]
Open = Callable[..., Any]

HEADER = "Date,Campaign Name,Impressions,Clicks,Spend,7 Day Total Sales,7 Day Total Orders (#),Moon phase\n"
GOOD = f"{HEADER}2026-07-10,Kitchen,100,5,320,2000,1,full\n2026-07-11,Garden,1200,50,1320,,0,new\n"
OPEN = f"{HEADER}03/04/2026,Kitchen,100,5,320,2000,1,full\n"
BAD = "a,b\n1,2\n"
DROP = """(files) => {
  const all = new DataTransfer();
  for (const [name, text] of files) all.items.add(new File([text], name));
  const zone = document.querySelector("[data-drop]");
  for (const kind of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: all, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    settings.DOCUMENT_DIR = tmp_path / "documents"
    yield


def work() -> None:
    while batches.work_one() or dispatch._ingest_one():
        pass


def send(page: Any, live_server: Any, scope: AccountMarketplace, *files: tuple[str, str]) -> None:
    page.goto(live_server.url + "/data/upload/")
    page.select_option("#account", str(scope.pk))
    page.set_input_files(
        "#file", [{"name": name, "mimeType": "text/csv", "buffer": text.encode()} for name, text in files]
    )
    page.click("text=Look what they are")
    page.wait_for_url(lambda address: not address.endswith("/upload/"))


def test_dropped_files_are_counted_answered_and_brought_in(open_page: Open, live_server: Any, shop: Shop) -> None:
    japan = shop[1][1]
    page = open_page()
    page.goto(live_server.url + "/data/upload/")
    page.select_option("#account", str(japan.pk))
    page.evaluate(DROP, [["good.csv", GOOD], ["open.csv", OPEN], ["bad.csv", BAD]])
    assert page.locator("[data-names] li").all_inner_texts() == ["good.csv", "open.csv", "bad.csv"]
    page.click("text=Look what they are")
    page.wait_for_url(lambda address: not address.endswith("/upload/"))
    assert "3 files: 3 in work" in page.inner_text("h1")

    work()
    page.wait_for_selector("h1:has-text('1 ready, 1 with a question, 1 refused')")  # without a reload
    assert "a, b" in page.inner_text("#items")

    page.focus("text=Answer")
    page.keyboard.press("Enter")
    page.check("input[value=mdy]")
    page.click("text=Go on")
    work()
    page.wait_for_selector("h1:has-text('2 ready')")
    page.click("text=Bring in the 2 files that are ready")
    work()
    page.wait_for_selector("h1:has-text('2 brought in')")
    page.click("#items >> text=good.csv")

    assert "good.csv" in page.inner_text("main") and "/data/document/" in page.url
    assert Document.objects.filter(marketplace=japan.marketplace, file_name="open.csv").exists()
    assert page.complaints == []


def test_without_scripts_files_are_sent_and_shown_all_the_same(open_page: Open, live_server: Any, shop: Shop) -> None:
    page = open_page(scripts=False)
    send(page, live_server, shop[1][1], ("good.csv", GOOD), ("bad.csv", BAD))
    assert UploadItem.objects.filter(batch=UploadBatch.objects.get()).count() == 2
    assert page.locator("noscript meta[http-equiv=refresh]").count() or "http-equiv" in page.content()

    work()
    page.reload()

    assert "1 ready, 1 refused" in page.inner_text("h1")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1440])
def test_the_pages_of_an_upload_are_accessible_on_every_width(
    open_page: Open, live_server: Any, shop: Shop, theme: str, width: int
) -> None:
    page = open_page(theme, width=width)
    long = "a-report-with-a-name-nobody-would-type-by-hand-2026-07-01-to-2026-07-31-final-final.csv"
    send(page, live_server, shop[1][1], ("good.csv", GOOD), ("open.csv", OPEN), (long, BAD))
    batch = UploadBatch.objects.get()
    addresses = ["/data/upload/", f"/data/upload/{batch.pk}/"]
    problems: dict[str, Any] = {}

    def look(address: str) -> None:
        page.goto(live_server.url + address)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        if results.violations_count or wide:
            problems[address] = [
                "scrolls sideways" if wide else "",
                *((v["id"], v["nodes"][0]["html"][:160]) for v in results.response["violations"]),
            ]

    look(addresses[1])  # while workers are busy
    work()
    for address in [*addresses, *(f"{addresses[1]}{item.pk}/" for item in batch.items.order_by("pk"))]:
        look(address)

    assert problems == {}
    assert page.complaints == []
