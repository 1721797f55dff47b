"""What a corpus follows: folders and web addresses, how level it is with them, and what can be done now.

A source that was just added waits, with its dry run shown, until a person starts it.
"""

from typing import Literal

import streamlit as st

from core.sync import sources
from core.sync.syncing import where
from dashboard import resources, state
from dashboard.components import figures, source_forms, source_plan
from dashboard.components.safe_text import label, one_line
from storage.jobs import OPEN
from storage.rows import JobRow, SourceRow

EVERY_S = 1.5
ICONS = {"folder": ":material/folder_eye:", "urls": ":material/language:"}
GONE = {
    "keep": "its document is kept",
    "remove": "its document is deleted",
    "erase": "its document is deleted, and what was made from it",
}
Badge = tuple[str, str, Literal["green", "red", "gray", "blue", "orange"]]


def show(corpus_id: int) -> None:
    """The sources of a corpus and the form that adds one; follows a sync while it runs."""
    workspace = resources.workspace()
    rows = workspace.sources.list(corpus_id)
    if rows:
        st.subheader("Sources", anchor=False)
        busy = bool(_jobs(corpus_id))
        st.fragment(_rows, run_every=EVERY_S if busy else None, key=f"sources-{corpus_id}")(corpus_id, busy)
    source_forms.add(corpus_id, none_yet=not rows)


def _rows(corpus_id: int, was_busy: bool) -> None:
    jobs = _jobs(corpus_id)
    if was_busy != bool(jobs):
        st.rerun()
    for row in resources.workspace().sources.list(corpus_id):
        with st.container(border=True, gap="xsmall"):
            _row(row, jobs.get(row.id))


def _jobs(corpus_id: int) -> dict[int, JobRow]:
    """Open sync jobs by source."""
    jobs = resources.workspace().jobs.list(corpus_id, OPEN, limit=200)
    return {int(job.payload["source_id"]): job for job in jobs if job.kind == "sync"}


def _row(row: SourceRow, job: JobRow | None) -> None:
    """One source: what and where, how it is, what stands in the way, and the buttons."""
    word, icon, colour = _badge(row, job)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{ICONS[row.kind]} **{label(where(row), 160)}**", width="content")
        st.badge(word, icon=icon, color=colour)
        st.space("stretch")
        _buttons(row, job)
    st.caption(" · ".join(_facts(row)))
    if job is not None:
        done = job.progress_done / job.progress_total if job.progress_total else 0.0
        st.progress(min(done, 1.0), text=label(job.message or "waiting for its turn", 160))
    elif row.last_error:
        st.markdown(f":red[:material/error:] {label(row.last_error, 300)} {label(row.last_remedy, 300)}")
    if left_out := resources.workspace().sources.problems(row.id):
        source_plan.left_out(left_out)
    if deleted := sources.deleted_here(resources.workspace(), row):
        _deleted(row, deleted)
    source_plan.show_if_wanted(row)


def _deleted(row: SourceRow, paths: list[str]) -> None:
    """Files whose documents a person deleted, and the way back."""
    with st.expander(f"{figures.count(len(paths), 'document')} deleted here", icon=":material/delete_history:"):
        st.caption("They stay away until their files change, or until they are taken again.")
        shown = paths[: source_plan.SHOWN]
        known = st.session_state.get(f"deleted-{row.id}", [])
        st.session_state[f"deleted-{row.id}"] = [path for path in known if path in shown]  # others are back
        st.multiselect(
            "Files",
            shown,
            key=f"deleted-{row.id}",
            format_func=lambda each: one_line(each, 300),
            placeholder="All of them",
        )
        st.button(
            "Take again", key=f"retake-{row.id}", icon=":material/undo:", on_click=_take_again, args=(row.id, paths)
        )


def _badge(row: SourceRow, job: JobRow | None) -> Badge:
    if job is not None:
        return "syncing", ":material/sync:", "blue"
    if not row.enabled:
        return ("paused", ":material/pause:", "gray") if row.last_run_at else ("new", ":material/pending:", "orange")
    if row.last_error:
        return "in trouble", ":material/error:", "red"
    return "following", ":material/check:", "green"


def _facts(row: SourceRow) -> list[str]:
    workspace = resources.workspace()
    said = [figures.count(workspace.sources.count_documents(row.id), "document")]
    if row.enabled:
        said.append(f"looked at every {figures.count(row.every_minutes, 'minute')}")
        if workspace.running and workspace.watch.sees_events(row.id):
            said.append("and as soon as a file changes")
        if workspace.running and (looked := workspace.watch.looked_at(row.id)):
            said.append(f"last looked at {figures.ago(looked)}")
    if row.last_run_at:
        said.append(f"last change taken {figures.ago(row.last_run_at)}")
    gone = GONE[row.on_removal]
    return [*said, f"when a file is gone, {gone}"]


def _buttons(row: SourceRow, job: JobRow | None) -> None:
    if row.last_run_at is not None and job is None:
        st.button("Sync now", key=f"sync-{row.id}", icon=":material/sync:", on_click=source_plan.sync, args=(row.id, 0))
    st.button("Dry run", key=f"look-{row.id}", icon=":material/preview:", on_click=source_plan.want, args=(row.id,))
    if row.enabled:
        st.button("Pause", key=f"pause-{row.id}", icon=":material/pause:", on_click=_enable, args=(row.id, False))
    elif row.last_run_at is not None:
        st.button("Resume", key=f"resume-{row.id}", icon=":material/play_arrow:", on_click=_enable, args=(row.id, True))
    with st.popover("Set up", icon=":material/tune:"):
        source_forms.settings(row)
        if row.kind == "urls":
            source_forms.addresses(row)
    if st.button("Remove", key=f"remove-{row.id}", icon=":material/delete:", type="tertiary", help="Stop following it"):
        source_forms.remove(row)


@state.reported
def _take_again(source_id: int, paths: list[str]) -> None:
    chosen = st.session_state.get(f"deleted-{source_id}") or paths
    sources.take_again(resources.workspace(), source_id, chosen)


@state.reported
def _enable(source_id: int, enabled: bool) -> None:
    sources.set_up(resources.workspace(), source_id, enabled=enabled)
