"""Embeddings are made once, are on disk at once, and come back in the order asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.cache import EmbeddingCache


def texts(count: int) -> list[str]:
    return [f"{'word ' * (n % 7)}{n}" for n in range(count)]


def test_vectors_are_the_encoders_in_the_order_given(tmp_path: Path, encoder: Any) -> None:
    vectors = EmbeddingCache(tmp_path / "e.sqlite", encoder).encode(texts(150))
    assert np.array_equal(vectors, encoder.encode(texts(150)).astype(np.float16))


def test_it_tells_how_far_it_is(tmp_path: Path, encoder: Any) -> None:
    told: list[int] = []
    cache = EmbeddingCache(tmp_path / "e.sqlite", encoder)
    cache.encode(texts(30), told.append)
    cache.encode(texts(150), told.append)
    assert told == [0, 30, 30, 94, 150]


def test_no_text_is_encoded_twice_not_even_by_the_next_process(tmp_path: Path, encoder: Any) -> None:
    EmbeddingCache(tmp_path / "e.sqlite", encoder).encode(["one", "two", "one"])
    EmbeddingCache(tmp_path / "e.sqlite", encoder).encode(["two", "three"])
    assert sorted(encoder.texts) == ["one", "three", "two"]


def test_another_revision_shares_nothing(tmp_path: Path, make_encoder: Any) -> None:
    EmbeddingCache(tmp_path / "e.sqlite", make_encoder()).encode(["one"])
    later = make_encoder(revision="2")
    EmbeddingCache(tmp_path / "e.sqlite", later).encode(["one"])
    assert later.texts == ["one"]


def test_what_was_done_before_an_interruption_is_kept(tmp_path: Path, encoder: Any, make_encoder: Any) -> None:
    def interrupt(done: int) -> None:
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EmbeddingCache(tmp_path / "e.sqlite", encoder).encode(texts(100), interrupt)
    after = make_encoder()
    EmbeddingCache(tmp_path / "e.sqlite", after).encode(texts(100))
    assert (len(encoder.texts), len(after.texts)) == (64, 36)
