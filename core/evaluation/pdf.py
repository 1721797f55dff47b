"""An evaluation as a PDF to hand around: the HTML report's content on A4 pages, with its charts, method and limits.

By reportlab's Platypus, which breaks cells and pages. Its own fonts print Windows-1252 alone, so a DejaVu, Noto or
Arial of this machine is embedded where there is one; without, a character that cannot be printed becomes a question
mark, and the report says so. Long answers are cut to some lines: the HTML report and the JSON have all of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

from core.evaluation.beside import TITLES
from core.evaluation.charts import Chart, Mark, Paper
from core.evaluation.html import METHOD
from core.evaluation.pdf_looks import Fonts, fonts, styles
from core.evaluation.report import cited_at
from core.evaluation.scoring import LESS_IS_BETTER, METRICS

MARGIN = 50.0
PADDING = 6.0
"""What a frame of Platypus keeps free on each side of its own."""

LONGEST = 700
"""Characters of an answer that are printed."""

LETTERS, BLACK = 8.5, "#111418"
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
        story = self._story(found, title, frame.width - 2 * PADDING)
        if self._lost:
            story.append(self._said("Some characters have no place in this PDF's font and stand as a question mark; "
                                    "the HTML report has them.", "quiet"))  # fmt: skip
        footer = self._footer(title)
        frame.build(story, onFirstPage=footer, onLaterPages=footer)
        return out.getvalue()

    def _story(self, found: Mapping[str, Any], title: str, width: float) -> Story:
        verdict, paper = found["verdict"], Paper(width, LETTERS)
        when = f"{found['created_at'][:16].replace('T', ' ')} UTC"
        left_out = [f"{TITLES.get(mode, mode)} was left out. {why}" for mode, why in found["left_out"].items()]
        return [
            self._said(title, "title"), self._said(when, "quiet"),
            self._said(verdict["headline"], "headline"), *self._all(verdict["phrases"]),
            self._said("Token F1 by mode", "head"), self._chart(paper.by_mode(found["modes"])),
            *self._cost(paper.against_seconds(found["modes"])),
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
            if chart := Paper(width, LETTERS).by_part(each.get("parts", ()), each["title"]):
                story += [self._chart(chart), self._said(HOW_TO_READ, "facts")]
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
            facts += cited_at(each)
            story += [self._said(" · ".join(facts), "facts"), self._said(_cut(each["answer"]))]
        return story

    def _cost(self, chart: Chart | None) -> Story:
        return [self._said(chart.title, "head"), self._chart(chart)] if chart else []

    def _chart(self, chart: Chart | None) -> Any:
        """What the HTML report draws, in the PDF's own letters; y grows upwards there."""
        from reportlab.graphics.shapes import Drawing, Line, Rect, String  # type: ignore[import-untyped]
        from reportlab.lib.colors import HexColor, white  # type: ignore[import-untyped]

        if chart is None:
            return self._said("No question has a gold answer.")
        top, drawn = chart.height, Drawing(chart.width, chart.height)
        for each in chart.lines:
            drawn.add(Line(each.x1, top - each.y1, each.x2, top - each.y2, strokeColor=HexColor(each.colour),
                           strokeWidth=each.width))  # fmt: skip
        for mark in chart.marks:
            drawn.add(_mark(mark, top))
        for words in chart.words:
            if words.clear:
                left, high, right, low = words.box
                drawn.add(Rect(left, top - low, right - left, low - high, fillColor=white, strokeColor=None))
            # The middle of a line of digits and capitals is about a third of their size above its foot.
            drawn.add(String(words.x, top - words.y - 0.36 * words.size, self._plain(words.text), fontSize=words.size,
                             fontName=self._fonts.regular, textAnchor=words.anchor,
                             fillColor=HexColor(BLACK)))  # fmt: skip
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


def _mark(mark: Mark, top: float) -> Any:
    from reportlab.graphics.shapes import Circle, Polygon
    from reportlab.lib.colors import HexColor

    colour = HexColor(mark.colour)
    if not mark.corners:
        return Circle(mark.x, top - mark.y, mark.size, fillColor=colour, strokeColor=colour)
    corners = [number for x, y in mark.corners for number in (x, top - y)]
    return Polygon(corners, fillColor=colour, strokeColor=colour, strokeWidth=0.2)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} … (cut)"


def _untagged(text: str) -> str:
    return text.replace("<em>", "").replace("</em>", "")
