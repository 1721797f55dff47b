import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from core.assistants.answer import Answer, Delta
from core.assistants.ask import Assistant, Voice
from core.assistants.extracting import SIGNS, Extractor
from core.assistants.followup import Turn, standalone
from core.assistants.reading import CLOSED_BOOK, GROUNDED, LARGE, SMALL, WORDED, Reading
from core.domains import RefusalPolicy, domain
from core.errors import BadInput
from core.generation.scripted import ScriptedChat
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage

Make = Callable[..., Passage]
Assistants = Callable[..., Assistant]
CLAUSE = "12.2 Either party may end this Agreement with 60 days' written notice. Fees paid are not refunded."
LOOKED = "I looked in 3 documents for “agreement” and “ended”; the closest passages are below."


class Shelf:
    """Holds passages and gives them all, noting what was searched for."""

    def __init__(self, passages: list[Passage]) -> None:
        self.passages = passages
        self.searched: list[str] = []

    def search(self, corpus_id: int, question: str, top: int = 10, also: Sequence[int] = ()) -> list[Passage]:
        self.searched.append(question)
        return self.passages[:top]


@pytest.fixture
def assistant(passage: Make, embedder: Embedder) -> Assistants:
    def make(
        says: str, reading: Reading = SMALL, threshold: float = 0.0, texts: Sequence[str] = (CLAUSE,)
    ) -> Assistant:
        shelf = Shelf([passage(text, rank) for rank, text in enumerate(texts, 1)])
        engine = ScriptedChat(answers=[says])
        legal = replace(domain("legal"), refusal=RefusalPolicy(threshold, "The documents do not say."))
        return Assistant(
            1, legal, shelf, embedder, lambda words: dict.fromkeys(words, 2.0), lambda: engine, lambda: 3, "x", reading
        )

    return make


def asked(assistant: Assistant, question: str = "How can the agreement be ended?", **how: object) -> Answer:
    *deltas, answer = assistant.ask(question, **how)  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    assert "".join(delta.text for delta in deltas if isinstance(delta, Delta)) == answer.text
    return answer


def test_a_small_model_s_answer_is_a_cited_quotation(assistant: Assistants) -> None:
    answer = asked(assistant("Nobody knows."))
    quoted = answer.text[: answer.quoted_until]
    assert quoted.startswith("12.2 Either party may end this Agreement with 60 days' written notice.")
    assert answer.citations[0].support == 1.0
    assert (answer.quoted_until, answer.timings.tokens) == (len(answer.text), 0)


def test_own_words_that_the_passages_do_not_support_are_left_out_for_small_models(assistant: Assistants) -> None:
    says = "Either party may end it with 90 days' notice. Either party may end the agreement with sixty days' notice."
    text = asked(assistant(says, WORDED)).text
    assert "90" not in text
    assert text.endswith("Either party may end the agreement with sixty days' notice.")


def test_own_words_that_repeat_the_quotation_or_themselves_are_left_out_for_small_models(
    assistant: Assistants,
) -> None:
    copied = "Either party may end the agreement with sixty days' written notice."
    own = "Either party may end the agreement with sixty days' notice."
    answer = asked(assistant(f"{copied} {own} {own}", WORDED))
    assert answer.text[answer.quoted_until :].strip() == own


def test_own_words_that_answer_how_long_with_a_day_are_left_out_for_small_models(assistant: Assistants) -> None:
    page = "The term of the lease is ten years from and including 29 September 2024."
    day, years = "The term of the lease is 29 September 2024.", "The lease is for a term of ten years."
    answer = asked(assistant(f"{day} {years}", WORDED, texts=(page,)), "How long is the term of the lease?")
    assert answer.text[answer.quoted_until :].strip() == years
    answer = asked(assistant(day, WORDED, texts=(page,)), "When does the term of the lease begin?")
    assert answer.text[answer.quoted_until :].strip() == day


