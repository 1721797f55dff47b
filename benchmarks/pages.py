"""How long a person waits for a page of the dashboard, with 5,000 documents of 20 chunks and a 190-page file open.

    python -m benchmarks.pages [--documents 5000] [--file 10-K.pdf] [--times 7]

The real server and a real browser (Chromium, as the browser tests have it), one person. A page is there when its
heading, or the page of the document and its chunk, can be seen. The list of documents is paged, searched, filtered and
sorted, all of it is selected, a hundred documents are deleted, and questions are tried (retrieval, and whether they
would be answered): each until what was asked for can be seen.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Locator, Page, expect, sync_playwright
from sqlalchemy import update

from benchmarks.evaluation_sets import DATA, questions
from benchmarks.report import table, write
from benchmarks.retrieval_scale import ASKED, filled
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.tables import Document

PORT = 8597
URL = f"http://127.0.0.1:{PORT}"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SWITCHES = ("Corpus", "Chat", "Jobs", "Evaluate", "Fine-tune", "Compare", "Home")
EMBEDDED = 1_000
PER_DOCUMENT = 20
FAILED = 50
"""One document of so many has failed."""
PER_PAGE = 25
PATIENCE_MS = 120_000
Waits = dict[str, list[float]]


def made(home: Path, documents: int, file: Path) -> int:
    """A workspace with many documents and one large file in a corpus of its own; returns that corpus."""
    with Workspace.open(Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}")) as ws:
        filled(ws, documents * PER_DOCUMENT, EMBEDDED, PER_DOCUMENT)
        with ws.database.write() as session:
            session.execute(
                update(Document).where(Document.id % FAILED == 0).values(status="failed", error="It failed.")
            )
        corpus = intake.create_corpus(ws, "filings", "finance").id
        intake.add_files(ws, corpus, [(file.name, file)])
        ws.dispatcher.run_one()
        return corpus


@contextmanager
def served(home: Path) -> Iterator[None]:
    """The dashboard on that workspace, until it is left."""
    command = [sys.executable, "-m", "dashboard", "--workspace", str(home), "--port", str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                httpx.get(f"{URL}/api/health").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_MS / 1000)


def browsed(corpus: int, name: str, documents: int, times: int) -> Waits:
    """Seconds until each thing can be seen, by what it is; the very first visit, which starts a lot, apart."""
    waits: Waits = {"the first page, first visit": [], "the first page": []}
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=FLAGS, executable_path=chromium())
        for visit in range(times):
            page = browser.new_context(base_url=URL).new_page()
            page.set_default_timeout(PATIENCE_MS)
            key = "the first page" if visit else "the first page, first visit"
            waits[key].append(seen(page, lambda page=page: page.goto("/"), "heading"))
            page.context.close()
        page = browser.new_context(base_url=URL, viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"/corpus?corpus={corpus}")
        expect(page.get_by_role("button", name=name)).to_be_visible()
        waits["opening a page of the document"] = [opened(page, name) for _ in range(times)]
        page.goto("/corpus?corpus=1")  # the large one
        expect(first(page)).to_be_visible()
        for _ in range(times):
            for to in SWITCHES:
                waits.setdefault(f"to {to}", []).append(switched(page, to))
        waits |= listed(page, documents, times) | tried(page, times)
        waits["deleting 100 documents, from the click"] = [deleted(page, f"document {documents // 100 - 1:03}")]
        browser.close()
    return waits


def listed(page: Page, documents: int, times: int) -> Waits:
    """The list of the large corpus: another page of it, searched, filtered, sorted, all of it selected."""
    waits: Waits = {}
    page.goto("/corpus?corpus=1")
    expect(first(page)).to_be_visible()
    find = page.get_by_label("Find a document")
    for turn in range(times):
        timed = Timed(page, waits)
        number = f"{documents // 2 + turn:05}"
        timed("another page of the list", lambda: page.get_by_role("button", name="Page 2", exact=True).click(),
              f"document {PER_PAGE:05}")  # fmt: skip
        timed("search by name", lambda number=number: _typed(find, number), f"document {number}")
        timed("search taken back", lambda: _typed(find, ""), "document 00000")
        timed("filter by status", lambda: page.get_by_role("radio", name="Failed").click(), f"document {FAILED - 1:05}")
        timed("filter taken back", lambda: page.get_by_role("radio", name="All").click(), "document 00000")
        timed("sorted by the newest", lambda: _sorted(page, "Newest"), f"document {documents - 1:05}")
        timed("sorted by name", lambda: _sorted(page, "Name"), "document 00000")
        tick = page.locator("label").filter(has_text="Select this page")
        tick.click()
        whole = page.get_by_role("button", name=f"Select all {documents:,}")
        expect(whole).to_be_visible()
        began = time.perf_counter()
        whole.click()
        expect(page.get_by_text(f"{documents:,} selected")).to_be_visible()
        waits.setdefault("everything selected", []).append(time.perf_counter() - began)
        tick.click()
        expect(page.get_by_text("selected", exact=False)).to_have_count(0)
    return waits


def tried(page: Page, times: int) -> Waits:
    """Retrieval tests on the large corpus, until it is said whether the question would be answered."""
    asked = [each.text for name in ASKED for each in questions(name, "train")[:times]][: 3 * times]
    page.get_by_role("radio", name="Retrieval test").click()
    box = page.get_by_label("A question")
    expect(box).to_be_visible()
    waits: list[float] = []
    for question in asked:
        box.fill(question)
        began = time.perf_counter()
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "running")
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page.get_by_text(re.compile("This question would be"))).to_be_visible()
        waits.append(time.perf_counter() - began)
    return {"a retrieval test, with the verdict": waits}


def deleted(page: Page, some: str) -> float:
    """Seconds from the last click until the documents of that beginning are gone from the list."""
    page.get_by_role("radio", name="Documents").click()
    _typed(page.get_by_label("Find a document"), some)
    expect(page.get_by_text("100 documents", exact=True)).to_be_visible()
    page.locator("label").filter(has_text="Select this page").click()
    page.get_by_role("button", name="Select all 100").click()
    expect(page.get_by_text("100 selected")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).first.click()
    sure = page.get_by_role("dialog").get_by_role("button", name="Delete 100 documents")
    expect(sure).to_be_visible()
    began = time.perf_counter()
    sure.click()
    expect(page.get_by_text("No document matches.", exact=False)).to_be_visible()
    return time.perf_counter() - began


class Timed:
    """Does something to the list and waits until a document is its first."""

    def __init__(self, page: Page, waits: Waits) -> None:
        self._page, self._waits = page, waits

    def __call__(self, what: str, act: Callable[[], object], comes_first: str) -> None:
        """Adds the seconds to those of `what`."""
        began = time.perf_counter()
        act()
        expect(first(self._page)).to_have_text(comes_first)
        self._waits.setdefault(what, []).append(time.perf_counter() - began)


def first(page: Page) -> Locator:
    """The name of the first document that is listed."""
    return page.get_by_role("button", name=re.compile(r"^document \d+$")).first


def _typed(box: Locator, text: str) -> None:
    box.fill(text)
    box.press("Enter")


def _sorted(page: Page, by: str) -> None:
    page.get_by_label("Sort by").click()
    page.get_by_role("option", name=by, exact=True).click()


def chromium() -> str | None:
    """Debian's Chromium where it is there, else Playwright's own."""
    debian = Path("/usr/bin/chromium")
    return str(debian) if debian.exists() else None


def seen(page: Page, act: Callable[[], object], role: str) -> float:
    """Seconds from an act until something of that role stands in the page's main part."""
    began = time.perf_counter()
    act()
    expect(page.get_by_test_id("stMain").get_by_role(role).first).to_be_visible()  # type: ignore[arg-type]
    return time.perf_counter() - began


