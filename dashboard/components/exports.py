"""Taking an adapter elsewhere: each form is written by a job, checked, and then there to download."""

from functools import partial

import streamlit as st

from core.finetuning import exporting
from core.finetuning.exporting import Form
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import adapters_at_endpoint, figures
from dashboard.components.safe_text import label
from storage.jobs import OPEN
from storage.rows import AdapterRow, JobRow

EVERY_S = 2.0
TITLES: dict[Form, tuple[str, str]] = {
    "peft": ("PEFT folder", "For transformers and vLLM, beside its base model"),
    "merged": ("Hugging Face folder", "Merged, for transformers and vLLM without peft"),
    "q8_0": ("GGUF Q8_0", "Merged, with a Modelfile for Ollama"),
    "f16": ("GGUF F16", "Merged in 16 bits, twice as large"),
}


def show(row: AdapterRow) -> None:
    """The forms of one adapter, redrawn by themselves while one is being written."""
    with st.popover("Export", icon=":material/ios_share:", key=f"exports-{row.id}"):
        busy = any(job.status in OPEN for job in _latest(row).values())
        st.fragment(_forms, run_every=EVERY_S if busy else None, key=f"export-forms-{row.id}")(row, busy)


def _forms(row: AdapterRow, busy: bool) -> None:
    jobs = _latest(row)
    if busy and not any(job.status in OPEN for job in jobs.values()):
        st.rerun()
    for form, (title, words) in TITLES.items():
        _form(row, form, jobs.get(form), title)
        st.caption(words)
    adapters_at_endpoint.line(row)


def _form(row: AdapterRow, form: Form, job: JobRow | None, title: str) -> None:
    key = f"export-{form}-{row.id}"
    if job is not None and job.status in OPEN:
        st.markdown(f":material/hourglass_top: {title}: being written and read back…")
        return
    if job is not None and job.status == "failed":
        st.error(label(job.error, 300), icon=":material/error:")
    file = exporting.target(resources.workspace(), row, form)
    with st.container(horizontal=True):
        if file.is_file():
            size = figures.size(file.stat().st_size)
            name = f"{title}: download {size}"
            ws = resources.workspace()
            read = downloads.told(ws, partial(file.open, "rb"), "adapter", row.id, row.corpus_id, form=form)
            st.download_button(name, read, file.name, "application/zip", f"{key}-file", type="primary")
        again = "Write again" if file.is_file() else f"Write {title}"
        st.button(again, key=key, icon=":material/save:", on_click=_start, args=(row.id, form))


def _latest(row: AdapterRow) -> dict[str, JobRow]:
    """The newest export job of each form of an adapter."""
    jobs = resources.workspace().jobs.list(row.corpus_id)
    mine = [job for job in jobs if job.kind == "export" and job.payload.get("adapter") == row.id]
    return {str(job.payload["form"]): job for job in sorted(mine, key=lambda job: job.id)}


@state.reported
def _start(adapter_id: int, form: Form) -> None:
    exporting.start(resources.workspace(), adapter_id, form)
