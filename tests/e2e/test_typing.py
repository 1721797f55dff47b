"""What one is typing in a chat is never lost, and the keyboard stays where one was: in a browser.

The server is the real one with a scripted base model.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.assistants import live
from core.domains import domain
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from tests.e2e.conftest import Server, alone
from tests.e2e.test_main_path import answers
from tests.e2e.test_naughty_strings import Scripted, opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MEMO = {"name": "memo.md", "mimeType": "text/markdown", "buffer": b"# Memo\n\nThe rent is halved from June on."}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("typing") / "workspace"


@pytest.fixture(scope="module")
def corpus(home: Path) -> int:
    """A corpus of a lease, with one answer that quotes it in a conversation, and another conversation."""
    with opened(home) as ws:
        made = intake.create_corpus(ws, "Leases", "legal").id
        name = "kestrel-wharf-lease.pdf"
        intake.add_files(ws, made, [(name, domain("legal").sample_folder / name)])
        ws.dispatcher.run_one()
        ws.assistants.choose_reading(made, "quote")
        for asked in ("Who pays for the window cleaning?", domain("legal").example_questions[0]):
            talk = ws.conversations.create(made).id
            list(live.follow(ws, live.start(ws, talk, asked)))
        return made


@pytest.fixture(scope="module")
def server(home: Path, corpus: int) -> Iterator[Server]:
    running = Scripted(home)
    running.start()
    yield running
    running.stop()


def box(page: Page) -> Locator:
    """Where one types a question, once it can be typed into."""
    found = page.get_by_test_id("stChatInputTextArea")
    expect(found).to_be_enabled()
    return found


def new_talk(page: Page, corpus: int) -> None:
    """A conversation that is not there before its first question or file."""
    page.goto(f"/chat?corpus={corpus}")
    page.get_by_test_id("stSidebar").get_by_role("button", name="New conversation").first.click()
    expect(page).not_to_have_url(re.compile("conversation="))


def test_what_is_being_typed_goes_along_into_the_conversation_that_a_file_begins(page: Page, corpus: int) -> None:
    new_talk(page, corpus)
    box(page).press_sequentially("How does my memo change the rent")
    page.get_by_role("button", name="Attach files").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files([MEMO])  # type: ignore[list-item]
    expect(dialog.get_by_text("memo.md").first).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile("conversation="))
    expect(box(page)).to_have_value("How does my memo change the rent")
    page.reload()
    expect(box(page)).to_have_value("How does my memo change the rent")
    new_talk(page, corpus)
    expect(box(page)).to_have_value("")


def test_a_question_that_could_not_be_asked_stands_in_the_box_again(page: Page, corpus: int, server: Server) -> None:
    new_talk(page, corpus)
    box(page).fill("A first question about the rent?")
    box(page).press("Enter")
    expect(answers(page)).to_be_visible()
    box(page).fill("A second question that took me long to write?")
    gone = int(re.search(r"conversation=(\d+)", page.url)[1])  # type: ignore[index]
    with Workspace.open(Settings.load(server.home), owner=False) as ws:
        ws.conversations.delete(gone)
    box(page).press("Enter")
    expect(page.get_by_text("It is not there any more")).to_be_visible()
    expect(box(page)).to_have_value("A second question that took me long to write?")
    page.reload()
    expect(box(page)).to_have_value("A second question that took me long to write?")
