import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from core.assistants import comparing, live
from core.assistants.answer import Checks, ContextUse, Finding
from core.assistants.reading import LARGE, SMALL
from core.assistants.searching import Once, Shared
from core.assistants.stored import checks_of, context_of
from core.errors import BadInput, EngineFailed, NotFound
from core.generation.scripted import ScriptedChat
from core.ingestion.intake import add_files, create_corpus
from core.retrieval.passages import Passage
from core.settings import Settings
from core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        yield opened


def says(workspace: Workspace, answer: object, pause_s: float = 0.0) -> int:
    """A conversation whose base model says that; returns its id."""
    workspace._parts["engine"] = ScriptedChat(answers=answer, pause_s=pause_s)
    corpus = create_corpus(workspace, "Contracts", "legal")
    return workspace.conversations.create(corpus.id, "base").id


def test_any_number_of_readers_get_the_whole_answer_and_it_is_stored(workspace: Workspace) -> None:
    conversation = says(workspace, ["One two three four five."], pause_s=0.02)
    message = live.start(workspace, conversation, "Count.", "base")
    got: list[str] = []
    readers = [threading.Thread(target=lambda: got.append("".join(live.follow(workspace, message)))) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert got == ["One two three four five."] * 3
    stored = workspace.conversations.message(message)
    assert (stored.text, stored.status) == ("One two three four five.", "done")


def test_a_finished_answer_is_replayed_from_its_row(workspace: Workspace) -> None:
    conversation = says(workspace, ["Done."])
    message = live.start(workspace, conversation, "Anything?", "base")
    list(live.follow(workspace, message))
    assert "".join(live.follow(workspace, message)) == "Done."


def test_stopping_keeps_what_had_arrived_and_says_stopped(workspace: Workspace) -> None:
    conversation = says(workspace, ["word " * 500], pause_s=0.02)
    message = live.start(workspace, conversation, "Go on and on.", "base")
    pieces = live.follow(workspace, message)
    next(pieces)
    live.stop(workspace, message)
    list(pieces)
    stored = workspace.conversations.message(message)
    assert stored.status == "stopped"
    assert 0 < len(stored.text.split()) < 500


def test_an_answer_cut_off_by_an_orderly_end_says_so_and_can_be_gone_on_with(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        conversation = says(opened, ["word " * 500], pause_s=0.02)
        message = live.start(opened, conversation, "Go on and on.", "base")
        next(live.follow(opened, message))
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        stored = opened.conversations.message(message)
        assert stored.status == "interrupted"
        assert 0 < len(stored.text.split()) < 500
        opened._parts["engine"] = ScriptedChat(answers=["word " * 500])
        again = live.again(opened, message, "base")
        list(live.follow(opened, again))
        assert [each.id for each in opened.conversations.path(conversation)][-1] == again
        assert opened.conversations.message(again).status == "done"


def test_a_person_who_stopped_an_answer_just_before_the_end_is_told_so(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        conversation = says(opened, ["word " * 500], pause_s=0.02)
        message = live.start(opened, conversation, "Go on and on.", "base")
        next(live.follow(opened, message))
        live.stop(opened, message)
        opened.live.close()
        assert opened.conversations.message(message).status == "stopped"


def test_a_failing_engine_leaves_a_clear_line_and_keeps_the_question(workspace: Workspace) -> None:
    def fail(_: object) -> str:
        raise EngineFailed("The base model stopped.", "Ask again.")

    conversation = says(workspace, fail)
    message = live.start(workspace, conversation, "Still there?", "base")
    list(live.follow(workspace, message))
    question, answer = workspace.conversations.messages(conversation)
    assert question.text == "Still there?"
    assert (answer.status, answer.error) == ("failed", "The base model stopped. Ask again.")


def test_a_mode_without_adapter_fails_in_one_line(workspace: Workspace) -> None:
    conversation = says(workspace, ["x"])
    message = live.start(workspace, conversation, "Anything?", "hybrid")
    list(live.follow(workspace, message))
    assert "no promoted grounded adapter yet" in workspace.conversations.message(message).error


def test_one_answer_at_a_time_in_a_conversation(workspace: Workspace) -> None:
    conversation = says(workspace, ["word " * 500], pause_s=0.02)
    live.start(workspace, conversation, "First?", "base")
    with pytest.raises(BadInput, match="still being written"):
        live.start(workspace, conversation, "Second?", "base")


def test_what_does_not_exist_is_said_to(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        live.start(workspace, 99, "Anything?", "base")
    with pytest.raises(NotFound):
        list(live.follow(workspace, 99))


def test_a_question_is_answered_once_more_beside_the_first_answer(workspace: Workspace) -> None:
    conversation = says(workspace, ["One.", "Two."])
    first = live.start(workspace, conversation, "Which?", "base")
    list(live.follow(workspace, first))
    second = live.again(workspace, first, "base")
    list(live.follow(workspace, second))
    assert [message.text for message in workspace.conversations.path(conversation)] == ["Which?", "Two."]
    assert workspace.conversations.message(first).text == "One."


def test_an_edited_question_does_not_know_what_came_after_the_old_one(workspace: Workspace) -> None:
    heard: list[str] = []

    def answer(messages: object) -> str:
        heard.append(" ".join(message.text for message in messages))  # type: ignore[attr-defined]
        return "Yes."

    conversation = says(workspace, answer)
    for question in ("First?", "Second?"):
        list(live.follow(workspace, live.start(workspace, conversation, question, "base")))
    list(live.follow(workspace, live.start(workspace, conversation, "Other?", "base", after=None)))
    assert "First?" in heard[1]
    assert "First?" not in heard[2]


def test_an_answer_cut_off_by_a_restart_is_gone_on_with_and_nothing_is_lost(workspace: Workspace) -> None:
    conversation = says(workspace, ["The notice is six months.", "Another thing."])
    talks = workspace.conversations
    for had_come, left in (("The notice is", 1), ("It says", 2)):
        asked = talks.add_question(conversation, "How long?")
        cut = talks.begin_answer(conversation, "base", question_id=asked.id)
        talks.write_partial(cut.id, had_come)
        talks.mark_interrupted()
        list(live.follow(workspace, live.again(workspace, cut.id, "base")))
        answers = [message for message in talks.messages(conversation) if message.parent_id == asked.id]
        assert len(answers) == left


def test_a_cut_off_answer_is_gone_on_with_in_its_own_mode_whatever_is_picked_now(workspace: Workspace) -> None:
    conversation = says(workspace, ["The notice is six months."])
    talks = workspace.conversations
    asked = talks.add_question(conversation, "How long?")
    cut = talks.begin_answer(conversation, "base", question_id=asked.id)
    talks.mark_interrupted()
    list(live.follow(workspace, continued := live.again(workspace, cut.id, "rag")))
    list(live.follow(workspace, again := live.again(workspace, continued, "rag")))
    assert [talks.message(each).mode for each in (continued, again)] == ["base", "rag"]


def test_a_question_is_answered_once_more_as_it_was_typed(workspace: Workspace) -> None:
    conversation = says(workspace, ["Yes."])
    list(live.follow(workspace, live.start(workspace, conversation, "What is E3 on the Brio 20?", "rag")))
    leaning = live.start(workspace, conversation, "And E5?", "rag")
    list(live.follow(workspace, leaning))
    assert workspace.conversations.message(leaning).searched_for == "What is E5 on the Brio 20?"
    typed = live.again(workspace, leaning, "rag", alone=True)
    list(live.follow(workspace, typed))
    assert workspace.conversations.message(typed).searched_for == ""


def test_what_was_searched_for_is_kept_with_the_answer(workspace: Workspace) -> None:
    conversation = says(workspace, ["Nothing."])
    for question in ("What is the notice period for Aldgate?", "When does it start?"):
        list(live.follow(workspace, live.start(workspace, conversation, question, "rag")))
    last = workspace.conversations.path(conversation)[-1]
    assert last.searched_for == "When does it start? (notice period Aldgate)"
    assert workspace.conversations.get(conversation).title == "Notice period for Aldgate"


def test_the_panels_of_a_comparison_search_once_for_all(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace._parts["engine"] = ScriptedChat(answers=lambda _: "Thirty days.")
    corpus = create_corpus(workspace, "Contracts", "legal").id
    add_files(workspace, corpus, [("msa.md", b"# Invoices\n\nThe Customer pays each invoice within thirty days.\n")])
    workspace.dispatcher.run_one()
    model = workspace.base_models.create("Second", "endpoint", "http://127.0.0.1:9/v1")
    searched: list[str] = []
    real = workspace.retriever.search

    def counted(corpus_id: int, question: str, *rest: object, **more: object) -> object:
        searched.append(question)
        return real(corpus_id, question, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(workspace.retriever, "search", counted)
    row = comparing.start(workspace, corpus, "When is an invoice paid?", ["rag", f"rag#m{model.id}"])
    for panel in row.panels:
        (*_, message) = workspace.conversations.messages(panel.conversation_id)
        list(live.follow(workspace, message.id))
    assert searched == ["When is an invoice paid?"]


def test_panels_that_read_more_and_fewer_passages_share_one_search_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace._parts["engine"] = ScriptedChat(answers=lambda _: "Thirty days.")
    corpus = many_clauses(workspace)
    workspace.assistants.choose_reading(corpus, "quote")
    model = workspace.base_models.create("Second", "endpoint", "http://127.0.0.1:9/v1")
    searched: list[tuple[object, ...]] = []
    real = workspace.retriever.search

    def counted(corpus_id: int, question: str, top: int, also: Sequence[int]) -> list[Passage]:
        searched.append((question, top))
        return real(corpus_id, question, top, also)

    monkeypatch.setattr(workspace.retriever, "search", counted)
    row = comparing.start(workspace, corpus, QUESTION, ["rag", f"rag#m{model.id}"])
    for panel in row.panels:
        (*_, message) = workspace.conversations.messages(panel.conversation_id)
        list(live.follow(workspace, message.id))
    assert searched == [(QUESTION, LARGE.passages)]
    answer = workspace.conversations.messages(row.panels[0].conversation_id)[-1]
    places = [(each.document, each.page, each.start, each.end) for each in workspace.conversations.passages(answer.id)]
    assert places == [(p.document, p.page, p.start, p.end) for p in real(corpus, QUESTION, SMALL.passages)]


@pytest.mark.parametrize("counts", [(5, 8), (8, 5), (8, 12, 5)])
def test_what_is_shared_is_for_each_what_it_would_have_found_alone(
    workspace: Workspace, counts: tuple[int, ...]
) -> None:
    corpus = many_clauses(workspace)
    alone, shared = workspace.assistant(corpus), workspace.assistant(corpus).with_shared_search(Shared(8))
    for count in counts:
        found, wanted = shared.find(QUESTION, count), alone.find(QUESTION, count)
        assert len(found.passages) == count
        assert any(len(passage.chunk_ids) > 1 for passage in found.passages)
        assert (found.passages, found.probability) == (wanted.passages, wanted.probability)


QUESTION = "When is an invoice paid?"


def many_clauses(workspace: Workspace) -> int:
    """A corpus in which neighbouring chunks are found together, and more documents hold what is asked than are read."""
    corpus = create_corpus(workspace, "Contracts", "legal").id
    clause = "The customer pays each invoice within {} days of the day on which it came, by bank transfer."
    files = []
    for number in range(7):
        clauses = "\n\n".join(f"## {n}. Payment\n\n{clause.format(10 * number + n)} {FILLING}" for n in range(1, 5))
        files.append((f"contract-{number}.md", f"# Contract {number}\n\n{clauses}\n".encode()))
    add_files(workspace, corpus, files)
    workspace.dispatcher.run_one()
    return corpus


FILLING = " ".join(f"Part {n} of the schedule says who may be asked about it and where that is done." for n in range(9))


def test_what_fails_for_the_first_is_tried_by_the_next() -> None:
    once: Once[str] = Once()

    def fails() -> str:
        raise EngineFailed("The first one failed.")

    with pytest.raises(EngineFailed, match="first one"):
        once.get("key", fails)
    assert once.get("key", lambda: "found") == once.get("key", fails) == "found"


def test_what_was_checked_of_an_answer_is_stored_with_it(workspace: Workspace) -> None:
    conversation = says(workspace, ["You will win."])
    message = live.start(workspace, conversation, "Shall I?", "base")
    list(live.follow(workspace, message))
    stored = workspace.conversations.message(message)
    assert checks_of(stored) == Checks(("phrases",), (Finding("phrases", "it says “you will win”"),))
    assert context_of(stored).prompt_tokens > 0


def test_an_answer_from_before_there_were_checks_has_none(workspace: Workspace) -> None:
    conversation = says(workspace, [""])
    workspace.conversations.add_question(conversation, "Well?")
    answer = workspace.conversations.begin_answer(conversation, "rag")
    workspace.conversations.finish_answer(answer.id, "Well.", context=asdict(ContextUse(retrieved=3)))
    stored = workspace.conversations.message(answer.id)
    assert (checks_of(stored), context_of(stored)) == (Checks(), ContextUse(retrieved=3))


def test_who_cannot_answer_leaves_no_question_without_an_answer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = says(workspace, ["x"])

    def gone(*_: object, **__: object) -> None:
        raise NotFound("That base model was deleted.", "Choose another one.")

    with monkeypatch.context() as context:
        context.setattr("core.assistants.contestants.assistant", gone)
        with pytest.raises(NotFound):
            live.start(workspace, conversation, "Anything?", "base")
    assert workspace.conversations.messages(conversation) == []


def test_a_question_without_an_answer_gets_one(workspace: Workspace) -> None:
    conversation = says(workspace, ["Here."])
    asked = workspace.conversations.add_question(conversation, "Where?")
    answer = live.again(workspace, asked.id, "base")
    assert "".join(live.follow(workspace, answer)) == "Here."
    assert [each.id for each in workspace.conversations.path(conversation)] == [asked.id, answer]
