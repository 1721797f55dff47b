"""The numbers that formats show before list items but do not store: letters, Roman numerals, HTML's own counting."""

from dataclasses import dataclass

from selectolax.lexbor import LexborNode

BULLET = "•"
_MOST = 10**9
"""Numbers beyond are no count of anything."""
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def roman(number: int) -> str:
    """A number from 1 to 3999 as small Roman numerals; larger ones as 3999, smaller ones as ""."""
    text, rest = "", min(max(number, 0), 3999)
    for size, sign in _ROMAN:
        text += sign * (rest // size)
        rest %= size
    return text


def letters(number: int) -> str:
    """A number from 1 up as small letters: a to z, then aa, ab, ...; smaller ones as ""."""
    text = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


@dataclass(slots=True)
class _Counted:
    """An `<ol>` being walked: the number of its next item."""

    next: int
    step: int
    form: str


class HtmlLists:
    """The lists around a place in an HTML tree, and the mark of each item: once, before its first words."""

    def __init__(self) -> None:
        self._lists: list[_Counted | None] = []
        self._marks: list[str] = []

    def enter(self, node: LexborNode, tag: str) -> None:
        """Goes into an element; others than lists and items are passed over."""
        if tag == "ol":
            self._lists.append(_counted(node))
        elif tag == "ul":
            self._lists.append(None)
        elif tag == "li":
            self._marks.append(self._mark(node))

    def leave(self, tag: str) -> None:
        """Comes out of it."""
        if tag in ("ol", "ul"):
            self._lists.pop()
        elif tag == "li":
            self._marks.pop()

    def take(self) -> str:
        """The mark of the innermost item and a blank; "" when it was taken."""
        mark = self._marks[-1] if self._marks else ""
        if mark:
            self._marks[-1] = ""
        return f"{mark} " if mark else ""

    def _mark(self, item: LexborNode) -> str:
        counted = self._lists[-1] if self._lists else None
        if counted is None:
            return BULLET
        number = _whole(item.attributes.get("value"), counted.next)
        counted.next = number + counted.step
        return f"{written(number, item.attributes.get('type') or counted.form)}."


def _counted(node: LexborNode) -> _Counted:
    told = node.attributes
    backwards = "reversed" in told
    first = sum(child.tag == "li" for child in node.iter()) if backwards else 1
    return _Counted(_whole(told.get("start"), first), -1 if backwards else 1, told.get("type") or "1")


def _whole(told: str | None, otherwise: int) -> int:
    try:
        number = int(told or "")
    except ValueError:
        return otherwise
    return number if abs(number) < _MOST else otherwise


def written(number: int, form: str) -> str:
    """A number in the form that HTML's `type` names: a, A, i, I; digits for others, and where there is none."""
    if form in ("a", "A") and number > 0:
        text = letters(number)
    elif form in ("i", "I") and 0 < number < 4000:
        text = roman(number)
    else:
        return str(number)
    return text.upper() if form.isupper() else text
