"""The measures: pure functions, each with the published definition it follows.

Functions of `confidence` and `right` take arrays whose last axis runs over the questions and return one number for each
of the leading axes: one for a single sample, a thousand for the thousand resamples of `bootstrap`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rag.calibration import upper_bound
from rag.reader.squad import exact_match as exact_match  # a measure too, though the reader's training needs it as well
from rag.reader.squad import f1 as f1
from rag.reader.squad import normalise as normalise

Array = NDArray[np.float64]
Span = tuple[str, int, int]  # source, start, end

# -- words -----------------------------------------------------------------------------------------------------------


def holds_answer(text: str, answers: Iterable[str]) -> bool:
    """Whether the text holds a whole answer: its words, in a row, after `normalise` and on word boundaries.

    As the answer recall of open-domain question answering (Chen et al. 2017, DrQA), but that numbers stay what they are: 1.5
    is not 15, nor is -5 5. Punctuation outside ASCII separates words too. An answer that normalises to nothing ("A", "%") is
    looked for as it stands.

    >>> holds_answer("The fee is 15 euro.", ["1.5"]), holds_answer("The fee is 1,500 euro.", ["1500"])
    (False, True)
    """
    words = _words(text)
    return any(_holds(words, _words(answer)) if _words(answer) else _stands_in(answer, text) for answer in answers)


_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_MINUS = re.compile(r"(?<!\w)[-\u2212](?=\d)")
_RANGE = re.compile(r"(?<=\d)[-/](?=\d)")


def _words(text: str) -> list[str]:
    numbers = _RANGE.sub(" ", _MINUS.sub("minus", _POINT.sub("point", text)))
    return re.findall(r"\w+", normalise(numbers))


def _holds(words: list[str], wanted: list[str]) -> bool:
    width = len(wanted)
    return any(words[i : i + width] == wanted for i in range(len(words) - width + 1))


def _stands_in(answer: str, text: str) -> bool:
    return bool(answer.strip()) and re.search(rf"(?<!\w){re.escape(answer.strip())}(?!\w)", text) is not None


# -- characters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CharacterScores:
    """How two sets of characters agree: precision |P∩G|/|P|, recall |P∩G|/|G|, intersection over union |P∩G|/|P∪G|."""

    precision: float
    recall: float
    iou: float


def character_scores(predicted: Iterable[Span], gold: Iterable[Span]) -> CharacterScores:
    """Precision, recall and IoU of characters, source by source; each character counts once (Smith & Troynikov 2024).

    A share of nothing is 0, except that two empty sets agree entirely.
    """
    mine, theirs = union(predicted), union(gold)
    both = sum(_shared(mine[source], theirs[source]) for source in mine.keys() & theirs.keys())
    p, g = _size(mine), _size(theirs)
    if not p and not g:
        return CharacterScores(1.0, 1.0, 1.0)
    return CharacterScores(both / p if p else 0.0, both / g if g else 0.0, both / (p + g - both))


def union(spans: Iterable[Span]) -> dict[str, list[tuple[int, int]]]:
    """Per source, the same characters as spans that neither overlap nor touch, in order; empty spans vanish.

    >>> union([("a", 4, 9), ("a", 0, 5), ("b", 1, 2)])
    {'a': [(0, 9)], 'b': [(1, 2)]}
    """
    merged: dict[str, list[tuple[int, int]]] = {}
    for source, start, end in sorted(spans):
        if start >= end:
            continue
        stretches = merged.setdefault(source, [])
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    return merged


def overlaps(one: Span, other: Span) -> bool:
    """Whether two spans share a character."""
    return one[0] == other[0] and max(one[1], other[1]) < min(one[2], other[2])


def _shared(mine: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> int:
    shared = i = j = 0
    while i < len(mine) and j < len(theirs):
        shared += max(0, min(mine[i][1], theirs[j][1]) - max(mine[i][0], theirs[j][0]))
        if mine[i][1] < theirs[j][1]:
            i += 1
        else:
            j += 1
    return shared


def _size(merged: Mapping[str, list[tuple[int, int]]]) -> int:
    return sum(end - start for stretches in merged.values() for start, end in stretches)


# -- rankings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ranking:
    """What retrieval brought for one question, best first: which ranks are relevant, and how many pieces it missed."""

    relevant: tuple[bool, ...]
    missed: int


def rank(passages: Sequence[Iterable[int]], pieces: int) -> Ranking:
    """A ranking from the pieces of evidence (0 … pieces-1) that each passage shows.

    A passage is relevant where it shows a piece that no passage before it has shown, so finding the same evidence twice
    gains nothing, and two pieces that one passage shows count as one.
    """
    seen: set[int] = set()
    relevant = []
    for shown in passages:
        new = set(shown) - seen
        relevant.append(bool(new))
        seen |= new
    return Ranking(tuple(relevant), pieces - len(seen))


def retrieval(rankings: Mapping[str, Ranking], depths: Sequence[int] = (1, 5, 10)) -> dict[str, dict[str, float]]:
    """Recall at each depth, MRR@10 and nDCG@10 of every question (binary relevance), computed by ir_measures.

    A question whose ranking is empty was skipped or found nothing: it scores 0, it is not left out.
    """
    import ir_measures
    from ir_measures import RR, R, nDCG

    names: dict[Any, str] = {R @ k: f"recall@{k}" for k in depths} | {RR @ 10: "mrr@10", nDCG @ 10: "ndcg@10"}
    qrels, run = {}, {}
    for id, ranking in rankings.items():
        qrels[id] = {f"rank {i}": 1 for i, relevant in enumerate(ranking.relevant) if relevant} | {
            f"missed {i}": 1 for i in range(ranking.missed)}
        run[id] = {f"rank {i}": -float(i) for i in range(len(ranking.relevant))}
    scores = {id: dict.fromkeys(names.values(), 0.0) for id in rankings}
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        scores[metric.query_id][names[metric.measure]] = float(metric.value)
    return scores


# -- confidence ------------------------------------------------------------------------------------------------------


def mean(values: ArrayLike) -> Array:
    """The mean over the last axis."""
    return np.asarray(np.mean(np.asarray(values, dtype=float), axis=-1))


def auroc(confidence: ArrayLike, right: ArrayLike) -> Array:
    """Area under the ROC curve: how often a right question has more confidence than a wrong one, ties counting half.

    The Mann-Whitney form (Hanley & McNeil 1982), the number of `sklearn.metrics.roc_auc_score` but for many samples at
    once. NaN where all are right or all are wrong.
    """
    by, outcome = _falling(confidence, right)
    n = by.shape[-1]
    positives = outcome.sum(axis=-1)
    ranks = _tie_means(by, np.broadcast_to(np.arange(n, 0, -1, dtype=float), by.shape))
    wins = (ranks * outcome).sum(axis=-1) - positives * (positives + 1) / 2
    return _ratio(wins, positives * (n - positives))


def refusal_precision(refused: Sequence[bool], answerable: Sequence[bool]) -> list[float]:
    """For each question that was refused, 1 where it could not be answered; the mean is the precision of refusing."""
    return [float(not a) for r, a in zip(refused, answerable, strict=True) if r]


def refusal_recall(refused: Sequence[bool], answerable: Sequence[bool]) -> list[float]:
    """For each question that cannot be answered, 1 where it was refused; the mean is the recall of refusing."""
    return [float(r) for r, a in zip(refused, answerable, strict=True) if not a]


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> tuple[Array, Array]:
    """The risk-coverage curve (El-Yaniv & Wiener 2010): answering the k most confident of n, coverage k/n and risk.

    Risk is the share of wrong ones among those answered; within equal confidence it is the mean over their orders.
    """
    by, outcome = _falling(confidence, right)
    k = np.arange(1, by.shape[-1] + 1)
    return k / by.shape[-1], 1 - outcome.cumsum(axis=-1) / k


def risk_at(coverage: float) -> Callable[[ArrayLike, ArrayLike], Array]:
    """The measure `risk at this coverage`: the risk of answering that share of all questions, the surest first."""

    def measure(confidence: ArrayLike, right: ArrayLike) -> Array:
        covered, risk = risk_coverage(confidence, right)
        return np.asarray(risk[..., int(np.searchsorted(covered, coverage - 1e-9))])

    return measure


def coverage_at(risk: float) -> Callable[[ArrayLike, ArrayLike], Array]:
    """The measure `coverage at this risk`: the largest share that a threshold can answer with at most `risk` wrong."""

    def measure(confidence: ArrayLike, right: ArrayLike) -> Array:
        by, _ = _falling(confidence, right)
        covered, actual = risk_coverage(confidence, right)
        cut = np.concatenate([by[..., 1:] != by[..., :-1], np.ones((*by.shape[:-1], 1), dtype=bool)], axis=-1)
        return np.asarray(np.where(cut & (actual <= risk + 1e-9), covered, 0.0).max(axis=-1))

    return measure


def risk_bound(wrong: ArrayLike) -> Array:
    """The exact upper bound of the risk, with 95% confidence, of answers that were wrong or not (Clopper & Pearson 1934)."""
    counted = _floats(wrong)
    return upper_bound(counted.sum(axis=-1), counted.shape[-1])


def calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 15) -> Array:
    """Expected calibration error (Naeini et al. 2015) over bins of equally many questions (Nguyen & O'Connor 2015)."""
    by, outcome = _falling(confidence, right)
    return np.asarray(np.abs(np.add.reduceat(by - outcome, _starts(by.shape[-1], bins), axis=-1)).sum(axis=-1)
                      / by.shape[-1])


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = 15) -> list[tuple[float, float, int]]:
    """The bins of `calibration_error`, least confident first: mean confidence, share right, number of questions."""
    by, outcome = _falling(confidence, right)
    edges = [*_starts(by.shape[-1], bins), by.shape[-1]]
    return [(float(by[a:b].mean()), float(outcome[a:b].mean()), int(b - a))
            for a, b in pairwise(edges)][::-1]


