"""What a library follows: its roots, the files below them, and the sources that were taken out and stay out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from index.errors import FileError, InputError, NoIndex
from index.files import Found, find_files, writable
from index.generation import Generation, Manifest, Root
from index.types import Notice
from index.walk import NOTHING, Ignored, comes_by, ignored_in, is_text

UPLOADS = "uploads"  # all else in a home is the index's own


def resolve_roots(home: Path, before: Manifest | None, paths: Sequence[Path],
                  ) -> tuple[tuple[Root, ...], tuple[Root, ...], tuple[str, ...]]:
    """All roots, those to look through now, and the sources that the user took out and that stay out.

    A path below a root is looked through under that root's name; one around roots takes their place. Where links lead to a
    place by several roots, it is looked through by all of them. What was taken out comes back when it is named itself, or
    something in it, or the file that holds it; not when a folder above it is.
    """
    roots = list(before.roots) if before else []
    named = set(_places(roots))
    excluded = list(before.excluded) if before else []
    for path in paths:
        absolute = absolute_path(path)
        if not absolute.exists():
            raise InputError(f"there is no file or folder {path}", "Check the path")
        if absolute.resolve() == home.resolve():
            raise InputError(f"{path} is the index itself", "Name the files to index")
        if any(is_own(place, spellings(home)) for place in (absolute, absolute.resolve())):
            raise InputError(f"{path} lies in {home}, where the index itself is",
                             "Keep the index elsewhere (--home), or the files to index")
        if not is_text(absolute):
            raise InputError(f"the name {writable(str(absolute))} is not valid text", "Rename it, or the folder above it")
        if not any(_leads_to(home, root.path, absolute, named) for root in roots):
            named.add(real_path(absolute))
            within = [root for root in roots if _leads_to(home, str(absolute), Path(root.path), named)]
            roots = [root for root in roots if root not in within]
            roots.append(Root(str(absolute), _free_name(absolute, [root.name for root in roots])))
            renamed = {root.name: _source(roots[-1], Path(root.path)) for root in within}
            excluded = [next((new + source.removeprefix(old) for old, new in renamed.items() if is_below(source, old)), source)
                        for source in excluded]
    named = set(_places(roots))
    scan = _by_all_ways(home, roots, [Root(str(path), _source(root, path)) for path in map(absolute_path, paths)
                                      for root in roots if _leads_to(home, root.path, path, named)])
    excluded = [source for source in excluded if not any(_brings_back(root.name, source) for root in scan)]
    if not paths and not roots:
        raise NoIndex(f"nothing is indexed in {home} yet", "Index your files with: pullquote index PATH")
    return tuple(roots), tuple(scan if paths else roots), tuple(excluded)


def _by_all_ways(home: Path, roots: Sequence[Root], scan: Sequence[Root]) -> list[Root]:
    """These parts of roots, and those that lead to the same places by links or lie below, in the order of the roots."""
    places = _places(roots)
    wanted = {real_path(Path(part.path)) for part in scan}
    parts = {part.name: part for part in scan}
    for place in wanted:
        for above in (place, *place.parents):
            for root in places.get(above, ()):
                path = Path(root.path, place.relative_to(above))
                if _leads_to(home, root.path, path, places):
                    parts.setdefault(_source(root, path), Root(str(path), _source(root, path)))
    for place, there in places.items():
        if any(above in wanted for above in place.parents):
            parts |= {root.name: root for root in there}
    names = {root.name: number for number, root in enumerate(roots)}
    return sorted(parts.values(), key=lambda part: (names[_root_of(part.name, names)], part.name))


def _places(roots: Iterable[Root]) -> dict[Path, list[Root]]:
    """The roots by where they really are."""
    places: dict[Path, list[Root]] = {}
    for root in roots:
        places.setdefault(real_path(Path(root.path)), []).append(root)
    return places


def _root_of(source: str, names: Collection[str]) -> str:
    """That of the roots' names which a source in them begins with."""
    path = PurePosixPath(source)
    return next(name for name in map(str, (path, *path.parents)) if name in names)


def other_ways(home: Path, leaving: Sequence[Root], staying: Sequence[Root]) -> Callable[[str], Root | None]:
    """What says where, and by what name, a root that stays comes by what is called so in one that leaves."""
    places = _places(staying)

    def way(source: str) -> Root | None:
        left = next((root for root in leaving if is_below(source, root.name)), None)
        place = real_path(Path(left.path + source.removeprefix(left.name))) if left else Path()
        there = [(root, Path(root.path, place.relative_to(above))) for above in (place, *place.parents)
                 for root in places.get(above, ())]
        with suppress(FileError):  # the next run tells it
            return next((Root(str(path), _source(root, path)) for root, path in there
                         if _leads_to(home, root.path, path, places)), None)
        return None

    return way


