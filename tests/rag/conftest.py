"""Passages made by hand, a reader whose weights are known, and a small library to ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fakes
import pytest

from index.build import index_documents
from index.chunks import Chunking
from index.encoder import Encoder
from index.errors import SourceGone
from index.generation import Generation, open_current
from index.sentences import sentences
from index.store import Hit, SourceInfo, Vector
from index.types import Chunk, Document, Section
from rag.assistant import Assistant
from rag.config import Config
from rag.reader.similarity import SimilarityReader
from rag.types import Passage, Span

# A sentence scores 10 x the share of the question's terms that it has, less 4; half of them make a confidence of 0.73.
WEIGHTS = {"version": 1, "rank": [0.0, 10.0, 0.0, 0.0, 0.0, -4.0], "trust": [1.0, 0.0, 0.0], "threshold": 0.5}

LIBRARY = {
    "boats.txt": "🚢 The ferry Solan sails to Marrick at nine. A dog travels free.",
    "leave-copy.txt": "Copied in 2024.\nAnnual leave is 25 days a year.",
    "leave.txt": "Annual leave is 25 days a year. Unused leave lapses at the end of March.",
}


def make_passage(text: str, source: str = "notes.txt", title: str = "Notes", sections: Sequence[Section] = (),
                 score: float = 0.0) -> Passage:
    """A document of one chunk, with the sentences that the index would see."""
    made = fakes.document(text, source, title, sections)
    pieces = tuple(sentences(text))
    start, end = pieces[0][0], pieces[-1][1]
    return Passage(Chunk(f"{made.id}.{start}.{end}", made.id, start, end, pieces, len(text.split())), made, score)


def make_span(passage: Passage, words: str, score: float = 0.0) -> Span:
    """The span of a passage that reads like this."""
    start = passage.document.text.index(words)
    return Span(passage, start, start + len(words), score)


@dataclass
class FixedStore:
    """A store in memory whose two searches always find the same."""

    passages: Sequence[Passage]
    found_dense: Sequence[tuple[str, float]] = ()
    found_lexical: Sequence[tuple[str, float]] = ()
    inner: dict[str, float] = field(default_factory=dict)
    generation: str = "000001-fixed"

    def dense(self, vector: Vector, k: int) -> list[Hit]:
        return [Hit(*found) for found in self.found_dense][:k]

    def lexical(self, question: str, k: int) -> list[Hit]:
        return [Hit(*found) for found in self.found_lexical][:k]

    def similarities(self, vector: Vector, chunk_ids: Sequence[str]) -> list[float]:
        return [self.inner.get(id, 0.0) for id in chunk_ids]

    def chunks(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        known = {passage.chunk.id: passage.chunk for passage in self.passages}
        return [known[id] for id in chunk_ids]

    def document(self, document_id: str) -> Document:
        for passage in self.passages:
            if passage.document.id == document_id:
                return passage.document
        raise SourceGone("the document is no longer in the library")

    def sources(self) -> list[SourceInfo]:
        return []

    def close(self) -> None:
        pass


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The reader's weights in a file."""
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(WEIGHTS))
    return path


@pytest.fixture
def reader(encoder: Encoder, weights: Path) -> SimilarityReader:
    return SimilarityReader(encoder, weights)


@pytest.fixture
def library(home: Path, encoder: Encoder) -> Iterator[Generation]:
    """Three documents, a chunk each."""
    index_documents(home, [fakes.document(text, source, "") for source, text in LIBRARY.items()], encoder=encoder,
                    chunking=Chunking(30, 0))
    opened = open_current(home)
    yield opened
    opened.close()


@pytest.fixture
def assistant(home: Path, library: Generation, encoder: Encoder, reader: SimilarityReader) -> Assistant:
    return Assistant(home, Config(), encoder, reader)


@pytest.fixture
def passage() -> Callable[..., Passage]:
    return make_passage


@pytest.fixture
def span() -> Callable[..., Span]:
    return make_span


@pytest.fixture
def fixed_store() -> type[FixedStore]:
    return FixedStore
