"""What is learned of confidence: how much each question counts, and where the threshold lies."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import document

from index.types import Chunk
from rag.reader.span import Candidate, Fit
from rag.reader.training.fit import Asked, Judged, fitted, judged, threshold, weights_of
from rag.types import Passage, Span


def asked(number: int, answerable: bool, weight: float, right: bool) -> Asked:
    context = f"Text {number}."
    made = document(context, f"{number}.txt")
    passage = Passage(Chunk(f"{made.id}.0", made.id, 0, len(context), ((0, len(context)),), 3), made, 1.0)
    return Asked("t", answerable, (Candidate(Span(passage, 0, 4, 0.0), weight, 0.0),), (right,))


def test_questions_without_an_answer_count_as_the_share_that_is_stated() -> None:
    some = [asked(number, answerable=number % 2 == 0, weight=1.0, right=True) for number in range(10)]
    weights = weights_of(some, 0.2)
    assert weights.sum() == pytest.approx(10)
    assert weights[1::2].sum() / weights.sum() == pytest.approx(0.2)
    assert weights_of(some[::2], 0.2).tolist() == [1.0] * 5, "none is without an answer"


def test_the_threshold_is_the_lowest_that_keeps_to_the_risk_by_weight() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, False, True, False])
    assert threshold(Judged(confidence, right, np.ones(5)), 0.25) == 0.51
    assert threshold(Judged(confidence, right, np.array([1, 1, 3, 1, 1.0])), 0.25) == 0.71
    assert threshold(Judged(confidence, np.zeros(5, bool), np.ones(5)), 0.25) == 0.99


def test_the_fewer_are_asked_in_vain_the_surer_it_is() -> None:
    some = [asked(number, number % 3 > 0, 4.0 if number % 3 else (number % 2) * 3.0, number % 3 > 0 and number % 7 > 0)
            for number in range(84)]
    few, many = (judged(some, fitted(some, 0.2, vain), vain) for vain in (0.1, 0.5))
    assert isinstance(fitted(some, 0.2, 0.1), Fit)
    assert few.confidence.mean() > many.confidence.mean()
    for told, vain in ((few, 0.1), (many, 0.5)):
        assert np.average(told.confidence, weights=told.weights) == pytest.approx(
            np.average(told.right, weights=told.weights), abs=0.05), vain
