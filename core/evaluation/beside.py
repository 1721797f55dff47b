"""What an evaluation measured beside the scores, as titles, sentences and tables for the page and both reports."""

from collections.abc import Mapping
from typing import Any

TITLES = {"base": "Base", "quote": "Quote", "rag": "Retrieval", "finetuned": "Fine-tuned", "hybrid": "Hybrid"}
Section = dict[str, Any]
"""title; said: sentences; rows: a table with its head first, [] for none; more: a long text to open, "" for none."""


def sections(summary: Mapping[str, Any]) -> list[Section]:
    """Of an evaluation's summary, in the order in which they are read."""
    found = []
    if costs := summary.get("costs"):
        found.append(_costs(costs))
    if judge := summary.get("judge"):
        found.append(_judge(judge))
    if fresh := summary.get("fresh"):
        found.append(_fresh(fresh))
    if general := summary.get("general"):
        found.append(_general(general))
    if ended := summary.get("ended"):
        found.append({"title": "Not all of it was asked", "said": [ended], "rows": [], "more": ""})
    return found


COSTS = {
    "first_p50": ("First word, s", ".1f"),
    "first_p95": ("95 % within", ".1f"),
    "total_p50": ("Answer, s", ".1f"),
    "total_p95": ("95 % within ", ".1f"),
    "tokens": ("Tokens", ".0f"),
    "tokens_per_s": ("Tokens/s", ".0f"),
    "memory_mb": ("Memory, MB", ",.0f"),
    "training_min": ("Training, min", ".0f"),
}


def _costs(costs: Mapping[str, Mapping[str, float]]) -> Section:
    known = [name for name in COSTS if any(name in row for row in costs.values())]
    rows = [["Mode", *(COSTS[name][0] for name in known)]]
    for mode, row in costs.items():
        rows.append([TITLES[mode], *(format(row[name], COSTS[name][1]) if name in row else "" for name in known)])
    return {"title": "What an answer costs, several asked at once", "said": [], "rows": rows, "more": ""}


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


def _fresh(fresh: Mapping[str, Any]) -> Section:
    asked = f"{fresh['probes']} facts of {fresh['documents']} document{'' if fresh['documents'] == 1 else 's'}"
    how = (
        f"{asked} that changed since the adapters learned were asked in every mode."
        if fresh["real"]
        else "No fact that the adapters learned was found with another value, so one value each was changed for "
        f"{asked}, on the way from search to the mode that answers: the corpus itself was not touched."
    )
    rows = [["Mode", "Gave the new value, of 100", "The old one", "Both", "Refused", "Neither"]]
    for mode, found in _in_order(fresh["modes"]):
        counts = (str(found[name]) for name in ("old", "both", "refused", "neither"))
        rows.append([TITLES[mode], share(found["noticed"]), *counts])
    return {"title": "Freshness: who noticed a change", "said": [how], "rows": rows, "more": ""}


def _general(general: Mapping[str, Any]) -> Section:
    how = (
        f"{general['questions']} plain general questions, which nothing was trained on, asked without documents: the "
        "share of the telling words of the known answer, before training (the base model) and after."
    )
    rows = [
        ["Who", "Score, of 100", "Against the base model", "Likelihood of the known answer", "Against the base model"]
    ]
    for mode, found in _in_order(general["modes"]):
        lost = general["lost"].get(mode, {})
        cells = [share(found["score"]), points(lost["score"]) if lost.get("score") else "–"]
        cells.append(share(found["likelihood"]) if "likelihood" in found else "not given by this engine")
        cells.append(points(lost["likelihood"]) if lost.get("likelihood") else "–")
        rows.append([f"{TITLES[mode]}, before" if mode == "base" else f"{TITLES[mode]}, after", *cells])
    return {"title": "Forgetting: general questions before and after", "said": [how], "rows": rows, "more": ""}


def _in_order(modes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(mode, modes[mode]) for mode in TITLES if mode in modes]


def share(interval: Mapping[str, Any]) -> str:
    """A mean of 100 with its interval and number of questions."""
    mean, low, high = (f"{100 * interval[name]:.0f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high}, {interval['n']})"


def points(interval: Mapping[str, Any]) -> str:
    """A mean with its interval, in points of 100."""
    mean, low, high = (f"{100 * interval[name]:+z.0f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high}, {interval['n']})"
