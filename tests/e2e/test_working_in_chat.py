"""Working in a chat, in a browser: ask, ask differently, walk the branch, rename, export, open a source, go back.

One conversation, in order; the last part is done with the keyboard alone.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.generation.scripted import ScriptedChat
from tests.core.generation.openai_server import KEY, OpenAIServer, serving
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.test_main_path import NOTICE, answers, ask, open_corpus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
LONG = "The tenant may end the lease of the boathouse by giving the landlord seven weeks' written notice. " + (
    "There is more to say about it. " * 500
)
"""Its first sentence stands in the document; written word by word it takes minutes."""


def open_talk(page: Page) -> None:
    """The conversation of this file, as one finds it again: in the sidebar."""
    open_corpus(page, "Support sample", "Chat")
    page.get_by_test_id("stSidebar").locator("[class*=st-key-talk-]").get_by_role("button").first.click()
    expect(answers(page).first).to_be_visible()


def test_a_question_is_asked_differently_and_both_versions_can_be_walked(page: Page) -> None:
    page.goto("/")
    page.locator(".st-key-sample-support").get_by_role("button").click()
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_enabled(timeout=2 * PATIENCE_MS)
    ask(page, "What does E3 on the display of a Brio 20 stand for?")
    expect(answers(page)).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Your question").fill("How many pucks fit into the grounds drawer of the Brio 20?")
    page.get_by_role("button", name="Ask", exact=True).click()
    asked = page.get_by_test_id("stChatMessage").first
    expect(asked).to_contain_text("How many pucks")
    expect(asked).to_contain_text("2 of 2")
    expect(answers(page)).to_be_visible()
    page.locator("[class*=st-key-chevron_left]").get_by_role("button").first.click()
    expect(asked).to_contain_text("What does E3")
    page.reload()
    expect(asked).to_contain_text("1 of 2")
    expect(answers(page)).to_be_visible()


def test_a_follow_up_says_what_was_searched_for(page: Page) -> None:
    open_talk(page)
    ask(page, "And on the Brio 40?")
    expect(page.get_by_text("searched for: What does E3 on the display of a Brio 40 stand for?")).to_be_visible()


def test_what_one_is_typing_survives_a_refresh(page: Page) -> None:
    open_corpus(page, "Support sample", "Chat")
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_enabled()
    box.press_sequentially("How long is the warr")
    page.reload()
    expect(page.get_by_test_id("stChatInputTextArea")).to_have_value("How long is the warr")


def test_a_conversation_is_renamed_and_exported(page: Page, tmp_path: Path) -> None:
    open_talk(page)
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Rename").or_(page.get_by_role("option", name="Rename")).first.click()
    page.get_by_role("dialog").get_by_label("Title").fill("The small coffee machine")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(sidebar.get_by_role("button", name="The small coffee machine")).to_be_visible()
    sidebar.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Export").or_(page.get_by_role("option", name="Export")).first.click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Markdown").click()
    download.value.save_as(tmp_path / "talk.md")
    assert "# The small coffee machine" in (tmp_path / "talk.md").read_text("utf-8")


def tab_to(page: Page, target: Locator, most: int = 120) -> None:
    """Press Tab until the target has the focus, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.count() and target.evaluate("node => node === node.getRootNode().activeElement"):
            return
    raise AssertionError(f"{target} is not reached by {most} presses of Tab")


def answered_slowly(page: Page, endpoint: OpenAIServer) -> None:
    """A corpus with one document whose answers take minutes, and its chat."""
    page.goto("/settings")
    page.get_by_role("button", name="Add base model").click()
    for name, value in {"Name": "Slow", "Address": endpoint.url, "Model there": "tiny", "Key": KEY}.items():
        page.get_by_role("dialog").get_by_role("textbox", name=name, exact=True).fill(value)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto("/")
    page.get_by_role("button", name="New corpus").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Slow boathouse")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Slow boathouse")).to_be_visible()
    notice = {"name": "boathouse.md", "mimeType": "text/markdown", "buffer": NOTICE.encode()}
    page.locator("input[type=file]").first.set_input_files([notice])  # type: ignore[list-item]
    expect(page.get_by_text(re.compile(r"^\w+ · 1 page · \d+ chunk"))).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Settings").click()
    page.get_by_role("combobox", name="Base model").first.click()
    page.get_by_role("option", name="Slow").click()
    expect(page.get_by_role("combobox", name="Base model").first).to_have_value("Slow")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Chat").click()
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_enabled()


def test_the_keyboard_alone_asks_stops_opens_a_source_and_goes_back(page: Page) -> None:
    with serving(ScriptedChat(answers=[LONG], pause_s=0.1)) as endpoint:
        answered_slowly(page, endpoint)
        box = page.get_by_test_id("stChatInputTextArea")
        stop = page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop")
        for number, press in enumerate(("Alt+s", "Enter"), 1):  # the shortcut; then the button itself
            tab_to(page, box)
            page.keyboard.type("How much notice must the tenant of the boathouse give?")
            page.keyboard.press("Enter")
            expect(page.locator("#live")).to_contain_text("seven weeks")
            if press == "Enter":
                tab_to(page, stop)
            page.keyboard.press(press)
            expect(page.get_by_text("Stopped by you")).to_have_count(number)
            expect(stop).to_have_count(0)
            expect(box).to_be_enabled()
        assert len(answers(page).last.inner_text()) < len(LONG) / 2
        citation = answers(page).first.get_by_role("button").first
        tab_to(page, citation)
        page.keyboard.press("Enter")
        sheet = page.get_by_role("dialog")
        expect(sheet.locator("mark").first).to_be_in_viewport()
        page.keyboard.press("Escape")
        expect(sheet).to_have_count(0)
        tab_to(page, page.get_by_role("button", name="New conversation"))
        page.keyboard.press("Enter")
        expect(page).not_to_have_url(re.compile("conversation="))
        expect(answers(page)).to_have_count(0)
        tab_to(page, box)


def test_every_control_has_a_name(page: Page) -> None:
    open_talk(page)
    nameless = """() => [...document.querySelectorAll('button, input, textarea, a[href]')]
        .filter(e => e.checkVisibility())
        .filter(e => !(e.getAttribute('aria-label') || e.title || e.innerText.trim() || e.labels?.length
                       || e.placeholder || e.getAttribute('aria-labelledby')
                       || e.querySelector('[aria-label], img[alt]')))
        .map(e => e.outerHTML.slice(0, 200))"""
    assert page.evaluate(nameless) == []
