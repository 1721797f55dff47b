"""An evaluation as one HTML file to hand around: verdict, scores with their intervals, every answer, the method.

Nothing is fetched and nothing runs in it; all that documents, models and people wrote is escaped.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from core.evaluation.beside import TITLES
from core.evaluation.charts import GRID, Chart, Line, Mark, Paper, Words
from core.evaluation.report import cited_at
from core.evaluation.scoring import LESS_IS_BETTER, METRICS

PAPER = Paper(width=640, letters=14)
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886 }
details { border-bottom: 1px solid #8886; padding: .4rem 0 } summary { cursor: pointer }
.verdict { border: 1px solid #8886; border-radius: 8px; padding: 0 1rem; margin: 1rem 0 }
.verdict p:first-child { font-size: 1.25rem; font-weight: 600 }
.quiet { opacity: .75; font-size: .9em }
.chart { overflow-x: auto } svg { width: 100%; min-width: 30rem; max-width: 640px; height: auto; break-inside: avoid }
.chart text { dominant-baseline: central; fill: currentColor }
.clear { stroke: Canvas; stroke-width: 4; stroke-linejoin: round; paint-order: stroke }
@media (prefers-color-scheme: dark) {
  .chart circle, .chart polygon, .chart line { filter: brightness(1.6) } .chart .grid { opacity: .3; filter: none }
}
h2 { break-after: avoid } tr { break-inside: avoid }
@page { size: A4; margin: 16mm }
@media print {
  :root { color-scheme: light; font-size: 11px } body { margin: 0; padding: 0; max-width: none }
  details::details-content { display: block; content-visibility: visible }
}
pre { white-space: pre-wrap }
"""
METHOD = """Every question was asked in every mode over the same retrieval, the same path as in the chat, several
questions at once. Scores are means over the questions they apply to, with the 95 % percentile bootstrap interval
(2,000 samples);
differences are taken question by question. Token F1 and recall: SQuAD v1.1; ROUGE-L: Lin 2004; citations: after ALCE
(Gao et al. 2023) against gold documents and evidence. <em>Quote</em> is a control: the most relevant sentence alone,
without a model. A refusal of a question that the documents answer scores nothing."""


def page(found: Mapping[str, Any]) -> str:
    """The report of `core.evaluation.report.report` as a whole HTML document."""
    title = escape(f"{found['corpus']}: {found['name']}")
    parts = (
        f"<h1>{title}</h1><p class=quiet>{escape(found['created_at'][:16].replace('T', ' '))} UTC</p>",
        _verdict(found["verdict"]),
        "<h2>Token F1 by mode</h2>" + _chart(PAPER.by_mode(found["modes"]), "No question has a gold answer."),
        _cost(PAPER.against_seconds(found["modes"])),
        "<h2>All scores</h2>" + _scores(found["modes"]),
        "<h2>Differences, question by question</h2>" + _differences(found["paired"]),
        _left_out(found["left_out"]),
        *map(_beside, found.get("beside", ())),
        "<h2>Questions</h2>" + "".join(_question(each) for each in found["questions"]),
        f"<h2>Method and limits</h2><p>{METHOD}</p>" + _paragraphs(found["verdict"]["limits"]),
        "<h2>Fingerprints</h2>" + _fingerprints(found["fingerprints"]),
    )
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    head += f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>"
    return f"{head}<body>{''.join(parts)}</body></html>"


def _verdict(verdict: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(c['question'])}<td>{escape(c['answer'] or 'not answered')}<td>{escape(c['evidence'])}"
        f"<td>{escape(c['moved'])}</tr>"
        for c in verdict["considered"]
    )
    said = f"<p>{escape(verdict['headline'])}</p>{_paragraphs(verdict['phrases'])}"
    asked = f"<table><tr><th>Question<th>Answer<th>Evidence<th>Weight</tr>{rows}</table>"
    return f"<div class=verdict>{said}</div><h2>The five questions</h2>{asked}"


def _cost(chart: Chart | None) -> str:
    return f"<h2>{chart.title}</h2>{_chart(chart)}" if chart else ""


def _paragraphs(said: Iterable[str]) -> str:
    return "".join(f"<p>{escape(each)}</p>" for each in said)


def _chart(chart: Chart | None, otherwise: str = "") -> str:
    """A chart as SVG in a frame that scrolls where the screen is narrow."""
    if chart is None:
        return f"<p>{otherwise}</p>" if otherwise else ""
    drawn = [*map(_line, chart.lines), *map(_mark, chart.marks), *map(_words, chart.words)]
    box = f"0 0 {chart.width:.0f} {chart.height:.0f}"
    label = escape(chart.title)
    return f"<div class=chart><svg viewBox='{box}' role=img aria-label='{label}'>{''.join(drawn)}</svg></div>"


