"""What a large library costs: `python -m eval.bench.size [--chunks N…] [--documents N…] [--text FILE…] [--json OUT]`.

- writing a generation of N chunks whose vectors are there already: seconds, peak memory, disk;
- opening it, every checksum verified: seconds (median of three), and the peak memory of a process that opens and asks;
- searching: milliseconds (p50 and p95) by vector, by words, and as `retrieve` does both and gets the passages;
- recall@10 of the search by vector against the exact one, which is timed too;
- adding one file to it, encoding included: seconds;
- indexing N short files, with vectors by chance instead of an encoder's: seconds and peak memory.

The corpus is synthetic, but made of real text: the sample library and the files given, and copies of them in which one word in
ten is swapped for another of its length. The vector of a copied chunk is a PERTURBED COPY of a real embedding: that of the
chunk it was copied from, moved by a random share of up to a half towards that of another real chunk, and blurred. Questions are
the sample set's, encoded for real. Give more text for more real embeddings. Times depend on the machine, and on whether the
files are still in its memory: here they are.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import resource
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from eval.bench.speed import sample_documents
from eval.questions import load_questions
from eval.sets import SAMPLE_SET
from index.build import sync
from index.catalog import CatalogWriter, FileRecord
from index.chunks import DEFAULT, lexical_text, search_text, split
from index.encoder import Encoder, load_encoder
from index.files import read_documents
from index.generation import PLACES, Manifest, Root, checksums, contents, open_current, publish, writing
from index.lexical import LexicalWriter
from index.store import Half
from index.types import Chunk, Document, Section, document_id, sha256_text
from index.vectors import FLAT, FLAT_UP_TO, Vectors, VectorWriter
from rag.config import Config
from rag.retrieve import retrieve

K = Config().candidates
_Result = TypeVar("_Result")
_Questions = list[tuple[str, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Base:
    """A real document with its chunks and their embeddings (n, d)."""

    document: Document
    chunks: list[Chunk]
    vectors: NDArray[np.float32]


def main() -> None:
    """Run everything, print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--documents", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--text", type=Path, nargs="+", default=[], help="more real text, in any format that is read")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    indexed = [_alone(index_files, documents) for documents in given.documents]
    result = libraries(given.text, given.chunks) if given.chunks else []
    show(result, indexed)
    text = json.dumps({"libraries": result, "indexing": indexed}, indent=2)
    if given.json:
        given.json.write_text(text + "\n", "utf-8")
    else:
        print(text)


