"""A page that nobody touches shows what a followed folder brings, and its ticks are those of the rows, in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("followed") / "leases"
    made.mkdir()
    return made


def test_what_a_followed_folder_brings_is_shown_without_a_click(page: Page, folder: Path) -> None:
    (folder / "first.md").write_text("# First\n\nThe rent of the mill is 300 crowns.\n")
    page.goto("/")
    page.get_by_role("button", name="New corpus").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Followed")
    dialog.get_by_role("button", name="Create").click()
    page.get_by_text("Follow a folder or web pages").click()
    page.get_by_role("textbox", name="Folder on the machine").fill(str(folder))
    page.get_by_role("button", name="Show the dry run").first.click()
    page.get_by_role("button", name="Start following").click()
    row = page.get_by_role("button", name="leases/first.md", exact=True)
    expect(row).to_be_enabled()
    expect(page.get_by_text("last change taken")).to_be_visible()
    page.wait_for_timeout(8000)  # nothing is under way: only a look now and then can notice the next file
    (folder / "second.md").write_text("# Second\n\nThe rent of the barn is 200 crowns.\n")
    expect(page.get_by_role("button", name="leases/second.md", exact=True)).to_be_enabled()
    expect(page.get_by_text("2 documents").first).to_be_visible()


def test_a_change_from_elsewhere_closes_no_dialog_and_is_shown_after_it(page: Page, folder: Path) -> None:
    page.goto("/")
    page.get_by_role("button", name="Followed").first.click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Corpus").click()
    expect(page.get_by_text("2 documents").first).to_be_visible()
    page.locator(".st-key-corpus-menu button").first.click()
    page.get_by_role("menuitem", name="Rename").or_(page.get_by_role("option", name="Rename")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("Followed leases")
    (folder / "third.md").write_text("# Third\n\nThe rent of the shed is 100 crowns.\n")
    page.wait_for_timeout(15_000)  # the watcher takes it in, and the page looks
    expect(dialog.get_by_role("textbox")).to_have_value("Followed leases")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="leases/third.md", exact=True)).to_be_enabled()


def test_a_page_is_ticked_while_all_its_rows_are(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Followed").first.click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Corpus").click()
    page.get_by_text("Select this page").click()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_label("Select leases/first.md").locator("xpath=ancestor::label").click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    expect(page.get_by_label("Select this page")).not_to_be_checked()