def test_nobody_adds_words_of_their_own_to_an_instruction_quoted_whole(assistant: Assistants) -> None:
    steps = "1. Open the lid.\n2. Pour the descaler in.\n3. Choose Descaling, Start."
    writing = assistant("1. Pour the descaler in.", WORDED, texts=(steps,))
    answer = asked(writing, "How do I start descaling with the descaler?")
    assert answer.text == steps
    assert answer.timings.tokens == 0
    assert [citation.supported for citation in answer.citations] == [True] * len(answer.citations)


def test_a_large_model_writes_itself_and_its_unsupported_sentences_are_marked(assistant: Assistants) -> None:
    answer = asked(assistant("Give 60 days' written notice. Call Norvane first.", LARGE))
    assert answer.quoted_until == 0
    assert [citation.supported for citation in answer.citations] == [True, False]
    assert answer.context.fitted == answer.context.retrieved == 1


def test_below_the_threshold_it_says_so_and_shows_what_was_searched(assistant: Assistants) -> None:
    answer = asked(assistant("Never said.", threshold=1.1))
    assert answer.refused
    assert answer.text == f"The documents do not say. {LOOKED}"
    assert (len(answer.passages), answer.citations) == (1, ())


def test_nothing_found_is_a_refusal_too(assistant: Assistants) -> None:
    answer = asked(assistant("Never said.", threshold=0.1, texts=()))
    assert answer.refused
    assert answer.text.endswith("found nothing close.")


def test_base_mode_asks_the_model_alone(assistant: Assistants) -> None:
    answer = asked(assistant("From memory."), mode="base")
    assert (answer.text, answer.passages) == ("From memory.", ())
    assert not answer.citations[0].supported


def test_modes_that_need_an_adapter_say_what_is_missing(assistant: Assistants) -> None:
    for mode in ("finetuned", "hybrid"):
        with pytest.raises(BadInput, match="no adapter yet"):
            asked(assistant("x"), mode=mode)
    with pytest.raises(BadInput, match="empty"):
        asked(assistant("x"), question="  ")


def hybrid(
    assistant: Assistant, says: str, sure: float | None, sureness: float | None, *, agrees: bool = False
) -> Assistant:
    engine = ScriptedChat(answers=[says], mean_logprob=sureness)
    reading = replace(GROUNDED, sure=sure, agrees=agrees)
    return assistant.with_voice(lambda mode: Voice(lambda: engine, reading, "x + grounded v1"))


def test_an_adapter_that_is_sure_answers_in_its_own_words(assistant: Assistants) -> None:
    for sure, sureness in ((-0.5, -0.1), (-0.5, None), (None, -9.0)):
        answer = asked(hybrid(assistant("x"), "60 days", sure, sureness), mode="hybrid")
        assert (answer.text, answer.quoted_until) == ("60 days", 0)


def test_an_adapter_that_is_not_sure_gives_way_to_the_words_of_the_documents(assistant: Assistants) -> None:
    answer = asked(hybrid(assistant("x"), "90 days", -0.5, -0.9), mode="hybrid")
    assert "90" not in answer.text
    assert answer.text.startswith("12.2 Either party may end this Agreement with 60 days' written notice.")
    assert answer.quoted_until == len(answer.text)
    assert answer.citations[0].support == 1.0


def test_an_adapter_s_words_that_the_quotation_does_not_have_give_way_where_it_is_asked_to_agree(
    assistant: Assistants,
) -> None:
    for says, kept in (("60 days'", True), ("ninety days", False), ("The documents do not say.", True)):
        hers = hybrid(assistant("x"), says, None, -0.1, agrees=True)
        assert asked(hers, mode="hybrid").text.startswith(says) is kept


