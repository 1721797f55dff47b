"""What others wrote shows as it is and never becomes markup."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dashboard.components.safe_text import INVISIBLE, WORD_JOINER, label, one_line

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})
LATE = [r":[a-z0-9_+-]+:", r":material/\w+:", r"https?://", r"\bwww\.", r"\w@\w"]


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
