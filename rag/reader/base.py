"""What a reader must do. To add one, write a class with these members and give it a name in `rag.reader.load_reader`."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Sequence
from typing import Protocol

from rag.types import Passage, Span
from rag.words import normalised

_HEADING_WORDS = 9


class Reader(Protocol):
    """Finds, in the passages of a question, the spans that answer it."""

    @property
    def name(self) -> str:
        """The name, with the version of its weights."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Spans that may answer, best first; scores compare across passages and questions. No two overlap.

        Empty where the passages hold nothing to quote. The same input gives the same output, whatever else runs.
        """

    def confidence(self, question: str, spans: Sequence[Span]) -> float:
        """The calibrated probability that the first of the spans answers the question; 0 where there is none."""

    @property
    def threshold(self) -> float:
        """The confidence below which a question is refused unless the user sets another."""


def probability(log_odds: float) -> float:
    """What log odds say as a probability; any finite number will do."""
    return 0.5 * (1 + math.tanh(log_odds / 2))


def linear(weights: Sequence[float], row: Sequence[float]) -> float:
    """A weighted sum; the last weight is the intercept."""
    return sum(weight * value for weight, value in zip(weights[:-1], row, strict=True)) + weights[-1]


def lead(spans: Sequence[Span], most: float) -> float:
    """How far the first span's score is ahead of the next with other words; `most` at most, and where none follows."""
    first = normalised(spans[0].text)
    other = next((span.score for span in spans[1:] if normalised(span.text) != first), -float("inf"))
    return min(most, spans[0].score - other)


def distinct(spans: Iterable[Span]) -> list[Span]:
    """Best first, equal ones by source and place, without those that overlap a better one (chunks may overlap)."""
    kept: list[Span] = []
    taken: dict[str, list[tuple[int, int]]] = {}
    for span in sorted(spans, key=lambda span: (-span.score, span.passage.document.source, span.start, span.end)):
        places = taken.setdefault(span.passage.document.id, [])
        if all(span.end <= start or end <= span.start for start, end in places):
            places.append((span.start, span.end))
            kept.append(span)
    return kept


def quotable_sentences(passage: Passage) -> list[tuple[int, int]]:
    """The sentences of a passage's chunk that can be an answer, in document coordinates."""
    heads = passage.document.title, *passage.document.section_at(passage.chunk.end - 1).heading
    headings = {normalised(heading) for heading in heads}
    return [(start, end) for start, end in passage.chunk.sentences if quotable(passage.document.text[start:end], headings)]


def quotable(sentence: str, headings: Container[str]) -> bool:
    """Whether a sentence can be an answer: neither a heading (`headings` are normalised) nor itself a question."""
    bare = sentence.strip().strip("#*_ \t")
    if not bare or bare.endswith("?") or sentence.lstrip().startswith("#"):
        return False
    if normalised(bare) in headings:
        return False
    is_item = bool(re.match(r"[-*+•–|]|\(?\w{1,3}[.)]\s", sentence.strip())) or " | " in sentence
    is_sentence = bare[-1] in ".!:;,)”\"'…" or len(bare.split()) > _HEADING_WORDS or bool(re.search(r"\d|:\s", bare))
    return is_item or is_sentence
