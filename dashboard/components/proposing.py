"""Examples made from the corpus's own documents: the button, how far the job is, and what came of the last one."""

import streamlit as st

from core.finetuning import generating
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.examples import Filter
from storage.jobs import OPEN
from storage.rows import JobRow

EVERY_S = 1.5
HELP = (
    "Questions from definitions, clauses, tables, dates, amounts and names in the documents, by rules. Each one must "
    "find its own passage, and waits for your review."
)


def button(corpus_id: int) -> None:
    """Starts the job; off while one is under way."""
    st.button(
        "Generate",
        icon=":material/auto_awesome:",
        help=HELP,
        disabled=_latest(corpus_id, open_only=True) is not None,
        on_click=_start,
        args=(corpus_id,),
    )


def show(corpus_id: int) -> None:
    """The job under way, redrawn by itself; after it, why it failed."""
    job = _latest(corpus_id)
    if job is None:
        return
    if job.status in OPEN:
        every = None if job.status == "paused" else EVERY_S
        st.fragment(_watched, run_every=every, key=f"proposing-{job.id}")(job.id, job.status)
    elif job.status == "failed":
        st.error(f"Examples could not be made: {label(job.error, 300)}", icon=":material/error:")


def _watched(job_id: int, drawn: str) -> None:
    job = resources.workspace().jobs.get(job_id)
    if job.status not in OPEN or job.status != drawn:
        st.rerun()
    made = resources.workspace().examples.count(job.corpus_id or 0, Filter(origin="generated"))
    done = job.progress_done / job.progress_total if job.progress_total else 0.0
    text = {"queued": "Waiting for its turn.", "paused": "Paused."}.get(job.status) or job.message or "Starting"
    st.progress(
        min(done, 1.0), text=f"{label(text, 160)} · {figures.count(made, 'example')} made from documents so far"
    )
    with st.container(horizontal=True):
        if job.status == "paused":
            st.button("Resume", key=f"resume-{job_id}", icon=":material/play_arrow:", on_click=_resume, args=(job_id,))
        st.button("Stop", key=f"stop-{job_id}", icon=":material/close:", on_click=_stop, args=(job_id,))


def _latest(corpus_id: int, open_only: bool = False) -> JobRow | None:
    jobs = resources.workspace().jobs.list(corpus_id, OPEN if open_only else ())
    return max((job for job in jobs if job.kind == "examples"), key=lambda job: job.id, default=None)


@state.reported
def _start(corpus_id: int) -> None:
    generating.start(resources.workspace(), corpus_id)


@state.reported
def _stop(job_id: int) -> None:
    resources.workspace().jobs.request_cancel(job_id)
    resources.workspace().wake()


@state.reported
def _resume(job_id: int) -> None:
    resources.workspace().jobs.resume(job_id)
    resources.workspace().wake()
