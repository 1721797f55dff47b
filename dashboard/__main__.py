"""Start the dashboard: `python -m dashboard [--workspace FOLDER] [--host ADDRESS] [--port PORT]`.

`triptych run` is the same thing with the rest of the command line beside it.
"""

import argparse
import sys
from pathlib import Path

from core.errors import TriptychError
from core.settings import Settings
from dashboard.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; 0 when it ended in order, 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description="Serve the Triptych dashboard.")
    parser.add_argument("--workspace", type=Path, help="the folder that holds all state (TRIPTYCH_HOME)")
    parser.add_argument("--host", help="the address to listen on; this machine only by default (TRIPTYCH_HOST)")
    parser.add_argument("--port", type=int, help="the port to listen on, 8501 by default (TRIPTYCH_PORT)")
    given = parser.parse_args(arguments)
    try:
        serve(Settings.load(given.workspace, given.host, given.port))
    except TriptychError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
