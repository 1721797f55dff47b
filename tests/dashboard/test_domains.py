"""Domains of one's own are made, changed and deleted on Home."""

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.domains import written
from core.ingestion import intake
from core.workspace import Workspace
from tests.core.domains.test_known import toml
from tests.dashboard.conftest import words
from tests.dashboard.test_safe_text import WORD_JOINER, rendered

Open = Callable[..., AppTest]


# AppTest runs the whole script each time: what opened a dialog is pressed together with what is in it.
def labelled(app: AppTest, kind: str, label: str):  # type: ignore[no-untyped-def]
    return next(element for element in app.get(kind) if element.label == label)


def test_a_domain_is_made_from_the_page_and_gets_a_card(open_page: Open, workspace: Workspace) -> None:
    app = open_page()
    app.button(key="new-domain").click().run()
    labelled(app, "text_input", "Title").set_value("Building law")
    labelled(app, "text_area", "Persona").set_value("You are a surveyor.")
    app.button(key="new-domain").click()
    labelled(app, "button", "Create").click().run()
    assert not app.exception
    assert workspace.domains.get("building_law").persona == "You are a surveyor."
    assert "Building law" in words(open_page())


def test_a_domain_without_a_persona_is_refused_with_a_reason(open_page: Open, workspace: Workspace) -> None:
    app = open_page()
    app.button(key="new-domain").click().run()
    labelled(app, "text_input", "Title").set_value("Building law")
    app.button(key="new-domain").click()
    labelled(app, "button", "Create").click().run()
    assert "'persona' is empty" in words(app)
    assert len(workspace.domains.all()) == 4


def test_the_card_of_an_added_domain_begins_a_corpus_of_it(open_page: Open, workspace: Workspace) -> None:
    workspace.domains.take_in(toml())
    app = open_page()
    app.button(key="corpus-in-building_law").click().run()
    labelled(app, "text_input", "Name").set_value("Codes")
    app.button(key="corpus-in-building_law").click()
    labelled(app, "button", "Create").click().run()
    assert not app.exception
    (corpus,) = workspace.corpora.list()
    assert corpus.domain == "building_law"
    assert "Building law" in words(open_page("corpus", corpus=corpus.id))
    assert "building_law" in [box.value for box in open_page("chat", corpus=corpus.id).selectbox]


def test_deleting_a_domain_in_use_says_what_stands_in_the_way(open_page: Open, workspace: Workspace) -> None:
    workspace.domains.take_in(toml())
    intake.create_corpus(workspace, "Codes", "building_law")
    app = open_page()
    app.session_state["domain-wanted"] = ("Delete", "building_law")
    app.run()
    assert "1 corpus of this domain would lose it" in words(app)


def test_a_domain_is_changed_and_deleted_from_its_menu(open_page: Open, workspace: Workspace) -> None:
    workspace.domains.take_in(toml())
    app = open_page()
    app.session_state["domain-wanted"] = ("Edit", "building_law")
    app.run()
    labelled(app, "text_input", "Title").set_value("Codes & permits")
    app.session_state["domain-wanted"] = ("Edit", "building_law")
    labelled(app, "button", "Save").click().run()
    assert workspace.domains.get("building_law").title == "Codes & permits"
    app = open_page()
    app.session_state["domain-wanted"] = ("Delete", "building_law")
    app.run()
    app.session_state["domain-wanted"] = ("Delete", "building_law")
    labelled(app, "button", "Delete domain").click().run()
    assert [each.name for each in workspace.domains.all()] == [*("legal", "healthcare", "finance", "support")]


def test_an_export_reads_back_as_the_same_domain(open_page: Open, workspace: Workspace) -> None:
    made = workspace.domains.take_in(toml())
    app = open_page()
    app.session_state["domain-wanted"] = ("Export", "building_law")
    app.run()
    assert not app.exception
    assert written.read(written.write(made)) == made


PICTURE = "![x](http://evil.example/p.png)"
HOSTILE = {
    "title": f"{PICTURE} title",
    "summary": f"{PICTURE} summary :red[x]",
    "persona": f"{PICTURE} persona",
    "disclaimer": f"{PICTURE} disclaimer [y](javascript:alert(1)) <img src=http://evil.example/q.png>",
    "example_questions": [f"{PICTURE} question {number}?" for number in range(3)],
}


def read_as_markdown(app: AppTest) -> Iterator[str]:
    """Every text of a page that Streamlit reads as Markdown: what is said, labels, tooltips, choices side by side."""
    for kind in ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success"):
        yield from (str(element.value) for element in app.get(kind))
    for kind in ("button", "checkbox", "selectbox", "text_area", "text_input", "expander", "page_link", "popover"):
        for element in app.get(kind):
            proto = element.proto
            yield from (str(getattr(proto, name, "")) for name in ("label", "help"))
    for group in app.get("button_group"):
        yield from (option.content for option in group.proto.options)


@pytest.mark.parametrize("page", ["", "corpus", "chat", "compare", "evaluate", "finetune", "settings", "jobs"])
def test_what_a_domain_says_is_text_on_every_page(open_page: Open, workspace: Workspace, page: str) -> None:
    workspace.domains.take_in(toml(**HOSTILE))
    corpus = intake.create_corpus(workspace, "Codes", "building_law")
    intake.add_files(workspace, corpus.id, [("codes.md", b"# Stairs\n\nA stair must be one metre wide.")])
    workspace.dispatcher.run_one()
    app = open_page(page, corpus=corpus.id)
    assert not app.exception
    assert "nothing at this address" not in str([each.proto for each in app.warning])
    pieces = [rendered(text) for text in read_as_markdown(app)]
    assert {"img", "a"}.isdisjoint(tag for piece in pieces for tag in piece.tags)
    shown = "\n".join(piece.text for piece in pieces).replace(WORD_JOINER, "")
    expected = {
        "": ["title", "summary"],
        "corpus": ["title"],
        "chat": ["disclaimer", "question 0?", "question 2?"],
        "compare": ["disclaimer"],
        "evaluate": ["title"],
        "finetune": ["title"],
    }
    assert all(f"{PICTURE} {said}" in shown for said in expected.get(page, []))
