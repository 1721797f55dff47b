"""What an evaluation does beside asking and scoring: what it takes over from earlier runs."""

import streamlit as st

from core.evaluation import freshness, judging, running
from core.evaluation.options import Options
from core.evaluation.questions import of_rows
from dashboard import resources
from dashboard.components import figures
from dashboard.components.safe_text import one_line


def show(corpus_id: int, modes: tuple[str, ...], many: int) -> Options:
    """The choices, with what each would mean."""
    with st.expander("Measure more", icon=":material/add_chart:"):
        likelihood = st.toggle(
            "Likelihood of the gold answer",
            key=f"likelihood-{corpus_id}",
            help="How probable the gold answer is to each mode's engine: a finer measure than whether it was written. "
            "Engines on this machine and vLLM give it.",
        )
        fresh = _freshness(corpus_id)
        forgotten = st.toggle(
            "Forgetting: general questions before and after training",
            key=f"forgetting-{corpus_id}",
            disabled=not {"finetuned", "hybrid"} & set(modes),
            help="Asked of the base model and of the adapters of the chosen modes, without documents.",
        )
        judge = _judge(corpus_id, modes, many)
    reuse = _reuse(corpus_id, modes, many, likelihood)
    return Options(reuse, likelihood, judge, freshness=fresh, forgetting=forgotten)


def _freshness(corpus_id: int) -> bool:
    """Real changes where there are some; else changes made up, and said to be."""
    chosen = st.toggle("Freshness: who notices a changed document", key=f"freshness-{corpus_id}")
    if chosen:
        found = freshness.probes(resources.workspace(), corpus_id)
        if not found:
            st.caption("Nothing to ask: no answer of a gold question or example is a figure that stands in a document.")
        elif found[0].real:
            st.caption(f"{figures.count(len(found), 'fact')} changed since the adapters learned, and will be asked.")
        else:
            st.caption(
                "No fact that the adapters learned is found with another value now. "
                f"{figures.count(len(found), 'fact')} will be asked as if one value had: it is changed on the way to "
                "the modes, and your corpus stays as it is."
            )
    return chosen


def _judge(corpus_id: int, modes: tuple[str, ...], many: int) -> int | None:
    """An endpoint that judges; nothing to choose where none is configured."""
    names = {row.id: row.name for row in resources.workspace().base_models.list() if row.kind == "endpoint"}
    if not names:
        st.caption("A judge model can compare the answers once an endpoint is added in Settings.")
        return None
    chosen: int | None = st.selectbox(
        "Judge model",
        list(names),
        index=None,
        format_func=lambda key: one_line(names[key], 60),
        placeholder="None",
        key=f"judge-{corpus_id}",
        help="Compares every two answers in both orders. Questions, answers and gold answers are sent there.",
    )
    if chosen is not None:
        writing = len([mode for mode in modes if mode != "quote"])
        st.caption(
            f"About {judging.requests(many, writing):,} requests to it, and two for each pair that was voted on."
        )
        with st.expander("What it is asked", icon=":material/description:"):
            st.code(judging.PROMPT, language=None, wrap_lines=True)
    return chosen


def _reuse(corpus_id: int, modes: tuple[str, ...], many: int, likelihood: bool) -> bool:
    """Nothing to choose while no earlier answer would be the same."""
    workspace = resources.workspace()
    same = running.unchanged(workspace, corpus_id, of_rows(workspace.gold.list(corpus_id))[:many], modes, likelihood)
    if not same:
        return False
    total = many * len(modes)
    words = f"{same:,} of {figures.count(total, 'answer')} would come out as before; {total - same:,} would be asked."
    chosen = st.toggle("Ask only what changed", value=True, key=f"reuse-{corpus_id}")
    st.caption(words)
    return chosen
