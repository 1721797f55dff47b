"""A judge is asked in both orders over a real endpoint, believed where both agree, and held against people's votes."""

import random
import re
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

from core.evaluation import judging, running
from core.evaluation.agreement import agreement, kappa
from core.evaluation.beside import sections
from core.evaluation.options import Options
from core.evaluation.report import report
from core.generation import catalogue
from core.generation.catalogue import Described
from core.generation.scripted import ScriptedChat
from core.workspace import Workspace
from storage.rows import CorpusRow, EvaluationRow
from tests.core.evaluation.conftest import ASKED
from tests.core.generation.openai_server import KEY, OpenAIServer, serving

ANSWERS = re.compile(r"<answer A>\n(.*?)\n</answer A>.*<answer B>\n(.*?)\n</answer B>", re.S)


def fair(messages: Any) -> str:
    """A judge who prefers the answer with the rent in it, wherever it stands."""
    match = ANSWERS.search(messages[-1].text)
    assert match
    a, b = ("2,400" in text for text in match.groups())
    return "TIE" if a == b else "A" if a else "**B**."


def test_a_preference_for_a_place_is_a_tie_and_said_to_be_one() -> None:
    found = judging.judge(lambda _: "A", "How much?", judging.UNKNOWN, "5", "6")
    assert (found.verdict, found.swayed) == ("tie", True)
    sure = judging.judge(lambda prompt: "A" if "<answer A>\n5" in prompt else "B", "How much?", "", "5", "6")
    assert (sure.verdict, sure.swayed) == ("first", False)
    chatty = judging.judge(lambda _: "I think both A and B have merits.", "How much?", "", "5", "6")
    assert (chatty.verdict, chatty.swayed) == ("tie", False)


@pytest.mark.parametrize(
    ("said", "choice"),
    [("A", "A"), ("b.", "B"), ("**Tie**", "TIE"), ("Answer A", "A"), ("B\nIt is right.", "B"), ("So:\n\nA", "A"),
     ("A is better than B", ""), ("", "")],
)  # fmt: skip
def test_only_a_plain_reply_is_a_choice(said: str, choice: str) -> None:
    assert judging._choice(said) == choice


def judged(ws: Workspace, corpus: CorpusRow, server: OpenAIServer, model: str = "tiny") -> EvaluationRow:
    other = catalogue.add(ws, Described("The judge", "endpoint", server.url, model, window=4096, key=KEY))
    row = running.start(ws, corpus.id, ASKED, ["base", "quote", "rag"], options=Options(judge=other.id))
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    return ws.evaluations.get(row.id)


def voted(ws: Workspace, corpus: CorpusRow, choice: str, *texts: str) -> None:
    row = ws.comparisons.begin(corpus.id, "How much is it?", [("rag", "", ""), ("base", "", "")], blind=False)
    for panel, text in zip(row.panels, texts, strict=True):
        ws.conversations.add_question(panel.conversation_id, row.question)
        ws.conversations.finish_answer(ws.conversations.begin_answer(panel.conversation_id, panel.mode).id, text)
    ws.comparisons.vote(row.id, choice)


def test_every_pair_is_judged_and_stored_and_held_against_votes(ws: Workspace, corpus: CorpusRow) -> None:
    voted(ws, corpus, "rag", "2,400 pounds", "I do not know")
    voted(ws, corpus, "rag", "Nothing", "2,400 pounds")
    voted(ws, corpus, "tie", "Nothing", "Nothing at all")
    voted(ws, corpus, "bad", "Nothing", "Nothing at all")
    with serving(ScriptedChat(answers=fair)) as server:
        row = judged(ws, corpus, server)
        asked = [body["messages"][-1]["content"] for body in server.seen]
    assert len(asked) == 2 * (2 + 3)
    assert any("The right answer: 2,400 pounds a month" in each for each in asked)
    stored = {each.key: each.content for each in ws.evaluations.findings(row.id, "judgement")}
    assert stored.keys() == {"rent|rag|base", "end|rag|base"}
    assert all(each["said"] and each["verdict"] in ("first", "second", "tie") for each in stored.values())
    found = row.summary["judge"]
    assert (found["judged"], found["model"], found["ended"]) == (2, "The judge", "")
    assert (found["agreement"]["labels"], found["agreement"]["clusters"]) == (3, 3)
    assert found["agreement"]["share"] == pytest.approx(2 / 3)
    section = sections(row.summary)[-1]
    assert "agrees with people's votes on 67 % of 3 pairs" in " ".join(section["said"])
    assert section["more"] == judging.PROMPT
    written = report(ws, row)
    assert written["beside"][-1] == section
    assert written["questions"][0]["judged"] == [stored["rent|rag|base"]]


def test_a_judge_that_fails_ends_the_judging_and_not_the_evaluation(ws: Workspace, corpus: CorpusRow) -> None:
    with serving(ScriptedChat(answers=["A"])) as server:
        row = judged(ws, corpus, server, "broken")
    assert "failed (500)" in row.summary["judge"]["ended"]
    assert row.summary["modes"]["rag"]["token_f1"]["n"] == 2


def test_kappa_is_the_reference_implementations() -> None:
    generator = random.Random(5)
    for _ in range(200):
        pairs = [(generator.choice("abc"), generator.choice("abc")) for _ in range(generator.randint(2, 40))]
        ours = kappa(pairs)
        if ours is None:
            assert len({label for pair in pairs for label in pair}) == 1
            continue
        assert ours == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)), abs=1e-9)


def test_the_interval_of_kappa_holds_it_and_clusters_widen_it() -> None:
    generator = random.Random(6)
    pairs = [(a, a if generator.random() < 0.7 else generator.choice("ab")) for a in generator.choices("ab", k=120)]
    single = agreement([[pair] for pair in pairs])
    by_ten = agreement([pairs[at : at + 10] for at in range(0, 120, 10)])
    assert single is not None
    assert by_ten is not None
    assert single.kappa == by_ten.kappa == kappa(pairs)
    assert single.low is not None
    assert single.low < (single.kappa or 0) < (single.high or 0)
    assert agreement([]) is None
    same = agreement([[("a", "a")]])
    assert same is not None
    assert (same.kappa, same.low, same.share) == (None, None, 1.0)
