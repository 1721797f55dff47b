"""Trains the adapters that serve again by themselves: every so many days, or once enough of the documents changed.

    the clock -> is anything due? -> a finetune job with the recipe of the adapter that serves (by "schedule")

What is due follows from rows alone, so restarts change nothing: when the newest adapter of a kind learned, what the
documents were then, and which trainings are open or failed. One training a corpus is open at a time; the gate decides
about its adapter as about any other. Knows nothing of how training is done.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core.errors import BadInput, NotFound, TriptychError
from core.finetuning import registry, tuning
from core.finetuning.recipe import KINDS, Kind
from core.tracing import where
from storage import audit
from storage.errors import NotFound as NoRow
from storage.rows import AdapterRow, AssistantRow, JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
LOOK_S = 60.0
BY = "schedule"
AFTER_FAILING = timedelta(days=1)
"""How long a training that failed or was cancelled is left alone before it is tried again."""
DAYS_AT_MOST = 365


@dataclass(frozen=True, slots=True)
class Due:
    """A kind whose adapter is to be trained again, with the one that serves, and why."""

    kind: Kind
    serving: AdapterRow
    why: str


class Retraining:
    """`start` and `stop` once each."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="retraining", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                look_after(self._ws, datetime.now(UTC))
            except Exception as error:  # noqa: BLE001  it may be over at the next look
                log.error("what is to be trained again could not be found out; trying again: %s", where(error))


def choose(ws: "Workspace", corpus_id: int, days: int, share: int) -> AssistantRow:
    """Have a corpus's adapters trained again every `days`, and once `share` percent of documents changed; 0 is off.

    Raises:
        BadInput: a number makes no sense. NotFound: the corpus is gone.
    """
    if not 0 <= days <= DAYS_AT_MOST or not 0 <= share <= 100:
        raise BadInput(f"Give 0 to {DAYS_AT_MOST} days, and 0 to 100 percent.", "0 switches it off.")
    try:
        return ws.assistants.choose_retraining(corpus_id, days, share)
    except NoRow as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error


def look_after(ws: "Workspace", now: datetime) -> list[JobRow]:
    """Queue what is due now, one training a corpus; returns the jobs."""
    begun = []
    for chosen in ws.assistants.list():
        if not (chosen.retrain_days or chosen.retrain_share) or tuning.open_jobs(ws, chosen.corpus_id):
            continue
        found = due(ws, chosen, now)
        if not found:
            continue
        try:
            with audit.acting(BY):
                begun.append(_begun(ws, found[0]))
        except TriptychError as error:
            log.warning("corpus %d is due (%s), but training cannot begin: %s", chosen.corpus_id, found[0].why, error)
    return begun


def due(ws: "Workspace", chosen: AssistantRow, now: datetime) -> list[Due]:
    """The kinds of a corpus's adapters that are to be trained again."""
    found = []
    for kind in KINDS:
        serving = ws.adapters.promoted(chosen.corpus_id, kind)
        if serving is None:
            continue
        of_kind = [row for row in ws.adapters.list(chosen.corpus_id) if row.kind == kind]
        if _failed_lately(of_kind, now):
            continue
        learned = next(row for row in of_kind if row.status != "failed" and row.id >= serving.id)
        if why := _why(ws, chosen, learned, now):
            found.append(Due(kind, serving, why))
    return found


def _why(ws: "Workspace", chosen: AssistantRow, learned: AdapterRow, now: datetime) -> str:
    """Why it is time, "" when it is not; the newest adapter counts, whether it serves or lost before the gate."""
    age = now - (learned.trained_at or learned.created_at)
    if chosen.retrain_days and age >= timedelta(days=chosen.retrain_days):
        return f"{age.days} days since the last training"
    share = registry.staleness(ws, learned).share
    if chosen.retrain_share and 100 * share >= chosen.retrain_share:
        return f"{100 * share:.0f} % of the documents changed"
    return ""


def _failed_lately(of_kind: list[AdapterRow], now: datetime) -> bool:
    return bool(of_kind) and of_kind[0].status == "failed" and now - of_kind[0].created_at < AFTER_FAILING


def _begun(ws: "Workspace", found: Due) -> JobRow:
    recipe = {} if found.serving.result.get("imported") else found.serving.recipe  # a stranger's is not known
    log.info("training %s of corpus %d again: %s", found.kind, found.serving.corpus_id, found.why)
    return tuning.start(ws, found.serving.corpus_id, (found.kind,), "balanced", recipe, by=BY)
