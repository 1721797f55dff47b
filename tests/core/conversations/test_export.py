"""A conversation is written down with its sources; what others wrote stays text."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.conversations import export, files
from core.conversations.export import FORMATS, file_name
from core.errors import NotFound
from core.ingestion import editing
from core.ingestion.intake import add_files, create_corpus, delete_corpus
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import CitationRow, PassageRow
from tests.core.domains.test_known import toml

MARKDOWN, WORD, JSON = FORMATS
TEXT = "The rent is 40 crowns. It <b>never</b> rises.\x0b"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        yield opened


@pytest.fixture
def talk(workspace: Workspace) -> int:
    corpus = create_corpus(workspace, "Leases", "legal")
    add_files(workspace, corpus.id, [("lease.md", b"# Lease\n\nThe rent is 40 crowns a month.")])
    workspace.dispatcher.run_one()
    (document,) = workspace.corpora.documents(corpus.id)
    start = workspace.corpora.page(document.id, 1).text.index("The rent")
    conversation = workspace.conversations.create(corpus.id).id
    workspace.conversations.add_question(conversation, "What is the *rent*?", title="Rent & more")
    answer = workspace.conversations.begin_answer(conversation, "rag", "model")
    cited = [
        CitationRow(0, 22, 1, document.id, 1, start, start + 22, 0.9),
        CitationRow(23, 45, None, None, None, None, None, 0.0),
    ]
    workspace.conversations.finish_answer(answer.id, TEXT, citations=cited, searched_for="Rent of the lease?")
    return conversation


def markdown_tokens(text: str) -> Iterator[Token]:
    """What a reader of Markdown with tables takes it for, every token also inside of lines."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def test_markdown_numbers_its_sources_and_quotes_their_words(workspace: Workspace, talk: int) -> None:
    text = export.export(workspace, talk, MARKDOWN).decode()
    assert "# Rent & more" in text
    assert "## What is the \\*rent\\*?" in text
    assert "The rent is 40 crowns. [1] ~ It \\<b\\>never" in text
    assert "[1] lease.md, page 1\n> The rent is 40 crowns" in text
    assert "*Searched for: Rent of the lease?*" in text
    assert text.rstrip().endswith("not legal advice.")


def test_exports_tell_what_the_checks_found(workspace: Workspace, talk: int) -> None:
    (_, answer) = workspace.conversations.path(talk)
    found = {"carried": ["figures"], "found": [{"check": "figures", "said": "<40 crowns> is not in the sources"}]}
    workspace.conversations.finish_answer(answer.id, TEXT, context={"checks": found})
    assert "Check: \\<40 crowns\\> is not in the sources." in export.export(workspace, talk, MARKDOWN).decode()
    paragraphs = docx.Document(io.BytesIO(export.export(workspace, talk, WORD))).paragraphs
    assert "Check: <40 crowns> is not in the sources." in [each.text for each in paragraphs]
    assert json.loads(export.export(workspace, talk, JSON))["messages"][1]["context"]["checks"] == found


def test_markdown_loads_no_picture_that_a_table_or_a_domain_named(workspace: Workspace, talk: int) -> None:
    picture = "![x](http://evil.example/p.png)"
    asked = workspace.conversations.add_question(talk, "And the table?")
    answer = workspace.conversations.begin_answer(talk, "rag", "model", asked.id)
    workspace.conversations.finish_answer(answer.id, f"| Item | {picture} |\n|---|---|\n| Rent | 40 |")
    workspace.domains.take_in(toml(disclaimer=picture))
    other = create_corpus(workspace, "Codes", "building_law").id
    of_domain = workspace.conversations.create(other).id
    texts = [export.export(workspace, each, MARKDOWN).decode() for each in (talk, of_domain)]
    assert all("!\\[x\\](http" in text and picture not in text for text in texts)
    assert "\n|---|---|\n| Rent | 40 |" in texts[0]


