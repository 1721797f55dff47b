"""A base model and an adapter that an endpoint serves, from Settings to an answer, in a browser.

The endpoint is a real OpenAI-compatible server on this machine; what it says is given.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.generation.scripted import ScriptedChat
from tests.core.generation.openai_server import KEY, OpenAIServer, serving
from tests.e2e.conftest import Server
from tests.e2e.test_main_path import NOTICE, answers, ask, open_corpus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[OpenAIServer]:
    with serving(ScriptedChat(answers=["Six months."])) as running:
        running.adapters = {"leases": ("tiny", ScriptedChat(answers=["Half a year, in writing."]))}
        yield running


def test_an_endpoint_is_added_tested_and_chosen_and_its_key_is_seen_no_more(page: Page, endpoint: OpenAIServer) -> None:
    page.goto("/")
    page.get_by_role("button", name="New corpus").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Elsewhere")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Elsewhere")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Add base model").click()
    fields = {"Name": "Office vLLM", "Address": endpoint.url, "Model there": "tiny", "Key": KEY}
    for name, value in fields.items():
        page.get_by_role("dialog").get_by_role("textbox", name=name, exact=True).fill(value)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    card = page.get_by_test_id("stMain")
    expect(card.get_by_text("Office vLLM")).to_be_visible()
    card.get_by_role("button", name="Test").last.click()
    expect(page.get_by_text("It wrote: Six months.")).to_be_visible()
    page.get_by_role("combobox", name="Base model").first.click()
    page.get_by_role("option", name="Office vLLM").click()
    expect(page.get_by_role("combobox", name="Base model").first).to_have_value("Office vLLM")
    assert KEY not in page.content()


def test_an_adapter_is_chosen_at_the_endpoint_promoted_and_asked(page: Page, endpoint: OpenAIServer) -> None:
    open_corpus(page, "Elsewhere", "Fine-tune")
    page.get_by_role("button", name="Choose at the endpoint").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Test").click()
    expect(dialog.get_by_text("It writes otherwise than the base model does")).to_be_visible()
    dialog.get_by_role("button", name="Choose", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("chosen at the endpoint")).to_be_visible()
    page.get_by_role("button", name="Promote", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Promote").click()
    expect(page.get_by_text("promoted", exact=True)).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Corpus").click()
    notice = {"name": "boathouse.md", "mimeType": "text/markdown", "buffer": NOTICE.encode()}
    page.locator("input[type=file]").first.set_input_files([notice])  # type: ignore[list-item]
    expect(page.get_by_text(re.compile(r"^\w+ · 1 page · \d+ chunk"))).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Chat").click()
    page.get_by_role("radio", name="Fine-tuned").click()
    ask(page, "How much notice must the tenant give?")
    expect(answers(page)).to_contain_text("Half a year, in writing.")
    assert endpoint.seen[-1]["model"] == "leases"


def test_nothing_went_wrong_unseen(server: Server) -> None:
    assert "Traceback" not in server.said()
