"""Every hostile file through the uploader, as the page hands it over: text, or one line; the good ones are found."""

import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.corpora import PENDING

STEP = 1 if "TRIPTYCH_TORTURE" in os.environ else 9
"""All of them with TRIPTYCH_TORTURE, else every ninth: embedding their text takes its time."""
LARGEST_TEXT = 60_000
GROWN = 100 << 20
"""Bytes that the process may have grown by, once the embedding model and all else that is loaded once is there."""
GOOD = ("good.md", b"# Fees\n\nThe fee of the harbour is twelve crowns a day, says zqharbourcanary.")


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "home"), given={"engine": ScriptedChat(answers=["x"])}) as opened:
        yield opened


def chosen(shared: Path) -> list[tuple[str, bytes]]:
    with (shared / "hostile" / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    files = [shared / "hostile" / row["file"] for row in rows[::STEP]]
    return [(path.name, path.read_bytes()) for path in files if STEP == 1 or path.stat().st_size < LARGEST_TEXT]


@pytest.mark.timeout(3600)
def test_hostile_uploads_end_in_text_or_one_line_and_cost_no_good_file(
    ws: Workspace, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    corpus = intake.create_corpus(ws, "Hostile", "legal").id
    intake.add_files(ws, corpus, [("first.txt", b"The harbour opens at six. " * 500)])
    assert ws.dispatcher.run_one() is not None
    assert ws.retriever.search(corpus, "When does the harbour open?", 1)
    before = psutil.Process().memory_info().rss
    took = intake.add_files(ws, corpus, [*chosen(shared), GOOD])
    while ws.jobs.waiting():
        assert ws.dispatcher.run_one() is not None
    rows = ws.corpora.documents(corpus, limit=10_000)
    assert not [row.name for row in rows if row.status in PENDING]
    silent = [row.name for row in rows if row.status == "failed" and not row.error]
    silent += [each.name for each in took.rejected if not each.reason]
    assert silent == []
    lines = [each.reason for each in took.rejected] + [row.error for row in rows if row.error]
    assert [line for line in lines if "\n" in line or "Traceback" in line] == []
    found = ws.retriever.search(corpus, "What is the fee of the harbour, zqharbourcanary?", 3)
    assert "good.md" in {passage.document for passage in found}
    assert psutil.Process().memory_info().rss - before < GROWN
    assert [name for name in os.listdir(tmp_path / "temporary") if name.startswith("triptych-parse")] == []
    assert os.listdir(ws.scratch) == []
    assert ws.lexical.in_step()


def test_a_line_of_a_corpus_file_that_cannot_be_stored_is_told(ws: Workspace) -> None:
    corpus = intake.create_corpus(ws, "Lines", "legal").id
    lines = (
        b'{"id": "a", "title": "t", "text": "Half of a pair: \\ud800."}\n{"id": "b", "title": "t", "text": "Whole."}\n'
    )
    took = intake.add_files(ws, corpus, [("corpus.jsonl", lines)])
    assert [each.name for each in took.accepted] == ["a", "b"] or [each.name for each in took.rejected]
    while ws.jobs.waiting():
        ws.dispatcher.run_one()
    assert all("\n" not in each.reason for each in took.rejected)
