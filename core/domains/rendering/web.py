"""Blocks to one clean HTML page: headings, paragraphs, lists and tables, no script, nothing fetched."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from core.domains.rendering.blocks import SourceBlock, title

LOOKS = (
    "body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid #999;padding:.3rem .6rem;text-align:left}"
)


def render(blocks: Sequence[SourceBlock]) -> bytes:
    """One HTML page, UTF-8. Page breaks are ignored: a web page has none."""
    parts: list[str] = []
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        several = list(group)
        if kind in ("bullet", "step"):
            parts.append(_list(several, "ul" if kind == "bullet" else "ol"))
        elif kind != "page":
            parts += [_one(block) for block in several]
    head = f'<head><meta charset="utf-8"><title>{escape(title(list(blocks)))}</title><style>{LOOKS}</style></head>'
    page = ["<!DOCTYPE html>", '<html lang="en">', head, "<body>", "<main>", *parts, "</main>", "</body>", "</html>"]
    return ("\n".join(page) + "\n").encode()


def _list(blocks: Sequence[SourceBlock], tag: str) -> str:
    items = "\n".join(f"<li>{escape(block.text, quote=False)}</li>" for block in blocks)
    return f"<{tag}>\n{items}\n</{tag}>"


def _one(block: SourceBlock) -> str:
    text = escape(block.text, quote=False)
    if block.kind == "heading":
        return f"<h{block.level}>{text}</h{block.level}>"
    if block.kind == "table":
        return _table(block.rows)
    return f"<p>{text}</p>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = (
        "<tr>" + "".join(f"<{tag}>{escape(cell, quote=False)}</{tag}>" for cell in row) + "</tr>"
        for tag, row in zip(["th"] + ["td"] * (len(rows) - 1), rows, strict=True)
    )
    return "\n".join(["<table>", "<thead>", header, "</thead>", "<tbody>", *body, "</tbody>", "</table>"])
