"""Gold questions of a corpus: keep one from the retrieval test, look at them, load a sample's, delete some."""

import streamlit as st

from core.errors import UNSTORABLE, BadInput
from core.evaluation import tested
from core.evaluation.gold import load_sample
from core.retrieval.explaining import Explanation
from dashboard import resources, state
from dashboard.components import empty, figures
from dashboard.components.safe_text import label
from storage.errors import Exists, Unstorable
from storage.rows import CorpusRow, GoldRow

PER_PAGE = 25
NOWHERE = "The documents do not hold the answer"


def keep(corpus: CorpusRow, found: Explanation) -> None:
    """Keep a tested question with the place that holds its answer."""
    places = tested.spots(found)
    with st.popover("Save as gold question", icon=":material/bookmark_add:", type="secondary"):
        st.caption("A question whose answer is known: retrieval and the modes are measured by it.")
        with st.form(f"gold-{corpus.id}", border=False):
            names = [*(each.name for each in places), NOWHERE]
            at = st.selectbox(
                "Where the answer stands",
                range(len(names)),
                index=None,
                placeholder="Choose one",
                format_func=lambda each: names[each],
            )
            answer = st.text_area("The right answer", height=80, placeholder="In a person's words; may be empty")
            words = st.text_area("The words there that hold it", height=80, placeholder="Copied; empty for all of them")
            if not st.form_submit_button("Save", type="primary", icon=":material/check:"):
                return
        try:
            place = places[at] if at is not None and at < len(places) else None
            drafted = tested.draft(found.question, answer, place, words, answerable=at != len(places))
            resources.workspace().gold.add(corpus.id, drafted)
        except BadInput as error:
            empty.problem(error)
        except Exists:
            st.warning("That question is kept already.", icon=":material/bookmark:")
        except Unstorable:
            st.error(" ".join(UNSTORABLE))
        else:
            st.success("Kept.", icon=":material/check:")


def show(corpus: CorpusRow) -> None:
    """The questions, a page at a time."""
    gold = resources.workspace().gold
    search = st.text_input("Find a question", key=f"find-gold-{corpus.id}", placeholder="Part of a question or answer")
    total = gold.count(corpus.id, search=search.strip())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(figures.count(total, "gold question"), width="content")
        if corpus.sample:
            st.button(
                "Load the sample's questions",
                key="load-gold",
                icon=":material/download:",
                on_click=_load,
                args=(corpus.id,),
            )
    if not total:
        st.info(
            "No question matches. Clear the search."
            if search.strip()
            else "No gold questions yet. Test a question under Retrieval test and save it from there.",
            icon=":material/inbox:",
        )
        return
    pages = -(-total // PER_PAGE)
    page = min(st.session_state.get(f"gold-page-{corpus.id}", 1), pages)
    for row in gold.list(corpus.id, offset=(page - 1) * PER_PAGE, limit=PER_PAGE, search=search.strip()):
        _row(row)
    if pages > 1:
        st.pagination(pages, key=f"gold-page-{corpus.id}")


def _row(row: GoldRow) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{label(row.question, 300)}**", width="stretch")
            if not row.answerable:
                st.badge("not in the documents", color="gray")
            if st.button("Delete", key=f"delete-gold-{row.id}", icon=":material/delete:", type="tertiary"):
                _delete(row)
        if row.answer:
            st.caption(label(row.answer, 400))
        where = f"{', '.join(row.documents)}{f', page {row.page}' if row.page else ''}" if row.documents else ""
        st.caption(" · ".join(part for part in (label(where, 160) if where else "", row.origin) if part))


@state.reported
def _load(corpus_id: int) -> None:
    added = load_sample(resources.workspace(), corpus_id)
    st.toast(f"{figures.count(added, 'question')} added." if added else "They are all here already.")


@st.dialog("Delete gold question?", icon=":material/delete:")
def _delete(row: GoldRow) -> None:
    st.markdown(f"**{label(row.question, 300)}**")
    st.caption("Its answer goes with it. What was measured with it stays. This cannot be undone.")
    gold = resources.workspace().gold
    if st.button("Delete question", type="primary", icon=":material/delete:", on_click=gold.delete, args=([row.id],)):
        st.rerun()  # puts the dialog away
