"""The sentences of a verdict: every one carries its figures. Pure; what is decided is `verdict`'s business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.evaluation.considerations import Considered
from core.evaluation.summary import Interval, Summary

MEASURE = "token_f1"
CHOICE = "choice"
ENOUGH = 8
"""Questions below which nothing is said about differences."""

EXAMPLES_NEEDED = 200
"""Examples from which training has paid so far (240 in the measurements this product began with)."""

MOST = 2000
"""More questions than this nobody will write."""

NAMES = {
    "base": "the base model",
    "quote": "quoting",
    "rag": "retrieval",
    "finetuned": "fine-tuned",
    "hybrid": "hybrid",
}
RIVALS = ("hybrid", "finetuned")
MATTERS = 0.03
"""A difference of token F1 below which nobody would train for it: a judgement."""

STRONG = 2
"""Points by which the answers to the five questions speak for a mode before a word is said of it unmeasured."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a corpus beside the scores.

    Attributes:
        examples: accepted training examples.
        minutes: training minutes of the adapter of each mode that has one.
        behind: documents that changed, came or went since the adapter of a mode learned.
        leaks: gold questions that are among the examples.
        noticed: mode -> of how many changed facts it gave the new value, the old one, and how many were asked.
        made_up: those facts were changed for the question only, since no document had changed.
        forgot: mode -> general questions after training less before, the mean difference of their score.
        changed: what is not as it was when the scores were taken, in words.
        commonest: of the gold answers that are yes, no or maybe the commonest, and the share (0..1) that are it.
    """

    examples: int = 0
    minutes: Mapping[str, float] = field(default_factory=dict)
    behind: Mapping[str, int] = field(default_factory=dict)
    leaks: int = 0
    noticed: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    made_up: bool = False
    forgot: Mapping[str, Interval] = field(default_factory=dict)
    changed: Sequence[str] = ()
    commonest: tuple[str, float] | None = None


def paired(summary: Summary, new: str, other: str, metric: str = MEASURE) -> Interval | None:
    """The difference of two modes, question by question; None when they were not compared."""
    return summary.paired.get(f"{new}-{other}", {}).get(metric)


def deciding(summary: Summary) -> str:
    """What decides: whether yes, no or maybe was right where most questions ask for one, else token F1.

    Against a gold answer of one word F1 punishes the quotation that stands below a right "Yes.".
    """
    found = summary.modes.get("rag", {})
    choices, every = (found[name].n if name in found else 0 for name in (CHOICE, MEASURE))
    return CHOICE if 2 * choices > every else MEASURE


def before_measuring(facts: Facts) -> str:
    """What is said before anything was measured."""
    if facts.minutes:
        return (
            "Nothing is measured yet: an evaluation on gold questions tells which mode to use. Until then, retrieval."
        )
    have = f"you have {facts.examples} example{'' if facts.examples == 1 else 's'}"
    if facts.examples < EXAMPLES_NEEDED:
        return f"Start with retrieval: {have}; fine-tuning needs about {EXAMPLES_NEEDED}."
    return f"Start with retrieval: {have}, enough to try fine-tuning. Train, then evaluate."


def nothing_to_compare(summary: Summary, facts: Facts) -> str:
    """What is said when only retrieval was measured."""
    found = summary.modes["rag"][deciding(summary)]
    return f"{before_measuring(facts)} Retrieval scores {_score(found)} on {found.n} questions."


def unclear(rivals: Mapping[str, Interval], more: int) -> str:
    """What is said when the figures do not tell."""
    tell = f"about {more} more questions would tell" if more <= MOST else "no sensible number of questions would tell"
    return f"Not enough evidence: {against(rivals)}; {tell}. Until then, retrieval, which needs no training."


def no_better_than_always(found: Interval, mode: str, commonest: tuple[str, float]) -> str:
    """What is said when a mode beats retrieval, and not surely somebody who always gives the same answer."""
    return (
        f"Not enough evidence: {NAMES[mode]} says the right yes, no or maybe {_score(found)} times, and "
        f"{_always(commonest)}, which is not surely less. Until then, retrieval, which needs no training."
    )


def enough(rivals: Mapping[str, Interval]) -> str:
    """What is said when nothing is gained that would be worth a training."""
    sure = any(each.low > 0 for each in rivals.values())
    return f"Retrieval is enough: {against(rivals)}{', sure but too little to train for' if sure else ''}."


def better(found: Interval, summary: Summary, mode: str) -> str:
    """What is said of a mode that surely wins."""
    little = ", which is sure but little" if found.mean < MATTERS else ""
    return f"Use {NAMES[mode]}: {over(found)}{at_cost(summary, mode)}{little}."


def against(rivals: Mapping[str, Interval]) -> str:
    """Every rival against retrieval, with its interval."""
    said = [f"{NAMES[mode]} {_points(each)} (95 %: {_range(each)})" for mode, each in rivals.items()]
    return f"{' and '.join(said)} points against it on {min(each.n for each in rivals.values())} questions"


def over(found: Interval) -> str:
    """A difference over retrieval, with its interval."""
    return f"{_points(found)} points over retrieval (95 %: {_range(found)}, {found.n} questions)"


def at_cost(summary: Summary, mode: str) -> str:
    """Its time as a multiple of retrieval's, where that is known."""
    ratio = cost_ratio(summary, mode)
    return f", at {ratio:.1f}x the time" if ratio else ""


