"""Whether the gold questions were held out of training: what each adapter that serves learned, held against them.

The examples that an adapter learned from, and those it was looked at with, are frozen in its folder (`planning`). What
was deleted since is not there any more, and of an adapter from elsewhere nobody here knows what it learned: that is
said, and never counts as held out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.finetuning import forgetting
from core.finetuning.checks import asking
from core.finetuning.serving import OF_MODE, served_as
from storage.examples import Filter
from storage.rows import AdapterRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Learned:
    """Attributes:
    examples: questions that an adapter is known to have been trained with, of both parts.
    leaks: those of them that ask what a gold question asks.
    unknown: why it is not known what (else) it learned; "" when all is known.
    """

    examples: int
    leaks: frozenset[str]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Attributes:
    accepted: examples that are accepted now.
    left_out: those of them that ask what a gold question asks; no training takes them.
    learned: what each adapter that serves learned, by its name ("grounded v2").
    """

    accepted: int
    left_out: int
    learned: Mapping[str, Learned]

    @property
    def leaks(self) -> int:
        """Examples that some adapter that serves learned and that ask what a gold question asks."""
        return len(frozenset().union(*(each.leaks for each in self.learned.values())))

    @property
    def unknown(self) -> dict[str, str]:
        """Why it is not known what an adapter learned, by its name."""
        return {name: each.unknown for name, each in self.learned.items() if each.unknown}


def held_out(ws: "Workspace", corpus_id: int) -> HeldOut:
    """Hold what is accepted and what was learned against a corpus's gold questions."""
    gold = [row.question for row in ws.gold.list(corpus_id)]
    accepted = ws.examples.list(corpus_id, Filter(status="accepted"))
    serving = [row for kind in OF_MODE.values() if (row := ws.adapters.promoted(corpus_id, kind)) is not None]
    return HeldOut(
        accepted=len(accepted),
        left_out=len(asking([row.question for row in accepted], gold)),
        learned={f"{row.kind} v{row.version}": _learned(ws, row, gold) for row in serving},
    )


def _learned(ws: "Workspace", adapter: AdapterRow, gold: Sequence[str]) -> Learned:
    if served_as(adapter):
        return Learned(0, frozenset(), "an endpoint serves it, and what it learned is not known here")
    if adapter.result.get("imported"):
        return Learned(0, frozenset(), "it was imported, and what it learned is not known here")
    questions = [str(row["question"]) for row in forgetting.learned(ws.serving.folder(adapter))]
    leaks = frozenset(questions[place] for place in asking(questions, gold))
    return Learned(len(questions), leaks, _gone(adapter, len(questions)))


def _gone(adapter: AdapterRow, there: int) -> str:
    """What is missing of the examples it was trained with, of both parts, as was written down then; "" for nothing."""
    if not there:
        return "the examples that it learned are not there any more"
    gone = sum(int(adapter.result.get(part) or 0) for part in ("examples", "held_out")) - there
    if gone <= 0:
        return ""
    return f"{gone:,} of the examples that it learned {'was' if gone == 1 else 'were'} deleted since"