@pytest.mark.parametrize("mode", ["rag", "hybrid"])
def test_nobody_s_own_words_stand_beside_or_in_place_of_a_clause_with_its_amendment(
    mode: str, passage: Make, assistant: Assistants
) -> None:
    change = 'In clause 12.2 of the MSA the words "60 days" are replaced by "90 days".'
    asker = assistant("60 days", WORDED)
    shelf = Shelf([passage(CLAUSE, document="msa.pdf")])
    amended = passage(change, 1, document="msa-amendment-2.docx", document_id=9)
    search = shelf.search
    shelf.search = lambda corpus, text, top=10, also=(): (  # type: ignore[method-assign]
        [amended] if "amendment" in text else search(corpus, text, top, also)
    )
    answer = asked(hybrid(asker.with_search(lambda _: shelf), "60 days", None, -0.1), mode=mode)
    assert answer.text == f"{CLAUSE.split(' Fees')[0]}\n\n{change}"
    assert [citation.document for citation in answer.citations] == ["msa.pdf", "msa-amendment-2.docx"]
    assert [each.rank for each in answer.passages] == [1, 2]
    assert answer.timings.tokens == 0


def test_an_adapter_that_declines_says_what_was_searched(assistant: Assistants) -> None:
    for says in ("The documents do not say.", " The documents do not say. "):
        answer = asked(hybrid(assistant("x"), says, None, -0.1), mode="hybrid")
        assert " ".join(answer.text.split()) == f"The documents do not say. {LOOKED}"
        assert (answer.refused, answer.citations, len(answer.passages)) == (True, (), 1)


def test_a_closed_book_adapter_that_declines_has_searched_nothing(assistant: Assistants) -> None:
    engine = ScriptedChat(answers=["The documents do not say."])
    hers = assistant("x").with_voice(lambda mode: Voice(lambda: engine, CLOSED_BOOK, "x + closed-book v1"))
    answer = asked(hers, mode="finetuned")
    assert (answer.text, answer.refused) == ("The documents do not say.", True)


def test_a_large_model_that_says_the_asked_for_sentence_alone_has_declined(assistant: Assistants) -> None:
    for says, before in (
        ("The documents do not say.", "The documents do not say."),
        ("the documents do not say", "the documents do not say."),
        ("“The documents do not say.”\n", "“The documents do not say.”\n"),
    ):
        answer = asked(assistant(says, LARGE))
        assert answer.text == f"{before}{'' if before.endswith(chr(10)) else ' '}{LOOKED}"
        assert (answer.refused, answer.citations) == (True, ())


def test_a_large_model_that_says_more_than_the_sentence_has_answered(assistant: Assistants) -> None:
    for says in ("The documents do not say. Call Norvane.", "The documents do not say when.", "They do not say."):
        answer = asked(assistant(says, LARGE))
        assert (answer.text, answer.refused) == (says, False)


def test_the_same_words_from_the_base_model_alone_are_an_answer(assistant: Assistants) -> None:
    assert not asked(assistant("The documents do not say.", LARGE), mode="base").refused


def test_a_large_model_is_told_which_sentence_declines_and_a_small_one_is_not(assistant: Assistants) -> None:
    for reading, told in ((LARGE, True), (SMALL, False)):
        system, *_ = assistant("x", reading).prompted("How can the agreement be ended?", "rag")
        assert ("say exactly this and nothing else: The documents do not say." in system.text) is told


def extracting(assistant: Assistant, says: str, writes: str) -> tuple[Assistant, list[str]]:
    """An assistant whose adapter learned to take every sentence that is found, and what its engine was asked."""
    read: list[str] = []
    engine = ScriptedChat(answers=lambda messages: read.append(messages[-1].text) or says)
    taking = Extractor((), (0.0,) * len(SIGNS), (1.0,) * len(SIGNS), (0.0,) * len(SIGNS), 0.0, 0.5)
    reading = replace(GROUNDED, writes=writes)
    return assistant.with_voice(lambda mode: Voice(lambda: engine, reading, "x + grounded v1", taking)), read


def test_an_adapter_that_writes_nothing_answers_in_the_documents_words_and_runs_no_engine(
    assistant: Assistants,
) -> None:
    hers, read = extracting(assistant("x"), "never", "none")
    answer = asked(hers, mode="hybrid")
    assert (answer.text, answer.quoted_until, read) == (CLAUSE, len(CLAUSE), [])
    assert [citation.support for citation in answer.citations] == [1.0, 1.0]


