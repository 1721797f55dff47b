"""Pausing, going on with and cancelling a job: the same buttons wherever a job is watched."""

import streamlit as st

from core.ingestion import intake
from dashboard import resources, state
from storage.jobs import OPEN
from storage.rows import JobRow

PAUSABLE = ("finetune", "evaluate")
"""Kinds that can wait in the middle; others are short steps that a cancel ends."""


def buttons(job: JobRow) -> None:
    """What can be done with a job that is not over; nothing for one that is."""
    if job.status not in OPEN:
        return
    if job.status == "paused":
        st.button("Resume", key=f"job-resume-{job.id}", icon=":material/play_arrow:", on_click=_resume, args=(job.id,))
    elif job.kind in PAUSABLE:
        st.button("Pause", key=f"job-pause-{job.id}", icon=":material/pause:", on_click=_pause, args=(job.id,))
    st.button("Cancel", key=f"job-cancel-{job.id}", icon=":material/close:", on_click=_cancel, args=(job.id,))


@state.reported
def _pause(job_id: int) -> None:
    resources.workspace().jobs.request_pause(job_id)


@state.reported
def _resume(job_id: int) -> None:
    resources.workspace().jobs.resume(job_id)
    resources.workspace().wake()


@state.reported
def _cancel(job_id: int) -> None:
    intake.cancel_job(resources.workspace(), job_id)
    resources.workspace().wake()
