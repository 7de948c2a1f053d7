"""What a library follows: its roots, the files below them, and the sources that were taken out and stay out."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path

from index.errors import FileError, InputError, NoIndex
from index.files import Found, find_files, writable
from index.generation import Generation, Manifest, Root
from index.types import Notice
from index.walk import UPLOADS, comes_by, is_text, is_there, with_home

SHOWN = 3  # links of a folder that are named


def resolve_roots(home: Path, before: Manifest | None, paths: Sequence[Path],
                  ) -> tuple[tuple[Root, ...], tuple[Root, ...], tuple[str, ...]]:
    """All roots, those to look through now, and the sources that the user took out and that stay out.

    A path below a root is looked through under that root's name; one around roots takes their place. What was taken out comes
    back when it is named itself, or something in it, or the file that holds it; not when a folder above it is.
    """
    roots = _Roots(before.roots if before else ())
    excluded = list(before.excluded) if before else []
    for path in paths:
        absolute = absolute_path(path)
        if not is_there(absolute):
            raise InputError(f"there is no file or folder {path}", "Check the path")
        if absolute.resolve() == home.resolve():
            raise InputError(f"{path} is the index itself", "Name the files to index")
        if any(is_own(place, spellings(home)) for place in (absolute, absolute.resolve())):
            raise InputError(f"{path} lies in {home}, where the index itself is",
                             "Keep the index elsewhere (--home), or the files to index")
        if not is_text(absolute):
            raise InputError(f"the name {writable(str(absolute))} is not valid text", "Rename it, or the folder above it")
        if not roots.leading_to(absolute):
            renamed = roots.join(absolute)
            excluded = [next((new + source.removeprefix(old) for old, new in renamed.items() if is_below(source, old)), source)
                        for source in excluded]
    scan = [Root(str(path), _source(root, path)) for path in map(absolute_path, paths) for root in roots.leading_to(path)]
    excluded = [source for source in excluded if not any(_brings_back(root.name, source) for root in scan)]
    followed = tuple(roots.by_path.values())
    if not paths and not followed:
        raise NoIndex(f"nothing is indexed in {home} yet", "Index your files with: pullquote index PATH")
    return followed, tuple(scan) if paths else followed, tuple(excluded)


class _Roots:
    """Roots, in the order in which they joined. A glob may be as many as there are files, so none asks each of the others."""

    def __init__(self, roots: Iterable[Root]) -> None:
        self._fill(roots)

    def _fill(self, roots: Iterable[Root]) -> None:
        self.by_path: dict[str, Root] = {}
        self._order: dict[str, int] = {}
        self._around: set[str] = set()  # folders that a root is in
        self._names: set[str] = set()
        self._heads: set[str] = set()  # what a name begins with
        for root in roots:
            self._put(root)

    def _put(self, root: Root) -> None:
        self.by_path[root.path] = root
        self._order[root.path] = len(self._order)
        self._around |= set(map(str, Path(root.path).parents))
        self._names.add(root.name)
        self._heads |= set(_above(root.name))

    def leading_to(self, path: Path) -> list[Root]:
        """Those whose walks come by the path."""
        leading = [place for place in map(str, (path, *path.parents)) if place in self.by_path and comes_by(Path(place), path)]
        return [self.by_path[place] for place in sorted(leading, key=self._order.__getitem__)]

    def join(self, path: Path) -> dict[str, str]:
        """Make the path a root, in the place of those that its walk comes by: their names, with what they are from now on."""
        within = []
        if str(path) in self._around:
            within = [root for root in self.by_path.values() if comes_by(path, Path(root.path))]
            gone = {root.path for root in within}
            self._fill([root for root in self.by_path.values() if root.path not in gone])
        root = Root(str(path), self._free_name(path))
        self._put(root)
        return {old.name: _source(root, Path(old.path)) for old in within}

    def _free_name(self, path: Path) -> str:
        """The path's last part, or as many more as it takes to be neither another root's name nor one within it."""
        parts = [part for part in path.parts if part != path.anchor] or [path.anchor]
        names = chain(("/".join(parts[-number:]) for number in range(1, len(parts) + 1)),
                      (f"{parts[-1]} ({number})" for number in count(2)))
        return next(name for name in names if name not in self._heads and not is_below_any(name, self._names))


def _source(root: Root, path: Path) -> str:
    """How the source of a path within a root begins."""
    return Path(root.name, path.relative_to(root.path)).as_posix()


def _brings_back(named: str, source: str) -> bool:
    """Whether naming `named` takes in again what was taken out as `source`."""
    return is_below(named, source) or source.startswith(f"{named}#")


def spellings(home: Path) -> tuple[Path, Path]:
    """The home as it is named, and where its links lead."""
    return absolute_path(home), home.resolve()


def is_own(path: Path | str, homes: Iterable[Path]) -> bool:
    """Whether a path is the index's own: all in a home, by any of its `spellings`, but the uploads, which are documents."""
    there = f"{path}/"  # as text: this is asked of every file
    return any(there.startswith(f"{home}/") and not there.startswith(f"{home / UPLOADS}/") for home in homes)


