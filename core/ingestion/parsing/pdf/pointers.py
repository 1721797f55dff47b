"""PDFium's functions called with plain integers for pointers: no wrapping object per call."""

import ctypes
from collections.abc import Callable
from typing import Any


def pointer(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    """`function` of the library with these C types; handles are passed as integers."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    return ctypes.CFUNCTYPE(result, *arguments)(address or 0)


def handle_of(item: object) -> int:
    """A PDFium handle as the integer that `pointer` functions take."""
    return ctypes.cast(item, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
