"""Vectors on disk, one row a chunk, and their search by inner product: of every row, or of some where they are many.

`vectors.f16` holds the vectors as they are, float16. Up to `FLAT_UP_TO` rows, a search scores every one ("flat"). Beyond, it
finds candidates in an inverted file ("ivf", `vectors.faiss`: cells around the centres of a k-means, eight bits a component)
and scores those from `vectors.f16`, so that a score is the same to the last bit whichever way its row was found.

What the inverted file finds depends on the vectors alone: not on the order of their rows, nor on the number of threads.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.store import Half, Places, Vector, in_order

FLAT, INVERTED = "flat", "ivf"
KINDS = {FLAT: "every one is scored", INVERTED: "an inverted file finds candidates, which are scored"}
FLAT_UP_TO = 180_000  # rows: more than 10 ms a search beyond
STORED, CELLS = "vectors.f16", "vectors.faiss"  # the files
_BLOCK = 65_536  # rows in memory at once
_TRAINED_ON = 64  # rows a cell
_ROUNDS = 10  # of k-means
_PROBED = 192  # cells that a search looks into
_CANDIDATES = 4  # times as many rows as are asked for are scored exactly, and
_AT_LEAST = 200


class VectorWriter:
    """Writes vectors as they come, in any order of rows, beside those that the folder has already; nothing but the rows at
    hand is in memory.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder, self._dimension = folder, dimension
        (folder / STORED).touch()
        self._file = (folder / STORED).open("r+b")

    def put(self, rows: Sequence[int], vectors: Half | Vector) -> None:
        """Write `vectors` (n, dimension) at the n given rows, which ascend."""
        begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1).tolist()  # where rows are not consecutive
        for begin, end in pairwise([*begins, len(rows)]):
            self._file.seek(rows[begin] * 2 * self._dimension)
            self._file.write(vectors[begin:end].astype(np.float16).tobytes())

    def finish(self, flat_up_to: int) -> str:
        """Close the file, and write an inverted one where there are more rows than `flat_up_to`; returns the kind."""
        self._file.close()
        stored = _stored(self._folder, self._dimension)
        if len(stored) <= flat_up_to:
            return FLAT
        try:
            faiss.write_index(_inverted(stored), str(self._folder / CELLS))
        except RuntimeError as error:  # how FAISS reports an output error
            raise OSError(str(error)) from error
        return INVERTED

    def discard(self) -> None:
        """Stop writing: the folder can be deleted after this."""
        with suppress(OSError):  # what is in the buffer cannot be written
            self._file.close()


class Vectors:
    """Read-only search over a written folder. Check the files' hashes first: FAISS loads damaged ones silently.

    `places` (n,) is each row's place in the order of the library.
    """

    def __init__(self, folder: Path, dimension: int, kind: str, places: Places) -> None:
        self._places = places
        self._stored = _stored(folder, dimension)
        self._cells = _read(folder / CELLS) if kind == INVERTED else None
        self._all = _flat(self._stored) if kind == FLAT else None

    def __len__(self) -> int:
        return len(self._stored)

    def search(self, vector: Vector, k: int) -> list[tuple[int, float]]:
        """The `k` nearest rows with their inner products, best first, equal ones by place."""
        k = min(k, len(self))
        if k == 0:
            return []
        with _one_thread():
            if self._all:
                hits = _best(self._all, vector, k)
            else:
                assert self._cells
                rows = _candidates(self._cells, vector, k)
                hits = [(int(rows[at]), score) for at, score in _best(_flat(self._stored[rows]), vector, k)]
        return in_order(hits, self._places)[:k]

    def take(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The vectors (n, d) of the given rows."""
        return self._stored[np.asarray(rows, dtype=np.int64)].astype(np.float32)


def _stored(folder: Path, dimension: int) -> Half:
    """The vectors (n, dimension) as they lie on disk, read when they are looked at."""
    with (folder / STORED).open("rb") as file:
        empty = file.seek(0, os.SEEK_END) == 0  # which cannot be mapped
        data = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(data, dtype=np.float16).reshape(-1, dimension)


def _flat(vectors: Half) -> faiss.IndexScalarQuantizer:
    """An exact index in memory, row for row."""
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    if len(vectors):
        index.add_sa_codes(vectors.view(np.uint8))  # its codes are the halves themselves
    return index


def _best(index: faiss.IndexScalarQuantizer, vector: Vector, k: int) -> list[tuple[int, float]]:
    """The `k` nearest rows of an exact index with their inner products, and all that equal the last of them."""
    fetched = min(k + 8, index.ntotal)
    while True:  # FAISS cuts among equals as it likes: fetch until the cut does not fall among them
        scores, rows = index.search(vector.reshape(1, -1).astype(np.float32), fetched)
        if fetched == index.ntotal or scores[0, -1] < scores[0, k - 1]:
            break
        fetched = min(2 * fetched, index.ntotal)
    return list(zip(rows[0].tolist(), scores[0].tolist(), strict=True))


def _candidates(cells: faiss.IndexIVF, vector: Vector, k: int) -> NDArray[np.int64]:
    """At least `k` rows of an inverted file, ascending, the nearest of all among them as a rule."""
    wanted, search = max(_CANDIDATES * k, _AT_LEAST), faiss.SearchParametersIVF()
    search.nprobe = _PROBED
    while True:
        scores, rows = cells.search(vector.reshape(1, -1).astype(np.float32), min(wanted, cells.ntotal), params=search)
        found: NDArray[np.int64] = rows[0]
        if wanted < cells.ntotal or search.nprobe < cells.nlist:  # FAISS cuts among equals as it likes: they all go
            found = found[scores[0] > scores[0, -1]]
        if len(found) >= k:
            return np.sort(found)
        wanted, search.nprobe = 2 * wanted, 2 * search.nprobe


def _inverted(stored: Half) -> faiss.IndexIVFScalarQuantizer:
    """An inverted file of the vectors, with as many cells as rows in each."""
    cells = int(len(stored) ** 0.5)
    sample = _sample(stored, _TRAINED_ON * cells).astype(np.float32)
    dimension = stored.shape[1]
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dimension), dimension, min(cells, len(sample)),
                                          faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical, index.cp.niter, index.cp.min_points_per_centroid = True, _ROUNDS, 1
    with _one_thread():
        index.train(sample)
        for block in _blocks(stored):
            index.add(block.astype(np.float32))
    return index


def _sample(stored: Half, size: int) -> Half:
    """At most `size` different vectors, chosen and ordered by a hash of each."""
    hashes = b"".join(hashlib.blake2b(row, digest_size=8).digest() for block in _blocks(stored) for row in block)
    _, rows = np.unique(np.frombuffer(hashes, dtype=np.uint64), return_index=True)
    return stored[rows[:size]]


def _read(path: Path) -> faiss.IndexIVF:
    index = faiss.read_index(str(path))
    assert isinstance(index, faiss.IndexIVF)
    return index


def _blocks(stored: Half) -> Iterator[Half]:
    for begin in range(0, len(stored), _BLOCK):
        yield stored[begin : begin + _BLOCK]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Several threads would make what they add up depend on how many they are, and keep one question waiting for all."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
