"""Starting a training, with its pre-flight, and watching it: progress, curves, sample answers, the traffic light."""

from typing import Any

import streamlit as st

from core.finetuning import trainable, tuning
from core.finetuning.estimate import Estimate, estimate
from core.finetuning.recipe import KINDS, PRESETS, Kind, Recipe, preset
from dashboard import resources, state
from dashboard.components import figures, job_control, learning
from dashboard.components.safe_text import label
from storage.rows import JobRow

EVERY_S = 2.0
FEWEST = 8
NUMBERS = {
    "epochs": "How often each example is seen, at most: early stopping may end sooner.",
    "batch": "Examples whose gradients make one step.",
    "micro_batch": "Examples computed at once: fewer take less memory, the result is the same.",
    "learning_rate": "At its peak, after the warm-up; then it falls to a tenth.",
    "warmup": "The share of all steps in which the learning rate rises.",
    "rank": "Of the LoRA matrices: more can learn more, and takes longer.",
    "alpha": "How much the LoRA matrices weigh; usually twice the rank.",
    "dropout": "The share of inputs left out at random. 0: early stopping guards against overfitting.",
    "weight_decay": "How strongly weights are drawn towards zero.",
    "frozen": "The share of layers, from the lowest, that are left as they are; more is faster.",
    "longest": "In tokens: longer examples are left out, and said so.",
    "looks": "How often in all the held-out examples are looked at.",
    "patience": "Looks without a better held-out loss before training ends early.",
    "seed": "Of the order of the examples and of the first weights.",
}
"""Each number of a recipe, as people are told of it."""
TITLES = {"closed-book": "Closed-book, for the fine-tuned mode", "grounded": "Grounded, for the hybrid mode"}


def show(corpus_id: int, usable: int) -> None:
    """The training under way, or the form that starts one."""
    if jobs := tuning.open_jobs(resources.workspace(), corpus_id):
        for job in jobs:
            _job(job)
        return
    if why := trainable.refusal(resources.workspace(), corpus_id):
        st.info(label(why, 400), icon=":material/info:")
        return
    if usable < FEWEST:
        st.markdown(f"{figures.count(usable, 'accepted example')}: at least {FEWEST} are needed to begin.")
        return
    _form(corpus_id)


def _form(corpus_id: int) -> None:
    kinds = st.pills(
        "Adapters", KINDS, selection_mode="multi", default=list(KINDS), format_func=lambda kind: TITLES[kind]
    )
    name = st.segmented_control("Preset", PRESETS, default="balanced", format_func=str.capitalize) or "balanced"
    parameters = trainable.source_of(resources.workspace(), corpus_id).parameters
    changes = _numbers(name, kinds[0] if kinds else "grounded", parameters)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = tuple(kinds)
        st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not chosen,
            on_click=_start,
            args=(corpus_id, chosen, name, changes),
        )
        asked = st.button("Pre-flight", icon=":material/speed:", disabled=not chosen, help="Try a few real steps first")
    if asked:
        with st.spinner("Trying a few real steps on this machine, about a minute…", show_time=True):
            for kind in chosen:
                recipe = Recipe.of(preset(name, kind, parameters).json() | changes)
                _flight(estimate(resources.workspace(), corpus_id, kind, recipe))


def _numbers(name: str, kind: Kind, parameters: int) -> dict[str, Any]:
    """Every number of the recipe; what differs from the preset is returned."""
    base = preset(name, kind, parameters).json()
    changes: dict[str, Any] = {}
    with st.expander("Every number of the recipe", icon=":material/tune:"), st.container(horizontal=True):
        for field, value in base.items():
            step = 1 if isinstance(value, int) else None
            shown = "%.3g" if isinstance(value, float) else "%d"
            words = field.replace("_", " ").capitalize()
            given = st.number_input(
                words,
                value=value,
                step=step,
                format=shown,
                key=f"recipe-{name}-{field}",
                help=NUMBERS[field],
                width=150,
            )
            if given != value:
                changes[field] = given
    return changes


def _flight(found: Estimate) -> None:
    with st.container(border=True, gap="xsmall"):
        time = f"about **{_minutes(found.seconds)}** on this machine" if found.tokens_per_s else "not on this machine"
        st.markdown(f"**{TITLES[found.kind]}**: {time}")
        facts = [
            f"{found.examples:,} examples, {found.held_out:,} held out",
            f"{found.steps:,} steps",
            *([f"{found.tokens:,} tokens at {found.tokens_per_s:.0f} a second"] if found.tokens_per_s else []),
            f"{figures.size(found.memory_bytes)} of memory, {figures.size(found.memory_free_bytes)} free",
            f"{figures.size(found.disk_bytes)} of disk",
        ]
        st.caption(" · ".join(facts))
        if found.refusal:
            st.error(label(found.refusal, 300), icon=":material/block:")


@state.reported
def _start(corpus_id: int, kinds: tuple[Kind, ...], name: str, changes: dict[str, Any]) -> None:
    tuning.start(resources.workspace(), corpus_id, kinds, name, changes, by="dashboard")


def _job(job: JobRow) -> None:
    """One training, redrawn by itself while it runs."""
    busy = job.status in ("running", "queued")
    st.fragment(_watched, run_every=EVERY_S if busy else None, key=f"training-{job.id}")(job.id, job.status)


def _watched(job_id: int, drawn: str) -> None:
    job = resources.workspace().jobs.get(job_id)
    if job.status != drawn:
        st.rerun()
    done = job.progress_done / job.progress_total if job.progress_total else 0.0
    words = {
        "queued": "Waiting for its turn: one training runs at a time.",
        "paused": "Paused; it goes on where it was.",
    }
    st.progress(min(done, 1.0), text=label(words.get(job.status) or job.message or "Starting", 160))
    with st.container(horizontal=True):
        job_control.buttons(job)
    for adapter in resources.workspace().adapters.of_job(job_id):
        if adapter.status == "training":
            learning.show(adapter)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
