"""What failed stands in the log and in a job's row without a word of what a document, a question or an example says."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.assistants import live
from core.errors import TriptychError
from core.finetuning import tuning
from core.generation.scripted import ScriptedChat
from core.generation.wire import Address, Wire
from core.ingestion import intake, reading
from core.settings import Settings
from core.tracing import where
from core.workspace import Workspace
from storage.examples import ExampleDraft

SECRET = "quillomar"
PAPER = f"# {SECRET}\n\nThe {SECRET} is due on the fifth day.\n".encode()


@pytest.fixture
def ws(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Workspace]:
    caplog.set_level(logging.DEBUG)
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        yield opened


def said(ws: Workspace, caplog: pytest.LogCaptureFixture) -> str:
    """All that our loggers and the rows of jobs hold."""
    ours = ("core", "dashboard", "storage")
    own = [record for record in caplog.records if record.name.split(".")[0] in ours]
    lines = [logging.Formatter().format(record) for record in own]
    jobs = [f"{job.error} {job.message} {json.dumps(job.payload)}" for job in ws.jobs.list(limit=100)]
    return "\n".join([*lines, *jobs])


def broken(*values: Any, **_named: Any) -> Any:
    """Fails as a defect does that shows what it had in hand."""
    raise ValueError(f"cannot make anything of {SECRET!r}: {values}")


def test_the_place_of_a_defect_is_told_and_not_its_message() -> None:
    try:
        try:
            broken(SECRET)
        except ValueError as error:
            raise KeyError(SECRET) from error
    except KeyError as error:
        told = where(error)
    assert SECRET not in told
    assert told.index("ValueError") < told.index("KeyError")
    assert "in broken" in told


def test_a_defect_while_a_document_is_read(
    ws: Workspace, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "chunk", broken)
    corpus = intake.create_corpus(ws, "Letters", "legal").id
    intake.add_files(ws, corpus, [("letter.md", PAPER)])
    ws.dispatcher.run_one()
    document = ws.corpora.documents(corpus)[0]
    assert document.status == "failed"
    assert SECRET not in document.error
    assert "reading document" in said(ws, caplog)
    assert SECRET not in said(ws, caplog)


def test_a_defect_while_a_document_is_embedded(
    ws: Workspace, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(ws.embedder), "embed_chunks", broken)
    corpus = intake.create_corpus(ws, "Letters", "legal").id
    intake.add_files(ws, corpus, [("letter.md", PAPER)])
    ws.dispatcher.run_one()
    assert "ValueError" in said(ws, caplog)
    assert SECRET not in said(ws, caplog)


def test_a_defect_while_an_answer_is_written(ws: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    def defect(_messages: Any) -> str:
        return str(broken(SECRET))

    ws._parts["engine"] = ScriptedChat(answers=defect)
    talk = ws.conversations.create(intake.create_corpus(ws, "Letters", "legal").id, "base").id
    message = live.start(ws, talk, f"What is {SECRET}?", "base")
    list(live.follow(ws, message))
    assert ws.conversations.message(message).status == "failed"
    assert SECRET not in ws.conversations.message(message).error
    assert "failed" in said(ws, caplog)
    assert SECRET not in said(ws, caplog)


def test_a_training_that_cannot_begin(ws: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    corpus = intake.create_corpus(ws, "Letters", "legal").id
    ws.examples.add(corpus, [ExampleDraft(f"What is {SECRET}?", f"{SECRET} is")])
    tuning.start(ws, corpus, ("closed-book",), "quick")
    job = ws.dispatcher.run_one()
    assert job is not None
    assert job.error
    assert SECRET not in said(ws, caplog)


def test_a_statement_that_fails_does_not_show_its_values(ws: Workspace) -> None:
    with pytest.raises(DBAPIError) as caught, ws.database.write() as session:
        session.execute(text("INSERT INTO no_such_table VALUES (:value)"), {"value": SECRET})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [400, 500])
def test_an_endpoint_that_repeats_the_question_is_not_quoted(status: int) -> None:
    class Echo(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps({"error": {"message": f"too long: {body['messages'][0]['content']}"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    wire = Wire(Address(f"http://127.0.0.1:{server.server_port}/v1", "mine"), "")
    sent = {"model": "m", "messages": [{"role": "user", "content": f"Please say what {SECRET} is in one sentence."}]}
    with pytest.raises(TriptychError, match="repeats what was asked") as caught:
        list(wire.events(sent, None))
    server.shutdown()
    server.server_close()
    assert SECRET not in str(caught.value)
