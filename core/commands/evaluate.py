"""`triptych evaluate`: gold questions asked in several modes, by this process or by the server; the report."""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.following import OWNER_S, Line, check_owner
from core.commands.index import open_workspace
from core.commands.terminal import say
from core.errors import BadInput, NotFound, TriptychError
from core.evaluation import answering, estimating, running
from core.evaluation.options import Options
from core.evaluation.questions import Gold, from_file, of_rows
from core.evaluation.report import report
from core.settings import Settings
from storage.jobs import OPEN

if TYPE_CHECKING:
    from core.workspace import Workspace

LOOK_S = 0.5


def evaluate(
    settings: Settings,
    corpus_name: str,
    questions: Path | None,
    modes: str,
    limit: int | None,
    options: Options | None = None,
    judge: str = "",
) -> dict[str, Any]:
    """Ask, wait, and return the report; beside a server, the server does the work.

    Args:
        questions: a file of gold questions; those of the corpus when None.
        modes: names with commas between them.
        limit: only the first so many questions.
        options: what is measured beside the scores.
        judge: the name of a base model that compares answers; "" for none.

    Raises:
        NotFound: there is no such corpus, or no such judge.
        BadInput: the file or the modes cannot be used.
        TriptychError: the work failed; what was answered is kept.
    """
    given = from_file(questions) if questions else None
    with open_workspace(settings) as ws:
        corpus = ws.corpora.by_name(corpus_name)
        if corpus is None:
            raise NotFound(f"There is no corpus {corpus_name!r}.", "Index documents into one first.")
        golds: list[Gold] = given if given is not None else of_rows(ws.gold.list(corpus.id))
        wanted = [mode.strip() for mode in modes.split(",") if mode.strip()]
        name = questions.name if questions else ""
        chosen = replace(options or Options(), judge=_judge(ws, judge))
        _announce(ws, corpus.id, len(golds[:limit]), wanted, chosen)
        row = running.start(ws, corpus.id, golds[:limit], wanted, name, "command line", chosen)
        if ws.lock is not None:
            ws.dispatcher.start()
        job = _followed(ws, row.job_id or 0)
        if job.status != "done":
            raise TriptychError(job.error or f"The evaluation is {job.status}.", "What was answered is kept.")
        return report(ws, ws.evaluations.get(row.id))


def _announce(ws: "Workspace", corpus_id: int, questions: int, modes: list[str], options: Options) -> None:
    """Say on stderr what it will take, before it begins; nothing of what cannot begin."""
    missing = answering.missing(ws, corpus_id, tuple(modes))
    found = estimating.estimate(ws, corpus_id, questions, [mode for mode in modes if mode not in missing])
    if found.answers:
        less = ", less what is taken over from earlier runs" if options.reuse else ""
        say(f"{found.answers:,} answer{'' if found.answers == 1 else 's'}, {found.said}{less}", file=sys.stderr)


def _judge(ws: "Workspace", name: str) -> int | None:
    if not name:
        return None
    row = ws.base_models.by_name(name)
    if row is None:
        raise NotFound(f"There is no base model {name!r}.", "`triptych models list` names those there are.")
    return row.id


def write(found: dict[str, Any], out: Path) -> None:
    """Write the report as the name's ending says, whole or not at all; raises BadInput when that is not possible."""
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(_written(found, out.suffix.lower()))
        os.replace(part, out)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.", "Choose another file.") from error


def _written(found: dict[str, Any], ending: str) -> bytes:
    if ending == ".pdf":
        from core.evaluation import pdf

        return pdf.document(found)
    if ending in (".html", ".htm"):
        from core.evaluation import html

        return html.page(found).encode()
    return json.dumps(found, ensure_ascii=False, indent=1).encode()


def readable(found: dict[str, Any]) -> str:
    """The verdict and the scores, for people."""
    lines = [found["verdict"]["headline"], ""]
    for mode, row in found["modes"].items():
        f1, seconds = row.get("token_f1"), row["seconds"]
        score = f"F1 {100 * f1['mean']:.0f} ({100 * f1['low']:.0f} to {100 * f1['high']:.0f})" if f1 else "no F1"
        lines.append(f"  {mode:10} {score:22} {seconds['mean']:.1f} s an answer")
    lines += [f"  {mode}: left out. {why}" for mode, why in found["left_out"].items()]
    lines += [f"  {sentence}" for section in found.get("beside", ()) for sentence in section["said"]]
    return "\n".join([*lines, "", *found["verdict"]["phrases"]])


def _followed(ws: "Workspace", job_id: int) -> Any:
    shown, seen = Line(), time.monotonic()
    while (job := ws.jobs.get(job_id)).status in OPEN:
        shown.show(f"{job.progress_done} of {job.progress_total} answers {job.message}".strip())
        if ws.lock is None and time.monotonic() - seen > OWNER_S:
            check_owner(ws)
            seen = time.monotonic()
        time.sleep(LOOK_S)
    shown.end()
    return job
