"""Writes a benchmark's findings as Markdown: when, on what machine, by which command, and a table."""

import os
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"
NOTES = "## Notes"
"""A line of a result below which a person has written: a rerun keeps all of it."""


def machine() -> str:
    """The kind of machine, without its name."""
    model = platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, no GPU used, load {load:.1f} at the end"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; floats get three digits."""
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    lines = [list(head), ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(name: str, title: str, body: str) -> Path:
    """Write `results/<name>.md` and print it; what stands under `## Notes` in the old file stays."""
    command = "python -m benchmarks." + Path(sys.argv[0]).stem + " " + shlex.join(shown(sys.argv[1:]))
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    text = f"# {title}\n\n{when}; {machine()}; `{command.strip()}`\n\n{body.rstrip()}\n"
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.md"
    text += notes(file.read_text("utf-8")) if file.is_file() else ""
    file.write_text(text, "utf-8")
    print(text)
    return file


def notes(old: str) -> str:
    """What a person wrote under the findings, with an empty line before it; "" where nobody did."""
    lines = old.splitlines()
    return "\n" + "\n".join(lines[lines.index(NOTES) :]).rstrip() + "\n" if NOTES in lines else ""


def shown(options: Sequence[str]) -> list[str]:
    """The options that change what is measured: not where workspace and data are."""
    kept: list[str] = []
    hidden = False
    for option in options:
        hidden = hidden if not option.startswith("-") else option.split("=")[0] in ("-w", "--workspace", "--data")
        kept += [] if hidden else [option]
    return kept
