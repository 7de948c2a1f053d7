"""What a reader must do. To add one, write a class with these members and give it a name in `rag.reader.load_reader`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from rag.types import Passage, Span


class Reader(Protocol):
    """Finds, in the passages of a question, the spans that answer it."""

    @property
    def name(self) -> str:
        """The name, with the version of its weights."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Spans that may answer, best first; scores compare across passages and questions. No two overlap.

        Empty where the passages hold nothing to quote. The same input gives the same output, whatever else runs.
        """

    def confidence(self, spans: Sequence[Span]) -> float:
        """The calibrated probability that the first of the spans answers the question; 0 where there is none."""

    @property
    def threshold(self) -> float:
        """The confidence below which a question is refused unless the user sets another."""


def probability(log_odds: float) -> float:
    """What log odds say as a probability; any finite number will do."""
    return 0.5 * (1 + math.tanh(log_odds / 2))
