"""What others wrote shows as it is and never becomes markup."""

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dashboard.components.safe_text import INVISIBLE, WORD_JOINER, label, one_line, spoken

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})
LATE = [r":[a-z0-9_+-]+:", r":material/\w+:", r"https?://", r"\bwww\.", r"\w@\w"]
DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
OTHERS = {
    *("answer", "base_model", "corrected_answer", "disclaimer", "document", "edited", "embedding_model", "error"),
    *("excerpt", "header", "heading", "last_error", "last_remedy", "location", "message", "model", "name", "note"),
    *("page_label", "path", "persona", "problem", "question", "remedy", "said", "searched_for", "summary", "text"),
    *("title", "word"),
}
"""Fields that hold what a person, a document, a domain's file, an engine or a job said."""
PLAIN = {"chat_input", "text", "text_area", "text_input", "selectbox", "multiselect", "code", "dataframe", "form"}
"""What shows its first text as it is, or not at all; all else of Streamlit takes it for Markdown."""
OURS = {
    "conversation_dialogs.py: each.title",  # of a format to export in
    "evaluation_run.py: modes.look(mode).title",
    "scores.py: modes.look(mode).title",
    "verdict.py: each.topic.question",
}
"""Fields of those names that hold our own words."""


class Rendered(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(markdown: str) -> Rendered:
    return Rendered(MARKDOWN.render(markdown))


def naughty(shared: Path) -> list[str]:
    strings: list[str] = json.loads((shared / "hostile/text/blns.json").read_text("utf-8"))
    lines = (shared / "hostile/text/blns.txt").read_text("utf-8", errors="replace").splitlines()
    return strings + lines


def assert_shown_as_it_is(text: str) -> None:
    shown = rendered(label(text, 10_000))
    assert set(shown.tags) <= {"p"}, text
    assert shown.text.replace(WORD_JOINER, "").strip() == one_line(text, 10_000).replace(WORD_JOINER, "").strip()
    assert not any(re.search(pattern, shown.text, re.IGNORECASE) for pattern in LATE), text


def test_no_naughty_string_becomes_markup(shared: Path) -> None:
    for text in naughty(shared):
        assert_shown_as_it_is(text)


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.example/x.png)",
        "[click](javascript:alert(1))",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "$\\frac{1}{2}$ and $$x$$",
        "`code` **bold** _it_ ~~no~~",
        "# Heading",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "1. one\n2. two",
        "- item\n> quote",
        ":red[red] :material/home: :smile: :blue-badge[x]",
        "https://evil.example www.evil.example me@evil.example",
        "&lt;b&gt; &amp; &#x41;",
        "a\\b\\",
    ],
)
def test_markup_of_every_kind_shows_as_it_was_written(text: str) -> None:
    assert_shown_as_it_is(text)


def assert_no_markup(text: str) -> None:
    shown = rendered(f"Select {spoken(text, 10_000)}")
    assert set(shown.tags) <= {"p"}, text
    assert not any(re.search(pattern, shown.text, re.IGNORECASE) for pattern in LATE), text
    assert "\\" not in shown.text


def test_what_is_read_out_is_no_markup_either_and_holds_no_backslash(shared: Path) -> None:
    assert spoken("leases/first.md") == "leases/first.md"
    for text in naughty(shared):
        assert_no_markup(text)


@given(st.text(max_size=60))
def test_any_text_that_is_read_out_is_no_markup(text: str) -> None:
    assert_no_markup(text)


@given(st.text(max_size=60))
def test_any_text_shows_as_it_is(text: str) -> None:
    assert_shown_as_it_is(text)


def test_a_name_cannot_hide_its_ending_by_reversing_direction() -> None:
    assert one_line("invoice\u202excod.exe") == "invoicexcod.exe"
    assert not INVISIBLE.search(one_line("a\u2066b\u200fc\x00d"))


def test_a_long_name_is_cut_with_an_ellipsis() -> None:
    assert one_line("x" * 200, 10) == "xxxxxxxxx…"


def test_nothing_to_show_is_still_a_label() -> None:
    assert label("") == label(" \n\u202e ") == "\u00a0"


def taken_for_markdown(call: ast.Call) -> Iterator[ast.expr]:
    """The texts of a call to Streamlit that it shows as Markdown."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name not in PLAIN:
        yield from call.args[:1]
    yield from (each.value for each in call.keywords if each.arg in ("help", "title", "label", "text", "caption"))


def unescaped(node: ast.AST) -> Iterator[str]:
    """Fields of `OTHERS` whose words would be shown, without a call to `label` or `escaped` around them."""
    if isinstance(node, ast.Call):
        return  # `label`, `escaped`, or a function whose own text is looked at where it is made
    if isinstance(node, ast.IfExp):
        yield from (*unescaped(node.body), *unescaped(node.orelse))
        return
    if isinstance(node, ast.Attribute) and node.attr in OTHERS:
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from unescaped(child)


def test_no_page_shows_what_others_wrote_without_escaping_it() -> None:
    found = set()
    for file in sorted(DASHBOARD.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st."):
                found |= {f"{file.name}: {said}" for text in taken_for_markdown(node) for said in unescaped(text)}
    assert found == OURS
