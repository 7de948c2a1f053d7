"""Generations: immutable index folders, of which `CURRENT` names the one in use.

A new one is written to `.tmp-build`, synced, renamed into place, and only then named in `CURRENT`, which is itself replaced
atomically. A crash at any byte leaves the old generation in use.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import orjson
from blake3 import blake3

from index.catalog import Catalog
from index.chunks import Chunking
from index.errors import Busy, Corrupt, FormatVersion, HomeError, NoIndex
from index.lexical import Lexical
from index.recent import Recent
from index.store import Hit, Places, SourceInfo, Vector
from index.types import Chunk, Document
from index.vectors import CELLS, Vectors

FORMAT = 8
MANIFEST, COPY = "manifest.json", "manifest-copy.json"  # the copy tells a rebuild what was followed, where it is all there is
PLACES = "places.u32"
KEPT = 3  # generations that prune leaves: the one in use and those before it
_ID = re.compile(r"\d{6,}-[0-9a-f]{8}")
_READ_AT_ONCE = 1 << 20  # bytes
_IN_MEMORY = 20_000_000  # characters of documents that were looked at last; one with more stays alone


@dataclass(frozen=True, slots=True)
class Root:
    """A file or folder that the library follows; `name` is how the sources below it begin."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of, and the BLAKE3 of every file in it.

    `vectors` is how they are searched. `ocr` names the languages in which pages without text are read by OCR; empty where
    they are not.
    """

    id: str
    parent: str
    created: str
    encoder: str
    revision: str
    dimension: int
    vectors: str
    chunking: Chunking
    documents: int
    chunks: int
    tokens: int
    roots: tuple[Root, ...]
    excluded: tuple[str, ...]
    files: dict[str, str]
    ocr: str = ""

    def json(self) -> bytes:
        """The manifest file."""
        fields = {"format": FORMAT, **asdict(self)}
        return orjson.dumps({**fields, "sha256": _digest(fields)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def parse(cls, data: bytes, where: str) -> Manifest:
        """Read a manifest file. Raises FormatVersion or Corrupt."""
        try:
            fields: dict[str, Any] = orjson.loads(data)
            if fields.pop("sha256") != _digest(fields):
                raise Corrupt(f"the manifest of {where} is damaged", _MEND_UNKNOWN)
            version = fields.pop("format")
            if version != FORMAT:
                raise FormatVersion(f"the index at {where} has format {version}; this Pullquote reads format {FORMAT}",
                                    "Index again with: pullquote index --rebuild PATH…")
            fields["chunking"] = Chunking(**fields["chunking"])
            fields["roots"] = tuple(Root(**root) for root in fields["roots"])
            fields["excluded"] = tuple(fields["excluded"])
            return cls(**fields)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise Corrupt(f"the manifest of {where} is damaged", _MEND_UNKNOWN) from error


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()


_MEND = "Go back with: pullquote rollback, or index again with: pullquote index --rebuild"
_MEND_UNKNOWN = f"{_MEND} PATH…"  # where it cannot be told any more which files are indexed


class Generation:
    """The local PassageStore: one opened generation folder. Raises Corrupt where a file's checksum does not match."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        if not _is_copied(folder):
            raise Corrupt(f"the manifest of {folder.name} and its copy {COPY} differ", _MEND)
        damaged = sorted(self.manifest.files.items() - checksums(folder, self.manifest.files).items())
        if damaged:
            raise Corrupt(f"the file {damaged[0][0]} of the index generation {folder.name} is damaged or missing", _MEND)
        try:
            self.places: Places = np.fromfile(folder / PLACES, dtype=np.uint32)
            self.catalog = Catalog(folder / "catalog.sqlite")
            self.vectors = Vectors(folder, self.manifest.dimension, self.manifest.vectors, self.places)
            self._lexical = Lexical(folder / "lexical", self.places)
        except (OSError, sqlite3.Error, RuntimeError, ValueError) as error:  # each library has its own
            raise Corrupt(f"the index generation {folder.name} cannot be opened ({error})", _MEND) from error
        self._document = Recent(self.catalog.document, _weight, _IN_MEMORY)

    @property
    def generation(self) -> str:
        """The generation's id."""
        return self.manifest.id

    def dense(self, vector: Vector, k: int) -> list[Hit]:
        """The `k` nearest chunks by inner product."""
        return self._hits(self.vectors.search(vector, k))

    def lexical(self, question: str, k: int) -> list[Hit]:
        """The `k` best chunks by BM25."""
        return self._hits(self._lexical.search(question, k))

    def similarities(self, vector: Vector, chunk_ids: Sequence[str]) -> list[float]:
        """The inner product of `vector` with each chunk's vector."""
        scores: list[float] = (self.vectors.take(self.catalog.rows(chunk_ids)) @ vector).tolist()
        return scores

    def chunks(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The chunks, in the order given."""
        return self.catalog.chunks(chunk_ids)

    def document(self, document_id: str) -> Document:
        """A document, or a copy of one, with its text."""
        original, source, title, modified = self.catalog.original(document_id)
        document = self._document(original)  # one text in memory, however many places it has
        return document if original == document_id else replace(
            document, id=document_id, source=source, title=title, modified=modified, also=())

    def sources(self) -> list[SourceInfo]:
        """Every document of the library and every copy, by source."""
        return list(self._sources)

    @cached_property
    def _sources(self) -> list[SourceInfo]:
        return self.catalog.sources()  # SQLite counts every chunk for it

    def close(self) -> None:
        """Close the catalog; vectors and terms go with the object."""
        self.catalog.close()

    def _hits(self, rows: list[tuple[int, float]]) -> list[Hit]:
        ids = self.catalog.ids([row for row, _ in rows])
        return [Hit(id, score) for id, (_, score) in zip(ids, rows, strict=True)]


def generations(home: Path) -> list[str]:
    """The ids of the generations on disk, oldest first."""
    folder = home / "generations"
    return sorted(p.name for p in folder.iterdir() if _ID.fullmatch(p.name)) if folder.is_dir() else []


def current_id(home: Path) -> str:
    """The id of the generation in use. Raises NoIndex."""
    try:
        id = (home / "CURRENT").read_text("utf-8", "replace").strip()
        if not _ID.fullmatch(id):
            raise Corrupt(f"{home / 'CURRENT'} does not name a generation", _MEND)
        return id
    except FileNotFoundError:
        raise NoIndex(f"nothing is indexed in {home} yet", "Index your files with: pullquote index PATH") from None
    except NotADirectoryError:
        raise HomeError(f"the home {home} is a file", "Name a folder with --home") from None
    except OSError as error:
        raise HomeError(f"the home {home} cannot be read ({error.strerror})", "Check its permissions") from error


def current_manifest(home: Path) -> Manifest:
    """The manifest of the generation in use, nothing else opened or checked. Raises NoIndex, FormatVersion, Corrupt."""
    return read_manifest(home / "generations" / current_id(home))


def open_current(home: Path) -> Generation:
    """Open the generation in use. Raises NoIndex, FormatVersion, Corrupt."""
    while True:
        id = current_id(home)
        folder = home / "generations" / id
        try:
            return Generation(folder)
        except (Corrupt, OSError) as error:
            if current_id(home) != id:  # it was pruned while we opened it, and another is in use
                continue
            if not folder.exists():
                raise Corrupt(f"{home / 'CURRENT'} names the generation {id}, which is not there", _MEND) from error
            raise


def _weight(_: str, document: Document) -> int:
    """A document's size in memory, in characters: text, body where there are pages; a section takes as much as some."""
    paged = any(section.page is not None for section in document.sections)
    return len(document.text) * (2 if paged else 1) + 200 * len(document.sections)


def _is_copied(folder: Path) -> bool:
    try:
        return (folder / COPY).read_bytes() == (folder / MANIFEST).read_bytes()
    except OSError:
        return False


def read_manifest(folder: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of a generation folder."""
    try:
        manifest = Manifest.parse((folder / name).read_bytes(), str(folder))
        if manifest.id != folder.name:
            raise Corrupt(f"the folder {folder} holds the index generation {manifest.id}", _MEND)
        return manifest
    except FileNotFoundError:
        raise Corrupt(f"the index generation {folder.name} has no manifest", _MEND) from None


def remembered(home: Path) -> Manifest | None:
    """The newest manifest, or copy of one, that can still be read, that of the generation in use first; None without any."""
    newest = [home / "generations" / id for id in reversed(generations(home))]
    with contextlib.suppress(HomeError):
        newest.insert(0, home / "generations" / current_id(home))
    for folder in newest:
        for name in (MANIFEST, COPY):
            with contextlib.suppress(HomeError):
                return read_manifest(folder, name)
    return None


def publish(home: Path, folder: Path, manifest: Manifest) -> None:
    """Make a written folder the generation in use: sync, rename, point `CURRENT` at it."""
    for name in (MANIFEST, COPY):
        (folder / name).write_bytes(manifest.json())
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)
    target = home / "generations" / manifest.id
    folder.rename(target)
    _sync(target.parent)
    point(home, manifest.id)


def point(home: Path, id: str) -> None:
    """Replace `CURRENT` atomically."""
    temporary = home / ".CURRENT.tmp"
    temporary.write_text(f"{id}\n", "utf-8")
    _sync(temporary)
    temporary.replace(home / "CURRENT")
    _sync(home)


def prune(home: Path, keep: int = KEPT) -> None:
    """Erase all but the generation in use and the last few it was made from, and what interrupted builds left.

    Only the writer may call this.
    """
    folder = home / "generations"
    in_use = current_id(home)
    kept = [in_use, *islice(_forebears(home, in_use), keep - 1)]  # those that a rollback would go to
    for id in generations(home):
        if id not in kept:  # away at once, so that whoever is about to open it never meets a part of it
            (folder / id).rename(folder / f".tmp-{id}")
    for leftover in folder.glob(".tmp-*"):
        shutil.rmtree(leftover)
    (home / ".CURRENT.tmp").unlink(missing_ok=True)


def rollback(home: Path) -> Manifest:
    """Go back to the nearest whole generation that the one in use was made from. Raises NoIndex where there is none.

    Where `CURRENT` is damaged, that is the newest whole one.
    """
    with writing(home):
        there = generations(home)
        try:
            here = current_id(home)
        except Corrupt:
            here = ""
        for id in _forebears(home, here) if here in there else reversed(there):  # a damaged CURRENT names none
            try:
                earlier = Generation(home / "generations" / id)
            except HomeError:
                continue
            earlier.close()
            point(home, id)
            return earlier.manifest
        raise NoIndex(f"there is no whole generation {f'before {here}' if here else 'left'}",
                      "The one in use stays" if _is_whole(home, here) else "Index again with: pullquote index --rebuild")


def _is_whole(home: Path, id: str) -> bool:
    try:
        Generation(home / "generations" / id).close()
    except (HomeError, OSError):
        return False
    return True


def _forebears(home: Path, id: str) -> Iterator[str]:
    """The generations that this one descends from; where a manifest is damaged, all that are older."""
    while True:
        try:
            parent = read_manifest(home / "generations" / id).parent
        except HomeError:
            yield from reversed([older for older in generations(home) if older < id])
            return
        if not parent:
            return
        yield parent
        id = parent


@contextlib.contextmanager
def writing(home: Path) -> Iterator[None]:
    """Hold the home's one write lock. Raises Busy at once, naming the holder's pid, where another process writes."""
    pid = home / "lock.pid"
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "generations").mkdir(exist_ok=True)
        lock = filelock.FileLock(home / "lock", timeout=0)
        lock.acquire()
    except filelock.Timeout:
        holder = pid.read_text("utf-8").strip() if pid.is_file() else "unknown"
        raise Busy(f"another process (pid {holder}) is writing to {home}", "Wait until it has finished") from None
    except OSError as error:
        raise _not_writable(home, error) from error
    try:
        try:
            pid.write_text(str(os.getpid()), "utf-8")
        except OSError as error:
            raise _not_writable(home, error) from error
        yield
    finally:
        with contextlib.suppress(OSError):
            pid.unlink(missing_ok=True)
        lock.release()


def _not_writable(home: Path, error: OSError) -> HomeError:
    return HomeError(f"the home {home} cannot be written to ({error.strerror})",
                     "Choose another with --home, make room, or mend its permissions")


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The BLAKE3 of those of the files that are there, in hexadecimal; two at a time, since large ones take longest.

    Not SHA-256, which holds up opening a large library for seconds on processors without instructions for it.
    """
    there = [name for name in names if (folder / name).is_file()]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(there, pool.map(lambda name: _blake3(folder / name), there), strict=True))


def _blake3(path: Path) -> str:
    digest = blake3()
    with path.open("rb") as file:
        while block := file.read(_READ_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def copy(generation: Generation, folder: Path) -> None:
    """Copy what can be added to: catalog, terms and vectors. Nothing is shared, so that damage to one is not to both."""
    for name in generation.manifest.files:
        if name not in (PLACES, CELLS):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(generation.folder / name, folder / name)


def contents(folder: Path) -> list[str]:
    """Every file below a generation folder but its manifests and tantivy's empty lock files."""
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in (MANIFEST, COPY) and not path.name.endswith(".lock")]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