MARKUP = [
    "| ![x](https://collect.example/p?q=1)",
    "| [x](javascript:alert(1)) | <img src=//evil.example> |",
    "(https://evil.example) follows a number",
    ": https://evil.example",
    "![x][y]\n\n[y]: http://evil.example\n",
    "<https://evil.example> <b>bold</b> <!-- hidden --> <script>alert(1)</script>",
    "https://evil.example/p.png www.evil.example Me@evil.example HTTP://evil.example",
    "&lt;b&gt; &#33;[x](y) R&D",
    "```html\n<b>\n```\n~~~\n    <img src=x>",
    "Title\n===\n\n1. one\n> two",
]


@pytest.mark.parametrize("said", MARKUP)
def test_markdown_holds_no_picture_link_or_tag_wherever_it_was_said(workspace: Workspace, talk: int, said: str) -> None:
    asked = workspace.conversations.add_question(talk, said)
    answer = workspace.conversations.begin_answer(talk, "rag", "model", asked.id)
    (document,) = workspace.corpora.documents(1)
    cited = [CitationRow(0, 4, 1, document.id, 1, 0, 4, 0.9)]
    workspace.conversations.finish_answer(answer.id, f"Yes.{said}", citations=cited, searched_for=said)
    text = export.export(workspace, talk, MARKDOWN).decode()
    tokens = list(markdown_tokens(text))
    assert not {"image", "link_open", "html_block", "html_inline"} & {token.type for token in tokens}
    assert not re.search(r"(?<!\\)(://|www\.|\w@)", text, re.IGNORECASE)
    words = " ".join("".join(token.content for token in tokens if token.type == "text").split())
    assert " ".join(said.split()) in words  # the question is one line, and shows every character


def test_word_holds_the_same_and_what_xml_cannot_hold_is_left_out(workspace: Workspace, talk: int) -> None:
    document = docx.Document(io.BytesIO(export.export(workspace, talk, WORD)))
    lines = [paragraph.text for paragraph in document.paragraphs]
    assert "Rent & more" in lines
    assert "The rent is 40 crowns.[1] ~ It <b>never</b> rises." in lines
    assert "[1] lease.md, page 1" in lines
    assert any(line.startswith("The rent is 40 crowns") and "[1]" not in line for line in lines)


def test_json_holds_every_branch_and_which_is_shown(workspace: Workspace, talk: int) -> None:
    other = workspace.conversations.add_question(talk, "Other?", after=None)
    values = json.loads(export.export(workspace, talk, JSON))
    assert [message["text"] for message in values["messages"]] == ["What is the *rent*?", TEXT, "Other?"]
    assert values["shown"] == [other.id]
    assert values["messages"][1]["citations"][0]["quote"] == "The rent is 40 crowns "


def words_of(workspace: Workspace, talk: int) -> tuple[list[str], list[str], dict[str, Any]]:
    """The lines of the Markdown and of the Word file, and of the JSON the answer."""
    markdown = export.export(workspace, talk, MARKDOWN).decode().splitlines()
    word = docx.Document(io.BytesIO(export.export(workspace, talk, WORD)))
    values = json.loads(export.export(workspace, talk, JSON))
    return markdown, [each.text for each in word.paragraphs], values["messages"][1]


