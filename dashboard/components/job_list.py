"""Jobs under way and done, redrawn by itself while something is running."""

from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from dashboard import resources
from dashboard.components import figures, job_control
from dashboard.components.safe_text import label
from storage.jobs import OPEN
from storage.rows import JobRow

EVERY_S = 1.5
BESIDE_BAR = 80
"""Characters of a message that find room beside a bar."""
OWN_FILES = "Files of a conversation"
VERBS = {
    "index": "Indexing",
    "finetune": "Fine-tuning",
    "evaluate": "Evaluating",
    "sync": "Syncing",
    "reindex": "Changing the index of",
    "export": "Exporting from",
    "judge": "Judging an adapter of",
    "examples": "Proposing examples for",
    "backup": "Backing up",
}
BADGES: dict[str, tuple[str, str, Literal["green", "red", "gray", "blue"]]] = {
    "queued": ("waiting", ":material/schedule:", "gray"),
    "running": ("running", ":material/progress_activity:", "blue"),
    "paused": ("paused", ":material/pause:", "gray"),
    "done": ("done", ":material/check:", "green"),
    "failed": ("failed", ":material/error:", "red"),
    "cancelled": ("cancelled", ":material/block:", "gray"),
}


def show(limit: int = 50, compact: bool = False) -> None:
    """The newest jobs; follows them only while one is open."""
    busy = bool(resources.workspace().jobs.list(statuses=OPEN, limit=1))
    st.fragment(_rows, run_every=EVERY_S if busy else None, key=f"jobs-{limit}")(limit, compact, busy)


def _rows(limit: int, compact: bool, was_busy: bool) -> None:
    workspace = resources.workspace()
    jobs = workspace.jobs.list(limit=limit)
    if was_busy and not any(job.status in OPEN for job in jobs):
        st.rerun()
    names = {corpus.id: corpus.name for corpus in workspace.corpora.list()}
    names |= {corpus.id: OWN_FILES for corpus in workspace.corpora.list(hidden=True)}
    for job in jobs:
        with st.container(border=not compact, gap="xsmall"):
            _row(job, names.get(job.corpus_id or 0, "") if job.corpus_id else "the workspace", compact)
    if not jobs:
        st.caption("Nothing to do and nothing done yet. Adding files to a corpus starts the first job.")


def _row(job: JobRow, corpus: str, compact: bool) -> None:
    word, icon, colour = BADGES.get(job.status, BADGES["queued"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{VERBS.get(job.kind, label(job.kind))} **{label(corpus, 60)}**", width="content")
        st.badge(word, icon=icon, color=colour)
        st.caption(_times(job), width="content")
        if not compact:
            job_control.buttons(job)
    if job.status == "running":
        _under_way(job)
    if job.error:
        st.caption(f":red[:material/error:] {label(job.error, 300)}")


def _under_way(job: JobRow) -> None:
    """How far it is and what it says; a reason why it waits or is tried again is longer than a bar's text may be."""
    beside = job.message if len(job.message) <= BESIDE_BAR else ""
    if job.progress_total:
        said = f"{job.progress_done:,} of {job.progress_total:,}"
        text = f"{label(beside)} · {said}" if beside else said
        st.progress(min(job.progress_done / job.progress_total, 1.0), text=text)
    if job.message and not (job.progress_total and beside):
        st.caption(label(job.message, 300))


def _times(job: JobRow) -> str:
    """How long it runs, or took and when."""
    if job.started_at is None:
        return f"added {figures.ago(job.created_at)}"
    seconds = ((job.finished_at or datetime.now(UTC)) - job.started_at).total_seconds()
    return f"{seconds:,.0f} s" if job.finished_at is None else f"{figures.ago(job.finished_at)}, took {seconds:,.1f} s"
