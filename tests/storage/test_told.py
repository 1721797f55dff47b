"""Everything in storage that writes rows tells the audit log, or stands here with the reason why it does not.

A method that is added later and does neither fails this test.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import storage

FOLDER = Path(storage.__file__).parent
STEP = "a step of a job, whose beginning is told"
LOOKS = "how something is looked at, not what is in it"
TALK = "a conversation keeps its questions and answers with their time; that it was begun and deleted is told"
QUEUED = "it queues a job whose beginning is told, see storage.jobs.AUDITED"
AGAIN = "made from rows, which do not change"
QUEUEING = ("jobs", "enqueue")
UNTOLD = {
    "Adapters.begin": STEP,
    "Adapters.change": f"{STEP}; what a person notes goes through take_note, what the gate says is told by promote",
    "Adapters.forget_names": "part of a deletion that is told",
    "Answers.write_partial": TALK,
    "Answers.finish_answer": TALK,
    "Answers.mark_interrupted": TALK,
    "ChunkEdits.fed": "Chroma was told of an edit, which was told itself",
    "Conversations.pin": LOOKS,
    "Conversations.set_mode": LOOKS,
    "Conversations.set_files": "the hidden corpus of a conversation's files, whose making is told",
    "Conversations.show": LOOKS,
    "Conversations.add_question": TALK,
    "Conversations.ask": TALK,
    "Conversations.begin_answer": TALK,
    "Conversations.discard": TALK,
    "Conversations.words_in_step": "it changes nothing",
    "Conversations.rebuild_words": AGAIN,
    "Cuts.store": STEP,
    "Cuts.remove": STEP,
    "Documents.forget_originals": "the second half of a deletion that is told",
    "Documents.make_ready": f"{STEP}; the version that a document replaces was told when it arrived",
    "Documents.set_parsing": STEP,
    "Documents.set_pages_read": STEP,
    "Documents.set_progress": STEP,
    "Evaluations.begin": QUEUED,
    "Evaluations.keep": STEP,
    "Evaluations.keep_many": STEP,
    "Evaluations.find": STEP,
    "Evaluations.conclude": STEP,
    "IndexChanges.begin": QUEUED,
    "IndexChanges.catch_up": QUEUED,
    "IndexChanges.store": STEP,
    "Indexes.ensure": STEP,
    "Indexes.store": STEP,
    "Jobs.enqueue": f"{QUEUED}; of other kinds it is told what comes of them",
    "Jobs.claim": STEP,
    "Jobs.begin": STEP,
    "Jobs.hold": STEP,
    "Jobs.heartbeat": STEP,
    "Jobs.progress": STEP,
    "Jobs.say": STEP,
    "Jobs.finish": STEP,
    "Jobs.release": STEP,
    "Jobs.pause": f"{STEP}; what a person wants goes through request_pause",
    "Jobs.retry_at": STEP,
    "Jobs.wait_until": STEP,
    "Jobs.requeue_abandoned": STEP,
    "Lexical.forget": "the second half of a deletion that is told",
    "Lexical.rebuild": AGAIN,
    "Lexical.in_step": "it changes nothing",
    "PostgresLexical.rebuild": AGAIN,
    "Sources.request": "when a source is looked at next; the documents that come and go by it are told",
    "Sources.record": STEP,
    "Sources.refresh": "dates and tags of files whose content is as it was",
    "Sources.forget": STEP,
    "Sources.ran": STEP,
}


class Module:
    """A module of storage: its functions and methods by name, and what its names were imported from."""

    def __init__(self, file: Path) -> None:
        self.name = file.stem
        self.functions: dict[str, ast.FunctionDef] = {}
        self.bases: dict[str, list[str]] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
                methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
                self.functions |= {f"{node.name}.{method.name}": method for method in methods}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("storage"):
                package = (node.module or "").removeprefix("storage").lstrip(".")
                self.imported |= {each.asname or each.name: (package, each.name) for each in node.names}


MODULES = {file.stem: Module(file) for file in FOLDER.glob("*.py")}


def called(module: Module, name: str) -> Iterator[tuple[Module, str]]:
    """The functions of storage that a function calls: of its own class, its own module, and imported ones."""
    for node in ast.walk(module.functions[name]):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            package, there = module.imported.get(node.func.id, (module.name, node.func.id))
            yield from known(package, there)
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            owner = node.func.value.id
            if owner == "self":
                yield from known(module.name, f"{name.split('.')[0]}.{node.func.attr}")
            elif module.imported.get(owner, ("", ""))[0] == "" and owner in module.imported:
                yield from known(owner, node.func.attr)


def known(module: str, name: str) -> Iterator[tuple[Module, str]]:
    if module in MODULES and name in MODULES[module].functions:
        yield MODULES[module], name


def reach(module: Module, name: str) -> set[tuple[str, str]]:
    """A function and all it calls, directly or not, but for the queueing of jobs: only some kinds are told."""
    found: set[tuple[str, str]] = set()
    waiting = [(module, name)]
    while waiting:
        at, which = waiting.pop()
        if (at.name, which) not in (*found, QUEUEING):
            found.add((at.name, which))
            waiting += called(at, which)
    return found


def writes(reached: set[tuple[str, str]]) -> bool:
    """Whether one of some functions opens a transaction that may write."""
    opened = (ast.unparse(MODULES[module].functions[name]) for module, name in reached)
    return any("_database.write(" in source for source in opened)


def written() -> Iterator[tuple[str, bool]]:
    """Every public method that writes, and whether it tells the audit log."""
    for module in MODULES.values():
        for name in module.functions:
            if "." in name and not name.split(".")[1].startswith("_") and module.name not in ("audit", "database"):
                reached = reach(module, name)
                if writes(reached):
                    yield name, ("audit", "note") in reached


def test_whatever_writes_tells_the_audit_log_or_has_a_reason_not_to() -> None:
    silent = {name for name, told in written() if not told}
    assert silent - UNTOLD.keys() == set(), "tell the audit log (storage.audit.note), or say here why not"
    assert UNTOLD.keys() - silent == set(), "it tells, or is gone: take its reason away"


def test_the_walk_sees_what_is_told_through_helpers() -> None:
    found = dict(written())
    assert found["Documents.delete"]
    assert found["Documents.retry_all"]
    assert found["Corpora.create"]
    assert not found["Jobs.enqueue"], "only some kinds of jobs are told"
    assert found["Assistants.choose_mode"]
    assert len(found) > 80
