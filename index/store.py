"""The one seam below retrieval: what a store of chunks must do, whatever engine holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.types import Chunk, Document

Vector = NDArray[np.float32]
Half = NDArray[np.float16]
Places = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search found; higher scores are better, and compare only within one search."""

    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A document of the library without its text. `path` is its file, `characters` and `chunks` its size.

    `copy_of` is empty, but for a further place of a document: there it is the id of that one, which has the chunks.
    """

    document_id: str
    source: str
    title: str
    media_type: str
    path: str
    characters: int
    chunks: int
    pages: int | None
    modified: float
    copy_of: str = ""


class PassageStore(Protocol):
    """Dense and lexical search over one immutable generation, and its chunks and documents by id.

    Every method may be called from several threads. Equal scores are ordered by position in the index, so that the same
    question always meets the same order.
    """

    @property
    def generation(self) -> str:
        """The id of the generation that is searched."""

    def dense(self, vector: Vector, k: int) -> list[Hit]:
        """The `k` chunks whose vectors are nearest to `vector` (d,), unit length, by inner product, best first."""

    def lexical(self, question: str, k: int) -> list[Hit]:
        """The `k` best chunks by BM25 over chunk text, title and headings, best first; empty where no term occurs."""

    def similarities(self, vector: Vector, chunk_ids: Sequence[str]) -> list[float]:
        """The inner product of `vector` with each chunk's stored vector, in the order given."""

    def chunks(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The chunks, in the order given. Raises KeyError for an id that is not there."""

    def document(self, document_id: str) -> Document:
        """A document, or a copy of one, with its whole text. Raises `SourceGone` where the library does not hold it."""

    def sources(self) -> list[SourceInfo]:
        """Every document of the library and every copy, by source."""

    def close(self) -> None:
        """Give back files and memory."""


def in_order(hits: Sequence[tuple[int, float]], places: Places) -> list[tuple[int, float]]:
    """Rows with their scores, best first, equal ones by the rows' places."""
    return sorted(hits, key=lambda hit: (-hit[1], places[hit[0]]))
