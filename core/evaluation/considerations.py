"""The five questions of the guide: what each asks, what its answers speak for, and how much. Pure.

The weights are a judgement, not a measurement, and are shown wherever they count: one point is a reason, two are a
strong one; a measured difference counts three (`verdict`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

Points = Mapping[str, int]
"""mode -> what an answer adds to it"""


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the five questions; `answers` go from the least to the most, each with what it speaks for."""

    key: str
    question: str
    answers: Mapping[str, Points]


TOPICS = (
    Topic(
        "change",
        "How much do the documents change?",
        {
            "hardly ever": {"finetuned": 1},
            "now and then": {},
            "often": {"rag": 1, "hybrid": 1, "finetuned": -2},
        },
    ),
    Topic(
        "style",
        "How important are consistency and style?",
        {"not very": {"rag": 1}, "somewhat": {}, "very": {"finetuned": 1, "hybrid": 1}},
    ),
    Topic(
        "means",
        "What are your resources: examples, machine, time?",
        {
            "few": {"rag": 1, "finetuned": -2, "hybrid": -2},
            "some": {},
            "plenty": {"finetuned": 1, "hybrid": 1},
        },
    ),
    Topic(
        "freshness",
        "How critical is up-to-date information?",
        {
            "not very": {},
            "somewhat": {"rag": 1, "hybrid": 1},
            "very": {"rag": 1, "hybrid": 1, "finetuned": -2},
        },
    ),
    Topic(
        "custom",
        "How much should answers be in a form of your own?",
        {"not much": {"rag": 1}, "somewhat": {}, "very much": {"finetuned": 1, "hybrid": 1}},
    ),
)
BY_KEY = {topic.key: topic for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Considered:
    """One question as it stands.

    Attributes:
        answer: "" while nobody knows.
        measured: the answer that the figures suggest; "" where nothing can be measured.
        evidence: what was measured, in one sentence; "" where nothing was.
        points: what the answer adds to each mode.
    """

    topic: Topic
    answer: str
    measured: str
    evidence: str

    @property
    def points(self) -> Points:
        """What the answer speaks for; nothing while there is none."""
        return self.topic.answers.get(self.answer, {})

    @property
    def moved(self) -> str:
        """How it moved the recommendation, in words; "" when it did not."""
        return ", ".join(f"{value:+d} {mode}" for mode, value in self.points.items())


def consider(measured: Mapping[str, tuple[str, str]], said: Mapping[str, str]) -> tuple[Considered, ...]:
    """The five questions with their answers: what a person said, else what was measured.

    Args:
        measured: topic -> (answer, evidence); an answer "" is evidence that decides nothing.
        said: topic -> answer.
    """
    found = []
    for topic in TOPICS:
        answer, evidence = measured.get(topic.key, ("", ""))
        chosen = said.get(topic.key, "")
        found.append(Considered(topic, chosen if chosen in topic.answers else answer, answer, evidence))
    return tuple(found)
