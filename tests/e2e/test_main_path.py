"""The product's main job in a browser: from a sample or a file to an answer whose sentences show their page.

The tests of this file run in order, on one workspace, like one person's afternoon.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NOTICE = """# Lease of the boathouse

## 4. Ending the lease

The tenant may end the lease of the boathouse by giving the landlord seven weeks' written notice.

## 5. Rent

The rent of the boathouse is 310 crowns a month, payable in advance.

## 6. Repairs

The landlord repairs the roof, the slipway and the mooring posts. The tenant keeps the windows clean.
"""


LONG = "Who repairs the roof, the slipway and the mooring posts of the boathouse when the tenant's windows are clean"
WIDTHS = (390, 1440)
SETTLED_MS = 3000
"""Charts are drawn anew some time after the window became narrower."""
TOO_WIDE = """() => {
  const scrolls = (e) => e && (e.matches('[data-testid=stMain]') ? false
    : (/auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth) || scrolls(e.parentElement));
  const outside = (e) => {
    const at = e.getBoundingClientRect();
    return at.width && (at.left < -1 || at.right > innerWidth + 1) && !scrolls(e.parentElement);
  };
  const things = 'button, p, h1, h2, h3, label, input:not([type=range]), textarea, canvas, svg, td, th';
  return [...document.querySelectorAll('body, [data-testid=stMain]')].filter((e) => e.scrollWidth > e.clientWidth)
    .concat([...document.querySelectorAll('[data-testid=stMain] :is(' + things + ')')].filter(outside))
    .map((e) => `${e.tagName} ${(e.innerText || '').slice(0, 40)}`);
}"""
"""What makes the page scroll sideways, and what stands outside of the window where nobody can scroll to it."""


def ask(page: Page, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_enabled()
    box.fill(question)
    box.press("Enter")


def answers(page: Page) -> Locator:
    """The finished answers of the conversation."""
    return page.locator("#answer")


def open_corpus(page: Page, name: str, at: str = "Corpus") -> None:
    page.goto("/")
    page.get_by_role("button", name=name).first.click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name=at).click()


def test_a_sample_is_opened_asked_and_its_source_is_shown_marked(page: Page) -> None:
    page.goto("/")
    page.locator(".st-key-sample-legal").get_by_role("button").click()
    example = page.get_by_role("button", name=re.compile("tenant of Unit 7"))
    expect(example).to_be_enabled(timeout=2 * PATIENCE_MS)  # the models are loaded meanwhile
    example.click()
    expect(answers(page)).to_be_visible()
    citation = answers(page).get_by_role("button").first
    citation.click()
    drawer = page.get_by_role("dialog")
    mark = drawer.locator("mark").first
    expect(mark).to_be_visible()
    expect(mark).to_be_in_viewport()
    assert len(mark.inner_text().strip()) > 10
    assert re.search(r"document=\d+&page=\d+&mark=\d+-\d+", page.url)
    address = page.url
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page).not_to_have_url(re.compile("document="))
    page.goto(address)
    expect(page.get_by_role("dialog").locator("mark").first).to_be_visible()


def test_a_quoted_table_is_shown_as_one_and_its_row_is_marked_in_the_document(page: Page) -> None:
    open_corpus(page, "Legal sample", "Chat")
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("button", name=re.compile("Norvane charge")).click()
    expect(answers(page).locator("th").first).to_have_text("Item")
    expect(answers(page).locator("td", has_text="6,200")).to_be_visible()
    assert "|" not in answers(page).inner_text()
    answers(page).locator("td").get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("td mark", has_text="6,200")).to_be_in_viewport()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    drawer.get_by_role("button", name="Copy with reference").click()
    expect(drawer.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "6,200" in copied
    assert copied.endswith("(aldgate-msa-amendment-1.docx, page 2)")


def test_a_dropped_file_becomes_ready_and_can_be_asked(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    page.get_by_role("button", name="New corpus").click()
    page.get_by_label("Name").fill("Boathouse")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Boathouse")).to_be_visible()
    file = tmp_path / "boathouse.md"
    file.write_text(NOTICE, "utf-8")
    page.locator("input[type=file]").set_input_files([file])
    expect(page.get_by_text("1 document added")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\w+ · 1 page · \d+ chunk"))).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Chat").click()
    ask(page, "How much notice must the tenant of the boathouse give?")
    expect(answers(page)).to_contain_text("seven weeks")
    expect(answers(page).locator(".source")).to_contain_text("boathouse.md, page 1")


def test_the_same_file_again_is_left_alone(page: Page, tmp_path: Path) -> None:
    open_corpus(page, "Boathouse")
    file = tmp_path / "boathouse.md"
    file.write_text(NOTICE, "utf-8")
    page.locator("input[type=file]").set_input_files([file])
    expect(page.get_by_text("already here with the same content")).to_be_visible()
    expect(page.get_by_text("1 document ·")).to_be_visible()


def test_an_answer_is_stopped_in_the_middle_and_what_had_come_is_kept(page: Page) -> None:
    open_corpus(page, "Boathouse", "Chat")
    page.get_by_role("radio", name="Base").click()  # the embedded model itself writes: a quotation is there at once
    ask(page, "Describe the lease of the boathouse, its rent, its notice and its repairs in every detail.")
    stop = page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop")  # Streamlit's own is above
    stop.click()
    expect(stop).to_have_count(0)
    expect(page.get_by_test_id("stChatInputTextArea").last).to_be_enabled()


def test_a_refresh_in_the_middle_attaches_again_and_two_tabs_show_the_same(page: Page) -> None:
    open_corpus(page, "Boathouse", "Chat")
    page.get_by_role("button", name="New conversation").click()
    ask(page, "What is the rent of the boathouse?")
    expect(page).to_have_url(re.compile("conversation="))
    page.reload()
    other = page.context.new_page()
    other.goto(page.url)
    expect(answers(page)).to_contain_text("310 crowns")
    expect(answers(other)).to_contain_text("310 crowns")
    assert answers(page).inner_text() == answers(other).inner_text()
    other.close()


def test_after_a_restart_the_conversation_is_there(page: Page, server: Server) -> None:
    open_corpus(page, "Boathouse", "Chat")
    talk = page.get_by_test_id("stSidebar").get_by_role("button", name=re.compile("Rent of the boathouse"))
    talk.click()
    expect(answers(page)).to_contain_text("310 crowns")
    address = page.url
    server.stop()
    server.start()
    page.goto(address)
    expect(answers(page)).to_contain_text("310 crowns")


def test_thumbs_survive_a_reload(page: Page) -> None:
    open_corpus(page, "Boathouse", "Chat")
    page.get_by_test_id("stSidebar").get_by_role("button", name=re.compile("Rent of the boathouse")).click()
    thumb = page.get_by_test_id("stFeedback").get_by_role("radio").last
    thumb.click()
    expect(thumb).to_be_checked()
    page.reload()
    expect(page.get_by_test_id("stFeedback").get_by_role("radio").last).to_be_checked()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/", "/corpus", "/chat", "/compare", "/evaluate", "/finetune", "/jobs", "/settings"])
def test_no_page_scrolls_sideways(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(path)
    expect(page.get_by_role("heading").first).to_be_visible()
    assert page.evaluate(TOO_WIDE) == []


def test_the_panels_of_a_comparison_fit_a_phone(page: Page) -> None:
    open_corpus(page, "Boathouse", "Compare")
    ask(page, "What is the rent of the boathouse?")
    best = page.get_by_role("button", name="Best")
    expect(best).to_have_count(2)
    expect(answers(page).first).to_contain_text("310 crowns")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        expect(best.last).to_be_visible()
        page.wait_for_timeout(SETTLED_MS)
        assert page.evaluate(TOO_WIDE) == []
        left = [answers(page).nth(number).bounding_box() for number in range(2)]
        assert left[0]
        assert left[1]
        stacked = left[1]["y"] > left[0]["y"] + left[0]["height"]
        assert stacked == (width == WIDTHS[0])  # one below the other on a phone, side by side on a desk


def test_an_evaluation_fits_a_phone(page: Page, tmp_path: Path) -> None:
    open_corpus(page, "Boathouse", "Evaluate")
    file = tmp_path / "gold.csv"
    file.write_text(f"question,answer\nWhat is the rent of the boathouse?,310 crowns a month\n{LONG}?,The landlord\n")
    page.get_by_role("button", name="Upload questions").click()
    page.locator("input[type=file]").set_input_files([file])
    page.get_by_role("button", name="Add 2 questions").click()
    expect(page.get_by_text("2 gold questions added")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Start evaluation").click()
    expect(page.get_by_role("button", name="Report (HTML)")).to_be_visible()
    expect(page.get_by_role("button", name="Start evaluation")).to_be_visible()  # the run has ended
    page.get_by_text(re.compile("What is the rent of the boathouse")).first.click()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        expect(page.get_by_text("Quality against seconds an answer")).to_be_visible()
        page.wait_for_timeout(SETTLED_MS)
        assert page.evaluate(TOO_WIDE) == []


def test_a_hostile_name_stays_text_in_the_browser(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="New corpus").click()
    name = "<img src=x> ![p](http://evil.example/p) https://evil.example :red[x]"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    heading = page.get_by_test_id("stMain").get_by_role("heading").first
    expect(heading).to_contain_text("evil.example/p")
    shown = heading.inner_text().replace("\u2060", "").strip()
    assert shown == name
    assert page.locator("a[href*='evil.example'], img[src*='evil.example'], img[src='x']").count() == 0


def test_a_deleted_document_is_gone(page: Page) -> None:
    open_corpus(page, "Boathouse")
    page.get_by_role("button", name="Delete", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("boathouse.md")
    dialog.get_by_role("button", name="Delete 1 document").click()
    expect(page.get_by_text("No documents yet")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Chat").click()
    expect(page.get_by_text("Add some first, then ask")).to_be_visible()


def test_nothing_went_wrong_unseen(server: Server) -> None:
    assert "Traceback" not in server.said()
