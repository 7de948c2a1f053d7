"""Documents, chunks and the files they came from, in one SQLite file that is written once and then only read."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from index.errors import SourceGone
from index.store import Places, SourceInfo
from index.types import Chunk, Document, Section

_TABLES = """
CREATE TABLE file (path TEXT PRIMARY KEY, source TEXT, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha256 TEXT,
                   problem TEXT, remedy TEXT) WITHOUT ROWID;
CREATE TABLE document (id TEXT PRIMARY KEY, original TEXT, source TEXT UNIQUE, path TEXT, title TEXT, media_type TEXT,
                       file_sha256 TEXT, text_sha256 TEXT, modified REAL, titled INTEGER, author TEXT, date TEXT,
                       characters INTEGER, pages INTEGER, text TEXT, sections TEXT, code TEXT);  -- the long last
CREATE TABLE chunk (row INTEGER PRIMARY KEY, id TEXT UNIQUE, document_id TEXT, start INTEGER, "end" INTEGER,
                    tokens INTEGER, sentences TEXT, header TEXT, key BLOB);
CREATE INDEX chunk_document ON chunk (document_id);
CREATE INDEX document_path ON document (path);
CREATE INDEX document_original ON document (original);
"""
_DOCUMENT = "media_type, file_sha256, text_sha256, titled, author, date, text, sections, code"
_OWN = "id = original"  # true of a document, false of a copy of one
_CHUNK = 'row, id, document_id, start, "end", tokens, sentences, header'


class FileRecord(NamedTuple):
    """What a file looked like when it was read; begins as `Found` does. `path` is empty for documents that no file holds.

    By `mtime_ns` alone a change may go unseen: archives and copies set it, and two files may have the same. `ctime_ns` is set
    by the system with every change, be it of the name or of the time.

    `problem` and `remedy` are empty, but for a file that holds no text, which is remembered so as not to be read again.
    """

    path: str
    source: str
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str
    problem: str = ""
    remedy: str = ""


class CatalogWriter:
    """Writes a catalog, or adds to one that is there. Chunks get consecutive rows from 0, the positions of their vectors."""

    def __init__(self, path: Path) -> None:
        there = path.exists()
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode = OFF")  # not published yet: a crash leaves nothing that is ever opened
        self._database.execute("PRAGMA synchronous = OFF")  # whoever publishes the folder syncs it, once
        if not there:
            self._database.executescript(_TABLES)
        self.documents: int
        [(self.documents,)] = self._database.execute(f"SELECT count(*) FROM document WHERE {_OWN}")
        [(self.rows, self.tokens)] = self._database.execute("SELECT count(*), coalesce(sum(tokens), 0) FROM chunk")

    def add_file(self, record: FileRecord) -> None:
        """Remember a file's state, to tell later whether it changed."""
        self._database.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", record)

    def add_document(self, document: Document, chunks: Sequence[Chunk], keys: Sequence[bytes], path: str) -> range:
        """Add a document with its chunks and the keys of their vectors in the cache; returns the chunks' rows."""
        sections = json.dumps([(s.start, s.end, s.heading, s.page, s.row, s.ocr) for s in document.sections],
                              ensure_ascii=False)
        self._insert(document, path, document.id, document.text, sections, _json(document.code))
        rows = range(self.rows, self.rows + len(chunks))
        self._database.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(row, c.id, c.document_id, c.start, c.end, c.tokens, _json(c.sentences),
              _json(c.header) if c.header else None, key)
             for row, c, key in zip(rows, chunks, keys, strict=True)])
        self.rows = rows.stop
        self.documents += 1
        self.tokens += sum(chunk.tokens for chunk in chunks)
        return rows

    def add_copy(self, document: Document, path: str, original: str) -> None:
        """Add a further place of a document that is in, by whose id its text and its chunks are found."""
        self._insert(document, path, original, "", "[]", "[]")

    def has(self, id: str, text_sha256: str) -> bool:
        """Whether there is a document, not a copy, of this id and this text."""
        found = self._database.execute(f"SELECT text_sha256 FROM document WHERE id = ? AND {_OWN}", (id,)).fetchone()
        return bool(found == (text_sha256,))

    def _insert(self, document: Document, path: str, original: str, text: str, sections: str, code: str) -> None:
        pages = max((section.page for section in document.sections if section.page is not None), default=None)
        self._database.execute(
            "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (document.id, original, document.source, path, document.title, document.media_type, document.file_sha256,
             document.text_sha256, document.modified, document.titled, document.author, document.date, len(document.text),
             pages, text, sections, code))

    def places(self, before: Places | None = None) -> Places:
        """Each row's place in the order of the library: by the files' sources, and as they stand in a file.

        `before` are the places of the rows that were there when this catalog was opened, where any were.
        """
        before = np.empty(0, dtype=np.uint32) if before is None else before
        new = list(self._database.execute(
            "SELECT coalesce(file.source, ''), min(chunk.row), count(*) FROM chunk JOIN document ON document.id = document_id"
            " LEFT JOIN file ON file.path = document.path WHERE chunk.row >= ? GROUP BY document.id"
            " ORDER BY file.source, min(chunk.row)", (len(before),)))
        order = np.argsort(before)  # rows as they stand in the library
        rows = np.concatenate([order[:0], *(np.arange(row, row + count) for _, row, count in new)])
        after = {source: bisect_right(order, source, key=self._source_of) for source, _, _ in new}
        at = np.repeat([after[source] for source, _, _ in new], [count for *_, count in new]).astype(int)
        order = np.insert(order, at, rows)
        places = np.empty(self.rows, dtype=np.uint32)
        places[order] = np.arange(self.rows)
        return places

    def _source_of(self, row: int) -> str:
        """The source of the file that a row's document came from."""
        [(source,)] = self._database.execute(
            "SELECT coalesce(file.source, '') FROM chunk JOIN document ON document.id = document_id"
            " LEFT JOIN file ON file.path = document.path WHERE row = ?", (int(row),))
        return str(source)

    def finish(self) -> None:
        """Commit and close."""
        self._database.commit()
        self._database.close()

    def close(self) -> None:
        """Close, whatever is in it: only `finish` commits."""
        self._database.close()