def quantile(q: float) -> Callable[[ArrayLike], Array]:
    """The measure `quantile q`, interpolated between neighbours."""
    return lambda values: np.asarray(np.quantile(np.asarray(values, dtype=float), q, axis=-1))


def bootstrap(values: ArrayLike, statistic: Callable[..., Array] = mean, seed: int = 0,
              resamples: int = 1000) -> tuple[float, float]:
    """The percentile bootstrap's 95% interval (Efron 1979) of a statistic over questions drawn with replacement.

    `values` has a row for each argument of the statistic and a column for each question (a single row may be flat).
    The same seed gives the same interval. Resamples that leave the statistic undefined are passed over.
    """
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    n = rows.shape[-1]
    random = np.random.default_rng(seed)
    block = max(1, 2_000_000 // n)  # resamples at a time: bounded memory, the same draws
    drawn = []
    for done in range(0, resamples, block):
        picks = random.integers(0, n, size=(min(block, resamples - done), n))
        drawn.append(statistic(*(row[picks] for row in rows)))
    estimates = np.concatenate(drawn)
    estimates = estimates[~np.isnan(estimates)]
    if not estimates.size:
        return float("nan"), float("nan")
    low, high = np.quantile(estimates, [0.025, 0.975])
    return float(low), float(high)


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=float)


def _falling(confidence: ArrayLike, right: ArrayLike) -> tuple[Array, Array]:
    """Both by falling confidence; `right` is averaged among equal confidences, whose order says nothing."""
    confidence, right = _floats(confidence), _floats(right)
    order = np.argsort(-confidence, axis=-1, kind="stable")
    by = np.take_along_axis(confidence, order, axis=-1)
    return by, _tie_means(by, np.take_along_axis(right, order, axis=-1))


def _tie_means(by: Array, values: Array) -> Array:
    """`values` with each replaced by the mean over the neighbours that have the same `by`."""
    new = np.ones(by.shape, dtype=bool)
    new[..., 1:] = by[..., 1:] != by[..., :-1]  # every row starts a group, so groups never cross rows
    group = new.ravel().cumsum() - 1
    means = np.bincount(group, weights=np.ascontiguousarray(values).ravel()) / np.bincount(group)
    return np.asarray(means[group].reshape(by.shape))


def _starts(n: int, bins: int) -> NDArray[np.int64]:
    bins = min(bins, n)
    return np.asarray(np.arange(bins) * n // bins, dtype=np.int64)


def _ratio(part: Array, whole: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, np.divide(part, whole), np.nan))
