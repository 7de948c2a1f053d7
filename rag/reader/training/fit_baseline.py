"""Fit the baseline reader: `python -m rag.reader.training.fit_baseline TRAIN.jsonl.gz … [--out similarity.json]`.

Rows are {"question", "title", "context", "answers": [{"text", "start"}]}, an empty `answers` meaning that the context does
not answer. The articles (titles) are dealt by hash into two thirds that become a library and a third that stays outside it.

- Ranking: logistic regression over the sentences that the reader would look at, on half of the library's answerable
  questions; a sentence is right where it holds the answer at its place in the question's own context.
- Trust: logistic regression over the other half (right: the first sentence holds an answer), as many questions that the
  library cannot answer: three in four asked of articles outside it, one in four marked as not answerable (close misses).
- Threshold: where answering and refusing are right most evenly (the best mean of the share of right first sentences that
  are answered and of the share of the others that are refused), on the same held-out questions.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.build import index_documents
from index.encoder import Encoder, load_encoder
from index.generation import open_current
from index.store import PassageStore
from index.types import Document, Section, document_id, sha256_text
from rag.config import Config
from rag.reader.similarity import WEIGHTS, SimilarityReader, candidates, features, trust_features
from rag.retrieve import retrieve
from rag.types import Passage
from rag.words import normalised

VERSION = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A question with the place of its context and answers."""

    question: str
    title: str
    context: str
    answers: tuple[tuple[str, int], ...]

    @property
    def bucket(self) -> int:
        """0, 1 or 2, by article."""
        return int(sha256_text(self.title)[:8], 16) % 3

    @property
    def source(self) -> str:
        """The name of the context's document."""
        return f"{self.title}/{sha256_text(self.context)[:8]}"


def main() -> None:
    """Read, index, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--questions", type=int, default=3000, help="at most so many of each kind")
    given = parser.parse_args()
    rows = [row for path in given.train for row in read_rows(path)]
    inside = [row for row in rows if row.bucket]
    answerable = _some([row for row in inside if row.answers], given.questions)
    close = _some([row for row in inside if not row.answers], given.questions)
    outside = _some([row for row in rows if not row.bucket and row.answers], given.questions)

    encoder, config = load_encoder(), Config()
    with tempfile.TemporaryDirectory() as home:
        library = {row.source: document(row) for row in inside}
        report = index_documents(Path(home), library.values(), encoder=encoder)
        print(f"{report.documents} paragraphs, {len(answerable)} answerable, {len(close)} close misses,"
              f" {len(outside)} on articles that are not there")
        store = open_current(Path(home))
        rank = fit_rank(answerable[::2], store, encoder, config)
        write(given.out, rank, [1.0, 0.0, 0.0], 0.5)  # for the reader that the next step reads with
        asked = answerable[1::2]
        none = outside[: len(asked) * 3 // 4] + close[: len(asked) - len(asked) * 3 // 4]
        trust, threshold = fit_trust(asked, none, store, encoder, config, given.out)
        write(given.out, rank, trust, threshold)


def fit_rank(rows: Sequence[Row], store: PassageStore, encoder: Encoder, config: Config) -> list[float]:
    """The weights of the sentence score, intercept last."""
    inputs: list[list[float]] = []
    labels: list[bool] = []
    for row, passages in _retrieved(rows, store, encoder, config):
        chosen = candidates(row.question, passages)
        inputs += features(row.question, chosen, passages, encoder)
        labels += [c.passage.document.source == row.source and any(
            c.start <= start and start + len(text) <= c.end for text, start in row.answers) for c in chosen]
    model = LogisticRegression(C=10.0, max_iter=1000).fit(np.array(inputs), labels)
    weights = [round(float(w), 4) for w in (*model.coef_[0], model.intercept_[0])]
    print(f"ranking: {len(labels)} sentences, {sum(labels)} right; weights {weights}")
    return weights


def fit_trust(rows: Sequence[Row], none: Sequence[Row], store: PassageStore, encoder: Encoder, config: Config,
              weights: Path) -> tuple[list[float], float]:
    """The weights of the confidence, intercept last, and the threshold."""
    reader = SimilarityReader(encoder, weights)
    inputs, labels = [], []
    for row, passages in _retrieved([*rows, *none], store, encoder, config):
        spans = reader.read(row.question, passages)
        if spans:
            inputs.append(trust_features(spans))
            labels.append(bool(row.bucket) and any(normalised(text) in normalised(spans[0].text) for text, _ in row.answers))
    model = LogisticRegression(C=10.0).fit(np.array(inputs), labels)
    confidence = model.predict_proba(np.array(inputs))[:, 1]
    right = np.array(labels)
    steps = np.round(np.arange(0.05, 0.95, 0.01), 2)
    balance = [(np.mean(confidence[right] >= t) + np.mean(confidence[~right] < t)) / 2 for t in steps]
    threshold = float(steps[int(np.argmax(balance))])
    answered = confidence >= threshold
    print(f"first sentence right: {np.mean(right[: len(rows)]):.3f} of {len(rows)} answerable; AUROC"
          f" {roc_auc_score(right, confidence):.3f}; at {threshold:.2f} answers {np.mean(answered):.2f} of all,"
          f" {np.mean(right[answered]):.2f} of them right")
    return [round(float(w), 4) for w in (*model.coef_[0], model.intercept_[0])], threshold


def write(path: Path, rank: list[float], trust: list[float], threshold: float) -> None:
    """Write the weights file."""
    path.write_text(json.dumps({"version": VERSION, "rank": rank, "trust": trust, "threshold": threshold}, indent=2) + "\n")


def _retrieved(rows: Sequence[Row], store: PassageStore, encoder: Encoder,
               config: Config) -> Iterator[tuple[Row, list[Passage]]]:
    vectors = encoder.encode([row.question for row in rows])
    for row, vector in zip(rows, vectors, strict=True):
        yield row, retrieve(store, row.question, vector, config)


def document(row: Row) -> Document:
    """The row's context as a document."""
    text = row.context
    return Document(document_id(row.source), row.source, row.title, text, "text/plain", sha256_text(text), sha256_text(text),
                    (Section(0, len(text)),), 0.0)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        return [Row(row["question"], row["title"], row["context"], tuple((a["text"], a["start"]) for a in row["answers"]))
                for row in map(json.loads, lines)]


def _some(rows: list[Row], most: int) -> list[Row]:
    """At most so many, spread evenly by hash of the question."""
    return sorted(rows, key=lambda row: sha256_text(row.question))[:most]


if __name__ == "__main__":
    main()
