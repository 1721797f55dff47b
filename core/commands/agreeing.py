"""Asks at a terminal before something is done for the first time; where there is none, it has to be said beforehand."""

import sys
from collections.abc import Callable

from core.commands.terminal import say
from core.errors import BadInput

NOT_DONE = 3
"""The exit code when somebody says no."""


def agreed(shown: Callable[[], str], yes: bool) -> bool:
    """Whether a person wants what is shown: they said so beforehand (`yes`), or type it now.

    Raises:
        BadInput: nobody said so, and there is no terminal to ask at.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise BadInput(
            "What a first sync would do has to be looked at before it.", "Look with --dry-run, then add --yes."
        )
    say(shown(), file=sys.stderr)
    say("Do this now? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    say("Nothing was done.", file=sys.stderr)
    return False
