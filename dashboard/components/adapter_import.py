"""Importing an adapter from elsewhere: a zip of a PEFT folder, checked before it has a place here."""

from pathlib import Path

import streamlit as st

from core.errors import TriptychError
from core.finetuning import importing
from core.finetuning.recipe import KINDS
from dashboard import resources
from dashboard.components import training
from dashboard.components.safe_text import label

OPEN = "adapter-import-open"


def button(corpus_id: int) -> None:
    """Opens the dialog, which stays until it is done or put away."""
    st.button(
        "Import adapter",
        icon=":material/upload_file:",
        help="A PEFT folder as a zip, safetensors only",
        on_click=_open,
        args=(corpus_id,),
    )
    if st.session_state.get(OPEN) == corpus_id:
        _dialog(corpus_id)


def _open(corpus_id: int) -> None:
    st.session_state[OPEN] = corpus_id


def _close() -> None:
    st.session_state.pop(OPEN, None)


@st.dialog("Import an adapter", icon=":material/upload_file:", on_dismiss=_close)
def _dialog(corpus_id: int) -> None:
    st.markdown(
        "A zip with `adapter_config.json` and `adapter_model.safetensors`, trained on this corpus's base model. "
        "It arrives as a candidate: put it before the gate, or promote it yourself."
    )
    kind = st.radio("Kind", KINDS, format_func=lambda kind: training.TITLES[kind], key="import-kind")
    file = st.file_uploader("The adapter", type=["zip"], key="import-file")
    if st.button("Import", type="primary", disabled=file is None, key="import-go") and file:
        _take(corpus_id, kind, file.name, file.getvalue())


def _take(corpus_id: int, kind: str, name: str, content: bytes) -> None:
    workspace = resources.workspace()
    path = workspace.scratch / f"import-{corpus_id}.zip"
    try:
        with st.spinner("Checking it against the base model…"):
            path.write_bytes(content)
            importing.take_in(workspace, corpus_id, kind, path, by="dashboard")
    except TriptychError as error:
        st.error(label(f"{Path(name).name}: {error}", 400), icon=":material/block:")
        return
    finally:
        path.unlink(missing_ok=True)
    _close()
    st.rerun()
