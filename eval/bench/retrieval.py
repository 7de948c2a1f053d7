"""Recall of evidence characters in the first k chunks, for each way to search.

    python -m eval.bench.retrieval CORPUS.jsonl[.gz] QUERIES.jsonl[.gz] [--k 5] [--json OUT]

Corpus rows are {"id", "title", "text"}; queries {"question", "relevant": [corpus id, …], "spans": [[start, end], …]}, where
the i-th span lies in the i-th relevant document (or all in the one there is). For each question, the share of its evidence
characters that the union of the first k chunks covers; the table gives the mean over questions.

"reciprocal ranks" and "z-scores" are what is read (`rag.retrieve`): copies are left out, and of z-scores the second half of the
passages is from a ranking of its own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from index.build import index_documents
from index.chunks import Chunking
from index.encoder import load_encoder
from index.generation import Generation, open_current
from index.store import Hit, Vector
from index.types import Chunk, Document, Section, document_id, sha256_text
from rag.config import Config
from rag.retrieve import retrieve

Search = Callable[[str, Vector], Sequence[Hit]]


def main() -> None:
    """Build an index of the corpus in a temporary folder, run every search, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--size", type=int, default=Config().chunk_tokens, help="tokens a chunk")
    parser.add_argument("--overlap", type=int, default=Config().chunk_overlap)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()

    encoder = load_encoder()
    queries = [row for row in _rows(given.queries) if row.get("spans")]
    vectors = encoder.encode([row["question"] for row in queries])
    with tempfile.TemporaryDirectory() as home:
        index_documents(Path(home), _documents(given.corpus), encoder=encoder,
                        chunking=Chunking(given.size, given.overlap))
        store = open_current(Path(home))
        made = store.manifest
        mean_tokens = made.tokens / made.chunks
        figures = {name: fmean(_recall(store, row, search(row["question"], vector)[: given.k])
                               for row, vector in zip(queries, vectors, strict=True))
                   for name, search in searches(store, Config(passages=max(given.k, Config().passages))).items()}
        store.close()
    table = Table("search", f"recall@{given.k}", title=f"{len(queries)} questions, {made.chunks} chunks of"
                                                       f" {mean_tokens:.0f} tokens (at most {given.size})")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:.3f}")
    Console().print(table)
    result = {"questions": len(queries), "chunks": made.chunks, "mean_tokens": mean_tokens, "k": given.k, **figures}
    if given.json:
        given.json.write_text(json.dumps(result, indent=2))
    else:
        json.dump(result, sys.stdout)
        print()


def searches(store: Generation, config: Config) -> dict[str, Search]:
    """Every way to search, by name; the last is the one in use."""
    def fused(fusion: str) -> Search:
        chosen = config.model_copy(update={"fusion": fusion})
        return lambda question, vector: [Hit(one.chunk.id, one.score) for one in retrieve(store, question, vector, chosen)]
    return {"dense": lambda _, vector: store.dense(vector, config.candidates),
            "BM25": lambda question, _: store.lexical(question, config.candidates),
            "reciprocal ranks": fused("rrf"), "z-scores": fused("zscore")}


def _recall(store: Generation, row: dict[str, Any], hits: Sequence[Hit]) -> float:
    chunks: list[Chunk] = store.chunks([hit.chunk_id for hit in hits])
    relevant = row["relevant"] if len(row["relevant"]) == len(row["spans"]) else row["relevant"][:1] * len(row["spans"])
    wanted = {(document_id(source), at) for source, (start, end) in zip(relevant, row["spans"], strict=True)
              for at in range(start, end)}
    got = {(chunk.document_id, at) for chunk in chunks for at in range(chunk.start, chunk.end)}
    return len(wanted & got) / len(wanted)


def _documents(path: Path) -> Iterator[Document]:
    for row in _rows(path):
        text, source = row["text"], str(row["id"])
        yield Document(document_id(source), source, row.get("title") or source, text, "text/plain", sha256_text(text),
                       sha256_text(text), (Section(0, len(text)),), 0.0)


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
