"""Dense vectors in FAISS: flat float16, exact inner product. A vector's position is its chunk's row."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.store import Vector


def write_vectors(path: Path, vectors: NDArray[np.float16]) -> None:
    """Write the index of `vectors` (n, d) to `path`."""
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(vectors), 65536):
        index.add(vectors[start : start + 65536].astype(np.float32))
    path.write_bytes(faiss.serialize_index(index).tobytes())


class Vectors:
    """Read-only search over written vectors. Check the file's hash first: FAISS loads damaged files silently."""

    def __init__(self, path: Path) -> None:
        self._index = faiss.read_index(str(path))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: Vector, k: int) -> list[tuple[int, float]]:
        """The `k` nearest rows with their inner products, best first, equal ones by row."""
        k = min(k, len(self))
        if k == 0:
            return []
        fetched = min(k + 8, len(self))
        while True:  # FAISS cuts among equals as it likes: fetch until the cut does not fall among them
            scores, rows = self._index.search(vector.reshape(1, -1).astype(np.float32), fetched)
            if fetched == len(self) or scores[0, -1] < scores[0, k - 1]:
                break
            fetched = min(2 * fetched, len(self))
        hits = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]

    def take(self, rows: list[int]) -> NDArray[np.float32]:
        """The vectors (n, d) of the given rows."""
        if not rows:
            return np.zeros((0, self._index.d), dtype=np.float32)
        taken: NDArray[np.float32] = self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64))
        return taken