def _source(root: Root, path: Path) -> str:
    """How the source of a path within a root begins."""
    return Path(root.name, path.relative_to(root.path)).as_posix()


def _brings_back(named: str, source: str) -> bool:
    """Whether naming `named` takes in again what was taken out as `source`."""
    return is_below(named, source) or source.startswith(f"{named}#")


def spellings(home: Path) -> tuple[Path, Path]:
    """The home as it is named, and where its links lead."""
    return absolute_path(home), home.resolve()


def is_own(path: Path, homes: Iterable[Path]) -> bool:
    """Whether a path is the index's own: all in a home, by any of its `spellings`, but the uploads, which are documents."""
    there = f"{path}/"  # as text: this is asked of every file
    return any(there.startswith(f"{home}/") and not there.startswith(f"{home / UPLOADS}/") for home in homes)


def absolute_path(path: Path) -> Path:
    """Without `..` and `~`; links stay as they are."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (Path.absolute keeps `..`, resolve follows links)


def real_path(path: Path) -> Path:
    """Where its links lead, as far as it is there."""
    return Path(os.path.realpath(path))  # Path.resolve raises where they lead in a circle


def _leads_to(home: Path, root: str, path: Path, named: Collection[Path]) -> bool:
    """Whether a walk of the root comes by the path, where these places are named."""
    if not str(path).startswith(root) or not path.is_relative_to(root):  # the quick look first: a glob may be many roots
        return False
    place, below = real_path(Path(root)), path.relative_to(root)
    return not below.parts or comes_by(place, place / below, _ignored_in(home, place, named, root))


def _ignored_in(home: Path, folder: Path, named: Collection[Path], source: str) -> Ignored:
    """What holds in a folder by the ignore files of the folders above it that are followed. Raises FileError."""
    uploads = real_path(home / UPLOADS)
    sent = uploads in named and folder.is_relative_to(uploads)  # whoever sends a file wants it in
    return ignored_in(folder, [uploads] if sent else named, source)


def without_deleted_files(before: Generation | None, roots: tuple[Root, ...], scan: tuple[Root, ...],
                          ) -> tuple[tuple[Root, ...], tuple[Root, ...]]:
    """Leave out roots that are files and were deleted. (A folder that is gone may be on a disk that is not there.)"""
    files = {record.path for record in before.catalog.files()} if before else set()
    deleted = {root.path for root in roots
               if root.path in files and not Path(root.path).exists() and Path(root.path).parent.is_dir()}
    return (tuple(root for root in roots if root.path not in deleted),
            tuple(root for root in scan if root.path not in deleted))


def _free_name(path: Path, taken: Sequence[str]) -> str:
    """The path's last part, or as many more as it takes to be neither another root's name nor one within it."""
    parts = [part for part in path.parts if part != path.anchor] or [path.anchor]
    names = ["/".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    names += [f"{parts[-1]} ({number})" for number in range(2, len(taken) + 3)]
    return next(name for name in names if not any(is_below(name, other) or is_below(other, name) for other in taken))


def find_in_roots(home: Path, roots: Sequence[Root], scan: Sequence[Root], excluded: Sequence[str],
                  skipped: list[FileError], notices: list[Notice]) -> Iterator[Found]:
    """The files below the roots to look through, the home's own left out. Links may lead to one by several roots: it is found
    once, by the first, and `notices` tell of the others. What cannot be looked at is noted in `skipped`.
    """
    seen: dict[str, str] = {}
    homes, named, names = spellings(home), _places(roots), {root.name for root in roots}
    for part in scan:
        root, place = _root_of(part.name, names), real_path(Path(part.path))
        twice = Counter[str]()
        try:
            ignored = _ignored_in(home, place, named, part.name) if os.path.isdir(place) else NOTHING  # noqa: PTH112
        except FileError as problem:
            skipped.append(problem)
            continue
        for found in find_files(place, part.name, ignored):
            if isinstance(found, FileError):
                skipped.append(found)
            elif (first := seen.get(str(found.path))) is not None:
                twice[first] += 1
            elif not is_own(found.path, homes):
                out = any(is_below(found.source, name) for name in excluded)
                seen[str(found.path)] = "" if out else root
                if not out:
                    as_named = Path(part.path)
                    yield found if as_named == place else replace(found, path=as_named / found.path.relative_to(place))
        notices += [Notice(part.name, _left_out(count, first)) for first, count in twice.items() if first not in ("", root)]


def _left_out(count: int, root: str) -> str:
    return (f"1 file is left out: links lead to it, and it is in the library as {root}" if count == 1 else
            f"{count} files are left out: links lead to them, and they are in the library as {root}")


def is_below(source: str, name: str) -> bool:
    """Whether `source` is `name`, a file in it, or a document in that file."""
    return source == name or source.startswith((f"{name}/", f"{name}#"))
