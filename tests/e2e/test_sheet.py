"""A cited page beside the chat: a drawer on a desk, a sheet on a phone, in light and dark.

It lies inside the window, everything on it can be pressed, and closing it gives the chat back.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.assistants import live
from core.domains import domain
from core.ingestion import intake
from core.workspace import Workspace
from tests.e2e.conftest import Server, alone
from tests.e2e.test_main_path import answers
from tests.e2e.test_naughty_strings import Scripted, opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
HEIGHT = 844
FILES = ("kestrel-wharf-lease.pdf", "norvane-velter-nda.docx")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sheet") / "workspace"


@pytest.fixture(scope="module")
def address(home: Path) -> str:
    """The way to a conversation with an answer that quotes a PDF, which is shown as a picture."""
    with opened(home) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal").id
        intake.add_files(ws, corpus, [(name, domain("legal").sample_folder / name) for name in FILES])
        ws.dispatcher.run_one()
        return f"/chat?corpus={corpus}&conversation={answered(ws, corpus)}"


def answered(ws: Workspace, corpus: int) -> int:
    """A conversation whose answer leads with quotations, as a small base model's does."""
    ws.assistants.choose_reading(corpus, "quote")
    talk = ws.conversations.create(corpus).id
    list(live.follow(ws, live.start(ws, talk, domain("legal").example_questions[0])))
    return talk


@pytest.fixture(scope="module")
def server(home: Path, address: str) -> Iterator[Server]:
    running = Scripted(home)
    running.start()
    yield running
    running.stop()


@pytest.fixture(params=["light", "dark"])
def look(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    chosen: Literal["light", "dark"] = request.param
    return chosen


@pytest.fixture(params=[390, 1440])
def page(
    request: pytest.FixtureRequest, look: Literal["light", "dark"], browser: Browser, server: Server
) -> Iterator[Page]:
    size = {"width": request.param, "height": HEIGHT}
    granted = ["clipboard-read", "clipboard-write"]
    with alone(browser, server, viewport=size, color_scheme=look, permissions=granted) as opened_page:
        yield opened_page


def comes_inside(page: Page, part: Locator) -> bool:
    """Whether all of it is in the window, or will be: the sheet slides in."""
    for _ in range(50):
        if lies_inside(page, part):
            return True
        page.wait_for_timeout(100)
    return False


def lies_inside(page: Page, part: Locator) -> bool:
    """Whether all of it is in the window."""
    box, window = part.bounding_box(), page.viewport_size
    assert box is not None
    assert window is not None
    return (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= window["width"] + 0.5
        and box["y"] + box["height"] <= window["height"] + 0.5
    )


def too_wide(page: Page) -> list[str]:
    """What scrolls sideways: of the page, and of all that stands on the sheet."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('body, [data-testid=stMain], [role=dialog], [role=dialog] *')]
            .filter(e => e.scrollWidth > e.clientWidth + 1)
            .filter(e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) || e === document.body)
            .map(e => e.outerHTML.slice(0, 160))"""
    )
    return found


def test_a_cited_page_lies_inside_the_window_and_gives_the_chat_back(page: Page, address: str) -> None:
    page.goto(address)
    answers(page).get_by_role("button").first.click()
    sheet = page.get_by_role("dialog")
    mark = sheet.locator("mark").first
    expect(mark).to_be_in_viewport()
    assert comes_inside(page, sheet)
    assert too_wide(page) == []
    next_, previous = (sheet.get_by_role("button", name=name, exact=True) for name in ("Next", "Previous"))
    copy, close = sheet.get_by_role("button", name="Copy with reference"), sheet.get_by_role("button", name="Close")
    for part in (next_, previous, copy, close):
        expect(part).to_be_in_viewport()
        assert comes_inside(page, part)
    next_.click()
    expect(sheet.get_by_text("2 of ")).to_be_visible()
    expect(sheet.locator("mark").first).to_be_in_viewport()
    assert too_wide(page) == []
    previous.click()
    expect(sheet.get_by_text("1 of ")).to_be_visible()
    copy.click()
    expect(sheet.get_by_role("button", name="Copied")).to_be_visible()
    assert "page" in page.evaluate("navigator.clipboard.readText()")
    close.click()
    expect(sheet).to_have_count(0)
    expect(page).not_to_have_url(re.compile("document="))
    expect(answers(page)).to_be_visible()
    page.get_by_test_id("stChatInputTextArea").click()
    assert too_wide(page) == []
