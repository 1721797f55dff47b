"""What an answer consists of, learned from examples: fitted, kept, and given back."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.assistants.extracting import SIGNS, Extractor, chosen, digest, sections_in, signs
from core.assistants.quotation import quotation
from core.assistants.quoting import FEATURES, Candidate, Scored
from core.assistants.sentences import split
from core.finetuning.extraction import FEWEST, Case, fit
from core.retrieval.passages import Passage

WORDS = ["amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heron", "islet", "jetty", "knoll", "lagoon"]


def passage(text: str, rank: int = 1, document: str = "a.md") -> Passage:
    return Passage(rank, rank, document, "", 1, "", 0, len(text), text, "", "", (rank,), 1.0 / rank)


def scored(text: str, best: int, document: str = "a.md") -> Scored:
    """A passage whose sentence number `best` resembles the question most, the others alike."""
    page = passage(text, document=document)
    scores = [2.0 if number == best else 0.0 for number, _ in enumerate(split(text))]
    shares = np.exp(scores) / np.exp(scores).sum()
    found = [Candidate(page, s, scores[i], float(shares[i])) for i, s in enumerate(split(text))]
    found.sort(key=lambda candidate: -candidate.score)
    return Scored(tuple(found), np.zeros((len(found), len(FEATURES)), np.float32), np.zeros(len(found), np.float32))


def sentence(number: int) -> str:
    """Seven words of its own: no two of the numbers used here share any but by chance."""
    random = np.random.default_rng(number)
    return " ".join(f"{word}{number}" for word in random.choice(WORDS, 7, replace=False)).capitalize() + "."


def cases(number: int, length: int = 3, first: int = 0) -> list[Case]:
    """Passages of nine sentences whose answer is the best one and those after it, `length` in all."""
    made = []
    for each in range(first, first + number):
        said = [sentence(100 * each + place) for place in range(9)]
        best = 1 + each % 5
        answer = " ".join(said[best : best + length])
        made.append(Case(f"What of {each}?", scored(" ".join(said), best, f"{each}.md"), answer, f"{each}.md"))
    return made


def answers(extractor: Extractor, those: Sequence[Case]) -> list[str]:
    return [quotation(extractor.choose(case.question, case.scored)).text for case in those]


def test_it_learns_how_far_an_answer_goes_on_behind_the_best_sentence() -> None:
    extractor = fit(cases(60))
    assert extractor is not None
    unseen = cases(20, first=1000)
    assert answers(extractor, unseen) == [case.answer for case in unseen]


def test_it_learns_that_one_sentence_is_enough() -> None:
    """The packaged quotation takes no second sentence here either: there is nothing to be better at."""
    assert fit(cases(60, length=1)) is None


def test_a_few_examples_fit_nothing() -> None:
    assert fit(cases(FEWEST - 1)) is None
    assert (
        fit([replace(case, scored=Scored((), np.zeros((0, 27), np.float32), np.zeros(0))) for case in cases(60)])
        is None
    )


def test_the_same_examples_give_the_same_extractor() -> None:
    assert fit(cases(40)) == fit(cases(40))


def test_another_document_s_sentences_do_not_count_as_the_answer() -> None:
    elsewhere = [replace(case, document="another.md") for case in cases(40)]
    assert fit(elsewhere) is None


def test_it_comes_back_from_its_row_as_it_was_and_holds_no_word_of_a_document() -> None:
    text = "RESULTS: The fever fell. It fell quickly."
    with_sections = [replace(case, scored=scored(f"{text} {case.answer}", 2)) for case in cases(40)]
    extractor = fit([replace(case, document="") for case in with_sections])
    assert extractor is not None
    assert extractor.sections == (digest("RESULTS"),)
    written = json.dumps(extractor.json())
    assert "RESULTS" not in written
    assert Extractor.of(json.loads(written)) == extractor


@pytest.mark.parametrize("broken", [{}, {"weights": [1.0]}, {"weights": None}, {"sections": ["x"]}])
def test_numbers_that_are_no_extractor_are_refused(broken: dict[str, object]) -> None:
    whole = Extractor((), (0.0,) * len(SIGNS), (1.0,) * len(SIGNS), (0.0,) * len(SIGNS), 0.0, 0.5).json()
    with pytest.raises(ValueError, match="extractor"):
        Extractor.of(whole | broken if broken else {})


def test_every_sentence_has_its_signs_and_nothing_found_has_none() -> None:
    found = scored("METHODS: We asked. RESULTS: They said so.", 1)
    assert sections_in(found) == {digest("METHODS"), digest("RESULTS")}
    table = signs("Did they say so?", found, [digest("RESULTS")])
    assert table.shape == (len(found.candidates), len(SIGNS) + 1)
    assert list(table[:, -1]) == [float("They" in c.sentence.text) for c in found.candidates]
    assert signs("x", Scored((), table[:0], table[:0, 0]), []).shape == (0, len(SIGNS))


def test_the_likeliest_sentence_is_always_taken_and_none_twice() -> None:
    found = scored("It rains. It rains. It snows.", 0)
    assert [c.sentence.text for c in chosen(found.candidates, np.array([0.1, 0.1, 0.05], np.float32), 0.9)] == [
        "It rains."
    ]
    assert len(chosen(found.candidates, np.array([0.9, 0.9, 0.9], np.float32), 0.1)) == 2
