"""Where this installation keeps things and how it is reached: read once, then frozen.

Every setting comes from the command line or an environment variable; nothing is read later, so a
page and a job see the same values.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from core.errors import BadInput
from core.jobs import resources


@dataclass(frozen=True, slots=True)
class Settings:
    """Attributes:
    home: the one folder that holds all state.
    database_url: SQLAlchemy URL; SQLite inside `home` unless `TRIPTYCH_DATABASE_URL` says otherwise.
    chroma_url: a Chroma server instead of the one inside this program (TRIPTYCH_CHROMA_URL); "" for none.
    files_url: where uploads are shared with other machines (TRIPTYCH_FILES_URL): a mounted folder, or a URL that
        fsspec knows (s3://...); "" for `home`.
    ray_address: a Ray cluster for the heavy jobs (TRIPTYCH_RAY_ADDRESS); "" for this machine.
    ray_resources: what an index job, a reindex job, an evaluation and a batch of texts to embed each take of that
        cluster, as JSON (TRIPTYCH_RAY_RESOURCES), such as {"index": {"cpus": 2, "memory_mb": 4096}, "embedding":
        {"gpus": 1}}; what is left out takes one CPU, no GPU and no particular memory. Not used for trainings, whose
        workers are counted.
    train_workers: processes of that cluster that train one adapter together (TRIPTYCH_TRAIN_WORKERS), one a GPU where
        it has as many GPUs; with 1 adapters are trained on this machine.
    host, port: where the dashboard listens; this machine only by default.
    """

    home: Path
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8501
    chroma_url: str = ""
    files_url: str = ""
    ray_address: str = ""
    ray_resources: str = ""
    train_workers: int = 1

    @classmethod
    def load(cls, workspace: Path | str | None = None, host: str | None = None, port: int | None = None) -> "Settings":
        """Arguments win over environment variables, which win over the platform's convention.

        Raises:
            BadInput: TRIPTYCH_RAY_RESOURCES, or a number, cannot be used; the message says why.
        """
        chosen = workspace or os.environ.get("TRIPTYCH_HOME") or platformdirs.user_data_path("triptych")
        home = Path(chosen).expanduser().resolve()
        ray_resources = os.environ.get("TRIPTYCH_RAY_RESOURCES", "")
        resources.read(ray_resources)
        return cls(
            home=home,
            database_url=os.environ.get("TRIPTYCH_DATABASE_URL") or f"sqlite:///{home / 'triptych.db'}",
            host=host or os.environ.get("TRIPTYCH_HOST", "127.0.0.1"),
            port=_number("the port (--port, TRIPTYCH_PORT)", port or os.environ.get("TRIPTYCH_PORT") or 8501, 0, 65535),
            chroma_url=os.environ.get("TRIPTYCH_CHROMA_URL", ""),
            files_url=os.environ.get("TRIPTYCH_FILES_URL", ""),
            ray_address=os.environ.get("TRIPTYCH_RAY_ADDRESS", ""),
            ray_resources=ray_resources,
            train_workers=_number("TRIPTYCH_TRAIN_WORKERS", os.environ.get("TRIPTYCH_TRAIN_WORKERS") or 1, 1, 10_000),
        )


def _number(what: str, given: str | int, least: int, most: int) -> int:
    """A whole number from `least` to `most`; raises BadInput."""
    try:
        number = int(given)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        message = f"{what[0].upper()}{what[1:]} cannot be used: {given!r} is not a whole number from {least} to {most}."
        raise BadInput(message, "Correct it, or leave it out.")
    return number
