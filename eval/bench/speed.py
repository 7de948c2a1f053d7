"""How fast it is, and what it costs: `python -m eval.bench.speed [--quick] [--json OUT]`.

- indexing: files are read in the worker, split, encoded, written and published, against bare `SentenceTransformer.encode` on
  the very same chunk texts, in turn, as a ratio; and what of it does not grow with the files ("start": a file of one line);
- asking: warm, per stage, at 1,000 and 20,000 chunks;
- starting: `pullquote --help` and `pullquote ask` as processes, against an empty Python;
- memory: the peak of the processes that index and that ask.

The text is the sample library, as it is and in copies (Markdown files) in which three words in ten are swapped for others of
its vocabulary. In the two libraries for asking, the vectors are real ones of the sample library with noise added (encoding
20,000 chunks takes long and changes nothing about how long a search takes); questions are encoded for real. Times depend on the
machine: trust ratios.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from eval.questions import load_questions
from eval.sets import SAMPLE, SAMPLE_SET
from index.build import Report, index_documents, sync
from index.chunks import DEFAULT, search_text, split
from index.encoder import Encoder, SentenceEncoder, load_encoder
from index.errors import FileError
from index.files import find_files, read_documents
from index.types import Document, Section, document_id, sha256_text
from rag.assistant import Assistant
from rag.config import Config
from rag.reader import BUNDLED, load_reader


def main() -> None:
    """Run everything, print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: a few minutes less")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    encoder = load_encoder()
    assert isinstance(encoder, SentenceEncoder)
    result: dict[str, Any] = {"indexing": indexing(encoder, *((300, 2) if given.quick else (1_500, 3)))}
    result["asking"] = [asking(encoder, chunks, 20 if given.quick else 100) for chunks in (1_000, 20_000)]
    result["starting"] = starting(2 if given.quick else 5)
    show(result)
    text = json.dumps(result, indent=2)
    if given.json:
        given.json.write_text(text + "\n", "utf-8")
    else:
        print(text)


def indexing(encoder: SentenceEncoder, chunks: int, rounds: int) -> dict[str, float]:
    """Chunks a second from files to a published index, and of the bare encoder on the same texts in the same process; medians.

    `ratio` is the one over the other, all included; in `ratio_without_start`, the seconds that indexing one line takes are not.
    """
    with tempfile.TemporaryDirectory() as place:
        files, line = Path(place, "files"), Path(place, "line.md")
        shutil.copytree(SAMPLE, files / "sample")
        for number, document in enumerate(_library(encoder, chunks)):
            if not document.source.startswith("copy-0/"):  # those are the sample itself
                (files / f"{number:05}.md").write_text(document.text, "utf-8")
        line.write_text("The ferry leaves at nine.", "utf-8")
        texts = list(dict.fromkeys(
            search_text(document, chunk, encoder.window) for document in _documents(files)
            for chunk in split(document, DEFAULT, encoder.window, encoder.count)))
        starts, builds, bare = [], [], []
        for _ in range(rounds):
            starts.append(_build(encoder, line)[1])
            report, seconds = _build(encoder, files)
            assert report.encoded == len(texts)
            builds.append(seconds)
            started = time.perf_counter()
            encoder.model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
            bare.append(time.perf_counter() - started)
    start = median(starts)
    return {"chunks": len(texts), "build_chunks_per_s": len(texts) / median(builds),
            "bare_chunks_per_s": len(texts) / median(bare), "start_s": start,
            "ratio": median(b / a for a, b in zip(builds, bare, strict=True)),
            "ratio_without_start": median(b / (a - start) for a, b in zip(builds, bare, strict=True))}


def _build(encoder: SentenceEncoder, path: Path) -> tuple[Report, float]:
    """Index what is at `path` into a new home; the report, and how many seconds it took."""
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        report = sync(Path(home), [path], encoder=encoder)
        return report, time.perf_counter() - started


def asking(encoder: SentenceEncoder, chunks: int, questions: int) -> dict[str, Any]:
    """Milliseconds per stage, p50 and p95, of warm questions on a library of so many chunks."""
    asked = [question.question for question in load_questions(SAMPLE_SET)[:questions]]
    with tempfile.TemporaryDirectory() as home:
        report = index_documents(Path(home), _library(encoder, chunks), encoder=_Noisy(encoder))
        assistant = Assistant(Path(home), Config(), encoder, load_reader(BUNDLED, encoder))
        assistant.ask(asked[0])
        timings = [assistant.ask(question).timings_ms for question in asked]
        assistant.close()
    return {"chunks": report.chunks, "questions": len(asked),
            "ms": {stage: {"p50": float(np.percentile([t[stage] for t in timings], 50)),
                           "p95": float(np.percentile([t[stage] for t in timings], 95))} for stage in timings[0]}}


