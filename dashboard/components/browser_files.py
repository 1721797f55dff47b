"""The browser's side of the components: each is one script and one sheet, put together from files beside this one.

A component is given to the browser as text, so what several of them share is written in front of each.
"""

from pathlib import Path

HERE = Path(__file__).parent


def script(*names: str) -> str:
    """JavaScript files as one module; the last one holds its `export default`."""
    return "\n".join((HERE / f"{name}.js").read_text("utf-8") for name in names)


def sheet(*names: str) -> str:
    """CSS files as one; later ones win."""
    return "\n".join((HERE / f"{name}.css").read_text("utf-8") for name in names)
