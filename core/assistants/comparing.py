"""One question, several modes at once: a comparison whose panels are answered side by side.

Every panel is a live answer of its own, so each can be stopped, survives a refresh, and is stored like any other.
"""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.assistants import live
from core.assistants.answer import Mode
from core.errors import BadInput
from storage.rows import ComparisonRow

if TYPE_CHECKING:
    from core.workspace import Workspace

TIE, BAD = "tie", "bad"


def start(
    ws: "Workspace", corpus_id: int, question: str, modes: Sequence[Mode], *, blind: bool = False
) -> ComparisonRow:
    """Begin to answer a question in several modes at once; returns the comparison.

    Args:
        blind: shuffle the panels, so that their place tells nothing.

    Raises:
        BadInput: the question is empty, fewer than two modes are asked, or one has no adapter that serves.
    """
    question = question.strip()
    if not question:
        raise BadInput("The question is empty.", "Type a question.")
    chosen = list(dict.fromkeys(modes))
    if len(chosen) < 2:
        raise BadInput("One mode alone cannot be compared.", "Choose two or more.")
    assistant = ws.assistant(corpus_id)
    for mode in chosen:
        assistant.voice(mode)  # says now what would fail in a panel
    if blind:
        random.SystemRandom().shuffle(chosen)
    row = ws.comparisons.begin(corpus_id, question, chosen, blind)
    for panel, mode in zip(row.panels, chosen, strict=True):
        live.start(ws, panel.conversation_id, question, mode)
    return row


def vote(ws: "Workspace", comparison_id: int, choice: str) -> None:
    """Say which mode was best, or that none was.

    Raises:
        BadInput: the choice is no mode of the comparison.
    """
    row = ws.comparisons.get(comparison_id)
    if choice not in (TIE, BAD, *(panel.mode for panel in row.panels)):
        raise BadInput("That was not one of the answers.", "Choose one that is shown.")
    ws.comparisons.vote(comparison_id, choice)
