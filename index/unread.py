"""What of the files that a library follows is not in it, kept in the home from run to run, for `pullquote status`.

It is only told, never relied on: a file that is missing or damaged is as if there were none, and one that cannot be written
stops nothing. It names no file that the library no longer follows, nor an upload that did not go in, and is not there at all
where there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from index.errors import FileError
from index.files import writable
from index.generation import Generation, Root
from index.roots import absolute_path, is_below, is_of_folder
from index.types import Notice
from index.walk import UPLOADS

FILE = "unread.json"
SCHEMA = 1
MOST = 1000  # files, and notices, that are named; the others are counted
LONGEST = 1000  # characters of a name, a reason or a remedy
_LARGEST = 50_000_000  # bytes: more than so many can take


@dataclass(frozen=True, slots=True)
class Unread:
    """Files that could not be read when they were last looked at, and notices of those that were read, but not whole.

    `more_skipped` and `more_notices` say how many there are beyond those.
    """

    skipped: tuple[FileError, ...] = ()
    notices: tuple[Notice, ...] = ()
    more_skipped: int = 0
    more_notices: int = 0


def told(home: Path, store: Generation) -> Unread:
    """What was kept last, without files that this generation does not follow and documents that it does not hold."""
    kept = _load(home)
    sources, roots = store.catalog.names() if kept.notices else set(), store.manifest.roots
    return replace(kept, skipped=followed(home, kept.skipped, store.manifest.roots, store.manifest.excluded),
                   notices=tuple(notice for notice in kept.notices if notice.source in sources or is_of_folder(notice, roots)))


def _load(home: Path) -> Unread:
    path = home / FILE
    try:
        if path.stat().st_size > _LARGEST:
            return Unread()
        kept = orjson.loads(path.read_bytes())
        if kept["schema"] != SCHEMA:
            return Unread()
        return Unread(tuple(FileError(str(one["source"]), str(one["reason"]), str(one["remedy"])) for one in kept["skipped"]),
                      tuple(Notice(str(one["source"]), str(one["message"])) for one in kept["notices"]),
                      int(kept["more_skipped"]), int(kept["more_notices"]))
    except (OSError, ValueError, LookupError, TypeError):
        return Unread()


def keep(home: Path, unread: Unread) -> None:
    """Replace what was kept."""
    skipped, notices = unread.skipped[:MOST], unread.notices[:MOST]
    path, temporary = home / FILE, home / f".{FILE}.tmp"
    try:
        if skipped or notices:
            temporary.write_bytes(orjson.dumps({
                "schema": SCHEMA,
                "skipped": [{"source": _cut(error.source), "reason": _cut(error.message), "remedy": _cut(error.remedy)}
                            for error in skipped],
                "notices": [{"source": _cut(notice.source), "message": _cut(notice.message)} for notice in notices],
                "more_skipped": unread.more_skipped + len(unread.skipped) - len(skipped),
                "more_notices": unread.more_notices + len(unread.notices) - len(notices)}, option=orjson.OPT_INDENT_2))
            temporary.replace(path)
            return
    except OSError:
        pass  # then rather none than one that names what is gone
    for left in (temporary, path):
        with suppress(OSError):
            left.unlink(missing_ok=True)


def followed(home: Path, skipped: Iterable[FileError], roots: Iterable[Root], excluded: Iterable[str]) -> tuple[FileError, ...]:
    """Those that are below what a library follows, and neither taken out nor below the uploads."""
    uploads = absolute_path(home / UPLOADS)
    wanted = [root for root in roots if not Path(root.path).is_relative_to(uploads)]

    def is_wanted(source: str) -> bool:
        return (any(is_below(source, root.name) and not Path(root.path + source.removeprefix(root.name)).is_relative_to(uploads)
                    for root in wanted)
                and not any(is_below(source, out) for out in excluded))

    return tuple(error for error in skipped if is_wanted(error.source))


def renewed(notices: Iterable[Notice], earlier: Iterable[Notice], scan: Sequence[Root], now: Iterable[Notice],
            ) -> tuple[Notice, ...]:
    """Notices of documents, and those of folders: `now` of what was looked through, and the earlier ones of the others."""
    elsewhere = [notice for notice in earlier if notice.source.endswith("/") and not is_of_folder(notice, scan)]
    return (*now, *elsewhere, *(notice for notice in notices if not notice.source.endswith("/")))


def _cut(text: str) -> str:
    text = writable(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
