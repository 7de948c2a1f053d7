"""Fit what turns the trained reader's scores into odds: `python -m rag.reader.training.fit FILE.jsonl.gz … [--out fit.json]`.

The files must hold questions that the model was not trained on. All their contexts together become a library; every
question is asked of it. Three things are fitted, each a logistic regression on a handful of features, so that little can be
learned by heart; what is printed is measured crosswise all the same (fitted on one half of the articles, measured on the
other, and the other way round), while what is written is fitted on all.

- Rank: the odds that a passage's best span stands in a sentence that holds an answer, from the model's score over "not
  here" and the retrieval score behind the best passage's.
- Trust: the odds that the first span is right (Platt 1999, with the four features of `trust_features`).
- Threshold: the lowest confidence at which at most the stated share of the answered questions is wrong.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.build import index_documents
from index.encoder import load_encoder
from index.generation import open_current
from index.sentences import sentences
from rag.config import Config
from rag.reader.base import distinct, probability
from rag.reader.model import WEIGHTS
from rag.reader.span import Fit, Marked, SpanReader, linear, trust_features
from rag.reader.training.fit_baseline import Row, document, read_rows
from rag.retrieve import retrieve
from rag.types import Passage, Span
from rag.words import normalised


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its passages and what the model marked in each."""

    row: Row
    passages: tuple[Passage, ...]
    marks: tuple[tuple[Marked, ...], ...]
    right: tuple[tuple[bool, ...], ...]  # whether a mark's sentence holds an answer


def main() -> None:
    """Ask, fit crosswise to measure, fit on all to write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=WEIGHTS / "fit.json")
    parser.add_argument("--close", type=int, default=4, help="one in so many of the files' unanswerable questions counts")
    parser.add_argument("--risk", type=float, default=0.2, help="share of the answered questions that may be wrong")
    parser.add_argument("--outside", type=Path, nargs="*", default=[], help="questions whose contexts stay outside the library")
    parser.add_argument("--most", type=int, default=1500, help="questions of a file, spread evenly")
    given = parser.parse_args()
    rows = [row for path in given.files for row in _thinned(_some(read_rows(path), given.most), given.close)]
    outside = [replace(row, answers=()) for path in given.outside for row in _some(read_rows(path), given.most // 5)]
    asked = list(ask(rows, outside, SpanReader.bundled()))
    halves = [[one for one in asked if one.row.bucket % 2 == half] for half in (0, 1)]
    confidence, right = [], []
    for half in (0, 1):
        fit = fitted(halves[1 - half], given.risk)
        told, truth = judged(halves[half], fit)
        confidence += told
        right += truth
    report("crosswise", np.array(confidence), np.array(right), given.risk)
    fit = fitted(asked, given.risk)
    confidence, right = judged(asked, fit)
    report("on the same questions", np.array(confidence), np.array(right), given.risk)
    answered = np.array(confidence) >= fit.threshold
    print(f"at {fit.threshold} answers {answered.mean():.3f} of them, {np.array(right)[answered].mean():.3f} of these rightly")
    given.out.write_text(json.dumps(asdict(fit), indent=2) + "\n")
    print(fit)


def ask(rows: Sequence[Row], outside: Sequence[Row], reader: SpanReader) -> Iterator[Asked]:
    """Every question, asked of a library of all contexts but those of the questions `outside`."""
    encoder, config = load_encoder(), Config()
    with tempfile.TemporaryDirectory() as home:
        index_documents(Path(home), {row.source: document(row) for row in rows}.values(), encoder=encoder)
        store = open_current(Path(home))
        vectors = encoder.encode([row.question for row in (*rows, *outside)])
        for row, vector in zip((*rows, *outside), vectors, strict=True):
            passages = retrieve(store, row.question, vector, config)
            marks = reader.mark(row.question, passages)
            answers = [normalised(text) for text, _ in row.answers]
            right = tuple(tuple(_holds(passage.text, mark, answers) for mark in some)
                          for passage, some in zip(passages, marks, strict=True))
            yield Asked(row, tuple(passages), tuple(map(tuple, marks)), right)


def fitted(asked: Sequence[Asked], risk: float) -> Fit:
    """Rank, then trust and the threshold on the ranking that it gives."""
    inputs: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for one in asked:
        best = max(passage.score for passage in one.passages)
        for passage, marks, right in zip(one.passages, one.marks, one.right, strict=True):
            if marks:
                inputs.append((marks[0].score, passage.score - best))
                labels.append(right[0])
    rank = _regression(inputs, labels)
    odds_only = Fit(rank=rank)
    inputs, labels = [], []
    for one in asked:
        spans, right_span = _spans(one, odds_only)
        if spans:
            inputs.append(trust_features(one.row.question, spans))
            labels.append(right_span)
    trust = _regression(inputs, labels)
    confidence = np.array([probability(linear(trust, row)) for row in inputs])
    return Fit(rank, trust, threshold(confidence, np.array(labels), risk))


def judged(asked: Sequence[Asked], fit: Fit) -> tuple[list[float], list[bool]]:
    """The confidence of each question's first span, and whether it is right."""
    told, truth = [], []
    for one in asked:
        spans, right = _spans(one, fit)
        if spans:
            told.append(probability(linear(fit.trust, trust_features(one.row.question, spans))))
            truth.append(right)
    return told, truth