def test_a_quote_of_an_edited_chunk_has_the_words_that_were_read_and_says_so(workspace: Workspace, talk: int) -> None:
    (document,) = workspace.corpora.documents(1)
    (chunk,) = workspace.corpora.chunks(document.id)
    editing.edit(workspace, chunk.id, "The rent is 60 crowns\na month.")
    (answer,) = [row for row in workspace.conversations.messages(talk) if row.role == "assistant"]
    on_page, _ = workspace.conversations.citations(answer.id)
    there = (chunk.page, chunk.start, chunk.end)
    edited = CitationRow(23, 45, 2, document.id, *there, 0.9, edited=True)
    read = [
        PassageRow(rank, document.id, *there, heading="", score=0.5, in_prompt=True, edited=rank == 2)
        for rank in (1, 2)
    ]
    workspace.conversations.finish_answer(answer.id, TEXT, citations=[on_page, edited], passages=read)
    markdown, word, told = words_of(workspace, talk)
    assert "The rent is 40 crowns. [1] It \\<b\\>never\\</b\\> rises. [2]" in " ".join(markdown)
    at = markdown.index("[2] lease.md, page 1 (edited)")
    assert markdown[at + 1] == "> The rent is 60 crowns a month."
    at = word.index("[2] lease.md, page 1 (edited)")
    assert word[at + 1] == "The rent is 60 crowns a month."
    assert "[1] lease.md, page 1" in markdown
    assert "[1] lease.md, page 1" in word
    assert [(each["quote"], each["edited"]) for each in told["citations"]] == [
        ("The rent is 40 crowns ", False),
        ("The rent is 60 crowns\na month.", True),
    ]
    assert [(each["text"], each["edited"]) for each in told["passages"]] == [
        (chunk.text, False),
        ("The rent is 60 crowns\na month.", True),
    ]
    editing.undo(workspace, chunk.id)
    markdown, word, told = words_of(workspace, talk)
    gone = "[2] lease.md, page 1 (edited when it was cited, undone since)"
    assert gone in markdown
    assert gone in word
    assert [each["quote"] for each in told["citations"]] == ["The rent is 40 crowns ", ""]


def test_a_deleted_document_takes_its_words_out_of_exports(workspace: Workspace, talk: int) -> None:
    workspace.documents.delete([row.id for row in workspace.corpora.documents(1)])
    text = export.export(workspace, talk, MARKDOWN).decode()
    assert "a document that was deleted since" in text
    assert "> The rent" not in text


def test_a_conversation_that_is_gone_is_said_to_be(workspace: Workspace) -> None:
    for each in FORMATS:
        with pytest.raises(NotFound):
            export.export(workspace, 7, each)


def test_file_names_are_taken_by_every_system() -> None:
    assert file_name("Rent: 40/50 <crowns>?", WORD) == "rent-40-50-crowns.docx"
    assert file_name("???", JSON) == "conversation.json"


def test_files_of_a_conversation_go_with_its_corpus_and_orphans_at_the_next_start(
    workspace: Workspace, talk: int
) -> None:
    files.attach(workspace, talk, [("memo.md", b"# Memo\n\nA secret.")])
    workspace.dispatcher.run_one()
    corpus = workspace.conversations.get(talk).corpus_id
    assert [row.name for row in files.attached(workspace, workspace.conversations.get(talk).files_corpus_id)] == [
        "memo.md"
    ]
    delete_corpus(workspace, corpus)
    assert workspace.corpora.list(hidden=True) == []
    orphan = workspace.corpora.create("left behind", "legal", hidden=True)
    assert files.delete_orphans(workspace) == 1
    assert orphan.id not in [row.id for row in workspace.corpora.list(hidden=True)]


def test_a_refusal_is_written_down_with_the_passages_that_came_closest(workspace: Workspace, talk: int) -> None:
    (document,) = workspace.corpora.documents(workspace.conversations.get(talk).corpus_id)
    start = workspace.corpora.page(document.id, 1).text.index("The rent")
    workspace.conversations.add_question(talk, "Who won the cup?")
    answer = workspace.conversations.begin_answer(talk, "rag", "model")
    near = [PassageRow(rank, document.id, 1, start + rank - 1, start + 22, "Lease", 0.1, False) for rank in range(1, 6)]
    said = "The documents do not answer that; the closest passages are below."
    workspace.conversations.finish_answer(answer.id, said, refused=True, passages=near)
    text = export.export(workspace, talk, MARKDOWN).decode()
    below = text[text.index("the closest passages are below") :]
    assert "[1] lease.md, page 1\n> The rent is 40 crowns" in below
    assert "[3]" in below
    assert "[4]" not in below, "as many as the page shows"
    paragraphs = [each.text for each in docx.Document(io.BytesIO(export.export(workspace, talk, WORD))).paragraphs]
    assert "[1] lease.md, page 1" in paragraphs[paragraphs.index("The closest passages") :]
    told = json.loads(export.export(workspace, talk, JSON))
    assert [each["rank"] for each in told["messages"][-1]["passages"]] == [1, 2, 3, 4, 5]