def switched(page: Page, to: str) -> float:
    """Seconds from a click in the sidebar until the page of that name has been drawn whole."""
    began = time.perf_counter()
    page.get_by_test_id("stSidebar").get_by_role("link", name=to, exact=True).click()
    page.wait_for_url(lambda url: (to.lower().replace("-", "") if to != "Home" else "/?") in url or url.endswith("/"))
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return time.perf_counter() - began


def opened(page: Page, name: str) -> float:
    """Seconds from a click on a document until its page and its first chunk can be seen."""
    began = time.perf_counter()
    page.get_by_role("button", name=name).click()
    expect(page.get_by_text("Next chunk")).to_be_visible()
    expect(page.get_by_role("dialog").locator("img, canvas").first).to_be_visible()
    waited = time.perf_counter() - began
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_timeout(700)
    return waited


def main() -> None:
    """Make the workspace, look at its pages, write `results/pages.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=5_000, help="a multiple of 100, at least 200")
    parser.add_argument("--file", type=Path, default=DATA.parent / "files" / "finance" / "BOEING_2022_10K.pdf")
    parser.add_argument("--times", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = made(Path(folder), chosen.documents, chosen.file)
        with served(Path(folder)):
            waits = browsed(corpus, chosen.file.name, chosen.documents, chosen.times)
    rows = [(what, *(f"{np.percentile(times, at):.2f}" for at in (50, 100))) for what, times in waits.items() if times]
    size = f"{chosen.documents:,} documents with {chosen.documents * PER_DOCUMENT:,} chunks"
    note = f"{size} beside it; what can be seen, not only what the server spent."
    write("pages", "Waiting for a page", f"{table(('what', 'p50 s', 'worst s'), rows)}\n\n{note}")


if __name__ == "__main__":
    main()
