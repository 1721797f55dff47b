"""Dialogs that add, edit and delete a base model. A key that was entered is never shown again."""

import streamlit as st

from core.generation import catalogue
from core.generation.secrets import described
from dashboard import resources, state
from dashboard.components.safe_text import label
from storage.rows import BaseModelRow

FIELDS = ("name", "location", "model", "window", "key", "variable", "forget")
WHERE = {
    "endpoint": ("Address", "http://localhost:11434/v1"),
    "gguf": ("Path of the .gguf file on this machine", "/models/Qwen2.5-1.5B-Instruct-Q8_0.gguf"),
    "transformers": ("Folder on this machine, or owner/name on the hub", "/models/SmolLM2-360M-Instruct"),
}
READS = {"endpoint": "How much it reads and writes together. 0: not known; the test asks it."}
READS_HERE = "The most it reads and writes together. 0: as much as it was made for, and memory holds."


@st.dialog("Base model", icon=":material/neurology:")
def edit(row: BaseModelRow | None) -> None:
    """Add a base model, or change this one."""
    kinds = list(catalogue.KINDS)
    kind = st.selectbox(
        "Kind",
        kinds,
        index=kinds.index(row.kind) if row and row.kind in kinds else 0,
        format_func=lambda each: catalogue.KINDS[each],
        disabled=row is not None,
    )
    with st.form("base-model", border=False, enter_to_submit=False):
        _fields(kind, row)
        st.form_submit_button(
            "Save", type="primary", icon=":material/check:", key="base-model-save", on_click=_save, args=(kind, row)
        )
    _end_if_done()


def _fields(kind: str, row: BaseModelRow | None) -> None:
    """The fields of one kind."""
    title, example = WHERE[kind]
    st.text_input("Name", value=row.name if row else "", max_chars=catalogue.LONGEST_NAME, key=_key(row, "name"))
    st.text_input(title, value=row.location if row else "", placeholder=example, key=_key(row, "location"))
    if kind == "endpoint":
        st.text_input(
            "Model there",
            value=row.model if row else "",
            placeholder="qwen2.5:7b",
            help="As the endpoint calls it; the test lists what it offers.",
            key=_key(row, "model"),
        )
    st.number_input(
        "Context length in tokens",
        min_value=0,
        max_value=catalogue.WINDOW_AT_MOST,
        value=row.window if row else 0,
        step=1024,
        help=READS.get(kind, READS_HERE),
        key=_key(row, "window"),
    )
    if kind == "endpoint":
        _key_fields(row)


def _key_fields(row: BaseModelRow | None) -> None:
    """Where an endpoint's key is, and that it may be forgotten."""
    stored = row.secret if row else ""
    st.text_input(
        "Key",
        type="password",
        autocomplete="off",
        placeholder=described(stored) if stored else "",
        help="Kept encrypted and never shown again. Leave it empty to keep the one that is stored.",
        key=_key(row, "key"),
    )
    st.text_input(
        "Or the environment variable that holds the key",
        value=stored.removeprefix("env:") if stored.startswith("env:") else "",
        placeholder="OPENAI_API_KEY",
        key=_key(row, "variable"),
    )
    if stored:
        st.checkbox("Forget the stored key", key=_key(row, "forget"))


@state.reported
def _save(kind: str, row: BaseModelRow | None) -> None:
    """Store what the fields say. A key that was typed is taken out of the session at once."""
    typed = {name: st.session_state.get(_key(row, name)) for name in FIELDS}
    key, forget = typed["key"] or "", bool(typed["forget"])
    asked = catalogue.Described(
        name=typed["name"] or "",
        kind=kind,
        location=typed["location"] or "",
        model=typed["model"] or "",
        window=int(typed["window"] or 0),
        key=key,
        variable="" if key or forget else typed["variable"] or "",
    )
    if row is None:
        catalogue.add(resources.workspace(), asked)
    else:
        catalogue.change(resources.workspace(), row.id, asked, forget_key=forget)
    for name in FIELDS:
        st.session_state.pop(_key(row, name), None)
    state.dialog_done()


def _key(row: BaseModelRow | None, field: str) -> str:
    return f"base-model-{row.id if row else 'new'}-{field}"


def _end_if_done() -> None:
    """Close the dialog after its work, or show in it what stood in the way."""
    if problem := state.take_problem():
        st.error(label(f"{problem}", 500))
    elif state.take_dialog_done():
        st.rerun()


@st.dialog("Delete base model?", icon=":material/delete:")
def delete(row: BaseModelRow) -> None:
    """Say who falls back to the embedded one, then delete it."""
    workspace = resources.workspace()
    users = workspace.base_models.used_by(row.id)
    st.markdown(f"**{label(row.name)}** will be forgotten, with its key.")
    if users:
        st.markdown("These corpora are answered by the embedded base model from then on:")
        st.markdown("\n".join(f"- {label(corpus.name)}" for corpus in users))
    st.caption("Files of the base model stay where they are; answers it wrote stay too.")
    st.button(
        "Delete base model",
        type="primary",
        icon=":material/delete:",
        key="base-model-delete",
        on_click=_delete,
        args=(row.id,),
    )
    _end_if_done()


@state.reported
def _delete(base_model_id: int) -> None:
    catalogue.delete(resources.workspace(), base_model_id)
    state.dialog_done()
