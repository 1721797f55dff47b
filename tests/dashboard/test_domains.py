"""Domains of one's own are made, changed and deleted on Home."""

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.domains import ChecksPolicy, domain, written
from core.ingestion import intake
from core.workspace import Workspace
from dashboard.components import domain_import
from tests.core.domains.test_known import CODES, toml
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
    assert "“Persona” is empty" in words(app)
    assert "send the form again" in words(app)
    assert "file" not in next(each.value for each in app.error)
    assert len(workspace.domains.all()) == 4


def described(app: AppTest, title: str, **fields: str) -> AppTest:
    """The form of a new domain, filled in and sent."""
    app.button(key="new-domain").click().run()
    labelled(app, "text_input", "Title").set_value(title)
    labelled(app, "text_area", "Persona").set_value("You are a surveyor.")
    for name, value in fields.items():
        labelled(app, "text_input" if name == "name" else "text_area", LABELS[name]).set_value(value)
    app.button(key="new-domain").click()
    labelled(app, "button", "Create").click().run()
    assert not app.exception
    return app


LABELS = {
    "name": "Name (optional)",
    "phrases": "Never to be said, one phrase a line",
    "terms": "Words that mean the same, one group a line",
}


@pytest.mark.parametrize(
    ("title", "name"), [("法律", "domain_1"), ("5G rules", "domain_5g_rules"), ("Legal", "legal_2")]
)
def test_any_title_makes_a_domain(open_page: Open, workspace: Workspace, title: str, name: str) -> None:
    described(open_page(), title)
    assert workspace.domains.get(name).title == title


def test_a_domain_gets_the_name_that_was_typed_or_says_what_is_wrong_with_it(
    open_page: Open, workspace: Workspace
) -> None:
    described(open_page(), "法律", name="china_law")
    assert workspace.domains.get("china_law").title == "法律"
    assert "“Name” must be 2 to 40 small letters" in words(described(open_page(), "法律", name="China!"))
    assert "There is a domain called 'china_law' already" in words(described(open_page(), "法律", name="china_law"))
    assert len(workspace.domains.all()) == 5


def test_the_checks_of_a_domain_are_set_in_its_form_and_changed(open_page: Open, workspace: Workspace) -> None:
    described(open_page(), "Building law", phrases="no permit needed\n\n always safe ")
    made = workspace.domains.get("building_law").checks
    assert made == ChecksPolicy(cited=False, figures=True, phrases=("no permit needed", "always safe"))
    app = open_page()
    app.session_state["domain-wanted"] = ("Edit", "building_law")
    app.run()
    labelled(app, "checkbox", "Every sentence has a source").set_value(True)
    labelled(app, "checkbox", "Every figure is in the sources").set_value(False)
    labelled(app, "text_area", LABELS["phrases"]).set_value("")
    app.session_state["domain-wanted"] = ("Edit", "building_law")
    labelled(app, "button", "Save").click().run()
    assert workspace.domains.get("building_law").checks == ChecksPolicy(cited=True)


def test_words_that_mean_the_same_are_set_in_the_form_and_what_is_no_group_is_told(
    open_page: Open, workspace: Workspace
) -> None:
    assert "“Words that mean the same”: a line is 2 to 8" in words(described(open_page(), "Law", terms="stair"))
    described(open_page(), "Building law", terms="stair, staircase\n\n RC, reinforced concrete ")
    assert workspace.domains.get("building_law").terms == ("stair, staircase", "RC, reinforced concrete")


def test_a_card_says_what_its_domain_checks(open_page: Open, workspace: Workspace) -> None:
    before = words(open_page())
    assert before.count("Checks sources, figures, 3 phrases") == 3
    assert before.count("Checks figures") == 1
    workspace.domains.take_in(toml(checks={"phrases": ["always safe"]}))
    assert "Checks 1 phrase" in words(open_page())
    workspace.domains.take_in(toml(checks={}), replace=True)
    assert words(open_page()).count("Checks ") == before.count("Checks ")


