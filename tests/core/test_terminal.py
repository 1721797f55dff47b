"""Nothing that a document, a file name or a model says is obeyed by the terminal that shows it."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from core.commands import following
from core.commands.asking import Request, readable_answer
from core.commands.terminal import plain, say

ROOT = Path(__file__).resolve().parents[2]
EVIL = "\x1b]52;c;cm0gLXJm\x07Six\x9b2J months\r\u202esraey ruof\u202c \U000e0041\x7f"


def answered(_question: str) -> dict[str, Any]:
    citation = {"document": f"lease{EVIL}.pdf", "page": 1, "quote": f"months{EVIL}"}
    return {"answer": f"{EVIL}\n\tin writing", "citations": [citation]}


def obeyed(text: str) -> list[str]:
    return [sign for sign in text if not sign.isprintable() and sign not in "\n\t"]


@pytest.mark.parametrize("as_json", [False, True], ids=["for people", "JSON"])
def test_an_answer_is_shown_with_its_control_characters_written_out(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    Request.of("When?", None, None, as_json).put(answered, readable_answer, resume=False)
    shown = capsys.readouterr().out
    assert obeyed(shown) == []
    assert r"\u001b]52;c;" in shown
    if as_json:
        assert json.loads(shown) == answered("")
    else:
        assert r"\u202esraey" in shown
        assert "\n\tin writing" in shown


def test_words_of_every_script_stay_as_they_are() -> None:
    for words in ("Größe 12 µm", "می‌خواهم", "👩‍👩‍👧 ok", "日本語\tabc\n", "e\u0301"):
        assert plain(words) == words


def test_the_line_of_progress_says_no_more_than_its_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    line = following.Line()
    line.show(f"indexing {EVIL}")
    line.end()
    shown = capsys.readouterr().err
    assert obeyed(shown.replace("\r\x1b[K", "")) == []
    assert shown.count("\r\x1b[K") == 2


def test_commands_write_by_no_other_way() -> None:
    printing = {}
    for path in [ROOT / "core" / "cli.py", *(ROOT / "core" / "commands").glob("*.py")]:
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        printing[path.name] = sum(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
    assert {name: number for name, number in printing.items() if number} == {"terminal.py": 1, "following.py": 1}
    assert say.__module__ == "core.commands.terminal"
