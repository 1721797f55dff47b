"""What the runs of `python -m tests.torture` came to: a line of JSON each, added up as a page of Markdown.

benchmarks/results/torture.jsonl    one line a run, rewritten while it lasts; nothing is ever taken out
benchmarks/results/torture.md       the sum and each run; what a person wrote under `## Notes` stays
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import report
from tests.torture.killing import Told

LOG = report.RESULTS / "torture.jsonl"
PATH = re.compile(r"(?<!\w)/(?:[\w.+-]+/)+")
"""Folders of this machine, which are nobody's business."""
HEAD = """# Killed at random moments

`make torture KILLS=1000` starts the real server (pages, dispatcher, sandbox, trainer; a scripted base model) on an
empty workspace, has three people upload, ask, vote, edit, train, evaluate, rebuild, change the index, back up and
delete at once, sends SIGKILL to the server, to everything, to the trainer, to a reader, or to a server that is still
starting, starts again, and compares the rows with what was acknowledged; now and then everything is compared, down to
text, words, vectors, files and backups. One kill in three is aimed at a chosen act. Every run adds its line here,
also one that found something.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run so far; `id` is when it began. `ready_s`: seconds to the first answer of those starts that are timed."""

    id: str
    seed: int
    machine: str
    note: str
    minutes: float
    kills: dict[str, int]
    under_way: dict[str, int]
    acknowledged: dict[str, int]
    in_doubt: int
    whole: int
    given_up: int
    wrong: list[str]
    starts: int
    ready_s: list[float]

    @classmethod
    def of(cls, began: datetime, seed: int, note: str, told: Told, given_up: int) -> "Run":
        """What came of a run until now."""
        return cls(
            id=f"{began:%Y-%m-%dT%H:%M:%S}",
            seed=seed,
            machine=report.machine().partition(", load")[0],
            note=note,
            minutes=round((datetime.now(UTC) - began).total_seconds() / 60, 1),
            kills=dict(told.kills.most_common()),
            under_way=dict(told.under_way.most_common()),
            acknowledged={act: count for act, count in told.acts.most_common() if act != "retry"},
            in_doubt=told.in_doubt,
            whole=told.whole,
            given_up=given_up,
            wrong=[PATH.sub("", each) for each in told.wrong],
            starts=told.starts,
            ready_s=[round(each, 2) for each in sorted(told.ready_s)],
        )


def keep(run: Run, log: Path = LOG) -> None:
    """Put a run's line into the log in the place of its former one, and write the page anew."""
    rest = [each for each in read(log) if (each.id, each.seed) != (run.id, run.seed)]
    aside = log.with_suffix(".part")
    aside.write_text("".join(json.dumps(asdict(each)) + "\n" for each in [*rest, run]), "utf-8")
    aside.replace(log)
    file = log.with_suffix(".md")
    old = report.notes(file.read_text("utf-8")) if file.is_file() else ""
    file.write_text(page(read(log)) + old, "utf-8")


def read(log: Path = LOG) -> list[Run]:
    """All runs, the oldest first."""
    lines = log.read_text("utf-8").splitlines() if log.is_file() else []
    return sorted((Run(**json.loads(line)) for line in lines), key=lambda run: run.id)


def page(runs: Sequence[Run]) -> str:
    """Markdown: the sum of all runs, then each."""
    kills, met = added(run.kills for run in runs), added(run.under_way for run in runs)
    sums = [
        ("kills (-9)", f"**{kills.total():,}** in {len(runs)} runs: {listed(kills)}"),
        ("acknowledged acts", f"{added(run.acknowledged for run in runs).total():,}"),
        ("kills that met an act, a job or a trainer under way", listed(met)),
        ("acts whose acknowledgement a kill cut off", f"{sum(run.in_doubt for run in runs):,}"),
        ("times everything was compared", sum(run.whole for run in runs)),
        (
            "jobs given up after five kills before their first step (a person retries)",
            sum(run.given_up for run in runs),
        ),
        ("findings: lost, twice, half, or not as it should be (each named below)", sum(len(run.wrong) for run in runs)),
    ]
    head = ("began (UTC)", "minutes", "seed", "kills", "acknowledged", "compared whole", "findings", "ready again, s")
    rows = [
        (run.id.replace("T", " ")[:16], f"{run.minutes:.0f}", run.seed, sum(run.kills.values()),
         sum(run.acknowledged.values()), run.whole, len(run.wrong), spread(run.ready_s))
        for run in runs
    ]  # fmt: skip
    told = [f"- {run.id.replace('T', ' ')[:16]}: {run.machine}. {run.note}".rstrip() for run in runs]
    found = [f"- {run.id.replace('T', ' ')[:16]}: {each}" for run in runs for each in run.wrong]
    parts = [HEAD, report.table(("all runs", ""), sums), "", report.table(head, rows), "", *told]
    parts += ["", "What they found (what was mended since stands in the notes):", "", *found] if found else []
    return "\n".join([*parts, ""])


def added(counts: Iterable[dict[str, int]]) -> Counter[str]:
    """The sum."""
    found: Counter[str] = Counter()
    for each in counts:
        found.update(each)
    return found


def listed(counts: Counter[str]) -> str:
    """`server 3, reader 2`."""
    return ", ".join(f"{what} {count:,}" for what, count in counts.most_common()) or "none"


def spread(seconds: Sequence[float]) -> str:
    """Median, 95 % and longest."""
    if not seconds:
        return ""
    high = seconds[int(0.95 * (len(seconds) - 1))]
    return f"median {median(seconds):.1f}, 95 % {high:.1f}, longest {seconds[-1]:.1f}"
