"""Stand-ins that are quick and give the same values every time, and short ways to say what a test is about."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.types import Document, Section, document_id, sha256_text


class WordEncoder:
    """Counts words into 64 buckets and scales to unit length: texts are as near as the words they share.

    Its tokens are words. `texts` keeps everything that was ever encoded, in order.
    """

    dimension = 64

    def __init__(self, name: str = "words", revision: str = "1", window: int = 254) -> None:
        self.name, self.revision, self.window = name, revision, window
        self.texts: list[str] = []

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _words(text) or [""]:
                row[zlib.crc32(word.encode()) % self.dimension] += 1
            row /= np.linalg.norm(row)
        return vectors


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def document(text: str, source: str = "notes.txt", title: str = "Notes", sections: Sequence[Section] = (),
             modified: float = 0.0) -> Document:
    """A document made by hand; without sections it is one."""
    whole = (Section(0, len(text)),) if text else ()
    digest = sha256_text(text)
    return Document(document_id(source), source, title, text, "text/plain", digest, digest, tuple(sections) or whole, modified)


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder; a file that was there before gets a later time, as an edit by hand would give it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if before:
            os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))
    return folder
