import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.commands.asking import Request, readable_answer
from core.commands.index import named
from core.commands.shapes import answer_json
from core.domains import domain
from core.errors import BadInput
from core.settings import Settings
from core.workspace import Workspace

pytestmark = pytest.mark.embedded  # one workspace for the whole file; test_larger_form.py has the commands there
ROOT = Path(__file__).resolve().parents[2]
LEASE = "# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"
NOTICE = "# Notice\n\nEither party may end the agreement with a notice of ninety days in writing.\n"


def triptych(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "core.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "deep").mkdir()
    (folder / "lease.md").write_text(LEASE)
    (folder / "deep" / "notice.md").write_text(NOTICE)
    (folder / ".hidden").write_text("not for anyone")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, documents: Path) -> Path:
    """A workspace with the corpus `contracts`, made by the command itself."""
    home = tmp_path_factory.mktemp("cli") / "home"
    done = triptych("index", "--workspace", home, "--domain", "legal", "--corpus", "contracts", documents)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 ready")
    return home


def test_documents_are_named_by_their_path_below_the_folder(home: Path) -> None:
    with Workspace.open(Settings.load(home)) as ws:
        names = [row.name for row in ws.corpora.documents(ws.corpora.list()[0].id)]
    assert names == ["deep/notice.md", "lease.md"]


def test_indexing_again_changes_nothing(home: Path, documents: Path) -> None:
    done = triptych("index", "--workspace", home, "--corpus", "contracts", documents)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "2 ready, 2 unchanged")


def test_a_job_that_was_killed_just_before_its_end_is_over_after_the_next_indexing(home: Path, documents: Path) -> None:
    with Workspace.open(Settings.load(home)) as ws:
        again = ws.jobs.enqueue("index", ws.corpora.list()[0].id)
    done = triptych("index", "--workspace", home, "--corpus", "contracts", documents)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "2 ready, 2 unchanged")
    with Workspace.open(Settings.load(home), owner=False) as ws:
        assert ws.jobs.get(again.id).status == "done"


def test_a_file_that_fails_is_listed_and_the_exit_code_is_1(home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of a PDF follows")
    (tmp_path / "empty.txt").write_bytes(b"")
    files = (tmp_path / "broken.pdf", tmp_path / "empty.txt")
    done = triptych("index", "--workspace", home, "--corpus", "contracts", *files)
    assert done.returncode == 1
    assert "broken.pdf" in done.stdout
    assert "empty.txt" in done.stdout
    assert "Traceback" not in done.stderr


def test_search_writes_one_line_a_question(home: Path, tmp_path: Path) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    questions.write_text('{"id": "1", "question": "What is the rent?"}\n{"id": 2, "question": "How much notice?"}\n')
    arguments = ("--workspace", home, "--corpus", "contracts", "--questions", questions, "--top", 2, "--out", out)
    done = triptych("search", *arguments)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["1", "2"]
    assert set(lines[0]["results"][0]) == {"rank", "document", "page", "text"}
    assert (lines[0]["results"][0]["document"], lines[1]["results"][0]["document"]) == ("lease.md", "deep/notice.md")


def test_ask_answers_in_the_documented_json(home: Path) -> None:
    done = triptych("ask", "--workspace", home, "--corpus", "contracts", "What is the rent of the warehouse?", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"answer", "refused", "mode", "citations", "passages", "timings", "disclaimer", "checks"}
    assert set(answer["timings"]) == {"retrieve_s", "first_token_s", "total_s", "tokens", "tokens_per_s"}
    assert set(answer["passages"][0]) == {"rank", "document", "page", "text"}
    assert all(set(citation) == {"sentence", "document", "page", "quote"} for citation in answer["citations"])
    assert "4,200" in answer["answer"]
    assert answer["disclaimer"] == domain("legal").disclaimer


def test_an_answer_for_people_ends_with_the_disclaimer_of_its_domain(home: Path) -> None:
    done = triptych("ask", "--workspace", home, "--corpus", "contracts", "What is the rent of the warehouse?")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"\n\n{domain('legal').disclaimer}\n")
    assert readable_answer(answer_shape() | {"answer": "Yes.", "disclaimer": ""}) == "Yes."


