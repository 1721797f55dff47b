"""What each mode costs, beside how good it is."""

import os
from dataclasses import replace

import pytest

from core.evaluation import running
from core.evaluation.beside import sections
from core.evaluation.costs import costs
from core.evaluation.options import Options
from core.workspace import Workspace
from storage.rows import CorpusRow, EvaluationAnswerRow
from tests.core.evaluation.conftest import ASKED

ROW = EvaluationAnswerRow("q", "rag", "Six months.", False, "tiny", [], [], {}, {})


def answered(mode: str, total: float, first: float | None, tokens: int) -> EvaluationAnswerRow:
    timings = {"total_s": total, "first_token_s": first, "tokens": tokens, "tokens_per_s": 10.0 if tokens else None}
    return replace(ROW, mode=mode, timings=timings)


def test_medians_and_tails_of_seconds_means_of_tokens_memory_and_training() -> None:
    rows = [answered("rag", seconds, seconds / 2, 20) for seconds in (1.0, 2.0, 9.0)]
    found = costs([*rows, answered("quote", 0.5, None, 0)], {"rag": 300_000_000}, {"hybrid": 4.0})
    assert list(found) == ["quote", "rag"]
    assert found["quote"] == {"total_p50": 0.5, "total_p95": 0.5}
    assert found["rag"]["total_p50"] == 2.0
    assert found["rag"]["total_p95"] == pytest.approx(8.3)
    assert found["rag"]["first_p50"] == 1.0
    assert (found["rag"]["tokens"], found["rag"]["tokens_per_s"], found["rag"]["memory_mb"]) == (20, 10, 300)
    (section,) = sections({"costs": found})
    seconds = ["First word, s", "95 % within", "Answer, s", "95 % within "]
    assert section["rows"][0] == ["Mode", *seconds, "Tokens", "Tokens/s", "Memory, MB"]
    assert section["rows"][1] == ["Quote", "", "", "0.5", "0.5", "", "", ""]


def test_an_evaluation_says_what_its_modes_cost(
    ws: Workspace, corpus: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(ws.engine), "process", os.getpid(), raising=False)
    row = running.start(ws, corpus.id, ASKED, ["quote", "rag"], options=Options())
    ws.dispatcher.run_one()
    found = ws.evaluations.get(row.id).summary["costs"]
    assert found["rag"]["memory_mb"] > 10
    assert "memory_mb" not in found["quote"]
    assert found["rag"]["total_p95"] >= found["rag"]["total_p50"] > 0