def test_a_built_in_domain_is_copied_from_its_menu(open_page: Open, workspace: Workspace) -> None:
    app = open_page()
    app.session_state["domain-wanted"] = ("Copy", "legal")
    app.run()
    app.session_state["domain-wanted"] = ("Copy", "legal")
    labelled(app, "button", "Create").click().run()
    assert not app.exception
    made, legal = workspace.domains.get("legal_copy"), domain("legal")
    assert made.title == "Legal (copy)"
    assert (made.persona, made.chunking, made.refusal, made.checks) == (
        *(legal.persona, legal.chunking, legal.refusal, legal.checks),
    )
    assert made.example_questions == ()  # those of the sample ask about its documents


def test_one_s_own_domain_is_copied_with_its_questions(open_page: Open, workspace: Workspace) -> None:
    workspace.domains.take_in(toml())
    app = open_page()
    app.session_state["domain-wanted"] = ("Copy", "building_law")
    app.run()
    app.session_state["domain-wanted"] = ("Copy", "building_law")
    labelled(app, "button", "Create").click().run()
    assert workspace.domains.get("building_law_copy").example_questions == ("How wide must a stair be?",)


def uploaded(app: AppTest, data: bytes, *, how: str = "", name: str = "", press: str = "Import") -> AppTest:
    """The dialog's second tab with a file, what was chosen and typed in it, and its button pressed if it is there."""

    def again() -> None:
        app.button(key="new-domain").click()

    again()
    app.run()
    app.file_uploader[0].upload("domain.toml", data, "application/toml")
    again()
    app.run()
    if how:
        app.radio[0].set_value(how)
        again()
        app.run()
    if name:
        app.text_input(key="import-name").set_value(name)
    if any(button.label == press for button in app.button):
        again()
        labelled(app, "button", press).click().run()
    assert not app.exception
    return app


def test_a_domain_is_imported_from_a_file_with_a_byte_order_mark(open_page: Open, workspace: Workspace) -> None:
    uploaded(open_page(), b"\xef\xbb\xbf" + toml().encode())
    assert workspace.domains.get("building_law").title == "Building law"


def test_a_file_that_is_no_utf_8_is_refused_on_the_page(open_page: Open, workspace: Workspace) -> None:
    app = uploaded(open_page(), toml(title="Größe", checks={}).encode("latin-1"))
    assert "not a text in UTF-8" in words(app)
    assert len(workspace.domains.all()) == 4


def test_an_exported_built_in_domain_is_imported_beside_it(open_page: Open, workspace: Workspace) -> None:
    uploaded(open_page(), written.write(domain("legal")).encode())
    assert workspace.domains.get("legal_2").persona == domain("legal").persona
    uploaded(open_page(), written.write(domain("legal")).encode(), name="our_law")
    assert workspace.domains.get("our_law").persona == domain("legal").persona


def test_a_newer_file_of_one_s_own_domain_is_asked_about(open_page: Open, workspace: Workspace) -> None:
    workspace.domains.take_in(toml())
    newer = toml(persona="You are a newer surveyor.").encode()
    app = uploaded(open_page(), newer)
    assert not [button for button in app.button if button.label in ("Import", "Replace")]
    app = uploaded(open_page(), newer, how=domain_import.BESIDE)
    assert workspace.domains.get("building_law_2").persona == "You are a newer surveyor."
    assert workspace.domains.get("building_law").persona == CODES["persona"]
    intake.create_corpus(workspace, "Codes", "building_law")
    app = uploaded(open_page(), newer, how=domain_import.REPLACE, press="nothing yet")
    assert "1 corpus of it will answer as the file says" in words(app)
    uploaded(open_page(), newer, how=domain_import.REPLACE, press="Replace")
    assert workspace.domains.get("building_law").persona == "You are a newer surveyor."


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


def test_a_corpus_of_one_s_own_domain_takes_in_gold_questions_and_training_pairs(
    open_page: Open, workspace: Workspace
) -> None:
    workspace.domains.take_in(toml())
    corpus = intake.create_corpus(workspace, "Codes", "building_law")
    pairs = b"question,answer\nHow wide must a stair be?,One metre\n"
    for page, press in (("evaluate", "Add 1 question"), ("finetune", "Add 1 example")):
        app = open_page(page, corpus=corpus.id)
        app.file_uploader[0].upload("pairs.csv", pairs).run()
        labelled(app, "button", press).click().run()
        assert not app.exception
    assert [row.answer for row in workspace.gold.list(corpus.id)] == ["One metre"]
    assert [row.answer for row in workspace.examples.list(corpus.id)] == ["One metre"]
