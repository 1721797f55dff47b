"""The scores of an evaluation: by mode with intervals, quality against seconds, and its reports to hand around."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import altair as alt
import pandas as pd
import streamlit as st

from core.evaluation import breakdown, html, pdf, running
from core.evaluation.answering import outcome
from core.evaluation.breakdown import Part
from core.evaluation.options import Options
from core.evaluation.report import report
from core.evaluation.scoring import LESS_IS_BETTER, METRICS
from core.evaluation.summary import ORDER, Interval, Summary
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import beside_view, chart_looks, figures, modes
from dashboard.components.chart_looks import colour, row_names, shape
from dashboard.components.safe_text import label, one_line
from storage.rows import EvaluationRow

Report = TypeVar("Report", str, bytes)
POINTS = alt.Scale(domain=[0, 100])


def choose(corpus_id: int, rows: Sequence[EvaluationRow]) -> EvaluationRow:
    """The evaluation that is looked at: the newest, unless another was chosen."""
    by_id = {row.id: row for row in rows}
    key = f"evaluation-{corpus_id}"
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = rows[0].id
    if len(rows) > 1:
        st.selectbox("Evaluation", list(by_id), format_func=lambda chosen: _name(by_id[chosen]), key=key)
    return by_id[st.session_state[key]]


def _name(row: EvaluationRow) -> str:
    titles = ", ".join(modes.look(mode).title for mode in row.modes)
    return one_line(f"{row.name} · {titles} · {figures.ago(row.created_at)} · run {row.id}")


def show(row: EvaluationRow) -> None:
    """Charts and downloads of one evaluation."""
    summary = running.so_far(resources.workspace(), row)
    measured = [name for name in METRICS if any(name in found for found in summary.modes.values())]
    if not measured:
        st.caption("No answers yet.")
        return
    if not row.summary:
        st.caption("So far: intervals narrow as answers come; differences and the verdict come at the end.")
    metric = st.selectbox("Measure", measured, format_func=METRICS.__getitem__, key=f"measure-{row.id}")
    metric = metric or measured[0]
    left, right = st.columns(2)
    with left:
        less = " (less is better)" if metric in LESS_IS_BETTER else ""
        st.markdown(f"**{METRICS[metric]} by mode, with 95 % intervals**{less}")
        st.altair_chart(by_mode(summary, metric), width="stretch")
    with right:
        st.markdown("**Quality against seconds an answer**")
        st.altair_chart(against_seconds(summary, metric), width="stretch")
    _in_parts(row, metric)
    for mode, why in row.left_out.items():
        st.caption(f"{modes.look(mode).title} was left out. {label(why, 200)}")
    _taken_over(row)
    _not_given(row, summary)
    beside_view.show(row)
    _downloads(row)


def _in_parts(row: EvaluationRow, metric: str) -> None:
    """Where a mode is good: by kind of question or by document, where there are several."""
    outcomes = [outcome(each) for each in resources.workspace().evaluations.answers(row.id)]
    found = {way: breakdown.parts(row.questions, outcomes, way, metric) for way in breakdown.WAYS}
    ways = [way for way, rows in found.items() if rows]
    if not ways:
        return
    with st.expander("In parts", icon=":material/stacked_bar_chart:"):
        way = st.segmented_control(
            "By", ways, key=f"parts-{row.id}", default=ways[0], required=True,
            format_func=lambda each: breakdown.WAYS[each].capitalize(),
        )  # fmt: skip
        st.altair_chart(in_parts(found.get(way) or found[ways[0]]), width="stretch")
        st.caption(f"Parts of fewer than {breakdown.LEAST} questions are left out. Small parts have wide intervals.")


def in_parts(found: Sequence[Part]) -> Any:
    """A row a part; in it a point a mode, its interval as a line."""
    names = row_names([part.name for part in found])
    rows = [
        {"part": f"{name} ({part.questions})", "whole": one_line(part.name, 200)} | _points(mode, interval)
        for name, part in zip(names, found, strict=True)
        for mode, interval in part.modes.items()
    ]
    frame = pd.DataFrame(rows)
    titles = [modes.look(mode).title for mode in ORDER if modes.look(mode).title in set(frame["mode"])]
    axis = alt.Axis(labelLimit=chart_looks.NAMES_PX)
    y = alt.Y("part:N", title=None, sort=list(dict.fromkeys(frame["part"])), axis=axis)
    legend = alt.Legend(title=None, orient="top", values=titles)
    base = alt.Chart(frame).encode(y=y, yOffset=alt.YOffset("mode:N", sort=titles), color=colour(legend=legend))
    lines = base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    points = base.mark_point(size=60, filled=True).encode(
        x=alt.X("mean:Q", title="points of 100", scale=POINTS),
        shape=shape(legend=legend),
        tooltip=[alt.Tooltip("whole:N", title="part"), "mode", "mean", "low", "high", "questions"],
    )
    return alt.layer(lines, points).properties(height=70 + len(found) * (14 + 14 * len(titles)))


def _points(mode: str, found: Interval) -> dict[str, Any]:
    shares = {"mean": found.mean, "low": found.low, "high": found.high}
    row: dict[str, Any] = {name: round(100 * value, 1) for name, value in shares.items()}
    return row | {"mode": modes.look(mode).title, "questions": found.n}


def _not_given(row: EvaluationRow, summary: Summary) -> None:
    """Modes whose engine does not say how probable an answer is, where that was asked for."""
    if not Options.of(row.options).likelihood:
        return
    silent = [mode for mode, found in summary.modes.items() if mode != "quote" and "gold_likelihood" not in found]
    if silent:
        named = ", ".join(modes.look(mode).title for mode in silent)
        st.caption(f"Likelihood of the gold answer: not given by the engine of {named}.")


def _taken_over(row: EvaluationRow) -> None:
    """How many answers came from earlier runs, and the way to do this one again."""
    answers = resources.workspace().evaluations.answers(row.id)
    taken = sum(each.taken_from is not None for each in answers)
    if taken:
        asked = len(answers) - taken
        st.caption(
            f"{figures.count(taken, 'answer')} taken over from earlier runs, since nothing they depend on changed "
            f"(their seconds are those of then); {asked:,} asked anew."
        )


@state.reported
def _again(row: EvaluationRow) -> None:
    new = running.repeat(resources.workspace(), row, by="dashboard")
    st.session_state[f"evaluation-{row.corpus_id}"] = new.id


def by_mode(summary: Summary, metric: str) -> Any:
    """A point a mode, its interval as a line; the metric was measured in one of them at least."""
    frame = _frame(summary, metric)
    base = alt.Chart(frame).encode(y=alt.Y("mode:N", title=None, sort=list(frame["mode"])), color=colour())
    lines = base.mark_rule(strokeWidth=3).encode(x="low:Q", x2="high:Q")
    points = base.mark_point(size=120, filled=True).encode(
        x=alt.X("mean:Q", title="points of 100", scale=POINTS),
        shape=shape(),
        tooltip=["mode", "mean", "low", "high", "questions"],
    )
    return alt.layer(lines, points).properties(height=_height(len(frame)))


def against_seconds(summary: Summary, metric: str) -> Any:
    """A point a mode: seconds an answer to the right, score upwards."""
    frame = _frame(summary, metric)
    height = _height(len(frame))
    longest = max(frame["seconds"].max(), 0.1) * 1.4  # with room for the name of the slowest
    frame["name_at"] = _apart(list(zip(frame["seconds"], frame["mean"], strict=True)), longest / 4, 100 * 18 / height)
    x = alt.X("seconds:Q", title="seconds an answer", scale=alt.Scale(domain=[0, longest], nice=False))
    y = alt.Y("mean:Q", title="points of 100", scale=POINTS)
    base = alt.Chart(frame).encode(x=x, color=colour())
    points = base.mark_point(size=120, filled=True).encode(y=y, shape=shape(), tooltip=["mode", "seconds", "mean"])
    names = base.mark_text(align="left", dx=10, clip=False).encode(y="name_at:Q", text="mode:N")
    return alt.layer(points, names).properties(height=height)


def _height(modes: int) -> int:
    return max(168, 60 + 36 * modes)  # what stands beside an axis needs that much


def _apart(points: Sequence[tuple[float, float]], reach: float, gap: float) -> list[float]:
    """How high each point's name stands, so that no two lie on one another and none above the chart.

    points: (x, y) of each, y up to 100; reach: how far a name stretches in x; gap: how high it is in y.
    """
    at = [y for _, y in points]
    order = sorted(range(len(at)), key=at.__getitem__)

    def near(this: int, among: Sequence[int]) -> list[int]:
        return [other for other in among if abs(points[this][0] - points[other][0]) < reach]

    for place, this in enumerate(order):
        at[this] = max([at[this], *(at[other] + gap for other in near(this, order[:place]))])
    for place in reversed(range(len(order))):
        this = order[place]
        at[this] = min([at[this], 100, *(at[other] - gap for other in near(this, order[place + 1 :]))])
    return at


def _frame(summary: Summary, metric: str) -> Any:
    rows = [_row(mode, found[metric], found["seconds"]) for mode, found in summary.modes.items() if metric in found]
    return pd.DataFrame(rows)


def _row(mode: str, found: Interval, seconds: Interval) -> dict[str, Any]:
    return _points(mode, found) | {"seconds": seconds.mean}


def _downloads(row: EvaluationRow) -> None:
    with st.container(horizontal=True):
        st.button(
            "Run again",
            key=f"again-{row.id}",
            icon=":material/replay:",
            help="The same questions and modes; only what changed is asked again",
            on_click=_again,
            args=(row,),
        )
        st.download_button(
            "Report (HTML)",
            _told(row, "HTML", lambda: html.page(report(resources.workspace(), row))),
            file_name=f"evaluation-{row.id}.html",
            mime="text/html",
            icon=":material/description:",
            on_click="ignore",
        )
        st.download_button(
            "Report (PDF)",
            _told(row, "PDF", lambda: pdf.document(report(resources.workspace(), row))),
            file_name=f"evaluation-{row.id}.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
        )
        st.download_button(
            "Report (JSON)",
            _told(row, "JSON", lambda: json.dumps(report(resources.workspace(), row), ensure_ascii=False, indent=1)),
            file_name=f"evaluation-{row.id}.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )


def _told(row: EvaluationRow, form: str, read: Callable[[], Report]) -> Callable[[], Report]:
    return downloads.told(
        resources.workspace(), read, "evaluation", row.id, row.corpus_id, "report downloaded", form=form
    )