def _line(line: Line) -> str:
    look = f"stroke='{line.colour}' stroke-width={line.width:.2f}{' class=grid' if line.colour == GRID else ''}"
    return f"<line x1={line.x1:.1f} y1={line.y1:.1f} x2={line.x2:.1f} y2={line.y2:.1f} {look} />"


def _words(words: Words) -> str:
    look = f"font-size={words.size:.1f} text-anchor={words.anchor}{' class=clear' if words.clear else ''}"
    return f"<text x={words.x:.1f} y={words.y:.1f} {look}>{escape(words.text)}</text>"


def _mark(mark: Mark) -> str:
    if not mark.corners:
        return f"<circle cx={mark.x:.1f} cy={mark.y:.1f} r={mark.size:.1f} fill='{mark.colour}' />"
    return f"<polygon points='{' '.join(f'{x:.1f},{y:.1f}' for x, y in mark.corners)}' fill='{mark.colour}' />"


def _scores(modes: Mapping[str, Any]) -> str:
    measured = [name for name in METRICS if any(name in found for found in modes.values())]
    head = "".join(f"<th>{TITLES.get(mode, escape(mode))}" for mode in modes)
    rows = "".join(
        f"<tr><td>{METRICS[name]}{' (less is better)' if name in LESS_IS_BETTER else ''}"
        + "".join(f"<td>{_share(found.get(name))}" for found in modes.values())
        + "</tr>"
        for name in measured
    )
    seconds = "".join(f"<td>{found['seconds']['mean']:.2f}" for found in modes.values())
    return f"<table><tr><th>{head}</tr>{rows}<tr><td>Seconds an answer{seconds}</tr></table>"


def _share(interval: Mapping[str, float] | None, sign: str = "") -> str:
    if interval is None:
        return "–"
    mean, low, high = (f"{100 * interval[name]:{sign}.0f}" for name in ("mean", "low", "high"))
    return f"{mean} <span class=quiet>({low} to {high}, {interval['n']})</span>"


def _differences(paired: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{' less '.join(TITLES.get(mode, mode) for mode in pair.split('-'))}"
        f"<td>{_share(found.get('token_f1'), '+')}<td>{_share(found.get('answer_recall'), '+')}</tr>"
        for pair, found in paired.items()
    )
    return f"<table><tr><th><th>Token F1<th>Answer recall</tr>{rows}</table>" if rows else "<p>One mode only.</p>"


def _left_out(left_out: Mapping[str, str]) -> str:
    return _paragraphs(f"{TITLES.get(mode, mode)} was left out. {why}" for mode, why in left_out.items())


def _beside(section: Mapping[str, Any]) -> str:
    """What was measured beside the scores."""
    rows = "".join(
        "<tr>" + "".join(f"<{'td' if number else 'th'}>{escape(cell)}" for cell in row) + "</tr>"
        for number, row in enumerate(section["rows"])
    )
    more = section["more"]
    return (
        f"<h2>{escape(section['title'])}</h2>{_paragraphs(section['said'])}"
        + _chart(PAPER.by_part(section.get("parts", ()), section["title"]))
        + (f"<table>{rows}</table>" if rows else "")
        + (f"<details><summary>What it was asked</summary><pre>{escape(more)}</pre></details>" if more else "")
    )


def _question(found: Mapping[str, Any]) -> str:
    gold = found["gold"]
    wanted = gold["answer"] if gold["answerable"] else "The documents do not hold the answer."
    said = "".join(_answer(mode, each) for mode, each in found["answers"].items())
    return (
        f"<details><summary>{escape(found['question'])}</summary><p><b>Gold:</b> {escape(wanted)} "
        f"<span class=quiet>{escape(', '.join(gold['documents']))}</span></p>{said}</details>"
    )


def _answer(mode: str, found: Mapping[str, Any]) -> str:
    f1 = found["scores"].get("token_f1")
    score = "" if f1 is None else f"F1 {100 * f1:.0f}"
    cited = "; ".join(cited_at(found))
    return (
        f"<p><b>{TITLES.get(mode, escape(mode))}</b> <span class=quiet>{score} {'refused' if found['refused'] else ''} "
        f"{escape(cited)}</span></p><pre>{escape(found['answer'])}</pre>"
    )


def _fingerprints(found: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><td>{escape(name)}<td>{escape(str(value))}</tr>" for name, value in found.items() if value)
    return f"<table>{rows}</table>"
