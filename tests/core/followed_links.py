"""Links into the dashboard, opened as a browser does: what the page then shows, all of it, as one text."""

import sys
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.core.two_sides import Side

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
MARK = "10-40"

LINKS: tuple[tuple[str, Callable[[Side], dict[str, object]]], ...] = (
    ("chat", lambda side: {"conversation": side.talk}),
    ("chat", lambda side: {"conversation": side.talk, "message": side.answer}),
    ("chat", lambda side: {"conversation": side.talk, "document": side.attached, "page": 1}),
    ("chat", lambda side: {"conversation": side.panels[0]}),
    ("chat", lambda side: {"document": side.documents[0], "page": 1, "mark": MARK}),
    ("chat", lambda side: {"document": side.documents[2], "page": 1, "mark": MARK, "answer": side.answer}),
    ("compare", lambda side: {"comparison": side.comparison}),
    ("compare", lambda side: {"document": side.documents[1], "page": 1, "answer": side.answer}),
    ("corpus", lambda side: {"document": side.documents[3], "page": 1, "mark": MARK}),
    ("evaluate", lambda side: {"document": side.documents[0], "page": 1, "answer": side.answer}),
)
"""Pages, and what of a side a link to them may name beside the corpus."""
HIDDEN: tuple[str, Callable[[Side], dict[str, object]]] = ("chat", lambda side: {"corpus": side.files})
"""The corpus of a conversation's own files, which nobody works in: no side sees anything there."""


def opened(page: str, /, **query: object) -> str:
    """Everything that a page is made of when such a link is opened in a new tab, also what components are given."""
    main = sys.modules["__main__"]  # which the page takes the place of, and a process spawned later would run again
    tab = AppTest.from_file(str(APP), default_timeout=60).run()
    for name, value in query.items():
        tab.query_params[name] = str(value)
    tab.switch_page(f"app_pages/{page}.py").run()
    sys.modules["__main__"] = main
    assert not tab.exception
    everything = tab._tree  # dialogs and what is fixed to the bottom as well, which have no name of their own
    return " ".join(str(getattr(node, "proto", "")) for node in everything)
