"""What a walk of a folder leaves out, unless it is named itself: hidden entries and lock files of Office, symbolic links, what
the folder's `.pullquoteignore` files say, and of the home of a library all but the uploads.

The ignore files have the rules of `.gitignore`: each holds for its folder and below, the nearest decides, the last matching
line of a file wins, and nothing can be taken back in below a folder that is left out.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import FileError, InputError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".pullquoteignore"
UPLOADS = "uploads"  # all else in a home is the index's own
LOCK = "~$"  # what the names of files begin with that Office has while a document is open
_HOME = {"CURRENT", "generations"}  # what is in every home, and hardly in another folder
_WILD = "*?["
# Git knows classes and \] between brackets, the library does not.
_BRACKETS = re.compile(r"\[([!^]?)(\]?(?:\[:\w*:\]|\\.|[^\]\\])*)\]")
_CLASS = re.compile(r"\[:(\w*):\]")
_CLASSES = {"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
            "blank": " \t", "space": " \t\r\v\f", "punct": '#-.:-@[-`{-~!"', "graph": '"-~!', "print": " -~",
            "cntrl": "\0-\x1f\x7f"}  # none begins with "!", for all others, or has a slash, for folders


@dataclass(frozen=True, slots=True)
class Ignored:
    """What the ignore files of a folder and of those above it say, the nearest first."""

    files: tuple[tuple[Path, GitIgnoreSpec], ...] = ()

    def within(self, folder: Path, source: str) -> Ignored:
        """With the folder's own file, if it has one. Raises FileError of the folder's `source` where it cannot be used:
        better to leave out too much than to take in what was meant to stay out.
        """
        file = folder / IGNORE_FILE
        if not os.path.lexists(file):
            return self
        from pathspec import GitIgnoreSpec

        try:
            if not file.is_file():  # opening a pipe would wait for ever
                raise FileError(source, f"its {IGNORE_FILE} is not a regular file, so the folder is left out", "Remove it")
            if b"\0" in (data := file.read_bytes()):  # which is in no name; UTF-16 is full of them
                raise FileError(source, f"its {IGNORE_FILE} is not UTF-8 text, so the folder is left out", "Save it as UTF-8")
            text = os.fsdecode(data).removeprefix("\ufeff")  # names need not be valid text
            # A lone "!" or "!/" is no pattern, but to Git no mistake either.
            lines = (line for line in text.splitlines() if line.rstrip() not in ("!", "!/"))
            spec = GitIgnoreSpec.from_lines(map(_spelled_out, lines))
        except OSError as problem:
            raise FileError(source, f"its {IGNORE_FILE} cannot be read ({problem.strerror}), so the folder is left out",
                            "Give yourself permission to read it, or remove it") from problem
        except (ValueError, re.error) as problem:
            raise FileError(source, f"its {IGNORE_FILE} has a line that is no pattern ({problem}), so the folder is left out",
                            "Correct the line: the rules are those of .gitignore") from problem
        return Ignored(((folder, spec), *self.files))

    def covers(self, path: Path, is_folder: bool) -> bool:
        """Whether the path, which lies below all these folders, is to be left out."""
        for folder, spec in self.files:
            said = spec.check_file(path.relative_to(folder).as_posix() + ("/" if is_folder else "")).include
            if said is not None:
                return said
        return False


def _spelled_out(pattern: str) -> str:
    """A pattern with what its classes stand for, and a bracket as the first of its characters. Raises ValueError for a class
    that is not known.
    """
    if pattern.startswith("#"):
        return pattern

    def members(match: re.Match[str]) -> str:
        if match[1] not in _CLASSES:
            raise ValueError(f"the class {match[0]} is not known")
        return _CLASSES[match[1]]

    def written(brackets: re.Match[str]) -> str:
        inside = brackets[2].replace("\\]", "")
        return f"[{brackets[1]}{']' if inside != brackets[2] else ''}{_CLASS.sub(members, inside)}]"

    return _BRACKETS.sub(written, pattern)


def ignored_in(top: Path, folder: Path, source: str) -> Ignored:
    """What holds in `folder` by the ignore files from `top` down to the folder above it. Raises FileError."""
    ignored = Ignored()
    for above in [path for path in reversed(folder.parents) if path.is_relative_to(top)]:
        ignored = ignored.within(above, source)
    return ignored


def comes_by(top: Path, path: Path) -> bool:
    """Whether a walk of `top` comes by `path`: it is `top`, or lies below it and is not left out. Raises FileError."""
    if not path.is_relative_to(top):
        return False
    ignored, here = Ignored(), top
    for part in path.relative_to(top).parts:
        ignored = ignored.within(here, str(here))
        here = here / part
        # Not Path's own, which raise where one may not look.
        if is_hidden(part) or os.path.islink(here) or ignored.covers(here, os.path.isdir(here)):  # noqa: PTH112, PTH114
            return False
        if part != UPLOADS and all(os.path.lexists(here.with_name(name)) for name in _HOME):
            return False
    return True


def without_own(listing: Iterable[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """What is in a folder, and none of an index's own files: in the home of a library, this or another, only the uploads."""
    entries = list(listing)
    is_home = {entry.name for entry in entries} >= _HOME
    return [entry for entry in entries if entry.name == UPLOADS] if is_home else entries


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name was not made for people to see."""
    return name.startswith((".", LOCK))


def is_there(path: Path | str) -> bool:
    """Whether there is a file or folder at a path, or, where one may not look, may be."""
    try:
        os.stat(path)  # noqa: PTH116 (Path.exists raises where one may not look)
    except OSError as problem:
        return problem.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    return True


def with_home(path: Path) -> Path:
    """With the home folder in the place of `~` or `~NAME`; what begins so and is nobody's home is a name like any."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises for it)


def is_text(path: Path | str) -> bool:
    """Whether a path can be stored and shown: on Linux, names may be any bytes."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def folders(top: Path) -> Iterator[Path]:
    """Every folder that a walk of `top` goes into, itself the first; not those whose names are no valid text."""
    waiting = [(top, Ignored())]
    while waiting:
        folder, ignored = waiting.pop()
        yield folder
        try:
            ignored = ignored.within(folder, str(folder))
            with os.scandir(folder) as listing:
                below = [Path(entry.path) for entry in without_own(listing)
                         if not is_hidden(entry.name) and entry.is_dir(follow_symlinks=False)]
        except (OSError, FileError):  # `find_files` says what is wrong with it
            continue
        waiting += [(path, ignored) for path in below if is_text(path) and not ignored.covers(path, is_folder=True)]


def expand(paths: Sequence[Path]) -> list[Path]:
    """The paths, with the globs among them (`docs/**/*.md`) replaced by what they match, in order.

    A path that exists is never taken for a glob. One matches what a walk would come by from the folder before its first
    wildcard. Raises InputError where one matches nothing, FileError where an ignore file cannot be used.
    """
    return [match for path in paths for match in _matches(with_home(path))]


def _matches(path: Path) -> list[Path]:
    wild = next((number for number, part in enumerate(path.parts) if any(sign in part for sign in _WILD)), None)
    if wild is None or is_there(path):
        return [path]
    base, pattern = Path(*path.parts[:wild]), Path(*path.parts[wild:])
    try:
        matches = sorted(match for match in base.glob(str(pattern)) if comes_by(base, match))
    except ValueError as problem:  # `**` beside other signs
        raise InputError(f"{path} is no pattern ({problem})", "Write ** as a whole part of the path") from problem
    if not matches:
        raise InputError(f"nothing matches {path}", "Check the pattern; hidden, linked and ignored files must be named in full")
    return matches
