"""How long a person waits for a page of the dashboard, with 100,000 chunks in the workspace and a 190-page file open.

    python -m benchmarks.pages [--chunks 100000] [--file 10-K.pdf] [--times 7]

The real server and a real browser (Chromium, as the browser tests have it), one person. A page is there when its
heading, or the page of the document and its chunk, can be seen.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.evaluation_sets import DATA
from benchmarks.report import table, write
from benchmarks.retrieval_scale import filled
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace

PORT = 8597
URL = f"http://127.0.0.1:{PORT}"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SWITCHES = ("Corpus", "Chat", "Jobs", "Evaluate", "Fine-tune", "Compare", "Home")
EMBEDDED = 1_000
PATIENCE_MS = 120_000


def made(home: Path, chunks: int, file: Path) -> int:
    """A workspace with many chunks and one large file in a corpus of its own; returns that corpus."""
    with Workspace.open(Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}")) as ws:
        filled(ws, chunks, EMBEDDED)
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
        process.wait(60)


def browsed(corpus: int, name: str, times: int) -> dict[str, list[float]]:
    """Seconds until each thing can be seen, by what it is; the very first visit, which starts a lot, apart."""
    waits: dict[str, list[float]] = {"the first page, first visit": [], "the first page": []}
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
        expect(page.get_by_role("heading").first).to_be_visible()
        for _ in range(times):
            for to in SWITCHES:
                waits.setdefault(f"to {to}", []).append(switched(page, to))
        browser.close()
    return waits


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
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--file", type=Path, default=DATA.parent / "files" / "finance" / "BOEING_2022_10K.pdf")
    parser.add_argument("--times", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = made(Path(folder), chosen.chunks, chosen.file)
        with served(Path(folder)):
            waits = browsed(corpus, chosen.file.name, chosen.times)
    rows = [(what, *(f"{np.percentile(times, at):.2f}" for at in (50, 100))) for what, times in waits.items() if times]
    note = f"{chosen.chunks:,} chunks beside it; what can be seen, not only what the server spent."
    write("pages", "Waiting for a page", f"{table(('what', 'p50 s', 'worst s'), rows)}\n\n{note}")


if __name__ == "__main__":
    main()
