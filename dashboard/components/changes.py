"""Notices what came to a corpus without this page: from a source that is followed, from somebody else, from a command.

Costs two small queries now and then, of documents and jobs and never of chunks; the page is drawn anew only when
something is other than it was, and no dialog is open.
"""

from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components.browser_files import script
from storage.jobs import OPEN

EVERY_S = 5.0
_undisturbed = st.components.v2.component(
    "triptych_undisturbed", html='<span aria-hidden="true"></span>', js=script("undisturbed")
)


def show(corpus_id: int) -> None:
    """Nothing to see; draws the page anew when the corpus changed since it was drawn."""
    st.fragment(_look, run_every=EVERY_S, key=f"changes-{corpus_id}")(corpus_id, now(corpus_id))


def now(corpus_id: int) -> tuple[Any, ...]:
    """What is compared: while anything is under way only that, for then the lists look after themselves."""
    workspace = resources.workspace()
    numbers = workspace.corpora.statistics(corpus_id)
    jobs = workspace.jobs.list(corpus_id, OPEN, limit=200)
    busy = numbers.pending > 0, any(job.kind == "sync" for job in jobs)
    if any(busy):
        return busy
    sources = [(row.id, row.enabled, row.last_error, row.last_run_at) for row in workspace.sources.list(corpus_id)]
    return (*busy, numbers, tuple(sources))


def _look(corpus_id: int, before: tuple[Any, ...]) -> None:
    if now(corpus_id) == before:
        return
    answer = _undisturbed(key=f"undisturbed-{corpus_id}", on_free_change=_noted, width=1, height=1)
    if answer.free:
        st.rerun()


def _noted() -> None:
    """Nothing to do: the look that it brings about draws the page anew."""
