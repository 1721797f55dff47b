"""An evaluation as a PDF to hand around: the HTML report's content on A4 pages, with its chart, method and limits.

By reportlab's Platypus, which breaks cells and pages. Its own fonts print Windows-1252 alone, so a DejaVu, Noto or
Arial of this machine is embedded where there is one; without, a character that cannot be printed becomes a question
mark, and the report says so. Long answers are cut to some lines: the HTML report and the JSON have all of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

from core.evaluation.html import COLOURS, METHOD, TITLES
from core.evaluation.pdf_looks import Fonts, fonts, styles
from core.evaluation.scoring import LESS_IS_BETTER, METRICS

MARGIN = 50.0
LONGEST = 700
"""Characters of an answer that are printed."""

ROW, LEFT = 24, 80
HOW_TO_READ = "Means of 100, with their 95 % interval and the number of questions they are of."
Story = list[Any]
Share = Mapping[str, Any]


def document(found: Mapping[str, Any]) -> bytes:
    """The report of `core.evaluation.report.report` as a PDF."""
    return Sheets(fonts()).document(found)


class Sheets:
    """Builds one report with the fonts at hand."""

    def __init__(self, chosen: Fonts) -> None:
        self._fonts = chosen
        self._styles = styles(chosen)
        self._lost = False

    def document(self, found: Mapping[str, Any]) -> bytes:
        """All of it; raises nothing for text of any kind."""
        from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
        from reportlab.platypus import SimpleDocTemplate  # type: ignore[import-untyped]

        out = BytesIO()
        title = f"{found['corpus']}: {found['name']}"
        frame = SimpleDocTemplate(
            out, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
            title=self._plain(title), author="Triptych",
        )  # fmt: skip
        story = self._story(found, title, frame.width)
        if self._lost:
            story.append(self._said("Some characters have no place in this PDF's font and stand as a question mark; "
                                    "the HTML report has them.", "quiet"))  # fmt: skip
        footer = self._footer(title)
        frame.build(story, onFirstPage=footer, onLaterPages=footer)
        return out.getvalue()

    def _story(self, found: Mapping[str, Any], title: str, width: float) -> Story:
        verdict = found["verdict"]
        when = f"{found['created_at'][:16].replace('T', ' ')} UTC"
        left_out = [f"{TITLES.get(mode, mode)} was left out. {why}" for mode, why in found["left_out"].items()]
        return [
            self._said(title, "title"), self._said(when, "quiet"),
            self._said(verdict["headline"], "headline"), *self._all(verdict["phrases"]),
            self._said("Token F1 by mode", "head"), self._chart(found["modes"], width),
            self._said("All scores", "head"), self._said(HOW_TO_READ, "facts"),
            self._scores(found["modes"], width), *self._all(left_out),
            self._said("Differences, question by question", "head"), self._differences(found["paired"], width),
            *self._beside(found.get("beside", ()), width),
            self._said("The five questions", "head"), self._considered(verdict["considered"], width),
            self._said("Method and limits", "head"), self._said(" ".join(_untagged(METHOD).split())),
            *self._all(verdict["limits"]),
            self._said("Questions", "head"),
            *(part for each in found["questions"] for part in self._question(each)),
            self._said("Fingerprints", "head"), self._fingerprints(found["fingerprints"], width),
        ]  # fmt: skip

    def _plain(self, text: str) -> str:
        printed = self._fonts.printable(text)
        self._lost = self._lost or printed != text
        return printed

    def _said(self, text: str, style: str = "body") -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(escape(self._plain(text), quote=False).replace("\n", "<br/>"), self._styles[style])

    def _all(self, said: Iterable[str]) -> Story:
        return [self._said(each) for each in said]

    def _table(self, rows: Sequence[Sequence[str]], width: float, first: float = 0.0) -> Any:
        """Columns share the width, the first may have its own part of it; every cell breaks its lines."""
        from reportlab.lib import colors  # type: ignore[import-untyped]
        from reportlab.platypus import Table, TableStyle

        columns = len(rows[0])
        rest = (width * (1 - first)) / (columns - 1 if first else columns)
        widths = [width * first if number == 0 and first else rest for number in range(columns)]
        cells = [
            [self._said(cell, "cell" if number else "cellhead") for cell in row] for number, row in enumerate(rows)
        ]
        looks = [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.lightgrey),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
        return Table(cells, colWidths=widths, repeatRows=1, style=TableStyle(looks))

    def _scores(self, modes: Mapping[str, Any], width: float) -> Any:
        if not modes:
            return self._said("Nothing is answered yet.")
        names = [name for name in METRICS if any(name in found for found in modes.values())]
        rows = [["", *(TITLES.get(mode, mode) for mode in modes)]]
        for name in names:
            less = " (less is better)" if name in LESS_IS_BETTER else ""
            rows.append([METRICS[name] + less, *(share(found.get(name)) for found in modes.values())])
        rows.append(["Seconds an answer", *(f"{found['seconds']['mean']:.2f}" for found in modes.values())])
        return self._table(rows, width, 0.25)

    def _differences(self, paired: Mapping[str, Any], width: float) -> Any:
        if not paired:
            return self._said("One mode only.")
        rows = [["", "Token F1", "Answer recall"]]
        for pair, found in paired.items():
            name = " less ".join(TITLES.get(mode, mode) for mode in pair.split("-"))
            rows.append([name, share(found.get("token_f1"), "+"), share(found.get("answer_recall"), "+")])
        return self._table(rows, width, 0.4)

    def _beside(self, tables: Iterable[Mapping[str, Any]], width: float) -> Story:
        """What was measured beside the scores: a heading, sentences and a table each."""
        story: Story = []
        for each in tables:
            story += [self._said(each["title"], "head"), *self._all(each["said"])]
            if len(each["rows"]) > 1:
                story.append(self._table(each["rows"], width))
            if each["more"]:
                story += [self._said("What it was asked:", "facts"), self._said(each["more"], "quiet")]
        return story

    def _considered(self, considered: Iterable[Mapping[str, Any]], width: float) -> Any:
        rows = [["Question", "Answer", "Evidence", "Weight"]]
        rows += [[c["question"], c["answer"] or "not answered", c["evidence"], c["moved"]] for c in considered]
        return self._table(rows, width)

    def _fingerprints(self, found: Mapping[str, Any], width: float) -> Any:
        rows = [["What", "Fingerprint"], *([name, str(value)] for name, value in found.items() if value)]
        return self._table(rows, width, 0.2)

    def _question(self, found: Mapping[str, Any]) -> Story:
        gold = found["gold"]
        wanted = gold["answer"] if gold["answerable"] else "The documents do not hold the answer."
        story = [self._said(found["question"], "asked"), self._said(f"Gold: {_cut(wanted)}", "quiet")]
        for mode, each in found["answers"].items():
            f1 = each["scores"].get("token_f1")
            facts = [TITLES.get(mode, mode), *([] if f1 is None else [f"F1 {100 * f1:.0f}"])]
            facts += ["refused"] if each["refused"] else []
            facts += dict.fromkeys(f"{c['document']}, page {c['page']}" for c in each["citations"])
            story += [self._said(" · ".join(facts), "facts"), self._said(_cut(each["answer"]))]
        return story

    def _chart(self, modes: Mapping[str, Any], width: float) -> Any:
        """A dot for each mode with a line for its interval, on a scale from 0 to 100."""
        from reportlab.graphics.shapes import Circle, Drawing, Line, String  # type: ignore[import-untyped]
        from reportlab.lib.colors import HexColor, grey  # type: ignore[import-untyped]

        rows = [(mode, found["token_f1"]) for mode, found in modes.items() if "token_f1" in found]
        if not rows:
            return self._said("No question has a gold answer.")
        height = ROW * len(rows) + 20
        drawn, font = Drawing(width, height), self._fonts.regular

        def x(value: float) -> float:
            return LEFT + value * (width - LEFT - 40)

        for tick in (0, 0.25, 0.5, 0.75, 1):
            drawn.add(Line(x(tick), 16, x(tick), height, strokeColor=grey, strokeWidth=0.3))
            drawn.add(String(x(tick), 4, f"{100 * tick:.0f}", fontSize=7, fontName=font, textAnchor="middle"))
        for number, (mode, found) in enumerate(rows):
            y, colour = height - ROW * number - ROW / 2, HexColor(COLOURS.get(mode, "#5B6675"))
            drawn.add(String(0, y - 3, TITLES.get(mode, mode), fontSize=9, fontName=font))
            drawn.add(Line(x(found["low"]), y, x(found["high"]), y, strokeColor=colour, strokeWidth=2))
            drawn.add(Circle(x(found["mean"]), y, 4, fillColor=colour, strokeColor=colour))
            drawn.add(String(min(x(found["high"]) + 6, width - 14), y - 3, f"{100 * found['mean']:.0f}",
                             fontSize=9, fontName=font))  # fmt: skip
        return drawn

    def _footer(self, title: str) -> Any:
        def draw(canvas: Any, frame: Any) -> None:
            canvas.saveState()
            canvas.setFont(self._fonts.regular, 8)
            canvas.drawString(MARGIN, 28, self._plain(title)[:90])
            canvas.drawRightString(frame.pagesize[0] - MARGIN, 28, f"Page {frame.page}")
            canvas.restoreState()

        return draw


def share(interval: Share | None, sign: str = "") -> str:
    """A mean of 100 with its interval and number of questions."""
    if interval is None:
        return "–"
    mean, low, high = (f"{100 * interval[name]:{sign}.0f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high}, {interval['n']})"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} … (cut)"


def _untagged(text: str) -> str:
    return text.replace("<em>", "").replace("</em>", "")
