"""The retrieval test: a question, what is found by words, by meaning and together, and why; then a gold question."""

from collections.abc import Sequence

import streamlit as st

from core.errors import TriptychError
from core.retrieval.explaining import Asked, Explanation, FoundChunk, FoundPassage, explain
from core.retrieval.passages import Passage
from dashboard import resources, state
from dashboard.components import empty, figures, gold_list
from dashboard.components.safe_text import label, one_line
from storage.rows import CorpusRow

LONGEST = 2000


def show(corpus: CorpusRow, ready: int) -> None:
    """The question and what it finds."""
    if not ready:
        st.info(
            "Nothing can be found yet. Add documents first; the first that is ready can be tried.",
            icon=":material/inbox:",
        )
        return
    with st.form(f"test-{corpus.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        question = st.text_input(
            "A question",
            key=f"test-question-{corpus.id}",
            max_chars=LONGEST,
            placeholder="As a colleague would ask it",
        )
        st.form_submit_button("Test", type="primary", icon=":material/manage_search:")
    if not question.strip():
        st.caption("Shows what search finds for a question and why. Nothing is written and no answer is kept.")
        return
    try:
        found = explain(resources.workspace(), corpus.id, question)
    except TriptychError as error:
        empty.problem(error)
        return
    _words(found)
    verdict = st.container()
    together, words, meaning = st.tabs(
        [
            f"Together ({len(found.together)})",
            f"By words ({len(found.by_words)})",
            f"By meaning ({len(found.by_meaning)})",
        ]
    )
    with together:
        _passages(found.together)
    with words:
        _chunks(found.by_words, "BM25", "No chunk holds a word of the question.")
    with meaning:
        _chunks(found.by_meaning, "cosine", "Nothing is indexed by meaning yet.")
    with verdict:
        _verdict(corpus, found)


def _words(found: Explanation) -> None:
    """The words of the question, the rarest first, with how rare each is, and those that were looked up beside them."""
    if found.looked_up != found.question:
        st.caption(f"Looked up as: {label(found.looked_up, LONGEST)}")
    said = [_word(word) if word.known else f":gray[{label(word.word, 40)} (nowhere)]" for word in found.words]
    st.caption(f"Words and their rarity: {' · '.join(said)} · found in {1000 * found.seconds:,.0f} ms")


def _word(word: Asked) -> str:
    return f"**{label(word.word, 40)}** {word.rarity:.1f}"


def _verdict(corpus: CorpusRow, found: Explanation) -> None:
    """Whether the question would be answered, and the way to keep it."""
    with st.spinner("Reading the passages…", show_time=True):
        trial = resources.workspace().assistant(corpus.id).trial(found.question)
    said = f"answer probable: {trial.probability:.2f}; refused below {trial.threshold:.2f}"
    if trial.refused:
        st.warning(f"This question would be refused ({said}).", icon=":material/block:")
    else:
        quoted = ", ".join(_named(trial.passages[rank - 1], found) for rank in trial.quoted) or "none"
        st.success(f"This question would be answered ({said}); quoted: {quoted}.", icon=":material/check:")
    gold_list.keep(corpus, found)


def _named(passage: Passage, found: Explanation) -> str:
    """A passage by its place in the list; one that was looked for because it changes another, by where it stands."""
    place = next((each.passage.rank for each in found.together if each.passage.chunk_ids == passage.chunk_ids), None)
    where = label(f"{passage.document}, {passage.page_label or f'page {passage.page}'}", 80)
    return f"passage {place}" if place else f"{where}, which changes it"


def _passages(found: Sequence[FoundPassage]) -> None:
    if not found:
        st.caption("Nothing was found.")
    for each in found:
        passage = each.passage
        ranks = [
            f"words {_rank(passage.lexical_rank, passage.lexical_score)}",
            f"meaning {_rank(passage.dense_rank, passage.dense_score)}",
            f"fused {passage.score:.2f}",
        ]
        if each.named:
            ranks.append(f"its name {each.named:+.2f}")
        if each.row:
            ranks.append(f"a row called so {each.row:+.2f}")
        if each.merged:
            ranks.append(f"with {figures.count(each.merged, 'neighbour')}")
        if passage.edited:
            ranks.append("edited by you")
        where = f"{passage.document}, {passage.page_label or f'page {passage.page}'}"
        mark = (passage.start, passage.end)
        _row(
            passage.rank, where, ranks, each.words, passage.text, (passage.document_id, passage.page, mark), "together"
        )


def _chunks(found: Sequence[FoundChunk], score: str, nothing: str) -> None:
    if not found:
        st.caption(nothing)
    for each in found:
        chunk = each.chunk
        where = f"{each.document}, page {chunk.page}, chunk {chunk.ordinal + 1}"
        place = (chunk.document_id, chunk.page, (chunk.start, chunk.end))
        _row(each.rank, where, [f"{score} {each.score:.2f}"], each.words, chunk.said, place, score)


def _row(
    rank: int,
    where: str,
    scores: Sequence[str],
    words: Sequence[Asked],
    text: str,
    place: tuple[int, int, tuple[int, int]],
    key: str,
) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{rank}**", width="content")
            st.button(
                label(where, 100),
                key=f"{key}-{rank}",
                type="tertiary",
                icon=":material/description:",
                on_click=state.open_document,
                args=place,
            )
            st.caption(" · ".join(scores), width="content")
        st.caption(f"matched: {' · '.join(map(_word, words))}" if words else "matched: no word, only the meaning")
        st.text(one_line(text, 400))


def _rank(rank: int | None, score: float | None) -> str:
    return "not found" if rank is None or score is None else f"#{rank} ({score:.2f})"
