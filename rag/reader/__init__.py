"""Readers: given a question and its passages, mark the spans that answer it."""

from __future__ import annotations

from index.encoder import Encoder
from rag.reader.base import Reader

BUNDLED = "pullquote-reader"
BASELINE = "similarity"

__all__ = ["BASELINE", "BUNDLED", "Reader", "load_reader"]


def load_reader(name: str, encoder: Encoder) -> Reader:
    """The reader called `name`: the bundled one, the baseline, a question-answering checkpoint's folder or hub name.

    Raises ModelError where it cannot be loaded.
    """
    if name == BASELINE:
        from rag.reader.similarity import SimilarityReader

        return SimilarityReader(encoder)
    from rag.reader.span import SpanReader

    return SpanReader.bundled(encoder) if name == BUNDLED else SpanReader.checkpoint(name, encoder)
