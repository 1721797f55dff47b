"""The list of base models: the embedded one, then those people added; each can be tested, edited, deleted."""

import streamlit as st

from core.generation import catalogue
from core.generation.secrets import described
from core.generation.trial import Trial, try_out
from core.models import CHAT
from dashboard import resources, state
from dashboard.components import base_model_dialogs
from dashboard.components.figures import count
from dashboard.components.safe_text import label
from storage.rows import BaseModelRow

KIND_NAMES = {"gguf": "GGUF", "endpoint": "Endpoint", "transformers": "Transformers"}


def show() -> None:
    """The embedded one first; it can only be tested."""
    rows = resources.workspace().base_models.list()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Base models", anchor=False, width="stretch")
        if st.button("Add base model", icon=":material/add:", type="primary"):
            base_model_dialogs.edit(None)
    with st.container(border=True):
        st.markdown(f"**{label(CHAT.name)}** :gray-badge[Embedded]")
        st.caption("On this machine's processor; always there, needs no key and no network.")
        _test(None)
    for row in rows:
        _row(row)
    if not rows:
        st.caption(
            "It is small. For better wording add a larger one: a GGUF file, or a server that runs Ollama, "
            "LM Studio or vLLM, or a cloud. Your corpora stay as they are."
        )


def _row(row: BaseModelRow) -> None:
    users = resources.workspace().base_models.used_by(row.id)
    with st.container(border=True):
        st.markdown(f"**{label(row.name)}** :gray-badge[{KIND_NAMES.get(row.kind, 'Unknown')}]")
        where = f"{label(row.model)} at {label(row.location)}" if row.model else label(row.location, 300)
        read = f" · reads {row.window:,} tokens" if row.window else ""
        key = f" · key: {label(described(row.secret))}" if row.kind == "endpoint" else ""
        answers = ", ".join(label(corpus.name, 40) for corpus in users[:5]) or "no corpus yet"
        st.caption(f"{where}{read}{key}  \nAnswers for {answers}{' and more' if len(users) > 5 else ''}")
        _test(row.id, row)


def _test(base_model_id: int | None, row: BaseModelRow | None = None) -> None:
    """Buttons in a row, and below them how the last test went."""
    name = base_model_id or "embedded"
    with st.container(horizontal=True):
        asked = st.button("Test", key=f"test-{name}", icon=":material/network_check:")
        if row is not None:
            if st.button("Edit", key=f"edit-{name}", icon=":material/edit:"):
                base_model_dialogs.edit(row)
            if st.button("Delete", key=f"delete-{name}", icon=":material/delete:"):
                base_model_dialogs.delete(row)
    if asked:
        with st.spinner("Loading it and asking one short question…"):
            state.keep_trial(base_model_id, try_out(resources.workspace(), base_model_id))
    if trial := state.trial(base_model_id):
        result(trial)
        if row is not None and row.kind == "endpoint" and not trial.problem:
            _window(trial, row)


def result(trial: Trial) -> None:
    """How a test went: the reason and remedy, or speed and answer, and what is offered there."""
    if trial.problem:
        st.error(label(trial.remedy, 400), title=label(trial.problem, 300), icon=":material/error:")
    else:
        st.success(" · ".join(_figures(trial)), title="It answers", icon=":material/check_circle:")
        st.caption(f"It wrote: {label(trial.answer, 400)}")
    if trial.offered:
        names = ", ".join(label(each.model) for each in trial.offered[:20])
        more = f" and {len(trial.offered) - 20} more" if len(trial.offered) > 20 else ""
        st.caption(f"Offered there, {count(len(trial.offered), 'model')}: {names}{more}")
    elif trial.unlisted and not trial.problem:
        st.caption("It does not list its models.")


def _figures(trial: Trial) -> list[str]:
    said = []
    if trial.load_s is not None and trial.load_s >= 0.1:
        said.append(f"loaded in {trial.load_s:.1f} s")
    if trial.first_word_s is not None:
        said.append(f"{trial.first_word_s:.1f} s to first word")
    if trial.thinks:
        said.append("thinks first")
    if trial.tokens_per_s:
        said.append(f"{trial.tokens_per_s:.0f} tok/s")
    return [*said, f"reads {trial.window:,} tokens"] if trial.window else said


def _window(trial: Trial, row: BaseModelRow) -> None:
    """Offer what it says of itself, for a person may have wished for less on purpose; warn where too much is sent."""
    from core.generation.endpoint import WINDOW  # brings LangChain with it

    taken = row.window or WINDOW
    if not trial.window:
        whose = "are taken, as entered" if row.window else "are assumed"
        most = f" The model was made for {trial.made_for:,}; it may be served with less." if trial.made_for else ""
        st.caption(f"It does not say how much it reads: {taken:,} tokens {whose}. Enter it under Edit.{most}")
        return
    if trial.window < taken:
        st.warning(
            f"It may be sent up to {taken:,} tokens, but reads {trial.window:,}: a server can cut the beginning of a "
            "longer prompt without a word. Take its context length over, or serve it with a longer one.",
            icon=":material/content_cut:",
        )
    if trial.window != taken:
        st.button(
            f"Use a context length of {trial.window:,} tokens",
            key=f"window-{row.id}",
            on_click=_take_window,
            args=(row, trial.window),
        )


@state.reported
def _take_window(row: BaseModelRow, window: int) -> None:
    now = catalogue.Described(row.name, row.kind, row.location, row.model, window)
    catalogue.change(resources.workspace(), row.id, now)
