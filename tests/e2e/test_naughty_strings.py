"""Strings that break input handling, in a real browser: typed, dropped as files, shown everywhere, exported; none runs.

A sample of the 515 of the Big List of Naughty Strings, those that look like a script first; all with TRIPTYCH_TORTURE.
The server is the real one with a scripted base model.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.conversations import export
from core.evaluation import html, running
from core.evaluation.questions import of_rows
from core.evaluation.report import report
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.errors import StorageError
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from tests.e2e.conftest import PATIENCE_MS, Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

ALL = "TRIPTYCH_TORTURE" in os.environ
AT_ONCE = 10
"""Questions of one conversation: as many as are shown at once."""
HANDLERS = """() => [...document.querySelectorAll('*')].filter(
    e => [...e.attributes].some(a => /^on/i.test(a.name) || /^\\s*(javascript|vbscript):/i.test(a.value))
         || (e.tagName === 'SCRIPT' && !e.src && !e.closest('head') && /alert|javascript/i.test(e.textContent))
         || (e.tagName === 'IMG' && !/^(data:|blob:|http:.*127|\\/|\\.)/.test(e.src))
).map(e => e.outerHTML.slice(0, 200))"""


class Scripted(Server):
    """The same server with a base model that answers at once."""

    module = "tests.torture.server"

    def arguments(self) -> list[str]:
        """The workspace and the port."""
        return [str(self.home), str(self.port)]


@pytest.fixture(scope="module")
def naughty(shared: Path) -> list[str]:
    """In the order of the list, without what is empty once it is stripped."""
    listed: list[str] = json.loads((shared / "hostile" / "text" / "blns.json").read_text("utf-8"))
    assert len(listed) >= 515
    strings = [text for text in dict.fromkeys(text.strip() for text in listed) if text]
    scripts = [text for text in strings if "<" in text or "script" in text]
    return strings if ALL else [*scripts[::12], *strings[::25]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, naughty: list[str]) -> Iterator[Server]:
    running = Scripted(tmp_path_factory.mktemp("naughty") / "workspace")
    with opened(running.home) as ws:
        fill(ws, naughty)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page on which nothing may run that a string says, nor ask another server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=server.url, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened_page, ran = context.new_page(), []
    opened_page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    opened_page.on(
        "request",
        lambda asked: ran.append(asked.url) if not asked.url.startswith((server.url, "data:", "blob:")) else None,
    )
    yield opened_page
    context.close()
    assert ran == []


def opened(home: Path) -> Workspace:
    return Workspace.open(Settings.load(home), given={"engine": ScriptedChat(answers=["Yes."])})


def fill(ws: Workspace, naughty: list[str]) -> None:
    """The strings as everything that a page shows and a person can have typed."""
    corpus = intake.create_corpus(ws, "Naughty", "legal").id
    for number, text in enumerate(naughty):
        try:
            ws.gold.add(corpus, GoldDraft(text, text, evidence=text, origin="written"))
            ws.examples.add(corpus, [ExampleDraft(f"{number} {text}", text)])
        except StorageError:
            continue  # there already, or not storable: tests/core/test_naughty.py
        if number % 10 == 0:
            intake.create_corpus(ws, f"{number} {text}", "legal")
            ws.base_models.create(f"{number} {text}", "gguf", text)
        if number % AT_ONCE == 0:
            talk = ws.conversations.create(corpus).id
        asked = ws.conversations.add_question(talk, text)
        answer = ws.conversations.begin_answer(talk, "base", question_id=asked.id)
        ws.conversations.finish_answer(answer.id, text, status="done")
        if number % AT_ONCE == 0:
            ws.conversations.rename(talk, text)


def shown(page: Page, path: str) -> None:
    """A page is drawn to its end: nothing that a string says has become an element, and nothing failed."""
    page.goto(path)
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    sound(page)


def sound(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.evaluate(HANDLERS) == []


def test_every_page_shows_them_as_text(page: Page, server: Server) -> None:
    with Workspace.open(Settings.load(server.home), owner=False) as ws:
        corpus = ws.corpora.by_name("Naughty")
        assert corpus is not None
        talks = ws.conversations.list(corpus.id)
    for path in ("/", "/corpus", "/finetune", "/compare", "/evaluate", "/jobs", "/settings"):
        shown(page, f"{path}?corpus={corpus.id}")
    for talk in talks:
        shown(page, f"/chat?corpus={corpus.id}&conversation={talk.id}")


def test_tables_are_saved_by_our_own_button_alone_with_no_formula_in_a_cell(page: Page, server: Server) -> None:
    with Workspace.open(Settings.load(server.home), owner=False) as ws:
        corpus = ws.corpora.by_name("Naughty")
        assert corpus is not None
    page.goto(f"/finetune?corpus={corpus.id}")
    page.get_by_text("Review the examples").click()
    page.get_by_test_id("stDataFrame").first.hover()
    expect(page.get_by_role("button", name="Search").first).to_be_visible()  # its toolbar is there
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name=re.compile(r"examples as CSV")).click()
    rows = list(csv.reader(io.StringIO(saved.value.path().read_text("utf-8"), newline="")))
    assert len(rows) > AT_ONCE
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_files_named_by_them_are_dropped_read_and_listed(page: Page, server: Server, naughty: list[str]) -> None:
    page.goto("/")
    page.get_by_role("button", name="New corpus").first.click()
    page.get_by_label("Name").fill("Dropped")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Dropped")).to_be_visible()
    files = [
        {"name": f"{text[:80]}.txt", "mimeType": "text/plain", "buffer": f"Words {number}. {text}".encode()}
        for number, text in enumerate(naughty)
    ]
    page.locator("input[type=file]").first.set_input_files(files)  # type: ignore[arg-type]
    expect(page.get_by_text(re.compile("document(s?) added"))).to_be_visible()
    with Workspace.open(Settings.load(server.home), owner=False) as ws:
        corpus = ws.corpora.by_name("Dropped")
        assert corpus is not None
        while ws.jobs.waiting():
            page.wait_for_timeout(200)
        rows = ws.corpora.documents(corpus.id, limit=10_000)
        assert len(rows) >= 0.9 * len(files)  # names that differ in what cannot be seen are one document
        assert {row.status for row in rows} == {"ready"}
    shown(page, f"/corpus?corpus={corpus.id}")


def test_what_is_typed_into_the_chat_is_asked_as_it_was_typed(
    page: Page, server: Server, naughty: list[str], tmp_path: Path
) -> None:
    with Workspace.open(Settings.load(server.home), owner=False) as ws:
        corpus = ws.corpora.by_name("Dropped")
        assert corpus is not None
        talks = {talk.id for talk in ws.conversations.list(corpus.id)}
        typed = [text for text in naughty if len(text) <= 2_000] if ALL else naughty[::4]
        for number, text in enumerate(typed):
            if number % AT_ONCE == 0:
                page.goto(f"/chat?corpus={corpus.id}")
            box = page.get_by_test_id("stChatInputTextArea")
            expect(box).to_be_enabled()
            box.fill(text)
            box.press("Enter")
            expect(page.locator("#answer")).to_have_count(number % AT_ONCE + 1)
            expect(page.get_by_test_id("stChatInputTextArea")).to_be_enabled()
            sound(page)
            talk = max({talk.id for talk in ws.conversations.list(corpus.id)} - talks)
            said = [message for message in ws.conversations.messages(talk) if message.role == "user"]
            assert said[-1].text == text.replace("\r\n", "\n").replace("\r", "\n")
        page.get_by_test_id("stSidebar").get_by_role("button", name="More").first.click()
        page.get_by_role("menuitem", name="Export").or_(page.get_by_role("option", name="Export")).first.click()
        for file in export.FORMATS:
            with page.expect_download() as download:
                page.get_by_role("dialog").get_by_role("button", name=file.title).click()
            download.value.save_as(tmp_path / f"talk.{file.ending}")
        told = json.loads((tmp_path / "talk.json").read_text("utf-8"))
        assert [each["text"] for each in told["messages"] if each["role"] == "user"] == [row.text for row in said]


def test_what_is_typed_as_a_gold_question_is_kept_as_it_was_typed(
    page: Page, server: Server, naughty: list[str]
) -> None:
    with Workspace.open(Settings.load(server.home), owner=False) as ws:
        corpus = ws.corpora.by_name("Dropped")
        assert corpus is not None
        page.goto(f"/evaluate?corpus={corpus.id}")
        known: set[str] = set()
        for text in naughty if ALL else naughty[::6]:
            before = ws.gold.count(corpus.id)
            if not page.get_by_label("Question", exact=True).is_visible():
                page.get_by_role("button", name="Write a question").click()
            page.get_by_label("Question", exact=True).fill(text)
            page.get_by_label("The right answer").first.fill(text)
            page.get_by_role("button", name="Save question").click()
            if (same := " ".join(text.split()).casefold()) in known:  # NULL after null
                expect(page.get_by_text("That question is here already.")).to_be_visible()
                sound(page)
                continue
            while ws.gold.count(corpus.id) == before:
                page.wait_for_timeout(100)
            sound(page)
            known.add(same)
            kept = {row.question for row in ws.gold.list(corpus.id)}
            assert text.replace("\r\n", "\n").replace("\r", "\n") in kept


def test_a_report_of_them_runs_nothing_where_it_is_opened(browser: Browser, tmp_path: Path, naughty: list[str]) -> None:
    with opened(tmp_path / "home") as ws:
        corpus = intake.create_corpus(ws, "Report", "legal").id
        for text in naughty:
            try:
                ws.gold.add(corpus, GoldDraft(text, text, evidence=text))
            except StorageError:
                continue
        row = running.start(ws, corpus, of_rows(ws.gold.list(corpus)), ["base"])
        ws.dispatcher.run_one()
        file = tmp_path / "report.html"
        file.write_text(html.page(report(ws, ws.evaluations.get(row.id))), "utf-8")
    page, ran = browser.new_page(), []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda asked: ran.append(asked.url) if asked.url != file.as_uri() else None)
    page.goto(file.as_uri())
    assert page.locator("body").inner_text()
    assert page.evaluate(HANDLERS) == []
    assert ran == []
    page.close()


def test_nothing_went_wrong_unseen(server: Server) -> None:
    assert "Traceback" not in server.said()
