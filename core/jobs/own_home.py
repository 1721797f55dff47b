"""The folder that a job has on a machine of the cluster: what came along with it is there, and goes when it ends.

Base models as an engine reads them are kept for the next job, beside it. A process that was killed leaves its folder,
which the next job there takes away. Knows nothing of Ray.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.evaluation.elsewhere import Carried
from core.folders import write_files
from core.repair import alive

MODELS = "models"
OWN = "job-"


@contextmanager
def home_with(kept: Path, carried: Carried) -> Iterator[Path]:
    """A workspace's folder for one job: `kept` itself where nothing came along.

    Args:
        kept: this machine's folder for all jobs.
        carried: adapters; they are put where a workspace looks for them.
    """
    kept.mkdir(parents=True, exist_ok=True)
    _sweep(kept)
    if not carried:
        yield kept
        return
    (kept / MODELS).mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"{OWN}{os.getpid()}-", dir=kept))
    try:
        (home / MODELS).symlink_to(kept / MODELS)
        for name, files in carried.items():
            folder = home / "adapters" / name / "adapter"
            folder.mkdir(parents=True)
            write_files(folder, files)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _sweep(kept: Path) -> None:
    """Take away what processes left that are gone."""
    for folder in kept.glob(f"{OWN}*-*"):
        if not alive(int(folder.name.split("-")[1])):
            shutil.rmtree(folder, ignore_errors=True)
