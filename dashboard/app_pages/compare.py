"""Compare: one question, the modes side by side, and which of them people prefer."""

import streamlit as st

from core.assistants import comparing, contestants
from dashboard import resources, state
from dashboard.components import disclaimer, document_view, empty, mode_picker, modes, panels, win_rates
from dashboard.components.safe_text import label, one_line

LONGEST = 2000

workspace = resources.workspace()
chosen = state.corpus_id()
if chosen is None:
    empty.no_corpus(state.domain())
    st.stop()
corpus = workspace.corpora.get(chosen)
there = mode_picker.available(corpus.id)
others = {each.key: each for each in contestants.variants(workspace, corpus.id)}
ready = workspace.corpora.statistics(corpus.id).ready
first = [mode for mode in there if mode != "base"]  # the base model on request, unless it is all there is to compare


@state.reported
def ask() -> None:
    """Begin a comparison with the question typed below."""
    picked = [*(st.session_state.get("compare-modes") or []), *(st.session_state.get("compare-variants") or [])]
    asked = st.session_state["compare-question"] or ""
    row = comparing.start(workspace, corpus.id, asked, picked, blind=bool(st.session_state.get("compare-blind")))
    state.go(comparison=row.id)


st.title(label(corpus.name), anchor=False)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.pills(
        "Modes",
        there,
        selection_mode="multi",
        default=first if len(first) > 1 else there,
        format_func=lambda mode: f"{modes.look(mode).icon} {modes.look(mode).title}",
        key="compare-modes",
    )
    if others:
        st.multiselect(
            "Also compare",
            list(others),
            format_func=lambda key: one_line(modes.titled(key, others[key].name), 80),
            placeholder="A version, another base model",
            key="compare-variants",
        )
    st.toggle("Blind", key="compare-blind", help="Shuffle the panels and hide their names until you have voted")
if len(there) == 2:
    st.caption("Fine-tuned and hybrid join once an adapter of theirs has been promoted on the Fine-tune page.")
comparison = state.comparison(workspace.comparisons, corpus.id)
if comparison is not None:
    panels.show(comparison)
else:
    st.markdown("Ask a question below: every mode answers it at once, and you say which answer is best.")
win_rates.show(corpus.id)
with st.bottom:
    st.chat_input(
        f"Ask every mode about {corpus.name}…",
        key="compare-question",
        max_chars=LONGEST,
        disabled=ready == 0,
        on_submit=ask,
    )
    disclaimer.show(workspace.domains.get(corpus.domain))
document_view.show_if_open(corpus.id)
