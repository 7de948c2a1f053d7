"""Vectors are stored as they were given, and found: all of them while they are few, nearly all where they are many."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.vectors import CELLS, FLAT, INVERTED, STORED, Vectors, VectorWriter

DIMENSION = 32


def alike(count: int, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors around some centres, as those of texts are."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(0, 1, (40, DIMENSION))
    vectors = centres[chance.integers(40, size=count)] + chance.normal(0, 0.5, (count, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


QUESTIONS = alike(60, seed=1).astype(np.float32)


def written(folder: Path, vectors: NDArray[np.float16], kind: str) -> Vectors:
    folder.mkdir(exist_ok=True)
    writer = VectorWriter(folder, DIMENSION)
    writer.put(range(len(vectors)), vectors)
    assert writer.finish(flat_up_to=0 if kind == INVERTED else len(vectors)) == kind
    return Vectors(folder, DIMENSION, kind, np.arange(len(vectors), dtype=np.uint32))


@given(st.lists(st.integers(0, 9), max_size=12), st.randoms())
def test_rows_come_back_as_they_were_put_in_any_order(sizes: list[int], chance) -> None:
    """Some rows are given out to be encoded, others carried over meanwhile."""
    vectors = alike(sum(sizes))
    owner = [number for number, size in enumerate(sizes) for _ in range(size)]
    chance.shuffle(owner)
    with TemporaryDirectory() as folder:
        writer = VectorWriter(Path(folder), DIMENSION)
        for number in range(len(sizes)):
            rows = [row for row, put in enumerate(owner) if put == number]
            writer.put(rows, vectors[rows])
        assert writer.finish(flat_up_to=10_000) == FLAT
        store = Vectors(Path(folder), DIMENSION, FLAT, np.arange(len(vectors), dtype=np.uint32))
        assert len(store) == len(vectors)
        np.testing.assert_array_equal(store.take(range(len(vectors))), vectors)
        np.testing.assert_array_equal(store.take([0, 0] if len(vectors) else []), vectors[[0, 0] if len(vectors) else []])


def test_beyond_a_size_they_are_searched_in_an_inverted_file(tmp_path: Path) -> None:
    for rows, kind in ((10, FLAT), (11, INVERTED)):
        writer = VectorWriter(tmp_path, DIMENSION)
        writer.put(range(rows), alike(rows))
        assert writer.finish(flat_up_to=10) == kind
        assert (tmp_path / CELLS).exists() == (kind == INVERTED)


def test_the_flat_kind_finds_what_numpy_finds(tmp_path: Path) -> None:
    vectors = alike(2000)
    store = written(tmp_path, vectors, FLAT)
    for question in QUESTIONS:
        scores = vectors.astype(np.float32) @ question
        hits = store.search(question, 10)
        np.testing.assert_allclose([score for _, score in hits], sorted(scores, reverse=True)[:10], atol=1e-6)
        np.testing.assert_allclose([score for _, score in hits], scores[[row for row, _ in hits]], atol=1e-6)


def test_the_inverted_kind_finds_nearly_all_of_it_with_the_very_same_scores(tmp_path: Path) -> None:
    vectors = alike(20_000)
    flat, inverted = written(tmp_path / "flat", vectors, FLAT), written(tmp_path / "ivf", vectors, INVERTED)
    found = 0
    for question in QUESTIONS:
        exact, hits = flat.search(question, 10), inverted.search(question, 10)
        assert len(hits) == 10
        assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
        every = dict(flat.search(question, len(vectors)))
        assert all(every[row] == score for row, score in hits)
        found += len(set(exact) & set(hits))
    assert found / (10 * len(QUESTIONS)) >= 0.98


def test_the_inverted_kind_gives_as_many_as_are_asked_for(tmp_path: Path) -> None:
    vectors = alike(3000)
    flat, inverted = written(tmp_path / "flat", vectors, FLAT), written(tmp_path / "ivf", vectors, INVERTED)
    assert inverted.search(QUESTIONS[0], 5000) == flat.search(QUESTIONS[0], 5000)
    assert len(inverted.search(QUESTIONS[0], 2000)) == 2000


def test_the_number_of_threads_changes_neither_files_nor_answers(tmp_path: Path) -> None:
    before, seen = faiss.omp_get_max_threads(), []
    for threads in (1, 2, 3):
        faiss.omp_set_num_threads(threads)
        store = written(tmp_path / str(threads), alike(6000), INVERTED)
        seen.append(((tmp_path / str(threads) / CELLS).read_bytes(), [store.search(q, 20) for q in QUESTIONS]))
        assert faiss.omp_get_max_threads() == threads
    faiss.omp_set_num_threads(before)
    assert seen[0] == seen[1] == seen[2]


def test_the_order_of_the_rows_changes_no_answer(tmp_path: Path) -> None:
    vectors = alike(6000)
    order = np.random.default_rng(3).permutation(len(vectors))
    here, there = written(tmp_path / "here", vectors, INVERTED), written(tmp_path / "there", vectors[order], INVERTED)
    for question in QUESTIONS:
        moved = [(int(order[row]), score) for row, score in there.search(question, 20)]
        assert sorted(moved, key=lambda hit: (-hit[1], hit[0])) == here.search(question, 20)


@pytest.mark.parametrize("kind", [FLAT, INVERTED])
def test_among_very_many_equals_the_first_rows_are_found(tmp_path: Path, kind: str) -> None:
    vectors = np.concatenate([alike(500), np.repeat(alike(1, seed=5), 1500, axis=0), alike(500, seed=2)])
    store = written(tmp_path, vectors, kind)
    hits = store.search(alike(1, seed=5)[0].astype(np.float32), 30)
    assert [row for row, _ in hits] == list(range(500, 530))


@pytest.mark.parametrize("kind", [FLAT, INVERTED])
def test_all_may_be_the_same(tmp_path: Path, kind: str) -> None:
    store = written(tmp_path, np.repeat(alike(1), 50, axis=0), kind)
    assert [row for row, _ in store.search(QUESTIONS[0], 7)] == list(range(7))


def test_there_may_be_none(tmp_path: Path) -> None:
    store = written(tmp_path, alike(0), FLAT)
    assert (len(store), store.search(QUESTIONS[0], 5), store.take([]).shape) == (0, [], (0, DIMENSION))


def test_an_inverted_file_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / CELLS).mkdir()
    writer = VectorWriter(tmp_path, DIMENSION)
    writer.put(range(20), alike(20))
    with pytest.raises(OSError, match=r"vectors\.faiss"):
        writer.finish(flat_up_to=0)
    assert (tmp_path / STORED).stat().st_size == 20 * 2 * DIMENSION