def starting(rounds: int) -> dict[str, float]:
    """Seconds to start, and peak memory in MB, of whole processes; medians."""
    with tempfile.TemporaryDirectory() as home:
        command = ["-m", "ui.cli"]
        index_mb = _child([*command, "index", "--sample", "--home", home])[1]
        bare, help_, ask = [], [], []
        for _ in range(rounds):
            bare.append(_child(["-c", "pass"])[0])
            help_.append(_child([*command, "--help"])[0])
        ask_mb = 0.0
        for _ in range(max(2, rounds // 2)):
            seconds, ask_mb = _child([*command, "ask", "What does a single to Skarvey cost?", "--home", home])
            ask.append(seconds)
    return {"python_s": median(bare), "help_s": median(help_), "help_over_python_s": median(help_) - median(bare),
            "ask_s": median(ask), "index_peak_mb": index_mb, "ask_peak_mb": ask_mb}


def show(result: dict[str, Any]) -> None:
    """Print the result as tables."""
    console = Console(stderr=True)
    made = result["indexing"]
    table = Table("indexing, chunks", "chunks/s", "bare encoder, chunks/s", "ratio", "start, s", "ratio without start")
    table.add_row(str(made["chunks"]), f"{made['build_chunks_per_s']:.1f}", f"{made['bare_chunks_per_s']:.1f}",
                  f"{made['ratio']:.3f}", f"{made['start_s']:.2f}", f"{made['ratio_without_start']:.3f}")
    console.print(table)
    table = Table("asking, chunks", *(f"{stage}, ms (p50 / p95)" for stage in result["asking"][0]["ms"]))
    for row in result["asking"]:
        table.add_row(str(row["chunks"]), *(f"{ms['p50']:.1f} / {ms['p95']:.1f}" for ms in row["ms"].values()))
    console.print(table)
    start = result["starting"]
    console.print(f"--help {start['help_s']:.2f} s ({start['help_over_python_s']:.2f} s over an empty Python);"
                  f" ask, cold {start['ask_s']:.1f} s; peak memory: ask {start['ask_peak_mb']:.0f} MB, index"
                  f" {start['index_peak_mb']:.0f} MB")


class _Noisy:
    """The encoder's name and dimension, but vectors that are real ones of the sample library with noise added."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.revision = encoder.name, encoder.revision
        self.dimension, self.window = encoder.dimension, encoder.window
        self._count = encoder.count
        self._real = encoder.encode([search_text(document, chunk, encoder.window) for document in sample_documents()
                                     for chunk in split(document, DEFAULT, encoder.window, encoder.count)])

    def count(self, texts: Sequence[str]) -> list[int]:
        """As the encoder counts."""
        return self._count(texts)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One of the real vectors, chosen and blurred by the text's hash."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            chance = np.random.default_rng(int(sha256_text(text)[:15], 16))
            vectors[row] = self._real[chance.integers(len(self._real))] + chance.normal(0, 0.02, self.dimension)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def sample_documents() -> list[Document]:
    """The sample library's documents."""
    return _documents(SAMPLE)


def _documents(folder: Path) -> list[Document]:
    return [document for found in find_files(folder, "sample") if not isinstance(found, FileError)
            for document in read_documents(Path(found.path), found.source)]


def _library(encoder: Encoder, chunks: int) -> Iterator[Document]:
    """The sample library and as many altered copies as it takes to fill so many chunks."""
    sample = sample_documents()
    vocabulary = sorted({word for document in sample for word in document.text.split() if word.isalpha()})
    chance = random.Random(0)
    made = copy = 0
    while True:
        for document in sample:
            text = document.text if copy == 0 else _altered(document.text, vocabulary, chance)
            source = f"copy-{copy}/{document.source}"
            new = Document(document_id(source), source, document.title, text, document.media_type, document.file_sha256,
                           sha256_text(text), (Section(0, len(text)),), 0.0)
            made += len(split(new, DEFAULT, encoder.window, encoder.count))
            yield new
            if made >= chunks:
                return
        copy += 1


def _altered(text: str, vocabulary: Sequence[str], chance: random.Random) -> str:
    words = text.split(" ")
    return " ".join(chance.choice(vocabulary) if word.isalpha() and chance.random() < 0.3 else word for word in words)


def _child(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak memory (MB) of a Python process with these arguments."""
    measure = ("import resource, subprocess, sys, time; t = time.perf_counter();"
               " subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
               " print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", measure, *arguments], capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak) / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
