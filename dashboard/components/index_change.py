"""Another embedding model or other chunks for a corpus: choose and try, watch it being built, swap, swap back, drop."""

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from core.domains import ChunkingPolicy
from core.errors import TriptychError
from core.ingestion import cutting, intake, reindexing
from core.ingestion.embedders import Choice, from_values
from core.ingestion.reindexing import Estimate
from dashboard import resources, state
from dashboard.components import cutting_fields, figures
from dashboard.components.safe_text import label
from storage.rows import CorpusRow, IndexRow, JobRow

EVERY_S = 1.5
OPEN = ("queued", "running")
KINDS = {
    "now": "As now",
    "packaged": "all-MiniLM-L6-v2, which comes with this program",
    "folder": "A folder on this machine",
    "endpoint": "An OpenAI-compatible endpoint",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What a trial told, and the fields it was made with: others have to be tried first."""

    values: dict[str, str]
    policy: ChunkingPolicy | None
    told: Estimate


@st.dialog("Change index", icon=":material/database:")
def choose(corpus: CorpusRow) -> None:
    """Choose an embedding model and how documents are cut, see what it would take, and begin."""
    active = resources.workspace().corpora.active_index(corpus.id)
    if active is None:
        st.info("Nothing is indexed here yet. Add files first; then the index can be changed.")
        return
    policy = cutting.policy_for(resources.workspace(), active)
    st.markdown(
        f"Now: **{label(active.embedding_model, 80)}**, {active.dimension} numbers a chunk; cut at "
        f"{cutting_fields.words(policy)}."
    )
    st.caption("The new index is built beside it. Questions are answered from the old one until you swap.")
    values = _choice()
    _tried(corpus, values, _chunks(corpus, policy))


def begin_built(corpus_id: int) -> None:
    """Begin what was tried; for a callback."""
    tried: Tried | None = st.session_state.pop(f"index-tried-{corpus_id}", None)
    if tried is not None:
        reindexing.begin(resources.workspace(), corpus_id, tried.told.probed, tried.told.policy)


def show(corpus: CorpusRow) -> None:
    """The index that is being built, or waits, or served before; nothing when there is none."""
    workspace = resources.workspace()
    if workspace.index_changes.other(corpus.id) is None:
        return
    job = workspace.index_changes.job(corpus.id)
    busy = job is not None and job.status in OPEN
    with st.container(border=True, gap="small"):
        st.fragment(_state, run_every=EVERY_S if busy else None, key=f"index-change-{corpus.id}")(corpus.id, busy)


def _choice() -> dict[str, str]:
    """The parts of a choice, as `from_values` takes them."""
    kind = st.selectbox("Embedding model", list(KINDS), format_func=KINDS.__getitem__, key="index-kind")
    values = {"kind": kind}
    if kind == "folder":
        values["location"] = st.text_input(
            "Folder",
            key="index-folder",
            placeholder="/models/bge-small-en",
            help="A sentence-transformers folder with model.safetensors and tokenizer.json, on the server's machine.",
        )
    if kind == "endpoint":
        values["location"] = st.text_input("Address", key="index-url", placeholder="http://127.0.0.1:11434/v1")
        values["model"] = st.text_input("Model there", key="index-model", placeholder="nomic-embed-text")
        values["key_variable"] = st.text_input(
            "Key",
            key="index-key",
            placeholder="OPENAI_API_KEY",
            help="The name of the environment variable that holds the key; the key itself is never stored. "
            "The text of all documents of this corpus will be sent to the endpoint.",
        )
    return values


def _chunks(corpus: CorpusRow, now: ChunkingPolicy) -> ChunkingPolicy | None:
    """How documents are to be cut; None for as they are."""
    domain = resources.workspace().domains.get(corpus.domain)
    ways = {"now": "As now", "other": "Otherwise"}
    if domain.chunking != now:
        ways = {"now": "As now", "domain": f"As the domain says: {cutting_fields.words(domain.chunking)}"} | ways
    way = st.selectbox("Chunks", list(ways), format_func=lambda each: ways[each], key="index-chunks")
    if way == "domain":
        return domain.chunking
    if way == "other":
        told = "Smaller chunks are found more precisely; larger ones hold more of what belongs together."
        return ChunkingPolicy(**cutting_fields.show(now, told, "index-cut"))
    return None


def _tried(corpus: CorpusRow, values: dict[str, str], policy: ChunkingPolicy | None) -> None:
    """Try what was chosen; then say what it would take and offer to begin."""
    key = f"index-tried-{corpus.id}"
    if st.button("Try it", key="index-try", icon=":material/speed:"):
        st.session_state.pop(key, None)
        try:
            with st.spinner("Embedding a few chunks…"):
                choice = _chosen(corpus.id, values)
                told = reindexing.estimate(resources.workspace(), corpus.id, choice, policy)
                st.session_state[key] = Tried(values, policy, told)
        except TriptychError as error:
            st.error(label(f"{error}", 400))
    tried: Tried | None = st.session_state.get(key)
    if tried is None:
        return
    if (tried.values, tried.policy) != (values, policy):
        del st.session_state[key]
        st.caption("Something was changed since the trial. Try it again to build it.")
        return
    told = tried.told
    st.markdown(
        f"**{label(told.probed.name, 80)}** gives {told.probed.dimension} numbers a chunk. "
        f"{figures.count(told.chunks, 'chunk')} would take about {_duration(told.seconds)}."
    )
    if told.policy is not None:
        st.markdown(f"Documents would be cut anew, at {cutting_fields.words(told.policy)}.")
    if resources.workspace().index_changes.other(corpus.id) is not None:
        st.warning("The one that served before, or is still being built, is dropped for it, unless it is this one.")
    if st.button("Build it", key="index-build", type="primary", icon=":material/build:"):
        begin_built(corpus.id)
        st.rerun()


def _chosen(corpus_id: int, values: dict[str, str]) -> Choice:
    """The embedding model that the fields name; raises BadInput."""
    active = resources.workspace().corpora.active_index(corpus_id)
    return Choice.of(active) if values["kind"] == "now" and active else from_values(values)


def _state(corpus_id: int, was_busy: bool) -> None:
    workspace = resources.workspace()
    other, job = workspace.index_changes.other(corpus_id), workspace.index_changes.job(corpus_id)
    ended = was_busy and (job is None or job.status not in OPEN)
    if other is None or ended or st.session_state.pop("index-swapped", False):  # the page shows what serves
        st.rerun()
    lacking = workspace.index_changes.count_lacking(other)
    name = _named(other)
    if job is not None and job.status in OPEN:
        _building(name, job)
    elif lacking:
        _stuck(other, name, lacking, job)
    else:
        _whole(other, name)


def _named(index: IndexRow) -> str:
    """An index by its embedding model, and by its chunks where they differ from those that serve."""
    workspace = resources.workspace()
    active = workspace.corpora.active_index(index.corpus_id)
    name = label(index.embedding_model, 80)
    if active is None or active.cut == index.cut:
        return name
    return f"{name}, {cutting_fields.words(cutting.policy_for(workspace, index))}"


def _building(name: str, job: JobRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/database: Building the index with **{name}**", width="stretch")
        st.button("Cancel", key="index-cancel", icon=":material/close:", on_click=_cancel, args=(job.id,))
    share = min(job.progress_done / job.progress_total, 1.0) if job.progress_total else 0.0
    st.progress(share, text=f"{job.progress_done:,} of {job.progress_total:,} chunks{_left(job)}")


def _stuck(other: IndexRow, name: str, lacking: int, job: JobRow | None) -> None:
    st.markdown(f":material/database: The index with **{name}** lacks {figures.count(lacking, 'chunk')}.")
    if job is not None and job.error:
        st.caption(f":red[:material/error:] {label(job.error, 300)}")
    with st.container(horizontal=True):
        st.button("Go on", key="index-resume", icon=":material/play_arrow:", on_click=_resume, args=(other.corpus_id,))
        _drop_button(other, "Drop it")


def _whole(other: IndexRow, name: str) -> None:
    active = resources.workspace().corpora.active_index(other.corpus_id)
    newer = active is None or other.id > active.id
    said = (
        f"The index with **{name}** is ready." if newer else f"The index with **{name}**, which served before, is kept."
    )
    st.markdown(f":material/database: {said} New documents go to both.")
    with st.container(horizontal=True):
        st.button(
            "Swap now" if newer else "Swap back",
            key="index-swap",
            icon=":material/swap_horiz:",
            type="primary" if newer else "secondary",
            on_click=_swap,
            args=(other.id,),
        )
        _drop_button(other, "Drop it")


def _drop_button(other: IndexRow, word: str) -> None:
    if st.button(word, key="index-drop", icon=":material/delete:", type="tertiary"):
        st.session_state["index-drop-asked"] = other.id
        st.rerun()


def drop_if_asked() -> None:
    """Open the dialog that drops an index, when its button was pressed."""
    index_id = st.session_state.pop("index-drop-asked", None)
    if index_id is not None:
        _drop(index_id)


@st.dialog("Drop this index?", icon=":material/delete:")
def _drop(index_id: int) -> None:
    st.write(
        "Its vectors are deleted, and its chunks where they are cut otherwise; documents and the index that serves "
        "stay. To have it back, build it again."
    )
    if st.button("Drop index", key="index-drop-sure", type="primary", icon=":material/delete:"):
        _dropped(index_id)
        st.rerun()


def _left(job: JobRow) -> str:
    """` · 3 min left`, by how it went so far; nothing before anything is done."""
    if job.started_at is None or not job.progress_done:
        return ""
    spent = (datetime.now(UTC) - job.started_at).total_seconds()
    return f" · about {_duration(spent / job.progress_done * (job.progress_total - job.progress_done))} left"


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


@state.reported
def _cancel(job_id: int) -> None:
    intake.cancel_job(resources.workspace(), job_id)


@state.reported
def _resume(corpus_id: int) -> None:
    resources.workspace().index_changes.catch_up(corpus_id)
    resources.workspace().wake()


@state.reported
def _swap(index_id: int) -> None:
    reindexing.swap(resources.workspace(), index_id)
    st.session_state["index-swapped"] = True


@state.reported
def _dropped(index_id: int) -> None:
    reindexing.drop(resources.workspace(), index_id)
