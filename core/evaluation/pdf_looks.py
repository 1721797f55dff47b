"""Fonts and paragraph styles of the PDF report."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
FAMILIES = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Fonts:
    """Names that reportlab knows, and the characters they have; None is Windows-1252."""

    regular: str
    bold: str
    characters: frozenset[int] | None

    def printable(self, text: str) -> str:
        """The text with a question mark for each character that cannot be printed; marks without width go."""
        text = CONTROL.sub("", text)
        if self.characters is None:
            return text.encode("cp1252", "replace").decode("cp1252")
        return "".join(c if c in "\n\t" or ord(c) in self.characters else "?" for c in text)


@cache
def fonts() -> Fonts:
    """The best font of this machine that can be embedded, else the PDF's own."""
    from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
    from reportlab.pdfbase.ttfonts import TTFError, TTFont  # type: ignore[import-untyped]

    for regular, bold in FAMILIES:
        files = _file(regular), _file(bold)
        if files[0] is None or files[1] is None:
            continue
        try:
            faces = TTFont("Report", str(files[0])), TTFont("Report-Bold", str(files[1]))
        except (TTFError, OSError):
            continue
        for face in faces:
            pdfmetrics.registerFont(face)
        both = faces[0].face.charToGlyph.keys() & faces[1].face.charToGlyph.keys()
        return Fonts("Report", "Report-Bold", frozenset(both))
    return Fonts("Helvetica", "Helvetica-Bold", None)


def styles(chosen: Fonts) -> dict[str, Any]:
    """By name; long words break, so that nothing leaves its column."""
    from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
    from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]

    body = ParagraphStyle("body", fontName=chosen.regular, fontSize=9.5, leading=13, spaceAfter=4, splitLongWords=1)
    bold = {"fontName": chosen.bold, "keepWithNext": 1}
    return {
        "body": body,
        "title": ParagraphStyle("title", body, fontSize=17, leading=21, spaceAfter=4, **bold),
        "headline": ParagraphStyle("headline", body, fontSize=12, leading=16, spaceBefore=8, **bold),
        "head": ParagraphStyle("head", body, fontSize=12, leading=16, spaceBefore=12, spaceAfter=5, **bold),
        "asked": ParagraphStyle("asked", body, spaceBefore=7, **bold),
        "quiet": ParagraphStyle("quiet", body, fontSize=8, leading=11, textColor=HexColor("#475160")),
        "facts": ParagraphStyle(
            "facts", body, fontSize=8, leading=11, spaceBefore=3, textColor=HexColor("#475160"), keepWithNext=1
        ),
        "cell": ParagraphStyle("cell", body, fontSize=8, leading=10.5, spaceAfter=0),
        "cellhead": ParagraphStyle("cellhead", body, fontName=chosen.bold, fontSize=8, leading=10.5, spaceAfter=0),
    }


def _file(name: str) -> Path | None:
    return next((path for root in FOLDERS if Path(root).is_dir() for path in Path(root).rglob(name)), None)