def threshold(confidence: np.ndarray, right: np.ndarray, risk: float) -> float:
    """The lowest confidence, to two decimals, from which at most that share is wrong."""
    for step in np.round(np.arange(0.05, 1.0, 0.01), 2):
        answered = confidence >= step
        if answered.any() and 1 - right[answered].mean() <= risk:
            return float(step)
    return 0.99


def report(name: str, confidence: np.ndarray, right: np.ndarray, risk: float) -> None:
    """Print what the confidence is worth."""
    order = np.argsort(-confidence, kind="stable")
    risks = 1 - np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    coverage = (np.flatnonzero(risks <= risk).max(initial=-1) + 1) / len(order)
    bins = np.array_split(order, 15)
    error = sum(len(some) * abs(confidence[some].mean() - right[some].mean()) for some in bins) / len(order)
    print(f"{name}: {len(order)} questions, first span right {right.mean():.3f}, AUROC {roc_auc_score(right, confidence):.3f},"
          f" coverage at risk {risk}: {coverage:.3f}, calibration error {error:.3f}")


def _spans(one: Asked, fit: Fit) -> tuple[list[Span], bool]:
    """The spans as the reader would give them, and whether the first is right."""
    best = max((passage.score for passage in one.passages), default=0.0)
    truth = {}
    for passage, marks, right in zip(one.passages, one.marks, one.right, strict=True):
        for mark, is_right in zip(marks, right, strict=True):
            start = passage.chunk.start
            odds = round(linear(fit.rank, (mark.score, passage.score - best)), 3)
            truth[Span(passage, start + mark.start, start + mark.end, odds)] = is_right
    spans = distinct(truth)
    return spans, bool(spans) and truth[spans[0]]


def _holds(text: str, mark: Marked, answers: Sequence[str]) -> bool:
    touched = [(start, end) for start, end in sentences(text) if start < mark.end and mark.start < end]
    if not touched:
        return False
    told = normalised(text[touched[0][0] : touched[-1][1]])
    return any(answer in told for answer in answers)


def _some(rows: Sequence[Row], most: int) -> Sequence[Row]:
    return rows[:: -(-len(rows) // most)]


def _thinned(rows: Sequence[Row], close: int) -> list[Row]:
    """All answerable rows, and one in so many of the others: people seldom ask what was written to mislead."""
    return [*(row for row in rows if row.answers), *[row for row in rows if not row.answers][::close]]


def _regression(inputs: Sequence[Sequence[float]], labels: Sequence[bool]) -> tuple[float, ...]:
    model = LogisticRegression(C=10.0, max_iter=1000).fit(np.array(inputs), np.array(labels))
    return tuple(round(float(weight), 4) for weight in (*model.coef_[0], model.intercept_[0]))


if __name__ == "__main__":
    main()
