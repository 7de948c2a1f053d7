"""Embeddings already made, so that an interrupted build resumes and no text is encoded twice.

Keyed by what was encoded, never by place: sha256(encoder, revision, text).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder

Half = NDArray[np.float16]


class EmbeddingCache:
    """An encoder with a memory on disk; vectors are kept as float16, the precision of the index."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._prefix = f"{encoder.name}\0{encoder.revision}\0".encode()
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Half:
        """Unit vectors (n, dimension); only texts not met before are encoded, and are on disk when this returns."""
        keys = [hashlib.sha256(self._prefix + text.encode("utf-8")).digest() for text in texts]
        known = self._known(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            fresh = self._encoder.encode(list(missing.values())).astype(np.float16)
            rows = [(key, vector.tobytes()) for key, vector in zip(missing, fresh, strict=True)]
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)", rows)
            known.update(rows)
            self.encoded += len(rows)
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
