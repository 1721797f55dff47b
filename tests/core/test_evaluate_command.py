"""`triptych evaluate`, run as people run it, on a corpus that an endpoint answers; the endpoint is a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.generation.scripted import ScriptedChat
from tests.core.generation.openai_server import KEY, serving

pytestmark = pytest.mark.embedded  # the command line finds its stores by itself
LEASE = "# Lease\n\n## 5. Rent\n\nThe rent is 2,400 pounds a month, payable on the first day of each month.\n"
GOLD: list[dict[str, Any]] = [
    {"id": "rent", "question": "What is the rent?", "answer": "2,400 pounds a month", "doc_ids": ["lease.md"]},
    {"id": "cup", "question": "Who won the cup?", "answer": None},
    {"id": "third", "question": "When is the rent payable?", "answer": "on the first day of each month"},
]


def triptych(home: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "core.cli", *map(str, arguments), "--workspace", str(home)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"TRIPTYCH_ENDPOINT_KEY": KEY}
    )


def test_the_report_has_the_documented_shape_and_holds_what_every_mode_said(tmp_path: Path) -> None:
    home, out, questions = tmp_path / "home", tmp_path / "reports" / "report.json", tmp_path / "test.jsonl"
    (tmp_path / "lease.md").write_text(LEASE)
    questions.write_text("".join(json.dumps(each) + "\n" for each in GOLD))
    assert triptych(home, "index", "--domain", "legal", "--corpus", "leases", tmp_path / "lease.md").returncode == 0
    with serving(ScriptedChat(answers=["The rent is 2,400 pounds a month."])) as server:
        options = ("--kind", "endpoint", "--at", server.url, "--model", "tiny")
        assert triptych(home, "models", "add", "office", *options).returncode == 0
        assert triptych(home, "models", "use", "office", "--corpus", "leases").returncode == 0
        asked = ("--questions", questions, "--modes", "base,rag,hybrid", "--limit", 2, "--out", out, "--json")
        done = triptych(home, "evaluate", "--corpus", "leases", *asked)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text("utf-8"))
    assert found == json.loads(done.stdout)
    assert {"modes", "paired", "verdict", "questions"} <= set(found)
    assert set(found["modes"]) == {"base", "rag"}
    for scores in (*found["modes"].values(), found["paired"]["rag-base"]):
        assert {"mean", "low", "high"} <= set(scores["token_f1"])
    assert "adapter" in found["left_out"]["hybrid"]
    assert found["verdict"]["headline"]
    assert [each["id"] for each in found["questions"]] == ["rent", "cup"]
    for each, gold in zip(found["questions"], GOLD, strict=False):
        assert each["question"] == gold["question"]
        assert each["gold"]["answer"] == (gold["answer"] or "")
        assert set(each["answers"]) == {"base", "rag"}
        assert all(
            {"answer", "refused", "citations", "passages", "timings"} <= set(answer)
            for answer in each["answers"].values()
        )
    rent = found["questions"][0]["answers"]["rag"]
    assert "2,400 pounds" in rent["answer"]
    assert rent["refused"] is False
    assert set(rent["passages"][0]) == {"rank", "document", "page", "text"}
    assert {(each["document"], each["page"]) for each in rent["citations"]} == {("lease.md", 1)}
    assert all(set(each) == {"sentence", "document", "page", "quote"} for each in rent["citations"])
    assert {"retrieve_s", "first_token_s", "total_s", "tokens", "tokens_per_s"} <= set(rent["timings"])
    assert found["questions"][0]["answers"]["base"]["passages"] == []
