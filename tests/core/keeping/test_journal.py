"""What people do stands in the audit log, by id; the log never holds what was said, and names only while they exist."""

import json
from pathlib import Path

import pytest

from core.conversations import export, files
from core.domains import domain, written
from core.ingestion import editing, intake, wiping
from core.jobs.kinds import KINDS
from core.keeping import backup, downloads, journal
from core.keeping.doctor import examine
from core.keeping.restoring import restore
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.jobs import AUDITED
from tests.core.keeping.conftest import settings
from tests.core.keeping.test_commands_of_keeping import triptych

SECRET = "quivermoss"


def acts(ws: Workspace, tmp_path: Path) -> None:
    """One of every kind that changes rows here."""
    corpus = intake.create_corpus(ws, "Ledger", "legal").id
    intake.add_files(ws, corpus, [(f"{SECRET}.md", f"# {SECRET}\n\nThe {SECRET} is due.".encode())])
    ws.dispatcher.run_one()
    document = ws.corpora.documents(corpus)[0].id
    editing.edit(ws, ws.corpora.chunks(document)[0].id, f"{SECRET} in other words")
    talk = ws.conversations.create(corpus).id
    ws.conversations.add_question(talk, f"What is {SECRET}?", title=SECRET)
    export.export(ws, talk, export.FORMATS[0])
    files.delete(ws, talk)
    ws.examples.add(corpus, [ExampleDraft(f"Who is {SECRET}?", SECRET)])
    ws.assistants.choose_mode(corpus, "hybrid")
    model = ws.base_models.create("mine", "endpoint", "http://127.0.0.1:1", secret="sealed")
    ws.base_models.delete(model.id)
    values = written.write(domain("legal")).replace('name = "legal"', 'name = "mine"')
    ws.domains.take_in(values)
    ws.domains.delete("mine")
    intake.delete_document(ws, document, erase=True)
    backup.write(ws, tmp_path / "all.zip")
    intake.delete_corpus(ws, corpus)


def judged(ws: Workspace, corpus: int) -> None:
    """What people say of examples, gold questions, answers and modes."""
    ws.examples.add(corpus, [ExampleDraft(f"Who is {SECRET}?", SECRET), ExampleDraft(f"Where is {SECRET}?", SECRET)])
    first, second = sorted(ws.examples.ids(corpus))
    ws.examples.update(first, answer=f"{SECRET} in other words")
    ws.examples.set_status([first, second], "rejected")
    ws.examples.delete([first, second, second + 1])
    gold = ws.gold.add(corpus, GoldDraft(f"Who is {SECRET}?", SECRET))
    ws.gold.update(gold.id, answer=f"{SECRET} in other words")
    ws.gold.delete([gold.id])
    talk = ws.conversations.create(corpus).id
    ws.conversations.rename(talk, SECRET)
    question = ws.conversations.add_question(talk, f"What is {SECRET}?")
    answer = ws.conversations.begin_answer(talk, "rag", question_id=question.id)
    ws.conversations.give_feedback(answer.id, "down", f"It is {SECRET}.")
    comparison = ws.comparisons.begin(corpus, f"What is {SECRET}?", [("rag", "", ""), ("base", "", "")], True)
    ws.comparisons.vote(comparison.id, "tie")
    ws.evaluations.consider(corpus, "change", "often")
    ws.evaluations.consider(corpus, "change", None)


