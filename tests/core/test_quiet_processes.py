"""What the other processes write, when a defect or bad input quotes a text: into their logs, their errors and the rows.

Real processes: the trainer, the one that reads uploads, both that hold a model, and the server with its own log.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from core import room
from core.errors import BadInput, EngineFailed, UnreadableFile
from core.finetuning import spread_worker, tuning
from core.finetuning.child import in_one_line
from core.generation.embedded import EmbeddedChat
from core.generation.engine import Sampling
from core.generation.torch_chat import TorchChat
from core.ingestion import intake
from core.ingestion.sandbox import Sandbox
from core.settings import Settings
from core.workspace import Workspace
from storage.examples import ExampleDraft
from tests.core.generation.tiny_folder import make_tiny
from tests.dashboard.test_server import ROOT, free_port
from tests.torture.tiny import tiny_gguf

SECRET = "quillomar"
PATIENCE_S = 120.0
TRAINED = {"epochs": 1.0, "rank": 4, "looks": 1, "batch": 8, "frozen": 0.0}
SERVER = """
import os, sys, threading

from core.assistants.ask import Assistant
from core.jobs.dispatcher import Dispatcher
from dashboard.__main__ import main
from dashboard.components import sidebar


def broken(*_values, **_named):
    raise ValueError("cannot make anything of " + os.environ["SECRET"])


def begun(dispatcher):
    threading.Thread(target=broken).start()


Assistant.ask = sidebar.show = broken
Dispatcher.start = begun
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("base") / "Tiny", window=1024)


def test_a_trainer_that_stumbles_over_an_example_tells_the_place_and_not_the_example(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(ws: Workspace, adapter: Any, *more: Any) -> Any:
        plan = prepare(ws, adapter, *more)
        (ws.serving.folder(adapter) / "lessons.jsonl").write_text(json.dumps([0, [SECRET, SECRET], [1, 2]]) + "\n")
        return plan

    prepare = tuning.prepare
    monkeypatch.setattr(tuning, "prepare", spoiled)
    with Workspace.open(Settings.load(tmp_path / "w")) as ws:
        corpus = intake.create_corpus(ws, "Letters", "legal").id
        ws.assistants.choose_base_model(corpus, ws.base_models.create("Tiny", "transformers", str(folder)).id)
        ws.examples.add(corpus, [ExampleDraft(f"What is fee {n}?", f"{n}00 pounds", f"{n % 6}.md") for n in range(48)])
        job = tuning.start(ws, corpus, ("closed-book",), "quick", TRAINED)
        ws.dispatcher.run_one()
        (adapter,) = ws.adapters.list(corpus)
        error, run = ws.jobs.get(job.id).error, ws.serving.folder(adapter)
        assert "ValueError in lessons.py, line" in error
        assert SECRET not in f"{error} {adapter.note} {adapter.result}"
        assert SECRET not in (run / "progress.jsonl").read_text()
        log = (run / "log.txt").read_text()
        assert "in padded" in log
        assert SECRET not in log


def failing(error: Exception) -> Exception:
    """An error as it is caught: with the place that it came through."""
    try:
        raise error
    except Exception as caught:  # noqa: BLE001  whatever was given
        return caught


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadInput("The base model is not on this machine.", "Put it there."), "not on this machine. Put it there."),
        (OSError(28, "No space left on device", "/runs/7/progress.jsonl"), "No space left on device"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), "No space left"),
        (OSError(5, "Input/output error", "/runs/7/x"), "The disk failed to read or write"),
        (FileNotFoundError(2, "No such file or directory", "/models/x"), "No such file or directory: /models/x"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "enough memory"),
        (ValueError(f"cannot make anything of {SECRET}"), "ValueError in test_quiet_processes.py, line"),
        (OSError(f"{SECRET} is not a local folder"), "OSError in test_quiet_processes.py, line"),
        (KeyError(SECRET), "(failing)"),
    ],
)
def test_a_training_that_fails_says_what_helps_and_no_message_of_an_unknown_error(error: Exception, told: str) -> None:
    said = in_one_line(failing(error))
    assert told in said
    assert SECRET not in said
    assert "\n" not in said


def test_a_trainer_on_a_full_disk_is_known_by_what_it_tells() -> None:
    assert room.SAID_FULL.search(in_one_line(OSError(28, "No space left on device")))


