"""The baseline reader: whole sentences, ranked by encoder similarity and shared words.

A sentence's score is the log odds, by a logistic regression, that it holds the answer; its features are below. A second
regression on the best scores gives the confidence. Both are fitted by `python -m rag.reader.training.fit_baseline`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.encoder import Encoder
from rag.reader.base import distinct, lead, linear, probability, quotable_sentences
from rag.types import Passage, Span
from rag.words import terms

WEIGHTS = Path(__file__).parent / "similarity.json"
ENCODED = 20  # sentences that are worth encoding: those of the best passages that share the most words
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|often|far|old|late|soon|early|fast|tall|big|large|high|deep|heavy|wide)\b|\bwhen\b|\bprice\b"
    r"|\bcosts?\b|\b(?:what|which) (?:year|date|day|month|time|hour|percentage|share|number|amount|age|limit)\b", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty|hundred|thousand"
    r"|half|third|quarter|double|once|twice|free|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february"
    r"|march|april|june|july|august|september|october|november|december)s?\b", re.IGNORECASE)
_ASKS_NAME = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=\w )[A-Z]\w|\b(?:manager|director|master|chair|committee|council|president|officer|secretary|head)\b")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer."""

    passage: Passage
    start: int
    end: int
    shared: float  # the share of the question's terms, by rarity, that the sentence has


class SimilarityReader:
    """Ranks sentences; marks the whole sentence, for it knows no smaller span."""

    def __init__(self, encoder: Encoder, weights: Path = WEIGHTS) -> None:
        fitted = json.loads(weights.read_text("utf-8"))
        self._encoder = encoder
        self._rank: list[float] = fitted["rank"]
        self._trust: list[float] = fitted["trust"]
        self.threshold: float = fitted["threshold"]
        self.name = f"similarity-{fitted['version']}"

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Sentences, best first; the same sentence in several documents stays in as several spans."""
        chosen = candidates(question, passages)
        if not chosen:
            return []
        rows = features(question, chosen, passages, self._encoder)
        scored = [Span(c.passage, c.start, c.end, round(linear(self._rank, row), 5))
                  for c, row in zip(chosen, rows, strict=True)]
        return distinct(scored)

    def confidence(self, question: str, spans: Sequence[Span]) -> float:
        """Logistic regression on the best score and its lead."""
        return probability(linear(self._trust, trust_features(spans))) if spans else 0.0


def candidates(question: str, passages: Sequence[Passage]) -> list[Candidate]:
    """The sentences of the passages but for headings and questions; the most promising `ENCODED`."""
    asked = set(terms(question))
    passage_terms = [set(terms(passage.text)) for passage in passages]
    # How much a term says: one that every passage has tells them not apart.
    seen = Counter(term for found in passage_terms for term in found & asked)
    rarity = {term: math.log(1 + (len(passages) + 1) / (seen[term] + 0.5)) for term in asked}
    whole = sum(rarity.values()) or 1.0

    def share(found: set[str]) -> float:
        return sum(rarity[term] for term in asked & found) / whole

    chosen = []
    for passage in passages:
        for start, end in quotable_sentences(passage):
            chosen.append(Candidate(passage, start, end, share(set(terms(passage.document.text[start:end])))))
    promising = sorted(range(len(chosen)), key=lambda at: (-chosen[at].shared - 0.3 * chosen[at].passage.score, at))[:ENCODED]
    return [chosen[at] for at in sorted(promising)]


def features(question: str, chosen: Sequence[Candidate], passages: Sequence[Passage],
             encoder: Encoder) -> list[list[float]]:
    """One row a candidate: the encoder's cosine, then shared words, rank, length, and whether the kind of answer fits."""
    texts = [c.passage.document.text[c.start : c.end] for c in chosen]
    vectors = encoder.encode([question, *texts])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    best = max(passage.score for passage in passages)
    return [[cosine,
             c.shared,
             c.passage.score - best,  # the passage's retrieval score behind the best one's
             min(1.0, len(text) / 300),
             kind_fits(question, text)]
            for c, text, cosine in zip(chosen, texts, cosines, strict=True)]


def kind_fits(question: str, sentence: str) -> float:
    """1 where an amount, a date or a name is asked for and the sentence has one, -1 where it has none; 0 for all else."""
    for asks, has in ((_ASKS_AMOUNT, _AMOUNT), (_ASKS_NAME, _NAME)):
        if asks.search(question):
            return 1.0 if has.search(sentence) else -1.0
    return 0.0


def trust_features(spans: Sequence[Span]) -> list[float]:
    """The best score, and its lead over the next different sentence."""
    return [spans[0].score, lead(spans, 4.0)]
