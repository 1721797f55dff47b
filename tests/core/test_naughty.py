"""Strings that break input handling, in every field: stored byte for byte, or refused; never a traceback."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tomli_w
from docx import Document

from core.conversations import export
from core.errors import TriptychError
from core.finetuning import corrections
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from dashboard.components.win_rates import as_csv
from storage.errors import Exists, Unstorable
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import VoteRow
from tests.core.conversations.test_export import markdown_tokens
from tests.core.domains.test_known import CODES

OWN = [
    "half \ud800 of a pair",
    "nothing\0after",
    "\r\n",
    "=1+1",
    "\t=cmd|' /C calc'!A0",
    "a" * 5_000,
    "{{7*7}}",
    "%s%n",
]
REFUSED = (TriptychError, Unstorable, Exists)
Field = Callable[[Workspace, int, str], str]


@pytest.fixture(scope="module")
def naughty(shared: Path) -> list[str]:
    strings: list[str] = json.loads((shared / "hostile" / "text" / "blns.json").read_text("utf-8"))
    assert len(strings) >= 515
    return [*strings, *OWN]


@pytest.fixture
def ws(database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(home=tmp_path / "home", database_url=database_url)
    with Workspace.open(settings, given={"engine": ScriptedChat(answers=["Yes."])}) as opened:
        yield opened


def gold_question(ws: Workspace, corpus: int, text: str) -> str:
    return ws.gold.list(corpus)[-1].question if ws.gold.add(corpus, GoldDraft(text, "x")) else ""


def gold_answer(ws: Workspace, corpus: int, text: str) -> str:
    key = ws.gold.add(corpus, GoldDraft(f"Question {ws.gold.count(corpus)}", text)).id
    return next(row.answer for row in ws.gold.list(corpus) if row.id == key)


def example(ws: Workspace, corpus: int, text: str) -> str:
    number = ws.examples.count(corpus)
    ws.examples.add(corpus, [ExampleDraft(f"Question {number}", text)])
    return ws.examples.list(corpus)[-1].answer


def question(ws: Workspace, corpus: int, text: str) -> str:
    talk = ws.conversations.create(corpus).id
    ws.conversations.add_question(talk, text)
    return ws.conversations.messages(talk)[0].text


def title(ws: Workspace, corpus: int, text: str) -> str:
    talk = ws.conversations.create(corpus).id
    ws.conversations.rename(talk, text)
    return ws.conversations.get(talk).title


def correction(ws: Workspace, corpus: int, text: str) -> str:
    talk = ws.conversations.create(corpus).id
    asked = ws.conversations.add_question(talk, "What?")
    answer = ws.conversations.begin_answer(talk, "rag", question_id=asked.id)
    corrections.correct(ws, answer.id, text)
    given = ws.conversations.feedback(answer.id)
    return given.corrected_answer if given else ""


def comparison(ws: Workspace, corpus: int, text: str) -> str:
    return ws.comparisons.get(
        ws.comparisons.begin(corpus, text, [("base", "", ""), ("rag", "", "")], False).id
    ).question


def base_model(ws: Workspace, _corpus: int, text: str) -> str:
    return ws.base_models.get(
        ws.base_models.create(f"{len(ws.base_models.list())} {text}", "gguf", "x").id
    ).name.partition(" ")[2]


def domain_persona(ws: Workspace, _corpus: int, text: str) -> str:
    name = f"own_{len(ws.domains.all())}"
    return ws.domains.take_in(tomli_w.dumps(CODES | {"name": name, "title": name, "persona": text})).persona


FIELDS: list[Field] = [
    gold_question, gold_answer, example, question, title, correction, comparison, base_model, domain_persona,
]  # fmt: skip


def chosen(field: Field, naughty: list[str]) -> list[str]:
    """A third of the strings, another one for each field, and our own; all of them where TRIPTYCH_TORTURE is set."""
    if "TRIPTYCH_TORTURE" in os.environ:
        return naughty
    return [*naughty[FIELDS.index(field) % 3 : -len(OWN) : 3], *OWN]


@pytest.mark.parametrize("field", FIELDS)
def test_a_naughty_string_is_stored_as_it_is_or_refused(field: Field, ws: Workspace, naughty: list[str]) -> None:
    corpus = intake.create_corpus(ws, "Naughty", "legal").id
    wrong = []
    for text in chosen(field, naughty):
        try:
            stored = field(ws, corpus, text)
        except REFUSED:
            continue
        if stored != text:
            wrong.append((text, stored))
    assert wrong == []


def test_naughty_names_of_corpora_and_files_are_kept_but_for_white_space_and_what_cannot_be_seen(
    ws: Workspace, naughty: list[str]
) -> None:
    made = {}
    for text in naughty:
        try:
            made[text] = intake.create_corpus(ws, text, "legal").name
        except REFUSED:
            continue
    assert {text: name for text, name in made.items() if name != " ".join(text.split())} == {}
    corpus = intake.create_corpus(ws, "For files", "legal").id
    took = intake.add_files(ws, corpus, [(text, f"Words {number}.".encode()) for number, text in enumerate(naughty)])
    names = [row.name for row in ws.corpora.documents(corpus, limit=10_000)]
    assert len(names) + len(took.rejected) + len(took.replaced) >= len(set(naughty)) - 20
    assert not [name for name in names if name.startswith("/") or ".." in name.split("/") or "\0" in name]


def test_a_conversation_of_naughty_strings_is_exported_whole(ws: Workspace, naughty: list[str]) -> None:
    corpus = intake.create_corpus(ws, "Talk", "legal").id
    talk, kept = ws.conversations.create(corpus).id, []
    for text in naughty[:515:5]:
        try:
            asked = ws.conversations.add_question(talk, text)
        except REFUSED:
            continue
        answer = ws.conversations.begin_answer(talk, "base", question_id=asked.id)
        ws.conversations.finish_answer(answer.id, text, status="done")
        kept.append(text)
    by_ending = {chosen.ending: export.export(ws, talk, chosen) for chosen in export.FORMATS}
    assert [message["text"] for message in json.loads(by_ending["json"])["messages"]][::2] == kept
    assert Document(io.BytesIO(by_ending["docx"])).paragraphs
    kinds = {token.type for token in markdown_tokens(by_ending["md"].decode())}
    assert not {"image", "link_open", "html_block", "html_inline"} & kinds


def test_no_cell_of_a_csv_export_is_a_formula(naughty: list[str]) -> None:
    formulas = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "  =1", "\uff1d1", "\n=1"]
    formulas += naughty[:515]
    votes = [VoteRow(text, "rag", ("base", "rag"), False, datetime.now(UTC)) for text in formulas]
    rows = list(csv.reader(io.StringIO(as_csv(votes), newline="")))[1:]
    assert len(rows) == len(votes)
    for row, text in zip(rows, formulas, strict=True):
        assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        assert row[0].removeprefix("'") == text.removeprefix("'")
