"""One question of an evaluation, opened: the gold, what each mode said, what that stands on, and why it scored so."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.evaluation.explaining import bearing, excerpt, overlap
from core.evaluation.questions import Gold
from core.evaluation.report import Pages, pages_of
from core.evaluation.scoring import METRICS
from dashboard import resources, state
from dashboard.components import answer, figures, modes, quotes
from dashboard.components.safe_text import label, one_line
from storage.rows import CitationRow, EvaluationAnswerRow

LONGEST = 1500
"""Characters of a gold answer, its evidence, or the words that it shares with an answer."""

EXCERPT = 360
"""Characters of a passage or a quotation."""


def show(gold: Gold, said: Mapping[str, EvaluationAnswerRow], judged: Sequence[str], key: str) -> None:
    """All of it, with the words of the pages as they are now.

    said: the answers by mode, in the order in which they are shown. judged: what a judge model made of them.
    """
    pages = pages_of(resources.workspace(), said.values())
    _gold(gold)
    if judged:
        st.caption(f":material/balance: Judge model: {'; '.join(judged)}")
    for mode, row in said.items():
        with st.container(border=True, gap="small"):
            _answer(gold, row, pages, f"{key}-{mode}")


def _gold(gold: Gold) -> None:
    wanted = gold.answer if gold.answerable else "The documents do not hold the answer."
    st.markdown(f"**Gold answer:** {label(wanted, LONGEST)}")
    if gold.evidence:
        st.markdown(f"**Gold evidence:** {label(gold.evidence, LONGEST)}")
    if gold.documents:
        page = f", page {gold.page}" if gold.page else ""
        st.caption(f":material/description: {label(', '.join(gold.documents), 300)}{page}")


def _answer(gold: Gold, row: EvaluationAnswerRow, pages: Pages, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        modes.badge(row.mode)
        if row.refused:
            st.badge("refused", color="gray", icon=":material/block:")
        st.caption(f"{row.timings.get('total_s') or 0:.1f} s", width="content")
    cited = [_citation(each, pages) for each in row.citations]
    answer.show(row.text, cited, key=f"said-{key}", refused=row.refused, on_cited=partial(_open, cited=cited))
    _why(gold, row)
    named = [f"{METRICS[name]} {100 * value:.0f}" for name, value in row.scores.items() if name in METRICS]
    st.caption(" · ".join(named))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _cited(gold, cited, key)
        _read(gold, row, pages, key)


def _citation(found: Mapping[str, Any], pages: Pages) -> CitationRow:
    """As the chat has them; what a deleted document said is gone, and its name with it."""
    there = (found["document_id"], found["page"]) in pages
    return CitationRow(
        sentence_start=found["sentence_start"], sentence_end=found["sentence_end"], passage_rank=found["passage"],
        document_id=found["document_id"] if there else None, page=found["page"], quote_start=found["quote_start"],
        quote_end=found["quote_end"], support=0.0, document=str(found["document"]) if there else "",
        quote=pages.words_at(found, "quote_start", "quote_end"), edited=bool(found.get("edited")),
    )  # fmt: skip


def _why(gold: Gold, row: EvaluationAnswerRow) -> None:
    """Token F1 in words: what of the gold answer is there, and how much else."""
    if not gold.answerable:
        st.markdown("Right: it refused." if row.refused else "It should have refused: the documents do not hold it.")
        return
    if row.refused:
        st.markdown("A refusal of a question that the documents answer scores nothing.")
        return
    found = overlap(row.text, gold.answer)
    st.markdown(
        f"Holds **{len(found.held)} of the {figures.count(len(found.gold), 'word')}** of the gold answer, among "
        f"{figures.count(found.said, 'word')} of its own: token F1 {100 * found.f1:.0f}."
    )
    for icon, name, words in (("check", "Holds", found.held), ("close", "Misses", found.missed)):
        if words:
            st.caption(f":material/{icon}: {name}: {label(' '.join(words), LONGEST)}")


def _cited(gold: Gold, cited: Sequence[CitationRow], key: str) -> None:
    """The words that support its sentences, each place once."""
    places = {quotes.place(each) or index: each for index, each in enumerate(cited) if answer.supported(each)}
    if not places:
        return
    name = figures.count(len(places), "quotation")
    popover = st.popover(name, key=f"quoted-{key}", icon=":material/format_quote:", type="tertiary", on_change="rerun")
    if popover.open:
        with popover:
            for number, each in enumerate(places.values(), 1):
                _place(gold, number, each.document, each.page, each.quote, quotes.place(each), f"quote-{key}-{number}",
                       each.edited)  # fmt: skip


def _read(gold: Gold, row: EvaluationAnswerRow, pages: Pages, key: str) -> None:
    """The passages that were found for it, and whether the evidence was among them."""
    if not row.passages:
        st.caption("It reads no passages.")
        return
    texts = {each["rank"]: pages.words_at(each, "start", "end") for each in row.passages}
    holding = [each["rank"] for each in row.passages
               if bearing(each["document"], texts[each["rank"]], gold).evidence]  # fmt: skip
    name = figures.count(len(row.passages), "passage")
    popover = st.popover(name, key=f"read-{key}", icon=":material/search:", type="tertiary", on_change="rerun")
    if popover.open:
        with popover:
            for each in row.passages:
                there = (each["document_id"], each["page"]) in pages
                place = (each["document_id"], each["page"], (each["start"], each["end"])) if there else None
                _place(gold, each["rank"], each["document"] if there else "", each["page"], texts[each["rank"]], place,
                       f"passage-{key}-{each['rank']}", bool(each.get("edited")))  # fmt: skip
    if gold.evidence and gold.answerable:
        ranks = ", ".join(map(str, holding))
        st.caption(f"gold evidence in passage {ranks}" if holding else "no gold evidence in them", width="content")


def _place(
    gold: Gold,
    number: int,
    document: str,
    page: int | None,
    text: str,
    place: quotes.Quote | None,
    key: str,
    edited: bool = False,
) -> None:
    """A place of a document: the way to it, what it has to do with the gold, and its words."""
    found = bearing(document, text, gold)
    where = f"{number}. {document}, page {page}{' (edited by you)' if edited else ''}"
    with st.container(border=True, gap="xsmall"):
        if place is None:
            st.caption(f"{number}. a document that was deleted since")
            return
        st.button(label(where, 100), key=key, type="tertiary",
                  icon=":material/description:", on_click=state.open_document, args=place)  # fmt: skip
        with st.container(horizontal=True, gap="small"):
            if found.document:
                st.badge("gold document", color="green", icon=":material/check:")
            if found.evidence:
                part = "gold evidence" if found.evidence == 1 else "part of the gold evidence"
                st.badge(part, color="green", icon=":material/verified:")
        st.text(one_line(excerpt(text, gold.evidence, EXCERPT), EXCERPT + 2))


def _open(key: str, cited: Sequence[CitationRow]) -> None:
    """A citation was pressed: show its page with the quoted words marked."""
    pressed = answer.pressed(key)
    if pressed is not None and 0 <= pressed < len(cited):
        if (place := quotes.place(cited[pressed])) is not None:
            state.open_document(*place)
        else:
            st.toast("That document was deleted since.", icon=":material/link_off:")
