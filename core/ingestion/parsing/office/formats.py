"""How a number in a spreadsheet is shown: percent, thousands, decimals, currency; dates as people write them.

Calamine gives values without their formats, so which cell has which format is read from the sheet's XML.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.ingestion.parsing.office.package import Package, attribute, child, children

_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>")
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_STYLE = re.compile(rb"""\bs=["']([0-9]{1,6})["']""")
_BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    37: "#,##0",
    38: "#,##0",
    39: "#,##0.00",
}
_BUILT_IN |= {40: "#,##0.00", 5: "$#,##0", 6: "$#,##0", 7: "$#,##0.00", 8: "$#,##0.00", 41: "#,##0", 42: "$#,##0"}
_BUILT_IN |= {43: "#,##0.00", 44: "$#,##0.00"}
_CURRENCY = re.compile(r"[$€£¥]")
_LARGEST_SHEET = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """`decimals` None: as many as the number has. `before` is the currency sign, "" for none."""

    percent: bool
    thousands: bool
    decimals: int | None
    before: str


def read_format(code: str) -> NumberFormat | None:
    """The part of a format code for positive numbers; None when it does not say how to write a number."""
    first = code.split(";")[0]
    sign = _CURRENCY.search(first)
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.', "", first)
    if not re.search("[0#?]", bare) or re.search("[ymdhs/]", bare, re.IGNORECASE):
        return None
    places = re.search(r"\.([0#?]*)", bare)
    grouped = re.search("[0#?],[0#?]", bare) is not None
    return NumberFormat("%" in bare, grouped, places.group(1).count("0") if places else 0, sign.group() if sign else "")


def sheet_formats(package: Package, part: str) -> dict[tuple[int, int], NumberFormat]:
    """Formats of a sheet's cells by (row, column), both 0-based. Empty when the sheet is too large to ask."""
    known = _formats_by_style(package)
    if not known:
        return {}
    data = package.read(part)
    found: dict[tuple[int, int], NumberFormat] = {}
    for match in _CELL.finditer(data[:_LARGEST_SHEET]):
        style, place = _STYLE.search(match.group(1)), _PLACE.search(match.group(1))
        wanted = known.get(int(style.group(1))) if style else None
        if wanted is not None and place:
            found[int(place.group(2)) - 1, _column(place.group(1))] = wanted
    return found


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _formats_by_style(package: Package) -> dict[int, NumberFormat]:
    root = package.optional("xl/styles.xml")
    own = {attribute(e, "numFmtId"): attribute(e, "formatCode") for e in children(child(root, "numFmts"), "numFmt")}
    found = {}
    for index, style in enumerate(children(child(root, "cellXfs"), "xf")):
        number = attribute(style, "numFmtId")
        code = own.get(number) or (_BUILT_IN.get(int(number), "") if number.isdigit() else "")
        shape = read_format(code) if code else None
        if shape is not None:
            found[index] = shape
    return found


def shown(value: object, shape: NumberFormat | None) -> str:
    """A cell's value as people see it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(float(value), shape)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d") if value.time() == time() else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _number(value: float, shape: NumberFormat | None) -> str:
    if shape is None:
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.10g}"
    value = value * 100 if shape.percent else value
    separator = "," if shape.thousands else ""
    text = f"{abs(value):{separator}.{shape.decimals}f}" if shape.decimals is not None else f"{abs(value):.10g}"
    sign = "-" if value < 0 and any(digit in text for digit in "123456789") else ""
    return f"{sign}{shape.before}{text}{'%' if shape.percent else ''}"
