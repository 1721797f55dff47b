"""What people preferred in a corpus, in its whole domain, and by topic of their questions where there are enough votes.

Variants (an adapter's version, another base model) are a corpus's own and are left out of the domain's counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.assistants.contestants import BETWEEN
from core.assistants.remembered import remembering
from core.assistants.words import content_words
from core.evaluation import topics
from core.evaluation.preferences import Preferences, preferences, telling
from storage.rows import VoteRow

if TYPE_CHECKING:
    from core.workspace import Workspace

ENOUGH = 8
"""Votes that compare, of a topic: with fewer its intervals say nothing."""
LATEST = 600
"""Votes whose questions are grouped: the work grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What was preferred on questions of one kind; `name` is made of their words."""

    name: str
    found: Preferences


@dataclass(frozen=True, slots=True)
class OfDomain:
    """What was preferred in all corpora of a domain that have votes, `corpora` of them."""

    found: Preferences
    corpora: int


def of_domain(ws: "Workspace", corpus_id: int) -> OfDomain | None:
    """None when no other corpus of the domain has votes that compare modes."""
    domain = ws.corpora.get(corpus_id).domain
    votes = [plain(ws.comparisons.votes(row.id)) for row in ws.corpora.list() if row.domain == domain]
    voted = [each for each in votes if each]
    if len(voted) < 2:
        return None
    return OfDomain(preferences([vote for each in voted for vote in each]), len(voted))


def plain(votes: Sequence[VoteRow]) -> list[VoteRow]:
    """Those that compared modes alone."""
    return [vote for vote in votes if not any(BETWEEN in mode for mode in vote.modes)]


def by_topic(ws: "Workspace", votes: Sequence[VoteRow]) -> list[Topic]:
    """The topics of a corpus's votes that have enough of them, the one with most votes first."""
    compared = telling(votes)[-LATEST:]
    if len(compared) < 2 * ENOUGH:
        return []
    questions = [vote.question for vote in compared]
    vectors = np.asarray(remembering(ws.embedder).embed(questions), np.float32)
    words = [[word.plain for word in content_words(question)] for question in questions]
    found = [group for group in topics.groups(vectors) if len(group) >= ENOUGH]
    return [Topic(topics.name(words, group), preferences([compared[at] for at in group])) for group in found]
