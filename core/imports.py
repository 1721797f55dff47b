"""Imports that threads may not do side by side.

`transformers` puts another module in its own place while it is imported. A thread that asks for it meanwhile waits and
is then given the one that was replaced, which lacks everything ("cannot import name 'AutoModel'"). So whoever imports
from it in a function that several threads may be in calls `whole` before.
"""

import importlib
import threading

_ONE_BY_ONE = threading.Lock()


def whole(name: str) -> None:
    """Return once the module is imported, by this thread or another."""
    with _ONE_BY_ONE:
        importlib.import_module(name)
