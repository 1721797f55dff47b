"""Evaluate: the verdict, the scores behind it, a run under way, and the gold questions it stands on."""

import streamlit as st

from core.evaluation import known
from core.evaluation.held_out import held_out
from dashboard import resources, state
from dashboard.components import (
    answers_by_mode,
    document_view,
    empty,
    evaluation_run,
    gold_forms,
    gold_list,
    runs_compared,
    scores,
    strictness,
    verdict,
)
from dashboard.components.safe_text import label

workspace = resources.workspace()
chosen = state.corpus_id()
if chosen is None:
    empty.no_corpus(state.domain())
    st.stop()
corpus = workspace.corpora.get(chosen)
questions = workspace.gold.count(corpus.id)
checked = held_out(workspace, corpus.id)
facts = known.facts(workspace, corpus.id, checked)

st.title(label(corpus.name), anchor=False)
domain = label(workspace.domains.get(corpus.domain).title, 60)
st.caption(f"{domain} · which mode serves these documents and questions best, and by how much.")

rows = workspace.evaluations.list(corpus.id)
row = scores.choose(corpus.id, rows) if rows else None
stands_on = known.decisive(rows, row)
verdict.show(corpus.id, known.verdict(workspace, corpus.id, stands_on, facts))
if stands_on is not None and row is not None and stands_on.id != row.id:
    st.caption(f"The verdict stands on an earlier evaluation, {label(stands_on.name)}, which compares more.")

st.subheader("Evaluation", anchor=False)
if not questions:
    st.info(
        "No gold questions yet: questions whose right answer is known. Write or upload some below; thirty say "
        "something, a hundred say more.",
        icon=":material/inbox:",
    )
evaluation_run.show(corpus.id, questions)
if row is not None:
    scores.show(row)
    answers_by_mode.show(row)
    strictness.show(corpus, row)
    runs_compared.show(row, rows)

st.subheader("Gold questions", anchor=False)
gold_forms.show(corpus.id, checked)
with st.expander("All gold questions", icon=":material/list:"):
    gold_list.show(corpus)
document_view.show_if_open(corpus.id)
