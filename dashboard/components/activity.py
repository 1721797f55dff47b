"""What happened last: jobs under way or done, and conversations, newest first."""

from collections.abc import Sequence

import streamlit as st

from dashboard import resources
from dashboard.components import figures, job_list
from dashboard.components.safe_text import label
from storage.rows import CorpusRow

RECENT = 5


def show(corpora: Sequence[CorpusRow]) -> None:
    """The last few jobs and conversations; says how to begin when there are none."""
    workspace = resources.workspace()
    jobs = workspace.jobs.list(limit=RECENT)
    talks = _conversations(corpora)
    st.subheader("Activity", anchor=False)
    if not jobs and not talks:
        st.caption("Nothing yet. Open a sample above, or make a corpus and drop files in.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Work**")
        job_list.show(limit=RECENT, compact=True)
    with right:
        st.markdown("**Conversations**")
        for title, query, when in talks:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link("app_pages/chat.py", label=title, icon=":material/forum:", query_params=query)
                st.caption(when)
        if not talks:
            st.caption("None yet.")


def _conversations(corpora: Sequence[CorpusRow]) -> list[tuple[str, dict[str, str], str]]:
    """Label, address and age of the conversations used last."""
    rows = [row for corpus in corpora for row in resources.workspace().conversations.list(corpus.id)[:RECENT]]
    newest = sorted(rows, key=lambda row: row.updated_at, reverse=True)[:RECENT]
    return [
        (
            label(row.title or "New conversation", 60),
            {"corpus": str(row.corpus_id), "conversation": str(row.id)},
            figures.ago(row.updated_at),
        )
        for row in newest
    ]