def test_a_worker_of_a_cluster_raises_no_message_either(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        """A run whose trainer cannot be made."""

        peers = None
        keep = None

        def __init__(self, *_: object) -> None:
            """Nothing to prepare."""

        def trainer(self, **_: object) -> None:
            raise ValueError(f"cannot make anything of {SECRET!r}")

    class Mailbox:
        """As Ray hands an actor on."""

        def __init__(self) -> None:
            self.lines: list[dict[str, Any]] = []
            self.tell = self

        def remote(self, line: dict[str, Any]) -> None:
            self.lines.append(line)

    monkeypatch.setattr(spread_worker, "WorkersRun", Broken)
    mailbox = Mailbox()
    with pytest.raises(Exception, match="ValueError in test_quiet") as caught:
        spread_worker.work({"files": {}, "checkpoints": {}, "mailbox": mailbox})
    told = "".join(traceback.format_exception(caught.value))
    assert "ValueError in test_quiet" in mailbox.lines[-1]["failed"]
    assert SECRET not in f"{told} {mailbox.lines}"


def test_a_reader_that_stumbles_over_a_document_tells_the_place_and_not_the_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    paper = tmp_path / "letter.md"
    paper.write_text(f"# {SECRET}\n")
    lines: Any = {SECRET: []}
    with Sandbox() as sandbox, pytest.raises(UnreadableFile, match="could not be read") as caught:
        sandbox.parse(paper, "letter.md", found=lines)
    told = "".join(traceback.format_exception(caught.value))
    assert "ValueError at" in told
    assert "in _parse" in told
    assert SECRET not in told
    assert SECRET not in "".join(capfd.readouterr())


def openvino(tmp_path: Path, _folder: Path) -> EmbeddedChat:
    return EmbeddedChat(name="tiny", source=tiny_gguf(tmp_path / "tiny.gguf", merges=700), folder=tmp_path / "models")


def transformers(_tmp_path: Path, folder: Path) -> TorchChat:
    return TorchChat(name="tiny", source=folder, folder=folder)


@pytest.mark.parametrize("made", [openvino, transformers])
def test_the_process_of_an_engine_writes_neither_words_nor_their_numbers(
    folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    made: Callable[[Path, Path], EmbeddedChat | TorchChat],
) -> None:
    """Asked for what it refuses, and then for a token that there is not, which ends it."""
    engine = made(tmp_path, folder)
    numbers = engine.token_ids([HumanMessage(f"Say what {SECRET} is: {SECRET}.")])
    told = str(numbers)[1:-1]
    batcher = engine._model().batcher
    for prompt, penalty in ((numbers, -1.0), ([*numbers, 10**7], 1.0)):
        with suppress(EngineFailed):
            list(batcher.submit(prompt, Sampling(max_tokens=4, repetition_penalty=penalty)))
    engine.close()
    written = "".join(capfd.readouterr()) + caplog.text
    assert written.strip()  # it did complain
    assert SECRET not in written
    assert told not in written


def test_the_log_of_the_server_tells_where_a_page_or_a_route_failed_and_not_what_it_had_in_hand(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    home, port = tmp_path / "home", free_port()
    with Workspace.open(Settings.load(home)) as ws:
        intake.create_corpus(ws, "Letters", "legal")
    command = [sys.executable, str(tmp_path / "server.py"), "--workspace", str(home), "--port", str(port)]
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path, "SECRET": SECRET}, stdout=log, stderr=log, cwd=tmp_path
        )
    try:
        until_it_answers(port)
        asked = {"corpus": "Letters", "question": f"What is {SECRET}?"}
        assert httpx.post(f"http://127.0.0.1:{port}/api/ask", json=asked, timeout=PATIENCE_S).status_code == 500
        page_run(port)
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
    told = (tmp_path / "log").read_text()
    for place in ("_bootstrap_inner", "in _answer", "app.py"):  # a thread, a route, a page
        assert place in told, told
    assert SECRET not in told


def until_it_answers(port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
            return
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.1)


def page_run(port: int) -> None:
    """Open the first page as a browser does, until the script has ended."""
    wanted = BackMsg()
    wanted.rerun_script.query_string = ""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], origin=f"http://127.0.0.1:{port}", max_size=None) as page:  # type: ignore[list-item, arg-type]
        page.send(wanted.SerializeToString())
        ended = False
        while not ended:
            data = page.recv(PATIENCE_S)
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            ended = message.WhichOneof("type") == "script_finished"
