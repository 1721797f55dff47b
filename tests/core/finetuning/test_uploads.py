"""Files of pairs are read in the sandbox: as they are, or refused in one line before they take the server's memory."""

import json
from pathlib import Path

import psutil
import pytest

from core.errors import BadInput
from core.finetuning.uploads import read_file, rows_of
from core.ingestion.sandbox import Sandbox


def written(path: Path, rows: list[object]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


HUGE = {
    "rows.csv": (b"question,answer\n" + b",\n" * 5_000_000, "rows"),
    "columns.csv": (b",".join(b"%d" % n for n in range(1_100_000)) + b"\n1\n", "values"),
    "rows.jsonl": (b"{}\n" * 4_000_000, "rows"),
    "inside.jsonl": (b'{"question": "a", "answer": "b", "x": [' + b"[]," * 4_000_000 + b"1]}", "values"),
    "rows.json": (b"[" + b"{}," * 4_000_000 + b"{}]", "rows"),
    "size.json": (b'[{"question": "' + b"a" * (65 << 20) + b'"}]', "larger than 64 MB"),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_file_of_more_than_can_be_held_is_refused_in_one_line_and_the_server_does_not_grow(
    tmp_path: Path, name: str, sandbox: Sandbox
) -> None:
    content, why = HUGE[name]
    (tmp_path / "upload").write_bytes(content)
    before = psutil.Process().memory_info().rss
    with pytest.raises(BadInput) as told:
        read_file(tmp_path / "upload", name, sandbox=sandbox)
    assert name in told.value.message
    assert why in told.value.message
    assert "Split it" in told.value.remedy
    assert psutil.Process().memory_info().rss - before < 50 << 20


def test_rows_come_back_from_the_sandbox_as_they_were(tmp_path: Path, sandbox: Sandbox) -> None:
    said = '"=1+1"\n\u2028 \U0001f600, {half}'
    rows = [{"question": f"q {said}", "answer": said, "meta": {"page": 4, "x": [None, 1.5, True]}}] * 2
    found = rows_of(written(tmp_path / "pairs.jsonl", [*rows, {"question": "\ud800", "answer": ""}]), sandbox=sandbox)
    assert found == [*rows, {"question": "\ud800", "answer": ""}]
    (tmp_path / "pairs.csv").write_text("question,answer\nWhy?,Because,more\n\n", encoding="utf-16")
    assert rows_of(tmp_path / "pairs.csv", sandbox=sandbox) == [{"question": "Why?", "answer": "Because"}]


def test_a_row_that_is_nested_too_deeply_is_named_and_the_rest_goes_on(tmp_path: Path, sandbox: Sandbox) -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    rows = [{"question": "a", "answer": deep}, {"question": "a", "answer": "b"}]
    found = read_file(written(tmp_path / "pairs.jsonl", list(rows)), sandbox=sandbox)
    assert [bad.reason for bad in found.bad] == ["it is nested too deeply"]
    assert len(found.drafts) == 1