def libraries(texts: Sequence[Path], sizes: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each size."""
    encoder = load_encoder()
    documents = sample_documents() + [document for path in texts for document in read_documents(path, path.name)]
    bases = _bases(documents, encoder)
    asked = [question.question for question in load_questions(SAMPLE_SET)]
    questions = list(zip(asked, encoder.encode(asked), strict=True))
    real = sum(len(base.chunks) for base in bases)
    print(f"vectors are perturbed copies of {real} real embeddings; {len(questions)} questions, k = {K}", file=sys.stderr)
    return [{"chunks": chunks, "real_embeddings": real, **_measured(encoder, bases, questions, chunks)} for chunks in sizes]


def _bases(documents: Sequence[Document], encoder: Encoder) -> list[Base]:
    parted = [(document, split(document, DEFAULT, encoder.window, encoder.count)) for document in documents]
    vectors = encoder.encode([search_text(document, chunk, encoder.window) for document, chunks in parted for chunk in chunks])
    ends = np.cumsum([len(chunks) for _, chunks in parted])
    return [Base(document, chunks, vectors[end - len(chunks) : end])
            for (document, chunks), end in zip(parted, ends, strict=True)]


def _measured(encoder: Encoder, bases: Sequence[Base], questions: _Questions, chunks: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home, files = Path(folder, "home"), Path(folder, "files")
        made = _alone(write, home, files, bases, chunks, encoder.name, encoder.revision, encoder.window)
        found = _alone(ask, home, questions)
        exact = _alone(ask_exactly, home, questions)
        best = [set(rows) for rows in exact.pop("rows")]
        recall = float(np.mean([len(one & set(rows)) / len(one) for one, rows in zip(best, found.pop("rows"), strict=True)]))
        return {**made, **found, "ms": {**found["ms"], "dense, exact": exact["ms"]}, "recall_at_10": recall,
                "add_s": add(home, files, encoder)}


def _alone(work: Callable[..., _Result], *arguments: object) -> _Result:
    """What the work returns in a process of its own, whose memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def write(home: Path, files: Path, bases: Sequence[Base], chunks: int, encoder: str, revision: str, window: int,
          ) -> dict[str, Any]:
    """Write files and a generation of so many chunks of them, as a build would that finds every vector in the cache."""
    dimension, chance = bases[0].vectors.shape[1], np.random.default_rng(0)
    real = np.concatenate([base.vectors for base in bases])
    seconds = {}
    with writing(home):
        folder = home / "generations" / ".tmp-build"
        folder.mkdir()
        started = time.perf_counter()
        catalog, lexical = CatalogWriter(folder / "catalog.sqlite"), LexicalWriter(folder / "lexical")
        vectors = VectorWriter(folder, dimension)
        for base, document, path in _copies(bases, files):
            own = [chunk.moved(document.id) for chunk in base.chunks[: chunks - catalog.rows]]
            texts = [search_text(document, chunk, window) for chunk in own]
            rows = catalog.add_document(document, own, [sha256_text(text).encode()[:32] for text in texts], str(path))
            state = path.stat()
            catalog.add_file(FileRecord(str(path), document.source, state.st_size, state.st_mtime_ns, state.st_ctime_ns,
                                        document.file_sha256))
            for row, text in zip(rows, texts, strict=True):
                lexical.add(row, lexical_text(document, text))
            vectors.put(rows, _perturbed(base.vectors[: len(own)], real, chance))
            if catalog.rows == chunks:
                break
        catalog.places().tofile(folder / PLACES)
        catalog.finish()
        lexical.close()
        seconds["write_s"] = time.perf_counter() - started
        started = time.perf_counter()
        kind = vectors.finish(FLAT_UP_TO)
        seconds["vectors_s"] = time.perf_counter() - started
        started = time.perf_counter()
        sums = checksums(folder, contents(folder))
        publish(home, folder, Manifest(
            f"000001-{sums['catalog.sqlite'][:8]}", "", datetime.now(UTC).isoformat(), encoder, revision, dimension, kind,
            DEFAULT, catalog.documents, catalog.rows, catalog.tokens, (Root(str(files), "files"),), (), sums))
        seconds["publish_s"] = time.perf_counter() - started
    with closing(open_current(home)) as store:
        sizes = {name: (store.folder / name).stat().st_size / 1e6 for name in store.manifest.files}
    disk = {part: sum(size for name, size in sizes.items() if name.startswith(part))
            for part in ("catalog", "vectors", "lexical")}
    return {"vectors": kind, "documents": catalog.documents, **seconds, "write_peak_mb": _peak_mb(), "disk_mb": disk}


def _copies(bases: Sequence[Base], files: Path) -> Iterator[tuple[Base, Document, Path]]:
    """The documents, again and again, each time with other words, and the file that each stands in."""
    pieces = [re.split(r"([A-Za-z]+)", base.document.text) for base in bases]
    vocabulary: dict[int, list[str]] = {}
    for word in sorted({word for parts in pieces for word in parts[1::2]}):
        vocabulary.setdefault(len(word), []).append(word)
    chance = random.Random(0)
    copy = 0
    while True:
        for number, (base, parts) in enumerate(zip(bases, pieces, strict=True)):
            words = list(parts)
            for at in chance.sample(range(1, len(parts), 2), len(parts) // 20):
                words[at] = chance.choice(vocabulary[len(words[at])])
            text = "".join(words)
            path = files / f"copy-{copy}" / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            source = f"files/copy-{copy}/{number}.txt"
            digest = sha256_text(text)
            yield base, Document(document_id(source), source, base.document.title, text, "text/plain", digest, digest,
                                 (Section(0, len(text)),), path.stat().st_mtime), path
        copy += 1


def _perturbed(vectors: NDArray[np.float32], real: NDArray[np.float32], chance: np.random.Generator) -> Half:
    """Each vector, moved by up to a half towards another real one, and blurred by a tenth."""
    share = chance.uniform(0, 0.5, (len(vectors), 1))
    blur = chance.normal(0, 0.1 / vectors.shape[1] ** 0.5, vectors.shape)
    moved = (1 - share) * vectors + share * real[chance.integers(len(real), size=len(vectors))] + blur
    unit: NDArray[np.float32] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit.astype(np.float16)


def ask(home: Path, questions: _Questions) -> dict[str, Any]:
    """Open the library, search it in each way, and say what the search by vector found first."""
    opening = []
    for _ in range(3):
        started = time.perf_counter()
        store = open_current(home)
        opening.append(time.perf_counter() - started)
        store.close()
    with closing(open_current(home)) as store:
        times = {"dense": _times(questions, lambda text, vector: store.dense(vector, K)),
                 "lexical": _times(questions, lambda text, vector: store.lexical(text, K)),
                 "retrieve": _times(questions, lambda text, vector: retrieve(store, text, vector, Config()))}
        rows = [[row for row, _ in store.vectors.search(vector, 10)] for _, vector in questions]
    return {"open_s": median(opening), "ask_peak_mb": _peak_mb(), "ms": times, "rows": rows}


def ask_exactly(home: Path, questions: _Questions) -> dict[str, Any]:
    """The same search by vector where every one is scored."""
    with closing(open_current(home)) as store:
        every = Vectors(store.folder, store.manifest.dimension, FLAT, np.arange(store.manifest.chunks, dtype=np.uint32))
    some = questions[:50]
    rows = [[row for row, _ in every.search(vector, 10)] for _, vector in questions]
    return {"ms": _times(some, lambda text, vector: every.search(vector, K)), "rows": rows}


def _times(questions: _Questions, search: Callable[[str, NDArray[np.float32]], object]) -> dict[str, float]:
    """Milliseconds, p50 and p95, of warm searches."""
    for text, vector in questions[:10]:
        search(text, vector)
    taken = []
    for text, vector in questions:
        started = time.perf_counter()
        search(text, vector)
        taken.append(1000 * (time.perf_counter() - started))
    return {"p50": float(np.percentile(taken, 50)), "p95": float(np.percentile(taken, 95))}


def add(home: Path, files: Path, encoder: Encoder) -> float:
    """Seconds to bring the library up to date with one short file more."""
    (files / "new.txt").write_text("The lantern on the harbour wall is lit at dusk and put out at dawn.", "utf-8")
    report = sync(home, encoder=encoder)
    assert report.added == ("files/new.txt",)
    return report.seconds


class _Quick:
    """In an encoder's place: vectors by chance, from the text's hash."""

    name, revision, dimension, window = "quick", "1", 384, 254

    def count(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(text.split()) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One for each text, always the same for the same text."""
        chances = (np.random.default_rng(zlib.crc32(text.encode())) for text in texts)
        vectors = np.stack([chance.normal(size=self.dimension) for chance in chances])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32)


def index_files(documents: int) -> dict[str, Any]:
    """Index so many files of a few sentences."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "files")
        for number in range(documents):
            path = files / str(number // 1000) / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            said = (f"Entry {number} says that lamp {number * hour % 977} is lit at {hour} o'clock." for hour in range(8))
            path.write_text(" ".join(said), "utf-8")
        report = sync(Path(folder, "home"), [files], encoder=_Quick())
    return {"documents": report.documents, "chunks": report.chunks, "seconds": report.seconds, "peak_mb": _peak_mb()}


def show(result: Sequence[dict[str, Any]], indexed: Sequence[dict[str, Any]]) -> None:
    """Print the results as tables."""
    console = Console(stderr=True, width=120)
    for row in indexed:
        console.print(f"indexing {row['documents']:,} files ({row['chunks']:,} chunks): {row['seconds']:.0f} s,"
                      f" peak memory {row['peak_mb']:.0f} MB")
    if not result:
        return
    table = Table("", *(f"{row['chunks']:,} chunks" for row in result))
    table.add_row("vectors", *(row["vectors"] for row in result))
    table.add_row("write, s (of it the inverted file)", *(f"{row['write_s'] + row['vectors_s'] + row['publish_s']:.0f}"
                                                          f" ({row['vectors_s']:.0f})" for row in result))
    for name, key in (("peak memory writing, MB", "write_peak_mb"), ("peak memory asking, MB", "ask_peak_mb")):
        table.add_row(name, *(f"{row[key]:.0f}" for row in result))
    table.add_row("disk, MB (catalog, vectors, lexical)", *(", ".join(f"{size:.0f}" for size in row["disk_mb"].values())
                                                           for row in result))
    table.add_row("open, s", *(f"{row['open_s']:.2f}" for row in result))
    for name in ("dense", "dense, exact", "lexical", "retrieve"):
        table.add_row(f"{name}, ms (p50 / p95)", *("{p50:.1f} / {p95:.1f}".format(**row["ms"][name]) for row in result))
    table.add_row("recall@10 against exact", *(f"{row['recall_at_10']:.4f}" for row in result))
    table.add_row("add one file, s", *(f"{row['add_s']:.1f}" for row in result))
    console.print(table)


def _peak_mb() -> float:
    """The most memory that this process has held, mapped files included. (Linux's ru_maxrss begins with the parent's.)"""
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
