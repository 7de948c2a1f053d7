"""Readers: given a question and its passages, mark the spans that answer it."""

from __future__ import annotations

from index.encoder import Encoder
from rag.reader.base import Reader

__all__ = ["Reader", "load_reader"]


def load_reader(encoder: Encoder) -> Reader:
    """The reader that answers questions: the baseline, until a trained one takes its place."""
    from rag.reader.similarity import SimilarityReader

    return SimilarityReader(encoder)
