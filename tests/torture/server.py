"""The real server with hands: `python -m tests.torture.server HOME PORT`.

Pages, routes, dispatcher, sandbox and trainer are those of `dashboard.server`; only the base model is the scripted
one, so that an answer takes a tenth of a second. Acts come in as JSON lines and are acknowledged as JSON lines, three
at a time, as by three people.
"""

import json
import logging
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

PEOPLE = 3


def main(home: Path, port: int) -> None:
    """Serve until killed, or until nobody speaks any more."""
    import uvicorn

    from core.generation.scripted import ScriptedChat
    from core.settings import Settings
    from core.workspace import Workspace
    from dashboard import server

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    settings = Settings.load(home, port=port)
    server.configure(settings)
    with closing(server.listen(settings.host, settings.port)) as listening:
        engine = ScriptedChat(answers=said, pause_s=0.01)
        workspace = Workspace.open(settings, serving=True, given={"engine": engine})
        running = uvicorn.Server(uvicorn.Config(server.create_app(workspace), **server.OPTIONS))
        threading.Thread(target=hands, args=(workspace, running), daemon=True).start()
        running.run(sockets=[listening])


def said(messages: Sequence[BaseMessage]) -> str:
    """What the base model says: the same for the same question."""
    asked = str(messages[-1].content)
    return f"This was asked in {len(asked)} characters, and here are some words that take a moment to write. " * 2


def hands(workspace: Any, running: Any) -> None:
    """Do what the lines say, each in a thread of its own."""
    speaking = threading.Lock()

    def tell(line: dict[str, Any]) -> None:
        with speaking:
            print(json.dumps(line), flush=True)

    with ThreadPoolExecutor(PEOPLE) as people:
        for line in sys.stdin:
            people.submit(do, workspace, json.loads(line), tell)
    running.should_exit = True


def do(workspace: Any, asked: dict[str, Any], tell: Any) -> None:
    """One act; whatever it raises is told too."""
    from core.errors import TriptychError
    from storage.errors import NotFound
    from tests.torture.acts import ACTS

    number = asked["number"]
    try:
        done = ACTS[asked["act"]](workspace, lambda part: tell({"number": number, "part": part}), **asked["with"])
        tell({"number": number, "done": done})
    except (TriptychError, NotFound) as error:  # both are one line on a page
        tell({"number": number, "refused": str(error)})
    except Exception as error:
        logging.exception("act %s", asked)
        tell({"number": number, "failed": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
