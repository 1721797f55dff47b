"""One page of a document as text, with some of its words marked and the current ones scrolled into view."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components.browser_files import script, sheet

Stretch = tuple[int, int]
"""A part of a page's text in Python characters, half open."""

_component = st.components.v2.component(
    "triptych_page",
    html='<div id="page" role="document" tabindex="0"></div>',
    css=sheet("table_text", "page_text"),
    js=script("table_text", "page_text"),
)


def show(text: str, marks: Sequence[Stretch] = (), *, current: int = 0, key: str) -> None:
    """Show a page's text with stretches of it marked, the one at `current` most."""
    _component(key=key, data={"runs": runs(text, marks, current)})


def around(text: str, mark: Stretch, most: int) -> Stretch:
    """The part of a long text to show for a mark: at most `most` characters before it and after it, whole lines."""
    start, end = mark[0] - most, mark[1] + most
    first = text.find("\n", start, mark[0]) + 1 if start > 0 else 0
    last = text.rfind("\n", mark[1], end) if end < len(text) else len(text)
    return (first or max(0, start), last if last >= 0 else end)


def runs(text: str, marks: Sequence[Stretch], current: int) -> list[list[str]]:
    """The text cut into [words, "" | "mark" | "current"]; of marks that overlap, the current one wins, then the first.

    Cut here: the browser counts UTF-16 units, not characters.
    """
    chosen = list(marks[current : current + 1])
    for mark in marks:
        if mark[0] < mark[1] <= len(text) and all(mark[1] <= start or mark[0] >= end for start, end in chosen):
            chosen.append(mark)
    cut: list[list[str]] = []
    at = 0
    for start, end in sorted(chosen):
        cut += [[text[at:start], ""], [text[start:end], "current" if (start, end) == chosen[0] else "mark"]]
        at = end
    return [run for run in [*cut, [text[at:], ""]] if run[0]]
