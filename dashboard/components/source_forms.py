"""Adding a source, setting it up, and removing it with the choice of what becomes of its documents."""

from typing import cast

import streamlit as st

from core.sync import leaving, sources
from core.sync.sources import OnRemoval
from core.sync.syncing import where
from dashboard import resources, state
from dashboard.components import erasing, figures, source_plan
from dashboard.components.safe_text import label
from storage.rows import SourceRow

GONE: dict[OnRemoval, str] = {
    "keep": "Keep its document",
    "remove": "Delete its document",
    "erase": "Delete its document, and erase what was made from it",
}
CHOICES: list[OnRemoval] = ["keep", "remove", "erase"]
FOLDER_MINUTES, WEB_MINUTES = 10, 60


def add(corpus_id: int, none_yet: bool) -> None:
    """The forms that add a folder or web addresses; nothing is taken before the dry run was seen."""
    with st.expander("Follow a folder or web pages", icon=":material/sync:"):
        if none_yet:
            st.caption("Instead of dropping files again and again, let the corpus follow where they are kept.")
        folder, web = st.tabs(["A folder", "Web pages"])
        with folder, st.form(f"add-folder-{corpus_id}", border=False):
            st.text_input(
                "Folder on the machine that runs Triptych",
                key=f"folder-{corpus_id}",
                placeholder="/srv/contracts",
                help="With all its subfolders. Hidden and temporary files are left out, links are not followed.",
            )
            _settings(f"folder-{corpus_id}", FOLDER_MINUTES)
            st.form_submit_button("Show the dry run", icon=":material/preview:", on_click=_folder, args=(corpus_id,))
        with web, st.form(f"add-urls-{corpus_id}", border=False):
            st.text_area(
                "Web addresses, one a line",
                key=f"urls-{corpus_id}",
                placeholder="https://docs.example.org/handbook",
                help="Only these are asked for, nothing they link to, and only what the host's robots.txt allows.",
            )
            _settings(f"urls-{corpus_id}", WEB_MINUTES)
            st.form_submit_button("Show the dry run ", icon=":material/preview:", on_click=_urls, args=(corpus_id,))


def settings(row: SourceRow) -> None:
    """How often a source is looked at, what becomes of vanished files, and which addresses it has.

    Each change holds at once, except the list of addresses: it holds when its dry run was agreed to.
    """
    st.number_input(
        "Minutes between two looks",
        1,
        sources.LONGEST_PAUSE,
        value=row.every_minutes,
        key=f"every-{row.id}",
        on_change=_change,
        args=(row.id,),
    )
    st.radio(
        "When a file is gone from the source",
        CHOICES,
        index=CHOICES.index(cast("OnRemoval", row.on_removal)),
        format_func=GONE.__getitem__,
        key=f"gone-{row.id}",
        on_change=_change,
        args=(row.id,),
    )


def addresses(row: SourceRow) -> None:
    """The list of a source's addresses, to be changed."""
    st.text_area(
        "Web addresses, one a line",
        value="\n".join(row.location["urls"]),
        key=f"list-{row.id}",
        help="What leaves the list is gone from the source, as a removed file is.",
    )
    st.button("Dry run of this list", key=f"relist-{row.id}", icon=":material/preview:", on_click=_relist, args=(row,))


@st.dialog("Stop following?", icon=":material/delete:")
def remove(row: SourceRow) -> None:
    """Ask what becomes of the documents, then remove the source."""
    workspace = resources.workspace()
    count = workspace.sources.count_documents(row.id)
    st.markdown(f"**{label(where(row), 200)}** is not looked at any more. What it holds there is not touched.")
    choice = st.radio(
        f"Its {figures.count(count, 'document')} in this corpus",
        CHOICES[:2],
        format_func={
            "keep": "Keep them",
            "remove": "Delete them, with their text, vectors and stored files",
        }.__getitem__,
        key=f"removing-{row.id}",
    )
    if choice == "remove":
        ids = leaving.documents(workspace, workspace.sources.items(row.id).values())
        choice = "erase" if erasing.made_of_documents(ids) else "remove"
        erasing.name_learners(ids)
    if st.button("Stop following", type="primary", icon=":material/delete:", key=f"really-remove-{row.id}"):
        with st.spinner("Removing it"):
            sources.remove(workspace, row.id, choice or "keep")
        st.rerun()


def _settings(key: str, minutes: int) -> None:
    left, right = st.columns(2)
    left.number_input("Minutes between two looks", 1, sources.LONGEST_PAUSE, value=minutes, key=f"every-{key}")
    right.radio("When a file is gone", CHOICES, format_func=GONE.__getitem__, key=f"gone-{key}", horizontal=True)


@state.reported
def _folder(corpus_id: int) -> None:
    added = sources.add_folder(
        resources.workspace(),
        corpus_id,
        st.session_state[f"folder-{corpus_id}"].strip(),
        **_chosen(f"folder-{corpus_id}"),
    )
    st.session_state[f"folder-{corpus_id}"] = ""
    source_plan.want(added.id)


@state.reported
def _urls(corpus_id: int) -> None:
    urls = st.session_state[f"urls-{corpus_id}"].splitlines()
    _say_left_out(sources.addresses(resources.workspace(), corpus_id, urls)[1])
    added = sources.add_urls(resources.workspace(), corpus_id, urls, **_chosen(f"urls-{corpus_id}"))
    st.session_state[f"urls-{corpus_id}"] = ""
    source_plan.want(added.id)


@state.reported
def _relist(row: SourceRow) -> None:
    lines = st.session_state[f"list-{row.id}"].splitlines()
    urls, known = sources.addresses(resources.workspace(), row.corpus_id, lines, but=row.id)
    _say_left_out(known)
    source_plan.want(row.id, urls)


def _say_left_out(urls: list[str]) -> None:
    if urls:
        more = f" and {len(urls) - 1} more" if len(urls) > 1 else ""
        st.toast(f"Followed already, left out: {label(urls[0], 120)}{more}", icon=":material/info:")


@state.reported
def _change(source_id: int) -> None:
    sources.set_up(resources.workspace(), source_id, **_chosen(str(source_id)))


def _chosen(key: str) -> sources.Settings:
    return {
        "every_minutes": int(st.session_state[f"every-{key}"]),
        "on_removal": st.session_state[f"gone-{key}"],
    }