def absolute_path(path: Path) -> Path:
    """Without `..` and `~`; links stay as they are."""
    return Path(os.path.abspath(with_home(path)))  # noqa: PTH100 (Path.absolute keeps `..`, resolve follows links)


def without_deleted_files(before: Generation | None, roots: tuple[Root, ...], scan: tuple[Root, ...],
                          ) -> tuple[tuple[Root, ...], tuple[Root, ...]]:
    """Leave out roots that are gone, unless files were below: a folder that is gone may be on a disk that is not there."""
    if not before:
        return roots, scan
    folders = {str(folder) for record in before.catalog.files for folder in Path(record.path).parents}
    deleted = {root.path for root in roots
               if root.path not in folders and not is_there(root.path) and Path(root.path).parent.is_dir()}
    return (tuple(root for root in roots if root.path not in deleted),
            tuple(root for root in scan if root.path not in deleted))


def find_in_roots(home: Path, roots: Sequence[Root], scan: Sequence[Root], excluded: Sequence[str],
                  skipped: list[FileError], notices: list[Notice]) -> Iterator[Found]:
    """The files below the roots to look through, the home's own left out; what cannot be looked at is noted in `skipped`,
    and in `notices` what of a folder is passed over.
    """
    seen: set[str] = set()
    homes = spellings(home)
    paths = {root.name: Path(root.path) for root in roots}
    for root in scan:
        top = next(paths[name] for name in _above(root.name) if name in paths)
        near = [path for path in homes if path.is_relative_to(root.path) or Path(root.path).is_relative_to(path)]
        passed: list[str] = []
        for found in find_files(Path(root.path), root.name, top, passed):
            if isinstance(found, FileError):
                skipped.append(found)
                continue
            if near and is_own(found.path, near):
                continue
            if found.path not in seen and not any(is_below(found.source, name) for name in excluded):
                seen.add(found.path)
                yield found
        links = sorted(source for source in passed if not any(is_below(source, name) for name in excluded))
        notices += [_of_links(root.name, links)] if links else []


def _of_links(name: str, links: Sequence[str]) -> Notice:
    """What is said of a folder with links: its source ends with a slash, which no document's does."""
    shown = [link.removeprefix(f"{name}/") for link in links[:SHOWN]]
    shown += [f"{len(links) - SHOWN} more"] if len(links) > SHOWN else []
    what = ("a symbolic link or special file in it is" if len(links) == 1
            else f"{len(links)} symbolic links or special files in it are")
    return Notice(f"{name}/", f"{what} left out: {', '.join(shown)} (name a link itself, to have it followed)")


def is_of_folder(notice: Notice, roots: Iterable[Root]) -> bool:
    """Whether a notice is of a folder, one of the `roots` or below one."""
    return notice.source.endswith("/") and any(is_below(notice.source[:-1], root.name) for root in roots)


def is_below(source: str, name: str) -> bool:
    """Whether `source` is `name`, a file in it, or a document in that file."""
    return source == name or source.startswith((f"{name}/", f"{name}#"))


def is_below_any(source: str, names: Container[str]) -> bool:
    """Whether `source` is below one of the names, of which there may be many."""
    return any(name in names for name in _above(source))


def _above(source: str) -> Iterator[str]:
    """All that a source is below, the nearest first: itself, and what stands before each / and # in it."""
    yield source
    for at in range(len(source) - 1, 0, -1):
        if source[at] in "/#":
            yield source[:at]
