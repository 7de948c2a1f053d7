"""Embeddings already made, so that an interrupted build resumes and no text is encoded twice.

Keyed by what was encoded, never by place: sha256(encoder, revision, text).
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Container, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from index.encoder import Encoder
from index.store import Half

_AT_ONCE = 64  # texts: what is lost at most when a build is interrupted, and how often it tells how far it is
_CHECK = 4  # bytes of a vector's checksum
_Done = TypeVar("_Done")


class EmbeddingCache:
    """An encoder with a memory on disk; vectors are kept as float16, the precision of the index.

    A vector that does not have the checksum that it was stored with is made anew, and so is a file that is damaged.
    """

    def __init__(self, path: Path, encoder: Encoder) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._encoder = path, encoder
        self._prefix = f"{encoder.name}\0{encoder.revision}\0".encode()
        self._database = _open(path)
        self.encoded = 0

    def key(self, text: str) -> bytes:
        """What a text's vector is kept under."""
        return hashlib.sha256(self._prefix + text.encode("utf-8")).digest()

    def encode(self, texts: Sequence[str], tell: Callable[[int], None] = lambda done: None) -> Half:
        """Unit vectors (n, dimension); only texts not met before are encoded, and are on disk when this returns.

        `tell(done)` hears, now and then, how many of the texts have their vector. Texts of like length are encoded
        together, which saves padding.
        """
        keys = [self.key(text) for text in texts]
        known = self._mended(partial(self._known, keys))
        missing = sorted({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items(),
                         key=lambda item: len(item[1]), reverse=True)
        for start in range(0, len(missing), _AT_ONCE):
            tell(len(texts) - len(missing) + start)
            batch = missing[start : start + _AT_ONCE]
            fresh = self._encoder.encode([text for _, text in batch]).astype(np.float16)
            made = {key: vector.tobytes() for (key, _), vector in zip(batch, fresh, strict=True)}
            self._mended(partial(self._store, made))
            known |= made
            self.encoded += len(made)
        tell(len(texts))
        if not keys:
            return np.zeros((0, self._encoder.dimension), dtype=np.float16)
        return np.stack([np.frombuffer(known[key], dtype=np.float16) for key in keys])

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            marks = ",".join("?" * len(some))
            for key, stored in self._database.execute(f"SELECT key, vector FROM embedding WHERE key IN ({marks})", some):
                vector = stored[:-_CHECK]
                if _checked(key, vector) == stored:
                    found[key] = vector
        return found

    def _store(self, vectors: dict[bytes, bytes]) -> None:
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)",
                                       [(key, _checked(key, vector)) for key, vector in vectors.items()])

    def _mended(self, use: Callable[[], _Done]) -> _Done:
        """Use the database; where it turns out to be damaged, use a new one: it is only a cache."""
        try:
            return use()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._database.close()
            self._database = _open_new(self._path)
            return use()

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def keep_only(path: Path, keys: Container[bytes]) -> None:
    """Erase every vector whose key is not among `keys`.

    What is kept goes to a new file that replaces the old one, because a database that deletes leaves traces in its pages.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    if not path.is_file():
        return
    try:
        with closing(_open(path)) as old:
            if all(key in keys for (key,) in old.execute("SELECT key FROM embedding")):
                return
            with closing(_open(fresh)) as new, new:
                new.executemany("INSERT INTO embedding VALUES (?, ?)",
                                (row for row in old.execute("SELECT key, vector FROM embedding") if row[0] in keys))
        fresh.replace(path)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        _open_new(path).close()


def _checked(key: bytes, vector: bytes) -> bytes:
    """What is stored: the vector, and a checksum of key and vector."""
    return vector + zlib.crc32(key + vector).to_bytes(_CHECK, "big")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is to blame, rather than the disk or the machine."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in (
        sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_ERROR)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        database.execute("CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        return database
    except sqlite3.DatabaseError as error:
        database.close()
        if not _is_damage(error):
            raise
        return _open_new(path)  # it is only a cache


def _open_new(path: Path) -> sqlite3.Connection:
    for name in (path.name, f"{path.name}-journal"):
        path.with_name(name).unlink(missing_ok=True)
    return _open(path)