def test_what_people_say_is_told_and_not_what_they_said(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        before = ws.audit.count()
        judged(ws, ws.corpora.list()[0].id)
        rows = list(reversed(ws.audit.newest(ws.audit.count() - before)))
        assert [f"{row.subject} {row.action}" for row in rows] == [
            *("examples added", "example changed", "examples rejected", "examples deleted"),
            *("gold questions added", "gold question changed", "gold questions deleted"),
            *("conversation begun", "conversation renamed", "answer judged"),
            *("comparison begun", "comparison voted on", "consideration given", "consideration taken back"),
        ]
        assert {row.corpus_id for row in rows} == {ws.corpora.list()[0].id}
        assert rows[3].detail == {"number": 2}
        assert SECRET not in json.dumps([journal.as_json(ws, row) for row in rows])
        assert ws.audit.verify().whole
        assert journal.told(ws, rows[9]).details == "corpus: Leases, conversation: 1, verdict: down, corrected: yes"


def test_steering_of_jobs_and_of_documents_under_way_is_told(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        intake.add_files(ws, corpus, [("late.md", b"# Late\n\nThe fee is late.")])
        document = max(ws.corpora.document_ids(corpus))
        job = ws.jobs.list(corpus, statuses=["queued"])[0].id
        before = ws.audit.count()
        ws.jobs.request_pause(job)
        ws.jobs.resume(job)
        ws.jobs.move_first(job)
        ws.documents.cancel([document])
        ws.documents.retry(document)
        ws.documents.cancel([document])
        ws.documents.retry_all(corpus, [document])
        ws.jobs.request_cancel(job)
        rows = list(reversed(ws.audit.newest(ws.audit.count() - before)))
        assert [f"{row.subject} {row.action}" for row in rows] == [
            *("job paused", "job resumed", "job moved to the front"),
            *("document cancelled", "document queued again", "document cancelled", "document queued again"),
            "job cancelled",
        ]
        assert rows[0].detail == {"kind": "index"}
        assert {row.subject_id for row in rows if row.subject == "document"} == {document}


def test_another_index_that_serves_and_one_that_is_dropped_are_told(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        serving = ws.corpora.active_index(corpus)
        assert serving is not None
        before = ws.audit.count()
        index, _ = ws.index_changes.begin(corpus, "another", {}, serving.dimension)
        ws.index_changes.drop(index.id)
        ws.index_changes.activate(serving.id)
        rows = list(reversed(ws.audit.newest(ws.audit.count() - before)))
        assert [f"{row.subject} {row.action}" for row in rows] == [
            *("corpus index change started", "index dropped", "index put in service"),
        ]


def test_a_file_that_is_taken_out_is_told_when_it_is_read(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        before = ws.audit.count()
        read = downloads.told(ws, lambda: SECRET, "votes", corpus_id=ws.corpora.list()[0].id)
        assert ws.audit.count() == before
        assert read() == SECRET
        (row,) = ws.audit.newest(ws.audit.count() - before)
        assert (row.subject, row.action, row.detail) == ("votes", "downloaded", {})


def test_the_beginning_of_every_kind_of_job_is_told_or_what_comes_of_it_is() -> None:
    untold = {
        "index": "the documents it is for are told",
        "sync": "it comes round by itself; the documents that come and go by it are told",
        "backup": "told when it is written",
        wiping.KIND: "the second half of a deletion that is told",
    }
    assert KINDS.keys() - AUDITED.keys() == untold.keys()


def test_everything_that_is_done_is_told_and_nothing_that_was_said(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        before = ws.audit.count()
        acts(ws, tmp_path)
        rows = list(reversed(ws.audit.newest(ws.audit.count() - before)))
        told = [f"{row.subject} {row.action}" for row in rows]
        assert told == [
            *("corpus created", "document added", "chunk edited"),
            *("conversation begun", "conversation exported", "conversation deleted"),
            *("examples added", "settings changed", "base model added", "base model key stored", "base model removed"),
            *("domain added", "domain deleted", "document deleted", "workspace backup written", "corpus deleted"),
        ]
        assert SECRET not in json.dumps([journal.as_json(ws, row) for row in rows])
        assert ws.audit.verify().whole
        assert next(each for each in examine(ws) if each.what == "Audit log").state == "healthy"


def test_a_name_is_shown_only_while_the_document_exists(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        document = next(row for row in ws.corpora.documents(corpus) if row.name == "lease.md")
        shown = {line.which for line in journal.lines(ws)}
        assert {"lease.md", "notice.md", "Leases"} <= shown
        intake.delete_document(ws, document.id)
        lines = journal.lines(ws)
        assert "lease.md" not in {line.which for line in lines}
        assert lines[0].what == f"document {document.id} deleted"


@pytest.mark.embedded  # needs two workspaces; test_moving.py has the larger form
def test_the_command_lists_and_verifies_and_a_restored_workspace_goes_on_with_its_log(
    home: Path, tmp_path: Path
) -> None:
    with Workspace.open(settings(home)) as ws:
        backup.write(ws, tmp_path / "all.zip")
    restored = restore(tmp_path / "all.zip", settings(tmp_path / "new")).home
    listed = triptych("audit", "--workspace", restored)
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.splitlines()[0].split(": ")[1].startswith("workspace restored")
    assert "(lease.md)" in listed.stdout
    as_json = triptych("audit", "--json", "--since", "2020-01-01", "--workspace", restored)
    assert {json.loads(line)["subject"] for line in as_json.stdout.splitlines()} >= {"workspace", "corpus", "document"}
    assert triptych("audit", "--verify", "--workspace", restored).returncode == 0
    (restored / "audit.seal").write_text(json.dumps({"number": 999, "sha256": "0" * 64}))
    broken = triptych("audit", "--verify", "--workspace", restored)
    assert broken.returncode == 1
    assert "cut off" in broken.stdout
    assert triptych("audit", "--since", "yesterday", "--workspace", restored).returncode == 2
