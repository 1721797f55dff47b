"""Backups beside the workspace: write one, see how far it is, download it."""

from functools import partial

import streamlit as st

from core.keeping import backup, downloads
from dashboard import resources, state
from dashboard.components import figures, job_control
from dashboard.components.safe_text import label
from storage.jobs import OPEN
from storage.rows import JobRow

EVERY_S = 1.0
SHOWN = 5


def show() -> None:
    """The part of the Settings page; redrawn by itself while a backup is being written."""
    st.subheader("Backups", anchor=False)
    job = _latest()
    busy = job is not None and job.status in OPEN
    st.fragment(_state, run_every=EVERY_S if busy else None, key="backups")(busy)


def _state(was_busy: bool) -> None:
    workspace = resources.workspace()
    job = _latest()
    busy = job is not None and job.status in OPEN
    if was_busy and not busy:
        st.rerun()
    st.caption(
        f"One file with rows, uploads and adapters, written to {label(str(backup.folder(workspace)), 300)} while work "
        "goes on. A backup keeps what is deleted later, and not the file that opens stored keys. "
        "To restore: `triptych restore FILE --workspace NEW`."
    )
    if job is not None and busy:
        st.progress(job.progress_done / max(job.progress_total, 1), text=label(job.message, 80) or "Waiting")
        job_control.buttons(job)
    else:
        if job is not None and job.status == "failed":
            st.error(label(job.error, 300), icon=":material/error:")
        st.button("Back up now", icon=":material/save:", on_click=_start, key="backup-start")
    for file in backup.present(workspace)[:SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{label(file.name, 80)} · {figures.size(file.stat().st_size)}", width="content")
            # Streamlit holds a download in memory: the file itself is beside the workspace, whatever its size.
            read = downloads.told(workspace, partial(file.open, "rb"), "workspace", what="backup downloaded")
            st.download_button("Download", read, file.name, "application/zip", f"download-{file.name}")


def _latest() -> JobRow | None:
    jobs = resources.workspace().jobs.list(limit=200)
    return next((job for job in jobs if job.kind == "backup"), None)


@state.reported
def _start() -> None:
    backup.start(resources.workspace())
