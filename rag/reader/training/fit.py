"""Fit what turns the trained reader's scores into odds: `python -m rag.reader.training.fit FILE.jsonl.gz … [--out fit.json]`.

The files must hold questions that the model was not trained on. Their contexts become a library, all but one in four, dealt
by hash; every question is asked of it. A question whose context stayed outside has no answer in the library, though other
contexts of the same article are there: what people ask in vain is mostly of this kind. Where none is, which is easy to
tell, only one in four counts. What is learned of confidence counts all these as `--vain` of the questions, whatever their
number: nobody asks half of his questions in vain. Three things are fitted, each a
logistic regression on a handful of features, so that little can be learned by heart; what is printed is measured crosswise
all the same (fitted on one half of the articles, measured on the other, and the other way round), while what is written is
fitted on all. Made-up libraries (`--libraries`, see `libraries`) are asked what their own sets ask.

- Rank: the odds that a span stands in a sentence that holds an answer, from the features of `Candidate`.
- Trust: the odds that the first span is right (Platt 1999, with the features of `trust_features`).
- Threshold: the lowest confidence at which at most the stated share of the answered questions is wrong.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, astuple, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.build import index_documents
from index.encoder import Encoder, load_encoder
from index.generation import open_current
from index.types import Document, sha256_text
from rag.config import Config
from rag.reader.base import distinct, linear, probability
from rag.reader.model import WEIGHTS
from rag.reader.span import Candidate, Fit, SpanReader, told, trust_features, weighed
from rag.reader.training import libraries
from rag.reader.training.fit_baseline import Row, document, read_rows
from rag.retrieve import retrieve
from rag.types import Span
from rag.words import normalised

OUTSIDE = 4  # one context in so many stays outside the library
STRANGE = 4  # one in so many counts of the questions whose whole article is not there


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its candidates, and which of them stand in a sentence that holds an answer.

    `about` names its article or library, `answerable` says whether what it was asked of answers it.
    """

    about: str
    answerable: bool
    candidates: tuple[Candidate, ...]
    right: tuple[bool, ...]

    @property
    def half(self) -> int:
        """0 or 1, by article or library."""
        return int(sha256_text(self.about)[:8], 16) % 2


@dataclass(frozen=True, slots=True)
class Judged:
    """Of every question the confidence in its first span, whether that is right, and how much it counts; each (n,)."""

    confidence: np.ndarray
    right: np.ndarray
    weights: np.ndarray


def main() -> None:
    """Ask, fit crosswise to measure, fit on all to write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=WEIGHTS / "fit.json")
    parser.add_argument("--libraries", nargs="+", default=[], metavar="NAME", help="made-up libraries, asked of themselves")
    parser.add_argument("--thin", type=int, default=1, help="one in so many of a library's questions is asked")
    parser.add_argument("--close", type=int, default=4, help="one in so many of the files' unanswerable questions counts")
    parser.add_argument("--risk", type=float, default=0.2, help="share of the answered questions that may be wrong")
    parser.add_argument("--vain", type=float, default=0.25, help="share of the questions that count as without an answer")
    parser.add_argument("--most", type=int, nargs="+", default=[1500], help="questions of a file, spread evenly; one for each")
    given = parser.parse_args()
    everything = [row for path in given.files for row in read_rows(path)]
    known = {row.title for row in everything if not outside(row)}
    if len(given.most) not in {1, len(given.files)}:
        parser.error(f"--most has {len(given.most)} numbers for {len(given.files)} files: give one, or one for each")
    most = given.most if len(given.most) == len(given.files) else given.most * len(given.files)
    rows = [row for path, number in zip(given.files, most, strict=True)
            for row in _thinned(_some(read_rows(path), number), given.close, known)]
    encoder = load_encoder()
    reader = SpanReader.bundled(encoder)
    asked = list(ask(rows, {row.source: document(row) for row in everything if not outside(row)}.values(), encoder, reader))
    for name in libraries.named(given.libraries):
        asked += ask_library(name, encoder, reader, given.thin)
    halves = [[one for one in asked if one.half == half] for half in (0, 1)]
    crosswise = [judged(halves[half], fitted(halves[1 - half], given.risk, given.vain), given.vain) for half in (0, 1)]
    report("crosswise", Judged(*map(np.concatenate, zip(*map(astuple, crosswise), strict=True))), given.risk)
    fit = fitted(asked, given.risk, given.vain)
    judgement = judged(asked, fit, given.vain)
    report("on the same questions", judgement, given.risk)
    answered = judgement.confidence >= fit.threshold
    weights = judgement.weights[answered]
    print(f"at {fit.threshold} answers {weights.sum() / judgement.weights.sum():.3f} of them,"
          f" {np.average(judgement.right[answered], weights=weights):.3f} of these rightly")
    given.out.write_text(json.dumps(asdict(fit), indent=2) + "\n")
    print(fit)


def outside(row: Row) -> bool:
    """Whether a row's context stays outside the library."""
    return int(sha256_text(row.context)[:8], 16) % OUTSIDE == 0


def ask(rows: Sequence[Row], library: Iterable[Document], encoder: Encoder, reader: SpanReader) -> Iterator[Asked]:
    """Every question, asked of the library."""
    config = Config()
    with tempfile.TemporaryDirectory() as home:
        index_documents(Path(home), library, encoder=encoder)
        store = open_current(Path(home))
        for row, vector in zip(rows, encoder.encode([row.question for row in rows]), strict=True):
            candidates = reader.candidates(row.question, retrieve(store, row.question, vector, config))
            yield _asked(row.title, [] if outside(row) else [text for text, _ in row.answers], candidates)


