"""What an evaluation asks beside its gold questions: changed facts in all modes, general questions before and after.

Each answer is kept once, so a run that was killed goes on where it was.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from core.assistants.answer import ADAPTED, Answer, Mode
from core.assistants.ask import Assistant, Voice
from core.assistants.reading import QUOTE
from core.errors import TriptychError
from core.evaluation import forgetting, freshness
from core.evaluation.freshness import Changed, Probe
from core.evaluation.options import Options
from core.finetuning.general import GENERAL
from storage.rows import EvaluationRow, FindingRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

PROBES = "probes"
AT_ONCE = 4
Measures = Callable[[], dict[str, Any]]


def probe_all(ws: "Workspace", lease: "Lease", row: EvaluationRow) -> str:
    """Ask what the options say; returns why it ended early, "" if it did not."""
    options = Options.of(row.options)
    work: list[tuple[str, str, Measures]] = []
    try:
        if options.freshness:
            work += _fresh(ws, row, _frozen(ws, lease, row))
        if options.forgetting:
            work += _general(ws, row)
        done = {(each.kind, each.key) for each in ws.evaluations.findings(row.id)}
        left = [each for each in work if each[:2] not in done]
        if left:
            ws.jobs.say(lease.job, f"asking {len(left)} probes")

        def one(each: tuple[str, str, Measures]) -> None:
            lease.check()
            kind, key, measured = each
            ws.evaluations.find(lease.job, row.id, FindingRow(kind, key, measured()))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, left))
    except TriptychError as error:
        return str(error)
    return ""


def summary(ws: "Workspace", row: EvaluationRow) -> dict[str, Any]:
    """What was found, by name; {} where nothing was asked."""
    found = {
        "fresh": freshness.summary(ws.evaluations.findings(row.id, freshness.KIND)),
        "general": forgetting.summary(ws.evaluations.findings(row.id, forgetting.KIND)),
    }
    return {name: each for name, each in found.items() if each}


def _frozen(ws: "Workspace", lease: "Lease", row: EvaluationRow) -> list[Probe]:
    """The probes as they were when this run chose them."""
    if not ws.evaluations.findings(row.id, PROBES):
        chosen = [probe.json() for probe in freshness.probes(ws, row.corpus_id)]
        ws.evaluations.find(lease.job, row.id, FindingRow(PROBES, "", {"probes": chosen}))
    (kept,) = ws.evaluations.findings(row.id, PROBES)
    return [Probe.of(each) for each in kept.content["probes"]]


def _fresh(ws: "Workspace", row: EvaluationRow, probes: list[Probe]) -> list[tuple[str, str, Measures]]:
    assistant = ws.assistant(row.corpus_id)
    return [
        (freshness.KIND, f"{number}|{mode}", partial(_noticed, assistant, probe, mode))
        for number, probe in enumerate(probes)
        for mode in row.modes
    ]


def _noticed(assistant: Assistant, probe: Probe, mode: str) -> dict[str, Any]:
    """What one mode makes of one changed fact."""
    who = assistant if probe.real else assistant.with_search(lambda search: Changed(search, probe))
    how: Mode = "rag" if mode == "quote" else mode  # type: ignore[assignment]
    if mode == "quote":
        who = who.with_reading(replace(QUOTE, passages=assistant.reading.passages))
    answer = next(event for event in who.ask(probe.question, how) if isinstance(event, Answer))
    return {
        "mode": mode,
        "question": probe.question,
        "document": probe.document,
        "old": probe.old,
        "new": probe.new,
        "real": probe.real,
        "answer": answer.text,
        "places": sorted({passage.document_id for passage in answer.passages}),
        "outcome": freshness.outcome(answer.text, answer.refused, probe),
    }


def _general(ws: "Workspace", row: EvaluationRow) -> list[tuple[str, str, Measures]]:
    assistant = ws.assistant(row.corpus_id)
    asked: list[Mode] = ["base", *(mode for mode in ADAPTED if mode in row.modes)]
    return [
        (forgetting.KIND, f"{number}|{mode}", partial(_remembered, assistant.voice(mode), mode, *pair))
        for number, pair in enumerate(GENERAL)
        for mode in asked
    ]


def _remembered(voice: Voice, mode: str, question: str, wanted: str) -> dict[str, Any]:
    facts = {"mode": mode, "question": question, "wanted": wanted}
    return facts | forgetting.ask(voice.engine(), question, wanted)
