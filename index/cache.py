"""Embeddings already made, so that an interrupted build resumes and no text is encoded twice.

Keyed by what was encoded, never by place: sha256(encoder, revision, text).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder

Half = NDArray[np.float16]
_AT_ONCE = 64  # texts: what is lost at most when a build is interrupted, and how often it tells how far it is


class EmbeddingCache:
    """An encoder with a memory on disk; vectors are kept as float16, the precision of the index."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._prefix = f"{encoder.name}\0{encoder.revision}\0".encode()
        try:
            self._database = _open(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged: it is only a cache, so begin a new one
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self._database = _open(path)
        self.encoded = 0

    def encode(self, texts: Sequence[str], tell: Callable[[int], None] = lambda done: None) -> Half:
        """Unit vectors (n, dimension); only texts not met before are encoded, and are on disk when this returns.

        `tell(done)` hears, now and then, how many of the texts have their vector. Texts of like length are encoded
        together, which saves padding.
        """
        keys = [hashlib.sha256(self._prefix + text.encode("utf-8")).digest() for text in texts]
        known = self._known(keys)
        missing = sorted({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items(),
                         key=lambda item: len(item[1]), reverse=True)
        for start in range(0, len(missing), _AT_ONCE):
            tell(len(texts) - len(missing) + start)
            batch = missing[start : start + _AT_ONCE]
            fresh = self._encoder.encode([text for _, text in batch]).astype(np.float16)
            rows = [(key, vector.tobytes()) for (key, _), vector in zip(batch, fresh, strict=True)]
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)", rows)
            known.update(rows)
            self.encoded += len(rows)
        tell(len(texts))
        if not keys:
            return np.zeros((0, self._encoder.dimension), dtype=np.float16)
        return np.stack([np.frombuffer(known[key], dtype=np.float16) for key in keys])

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            marks = ",".join("?" * len(some))
            found.update(self._database.execute(f"SELECT key, vector FROM embedding WHERE key IN ({marks})", some))
        return found

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
    return database
