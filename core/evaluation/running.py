"""The job that evaluates: gold questions asked in every mode, each answer kept and scored as it comes.

A few questions at a time are asked in one mode, then in the next: the engine writes what is asked at once in one
batch, and whoever looks in between sees whole questions. What was answered stays answered through kills, pauses and
cancelling; the numbers are those of the answers there are. With a Ray cluster the whole job goes to one of its
machines, unless something that answers is here alone (`elsewhere`); its seconds are that machine's.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, NotFound
from core.evaluation import answering, elsewhere, fingerprints, judging, probing
from core.evaluation.costs import costs
from core.evaluation.known import training_minutes
from core.evaluation.options import Options
from core.evaluation.questions import Gold
from core.evaluation.summary import ORDER, Summary, summarise
from storage.errors import NotFound as RowNotFound
from storage.rows import EvaluationRow, JobRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

AT_ONCE = 6
MODES = ORDER


def start(
    ws: "Workspace",
    corpus_id: int,
    questions: Sequence[Gold],
    modes: Sequence[str],
    name: str = "",
    by: str = "",
    options: Options | None = None,
) -> EvaluationRow:
    """Queue an evaluation; modes that need an adapter and have none are left out, with a note.

    Raises:
        BadInput: there are no questions, or no mode is left to ask.
        NotFound: the corpus is gone.
    """
    if not questions:
        raise BadInput("There are no gold questions to ask.", "Write some, upload a file, or load the sample's.")
    if unknown := [mode for mode in modes if mode not in MODES]:
        raise BadInput(f"There is no mode called {unknown[0]!r}.", f"Choose among: {', '.join(MODES)}.")
    left_out = answering.missing(ws, corpus_id, tuple(modes))
    kept = [mode for mode in MODES if mode in modes and mode not in left_out]
    if not kept:
        raise BadInput("None of these modes can answer.", next(iter(left_out.values()), "Choose at least one."))
    facts = {
        "name": name.strip()[:120] or f"{len(questions)} questions",
        "fingerprints": fingerprints.of(ws, corpus_id, questions),
        "created_by": by,
        "options": (options or Options()).json(),
    }
    try:
        row = ws.evaluations.begin(corpus_id, kept, [each.json() for each in questions], left_out, **facts)
    except RowNotFound as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error
    ws.wake()
    return row


def repeat(ws: "Workspace", row: EvaluationRow, by: str = "") -> EvaluationRow:
    """Queue an evaluation once more: the same questions and modes; what did not change is taken over.

    Raises: as `start`.
    """
    questions = [Gold.of(each) for each in row.questions]
    options = replace(Options.of(row.options), reuse=True)
    return start(ws, row.corpus_id, questions, [*row.modes, *row.left_out], row.name, by, options)


def unchanged(
    ws: "Workspace", corpus_id: int, questions: Sequence[Gold], modes: Sequence[str], likelihood: bool = False
) -> int:
    """How many answers a run could take over now."""
    states = fingerprints.of_modes(ws, corpus_id, modes)
    wanted = [fingerprints.of_answer(state, gold, likelihood) for state in states.values() for gold in questions]
    known = ws.evaluations.known(corpus_id, wanted)
    return sum(each in known for each in wanted)


def run(ws: "Workspace", lease: "Lease") -> None:
    """Ask what has not been answered yet, then write down the numbers."""
    row = ws.evaluations.get(lease.job.payload["evaluation"])
    options = Options.of(row.options)
    asked = answering.Asked(ws, row.corpus_id, row.modes, options.likelihood)
    if options.reuse:
        _take_over(ws, lease, row, asked)
    _ask_all(ws, lease, row, asked)
    memory = asked.memory()
    ended = {"judge": judging.judge_all(ws, lease, row), "probes": probing.probe_all(ws, lease, row)}
    _conclude(ws, lease.job, row, ended, memory)


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """What was answered counts, whatever ended it."""
    try:
        row = ws.evaluations.get(job.payload["evaluation"])
        _conclude(ws, job, row, dict.fromkeys(("judge", "probes"), reason or "It was stopped."))
    except RowNotFound:
        return  # somebody deleted it


def so_far(ws: "Workspace", row: EvaluationRow) -> Summary:
    """The scores of an evaluation; of one that is not over, those of the answers there are, without differences."""
    if row.summary:
        return Summary.of_json(row.summary)
    return summarise((answering.outcome(each) for each in ws.evaluations.answers(row.id)), paired=False)


def _take_over(ws: "Workspace", lease: "Lease", row: EvaluationRow, asked: answering.Asked) -> None:
    """Copy answers of earlier runs that would come out the same now, with their scores and times."""
    done = ws.evaluations.answered(row.id)
    open_ = [(gold, mode) for gold in map(Gold.of, row.questions) for mode in row.modes if (gold.id, mode) not in done]
    wanted = {(gold.id, mode): asked.fingerprint(gold, mode) for gold, mode in open_}
    known = ws.evaluations.known(row.corpus_id, wanted.values())
    same = [
        replace(known[name][1], question_id=question, taken_from=known[name][1].taken_from or known[name][0])
        for (question, _), name in wanted.items()
        if name in known and known[name][0] != row.id
    ]
    ws.evaluations.keep_many(lease.job, row.id, same)


def _ask_all(ws: "Workspace", lease: "Lease", row: EvaluationRow, asked: answering.Asked) -> None:
    questions = [Gold.of(each) for each in row.questions]
    done, total = ws.evaluations.answered(row.id), len(questions) * len(row.modes)
    if len(done) == total:
        ws.jobs.progress(lease.job, total, total, "nothing changed")
        return
    why = elsewhere.why_here(ws, row)
    here = f" ({why})" if why else ""
    ws.jobs.say(lease.job, f"loading what answers{here}")
    asked.warm()
    began, before, counting = time.monotonic(), len(done), threading.Lock()

    def answer(gold: Gold, mode: str) -> None:
        lease.check()
        ws.evaluations.keep(lease.job, row.id, asked.answer(gold, mode))
        with counting:
            done.add((gold.id, mode))
            left = (time.monotonic() - began) / max(1, len(done) - before) * (total - len(done))
            ws.jobs.progress(lease.job, len(done), total, f"{mode}, {_left(left)}{here}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mode, part in _parts(questions, row.modes, set(done)):
            list(pool.map(lambda gold, how=mode: answer(gold, how), part))


def _parts(
    questions: Sequence[Gold], modes: Sequence[str], done: set[tuple[str, str]]
) -> Iterator[tuple[str, list[Gold]]]:
    """What is still to be asked: a few questions in one mode, the same ones in the next, and so on."""
    for at in range(0, len(questions), AT_ONCE):
        for mode in modes:
            part = [gold for gold in questions[at : at + AT_ONCE] if (gold.id, mode) not in done]
            if part:
                yield mode, part


def _conclude(
    ws: "Workspace", job: JobRow, row: EvaluationRow, ended: Mapping[str, str], memory: Mapping[str, int] | None = None
) -> None:
    """Write down the numbers; `ended` says of what is measured beside the answers why it is not whole, "" if it is."""
    answers = ws.evaluations.answers(row.id)
    if not answers:
        return
    found = summarise(answering.outcome(each) for each in answers)
    # Asked AT_ONCE at a time, an answer takes its share of the clock.
    wall = {mode: means["seconds"].mean / AT_ONCE for mode, means in found.modes.items()}
    cost = costs(answers, memory or {}, training_minutes(ws, row.corpus_id))
    summary = found.json() | {"wall_s": wall, "costs": cost} | _beside(ws, row, ended)
    ws.evaluations.conclude(job, row.id, summary, fingerprints.machine())


def _beside(ws: "Workspace", row: EvaluationRow, ended: Mapping[str, str]) -> dict[str, Any]:
    options = Options.of(row.options)
    why = ended["probes"] if options.freshness or options.forgetting else ""
    judged = judging.summary(ws, row, ended["judge"])
    return ({"judge": judged} if judged else {}) | probing.summary(ws, row) | ({"ended": why} if why else {})


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
