"""Gold questions from a file, or written by hand; and whether training kept away from them."""

import tempfile
from pathlib import Path

import streamlit as st

from core.errors import UNSTORABLE, BadInput
from core.evaluation.held_out import HeldOut
from core.evaluation.questions import Read, read_gold
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.errors import Exists, Unstorable
from storage.gold import GoldDraft

NAMED = 5
KINDS = "CSV, JSONL or XLSX with a question and an answer in each row"


def show(corpus_id: int, checked: HeldOut) -> None:
    """The ways to add questions, and what is known of whether they were held out."""
    with st.container(horizontal=True):
        with st.popover("Upload questions", icon=":material/upload:"):
            _upload(corpus_id)
        with st.popover("Write a question", icon=":material/edit:"):
            _write(corpus_id)
    if said := st.session_state.pop(f"gold-said-{corpus_id}", ""):
        st.success(said, icon=":material/check:")
    if checked.accepted or checked.learned:
        _proof(checked)


def _proof(found: HeldOut) -> None:
    """What was learned that is asked now, what nobody knows, and what is known to be held out."""
    if found.leaks:
        st.warning(
            f"{_examples(found.leaks)} what a gold question asks, and an adapter that serves was trained with "
            f"{'it' if found.leaks == 1 else 'them'}. Train again, which leaves such examples out: until then the "
            "scores are not to be trusted.",
            icon=":material/warning:",
        )
    for name, why in found.unknown.items():
        st.caption(f":material/help: Not known of {name} whether the gold questions were held out: {why}.")
    for name, learned in found.learned.items():
        if not learned.leaks and not learned.unknown:
            st.caption(
                f":material/shield: Held out of {name}: none of the {figures.count(learned.examples, 'example')} that "
                "it was trained with asks a gold question."
            )
    if found.left_out:
        st.caption(
            f":material/shield: {_examples(found.left_out)} what a gold question asks, of {found.accepted:,} that are "
            "accepted: training leaves such examples out."
        )
    elif found.accepted:
        st.caption(
            f":material/shield: Held out: none of the {found.accepted:,} accepted examples asks a gold question, and "
            "training leaves such examples out."
        )


def _examples(number: int) -> str:
    return f"{figures.count(number, 'training example')} {'asks' if number == 1 else 'ask'}"


def _upload(corpus_id: int) -> None:
    key = f"gold-file-{corpus_id}-{st.session_state.get('gold-drops', 0)}"
    file = st.file_uploader(KINDS, type=["csv", "jsonl", "json", "xlsx"], key=key)
    if file is None:
        st.caption(
            "Also understood: doc_ids, evidence, meta. Where the documents do not hold the answer, write null (JSON) "
            "or a column answerable with no."
        )
        return
    try:
        found = _read(file.name, file.getvalue())
    except BadInput as error:
        st.error(label(str(error), 300), icon=":material/error:")
        return
    for bad in found.bad[:NAMED]:
        st.caption(f":red[:material/error:] Row {bad.number} is left out: {label(bad.reason, 160)}.")
    if len(found.bad) > NAMED:
        st.caption(f"and {len(found.bad) - NAMED} more rows are left out.")
    text = f"Add {figures.count(len(found.drafts), 'question')}"
    st.button(text, type="primary", icon=":material/add:", on_click=_take, args=(corpus_id, found))


def _read(name: str, content: bytes) -> Read:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        return read_gold(path, name, resources.workspace().sandbox)


@state.reported
def _take(corpus_id: int, found: Read) -> None:
    added = len(resources.workspace().gold.add_many(corpus_id, found.drafts))
    st.session_state["gold-drops"] = st.session_state.get("gold-drops", 0) + 1
    known = f"; {len(found.drafts) - added:,} were here already" if added < len(found.drafts) else ""
    st.session_state[f"gold-said-{corpus_id}"] = f"{figures.count(added, 'gold question')} added{known}."


def _write(corpus_id: int) -> None:
    with st.form(f"write-gold-{corpus_id}", border=False, clear_on_submit=True):
        question = st.text_area("Question", height=80)
        answer = st.text_area("The right answer", height=80, placeholder="Leave empty if the documents do not hold it")
        names = sorted(resources.workspace().corpora.contents(corpus_id))
        documents = st.multiselect("Documents that hold it", names)
        if not st.form_submit_button("Save question", type="primary", icon=":material/check:"):
            return
    if not question.strip():
        st.warning("Type a question first.")
        return
    draft = GoldDraft(question.strip(), answer.strip(), bool(answer.strip()), documents, origin="written")
    try:
        resources.workspace().gold.add(corpus_id, draft)
    except Exists:
        st.warning("That question is here already.")
    except Unstorable:
        st.error(" ".join(UNSTORABLE))
    else:
        st.success("Saved.")