def cost_ratio(summary: Summary, mode: str) -> float | None:
    """Seconds an answer of a mode takes over those of retrieval; None where either is unknown."""
    own, other = (summary.modes.get(name, {}).get("seconds") for name in (mode, "rag"))
    return own.mean / other.mean if own and other and other.mean > 0 else None


def phrases(summary: Summary, facts: Facts, mode: str) -> tuple[str, ...]:
    """Every sentence behind the headline, with its figures."""
    said, metric = list[str](), deciding(summary)
    if metric == CHOICE and facts.commonest:
        said.append(
            f"Most questions ask for a yes, no or maybe, and that decides. For comparison: {_always(facts.commonest)}."
        )
    for rival in RIVALS:
        difference = paired(summary, rival, "rag", metric)
        if difference is None or difference.n < ENOUGH:
            continue
        if rival != mode:
            said.append(f"{NAMES[rival].capitalize()}: {over(difference)}{at_cost(summary, rival)}.")
        said += _disagreeing(summary, rival, difference, facts)
    both = paired(summary, "hybrid", "finetuned", metric)
    if both and both.n >= ENOUGH:
        sure = "" if both.low > 0 or both.high < 0 else "; which of the two is better is not certain"
        said.append(f"Hybrid against fine-tuned: {_points(both)} points (95 %: {_range(both)}){sure}.")
    for other in ("base", "quote"):
        for own in dict.fromkeys(("rag", mode)):
            found = paired(summary, own, other, metric)
            if found and found.n >= ENOUGH:
                said.append(
                    f"{NAMES[own].capitalize()} against {NAMES[other]}: {_points(found)} points "
                    f"(95 %: {_range(found)}){_without(found)}."
                )
    said += _declined(summary)
    if mode in RIVALS and mode not in facts.minutes:
        said.append(f"No adapter of {NAMES[mode]} serves now: promote it again to use it.")
    for rival, minutes in facts.minutes.items():
        said.append(f"Training {NAMES[rival]} took {minutes:.0f} minutes.")
    for rival, changed in facts.behind.items():
        if changed:
            missed = "misses" if rival == "finetuned" else "has not learned"
            said.append(
                f"{NAMES[rival].capitalize()} {missed} what changed in {changed} "
                f"document{'' if changed == 1 else 's'} since it learned."
            )
    return (*said, *_probed(facts))


def _without(found: Interval) -> str:
    """Said where what takes nothing, no model or no documents, does as well."""
    return ", which is surely better" if found.high < 0 else "; no difference is sure" if found.low <= 0 else ""


def _declined(summary: Summary) -> list[str]:
    """Who declined what the documents do not answer, and what they do: token F1 knows of the second only."""
    said = []
    for metric, asked in (("right_refusal", "do not answer"), ("wrong_refusal", "answer")):
        found = {mode: own[metric] for mode in ("rag", *RIVALS) if metric in (own := summary.modes.get(mode, {}))}
        if len(found) > 1 and any(each.mean for each in found.values()):
            counts = ", ".join(f"{NAMES[mode]} {round(each.mean * each.n)} of {each.n}" for mode, each in found.items())
            said.append(f"Declined of the questions that the documents {asked}: {counts}.")
    return said


def _probed(facts: Facts) -> list[str]:
    """What was found of freshness and forgetting."""
    facts_changed = "facts that were changed for the question" if facts.made_up else "changed facts"
    said = [
        f"{NAMES[mode].capitalize()} gave the new value of {new} of {asked} {facts_changed}, the old one of {old}."
        for mode, (new, old, asked) in facts.noticed.items()
        if mode in ("rag", *RIVALS)
    ]
    for mode, lost in facts.forgot.items():
        sure = "has forgotten" if lost.high < 0 else "shows no sure loss"
        said.append(
            f"On general questions {NAMES[mode]} {sure}: {_points(lost)} points against the base model "
            f"(95 %: {_range(lost)}, {lost.n} questions)."
        )
    return said


