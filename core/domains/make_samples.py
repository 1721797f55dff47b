"""Render the sample documents: `python -m core.domains.make_samples [domain...]`.

    core/domains/<name>/source/<stem>.<format>.md  ->  core/domains/<name>/sample/<stem>.<format>

Format is pdf, docx, xlsx, html or md. The sources are Markdown as `rendering/blocks.py` reads it
(Markdown itself is copied). The same source gives the same bytes on every run, so the rendered
files can be committed and a test can tell whether they are up to date. Needs the `dev`
dependencies (reportlab, openpyxl); the product itself never calls this.

How to write a source:

- one paragraph, clause or bullet is one line; no bold or other inline marks;
- PDF: characters of Windows-1252 only ("at least 65", not a greater-or-equal sign);
- clauses are `1.2 Text` or `(a) Text`, steps are `1. Text`; their numbers stay in the text;
- `---page---` breaks the page in PDF and DOCX; a PDF also breaks where a page is full;
- a table has a header row; keep cells short, so that a row reads as one line;
- XLSX: `# Title`, then one `## Sheet name` a sheet; numbers bare and in their shortest form
  (12500, 0.5), units in the header; remarks in a line of text under the table.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from core.domains import ORDER, domain
from core.domains.rendering import blocks, pdf, sheets, web, word

Render = Callable[[Sequence[blocks.SourceBlock]], bytes]
RENDERERS: dict[str, Render] = {"pdf": pdf.render, "docx": word.render, "xlsx": sheets.render, "html": web.render}


def render(source: Path) -> bytes:
    """The sample file that a source becomes; its format is the ending before `.md`.

    Raises:
        KeyError: the format is none of ours.
        ValueError: the source's Markdown is malformed.
    """
    ending = source.name.removesuffix(".md").rpartition(".")[2]
    if ending == "md":
        return source.read_bytes()
    return RENDERERS[ending](blocks.read(source.read_text("utf-8")))


def make(name: str) -> list[Path]:
    """Render every source of one domain into its sample folder; files with no source left are removed."""
    folder = domain(name).sample_folder
    folder.mkdir(exist_ok=True)
    made = []
    for source in sorted((folder.parent / "source").glob("*.md")):
        target = folder / source.name.removesuffix(".md")
        target.write_bytes(render(source))
        made.append(target)
    for stale in set(folder.iterdir()) - set(made):
        stale.unlink()
    return made


def main(names: Sequence[str]) -> None:
    """Render the named domains, or all."""
    for name in names or ORDER:
        for path in make(name):
            print(f"{name}/{path.name}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
