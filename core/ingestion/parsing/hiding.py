"""Takes out of an HTML tree what people do not see: by attribute, by inline style, by the page's own style sheet.

Only what can be told without drawing the page: no scripts, no linked style sheets, no selectors but one class or
one id. White text counts as hidden only where nothing around it could give it another ground.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?<!-)opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|font(?:-size)?\s*:\s*(?:0(?:\.0\d*)?\s*(?:px|pt|em|rem|%)?|(?:0?\.\d+|1(?:\.\d+)?)\s*(?:px|pt))\s*(?:;|!|/|$)"
    r"|text-indent\s*:\s*-\d{3,}|(?:left|top|right|bottom)\s*:\s*-\d{4,}|(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*;.*overflow\s*:\s*hidden"
    r"|clip(?:-path)?\s*:\s*(?:rect\(\s*0|inset\(\s*(?:50|100)%)|transform\s*:\s*scale\(\s*0(?:\.0+)?\s*\)",
    re.IGNORECASE,
)
_WHITE = re.compile(
    r"(?<![\w-])color\s*:\s*(?:white|#fff(?:fff)?|#fefefe|rgba?\(\s*255\s*,\s*255\s*,\s*255\s*(?:,\s*1\s*)?\)"
    r"|transparent|rgba\([^)]*,\s*0(?:\.0+)?\s*\))\s*(?:;|!|$)",
    re.IGNORECASE,
)
_GROUND = re.compile(r"background", re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_ONE = re.compile(r"(?:[a-z][\w-]*)?([.#][A-Za-z_][\w-]*)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_MOST = 5000
_UNREAD = ("style", "script", "head", "meta", "link", "title")


def take_hidden(tree: LexborHTMLParser) -> list[str]:
    """Takes hidden elements out of the tree; returns their text, "" for those without any."""
    marked = tree.css("[style], [hidden], [aria-hidden='true'], font[color]")
    hidden = {node.mem_id: node for node in [*filter(_is_hidden, marked), *_by_sheet(tree)]}
    outermost = [node for node in hidden.values() if not any(above.mem_id in hidden for above in _above(node))]
    texts = [" ".join(node.text(deep=True, separator=" ").split()) for node in outermost if node.tag not in _UNREAD]
    for node in outermost:
        if node.tag not in ("html", "body"):
            node.decompose()
    return texts


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    style = attributes.get("style") or ""
    if "hidden" in attributes or attributes.get("aria-hidden") == "true" or _STYLE.search(style):
        return True
    white = _WHITE.search(style) or _WHITE.search(f"color:{attributes.get('color') or ''}")
    return bool(white) and not any(_has_ground(each) for each in (node, *_above(node)))


def _has_ground(node: LexborNode) -> bool:
    """Whether an element could lie on something that is not white: a background, or a class that may give one."""
    attributes = node.attributes
    grounds = ("bgcolor", "background", "class", "id")
    return any(attributes.get(name) for name in grounds) or bool(_GROUND.search(attributes.get("style") or ""))


def _above(node: LexborNode) -> Iterator[LexborNode]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _by_sheet(tree: LexborHTMLParser) -> list[LexborNode]:
    """Elements that a rule of the page's own style sheet hides wherever the page is shown."""
    found: list[LexborNode] = []
    for sheet in tree.css("style")[:50]:
        text = _unconditional(_COMMENT.sub("", sheet.text(deep=True)[:200_000]))
        for selectors, body in _RULE.findall(text)[:_MOST]:
            if _STYLE.search(body):
                names = [match[1] for each in selectors.split(",") if (match := _ONE.fullmatch(each.strip()))]
                for name in names[:20]:
                    found += tree.css(name)[:_MOST]
    return found


def _unconditional(sheet: str) -> str:
    """The sheet without `@media` and the like, whose rules hold on some screens only."""
    kept: list[str] = []
    depth, skipping = 0, 0
    for part in re.split(r"(@[\w-]+[^{};]*\{|[{}])", sheet):
        if part.startswith("@") and part.endswith("{"):
            depth += 1
            skipping = skipping or depth
        elif part == "{":
            depth += 1
        elif part == "}":
            if skipping and depth == skipping:
                skipping, part = 0, ""
            depth = max(0, depth - 1)
        if not skipping and not part.startswith("@"):
            kept.append(part)
    return "".join(kept)
