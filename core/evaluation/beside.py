"""What an evaluation measured beside the scores, as titles, sentences and tables for the page and both reports."""

from collections.abc import Mapping
from typing import Any

TITLES = {"base": "Base", "quote": "Quote", "rag": "Retrieval", "finetuned": "Fine-tuned", "hybrid": "Hybrid"}
Section = dict[str, Any]
"""title; said: sentences; rows: a table with its head first, [] for none; more: a long text to open, "" for none."""


def sections(summary: Mapping[str, Any]) -> list[Section]:
    """Of an evaluation's summary, in the order in which they are read."""
    found = []
    if judge := summary.get("judge"):
        found.append(_judge(judge))
    return found


def _judge(judge: Mapping[str, Any]) -> Section:
    said = [
        f"{judge['model']} judged {judge['judged']} pairs of answers, each in both orders; {judge['swayed']} times "
        "it said something else when the answers changed places, which counts as a tie.",
        _agreement(judge["agreement"]),
    ]
    if judge["ended"]:
        said.append(f"It ended early: {judge['ended']}")
    rows = [["Pair", "Won", "Lost", "Tied", "Won less lost, of 100"]]
    for name, counts in judge["pairs"].items():
        a, b = name.split("-")
        rows.append([f"{TITLES[a]} against {TITLES[b]}", *(str(counts[each]) for each in ("won", "lost", "tied")),
                     points(counts["difference"])])  # fmt: skip
    return {"title": "A judge model", "said": said, "rows": rows, "more": judge["prompt"]}


def _agreement(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "No vote of people on this corpus to hold it against: how far to trust it is not known."
    share = f"It agrees with people's votes on {100 * found['share']:.0f} % of {found['labels']} pairs"
    if found["kappa"] is None:
        return f"{share}; kappa is not defined, since all labels are the same."
    return (
        f"{share} from {found['clusters']} comparisons: Cohen's kappa {found['kappa']:.2f} "
        f"(95 %: {found['low']:.2f} to {found['high']:.2f}); 0 is chance, 1 is always."
    )


def points(interval: Mapping[str, Any]) -> str:
    """A mean with its interval, in points of 100."""
    mean, low, high = (f"{100 * interval[name]:+.0f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high}, {interval['n']})"
