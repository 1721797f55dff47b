"""What the file system tells of watched folders. Where it tells nothing (network shares), the clock has to do."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler

from core.sync.naming import is_hidden

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

log = logging.getLogger(__name__)
CHANGES = ("created", "modified", "moved", "deleted", "closed")


class Events:
    """Follows folders; calls `happened` with a source's id, from a thread of its own, when something changed there."""

    def __init__(self, happened: Callable[[int], None]) -> None:
        self._happened = happened
        self._observer: BaseObserver | None = None
        self._watched: dict[int, tuple[str, ObservedWatch | None]] = {}

    def follow(self, folders: Mapping[int, str]) -> None:
        """Follow exactly these folders, by source id; one that went away and came back is followed anew."""
        for source_id, (path, watch) in list(self._watched.items()):
            if folders.get(source_id) != path or (watch is not None) != os.path.isdir(path):
                self._leave(source_id)
        for source_id, path in folders.items():
            if source_id not in self._watched:
                self._watched[source_id] = (path, self._watch(source_id, path))

    def sees(self, source_id: int) -> bool:
        """Whether a source's folder is followed."""
        return self._watched.get(source_id, ("", None))[1] is not None

    def close(self) -> None:
        """Follow nothing any more."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer, self._watched = None, {}

    def _watch(self, source_id: int, path: str) -> "ObservedWatch | None":
        from watchdog.observers import Observer

        if not os.path.isdir(path):
            return None
        if self._observer is None:
            self._observer = Observer()
            self._observer.daemon = True
            self._observer.start()
        try:
            return self._observer.schedule(_Handler(source_id, path, self._happened), path, recursive=True)
        except OSError as error:  # the kernel's limit of watches, or no right to list it
            log.debug("no events from %s (%s); it is looked at by the clock", path, error)
            return None

    def _leave(self, source_id: int) -> None:
        _, watch = self._watched.pop(source_id)
        if watch is not None and self._observer is not None:
            try:
                self._observer.unschedule(watch)
            except (KeyError, OSError):
                log.debug("source %d was not followed any more", source_id)


class _Handler(FileSystemEventHandler):
    """Passes on what concerns documents."""

    def __init__(self, source_id: int, root: str, happened: Callable[[int], None]) -> None:
        self._source_id, self._root, self._happened = source_id, PurePath(root), happened

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by the observer's thread."""
        if event.event_type not in CHANGES or (event.is_directory and event.event_type == "modified"):
            return
        paths = [path for path in (str(event.src_path), str(event.dest_path or "")) if path]
        if any(self._concerns(PurePath(path)) for path in paths):
            self._happened(self._source_id)

    def _concerns(self, path: PurePath) -> bool:
        steps = path.relative_to(self._root).parts if path.is_relative_to(self._root) else path.parts
        return not any(is_hidden(step) for step in steps)
