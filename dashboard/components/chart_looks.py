"""How charts tell modes apart, the same in all of them: a colour of the theme and a shape each; and names of rows."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import altair as alt

from core.evaluation.charts import LONGEST, cut
from dashboard.components import modes
from dashboard.components.safe_text import one_line

# In the order of the theme's chart colours, so that each mode has its own in light and dark.
COLOURED = ("rag", "finetuned", "hybrid", "base", "quote")
GREY = "#8A94A0"
"""Of lines that mark a place: to be seen in light and dark."""
NAMES_PX = 240
"""Room for the names of rows: the theme's own 100 would hide the end of most, where they differ."""


def colour(field: str = "mode:N", legend: Any = None) -> Any:
    """A colour by the title of a mode; all modes are in the scale, so that none depends on which were measured."""
    return alt.Color(field, legend=legend, scale=_scale())


def shape(field: str = "mode:N", legend: Any = None) -> Any:
    """A shape likewise, for who does not see the colours."""
    return alt.Shape(field, legend=legend, scale=_scale())


def _scale() -> Any:
    return alt.Scale(domain=[modes.look(mode).title for mode in COLOURED])


def row_names(names: Sequence[str], longest: int = LONGEST) -> list[str]:
    """Names as they stand at rows, cut in the middle; none is there twice, since a chart draws equal names as one."""
    found: list[str] = []
    for name in names:
        short = made = cut(one_line(name, 300), longest)
        numbers = count(2)
        while made in found:
            made = f"{short} #{next(numbers)}"
        found.append(made)
    return found
