"""The charts of the pages: what they draw, in which units and colours, read from the Vega-Lite that a browser gets."""

import json
import random
import tomllib
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation import breakdown, running
from core.evaluation.breakdown import Part
from core.evaluation.preferences import preferences
from core.evaluation.preferred import Topic
from core.evaluation.questions import of_rows
from core.evaluation.scoring import METRICS
from core.evaluation.summary import ORDER, Outcome, summarise
from core.finetuning.curves import Curves, curves
from core.finetuning.running import told
from core.workspace import Workspace
from dashboard.components import chart_looks, learning, modes, scores, win_rates
from storage.gold import GoldDraft
from storage.rows import CorpusRow, VoteRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]
THEME = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
AWKWARD = [
    "Master services agreement 2024, annex A.pdf",
    "Master services agreement 2024, annex B.pdf",
    "a.b[c].\"d\" \\ 'e'.md",
    "<img src=x onerror=alert(1)>.md",
    "datum.mode",
]
DRAWN = random.Random(11)


def layers(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Each layer's mark, its encoding and its rows."""
    return [
        (
            layer["mark"]["type"],
            layer["encoding"],
            spec["datasets"][(layer.get("data") or spec["data"])["name"]],
        )
        for layer in spec["layer"]
    ]


def answered(points: dict[str, tuple[float, float]], questions: int = 1) -> list[Outcome]:
    """So many answers in each mode, of these seconds and this Token F1."""
    return [
        Outcome(f"q{n}", mode, {"token_f1": f1}, seconds) for mode, (seconds, f1) in points.items()
        for n in range(questions)
    ]  # fmt: skip


def by_document(names: Sequence[str], asked: Sequence[str] = ("rag", "base")) -> list[Part]:
    """Three questions about each document, of which ever more are answered rightly."""
    questions, outcomes = [], []
    for place, name in enumerate(names):
        for n in range(3):
            key = f"{place}-{n}"
            questions.append({"id": key, "question": "Who?", "answerable": True, "documents": [name], "meta": {}})
            outcomes += [Outcome(key, mode, {"token_f1": float(n < place)}, 1.0) for mode in asked]
    return breakdown.parts(questions, outcomes, "document", "token_f1")


def voted(choice: str, *panels: str, **names: str) -> VoteRow:
    return VoteRow("q", choice, panels, False, None, names, 1)


def progress(folder: Path, *lines: dict[str, Any]) -> Curves:
    """What the page reads of a trainer that has said so."""
    (folder / "progress.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return curves(told(folder))


STEPS = [{"step": n, "steps": 4, "loss": 2 / n, "rate": 1e-4} for n in range(1, 5)]
LOOKS = [{"look": n, "held_out": loss, "general": 1.0, "best": n < 4} for n, loss in ((0, 2.5), (2, 1.2), (4, 1.4))]
WON = [voted("rag", "rag", "base"), voted("rag", "rag", "hybrid"), voted("tie", "base", "hybrid")]


@pytest.fixture
def drawn(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Every chart of the pages by its name, of a mode each at least."""
    summary = summarise(answered({"base": (2.0, 0.25), "rag": (3.0, 0.5), "hybrid": (6.0, 1.0)}, 4))
    charts = {
        "by mode": scores.by_mode(summary, "token_f1"),
        "against seconds": scores.against_seconds(summary, "token_f1"),
        "in parts": scores.in_parts(by_document(AWKWARD)),
        "learning": learning.chart(progress(tmp_path, *STEPS, *LOOKS)),
        "wins": win_rates.chart(preferences(WON), win_rates.called(WON)),
    }
    return {name: chart.to_dict() for name, chart in charts.items()}  # Altair holds it against Vega-Lite's schema


def test_every_axis_of_numbers_says_what_they_are_and_none_runs_backwards(drawn: dict[str, dict[str, Any]]) -> None:
    titles = {}
    for name, spec in drawn.items():
        axes = [(c, e[c]) for _, e, _ in layers(spec) for c in ("x", "y") if e.get(c, {}).get("type") == "quantitative"]
        said = {channel: axis["title"] for channel, axis in axes if axis.get("title")}
        assert {channel for channel, _ in axes} == set(said), name
        assert not any("sort" in axis or axis.get("scale", {}).get("reverse") for _, axis in axes)
        titles[name] = said
    assert titles == {
        "by mode": {"x": "points of 100"},
        "against seconds": {"x": "seconds an answer", "y": "points of 100"},
        "in parts": {"x": "points of 100"},
        "learning": {"x": "step", "y": "loss per answer token"},
        "wins": {"x": "wins, %"},
    }


def test_what_is_drawn_is_a_column_of_the_rows(drawn: dict[str, dict[str, Any]]) -> None:
    for spec in drawn.values():
        for _, encoding, rows in layers(spec):
            several = (e if isinstance(e, list) else [e] for e in encoding.values())
            fields = {each["field"] for e in several for each in e if "field" in each}
            assert rows
            assert all(fields <= set(row) for row in rows)


def test_a_mode_has_its_colour_of_the_theme_and_its_shape_in_every_chart(drawn: dict[str, dict[str, Any]]) -> None:
    titles = ["Retrieval", "Fine-tuned", "Hybrid", "Base", "Quote"]
    encodings = [encoding for name, spec in drawn.items() if name != "learning" for _, encoding, _ in layers(spec)]
    looks = [e[channel] for e in encodings for channel in ("color", "shape") if "field" in e.get(channel, {})]
    assert len(looks) == 2 * 3 + 3 + 1  # lines, points and names have colours, points have shapes, bars stand alone
    assert all(look["scale"] == {"domain": titles} and look["field"] == "mode" for look in looks)
    theme = tomllib.loads(THEME.read_text("utf-8"))["theme"]
    for ground in ("light", "dark"):
        named = {mode: theme[ground].get(f"{modes.look(mode).colour}Color") for mode in chart_looks.COLOURED}
        badges = [named[mode] for mode in chart_looks.COLOURED if named[mode]]
        assert len(badges) == 4  # quote's blue is Streamlit's own
        assert theme[ground]["chartCategoricalColors"][:4] == badges


def test_scores_by_mode_are_points_with_their_intervals_as_lines() -> None:
    outcomes = answered({"base": (2.0, 0.25), "rag": (3.0, 0.5)}, 4)
    summary = summarise([*outcomes, Outcome("q0", "hybrid", {"citation_recall": 1.0}, 1.0)])
    spec = scores.by_mode(summary, "token_f1").to_dict()
    (line, ends, rows), (point, middle, _) = layers(spec)
    assert (line, point) == ("rule", "point")
    assert (ends["x"]["field"], ends["x2"]["field"], middle["x"]["field"]) == ("low", "high", "mean")
    assert middle["x"]["scale"] == {"domain": [0, 100]}
    assert middle["y"]["sort"] == ["Base", "Retrieval"]  # hybrid was not measured by this
    found = summary.modes["rag"]["token_f1"]
    assert rows == [
        {"mode": "Base", "mean": 25.0, "low": rows[0]["low"], "high": rows[0]["high"], "questions": 4, "seconds": 2.0},
        {
            "mode": "Retrieval",
            "mean": 50.0,
            "low": round(100 * found.low, 1),
            "high": round(100 * found.high, 1),
            "questions": 4,
            "seconds": 3.0,
        },
    ]


@pytest.mark.parametrize("f1", [0.0, 0.5, 1.0])
def test_the_widest_interval_ends_within_the_axis(f1: float) -> None:
    (_, _, rows), _ = layers(scores.by_mode(summarise(answered(dict.fromkeys(ORDER, (0.0, f1)))), "token_f1").to_dict())
    assert [row["mode"] for row in rows] == ["Base", "Quote", "Retrieval", "Fine-tuned", "Hybrid"]
    assert all(0 <= row["low"] <= row["mean"] <= row["high"] <= 100 for row in rows)
    assert all(row["high"] - row["low"] > 40 for row in rows)  # of one question


@pytest.mark.parametrize(
    "points",
    [
        dict.fromkeys(ORDER, (2.0, 1.0)),
        dict.fromkeys(ORDER, (0.0, 0.0)),
        {"base": (0.0, 0.0)},
        {mode: (2.4 + 0.01 * number, 0.96 + 0.01 * number) for number, mode in enumerate(ORDER)},
        *({mode: (30 * DRAWN.random(), DRAWN.random()) for mode in ORDER} for _ in range(20)),
    ],
)
def test_quality_against_seconds_names_each_mode_where_nothing_else_stands(
    points: dict[str, tuple[float, float]],
) -> None:
    spec = scores.against_seconds(summarise(answered(points)), "token_f1").to_dict()
    (point, across, rows), (text, named, _) = layers(spec)
    assert (point, text) == ("point", "text")
    assert (across["x"]["field"], across["y"]["field"]) == ("seconds", "mean")
    assert (named["x"]["field"], named["y"]["field"], named["text"]["field"]) == ("seconds", "name_at", "mode")
    said = {row["mode"]: (row["seconds"], row["mean"]) for row in rows}
    assert said == {modes.look(m).title: (s, pytest.approx(100 * f1, abs=0.051)) for m, (s, f1) in points.items()}
    left, right = across["x"]["scale"]["domain"]
    assert left == 0 < right
    assert all(row["seconds"] <= right / 1.39 for row in rows)  # there is room for the slowest one's name
    assert across["y"]["scale"]["domain"] == [0, 100]
    assert all(0 <= row["name_at"] <= 100 for row in rows)
    letters = 100 * 18 / spec["height"]
    for one, other in combinations(rows, 2):
        if abs(one["seconds"] - other["seconds"]) < right / 4:
            assert abs(one["name_at"] - other["name_at"]) >= letters - 1e-6


def test_parts_are_rows_of_their_own_whatever_documents_are_called() -> None:
    found = by_document(AWKWARD)
    spec = scores.in_parts(found).to_dict()
    (line, ends, rows), (point, middle, _) = layers(spec)
    assert (line, point) == ("rule", "point")
    assert (ends["x"]["field"], ends["x2"]["field"], middle["x"]["field"]) == ("low", "high", "mean")
    assert middle["x"]["scale"] == {"domain": [0, 100]}
    assert middle["y"]["sort"] == list(dict.fromkeys(row["part"] for row in rows))
    assert len(middle["y"]["sort"]) == len(AWKWARD)
    assert {name.rpartition(" (")[0][-6:] for name in middle["y"]["sort"]} >= {" A.pdf", " B.pdf"}
    assert {row["whole"] for row in rows} == set(AWKWARD)
    assert {(row["whole"], row["mode"]): row["mean"] for row in rows} == {
        (part.name, modes.look(mode).title): round(100 * each.mean, 1)
        for part in found
        for mode, each in part.modes.items()
    }
    assert all(0 <= row["low"] <= row["mean"] <= row["high"] <= 100 for row in rows)
    assert middle["y"]["axis"]["labelLimit"] > 200  # the theme's would cut the number of questions off


def test_parts_say_in_a_legend_which_mode_is_which_and_leave_out_what_was_not_measured() -> None:
    spec = scores.in_parts(by_document(AWKWARD[:2])).to_dict()
    (_, ends, _), (_, middle, _) = layers(spec)
    assert {json.dumps(e["legend"]["values"]) for e in (ends["color"], middle["color"], middle["shape"])} == {
        '["Base", "Retrieval"]'
    }
    assert middle["yOffset"] == {"field": "mode", "type": "nominal", "sort": ["Base", "Retrieval"]}


def test_names_that_look_the_same_when_cut_are_numbered() -> None:
    long = [f"{'a' * 30}{n}{'z' * 30}" for n in range(3)]
    first, second, third = chart_looks.row_names([*long[:2], "a\u202eb\nc"])
    assert (second, third) == (f"{first} #2", "ab c")
    assert len(set(chart_looks.row_names([*long, first, second]))) == 5


def test_losses_are_drawn_by_step_and_the_best_checkpoint_is_marked(drawn: dict[str, dict[str, Any]]) -> None:
    (_, _, train), (held, broken, looks), (_, _, best), (text, _, named) = layers(drawn["learning"])
    assert [(row["step"], row["loss"]) for row in train] == [(1, 2.0), (2, 1.0), (3, 2 / 3), (4, 0.5)]
    assert [(row["step"], row["loss"]) for row in looks] == [(0, 2.5), (2, 1.2), (4, 1.4)]
    assert [(row["step"], row["loss"]) for row in best] == [(2, 1.2)]
    assert (held, text, named) == ("line", "text", best)
    assert broken["strokeDash"]["legend"] == broken["color"]["legend"]  # not told apart by colour alone
    assert broken["y"]["scale"] == {"zero": False}


def test_the_training_line_keeps_its_colour_when_the_first_held_out_loss_comes(tmp_path: Path) -> None:
    def line(*lines: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        (_, encoding, _), *more = layers(learning.chart(progress(tmp_path, *lines)).to_dict())
        return encoding["color"]["scale"], [*encoding["color"]["legend"]["values"], *(mark for mark, _, _ in more)]

    scale, alone = line(*STEPS)
    assert scale == {"domain": ["training", "held-out documents"]}
    assert alone == ["training"]
    assert line(*STEPS[:1], {**LOOKS[0], "held_out": None}) == (scale, ["training"])
    assert line(*STEPS, *LOOKS) == (scale, ["training", "held-out documents", "line", "point", "text"])


def test_a_held_out_loss_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    broken = [{**look, "held_out": float("nan")} for look in LOOKS]
    assert [mark for mark, _, _ in layers(learning.chart(progress(tmp_path, *STEPS, *broken)).to_dict())] == ["line"]
    spec = learning.chart(progress(tmp_path, *STEPS, *LOOKS[:1], *broken[1:])).to_dict()
    assert [row["step"] for row in layers(spec)[2][2]] == [0]


def test_win_rates_are_bars_in_percent_with_their_intervals() -> None:
    found = preferences(WON)
    (bar, share, rows), (line, ends, _) = layers(win_rates.chart(found, win_rates.called(WON)).to_dict())
    assert (bar, line) == ("bar", "rule")
    assert (share["x"]["field"], ends["x"]["field"], ends["x2"]["field"]) == ("share", "low", "high")
    assert share["x"]["scale"] == {"domain": [0, 100]}
    assert rows[0]["row"] == rows[0]["mode"] == "Retrieval"  # the strongest first
    assert [(row["share"], row["low"], row["high"]) for row in rows] == [
        tuple(round(100 * each, 1) for each in (rate.share, rate.low, rate.high)) for rate in found.rates
    ]
    assert sum(row["share"] for row in rows) == pytest.approx(100, abs=0.2)
    assert all(0 <= row["low"] <= row["share"] <= row["high"] <= 100 for row in rows)


def test_base_models_of_one_name_have_a_bar_each_in_the_colour_of_their_mode() -> None:
    names = {
        "rag#m1": "Llama <b>3</b>",
        "rag#m2": "Llama <b>3</b>",
        "base#m1": "Llama <b>3</b>",
        "hybrid#a7": "grounded v2",
    }
    panels = ("rag", *names)
    votes = [voted("rag#m1", *panels, **names), voted("rag#m2", *panels, **names), voted("tie", *panels, **names)]
    found, named = preferences(votes), win_rates.called(votes)
    (_, share, rows), _ = layers(win_rates.chart(found, named).to_dict())
    assert {row["row"]: row["mode"] for row in rows} == {
        "Retrieval": "Retrieval",
        "Retrieval · Llama <b>3</b>": "Retrieval",
        "Retrieval · Llama <b>3</b> #2": "Retrieval",
        "Base · Llama <b>3</b>": "Base",
        "Hybrid · grounded v2": "Hybrid",
    }
    assert share["y"]["axis"]["labelLimit"] > 200
    table = win_rates.table([Topic("rent", found)], named)
    assert len(table.columns) == 1 + 5
    assert "Retrieval · Llama \\<b\\>3\\<\\/b\\> \\#2" in table.columns


def test_a_mode_that_only_other_corpora_of_the_domain_have_votes_on_has_its_name() -> None:
    (_, _, rows), _ = layers(win_rates.chart(preferences(WON), {"rag": "Retrieval"}).to_dict())
    assert {row["row"] for row in rows} == {"Retrieval", "Base", "Hybrid"}


def test_the_page_draws_what_an_evaluation_measured(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    asked = [f"{words} {n}?" for words in ("How much is flat", "When ends the lease of <b>flat</b>") for n in range(3)]
    workspace.gold.add_many(indexed.id, [GoldDraft(each, "2,400", documents=["lease.md"]) for each in asked])
    row = running.start(workspace, indexed.id, of_rows(workspace.gold.list(indexed.id)), ["base", "quote", "rag"])
    assert charts(open_page, indexed) == []
    assert "No answers yet." in words(open_page("evaluate", corpus=indexed.id))
    workspace.dispatcher.run_one()
    by_mode, against, in_parts = charts(open_page, indexed)
    measured = [[layer["mark"]["type"] for layer in spec["layer"]] for spec in (by_mode, against, in_parts)]
    assert measured == [["rule", "point"], ["point", "text"], ["rule", "point"]]
    assert by_mode["layer"][1]["encoding"]["y"]["sort"] == ["Base", "Quote", "Retrieval"]
    assert in_parts["layer"][1]["encoding"]["y"]["sort"] == ["how much (3)", "when (3)"]
    summary = running.so_far(workspace, workspace.evaluations.get(row.id))
    for metric in METRICS:
        with_it = {modes.look(mode).title for mode, found in summary.modes.items() if metric in found}
        if with_it:
            (_, _, rows), _ = layers(scores.by_mode(summary, metric).to_dict())
            assert {each["mode"] for each in rows} == with_it
            assert all(0 <= each["low"] <= each["mean"] <= each["high"] <= 100 for each in rows)


def charts(open_page: Open, corpus: CorpusRow, page: str = "evaluate") -> list[dict[str, Any]]:
    """The specifications of a page's charts."""
    app = open_page(page, corpus=corpus.id)
    assert not app.exception
    return [json.loads(each.proto.spec) for each in app.get("vega_lite_chart")]


def test_votes_that_compare_nothing_are_counted_and_not_drawn(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    def vote(choice: str) -> None:
        row = workspace.comparisons.begin(indexed.id, "What is the rent?", [("rag", "", ""), ("base", "", "")], False)
        workspace.comparisons.vote(row.id, choice)

    vote("bad")
    assert charts(open_page, indexed, "compare") == []
    assert "1 vote · 0 ties · 1 all bad" in words(open_page("compare", corpus=indexed.id))
    vote("rag")
    (spec,) = charts(open_page, indexed, "compare")
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "rule"]
