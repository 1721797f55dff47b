"""How far the indexing of a corpus is, for pages that wait for it; gone when it is done."""

from datetime import UTC, datetime

import streamlit as st

from dashboard import resources

EVERY_S = 1.0


def show(corpus_id: int) -> None:
    """Progress while documents are pending; redraws the page when they are done."""
    numbers = resources.workspace().corpora.statistics(corpus_id)
    if numbers.pending:
        st.fragment(_progress, run_every=EVERY_S, key=f"indexing-{corpus_id}")(corpus_id, numbers.ready)


def _progress(corpus_id: int, ready_before: int) -> None:
    workspace = resources.workspace()
    numbers = workspace.corpora.statistics(corpus_id)
    if not numbers.pending or (numbers.ready and not ready_before):
        st.rerun()
    jobs = workspace.jobs.list(corpus_id=corpus_id, statuses=("running",), limit=1)
    began = jobs[0].started_at if jobs else None
    waited = f" · {(datetime.now(UTC) - began).total_seconds():.0f} s" if began else ""
    done = numbers.documents - numbers.pending
    st.progress(done / numbers.documents, text=f"Indexing: {done} of {numbers.documents} documents ready{waited}")
