"""Reading pairs from files, checking them, and splitting them."""

import json
import random
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import pytest

from core.assistants.words import stems
from core.errors import BadInput
from core.finetuning import planning
from core.finetuning.checks import asking, findings, near
from core.finetuning.curves import Look, light
from core.finetuning.uploads import read_file
from core.ingestion.personal import iban, kinds, luhn
from core.ingestion.sandbox import Sandbox
from storage.rows import ExampleRow


def example(number: int, question: str, answer: str, document: str = "") -> ExampleRow:
    now = datetime.now(UTC)
    return ExampleRow(number, 1, question, answer, document, None, "", "", "upload", "accepted", {}, now)


def written(path: Path, rows: list[object]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Why?", "answer": "Because."},
        {"prompt": "Why?", "completion": "Because."},
        {"instruction": "Why?", "input": "", "output": "Because."},
        {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "Why?"},
                      {"role": "assistant", "content": "Because."}]},
        {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]},
        {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Why?"}]},
                      {"role": "assistant", "content": [{"type": "text", "text": "Because."}]}]},
        {"id": "1", "question": "Why?", "answer": "Because.", "doc_ids": ["a.pdf"], "evidence": "e",
         "meta": {"page": 4}},
    ],
)  # fmt: skip
def test_the_shapes_people_have_are_recognised(sandbox: Sandbox, tmp_path: Path, row: dict[str, object]) -> None:
    (draft,) = read_file(written(tmp_path / "pairs.jsonl", [row]), sandbox=sandbox).drafts
    assert (draft.question, draft.answer) == ("Why?", "Because.")
    if "doc_ids" in row:
        assert (draft.document, draft.page, draft.evidence) == ("a.pdf", 4, "e")


def chat(*said: str) -> dict[str, object]:
    return {"messages": [{"role": role, "content": text} for role, text in zip(cycle(("user", "assistant")), said)]}


def test_every_answer_of_a_chat_is_an_example_asked_as_it_would_be_searched_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    talk = chat(
        "How often is the Brio 20 descaled?", "Monthly.", "And the Brio 40?", "Weekly.", "Why?", "It is larger."
    )
    other = chat("What is the notice period?", "Sixty days.")
    found = read_file(written(tmp_path / "pairs.jsonl", [talk, other]), sandbox=sandbox)
    assert [(draft.question, draft.answer) for draft in found.drafts] == [
        ("How often is the Brio 20 descaled?", "Monthly."),
        ("How often is the Brio 40 descaled?", "Weekly."),
        ("Why? (often Brio 40 descaled)", "It is larger."),
        ("What is the notice period?", "Sixty days."),
    ]
    assert not found.bad


def test_an_answer_of_a_chat_that_says_nothing_is_named_and_the_others_are_taken(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    rows = [
        chat("What is the rent?", "", "What is the deposit for Unit 7 in Tallinn?", "500 euro."),
        chat("What is owed?"),
    ]
    found = read_file(written(tmp_path / "pairs.jsonl", rows), sandbox=sandbox)
    assert [draft.question for draft in found.drafts] == ["What is the deposit for Unit 7 in Tallinn?"]
    assert [(bad.number, bad.reason) for bad in found.bad] == [
        (1, "the answer is empty"),
        (2, "no answer follows a question in its messages"),
    ]


def test_bad_rows_are_named_with_their_reason_and_the_rest_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"question": "a", "answer": "b"}\nnot json\n{"question": "", "answer": "b"}\n[1]\n')
    found = read_file(path, sandbox=sandbox)
    assert len(found.drafts) == 1
    assert [bad.number for bad in found.bad] == [2, 3, 4]
    assert "not JSON" in found.bad[0].reason
    assert "question is empty" in found.bad[1].reason


