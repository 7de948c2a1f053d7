"""Keep a library in step with its files as they change. The system says when they do; nothing is looked at meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.build import Listener, Progress, Report
from index.errors import FileError, HomeError, PullquoteError
from index.generation import remembered
from index.roots import is_own, spellings
from index.walk import IGNORE_FILE, comes_by, folders, is_text

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

# Milliseconds.
QUIET = 300  # without a further change: then a burst of them is over
LONGEST = 2000  # that a burst is waited for
AGAIN = 5000  # between looks at what no system tells: a root that was away, a library that another process was writing to

Sync = Callable[[Sequence[Path], Listener], Report]


class _Stopped(Exception):
    pass


def follow(home: Path, paths: Sequence[Path], sync: Sync, stop: threading.Event) -> Iterator[Report | PullquoteError]:
    """Run `sync` on `paths`, and again without any whenever a file below the library's roots has changed, until `stop`.

    Yields the first report, then what is news: reports of syncs that changed something, with those of their errors that
    were not told yet, and errors that stopped a sync (it is tried again). An error in the first sync is raised. `stop`
    ends a sync that is under way at its next sign of progress; the index then stays as it was.
    """
    def go_on(step: Progress) -> None:
        if stop.is_set() and step.stage != "writing":
            raise _Stopped

    first, told = True, set[str]()
    while not stop.is_set():
        joining = paths if first else ()
        watched = _places(home, joining)
        try:
            notifier = _notifier(watched)
        except FileNotFoundError:  # gone since we looked
            continue
        with notifier:  # before the sync, so that no change falls between
            if _places(home, joining) - watched:
                continue  # a folder came while we began to listen
            failed = False
            try:
                report = sync(joining, go_on)
                new = tuple(error for error in report.skipped if str(error) not in told)
                told = {str(error) for error in report.skipped}
                if first or new or report.added or report.updated or report.removed:
                    yield replace(report, skipped=new)
            except _Stopped:
                return
            except PullquoteError as error:
                if first:
                    raise
                failed = True
                if str(error) not in told:
                    told.add(str(error))
                    yield error
            first = False
            _wait(notifier, home, watched, failed, stop)


def _wait(notifier: RustNotify, home: Path, watched: set[str], failed: bool, stop: threading.Event) -> None:
    """Until there is something to do."""
    from watchfiles._rust_notify import WatchfilesRustInternalError

    while not stop.is_set():
        try:
            news = notifier.watch(LONGEST, QUIET, AGAIN, stop)
        except WatchfilesRustInternalError:  # something changed whose name is no valid text; it will tell nothing more
            stop.wait(LONGEST / 1000)
            return
        if isinstance(news, set):
            roots = _roots(home)
            if any(_concerns(home, roots, Path(path)) for _, path in news):
                return
        elif news != "timeout" or failed or any(str(root) not in watched for root in _roots(home) if _is_seen(root)):
            return


def _is_seen(path: Path) -> bool:
    """Whether something is at a path, and one may look there."""
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where one may not look)


def _roots(home: Path) -> list[Path]:
    manifest = remembered(home)
    return [Path(root.path) for root in manifest.roots] if manifest else []


def _places(home: Path, paths: Sequence[Path] = ()) -> set[str]:
    """What to listen to: the folders that walks of the roots and of these paths come by, and the files among them.

    Each by itself, because a watcher that goes down by itself also goes where links lead, be it everywhere.
    """
    tops = {path for path in [*_roots(home), *(path.absolute() for path in paths)] if _is_seen(path) and is_text(path)}
    return {str(place) for top in tops for place in (folders(top) if top.is_dir() else [top])}


def _notifier(paths: set[str]) -> RustNotify:
    from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

    try:
        return RustNotify(sorted(paths), debug=False, force_polling=False, poll_delay_ms=300, recursive=False,
                          ignore_permission_denied=True)
    except FileNotFoundError:
        raise
    except (OSError, WatchfilesRustInternalError) as problem:
        raise HomeError(f"the system does not let the folders be watched ({problem})",
                        "On Linux raise fs.inotify.max_user_watches, or index without --watch") from problem


def _concerns(home: Path, roots: Sequence[Path], path: Path) -> bool:
    """Whether a walk of a root comes by a path that changed, or would if it still were there; not so our own files."""
    if is_own(path, spellings(home)):
        return False
    looked_at = path.parent if path.name == IGNORE_FILE else path
    try:
        # Some systems tell a root as it was named, some where its links lead.
        return any(comes_by(top, looked_at) for root in roots for top in {root, root.resolve()})
    except FileError:
        return True  # the sync will say what is wrong
