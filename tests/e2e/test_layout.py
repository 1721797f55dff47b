"""Chat and corpus pages as they lie in the window: nothing nameless, sideways or over another, on a phone and a desk.

In light and dark, with a file whose name is as long as a file's may be, and by keyboard alone. The server is the real
one with a scripted base model.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.assistants import live
from core.domains import domain
from core.ingestion import intake
from tests.e2e.conftest import Server, alone
from tests.e2e.test_main_path import TOO_WIDE, answers
from tests.e2e.test_naughty_strings import Scripted, opened
from tests.e2e.test_working_in_chat import tab_to

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
LEASE = "kestrel-wharf-lease.pdf"
LONG = "the-lease-of-the-warehouse-at-kestrel-wharf-as-amended-" * 3
LONG = f"{LONG[:116]}.pdf"
SECTIONS = ("Documents", "Retrieval test", "Gold questions")
NAMELESS = """() => [...document.querySelectorAll('button, input, textarea, a[href]')]
    .filter((e) => e.checkVisibility())
    .filter((e) => !(e.getAttribute('aria-label') || e.title || e.innerText.trim() || e.labels?.length
                     || e.placeholder || e.getAttribute('aria-labelledby')
                     || e.querySelector('[aria-label], img[alt]')))
    .map((e) => e.outerHTML.slice(0, 200))"""
OVERLAPS = """(scope) => {
  const things = 'button, p, input, textarea, a[href]';
  const seen = [...document.querySelectorAll(scope)].flatMap((e) => [...e.querySelectorAll(things)])
    .filter((e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
    .filter((e) => e.getBoundingClientRect().width > 2 && !e.closest('[data-testid=stBottom]'));
  const over = (a, b) => {
    const [x, y] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
    return Math.min(x.right, y.right) - Math.max(x.left, y.left) > 3
      && Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 3;
  };
  const name = (e) => `${e.tagName} ${(e.innerText || '').slice(0, 40)}`;
  return seen.flatMap((a, at) => seen.slice(at + 1)
    .filter((b) => !a.contains(b) && !b.contains(a) && over(a, b)).map((b) => `${name(a)} over ${name(b)}`));
}"""
"""Of all that one reads or presses inside of a scope: what lies on something else."""
SIDEWAYS = TOO_WIDE.replace(
    "const outside = (e) => {",
    "const outside = (e) => {\n    if (e.closest('.stMarkdownEllipsis')) return false;",
)
"""The same, but for what ends in dots where it is cut."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layout") / "workspace"


@pytest.fixture(scope="module")
def places(home: Path) -> dict[str, str]:
    """The ways to a conversation with an answer and a refusal, to the corpus, and to the file with the long name."""
    with opened(home) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal").id
        intake.add_files(ws, corpus, [(LONG, domain("legal").sample_folder / LEASE)])
        ws.dispatcher.run_one()
        ws.assistants.choose_reading(corpus, "quote")
        talk = ws.conversations.create(corpus).id
        for asked in (domain("legal").example_questions[0], "Who won the football cup in Zebedee?"):
            list(live.follow(ws, live.start(ws, talk, asked)))
        (document,) = ws.corpora.documents(corpus)
        assert len(document.name) == 120
        return {
            "chat": f"/chat?corpus={corpus}&conversation={talk}",
            "corpus": f"/corpus?corpus={corpus}",
            "drawer": f"/corpus?corpus={corpus}&document={document.id}&page=1&mark=0-40",
        }


@pytest.fixture(scope="module")
def server(home: Path, places: dict[str, str]) -> Iterator[Server]:
    running = Scripted(home)
    running.start()
    yield running
    running.stop()


@pytest.fixture(params=[(390, "dark"), (1440, "light")], ids=str)
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    width, look = request.param
    with alone(browser, server, viewport={"width": width, "height": 844}, color_scheme=look) as made:
        yield made


def settled(page: Page) -> None:
    """Wait until nothing runs any more, so that what is drawn is what stays."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_function("() => !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')")


def lies_well(page: Page, scope: str = "[data-testid=stMain]") -> None:
    """Every control has a name, nothing is sideways, nothing lies on another."""
    settled(page)
    for check, given in ((NAMELESS, None), (SIDEWAYS, None), (OVERLAPS, scope)):
        assert stays(page, check, given) == []


def stays(page: Page, check: str, given: str | None) -> list[str]:
    """What a check finds once everything has slid and grown to its place."""
    found: list[str] = page.evaluate(check, given)
    for _ in range(50):
        if not found:
            break
        page.wait_for_timeout(100)
        found = page.evaluate(check, given)
    return found


def test_a_chat_lies_well(page: Page, places: dict[str, str]) -> None:
    page.goto(places["chat"])
    expect(answers(page)).to_have_count(2)
    lies_well(page)
    answers(page).first.get_by_role("button").first.click()
    expect(page.get_by_role("dialog").locator("mark").first).to_be_visible()
    lies_well(page, "[role=dialog]")


def test_every_section_of_a_corpus_lies_well_and_so_does_its_drawer(page: Page, places: dict[str, str]) -> None:
    page.goto(places["corpus"])
    for section in SECTIONS:
        page.get_by_test_id("stMain").get_by_role("radio", name=section).click()
        expect(page.get_by_role("radio", name=section)).to_be_checked()
        lies_well(page)
    page.goto(places["drawer"])
    expect(page.get_by_role("dialog")).to_be_visible()
    lies_well(page)
    lies_well(page, "[role=dialog]")


def test_by_keyboard_alone_a_document_of_a_corpus_is_opened_and_left(
    browser: Browser, server: Server, places: dict[str, str]
) -> None:
    with alone(browser, server, viewport={"width": 1440, "height": 844}) as page:
        page.goto(places["corpus"])
        name = page.locator("[class*=st-key-open-]").get_by_role("button")
        expect(name).to_be_enabled()
        settled(page)
        tab_to(page, name)
        page.keyboard.press("Enter")
        drawer = page.get_by_role("dialog")
        expect(drawer).to_be_visible()
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
        expect(name).to_be_focused()
