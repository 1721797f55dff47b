"""What differs between answers is marked in a real browser: seen without colour, and heard."""

import json
from dataclasses import asdict

from playwright.sync_api import Browser

from dashboard.components import answer
from dashboard.components.browser_files import script, sheet

TEXT = "The rent is 2,400 pounds.\n\n| Year | Rent |\n| --- | --- |\n| 2026 | <b>2,500</b> |\n"


def test_marks_are_underlined_announced_and_cut_at_the_cells_of_a_table(browser: Browser) -> None:
    at = TEXT.index("2,400")
    cell = TEXT.index("<b>2,500")
    marks = [(at, at + 5), (cell, cell + 8)]
    cut = answer.with_marks(answer.parts(TEXT, [], [], 0, refused=False), marks)
    data = {
        "parts": [asdict(part) for part in cut],
        "sources": [],
        "words": {"unsupported": answer.UNSUPPORTED, "quoted": answer.QUOTED, "onlyHere": answer.ONLY_HERE},
    }
    module = script("table_text", "answer").replace("export default", "window.show = ")
    page = browser.new_page()
    page.set_content(
        f"<style>{sheet('table_text', 'answer')}</style><div id=parent><div id=answer></div></div>"
        f"<script>{module}</script>"
    )
    page.evaluate(
        "data => window.show({data: JSON.parse(data), parentElement: document.getElementById('parent'), "
        "setTriggerValue: () => {}})",
        json.dumps(data),
    )
    found = page.locator("mark").all()
    assert [mark.evaluate("node => node.lastChild.textContent") for mark in found] == ["2,400", "<b>2,500"]
    assert [mark.locator(".unseen").text_content() for mark in found] == ["only in this answer: "] * 2
    assert page.locator("td mark").count() == 1
    assert page.locator("b").count() == 0
    assert found[0].evaluate("node => getComputedStyle(node).borderBottomStyle") == "solid"
    assert found[0].locator(".unseen").evaluate("node => node.getBoundingClientRect().width") <= 1
    whole = page.locator("#answer").inner_text()
    assert "The rent is" in whole
    assert "pounds." in whole
    page.close()
