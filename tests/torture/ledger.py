"""What the server acknowledged, kept by the harness, and what may be true after it was killed.

An act that was acknowledged has happened; one that was under way has happened once, whole, or not at all. After each
restart the rows are read (`settle`), which decides the acts in doubt; from then on that is what has to stay.
"""

from dataclasses import dataclass, field
from typing import Any

from core.workspace import Workspace
from storage.errors import NotFound

Act = dict[str, Any]
GIVEN_UP = "attempts that got nowhere"
"""A job that was killed again and again before its first step; its documents wait for a person who presses retry."""
FINISHED = ("candidate", "promoted", "retired")


@dataclass(slots=True)
class Talk:
    """A question that was stored and, once acknowledged, its answer."""

    conversation: int
    corpus: int
    question: str
    text: str | None = None


@dataclass(slots=True)
class Ledger:
    """Attributes:
    going: corpora that were asked to be deleted and may be gone.
    documents: by corpus and name, the canaries that the document may hold; None: that it is not there.
    """

    corpora: dict[int, str] = field(default_factory=dict)
    going: set[int] = field(default_factory=set)
    documents: dict[tuple[int, str], set[str | None]] = field(default_factory=dict)
    talks: dict[int, Talk] = field(default_factory=dict)
    votes: dict[int, set[tuple[str, str]]] = field(default_factory=dict)
    edits: dict[str, set[str]] = field(default_factory=dict)
    gold: dict[str, bool] = field(default_factory=dict)
    examples: dict[str, bool] = field(default_factory=dict)
    jobs: dict[int, str] = field(default_factory=dict)
    evaluations: dict[int, int] = field(default_factory=dict)
    adapters: list[int] = field(default_factory=list)
    promoted: set[int] = field(default_factory=lambda: {0})
    backups: list[str] = field(default_factory=list)
    given_up: set[int] = field(default_factory=set)
    """Jobs that were, which is told and counted, and no loss: see GIVEN_UP."""
    lost: list[str] = field(default_factory=list)
    """What was wrong, in sentences; empty is what is hoped for."""

    def begun(self, act: Act) -> None:
        """An act was sent: from now on it may have happened."""
        given = act["with"]
        match act["act"]:
            case "upload":
                for name, text in given["files"].items():
                    self.documents.setdefault((given["corpus"], name), {None}).add(canary_in(text))
            case "delete":
                for name in given["names"]:
                    self.documents[given["corpus"], name].add(None)
            case "vote":
                self.votes.setdefault(given["answer"], {("", "")}).add((given["verdict"], given["correction"]))
            case "edit":
                self.edits.setdefault(given["name"], {""}).add(given["text"])
            case "gold":
                self.gold[given["question"]] = False
            case "examples":
                self.examples.update(dict.fromkeys(given["pairs"], False))
            case "promote":
                self.promoted.add(given["adapter"])
            case "delete_corpus":
                self.going.add(given["corpus"])
                for key in self.documents:
                    if key[0] == given["corpus"]:
                        self.documents[key].add(None)

    def part(self, act: Act, told: dict[str, Any]) -> None:
        """A part of an act was acknowledged: a question is stored."""
        given = act["with"]
        self.talks[told["answer"]] = Talk(told["conversation"], given["corpus"], given["question"])

    def done(self, act: Act, told: dict[str, Any]) -> None:
        """An act was acknowledged."""
        given = act["with"]
        match act["act"]:
            case "corpus":
                self.corpora[told["id"]] = given["name"]
            case "delete_corpus":
                self._forget_corpus(given["corpus"])
            case "upload":
                for name, text in given["files"].items():
                    self.documents[given["corpus"], name] = {canary_in(text)}
                if told["job"]:
                    self.jobs[told["job"]] = "index"
            case "delete":
                for name in given["names"]:
                    self.documents[given["corpus"], name] = {None}
            case "ask":
                self.talks[told["answer"]].text = told["text"]
                if told["status"] != "done":
                    self.lost.append(f"answer {told['answer']} ended as {told['status']} though nobody stopped it")
            case "vote":
                self.votes[given["answer"]] = {(given["verdict"], given["correction"])}
            case "edit":
                self.edits[given["name"]] = {given["text"]}
            case "gold":
                self.gold[given["question"]] = True
            case "examples":
                self.examples.update(dict.fromkeys(given["pairs"], True))
            case "train":
                self.jobs[told["job"]] = "finetune"
            case "evaluate":
                self.jobs[told["job"]] = "evaluate"
                self.evaluations[told["evaluation"]] = told["answers"]
            case "promote":
                self.promoted = {given["adapter"]}
            case "backup":
                self.backups.append(given["file"])

    def _forget_corpus(self, corpus: int) -> None:
        self.corpora.pop(corpus, None)
        self.documents = {key: value for key, value in self.documents.items() if key[0] != corpus}
        self.talks = {key: talk for key, talk in self.talks.items() if talk.corpus != corpus}
        self.votes = {key: value for key, value in self.votes.items() if key in self.talks}

    def settle(self, ws: Workspace) -> None:
        """Compare the rows with what was acknowledged; acts in doubt are decided by what the rows say."""
        self._settle_corpora(ws)
        self._settle_documents(ws)
        self._settle_talks(ws)
        self._settle_pairs(ws)
        rows = [row for corpus in self.corpora for row in ws.adapters.list(corpus)]
        self.adapters = [row.id for row in rows if row.files and row.status in FINISHED]
        for job, kind in self.jobs.items():
            try:
                row = ws.jobs.get(job)
            except NotFound:
                continue  # its corpus was deleted
            if GIVEN_UP in row.error:
                self.given_up.add(job)
            elif row.kind != kind or row.status in ("failed", "cancelled"):
                self.lost.append(f"job {job} ({kind}) is {row.kind}, {row.status}: {row.error}")
        self.jobs = {job: kind for job, kind in self.jobs.items() if _there(ws, job) and job not in self.given_up}

    def _settle_corpora(self, ws: Workspace) -> None:
        rows = {row.id: row.name for row in ws.corpora.list()}
        for key, name in list(self.corpora.items()):
            if key not in rows:
                if key not in self.going:
                    self.lost.append(f"corpus {name} is gone")
                self._forget_corpus(key)
        self.going.clear()
        names = list(rows.values())
        self.lost += [f"corpus {name} is there twice" for name in set(names) if names.count(name) > 1]

    def _settle_documents(self, ws: Workspace) -> None:
        for corpus in self.corpora:
            newest: dict[str, Any] = {}
            for row in sorted(ws.corpora.documents(corpus, limit=100_000), key=lambda row: row.id):
                newest[row.name] = row
            for (key, name), allowed in self.documents.items():
                if key == corpus:
                    found = self._document(ws, newest.get(name), allowed)
                    self.documents[key, name] = {found}
            unknown = set(newest) - {name for key, name in self.documents if key == corpus}
            self.lost += [f"document {name} came from nowhere" for name in unknown]

    def _document(self, ws: Workspace, row: Any, allowed: set[str | None]) -> str | None:
        found = canary_in(ws.files.path(row.content_sha256).read_text("utf-8")) if row else None
        if found not in allowed:
            self.lost.append(f"document {row.name if row else allowed} holds {found}, not {allowed}")
        if row and row.status in ("failed", "cancelled") and GIVEN_UP not in row.error:
            self.lost.append(f"document {row.name} is {row.status}: {row.error}")
        return found

    def _settle_talks(self, ws: Workspace) -> None:
        talks = {talk.conversation for talk in self.talks.values()}
        messages = {talk: {row.id: row for row in ws.conversations.messages(talk)} for talk in talks}
        for answer, talk in self.talks.items():
            rows = messages[talk.conversation]
            row = rows.get(answer)
            asked = rows.get(row.parent_id or 0) if row else None
            if row is None or asked is None or asked.text != talk.question:
                self.lost.append(f"question {talk.question!r} or its answer is gone")
                continue
            if row.status == "streaming" or (talk.text is not None and row.text != talk.text):
                self.lost.append(f"answer {answer} is {row.status} and not what it was")
            if (given := ws.conversations.feedback(answer)) or answer in self.votes:
                said = (given.verdict, given.corrected_answer) if given else ("", "")
                if said not in self.votes.get(answer, set()):
                    self.lost.append(f"the vote on answer {answer} is {said}")
                self.votes[answer] = {said}

    def _settle_pairs(self, ws: Workspace) -> None:
        for what, known, rows in (
            ("gold question", self.gold, [row.question for key in self.corpora for row in ws.gold.list(key)]),
            ("example", self.examples, [row.question for key in self.corpora for row in ws.examples.list(key)]),
        ):
            for question in list(known):
                times = rows.count(question)
                if times > 1 or (known[question] and not times):
                    self.lost.append(f"{what} {question!r} is there {times} times")
                if times:
                    known[question] = True
                else:
                    del known[question]


def canary_in(text: str) -> str:
    """The word of a document that no other document holds."""
    return next(word for word in text.replace(".", " ").split() if word.startswith("zq"))


def _there(ws: Workspace, job: int) -> bool:
    try:
        return bool(ws.jobs.get(job))
    except NotFound:
        return False
