"""Keep a library in step with its files: read what is new or changed, carry over the rest, publish a new generation."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path, PurePath

from index.cache import EmbeddingCache, keep_only
from index.catalog import Catalog, CatalogWriter, FileRecord
from index.chunks import DEFAULT, Chunking, lexical_text, search_text, split
from index.encoder import Encoder
from index.errors import Empty, EncoderMismatch, FileError, HomeError, InputError, NeedsOcr, NoIndex, NoText
from index.files import Found, title_from
from index.formats.pdf import MEDIA_TYPE as PDF
from index.generation import (
    KEPT,
    PLACES,
    Generation,
    Manifest,
    Root,
    checksums,
    contents,
    copy,
    file_sha256,
    generations,
    open_current,
    prune,
    publish,
    remembered,
    writing,
)
from index.lexical import LexicalWriter
from index.ocr import require
from index.roots import absolute_path, find_in_roots, is_below, is_below_any, resolve_roots, without_deleted_files
from index.sandbox import DEFAULT as LIMITS
from index.sandbox import Limits, Sandbox
from index.types import Chunk, Document, Notice, document_id
from index.unread import Unread, followed, keep, renewed, told
from index.vectors import FLAT_UP_TO, VectorWriter
from index.walk import UPLOADS

_ENCODE_AT_ONCE = 1024  # chunks: enough to sort by length, little enough to hold in memory


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is. `stage` is "reading" (files), "encoding" (chunks met so far) or "writing".

    `page` of `source` is being read by OCR, if one is.
    """

    stage: str
    done: int
    total: int
    source: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did, by source; `encoded` counts the chunks that had to be encoded anew, `copies` the further places of
    documents, which `documents` does not.

    `notices` are of files that went in now, but not whole, and of folders where something was passed over for the first time.
    """

    generation: str
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    skipped: tuple[FileError, ...] = ()
    notices: tuple[Notice, ...] = ()
    documents: int = 0
    copies: int = 0
    chunks: int = 0
    encoded: int = 0
    seconds: float = 0.0


Listener = Callable[[Progress], None]


@dataclass
class _Changes:
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    skipped: list[FileError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def sync(home: Path, paths: Sequence[Path] = (), *, encoder: Encoder, chunking: Chunking = DEFAULT,
         limits: Limits = LIMITS, ocr: str | None = None, rebuild: bool = False, progress: Listener | None = None,
         flat_up_to: int = FLAT_UP_TO) -> Report:
    """Bring the library in `home` up to date and publish the result.

    `paths` (files or folders) join the library and are looked through; without any, everything that it follows already is.
    Files that cannot be read within `limits` are reported and skipped: the version indexed before stays, unless they are
    empty. `ocr` names the languages in which pages without text are read by OCR, from now on; "" ends that, and None leaves
    it as it is. Where it changes, everything that is followed is looked through and all PDFs are read anew. `rebuild` reads
    every file anew and may change encoder or chunking. Up to `flat_up_to` chunks are searched exactly. Raises HomeError,
    InputError or ModelError; the generation in use then stays.
    """
    started = time.perf_counter()
    tell = progress or (lambda _: None)
    with _changing(home):
        before = _previous(home, encoder, chunking, rebuild)
        made = before.manifest if before else remembered(home)
        ocr = made.ocr if made and ocr is None else ocr or ""
        if ocr:
            require(ocr)
        roots, scan, excluded = resolve_roots(home, made, paths)
        if made and ocr != made.ocr:
            scan = roots
        roots, scan = without_deleted_files(before, roots, scan)
        changes = _Changes()
        earlier = told(home, before) if before else Unread()

        def remember(notices: Sequence[Notice]) -> None:
            elsewhere = [error for error in earlier.skipped if not any(is_below(error.source, root.name) for root in scan)]
            keep(home, Unread(followed(home, [*changes.skipped, *elsewhere], roots, excluded),
                              renewed(notices, earlier.notices, scan, passed),
                              0 if scan == roots else earlier.more_skipped, 0 if rebuild else earlier.more_notices))

        passed: list[Notice] = []
        found = {file.source: file for file in find_in_roots(home, roots, scan, excluded, changes.skipped, passed)}
        changes.notices += [notice for notice in passed if notice not in earlier.notices]
        kept = _carried(before, roots, scan, found, changes)
        now, then = _states([*found.values(), *kept.values()]), _states(before.catalog.files if before else ())
        followed_alike = before is not None and (roots, excluded) == (before.manifest.roots, before.manifest.excluded)
        if before and not rebuild and ocr == before.manifest.ocr and now == then and followed_alike:
            changes.skipped += _without_text(before, found)
            remember(earlier.notices)
            return _nothing_new(before, changes, started)
        adds = (before is not None and not rebuild and ocr == before.manifest.ocr
                and then <= now and _only_adds(before, excluded, kept, found, tell))
        # The sandbox first: its worker starts while the build has the encoder loaded.
        with (Sandbox(limits, ocr) as sandbox,
              _build(home, before, encoder, chunking, ocr, flat_up_to, tell, earlier.notices, adds) as build):
            changes.unchanged += len(build.sources)  # of what stays, if it only adds
            files: list[tuple[str, Found | FileRecord]] = sorted([*kept.items(), *found.items()], key=lambda item: item[0])
            for number, (source, file) in enumerate(files, 1):
                if source in build.stays:
                    if isinstance(file, Found) and (known := build.known[file.path]).problem:
                        changes.skipped.append(_no_text(known, source, ocr))
                    continue
                here = Progress("reading", number - 1, len(files), source)
                tell(here)
                if isinstance(file, Found):
                    _take_in(build, sandbox, file, excluded, rebuild, changes, partial(_tell_page, tell, here))
                else:
                    changes.unchanged += build.carry(file)
            tell(Progress("reading", len(files), len(files)))
            if before and not rebuild and not build.differs(roots, excluded) and not (changes.added or changes.updated):
                remember(earlier.notices)
                return _nothing_new(before, changes, started)
            manifest = build.finish(roots, excluded, again=not (rebuild or changes.added or changes.updated or build.reread))
            remember(build.notices)
        old = before.catalog.names() if before else set()
        removed = old - build.sources
    return Report(manifest.id, tuple(changes.added), tuple(changes.updated), tuple(sorted(removed)), changes.unchanged,
                  tuple(changes.skipped), tuple(changes.notices), manifest.documents, build.copies, manifest.chunks,
                  build.encoded, time.perf_counter() - started)


def _tell_page(tell: Listener, here: Progress, page: int) -> None:
    tell(replace(here, page=page))


def _nothing_new(before: Generation, changes: _Changes, started: float) -> Report:
    made, places = before.manifest, len(before.catalog.names())
    return Report(made.id, unchanged=places, skipped=tuple(changes.skipped), notices=tuple(changes.notices),
                  documents=made.documents, copies=places - made.documents, chunks=made.chunks,
                  seconds=time.perf_counter() - started)


def index_documents(home: Path, documents: Iterable[Document], *, encoder: Encoder, chunking: Chunking = DEFAULT,
                    progress: Listener | None = None, flat_up_to: int = FLAT_UP_TO) -> Report:
    """Make the library in `home` consist of the given documents, which no file on disk stands for."""
    started = time.perf_counter()
    with _changing(home), _build(home, None, encoder, chunking, "", flat_up_to, progress or (lambda _: None)) as build:
        for document in documents:
            build.add(document, "")
        if not build.sources:
            raise InputError("there is no document to index", "Give at least one")
        manifest = build.finish((), ())
        keep(home, Unread())
    return Report(manifest.id, tuple(sorted(build.sources)), documents=manifest.documents, chunks=manifest.chunks,
                  encoded=build.encoded, seconds=time.perf_counter() - started)


def remove(home: Path, sources: Sequence[str], *, encoder: Encoder, progress: Listener | None = None,
           flat_up_to: int = FLAT_UP_TO) -> Report:
    """Take documents, folders or whole roots out of the library, by source; the files on disk are left alone.

    Files copied into the home (uploads) are deleted with them. Raises InputError where a source is not in the library,
    EncoderMismatch where this is not the encoder that the library was made with.
    """
    started = time.perf_counter()
    with _changing(home):
        before = open_current(home)
        _check_encoder(home, before.manifest, encoder)
        infos = before.sources()
        known = [*(info.source for info in infos), *(root.name for root in before.manifest.roots)]
        for source in sources:
            if not any(is_below(name, source) for name in known):
                raise InputError(f"{source} is not in the library", "See what is with: pullquote status")
        gone = [info for info in infos if any(is_below(info.source, source) for source in sources)]
        going = {info.path for info in gone}
        roots = tuple(root for root in before.manifest.roots if not any(is_below(root.name, source) for source in sources))
        uploads = {path for path in going - {info.path for info in infos if info not in gone}
                   if Path(path).is_relative_to(absolute_path(home / UPLOADS))}
        stay = {source for source in sources if any(is_below(info.source, source) for info in gone if info.path not in uploads)}
        excluded = tuple(sorted(source for source in {*before.manifest.excluded, *stay}
                                if any(is_below(source, root.name) for root in roots)))  # nothing else is looked through again
        made, tell, earlier = before.manifest, progress or (lambda _: None), told(home, before)
        with _build(home, before, encoder, made.chunking, made.ocr, flat_up_to, tell, earlier.notices) as build:
            for record in sorted(before.catalog.files, key=lambda record: record.source):
                gone_or_empty = record.path in going or record.problem
                if not (gone_or_empty and any(is_below(record.source, source) for source in sources)):
                    build.carry(record, without=sources)
            for path in uploads:  # first: of a file that is gone, the next run takes out what is left
                Path(path).unlink(missing_ok=True)
            manifest = build.finish(roots, excluded)
            keep(home, replace(earlier, skipped=followed(home, earlier.skipped, roots, excluded),
                               notices=renewed(build.notices, earlier.notices, (), ())))
    return Report(manifest.id, removed=tuple(info.source for info in gone), unchanged=len(build.sources),
                  documents=manifest.documents, copies=build.copies, chunks=manifest.chunks,
                  seconds=time.perf_counter() - started)


def erase(home: Path) -> list[str]:
    """Erase at once all that the generation in use does not hold: those before it, and their vectors in the cache.

    Returns the ids of the generations that are gone; there is no rollback to them. Raises HomeError.
    """
    with writing(home):
        with closing(open_current(home)) as left:  # it must be whole
            keep(home, told(home, left))
        there = generations(home)
        _tidy(home, keep=1)
        return [id for id in there if id not in generations(home)]


@contextmanager
def _changing(home: Path) -> Iterator[None]:
    """Hold the lock for a change, and afterwards erase what it has left without use."""
    with writing(home):
        yield
        _tidy(home)


def _tidy(home: Path, keep: int = KEPT) -> None:
    """Erase what no generation that is kept holds: older ones, what interrupted builds left, vectors in the cache."""
    try:
        prune(home, keep)
        used: set[bytes] = set()
        for id in generations(home):
            with suppress(sqlite3.Error), closing(Catalog(home / "generations" / id / "catalog.sqlite")) as catalog:
                used |= catalog.keys()  # a damaged one uses none
        keep_only(home / "cache" / "embeddings.sqlite", used)
    except (OSError, sqlite3.Error) as error:
        raise HomeError(f"the index in {home} is up to date, but what it no longer needs could not be erased ({error})",
                        "Make room or mend the permissions, then run: pullquote index") from error


def _previous(home: Path, encoder: Encoder, chunking: Chunking, rebuild: bool) -> Generation | None:
    """The generation to carry over from; None for the first, or where a rebuild cannot use it."""
    try:
        before = open_current(home)
    except NoIndex:
        return None
    except HomeError:
        if rebuild:
            return None
        raise
    if rebuild:
        return before
    made = before.manifest
    _check_encoder(home, made, encoder)
    if made.chunking != chunking:
        raise InputError(f"the index in {home} has chunks of {made.chunking.size} tokens (overlap {made.chunking.overlap}),"
                         f" not {chunking.size} (overlap {chunking.overlap})",
                         "Index everything anew with: pullquote index --rebuild")
    return before


def _check_encoder(home: Path, made: Manifest, encoder: Encoder) -> None:
    if (made.encoder, made.revision) != (encoder.name, encoder.revision):
        raise EncoderMismatch(
            f"the index in {home} was made with the encoder {made.encoder} ({made.revision}), not {encoder.name}"
            f" ({encoder.revision})", "Go on with that one, or index everything anew with: pullquote index --rebuild")


def _carried(before: Generation | None, roots: Sequence[Root], scan: Sequence[Root], found: dict[str, Found],
             changes: _Changes) -> dict[str, FileRecord]:
    """Files of the generation before that were not looked for, or could not be looked at."""
    carried = {}
    paths = {file.path for file in found.values()}  # a file may be found under another root than before
    all_roots, looked_through = ({root.name for root in some} for some in (roots, scan))
    for record in before.catalog.files if before else ():
        if record.source in found or record.path in paths:
            continue
        followed, looked = is_below_any(record.source, all_roots), is_below_any(record.source, looked_through)
        failed = any(is_below(record.source, error.source) for error in changes.skipped)
        if followed and (failed or not looked):
            carried[record.source] = record
    return carried


def _states(files: Iterable[Found | FileRecord]) -> set[tuple[object, ...]]:
    """By what a file is taken to be the one that was read: path, source, size and times."""
    return {file[:5] for file in files}


def _without_text(before: Generation, found: dict[str, Found]) -> list[FileError]:
    """What to say of files that are as they were when no text was found in them."""
    return [_no_text(record, record.source, before.manifest.ocr)
            for record in sorted(before.catalog.files, key=lambda record: record.source)
            if record.problem and record.source in found]


def _no_text(record: FileRecord, source: str, ocr: str) -> NoText:
    """The error that was raised when the file was read, now for a file of that content at `source`."""
    error = (NoText if ocr else NeedsOcr)(source, record.problem, record.remedy)
    error.file_sha256 = record.sha256
    return error


def _only_adds(before: Generation, excluded: tuple[str, ...], kept: dict[str, FileRecord], found: dict[str, Found],
               tell: Listener) -> bool:
    """Whether to a generation whose files are as they were then, others can simply be added: there are any, no file can hold a
    document of another's name, and none of which a new one may be a copy comes behind it.
    """
    sources = found.keys() | kept.keys()
    alike = any(source[:at] in sources for source in sources if "#" in source for at in range(len(source)) if source[at] == "#")
    return bool(before.catalog.files) and excluded == before.manifest.excluded and not alike and not _any_before(
        before.catalog.files, found, tell)


def _any_before(records: Sequence[FileRecord], found: dict[str, Found], tell: Listener) -> bool:
    """Whether a file that is new has the size and the hash of one that is known and comes behind it."""
    sizes, first = {record.size for record in records}, dict[str, str]()  # of each hash, the first new file that has it
    for source in sorted(found.keys() - {record.source for record in records}):
        if found[source].size in sizes:
            tell(Progress("reading", 0, len(found), source))
            with suppress(OSError):  # who reads it will say so
                first.setdefault(file_sha256(Path(found[source].path)), source)
    return any(first.get(record.sha256, record.source) < record.source for record in records if not record.problem)


def _take_in(build: _Build, sandbox: Sandbox, file: Found, excluded: Sequence[str], rebuild: bool,
             changes: _Changes, tell: Callable[[int], None]) -> None:
    """Read a file that is new or changed; carry over what is only in another place or of another time, or cannot be read.

    Of a file that is empty nothing is carried over: it was read, and this is what it holds.
    """
    known = build.known.get(file.path)
    if known and (known.source != file.source or known.problem):
        known = None
    try:
        same = None if rebuild else build.same_content(file, excluded)
        if same and same.problem:
            raise _no_text(same, file.source, build.ocr)
        read = build.moved(same, file) if same else [
            (one, "") for one in sandbox.read_documents(Path(file.path), file.source, tell)]
        taken = next((document.source for document, _ in read if document.source in build.sources), None)
        if taken:
            raise FileError(file.source, f"another file holds a document called {taken} too", "Rename one of the two")
    except FileError as error:
        stays = _keep(build, None if isinstance(error, Empty) else known, error, changes)
        if isinstance(error, NoText) and not stays and not Path(file.path).is_relative_to(absolute_path(build.home / UPLOADS)):
            # Of an upload that does not go in nothing is kept.
            build.note(FileRecord(*file, error.file_sha256, error.message, error.remedy))
        return
    except OSError as error:
        _keep(build, known, FileError(file.source, f"the file cannot be read ({error.strerror})",
                                      "Check that it is still there and readable"), changes)
        return
    build.reread |= known is not None and same is None
    old = build.ids_before(known) if known else set()
    for document, origin in read:
        if any(is_below(document.source, source) for source in excluded):
            continue
        build.add(document, file.path, origin, file.source)
        changes.notices += [Notice(document.source, message) for message in document.notices]
        if document.id not in old:
            changes.added.append(document.source)
        elif build.text_before(document.id) == document.text_sha256:
            changes.unchanged += 1
        else:
            changes.updated.append(document.source)
    digest = same.sha256 if same else read[0][0].file_sha256
    build.note(FileRecord(*file, digest))


def _keep(build: _Build, known: FileRecord | None, error: FileError, changes: _Changes) -> bool:
    """Report that a file cannot be read, and carry over the version before, if there is one; returns whether it is."""
    stays = known is not None and not build.by_other_ocr(known)
    if known and stays:
        changes.unchanged += build.carry(known)
        error = FileError(error.source, f"{error.message} (the version indexed before stays)", error.remedy)
    changes.skipped.append(error)
    return stays


def _followed(manifest: Manifest) -> tuple[tuple[Root, ...], tuple[str, ...], str]:
    return manifest.roots, manifest.excluded, manifest.ocr


def _suffix(path: str) -> str:
    return PurePath(path).suffix.lower()


def _seconds(nanoseconds: int) -> float:
    """A time as `os.stat` rounds it."""
    return nanoseconds // 1_000_000_000 + 1e-9 * (nanoseconds % 1_000_000_000)


class _Build:
    """A generation being written, from nothing or, where it `adds`, from a copy of the one before. Rows are given out in the
    order of `add` and `carry`; vectors follow in batches.
    """

    def __init__(self, home: Path, folder: Path, before: Generation | None, encoder: Encoder, chunking: Chunking,
                 ocr: str, flat_up_to: int, tell: Listener, notices: Sequence[Notice], adds: bool) -> None:
        self.home, self.folder, self.before, self.ocr = home, folder, before, ocr
        self.notices = list(notices) if adds else []  # of all that is in it, as far as they are known
        self._noticed: dict[str, list[str]] = {}  # what was said of a document of the generation before, by its id there
        for notice in notices:
            self._noticed.setdefault(document_id(notice.source), []).append(notice.message)
        self.known = {record.path: record for record in before.catalog.files} if before else {}
        self._of_size: dict[int, list[FileRecord]] = {}
        for record in self.known.values():
            self._of_size.setdefault(record.size, []).append(record)
        changed = before and before.manifest.ocr != ocr
        self._anew = {info.path for info in before.sources() if info.media_type == PDF} if before and changed else set()
        self._anew |= {record.path for record in self.known.values() if record.problem and changed}
        self.sources: set[str] = set()
        self.reread = False  # a file whose content is another, be it but of its author
        self.stays: set[str] = set()  # files that need not be looked at
        self._places_before = before.places if before and adds else None
        self._files: set[FileRecord] = set()
        if before and adds:
            copy(before, folder)
            self.sources, self._files = before.catalog.names(), set(self.known.values())
            self.stays = {record.source for record in self._files}
        self._encoder, self._chunking, self._flat_up_to, self._tell = encoder, chunking, flat_up_to, tell
        self._cache = EmbeddingCache(home / "cache" / "embeddings.sqlite", encoder)
        self._catalog = CatalogWriter(folder / "catalog.sqlite")
        self._lexical = LexicalWriter(folder / "lexical")
        self._vectors = VectorWriter(folder, encoder.dimension)
        self._waiting: list[tuple[int, str]] = []
        self._done = 0
        # By bytes and media type, the files that hold documents and not copies alone: one, unless it lacks rows of the others.
        self._holders: dict[tuple[str, str], list[str]] = {}
        self._bytes_there = {record.sha256 for record in self._files}

    @cached_property
    def _holders_there(self) -> dict[tuple[str, str], list[str]]:
        """Those of the generation before, which are asked for where a file has the bytes of one of them."""
        there: dict[tuple[str, str], list[str]] = {}
        for source, sha256, media_type in self.before.catalog.holders() if self.before else ():
            there.setdefault((sha256, media_type), []).append(source)
        return there

    @property
    def encoded(self) -> int:
        """How many chunks were encoded anew."""
        return self._cache.encoded

    @property
    def copies(self) -> int:
        """How many further places its documents have."""
        return len(self.sources) - self._catalog.documents

    def ids_before(self, record: FileRecord) -> set[str]:
        """The ids of the documents that this file held in the generation before."""
        return set(self.before.catalog.documents_of(record.path)) if self.before else set()

    def text_before(self, document_id: str) -> str:
        """The text hash of a document in the generation before."""
        return self.before.document(document_id).text_sha256 if self.before else ""

    def differs(self, roots: tuple[Root, ...], excluded: tuple[str, ...]) -> bool:
        """Whether the files or what is followed are others than in the generation before."""
        return not self.before or (roots, excluded, self.ocr) != _followed(self.before.manifest) or (
            self._files != set(self.before.catalog.files))

    def by_other_ocr(self, record: FileRecord) -> bool:
        """Whether OCR read any of a file's pages, in the generation before, that it would not read, or not so, now."""
        documents = map(self.before.document, self.ids_before(record)) if self.before else ()
        return any(section.ocr not in ("", self.ocr) for document in documents for section in document.sections)

    def note(self, record: FileRecord) -> None:
        """Remember a file's state."""
        self._files.add(record)
        self._catalog.add_file(record)

    def same_content(self, file: Found, excluded: Sequence[str]) -> FileRecord | None:
        """The file of the generation before that had the content of this one: itself, or else one in another place.

        Only a file of the same size, and of the same suffix, by which formats are told, is compared; and only one of
        which nothing was left out that should be in now, and that OCR would not read otherwise now. It may be one that holds
        no text.
        """
        if not self.before:
            return None
        alike = []
        for record in self._of_size.get(file.size, ()):
            if _suffix(record.path) != _suffix(file.path):
                continue
            left_out = {source for source in self.before.manifest.excluded if is_below(source, record.source)}
            may_be_out = set(excluded) if record.source == file.source else set()
            if left_out <= may_be_out and record.path not in self._anew:
                alike.append(record)
        alike.sort(key=lambda record: record.path != file.path)
        if alike and (alike[0].path, alike[0].mtime_ns, alike[0].ctime_ns) == (file.path, file.mtime_ns, file.ctime_ns):
            return alike[0]
        digest = file_sha256(Path(file.path)) if alike else ""
        return next((record for record in alike if record.sha256 == digest), None)

    def moved(self, record: FileRecord, to: Found | FileRecord) -> list[tuple[Document, str]]:
        """A file's documents as they are where it is now, each with its id in the generation before."""
        assert self.before
        documents = []
        for id in self.before.catalog.documents_of(record.path):
            document = self.before.document(id)
            source = to.source + document.source.removeprefix(record.source)
            documents.append((replace(document, id=document_id(source), source=source, modified=_seconds(to.mtime_ns), also=(),
                                      title=document.title if document.titled else title_from(to.source)), id))
        return documents

    def add(self, document: Document, path: str, origin: str = "", file: str = "") -> None:
        """Take in a document: with the chunks and vectors of `origin` in the generation before, or split and in line
        to be encoded; or as a copy, where it is what another file of the same bytes has at the same place.

        `file` is the source of the file at `path`. Files come by source, so that of copies the first is the document.
        """
        if document.source in self.sources:
            raise InputError(f"two documents have the source {document.source}", "Give each its own name")
        said = self._noticed.get(origin, ()) if origin else document.notices
        self.notices += [Notice(document.source, message) for message in said]
        if file and (original := self._original(document, file)):
            self.sources.add(document.source)
            self._catalog.add_copy(document, path, original)
            return
        made = self.before.manifest if self.before and origin else None
        if self.before and made and (made.encoder, made.revision, made.chunking) == (
                self._encoder.name, self._encoder.revision, self._chunking):
            old_rows, chunks = self.before.catalog.chunks_of(origin)
            rows, _ = self._place(document, [chunk.moved(document.id) for chunk in chunks], path)
            self._vectors.put(rows, self.before.vectors.take(old_rows))
            self._done += len(rows)
            return
        rows, texts = self._place(document, split(document, self._chunking, self._encoder.window, self._encoder.count), path)
        self._waiting += zip(rows, texts, strict=True)
        if len(self._waiting) >= _ENCODE_AT_ONCE:
            self._encode()

    def _original(self, document: Document, file: str) -> str:
        """The id of the document that this one, of the file called `file`, is a copy of; "" if it is none."""
        key = document.file_sha256, document.media_type
        if key not in self._holders:
            self._holders[key] = list(self._holders_there.get(key, ())) if key[0] in self._bytes_there else []
        holders = self._holders[key]
        for holder in holders:
            id = document_id(holder + document.source.removeprefix(file))
            if holder != file and self._catalog.has(id, document.text_sha256):
                return id
        if file not in holders[-1:]:
            holders.append(file)
        return ""

    def carry(self, record: FileRecord, without: Sequence[str] = ()) -> int:
        """Take over a file's documents from the generation before, but those that another file now holds; returns how many."""
        if record.problem and record.path in self._anew:
            return 0
        self.note(record)
        kept = [(document, id) for document, id in self.moved(record, record) if document.source not in self.sources
                and not any(is_below(document.source, source) for source in without)]
        for document, id in kept:
            self.add(document, record.path, id, record.source)
        return len(kept)

    def finish(self, roots: tuple[Root, ...], excluded: tuple[str, ...], again: bool = False) -> Manifest:
        """Encode the rest, write everything and publish it.

        `again` tells that no document is new or changed. If none is gone either and the same is followed, as where files were
        but touched, the generation takes the place of the one before: no rollback is to lead to the same library.
        """
        while self._waiting:
            self._encode()
        self._tell(Progress("writing", 0, 1))
        catalog = self._catalog
        catalog.places(self._places_before).tofile(self.folder / PLACES)
        catalog.finish()
        self._lexical.close()
        kind = self._vectors.finish(self._flat_up_to)
        files = checksums(self.folder, contents(self.folder))
        parent = self.before.generation if self.before else ""
        if self.before and again and self.sources == self.before.catalog.names() and (
                roots, excluded, self.ocr) == _followed(self.before.manifest):
            parent = self.before.manifest.parent
        serial = max((int(id.split("-")[0]) for id in generations(self.home)), default=0) + 1
        manifest = Manifest(
            f"{serial:06d}-{files['catalog.sqlite'][:8]}", parent,
            datetime.now(UTC).isoformat(timespec="seconds"), self._encoder.name, self._encoder.revision,
            self._encoder.dimension, kind, self._chunking, catalog.documents, catalog.rows, catalog.tokens, roots, excluded,
            files, self.ocr)
        publish(self.home, self.folder, manifest)
        self._tell(Progress("writing", 1, 1))
        return manifest

    def close(self) -> None:
        """Stop writing, so that the folder can be deleted if it was not published."""
        self._lexical.discard()
        self._vectors.discard()
        self._catalog.close()
        self._cache.close()

    def _place(self, document: Document, chunks: Sequence[Chunk], path: str) -> tuple[range, list[str]]:
        """Put a document into the catalog and its words into the lexical index; returns its rows and what to encode."""
        self.sources.add(document.source)
        texts = [search_text(document, chunk, self._encoder.window) for chunk in chunks]
        rows = self._catalog.add_document(document, chunks, [self._cache.key(text) for text in texts], path)
        for row, text in zip(rows, texts, strict=True):
            self._lexical.add(row, lexical_text(document, text))
        return rows, texts

    def _encode(self) -> None:
        batch, self._waiting = self._waiting[:_ENCODE_AT_ONCE], self._waiting[_ENCODE_AT_ONCE:]
        total = self._done + len(batch) + len(self._waiting)
        vectors = self._cache.encode([text for _, text in batch],
                                     lambda done: self._tell(Progress("encoding", self._done + done, total)))
        self._vectors.put([row for row, _ in batch], vectors)
        self._done += len(batch)


@contextmanager
def _build(home: Path, before: Generation | None, encoder: Encoder, chunking: Chunking, ocr: str, flat_up_to: int,
           tell: Listener, notices: Sequence[Notice] = (), adds: bool = False) -> Iterator[_Build]:
    """A build in a temporary folder, which is gone afterwards whatever happens."""
    folder = home / "generations" / ".tmp-build"
    build = None
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        build = _Build(home, folder, before, encoder, chunking, ocr, flat_up_to, tell, notices, adds)
        yield build
    except (OSError, sqlite3.Error, MemoryError) as error:
        raise _not_written(home, error) from error
    except ValueError as error:  # how tantivy reports an input or output error
        told = str(error).lower()
        if "os error" in told or ("error" in told and "writ" in told):
            raise _not_written(home, error) from error
        raise
    finally:
        if build:
            build.close()
        shutil.rmtree(folder, ignore_errors=True)


def _not_written(home: Path, error: BaseException) -> HomeError:
    free = shutil.disk_usage(home).free // 1_000_000
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return HomeError(f"the new index could not be written to {home} ({reason}; {free} MB free)",
                     "Make room or choose another --home; the index made before stays in use")
