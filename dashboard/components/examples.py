"""Where training pairs come from: a file, the documents, the domain's sample; how many, and about which documents."""

import tempfile
from pathlib import Path

import streamlit as st

from core.errors import BadInput
from core.finetuning import uploads
from core.finetuning.uploads import Columns, Upload
from dashboard import resources, state
from dashboard.components import figures, proposing
from dashboard.components.safe_text import label
from storage.rows import CorpusRow

NAMED = 5
KINDS = "CSV, JSONL or XLSX with a question and an answer in each row"


def show(corpus: CorpusRow, counts: dict[str, int]) -> None:
    """Counts, coverage, and the ways to add pairs."""
    if not counts:
        st.markdown(
            "No examples yet. A few hundred pairs of question and answer teach most; fewer than 40 teach little."
        )
    else:
        _numbers(corpus.id, counts)
    with st.container(horizontal=True):
        with st.popover("Upload", icon=":material/upload:"):
            _upload(corpus.id)
        proposing.button(corpus.id)
        if corpus.sample:
            st.button("Use the sample's pairs", icon=":material/science:", on_click=_sample, args=(corpus,))
    proposing.show(corpus.id)
    if said := st.session_state.pop(f"examples-said-{corpus.id}", None):
        _summary(*said)


def _numbers(corpus_id: int, counts: dict[str, int]) -> None:
    workspace = resources.workspace()
    covered = {name for name in workspace.examples.by_document(corpus_id) if name}
    every = workspace.corpora.contents(corpus_id)
    facts = [
        f"**{counts.get('accepted', 0):,}** accepted",
        f"{counts.get('proposed', 0):,} to review" if counts.get("proposed") else "",
        f"{counts.get('rejected', 0):,} rejected" if counts.get("rejected") else "",
        f"cover {len(covered & every.keys()):,} of {figures.count(len(every), 'document')}",
    ]
    st.markdown(" · ".join(fact for fact in facts if fact))
    missing = sorted(every.keys() - covered)
    if missing and covered:
        named = ", ".join(label(name, 50) for name in missing[:NAMED])
        st.caption(f"No example is about {named}{f' and {len(missing) - NAMED} more' if len(missing) > NAMED else ''}.")


def _upload(corpus_id: int) -> None:
    key = f"examples-file-{corpus_id}-{st.session_state.get('example-drops', 0)}"
    file = st.file_uploader(KINDS, type=["csv", "jsonl", "json", "xlsx"], key=key)
    if file is None:
        st.caption(
            "Columns called question and answer, prompt and completion, or chat messages are recognised; each answer "
            "of a chat is one."
        )
        return
    try:
        found: Upload | None = _read(file.name, file.getvalue(), None)
    except BadInput as error:
        st.warning(label(str(error), 300))
        found = _mapped(file.name, file.getvalue())
    if found is not None and found.drafts:
        text = f"Add {figures.count(len(found.drafts), 'example')}"
        st.button(text, type="primary", icon=":material/add:", on_click=_take, args=(corpus_id, found))
    if found is not None:
        _bad(found)


def _mapped(name: str, content: bytes) -> Upload | None:
    """Ask which columns are which, where their names do not tell."""
    names = uploads.header(name, content, resources.workspace().sandbox)
    if not names:
        return None
    question = st.selectbox("Column of the question", names, index=None)
    answer = st.selectbox("Column of the answer", names, index=None)
    if question is None or answer is None:
        return None
    return _read(name, content, Columns(question, answer))


def _read(name: str, content: bytes, columns: Columns | None) -> Upload:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        return uploads.read_file(path, name, columns, resources.workspace().sandbox)


def _bad(found: Upload) -> None:
    for bad in found.bad[:NAMED]:
        st.caption(f":red[:material/error:] Row {bad.number} is left out: {label(bad.reason, 160)}.")
    if len(found.bad) > NAMED:
        st.caption(f"and {len(found.bad) - NAMED} more rows are left out.")


@state.reported
def _take(corpus_id: int, found: Upload) -> None:
    added = resources.workspace().examples.add(corpus_id, found.drafts)
    st.session_state["example-drops"] = st.session_state.get("example-drops", 0) + 1
    st.session_state[f"examples-said-{corpus_id}"] = (added, len(found.drafts) - added, len(found.bad))


@state.reported
def _sample(corpus: CorpusRow) -> None:
    workspace = resources.workspace()
    found = uploads.read_file(workspace.domains.get(corpus.domain).train_file, sandbox=workspace.sandbox)
    added = workspace.examples.add(corpus.id, uploads.as_origin(found.drafts, "sample"))
    st.session_state[f"examples-said-{corpus.id}"] = (added, len(found.drafts) - added, 0)


def _summary(added: int, known: int, bad: int) -> None:
    said = [f"{figures.count(added, 'example')} added"]
    said += [f"{known:,} were here already"] if known else []
    said += [f"{figures.count(bad, 'row')} left out"] if bad else []
    st.success("; ".join(said) + ".", icon=":material/check:")
