"""Domains of one's own are the equal of the built-in four, and come and go as one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from core.assistants.ask import Assistant
from core.commands.index import index
from core.domains import ChecksPolicy, all_domains, domain, written
from core.errors import BadInput, Conflict, NotFound
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace

CODES = {
    "name": "building_law",
    "title": "Building law",
    "summary": "Codes and permits.",
    "icon": ":material/architecture:",
    "persona": 'You are a "careful" surveyor.\nKeep § numbers as they are.',
    "disclaimer": "Ask the authority.",
    "example_questions": ["How wide must a stair be?"],
    "chunking": {"structure": "section", "target_chars": 300, "max_chars": 400},
    "refusal": {"threshold": 0.2, "sentence": "The codes do not say."},
    "checks": {"cited": True, "figures": True, "phrases": ["no permit needed", "保证"]},
    "terms": ["stair, staircase, flight of steps", "RC, reinforced concrete"],
}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "home")) as opened:
        yield opened


def toml(**changes: object) -> str:
    return tomli_w.dumps(CODES | changes)


def test_a_domain_survives_export_and_import(ws: Workspace) -> None:
    made = ws.domains.take_in(toml())
    assert ws.domains.get("building_law") == made == written.read(written.write(made))
    assert made.persona == CODES["persona"]


def test_a_built_in_domain_can_be_exported_and_come_back_under_another_name(ws: Workspace) -> None:
    for each in all_domains():
        text = written.write(each).replace(f'name = "{each.name}"', f'name = "{each.name}_2"')
        again = ws.domains.take_in(text)
        assert (again.persona, again.chunking, again.refusal) == (each.persona, each.chunking, each.refusal)
        assert (again.checks, again.terms) == (each.checks, each.terms)
        assert again.sample_corpus == ""


def test_a_corpus_of_an_added_domain_is_cut_and_answered_as_it_says(ws: Workspace) -> None:
    ws.domains.take_in(toml())
    corpus = intake.create_corpus(ws, "codes", "building_law")
    text = "\n\n".join(f"Stair number {n} must be {n} metres wide and have a rail on both sides." for n in range(1, 12))
    intake.add_files(ws, corpus.id, [("codes.md", f"# Stairs\n\n{text}".encode())])
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    (document,) = ws.corpora.documents(corpus.id)
    assert 200 < max(len(chunk.text) for chunk in ws.corpora.chunks(document.id)) <= 400
    assert Assistant.of(ws, corpus.id).domain.refusal.sentence == "The codes do not say."


def test_the_command_line_takes_an_added_domain(ws: Workspace, tmp_path: Path) -> None:
    ws.domains.take_in(toml())
    file = tmp_path / "stairs.md"
    file.write_text("# Stairs\n\nA stair must be one metre wide.")
    ws.close()
    assert index(Settings.load(tmp_path / "home"), "codes", "building_law", [file]) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "'colour' is not a key"),
        ({"persona": 7}, "'persona' must be a text"),
        ({"title": " "}, "'title' is empty"),
        ({"name": "Building Law!"}, "'name' must be 2 to 40 small letters"),
        ({"icon": ":material/nonsense:"}, "'icon' must be one of"),
        ({"refusal": {"threshold": 1.4, "sentence": "No."}}, "not between 0 and 1"),
        ({"refusal": {"threshold": "high", "sentence": "No."}}, "'threshold' of [refusal] must be a number"),
        ({"refusal": {"sentence": "No."}}, "'threshold' of [refusal] is missing"),
        ({"refusal": {"threshold": True, "sentence": "No."}}, "must be a number"),
        ({"refusal": {"threshold": float("nan"), "sentence": "No."}}, "not between 0 and 1"),
        ({"chunking": {"structure": "verse", "target_chars": 300, "max_chars": 400}}, "'structure' must be one of"),
        ({"chunking": {"structure": "qa", "target_chars": 500, "max_chars": 400}}, "not above 'max_chars'"),
        ({"chunking": {"structure": "qa", "target_chars": 3, "max_chars": 400}}, "must lie between"),
        ({"chunking": "qa"}, "[chunking] must be a table"),
        ({"example_questions": ["a", "b", "c", "d"]}, "at most 3"),
        ({"checks": True}, "[checks] must be a table"),
        ({"checks": {"names": True}}, "'names' is not a key of [checks]"),
        ({"checks": {"cited": "yes"}}, "'cited' of [checks] must be true or false"),
        ({"checks": {"figures": 1}}, "'figures' of [checks] must be true or false"),
        ({"checks": {"phrases": "never"}}, "'phrases' of [checks] must be a list of texts"),
        ({"checks": {"phrases": [7]}}, "a list of at most 50 texts"),
        ({"checks": {"phrases": ["ok", "__"]}}, "each must have a letter or digit"),
        ({"checks": {"phrases": ["x" * 101]}}, "at most 100 characters"),
        ({"terms": "stair, staircase"}, "'terms' must be a list of at most 200 texts"),
        ({"terms": ["stair"]}, "2 to 8 words or names between commas, not “stair”"),
        ({"terms": ["stair, , stair"]}, "2 to 8 words or names between commas"),
        ({"terms": [", ".join("abcdefghi")]}, "2 to 8 words or names between commas"),
        ({"terms": ["stair, " + "x" * 200]}, "2 to 8 words or names between commas"),
        ({"terms": ["stair, ++"]}, "“++” has no letter or digit"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_is_wrong(
    ws: Workspace, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(BadInput) as error:
        ws.domains.take_in(toml(**changes))
    assert said in error.value.message
    assert len(ws.domains.all()) == 4


def test_a_file_that_does_not_speak_of_checks_has_none(ws: Workspace) -> None:
    ws.domains.take_in(tomli_w.dumps({key: value for key, value in CODES.items() if key != "checks"}))
    assert ws.domains.get("building_law").checks == ChecksPolicy()
    some = written.read(toml(checks={"figures": True}))
    assert some.checks == ChecksPolicy(figures=True)


def test_a_corpus_of_an_added_domain_is_asked_in_its_words_and_answered_in_the_documents(ws: Workspace) -> None:
    ws.domains.take_in(toml())
    corpus = intake.create_corpus(ws, "codes", "building_law")
    intake.add_files(ws, corpus.id, [("codes.md", b"# Escape\n\nThe flight of steps is 1.2 metres wide.\n")])
    ws.dispatcher.run_one()
    assert ws.retriever.query(corpus.id, "How wide are stairs?").by_meaning == "How wide are stairs (flight of steps)?"
    assert ws.retriever.by_words(corpus.id, "stair") == []
    assert len(ws.retriever.both(ws.retriever.query(corpus.id, "stair"))[0]) == 1
    ws.domains.change("building_law", written.made(CODES | {"terms": []}))
    assert ws.retriever.query(corpus.id, "How wide are stairs?").by_meaning == "How wide are stairs?"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Building law", "building_law_2"),
        ("Île & Río", "ile_rio"),
        ("5G rules", "domain_5g_rules"),
        ("X", "domain_x"),
        ("法律", "domain_1"),
        ("Право", "domain_1"),
        ("Legal", "legal_2"),
        ("long title " * 5, "long_title_long_title_long_title_long_ti"),
    ],
)
def test_any_title_gives_a_name_that_is_valid_and_free(ws: Workspace, title: str, name: str) -> None:
    ws.domains.take_in(toml())
    assert ws.domains.free(title) == name
    assert ws.domains.add(written.made(CODES | {"name": name, "title": title})).name == name
    again = ws.domains.free(title)
    assert again != name
    assert ws.domains.add(written.made(CODES | {"name": again, "title": title})).name == again


def test_what_is_wrong_in_a_form_is_told_by_its_fields() -> None:
    wrong = {"title": "", "refusal": {"threshold": 0.2, "sentence": ""}, "checks": {"phrases": ["?"]}}
    chunking = {"structure": "qa", "target_chars": 500, "max_chars": 400}
    with pytest.raises(BadInput) as error:
        written.made(CODES | wrong | {"name": "5g", "chunking": chunking}, form=True)
    said = f"{error.value}"
    for words in ("“Title” is empty", "“Name” must be", "“Usual length” and “Longest”", "“What it says then”"):
        assert words in said
    assert "“Never to be said”" in said
    assert "send the form again" in said
    assert not any(word in said for word in ("file", "TOML", "'", "[", "_"))


def test_a_file_with_a_byte_order_mark_is_read(ws: Workspace) -> None:
    assert ws.domains.take_in(written.decoded(b"\xef\xbb\xbf" + toml().encode())).name == "building_law"
    assert written.read(f"\ufeff{toml()}") == ws.domains.get("building_law")


def test_a_file_in_another_encoding_is_refused_and_not_mangled() -> None:
    for data in (toml(title="Größe", checks={}).encode("latin-1"), toml().encode("utf-16")):
        with pytest.raises(BadInput, match=r"not a text in UTF-8.*Save the file as UTF-8"):
            written.decoded(data)


def test_a_file_can_be_taken_in_by_another_name(ws: Workspace) -> None:
    made = ws.domains.take_in(written.write(domain("legal")), name="our_law")
    assert (made.name, ws.domains.get("our_law").persona) == ("our_law", domain("legal").persona)
    with pytest.raises(BadInput, match="2 to 40 small letters"):
        ws.domains.take_in(toml(), name="Our Law")


def test_a_newer_file_replaces_one_s_own_domain_and_its_corpora_stay(ws: Workspace) -> None:
    ws.domains.take_in(toml())
    corpus = intake.create_corpus(ws, "codes", "building_law")
    ws.domains.take_in(toml(persona="You are a newer surveyor."), replace=True)
    assert Assistant.of(ws, corpus.id).domain.persona == "You are a newer surveyor."
    assert len(ws.domains.all()) == 5


def test_a_built_in_domain_is_not_replaced_and_nothing_is_replaced_by_what_is_wrong(ws: Workspace) -> None:
    ws.domains.take_in(toml())
    with pytest.raises(BadInput, match="built-in"):
        ws.domains.take_in(written.write(domain("legal")), replace=True)
    with pytest.raises(NotFound):
        ws.domains.take_in(toml(name="other"), replace=True)
    with pytest.raises(BadInput):
        ws.domains.take_in(toml(persona=""), replace=True)
    assert ws.domains.get("building_law").persona == CODES["persona"]


def test_what_is_no_toml_is_refused(ws: Workspace) -> None:
    with pytest.raises(BadInput, match="not a TOML file"):
        ws.domains.take_in("name = ")


@pytest.mark.parametrize("name", ["legal", "building_law"])
def test_a_name_that_is_taken_is_refused(ws: Workspace, name: str) -> None:
    ws.domains.take_in(toml())
    with pytest.raises(Conflict, match="already"):
        ws.domains.take_in(toml(name=name))


def test_a_domain_can_be_changed_but_keeps_its_name(ws: Workspace) -> None:
    made = ws.domains.take_in(toml())
    ws.domains.change("building_law", written.read(toml(title="Codes")))
    assert ws.domains.get("building_law").title == "Codes"
    with pytest.raises(BadInput, match="keeps its name"):
        ws.domains.change("building_law", written.read(toml(name="other")))
    with pytest.raises(BadInput, match="built-in"):
        ws.domains.change("legal", made)


def test_a_domain_is_deleted_only_when_no_corpus_is_of_it(ws: Workspace) -> None:
    ws.domains.take_in(toml())
    corpus = intake.create_corpus(ws, "codes", "building_law")
    with pytest.raises(Conflict, match="it was kept"):
        ws.domains.delete("building_law")
    intake.delete_corpus(ws, corpus.id)
    ws.domains.delete("building_law")
    with pytest.raises(NotFound, match="building_law"):
        ws.domains.get("building_law")
    with pytest.raises(BadInput):
        ws.domains.delete("legal")


def test_a_domain_without_a_sample_says_so(ws: Workspace) -> None:
    ws.domains.take_in(toml())
    with pytest.raises(BadInput, match="no sample"):
        intake.load_sample(ws, "building_law")
