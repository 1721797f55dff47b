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
    """A corpus of a lease, with one conversation: an answer that quotes it."""
    with opened(home) as ws:
        made = intake.create_corpus(ws, "Leases", "legal").id
        name = "kestrel-wharf-lease.pdf"
        intake.add_files(ws, made, [(name, domain("legal").sample_folder / name)])
        ws.dispatcher.run_one()
        ws.assistants.choose_reading(made, "quote")
        talk = ws.conversations.create(made).id
        list(live.follow(ws, live.start(ws, talk, domain("legal").example_questions[0])))
        return made


@pytest.fixture(scope="module")
def talk(home: Path, corpus: int) -> str:
    """The way to the conversation with the answer."""
    with Workspace.open(Settings.load(home), owner=False) as ws:
        return f"/chat?corpus={corpus}&conversation={ws.conversations.list(corpus)[-1].id}"


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


def focused(page: Page, part: Locator) -> None:
    """Wait until it has the focus, inside of whatever it stands in."""
    handle = part.element_handle()
    page.wait_for_function("node => node === node.getRootNode().activeElement", arg=handle)


def test_after_a_source_was_closed_the_keyboard_is_where_it_was_opened(page: Page, talk: str) -> None:
    page.goto(talk)
    citation = answers(page).first.get_by_role("button").first
    citation.focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("mark").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page).not_to_have_url(re.compile("document="))
    focused(page, citation)


def test_editing_begins_and_ends_with_the_keyboard_in_its_place(page: Page, talk: str) -> None:
    page.goto(talk)
    edit = page.get_by_role("button", name="Edit").first
    edit.focus()
    page.keyboard.press("Enter")
    focused(page, page.get_by_label("Your question"))
    page.keyboard.type("Yes: ")
    page.get_by_role("button", name="Leave it").click()
    focused(page, page.get_by_role("button", name="Edit").first)


def test_turning_a_page_of_a_source_keeps_the_quote_a_press_away(page: Page, talk: str) -> None:
    page.goto(talk)
    answers(page).first.get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("mark").first).to_be_visible()
    expect(drawer.get_by_text(re.compile(r"^1 of \d"))).to_be_visible()
    cited = re.search(r"page=(\d+)", page.url)[1]  # type: ignore[index]
    drawer.get_by_role("button").filter(has_text=re.compile("^2$" if cited != "2" else "^1$")).click()
    expect(drawer.locator("mark")).to_have_count(0)
    page.reload()
    page.get_by_role("dialog").get_by_role("button", name="Back to the quote").click()
    expect(drawer.locator("mark").first).to_be_visible()
    expect(drawer.get_by_text(re.compile(r"^1 of \d"))).to_be_visible()
    expect(page).not_to_have_url(re.compile("marked="))


def test_on_a_phone_the_sidebar_goes_away_once_a_conversation_was_chosen(
    browser: Browser, server: Server, talk: str
) -> None:
    with alone(browser, server, viewport={"width": 390, "height": 844}) as phone:
        phone.goto(talk)
        expect(answers(phone).first).to_be_visible()
        sidebar = phone.get_by_test_id("stSidebar")
        for choice in (
            phone.get_by_role("button", name="New conversation").first,
            sidebar.locator("[class*=st-key-talk-]").get_by_role("button").last,
        ):
            phone.get_by_test_id("stExpandSidebarButton").click()
            expect(sidebar).to_be_in_viewport()
            choice.click()
            expect(sidebar).not_to_be_in_viewport()
        expect(answers(phone).first).to_be_in_viewport()
        phone.get_by_test_id("stChatInputTextArea").click(trial=True)


def test_the_back_button_of_the_browser_closes_a_source(page: Page, talk: str) -> None:
    page.goto(talk)
    answers(page).first.get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("mark").first).to_be_visible()
    expect(page).to_have_url(re.compile("document="))
    page.go_back()
    expect(page).not_to_have_url(re.compile("document="))
    expect(drawer).to_have_count(0)
    expect(answers(page).first).to_be_visible()