def test_a_yes_or_no_stands_before_the_documents_words_and_is_nobody_s_quotation(assistant: Assistants) -> None:
    for says, first in (("No, never so.", "No. "), ("yes", "Yes. "), ("Nobody can.", "")):
        answer = asked(extracting(assistant("x"), says, "lead")[0], mode="hybrid")
        assert answer.text == first + CLAUSE
        assert answer.quoted_until == (0 if first else len(CLAUSE))
        quoted = [answer.text[c.sentence_start : c.sentence_end] for c in answer.citations if c.supported]
        assert quoted == [CLAUSE[:70], CLAUSE[71:]]


def test_an_unsure_adapter_gives_way_to_what_it_learned_to_take(assistant: Assistants) -> None:
    hers, _ = extracting(assistant("x"), "ninety days", "all")
    unsure = hers.with_voice(lambda mode: replace(hers.voice(mode), reading=replace(GROUNDED, agrees=True)))
    assert asked(unsure, mode="hybrid").text == CLAUSE


def test_an_answer_that_was_stopped_is_not_taken_for_an_unsure_one(assistant: Assistants) -> None:
    stop = threading.Event()
    stop.set()
    answer = asked(hybrid(assistant("x"), "90 days", -0.5, -0.9), mode="hybrid", stop=stop)
    assert (answer.text, answer.outcome) == ("", "stopped")


def test_an_adapter_is_told_no_more_than_it_learned_with(assistant: Assistants) -> None:
    read: list[str] = []
    engine = ScriptedChat(answers=lambda messages: read.append("\n".join(m.text for m in messages)) or "60 days")
    voice = Voice(lambda: engine, GROUNDED, "x + grounded v1")
    asked(assistant("x").with_voice(lambda mode: voice), mode="hybrid")
    assert read[0].startswith("Answer from the documents.\n<documents>\n12.2 Either party")


def test_a_stopped_answer_keeps_what_had_arrived(assistant: Assistants) -> None:
    stop = threading.Event()
    stop.set()
    answer = asked(assistant("More and more.", LARGE), stop=stop)
    assert answer.outcome == "stopped"


def test_a_question_that_leans_on_the_last_one_is_searched_with_its_words() -> None:
    history = [Turn("user", "What is the notice period for Aldgate?"), Turn("assistant", "60 days.")]
    assert standalone("And when does it start?", history) == "When does it start? (notice period Aldgate)"
    complete = "Who pays the insurance of the leased warehouse?"
    assert standalone(complete, history) == complete


def test_as_a_runnable_it_invokes_to_an_answer_and_streams_deltas(assistant: Assistants) -> None:
    runnable = assistant("Nobody knows.").as_runnable()
    assert runnable.invoke("How can the agreement be ended?").quoted_until > 0
    assert isinstance(next(iter(runnable.stream("How can the agreement be ended?"))), Delta)


@pytest.mark.parametrize("mode", ["finetuned", "hybrid"])
def test_an_adapter_s_answer_is_checked_against_what_was_found(assistant: Assistants, mode: str) -> None:
    engine = ScriptedChat(answers=["Either party may end it with 90 days' notice."])
    reading = CLOSED_BOOK if mode == "finetuned" else replace(GROUNDED, writes="all", sure=None, agrees=False)
    made = assistant("").with_voice(lambda mode: Voice(lambda: engine, reading, "x"))
    answer = asked(made, mode=mode)
    assert "Check: 90 days is not in the sources." in answer.checks.lines
    assert answer.checks.failed == {"cited", "figures"}


def test_a_quotation_passes_its_domain_s_checks_and_a_refusal_has_none(assistant: Assistants) -> None:
    answer = asked(assistant("", WORDED))
    assert (answer.checks.carried, answer.checks.found) == (("cited", "figures", "phrases"), ())
    assert asked(assistant("", threshold=1.0)).checks.carried == ()
