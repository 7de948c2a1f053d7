"""Embeddings are made once, are on disk at once, and come back in the order asked for."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from fakes import WordEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from index.cache import EmbeddingCache, keep_only


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


@given(st.integers(0, 120).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, 120)))))
@settings(max_examples=15)
def test_what_is_not_kept_leaves_no_trace_and_what_is_kept_is_as_it_was(drawn: tuple[int, set[int]]) -> None:
    count, kept = drawn
    encoder = WordEncoder()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "e.sqlite"
        cache = EmbeddingCache(path, encoder)
        vectors = cache.encode(texts(count))
        cache.close()
        keys = [cache.key(text) for text in texts(count)]
        keep_only(path, {key for n, key in enumerate(keys) if n in kept})
        assert [file.name for file in Path(folder).iterdir()] == ["e.sqlite"]
        data = path.read_bytes()
        assert [key in data for key in keys] == [n in kept for n in range(count)]
        left = {vector.tobytes() for n, vector in enumerate(vectors) if n in kept}
        assert {vector.tobytes() for vector in vectors if vector.tobytes() in data} == left
        encoder.texts.clear()
        after = EmbeddingCache(path, encoder)
        assert np.array_equal(after.encode(texts(count)), vectors)
        after.close()
        assert sorted(encoder.texts) == sorted(text for n, text in enumerate(texts(count)) if n not in kept)


def test_there_may_be_nothing_to_keep(tmp_path: Path) -> None:
    keep_only(tmp_path / "e.sqlite", set())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("use", ["encode", "keep"])
def test_a_flipped_bit_anywhere_in_the_file_never_gives_another_vector(tmp_path: Path, encoder: Any, use: str) -> None:
    path = tmp_path / "e.sqlite"
    cache = EmbeddingCache(path, encoder)
    expected = cache.encode(texts(40))
    keys = {cache.key(text) for text in texts(40)}
    cache.close()
    good = path.read_bytes()
    for at in [*range(110), *range(110, len(good), 41)]:
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :])
        if use == "keep":
            keep_only(path, keys)
        cache = EmbeddingCache(path, encoder)
        assert np.array_equal(cache.encode(texts(40)), expected), at
        cache.close()
        path.with_name("e.sqlite-journal").unlink(missing_ok=True)
