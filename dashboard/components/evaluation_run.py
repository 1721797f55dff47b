"""Starting an evaluation, with what it will cost, and following it."""

import streamlit as st

from core.evaluation import answering, estimating, running
from core.evaluation.options import Options
from core.evaluation.questions import of_rows
from dashboard import resources, state
from dashboard.components import evaluation_options, figures, job_control, modes
from dashboard.components.safe_text import label
from storage.jobs import OPEN
from storage.rows import JobRow

EVERY_S = 2.0
SHOWN_AGAIN = 20
"""How often in the course of an evaluation the page shows what has come."""
BEGUN = ("base", "quote", "rag", "finetuned", "hybrid")


def show(corpus_id: int, questions: int) -> None:
    """The evaluation under way, or the form that starts one."""
    jobs = [job for job in resources.workspace().jobs.list(corpus_id, OPEN) if job.kind == "evaluate"]
    for job in jobs:
        st.fragment(_watched, run_every=EVERY_S, key=f"evaluating-{job.id}")(job.id, job.status, job.progress_done)
    if not jobs and questions:
        _form(corpus_id, questions)


def _form(corpus_id: int, questions: int) -> None:
    missing = answering.missing(resources.workspace(), corpus_id, BEGUN)
    can = [mode for mode in BEGUN if mode not in missing]
    chosen = st.pills(
        "Modes",
        can,
        selection_mode="multi",
        default=can,
        format_func=lambda mode: modes.look(mode).title,
        key=f"evaluate-modes-{corpus_id}",
    )
    for mode, why in missing.items():
        st.caption(f"{modes.look(mode).title} is left out. {label(why, 200)}")
    many = st.slider("Questions", 1, questions, questions, key=f"many-{corpus_id}-{questions}") if questions > 1 else 1
    options = evaluation_options.show(corpus_id, tuple(chosen), many)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Start evaluation",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not chosen,
            on_click=_start,
            args=(corpus_id, tuple(chosen), many, options),
        )
        if chosen:
            st.caption(_cost(corpus_id, many, tuple(chosen), options), width="content")


def _cost(corpus_id: int, questions: int, chosen: tuple[str, ...], options: Options) -> str:
    """What it will take, and what that is known from."""
    found = estimating.estimate(resources.workspace(), corpus_id, questions, chosen)
    less = ", less what is taken over" if options.reuse else ""
    return f"{figures.count(found.answers, 'answer')}, {found.said}{less}"


@state.reported
def _start(corpus_id: int, chosen: tuple[str, ...], many: int, options: Options) -> None:
    workspace = resources.workspace()
    questions = of_rows(workspace.gold.list(corpus_id))[:many]
    row = running.start(workspace, corpus_id, questions, chosen, by="dashboard", options=options)
    st.session_state[f"evaluation-{corpus_id}"] = row.id


def _watched(job_id: int, drawn: str, shown: int) -> None:
    """One evaluation, redrawn by itself while it runs; the whole page when enough answers came since it was drawn."""
    job = resources.workspace().jobs.get(job_id)
    if job.status != drawn or job.progress_done - shown >= max(1, job.progress_total // SHOWN_AGAIN):
        st.rerun()
    done = job.progress_done / job.progress_total if job.progress_total else 0.0
    st.progress(min(done, 1.0), text=_words(job))
    with st.container(horizontal=True):
        job_control.buttons(job)
        st.caption("What is answered is kept and counts.", width="content")


def _words(job: JobRow) -> str:
    waiting = {"queued": "Waiting for its turn", "paused": "Paused; it goes on where it was"}
    said = waiting.get(job.status) or f"Asking. {job.message}"
    return label(
        f"{said} · {job.progress_done:,} of {job.progress_total:,} answers" if job.progress_total else said, 160
    )
