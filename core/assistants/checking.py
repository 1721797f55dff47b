"""The checks of a domain, carried out on an answer: what a person should look at before relying on it. Pure.

A check reads what the answer says and what it stands on; it changes nothing and knows nothing of what is true. `cited`
and `figures` need passages to hold the answer against, so that of the base model alone only `phrases` is checked.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.assistants.amounts import Held, figures
from core.assistants.answer import Answer, Checks, Finding
from core.domains import ChecksPolicy
from core.retrieval.passages import Passage

NAMED = 5
"""Figures that are named at most."""

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Letters of scripts that put no space between words: a phrase in them begins and ends anywhere."""


def checked(answer: Answer, policy: ChecksPolicy, asked: str) -> Answer:
    """The same answer with what its domain's checks say of it; nothing is checked of a refusal.

    Args:
        asked: the question, as it was typed and as it stands alone: a figure may be from there.
    """
    if answer.refused or not answer.text.strip():
        return answer
    stands_on = answer.mode != "base"
    found: dict[str, Iterator[str]] = {}
    if policy.cited and stands_on:
        found["cited"] = _uncited(answer)
    if policy.figures and stands_on:
        found["figures"] = _unheld(answer.text, answer.passages, asked)
    if policy.phrases:
        found["phrases"] = _barred(answer.text, policy.phrases)
    findings = tuple(Finding(name, said) for name, each in found.items() for said in each)
    return replace(answer, checks=Checks(tuple(found), findings))


def _uncited(answer: Answer) -> Iterator[str]:
    """How many sentences have no source."""
    every, without = len(answer.citations), sum(not each.supported for each in answer.citations)
    if without and without == every:
        yield "no sentence has a source" if every > 1 else "the answer has no source"
    elif without:
        yield f"{without} of {every} sentences {'has' if without == 1 else 'have'} no source"


def _unheld(text: str, passages: Sequence[Passage], asked: str) -> Iterator[str]:
    """The figures that stand in none of the passages; those that the question brought are told apart."""
    held, question = Held([_whole(each) for each in passages]), Held([asked])
    missing = dict.fromkeys(each for each in figures(text) if each not in held)
    brought = [each.text for each in missing if each in question]
    invented = [each.text for each in missing if each not in question]
    if invented:
        yield f"{_listed(invented)} {'is' if len(set(invented)) == 1 else 'are'} not in the sources"
    if brought:
        yield f"{_listed(brought)} {'is' if len(set(brought)) == 1 else 'are'} from the question, not from the sources"


def _whole(passage: Passage) -> str:
    """Everything of a passage that an answer may have a figure from."""
    parts = (passage.document, passage.title, passage.heading, passage.header, passage.text, passage.page_label)
    return "\n".join([*(part for part in parts if part), str(passage.page)])


def _barred(text: str, phrases: Sequence[str]) -> Iterator[str]:
    """The phrases that the domain does not want said, as it wrote them."""
    plain = _plain(text)
    said = [phrase for phrase in phrases if _plain(phrase) and re.search(_pattern(_plain(phrase)), plain)]
    if said:
        yield f"it says {_listed([f'“{phrase}”' for phrase in said])}"


def _pattern(phrase: str) -> str:
    """The phrase as whole words."""
    edge = rf"[^\W{UNSPACED}]"
    before = rf"(?<!{edge})" if re.match(edge, phrase) else ""
    after = rf"(?!{edge})" if re.match(edge, phrase[-1:]) else ""
    return before + re.escape(phrase) + after


def _plain(text: str) -> str:
    """In small letters, with plain apostrophes, without emphasis, and one space between words."""
    return " ".join(re.sub(r"[*_`]+", "", text.replace("’", "'")).casefold().split())


def _listed(said: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and 3 more`."""
    each = list(dict.fromkeys(said))
    shown = each[:NAMED] + ([f"{len(each) - NAMED} more"] if len(each) > NAMED else [])
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)