def test_a_workbook_is_read_by_its_first_sheet(sandbox: Sandbox, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Question", "Answer"])
    book.active.append(["How many?", 3])
    book.save(tmp_path / "pairs.xlsx")
    (draft,) = read_file(tmp_path / "pairs.xlsx", sandbox=sandbox).drafts
    assert draft.answer.startswith("3")


def test_a_workbook_with_a_cell_at_the_far_end_is_refused_and_takes_no_process_down(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Question", "Answer"])
    book.active["XFD1048576"] = "x"  # read as a rectangle this is half a terabyte
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(BadInput, match=r"far\.xlsx"):
        read_file(tmp_path / "far.xlsx", sandbox=sandbox)


@pytest.mark.parametrize("name", ["a.xlsx", "a.jsonl", "a.json"])
@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"question":' * 100_000, b"PK\x03\x04", b"9" * 5_000])
def test_what_makes_readers_fall_over_is_one_line(sandbox: Sandbox, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput) as told:
        read_file(tmp_path / name, sandbox=sandbox)
    assert "\n" not in told.value.message


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.pdf", b"%PDF"), ("a.csv", b"x,y\n1,2\n")])
def test_a_file_that_holds_no_pairs_is_one_line(sandbox: Sandbox, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput):
        read_file(tmp_path / name, sandbox=sandbox)


def test_documents_are_held_out_whole_and_always_the_same() -> None:
    rows = [example(n, f"q{n}", f"a{n}", f"doc{n % 10}.pdf") for n in range(100)]
    parts = planning.split(rows, 7)
    assert parts == planning.split(rows, 7)
    assert not {e.document for e in parts.train} & {e.document for e in parts.held_out}
    assert 10 <= len(parts.held_out) <= 30


def test_one_large_document_is_not_held_out() -> None:
    rows = [example(n, f"q{n}", "a", "large.pdf" if n < 90 else f"small{n}.pdf") for n in range(100)]
    assert all(e.document != "large.pdf" for e in planning.split(rows, 7).held_out)


def test_what_is_wrong_is_found_by_kind() -> None:
    rows = [
        example(1, "What is the rent?", "2,400"),
        example(2, "What is the rent?", "2,500"),
        example(3, "what is THE rent", "2,400."),
        example(4, "Who signs?", "x" * 4000),
        example(5, "How do I reach her?", "Write to jane.doe@example.com."),
        example(6, "When does it end?", "In March."),
    ]
    found = {one.kind: one for one in findings(rows, ["When does it end"])}
    assert found["conflicts"].ids == (1, 3, 2)
    assert found["duplicates"].rejects == (3,)
    assert found["overlong"].ids == (4,)
    assert found["personal data"].ids == (5,)
    assert found["gold leaks"].rejects == (6,)


def test_whether_a_question_asks_a_gold_one_is_found_by_an_index_as_it_is_by_comparing_all() -> None:
    chance, words = random.Random(1), [f"word{letter}" for letter in "abcdefghijklmnopq"]
    gold = [" ".join(chance.sample(words, chance.randint(1, 17))) for _ in range(150)]
    asked = [" ".join(chance.sample(words, chance.randint(1, 17))) for _ in range(600)]
    known = [stems(question) for question in gold]
    every = frozenset(place for place, question in enumerate(asked) if near(stems(question), known))
    assert 0 < len(every) < len(asked)
    assert asking(asked, gold) == asking(asked, iter(gold)) == every
    assert asking(["What is the rent", "what is THE rent?!", "Who pays the rent?"], ["What is the rent?"]) == {0, 1}


def test_numbers_count_as_personal_only_with_their_checksum() -> None:
    assert luhn("4111 1111 1111 1111")
    assert not luhn("4111 1111 1111 1112")
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB82 WEST 1234 5698 7654 33")
    assert kinds("Call 555-867-5309 or mail a@b.org") == {"phone number", "e-mail address"}
    assert kinds("Revenue was 88,815 thousand in 2025, and 4,560 before.") == set()
    assert kinds("123-45-6789") == {"social security number"}


def looks(*losses: float, general: float = 1.0) -> list[Look]:
    return [Look(n, loss, general, False) for n, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("seen", "colour"),
    [
        (looks(2.0), "grey"),
        (looks(2.0, 1.5, 1.2), "green"),
        (looks(2.0, 1.2, 1.25), "amber"),
        (looks(2.0, 1.0, 1.5), "red"),
        (looks(2.0, 2.1), "amber"),
    ],
)
def test_the_light_says_how_it_goes(seen: list[Look], colour: str) -> None:
    assert light(seen).colour == colour


def test_the_light_says_when_general_knowledge_is_lost() -> None:
    seen = [Look(0, 2.0, 1.0, True), Look(1, 1.0, 1.6, True)]
    assert "forgets" in light(seen).words