def test_an_answer_for_people_says_what_the_checks_found() -> None:
    found = answer_shape() | {"answer": "Take 40 mg.", "checks": ["Check: 40 mg is not in the sources."]}
    assert readable_answer(found | {"disclaimer": "No advice."}) == (
        "Take 40 mg.\n\nCheck: 40 mg is not in the sources.\n\nNo advice."
    )
    del found["checks"]  # as a server of an older version answers
    assert readable_answer(found) == "Take 40 mg."


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", "--corpus", "new", "."),
        ("index", "--corpus", "contracts", "--domain", "finance", "."),
        ("index", "--corpus", "new", "--domain", "astrology", "."),
        ("index", "--corpus", "contracts", "no/such/file"),
        ("index", "--corpus", "contracts"),
        ("search", "--corpus", "contracts"),
        ("search", "--corpus", "nobody", "question"),
        ("search", "--corpus", "contracts", "question", "--top", "0"),
        ("ask", "--corpus", "contracts", "question", "--mode", "telepathy"),
        ("ask", "--corpus", "contracts", "--questions", "no/such/file"),
        ("dance",),
    ],
)
def test_bad_usage_is_one_error_and_exit_code_2(
    home: Path,
    documents: Path,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["triptych", *(str(documents) if word == "." else word for word in arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    shown = capsys.readouterr()
    assert (end.value.code, shown.out) == (2, "")
    assert shown.err


def test_it_says_its_version() -> None:
    assert triptych("--version").stdout.startswith("triptych ")


def test_names_that_fall_together_get_their_folder_before_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.txt").write_text(name)
    (tmp_path / "b" / "other.txt").write_text("other")
    names = [name for name, _ in named([tmp_path / "a", tmp_path / "b"])]
    assert sorted(names) == ["a/same.txt", "b/same.txt", "other.txt"]


class Recorded:
    """Answers questions and remembers which; asked for by the resuming of `--out`, which is what is tested."""

    def __init__(self, stop_at: str = "") -> None:
        self.asked: list[str] = []
        self.stop_at = stop_at

    def __call__(self, question: str) -> dict[str, Any]:
        if question == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(question)
        return {"answer": question.upper()}


def questions(path: Path, count: int) -> Path:
    path.write_text("".join(json.dumps({"id": f"q{n}", "question": f"question {n}"}) + "\n" for n in range(count)))
    return path


def test_an_interrupted_file_of_questions_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    request = Request.of(None, questions(tmp_path / "q.jsonl", 4), out, False)
    with pytest.raises(KeyboardInterrupt):
        request.put(Recorded(stop_at="question 2"), str, resume=True)
    with out.open("a") as file:
        file.write('{"id": "q2", "answer": "torn o')
    second = Recorded()
    request.put(second, str, resume=True)
    assert second.asked == ["question 2", "question 3"]
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["q0", "q1", "q2", "q3"]


def test_results_that_are_something_else_are_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "precious.txt"
    out.write_text("a letter\n")
    with pytest.raises(BadInput, match="Line 1"):
        Request.of(None, questions(tmp_path / "q.jsonl", 1), out, False).put(Recorded(), str, resume=True)
    assert out.read_text() == "a letter\n"


def test_a_malformed_question_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "1", "question": "fine"}\n{"id": "2"}\n')
    with pytest.raises(BadInput, match="Line 2"):
        Request.of(None, path, None, False)


@pytest.fixture
def server(home: Path) -> Iterator[int]:
    """A running dashboard on the workspace; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "core.cli", "run", "--workspace", str(home), "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for _ in range(600):
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5).close()
            break
        except OSError:
            time.sleep(0.2)
    yield port
    os.killpg(process.pid, signal.SIGINT)  # Ctrl+C: a terminal sends it to everything that was started from there
    _, said = process.communicate()
    assert said == ""


def test_beside_a_running_server_commands_hand_their_work_to_it(server: int, home: Path, tmp_path: Path) -> None:
    (tmp_path / "deposit.md").write_text("# Deposit\n\nThe deposit for the warehouse is three monthly rents.\n")
    indexed = triptych("index", "--workspace", home, "--corpus", "contracts", tmp_path / "deposit.md")
    assert (indexed.returncode, indexed.stdout) == (0, "1 ready\n")
    found = triptych("search", "--workspace", home, "--corpus", "contracts", "How high is the deposit?", "--json")
    assert json.loads(found.stdout)["results"][0]["document"] == "deposit.md"
    answered = triptych("ask", "--workspace", home, "--corpus", "contracts", "How high is the deposit?", "--json")
    assert answered.returncode == 0, answered.stderr
    assert set(json.loads(answered.stdout)) == set(answer_shape())
    missing = triptych("search", "--workspace", home, "--corpus", "nobody", "question")
    assert missing.returncode == 2
    again = triptych("run", "--workspace", home)
    assert again.returncode != 0
    assert "in use" in again.stderr


def answer_shape() -> dict[str, Any]:
    from core.assistants.answer import Answer, ContextUse, Timings

    return answer_json(Answer("", "rag", False, (), (), Timings(), ContextUse(), ""), "")