def ask_library(name: str, encoder: Encoder, reader: SpanReader, thin: int = 1) -> Iterator[Asked]:
    """One in `thin` questions of a made-up library's set, asked of it."""
    for one in islice(libraries.ask(libraries.FOLDER / name, encoder), None, None, thin):
        yield _asked(name, one.question.answers, reader.candidates(one.standalone, one.found))


def _asked(about: str, answers: Sequence[str], candidates: Sequence[Candidate]) -> Asked:
    wanted = [normalised(text) for text in answers]
    told_in = [normalised(told(one.span)) for one in candidates]
    return Asked(about, bool(wanted), tuple(candidates), tuple(any(answer in text for answer in wanted) for text in told_in))


def fitted(asked: Sequence[Asked], risk: float, vain: float) -> Fit:
    """Rank, then trust and the threshold on the ranking that it gives."""
    pairs = [(one.features, right) for some in asked for one, right in zip(some.candidates, some.right, strict=True)]
    rank = _regression([features for features, _ in pairs], [right for _, right in pairs])
    by_rank = Fit(rank=rank)
    inputs: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for one in asked:
        spans, right = _spans(one, by_rank)
        if spans:
            inputs.append(trust_features(spans))
            labels.append(right)
    trust = _regression(inputs, labels, weights_of(asked, vain))
    by_both = Fit(rank, trust)
    return replace(by_both, threshold=threshold(judged(asked, by_both, vain), risk))


def judged(asked: Sequence[Asked], fit: Fit, vain: float) -> Judged:
    """What the fit says of every question for which there is anything to quote."""
    confidence, truth = [], []
    for one in asked:
        spans, right = _spans(one, fit)
        if spans:
            confidence.append(probability(linear(fit.trust, trust_features(spans))))
            truth.append(right)
    return Judged(np.array(confidence), np.array(truth), weights_of(asked, vain))


def weights_of(asked: Sequence[Asked], vain: float) -> np.ndarray:
    """How much each question counts, so that those without an answer in the library are that share of all."""
    without = np.array([not one.answerable for one in asked if one.candidates])
    share = without.mean()
    if not 0 < share < 1:
        return np.ones(len(without))
    weights: np.ndarray = np.where(without, vain / share, (1 - vain) / (1 - share))
    return weights


def threshold(judgement: Judged, risk: float) -> float:
    """The lowest confidence, to two decimals, from which at most that share is wrong."""
    for step in np.round(np.arange(0.05, 1.0, 0.01), 2):
        answered = judgement.confidence >= step
        if answered.any() and 1 - np.average(judgement.right[answered], weights=judgement.weights[answered]) <= risk:
            return float(step)
    return 0.99


def report(name: str, judgement: Judged, risk: float) -> None:
    """Print what the confidence is worth."""
    order = np.argsort(-judgement.confidence, kind="stable")
    confidence, right, weights = judgement.confidence[order], judgement.right[order], judgement.weights[order]
    asked = np.cumsum(weights)
    good = np.flatnonzero(1 - np.cumsum(right * weights) / asked <= risk)
    coverage = asked[good[-1]] / asked[-1] if len(good) else 0.0
    error = _calibration_error(confidence, right, weights)
    print(f"{name}: {len(order)} questions, first span right {np.average(right, weights=weights):.3f},"
          f" AUROC {roc_auc_score(right, confidence, sample_weight=weights):.3f},"
          f" coverage at risk {risk}: {coverage:.3f}, calibration error {error:.3f}")


def _calibration_error(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    bins = zip(*(np.array_split(part, 15) for part in (confidence - right, weights)), strict=True)
    return float(sum(abs((off * weight).sum()) for off, weight in bins) / weights.sum())


def _spans(one: Asked, fit: Fit) -> tuple[list[Span], bool]:
    """The spans as the reader would give them, and whether the first is right."""
    ranked = weighed(one.candidates, fit)
    truth = {id(span): right for span, right in zip(ranked, one.right, strict=True)}
    spans = distinct(ranked)
    return spans, bool(spans) and truth[id(spans[0])]


def _some(rows: Sequence[Row], most: int) -> Sequence[Row]:
    return rows[:: -(-len(rows) // most)]


def _thinned(rows: Sequence[Row], close: int, known: Set[str]) -> list[Row]:
    """One in so many of the unanswerable rows, for people seldom ask what was written to mislead; one in four of those whose
    article is not known; all others."""
    close_ones = [row for row in rows if not row.answers]
    strange = [row for row in rows if row.answers and outside(row) and row.title not in known]
    left_out = {*close_ones, *strange} - {*close_ones[::close], *strange[::STRANGE]}
    return [row for row in rows if row not in left_out]


def _regression(inputs: Sequence[Sequence[float]], labels: Sequence[bool],
                weights: np.ndarray | None = None) -> tuple[float, ...]:
    model = LogisticRegression(C=10.0, max_iter=1000).fit(np.array(inputs), np.array(labels), weights)
    return tuple(round(float(weight), 4) for weight in (*model.coef_[0], model.intercept_[0]))


if __name__ == "__main__":
    main()
