"""Adapters that the corpus's endpoint serves by name: choose one, try it; and the line that starts vLLM with ours."""

import streamlit as st

from core.errors import TriptychError
from core.finetuning import served
from core.finetuning.recipe import KINDS
from core.finetuning.serving import served_as
from core.generation.trial import Trial
from dashboard import resources, state
from dashboard.components import base_models, training
from dashboard.components.safe_text import label, one_line
from storage.rows import AdapterRow

OPEN = "adapter-at-endpoint-open"
NONE = 0


def button(corpus_id: int) -> None:
    """Opens the dialog; only where an endpoint answers the corpus."""
    workspace = resources.workspace()
    chosen = workspace.assistants.of(corpus_id).base_model_id
    if chosen is None or workspace.base_models.get(chosen).kind != "endpoint":
        return
    st.button(
        "Choose at the endpoint",
        icon=":material/lan:",
        help="An adapter that the endpoint serves by its name, as vLLM does",
        on_click=_open,
        args=(corpus_id,),
    )
    if st.session_state.get(OPEN) == corpus_id:
        _dialog(corpus_id)


def test(row: AdapterRow) -> None:
    """A button that asks an adapter at the endpoint one short question, and below it how that went."""
    if st.button("Test", key=f"try-{row.id}", icon=":material/network_check:"):
        with st.spinner("Asking it and the base model one short question…"):
            st.session_state[f"tried-{row.id}"] = served.try_out(resources.workspace(), row.id)
    if tried := st.session_state.get(f"tried-{row.id}"):
        _result(*tried)


def line(row: AdapterRow) -> None:
    """The line that starts vLLM with an adapter that was trained here."""
    try:
        command = served.command(resources.workspace(), [row])
    except TriptychError:
        return  # its base model is not here any more; the exports say so
    st.markdown("**vLLM** · serves it by its name, beside its base model")
    st.code(command, language="bash", wrap_lines=True)
    st.caption("On another machine: unpack the PEFT folder there, and name that. Then add the endpoint in Settings.")


def _open(corpus_id: int) -> None:
    st.session_state[OPEN] = corpus_id


def _close() -> None:
    st.session_state.pop(OPEN, None)


@st.dialog("Choose an adapter at the endpoint", icon=":material/lan:", on_dismiss=_close)
def _dialog(corpus_id: int) -> None:
    workspace = resources.workspace()
    try:
        names = [each.model for each in served.offered(workspace, corpus_id)]
    except TriptychError as error:
        st.error(label(f"{error}", 400), icon=":material/error:")
        return
    if not names:
        st.info("The endpoint offers its base model alone. Start it with --enable-lora --lora-modules NAME=FOLDER.")
        return
    model = st.selectbox("Its name there", names, key="served-model", format_func=lambda name: one_line(name, 80))
    kind = st.radio("Kind", KINDS, format_func=lambda each: training.TITLES[each], key="served-kind")
    trained = _trained(corpus_id, kind)
    with st.container(horizontal=True):
        asked = st.button("Test", key="served-test", icon=":material/network_check:")
        chosen = st.button(
            "Choose", type="primary", key="served-go", on_click=_choose, args=(corpus_id, kind, model, trained or None)
        )
    if asked:
        with st.spinner("Asking it and the base model one short question…"):
            _result(*served.try_name(workspace, corpus_id, model))
    if problem := state.take_problem():
        st.error(label(f"{problem}", 400), icon=":material/error:")
    elif chosen:
        st.rerun()  # a click in a dialog draws the dialog alone; the page closes it


def _trained(corpus_id: int, kind: str) -> int:
    """Which adapter that was trained here it is, if one is."""
    rows = [row for row in resources.workspace().adapters.list(corpus_id) if row.kind == kind and row.files]
    names = {NONE: "None of them"} | {row.id: f"{row.kind} v{row.version}" for row in rows}
    if not rows:
        return NONE
    return st.selectbox(
        "It is the adapter trained here",
        list(names),
        key=f"served-trained-{kind}",
        format_func=lambda each: names[each],
        help="What it learned from and how it answers is known then.",
    )


def _result(trial: Trial, words: str) -> None:
    base_models.result(trial)
    if words:
        icon = ":material/warning:" if words == served.ALIKE else ":material/check:"
        st.caption(f"{icon} {words}")


@state.reported
def _choose(corpus_id: int, kind: str, model: str, trained: int | None) -> None:
    served.choose(resources.workspace(), corpus_id, kind, model, trained, by="dashboard")
    _close()


def is_there(row: AdapterRow) -> bool:
    """Whether an endpoint serves it."""
    return bool(served_as(row))
