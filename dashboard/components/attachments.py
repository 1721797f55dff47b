"""Files of one conversation: attached beside the question, searched for it alone, deleted with it."""

import streamlit as st

from core.assistants.answer import Mode
from core.conversations import files
from core.ingestion import intake
from dashboard import resources, state
from dashboard.components import erasing, figures, indexing, upload
from dashboard.components.safe_text import label
from storage.errors import NotFound
from storage.rows import ConversationRow, DocumentRow

REMOVING = "removing-file"
"""Session state: the id of the file that is asked about."""
STATES = {
    "ready": (":material/check_circle:", "ready"),
    "failed": (":material/error:", "could not be read"),
    "cancelled": (":material/cancel:", "cancelled"),
}


def show(corpus_id: int, conversation: ConversationRow | None, mode: Mode) -> None:
    """The button that opens the list; it says how many files there are."""
    rows = files.attached(resources.workspace(), conversation.files_corpus_id if conversation else None)
    name = figures.count(len(rows), "file") if rows else "Attach files"
    if st.button(name, key="attach", icon=":material/attach_file:", type="tertiary"):
        _panel(corpus_id, mode)
    if conversation and conversation.files_corpus_id is not None:
        indexing.show(conversation.files_corpus_id)


def _ask(document_id: int | None = None) -> None:
    """Ask about the file that was chosen to go, or about none."""
    st.session_state[REMOVING] = document_id


def _closed() -> None:
    """Nothing is asked about any more, and what was refused has been read."""
    _ask()
    corpus_id = state.corpus_id()
    talk = state.conversation_id(corpus_id) if corpus_id is not None else None
    state.forget_drop(_drops(None))
    state.forget_drop(_drops(talk))


def _drops(talk: int | None) -> int:
    """What the drops of a conversation are kept under; those of corpora are under their ids."""
    return -talk if talk is not None else 0


@st.dialog("Files of this conversation", icon=":material/attach_file:", on_dismiss=_closed)
def _panel(corpus_id: int, mode: Mode) -> None:
    workspace = resources.workspace()
    talk = state.conversation_id(corpus_id)  # the first file begins one while the dialog is open
    try:
        conversation = workspace.conversations.get(talk) if talk is not None else None
    except NotFound:
        st.rerun()  # deleted in another tab: the page says so
    rows = files.attached(workspace, conversation.files_corpus_id if conversation else None)
    st.caption("Asked together with the corpus, in this conversation alone, and deleted with it.")
    key = state.upload_key(_drops(talk))
    st.file_uploader(
        f"Files for this conversation: {upload.KINDS}",
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(corpus_id, conversation.id if conversation else None, mode, key),
    )
    if (drop := state.last_drop(_drops(talk))) and drop.rejected:
        for each in drop.rejected[: upload.NAMED]:
            st.markdown(f":red[:material/error:] **{label(each.name)}** was not added: {label(each.reason, 240)}")
    for row in rows:
        _file(row)
    if st.button("Done", type="primary", on_click=_closed):
        st.rerun()


def _file(row: DocumentRow) -> None:
    icon, word = STATES.get(row.status, (":material/hourglass_top:", row.status))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if row.status == "ready":
            st.button(
                label(row.name, 60),
                key=f"attached-{row.id}",
                icon=icon,
                type="tertiary",
                on_click=state.open_document,
                args=(row.id,),
            )
        else:
            st.markdown(f"{icon} {label(row.name, 60)}: {word}", width="content")
        st.button(
            "Remove", key=f"remove-{row.id}", icon=":material/close:", type="tertiary", on_click=_ask, args=(row.id,)
        )
    if row.error:
        st.caption(f":red[{label(row.error, 200)}] {label(row.remedy, 200) if row.remedy else ''}")
    if st.session_state.get(REMOVING) == row.id:
        _asked(row)


def _asked(row: DocumentRow) -> None:
    """Say what goes with a file, in the dialog that is open already."""
    with st.container(border=True):
        st.caption("Its text, vectors and stored file are deleted, down to the last byte. This cannot be undone.")
        erase = erasing.made_of_documents([row.id])
        erasing.name_learners([row.id])
        with st.container(horizontal=True):
            st.button(
                "Remove file", key=f"really-remove-{row.id}", type="primary", icon=":material/delete:",
                on_click=_remove, args=(row.id, erase),
            )  # fmt: skip
            st.button("Keep it", key=f"keep-{row.id}", on_click=_ask)


@state.reported
def _take(corpus_id: int, conversation_id: int | None, mode: Mode, key: str) -> None:
    """Hand the files over, once; a conversation begins with them if there is none yet and one of them was taken."""
    dropped = st.session_state.get(key) or []
    if not dropped:
        return
    workspace = resources.workspace()
    workspace.corpora.get(corpus_id)
    uploads = [(file.name, file.getvalue()) for file in dropped]
    talk = conversation_id or workspace.conversations.create(corpus_id, mode).id
    try:
        took = files.attach(workspace, talk, uploads)
    except Exception:
        if conversation_id is None:
            files.delete(workspace, talk)
        raise
    if conversation_id is None and not took.accepted:
        files.delete(workspace, talk)
        state.keep_drop(_drops(None), took)
        return
    state.keep_drop(_drops(talk), took)
    if conversation_id is None:
        state.begin_conversation(corpus_id, talk)


@state.reported
def _remove(document_id: int, erase: bool) -> None:
    _ask()
    intake.delete_document(resources.workspace(), document_id, erase=erase)
