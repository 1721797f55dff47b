"""One question, several modes or variants of them at once: a comparison whose panels are answered side by side.

Every panel is a live answer of its own, so each can be stopped, survives a refresh, and is stored like any other; what
is searched for, and how the sentences found are weighed, they share.
"""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.assistants import contestants, live
from core.assistants.ask import Found
from core.assistants.searching import Shared
from core.errors import BadInput
from core.finetuning import forgetting, votes
from storage.errors import NotFound
from storage.rows import ComparisonRow

if TYPE_CHECKING:
    from core.workspace import Workspace

TIE, BAD = "tie", "bad"
MOST = 8
"""More answers nobody reads side by side."""


def start(ws: "Workspace", corpus_id: int, question: str, keys: Sequence[str], *, blind: bool = False) -> ComparisonRow:
    """Begin to answer a question in several ways at once; returns the comparison.

    Args:
        keys: modes, or variants of them as `contestants` names them.
        blind: shuffle the panels, so that their place tells nothing.

    Raises:
        BadInput: the question is empty, fewer than two are asked, or one has no adapter that serves or was deleted.
    """
    question = question.strip()
    if not question:
        raise BadInput("The question is empty.", "Type a question.")
    chosen = contestants.found(ws, corpus_id, keys)
    if len(chosen) < 2:
        raise BadInput("One mode alone cannot be compared.", "Choose two or more.")
    if len(chosen) > MOST:
        raise BadInput(f"{len(chosen)} answers are too many side by side.", f"Choose at most {MOST}.")
    # Says now what would fail in a panel, and how many passages the one who reads most is given.
    voices = [contestants.assistant(ws, corpus_id, each.variant).voice(each.mode) for each in chosen]
    shared: Shared[Found] = Shared(max(voice.reading.passages for voice in voices))
    if blind:
        random.SystemRandom().shuffle(chosen)
    panels = [(each.mode, each.variant, each.name) for each in chosen]
    row = ws.comparisons.begin(corpus_id, question, panels, blind)
    for panel, each in zip(row.panels, chosen, strict=True):
        live.start(ws, panel.conversation_id, question, each.mode, shared=shared)
    return row


def vote(ws: "Workspace", comparison_id: int, choice: str) -> None:
    """Say which panel was best by its key, or that none was; the best answer is proposed as an example to learn.

    Raises:
        BadInput: the choice is no panel of the comparison.
    """
    row = ws.comparisons.get(comparison_id)
    if choice not in (TIE, BAD, *(panel.key for panel in row.panels)):
        raise BadInput("That was not one of the answers.", "Choose one that is shown.")
    ws.comparisons.vote(comparison_id, choice)
    votes.propose(ws, comparison_id)


def delete(ws: "Workspace", comparison_id: int, *, erase: bool = False) -> None:
    """Delete a comparison with its answers and the vote on it. Does nothing when it is gone already.

    Args:
        erase: what was made of its answers goes too: examples, also those frozen beside adapters, gold questions, and
            the words that evaluations have of them.
    """
    try:
        row = ws.comparisons.get(comparison_id)
    except NotFound:
        return
    if erase and (examples := ws.comparisons.examples_of(comparison_id)):
        forgetting.forget(ws, row.corpus_id, (), set(examples))
    ws.comparisons.delete(comparison_id, erase)
