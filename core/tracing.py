"""How a defect is logged: what kind of error arose where, without its message, which may quote a document."""

import traceback


def where(error: BaseException) -> str:
    """The kinds and places of an error and of what caused it, the cause first; source lines, never values."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        error = error.__cause__ or (error if error.__suppress_context__ else error.__context__) or error
    told = [f"{type(each).__name__} at\n{''.join(traceback.format_tb(each.__traceback__))}" for each in reversed(chain)]
    return "which led to ".join(told).rstrip()