class Catalog:
    """Read-only access to a written catalog, from any thread."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True,
                                         check_same_thread=False)

    @cached_property
    def files(self) -> tuple[FileRecord, ...]:
        """Every file that was read, by path."""
        return tuple(map(FileRecord._make, self._database.execute("SELECT * FROM file ORDER BY path")))

    def document(self, document_id: str) -> Document:
        """One document, or a copy of one: the same at another place. Raises SourceGone where there is none of that id."""
        id = document_id
        original, source, title, modified = self.original(id)
        [found] = self._database.execute(f"SELECT {_DOCUMENT} FROM document WHERE id = ?", (original,))
        media_type, file_sha256, text_sha256, titled, author, date, text, sections, code = found
        also = self._database.execute("SELECT source FROM document WHERE original = ? AND id != ? ORDER BY source", (id, id))
        parts = tuple(Section(start, end, tuple(heading), page, row, ocr)
                      for start, end, heading, page, row, ocr in json.loads(sections))
        return Document(id, source, title, text, media_type, file_sha256, text_sha256, parts, modified, bool(titled),
                        code=tuple((start, end) for start, end in json.loads(code)), author=author, date=date,
                        also=tuple(source for (source,) in also))

    def original(self, document_id: str) -> tuple[str, str, str, float]:
        """The id of the document that this is, or is a copy of, with the source, title and time that it has here.

        Raises SourceGone.
        """
        found = self._database.execute("SELECT original, source, title, modified FROM document WHERE id = ?",
                                       (document_id,)).fetchone()
        if found is None:
            raise SourceGone("this document is no longer in the library", "Add it again, or ask anew")
        original, source, title, modified = found
        return original, source, title, modified

    def documents_of(self, path: str) -> list[str]:
        """The ids of the documents that came from the file at `path`, in the order in which they stand in it."""
        return [id for (id,) in self._database.execute("SELECT id FROM document WHERE path = ? ORDER BY rowid", (path,))]

    def chunks_of(self, document_id: str) -> tuple[list[int], list[Chunk]]:
        """The rows and chunks of a document, in order; of a copy, those of the document that it is one of."""
        found = list(self._database.execute(
            f"SELECT {_CHUNK} FROM chunk WHERE document_id = (SELECT original FROM document WHERE id = ?) ORDER BY row",
            (document_id,)))
        return [row[0] for row in found], [_chunk(row) for row in found]

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The chunk ids at the given rows, in the order given."""
        found = self._select("SELECT row, id FROM chunk WHERE row IN", rows)
        names = dict(found)
        return [names[row] for row in rows]

    def rows(self, chunk_ids: Sequence[str]) -> list[int]:
        """The rows of the given chunks, in the order given. Raises KeyError for an unknown id."""
        found = dict(self._select("SELECT id, row FROM chunk WHERE id IN", chunk_ids))
        return [found[id] for id in chunk_ids]

    def chunks(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The given chunks, in the order given. Raises KeyError for an unknown id."""
        found = {row[1]: _chunk(row) for row in self._select(f"SELECT {_CHUNK} FROM chunk WHERE id IN", chunk_ids)}
        return [found[id] for id in chunk_ids]

    def keys(self) -> set[bytes]:
        """The keys, in the cache of embeddings, of the vectors that this generation is made of."""
        return {key for (key,) in self._database.execute("SELECT key FROM chunk")}

    def names(self) -> set[str]:
        """Every document's source, copies' too."""
        return {source for (source,) in self._database.execute("SELECT source FROM document")}

    def holders(self) -> Iterator[tuple[str, str, str]]:
        """The files that hold documents, not copies alone, by source: source, SHA-256 and media type."""
        yield from self._database.execute(
            "SELECT DISTINCT file.source, file_sha256, media_type FROM document JOIN file ON file.path = document.path"
            f" WHERE {_OWN} ORDER BY file.source")

    def sources(self) -> list[SourceInfo]:
        """Every document and every copy without its text, by source."""
        counts = dict(self._database.execute("SELECT document_id, count(*) FROM chunk GROUP BY document_id"))
        return [SourceInfo(id, source, title, media_type, path, characters, counts.get(original, 0), pages, modified,
                           "" if id == original else original)
                for id, original, source, title, media_type, path, characters, pages, modified in self._database.execute(
                    "SELECT id, original, source, title, media_type, path, characters, pages, modified FROM document"
                    " ORDER BY source")]

    def _select(self, query: str, values: Sequence[object]) -> Iterator[Any]:
        for start in range(0, len(values), 500):
            some = values[start : start + 500]
            yield from self._database.execute(f"{query} ({','.join('?' * len(some))})", some)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _chunk(row: Sequence[Any]) -> Chunk:
    _, id, document_id, start, end, tokens, sentences, header = row
    above: tuple[int, int] | None = tuple(json.loads(header)) if header else None
    return Chunk(id, document_id, start, end, tuple((s, e) for s, e in json.loads(sentences)), tokens, above)


def _json(offsets: Sequence[Any]) -> str:
    return json.dumps(offsets, separators=(",", ":"))
