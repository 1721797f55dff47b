"""A workspace restored elsewhere answers as it did in every mode: by quotation, the base model, and its own adapters.

The base model is a tiny one with random weights, its adapters are random as well; what they write says nothing, but
depends on every number of them.
"""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from core.assistants import contestants
from core.assistants.answer import Answer
from core.assistants.reading import CLOSED_BOOK, GROUNDED, Reading
from core.evaluation.answering import Asked
from core.evaluation.questions import Gold
from core.evaluation.running import MODES
from core.finetuning import base as bases
from core.finetuning import importing
from core.finetuning.checkpoints import sha256
from core.finetuning.gate import BY_ADAPTER
from core.keeping import backup
from core.keeping.restoring import restore
from core.workspace import Workspace
from storage.rows import AdapterRow
from tests.core.generation.tiny_folder import make_adapter, make_tiny
from tests.core.keeping.conftest import QUESTION, settings

ENOUGH = {"answer_tokens": 8}
GIVES_WAY = replace(GROUNDED, sure=0.0)
"""Never sure enough, so that the documents' own words are the answer."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("base") / "Tiny", window=1024)


def trained(ws: Workspace, corpus: int, base: Path) -> AdapterRow:
    """A closed-book adapter as a training leaves it: in a folder that is called by its number."""
    row = ws.adapters.begin(corpus, "closed-book", ws.jobs.list(corpus)[0].id, "Tiny")
    learned = make_adapter(base, ws.serving.folder(row) / "adapter", 3)
    files = {file.name: sha256(file) for file in learned.iterdir() if file.is_file()}
    result = ENOUGH | {"reading": asdict(CLOSED_BOOK)}
    ws.adapters.change(row.id, status="candidate", files=files, base_sha256=bases.digest(base), result=result)
    return row


def imported(ws: Workspace, corpus: int, base: Path, source: Path, reading: Reading, seed: int) -> AdapterRow:
    """A grounded one from elsewhere; importing names its folder."""
    row = importing.take_in(ws, corpus, "grounded", make_adapter(base, source, seed))
    ws.adapters.change(row.id, result=row.result | ENOUGH | {"reading": asdict(reading)})
    return row


def answers(ws: Workspace) -> dict[str, tuple[Any, ...]]:
    """Text, citations and passages in every mode and by every version of an adapter."""
    corpus = ws.corpora.list()[0].id
    asked, gold = Asked(ws, corpus, MODES), Gold("one", QUESTION, "4,200 euro")
    rows = {mode: asked.answer(gold, mode) for mode in MODES}
    found: dict[str, tuple[Any, ...]] = {
        mode: (row.text, row.citations, row.passages, row.refused, row.base_model) for mode, row in rows.items()
    }
    for row in ws.adapters.list(corpus):
        *_, answer = contestants.assistant(ws, corpus, f"a{row.id}").ask(QUESTION, BY_ADAPTER[row.kind])
        assert isinstance(answer, Answer)
        found[f"{row.kind} v{row.version}"] = answer.text, answer.citations, answer.passages
    return found


def test_a_restored_workspace_gives_the_same_answers_and_citations_in_every_mode(
    home: Path, tmp_path: Path, base: Path
) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        ws.assistants.choose_base_model(corpus, ws.base_models.create("Tiny", "transformers", str(base)).id)
        imported(ws, corpus, base, tmp_path / "first", GIVES_WAY, 4)
        for row in (trained(ws, corpus, base), imported(ws, corpus, base, tmp_path / "second", GROUNDED, 5)):
            ws.adapters.promote(row.id)
        before = answers(ws)
        made = backup.write(ws, tmp_path / "all.zip")
    texts = {name: said[0] for name, said in before.items()}
    assert set(texts) == {*MODES, "closed-book v1", "grounded v1", "grounded v2"}
    assert all(texts.values())
    assert len({texts[name] for name in ("base", "quote", "finetuned", "hybrid")}) == 4
    assert all(before[name][1] for name in ("quote", "rag", "grounded v1"))

    shutil.rmtree(home)  # nothing of the first workspace is needed any more
    with Workspace.open(settings(restore(made.file, settings(tmp_path / "elsewhere")).home)) as ws:
        assert answers(ws) == before
