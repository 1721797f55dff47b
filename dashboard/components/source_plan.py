"""The dry run of a source: what a sync would add, change, move and remove, and the button that does it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import streamlit as st

from core.errors import TriptychError
from core.sync import leaving, sources
from core.sync.looking import look
from core.sync.plan import Plan, Seen
from core.sync.syncing import where
from dashboard import resources, state
from dashboard.components import erasing, figures
from dashboard.components.safe_text import label, one_line
from storage.rows import SourceRow

SHOWN = 1000
GONE = {
    "keep": "gone, their documents kept",
    "remove": "deleted",
    "erase": "deleted, with what was made from them",
}


def want(source_id: int, urls: list[str] | None = None) -> None:
    """Have the dry run of a source looked at and shown; with other addresses, which it has once that is agreed to."""
    st.session_state.pop(_key(source_id), None)
    st.session_state["look-at"] = source_id
    st.session_state["look-at-urls"] = urls


def put_away() -> None:
    """Show no dry run any more."""
    chosen = st.session_state.pop("look-at", None)
    st.session_state.pop("look-at-urls", None)
    if chosen is not None:
        st.session_state.pop(_key(chosen), None)


@state.reported
def sync(source_id: int, agreed: int, urls: list[str] | None = None) -> None:
    """Sync a source now, with other addresses if they are given; `agreed` removals were shown."""
    if urls is not None:
        sources.set_up(resources.workspace(), source_id, urls=urls)
    put_away()
    sources.sync_now(resources.workspace(), source_id, agreed)


def show_if_wanted(row: SourceRow) -> None:
    """The dry run, when it was asked for; looked at once and then kept while it is shown."""
    if st.session_state.get("look-at") != row.id:
        return
    urls = st.session_state.get("look-at-urls")
    if urls is not None:
        row = replace(row, location={"urls": urls})
    plan = st.session_state.get(_key(row.id))
    if plan is None:
        try:
            with st.spinner(f"Looking at {label(where(row), 160)}"):
                plan = st.session_state[_key(row.id)] = look(resources.workspace(), row, again=True)
        except TriptychError as error:
            st.error(label(error.remedy, 300), title=label(error.message, 300), icon=":material/error:")
            st.button("Put away", key=f"away-{row.id}", icon=":material/close:", on_click=put_away)
            return
    _plan(row, plan, urls)


def left_out(entries: Sequence[tuple[str, str]]) -> None:
    """Files that were not taken, each with its reason."""
    with st.expander(f"{figures.count(len(entries), 'file')} not taken", icon=":material/block:"):
        _table([("not taken", path, why) for path, why in entries])


def _plan(row: SourceRow, plan: Plan, urls: list[str] | None) -> None:
    rows = list(_entries(row, plan))
    st.markdown(f"**A sync now would do this:** {label(_summary(row, plan), 400)}")
    problem, remedy = plan.problem
    if problem:
        st.warning(label(remedy, 300), title=label(problem, 300), icon=":material/warning:")
    if rows:
        _table(rows)
    erasing.learned_from_them(row.corpus_id, leaving.learners(resources.workspace(), row, plan.removed))
    with st.container(horizontal=True):
        if plan.work or plan.withheld or not row.enabled or urls is not None:
            st.button(
                _press(row, plan),
                key=f"agree-{row.id}",
                icon=":material/sync:",
                type="primary",
                on_click=sync,
                args=(row.id, len(plan.removed), urls),
            )
        st.button("Put away", key=f"away-{row.id}", icon=":material/close:", on_click=put_away)


def _press(row: SourceRow, plan: Plan) -> str:
    if plan.withheld and row.on_removal != "keep":
        documents = {item.document_id for item in plan.removed if item.document_id is not None}
        return f"Sync, and delete {figures.count(len(documents), 'document')}"
    return "Sync now" if row.enabled else "Start following"


def _summary(row: SourceRow, plan: Plan) -> str:
    gone = GONE[row.on_removal]
    counts = {
        "added": len([each for each in plan.added if each.path not in plan.here]),
        "changed": len([each for each in plan.changed if each.path not in plan.here]),
        "taken once more": len([each for each in plan.again if each.path not in plan.here]),
        "already here": len(plan.here),
        "moved": len(plan.moved),
        gone: len(plan.removed),
        "not taken": len(plan.left_out),
        "still being written": len(plan.waiting),
        "out of reach": len(plan.unreached),
    }
    said = [f"{number:,} {what}" for what, number in counts.items() if number]
    unchanged = plan.unchanged + len(plan.refreshed)
    said += [f"{unchanged:,} unchanged"] if unchanged else []
    said += [f"{len(plan.replaces):,} in place of a document from elsewhere"] if plan.replaces else []
    said += [f"{figures.count(plan.links, 'link')} not followed"] if plan.links else []
    return ", ".join(said) or "nothing, for there is no file in it"


def _entries(row: SourceRow, plan: Plan) -> Iterator[tuple[str, str, str]]:
    """What, which file, and more about it."""
    for what, taken in ("add", plan.added), ("change", plan.changed), ("take again", plan.again):
        for each in taken:
            if (of := plan.here.get(each.path)) is not None:
                yield "already here", each.path, f"the same content is in {of}"
            else:
                yield what, each.path, _more(plan, each)
    yield from (("move", each.path, f"was {path}") for path, each in plan.moved)
    gone = "keep" if row.on_removal == "keep" else "delete"
    yield from ((gone, each.path, "gone from the source") for each in plan.removed)
    yield from (("not taken", each.path, each.problem) for each in plan.left_out)
    yield from (("wait", path, "still being written") for path in plan.waiting)
    yield from (("out of reach", path, why) for path, why in plan.unreached.items())


def _more(plan: Plan, each: Seen) -> str:
    """The size of what is taken, why it is if nothing about it changed, and whether it replaces a document."""
    said = [figures.size(each.size), plan.due.get(each.path, "")]
    said += ["replaces the document of that name"] if each.path in plan.replaces else []
    return "; ".join(part for part in said if part)


def _table(rows: Sequence[tuple[str, str, str]]) -> None:
    shown = rows[:SHOWN]
    columns = {
        "What": [what for what, _, _ in shown],
        "File": [one_line(path, 300) for _, path, _ in shown],
        "More": [one_line(more, 300) for _, _, more in shown],
    }
    st.dataframe(
        columns,
        hide_index=True,
        height="content" if len(shown) <= 8 else 320,
        column_config={"What": st.column_config.TextColumn(width="small")},
    )
    if len(rows) > len(shown):
        st.caption(f"and {len(rows) - len(shown):,} more")


def _key(source_id: int) -> str:
    return f"plan-{source_id}"