def _disagreeing(summary: Summary, mode: str, difference: Interval, facts: Facts) -> list[str]:
    """Said when another measure surely points another way: the reader should know which one decides."""
    said = []
    choice, own = paired(summary, mode, "rag", CHOICE), summary.modes.get(mode, {}).get(CHOICE)
    if choice and own and choice.n >= ENOUGH and choice.low > 0 >= difference.low:
        said.append(
            f"But of the {choice.n} questions to be answered by yes, no or maybe {NAMES[mode]} has "
            f"{100 * own.mean:.0f} in 100 right, {_points(choice)} points over retrieval (95 %: {_range(choice)})"
            f"{f'; {_always(facts.commonest)}' if facts.commonest else ''}."
        )
    declines = paired(summary, mode, "rag", "right_refusal")
    if declines and difference.high > 0 > declines.high:
        said.append(
            f"But {NAMES[mode]} surely answers more of what the documents do not hold: {_points(declines)} points of "
            f"right refusals against retrieval (95 %: {_range(declines)}, {declines.n} questions)."
        )
    recall = paired(summary, mode, "rag", "answer_recall")
    if recall and ((difference.low > 0 and recall.high < 0) or (difference.high < 0 and recall.low > 0)):
        way = "fewer" if recall.mean < 0 else "more"
        said.append(
            f"But {NAMES[mode]} holds {way} of the gold answers' words than retrieval: recall {_points(recall)} points "
            f"(95 %: {_range(recall)}). F1 also rewards brevity."
        )
    return said


def leaning(points: Mapping[str, int], considered: Sequence[Considered], scored: bool) -> tuple[str, ...]:
    """How the five questions weigh, beside the scores where those tell."""
    known = [each for each in considered if each.answer]
    if not known:
        return ()
    total = ", ".join(f"{NAMES[name]} {value:+d}" for name, value in points.items())
    verb = "is" if len(known) == 1 else "are"
    return (f"{len(known)} of the five questions {verb} answered; {'with the scores ' * scored}they weigh: {total}.",)


def wished(points: Mapping[str, int], facts: Facts) -> tuple[str, ...]:
    """What the answers to the five questions speak for while the scores do not tell; empty where that is retrieval."""
    mode = max(points, key=lambda name: points[name])
    if mode not in RIVALS or points[mode] - points["rag"] < STRONG:
        return ()
    then = "evaluate it" if mode in facts.minutes else "train it, then evaluate"
    speak = f"{NAMES[mode]} ({points[mode]:+d} against {points['rag']:+d} for retrieval)"
    return (f"Your answers to the five questions speak for {speak}: {then}.",)


def barred(points: Mapping[str, int], worse: Sequence[str]) -> tuple[str, ...]:
    """Said where the answers speak most for a mode that is surely worse."""
    mode = max(points, key=lambda name: points[name])
    if mode not in worse:
        return ()
    return (f"Your answers speak most for {NAMES[mode]}, but its answers are surely worse than retrieval's.",)


def limits(summary: Summary, facts: Facts) -> tuple[str, ...]:
    """What the verdict does not say."""
    said = []
    if facts.changed:
        said.append(
            f"Since this was measured {_listed(facts.changed)} changed: the scores are those of before. Run it again."
        )
    if facts.leaks:
        said.append(f"{facts.leaks} training examples ask what a gold question asks: the scores are not to be trusted.")
    if summary.modes:
        said.append(
            f"Each interval is for its own comparison, for questions like these. {_of_measure(deciding(summary))} "
            "Seconds were taken with several questions asked at once, on this machine."
        )
    return tuple(said)


def _of_measure(metric: str) -> str:
    if metric == CHOICE:
        return "What decides is the yes, no or maybe that an answer begins with; what stands below it is not judged."
    return "Token F1 compares words with the gold answer; it does not know whether other words mean the same."


def _always(commonest: tuple[str, float]) -> str:
    return f"always saying {commonest[0]} would be right {100 * commonest[1]:.0f} of 100 times"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _score(found: Interval) -> str:
    return f"{100 * found.mean:.0f} of 100 (95 %: {100 * found.low:.0f} to {100 * found.high:.0f})"


def _points(found: Interval) -> str:
    return f"{100 * found.mean:+z.0f}"


def _range(found: Interval) -> str:
    return f"{100 * found.low:+z.0f} to {100 * found.high:+z.0f}"
