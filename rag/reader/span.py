"""The trained reader: one model marks the span, ranks the passages and says "not here".

A span is found by start + end less the two scores of [CLS] (the null score of SQuAD 2.0; Devlin et al., NAACL 2019), and
weighed by all the starts and ends in its sentence. A logistic regression gives the log odds that the span answers: on that
weight, on how far its passage stood behind in retrieval, and on how like the question its passage and its sentence are to
the encoder, which knows of other words for the same thing. A second one gives the confidence in the best. Both are fitted by
`python -m rag.reader.training.fit` on questions that the model was not trained on, and stand in `fit.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder
from index.errors import ModelError
from index.types import sha256_text
from rag.reader.base import distinct, lead, linear, probability, quotable_sentences
from rag.reader.model import WEIGHTS, SpanModel, load_bundled, load_checkpoint, pieces
from rag.reader.view import View, view
from rag.reader.windows import LONGEST_QUESTION, WINDOW, Encoded, encode, heads, window_spans
from rag.types import Passage, Span

LONGEST_SPAN = 40  # word pieces
SPANS = 3  # of a passage
WEIGHED = 6  # sentences of a question, those of the greatest weight; it is hardly ever another that turns out best
_FIT = WEIGHTS / "fit.json"
_APART = re.compile(r"\f|\n[^\S\n]*\n")  # between sentences that are no running text


@dataclass(frozen=True, slots=True)
class Fit:
    """What turns scores into odds; in each tuple the last weight is the intercept."""

    rank: tuple[float, ...] = (0.5, 0.0, 0.0, 0.0, 0.0)  # see `Candidate`
    trust: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # see `trust_features`
    threshold: float = 0.5

    @property
    def digest(self) -> str:
        """What tells it from another fit: confidences of two do not compare."""
        return sha256_text(json.dumps(asdict(self)))[:6]

    @classmethod
    def load(cls, path: Path) -> Fit:
        """Read a fit; the default one where there is no file. Raises ModelError where it is another version's."""
        if not path.is_file():
            return cls()
        given = json.loads(path.read_text("utf-8"))
        fit = cls(tuple(given["rank"]), tuple(given["trust"]), given["threshold"])
        found, wanted = ((len(one.rank), len(one.trust)) for one in (fit, cls()))
        if found != wanted:
            raise ModelError(f"{path} has {found[0]} and {found[1]} weights, this version reads {wanted[0]} and {wanted[1]}",
                             "Fit it again, or take the file away and run: pullquote calibrate")
        return fit


@dataclass(frozen=True, slots=True)
class Marked:
    """A span in a text, in characters, with the model's score over "not here"."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span with what tells its odds."""

    span: Span
    weight: float  # the model's score over "not here", of the whole sentence
    behind: float  # the passage's retrieval score less the best passage's
    cosine: float = 0.0  # of its sentence and the question

    @property
    def features(self) -> tuple[float, float, float, float]:
        """A row of the first regression: the third is the cosine of the passage and the question."""
        return self.weight, self.behind, self.span.passage.cosine, self.cosine


class SpanReader:
    """Reads passages with a span model, each by itself; the encoder compares what was found with the question."""

    def __init__(self, model: SpanModel, encoder: Encoder, fit: Fit) -> None:
        self._model = model
        self._encoder = encoder
        self._fit = fit
        self.name = f"{model.name} {fit.digest}"
        self.threshold = fit.threshold

    @classmethod
    def bundled(cls, encoder: Encoder) -> SpanReader:
        """The reader that ships with the project, fitted to the bundled encoder's cosines. Raises ModelError."""
        return cls(load_bundled(), encoder, Fit.load(_FIT))

    @classmethod
    def checkpoint(cls, name: str, encoder: Encoder) -> SpanReader:
        """A question-answering checkpoint, by folder or hub name. Raises ModelError.

        A folder may hold its own `fit.json`; without one, `pullquote calibrate` tells what its scores are worth.
        """
        return cls(load_checkpoint(name), encoder, Fit.load(Path(name).expanduser() / "fit.json"))

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """The best few spans of each passage, best first; the same words in several documents stay in as several spans."""
        return distinct(weighed(self.candidates(question, passages), self._fit))

    def candidates(self, question: str, passages: Sequence[Passage]) -> list[Candidate]:
        """What `read` weighs, in the passages' order: the spans in the heaviest `WEIGHED` sentences, `SPANS` of a passage.

        A sentence that stands in several places counts once, with all its spans.
        """
        best = max((passage.score for passage in passages), default=0.0)
        found: list[tuple[Candidate, str]] = []
        views = [view(passage) for passage in passages]
        for passage, seen, marks in zip(passages, views, self._mark(question, passages, views), strict=True):
            start = passage.chunk.start
            for mark in marks:
                span = Span(passage, start + mark.start, start + mark.end, 0.0)
                found.append((Candidate(span, mark.score, passage.score - best), compared(span, seen)))
        heaviest = dict.fromkeys(sentence for _, sentence in sorted(found, key=lambda one: -one[0].weight))
        cosines = self._cosines(question, list(heaviest)[:WEIGHED])
        return [replace(one, cosine=cosines[sentence]) for one, sentence in found if sentence in cosines]

    def _cosines(self, question: str, sentences: Sequence[str]) -> dict[str, float]:
        """How like the question each sentence is."""
        if not sentences:
            return {}
        vectors = self._encoder.encode([question, *sentences])
        return {sentence: round(cosine, 4)
                for sentence, cosine in zip(sentences, (vectors[1:] @ vectors[0]).tolist(), strict=True)}

    def confidence(self, question: str, spans: Sequence[Span]) -> float:
        """Logistic regression on what `trust_features` tells."""
        return probability(linear(self._fit.trust, trust_features(spans))) if spans else 0.0

    def mark(self, question: str, passages: Sequence[Passage]) -> list[list[Marked]]:
        """The best spans of each passage in characters of its text, at most `SPANS`, best first, none overlapping."""
        return self._mark(question, passages, [view(passage) for passage in passages])

    def _mark(self, question: str, passages: Sequence[Passage], views: Sequence[View]) -> list[list[Marked]]:
        windows, encoded = self._encoded(self._cut(question), list(map(passage_heads, passages)), [seen.text for seen in views])
        marks: list[list[Marked]] = [[] for _ in passages]
        for (at, start, end), one, (starts, ends) in zip(windows, encoded, self._model.scores_of(encoded), strict=True):
            chunk = passages[at].chunk.start
            quotable = [(first - chunk, last - chunk) for first, last in quotable_sentences(passages[at])]
            seen = within(placed(one, views[at].places[start:end]), quotable)
            found = best_in_blocks(seen, starts, ends, blocks(passages[at].text, quotable, _edges(passages[at])))
            marks[at] += [_whole_words(passages[at].text, mark) for mark in found[:SPANS]]
        return [_apart(some)[:SPANS] for some in marks]

    def _encoded(self, question: str, heads: Sequence[str],
                 texts: Sequence[str]) -> tuple[list[tuple[int, int, int]], list[Encoded]]:
        """Each text as the model is given it, in windows where it is longer than one: its number, start and end, and pieces."""
        def encoded(windows: Sequence[tuple[int, int, int]]) -> list[Encoded]:
            triples = [(question, heads[at], texts[at][start:end]) for at, start, end in windows]
            return encode(self._model.tokenizer, triples, self._model.longest)

        wholes = [(at, 0, len(text)) for at, text in enumerate(texts) if text.strip()]
        shown: list[tuple[int, int, int]] = []
        made: list[Encoded] = []
        for whole, one in zip(wholes, encoded(wholes), strict=True):
            text = texts[whole[0]]
            windows = [] if _fits(one, text) else [(whole[0], *window) for window in self._windows(text)]
            shown += windows if len(windows) > 1 else [whole]
            made += encoded(windows) if len(windows) > 1 else [one]
        return shown, made

    def _windows(self, text: str) -> list[tuple[int, int]]:
        encoding = self._pieces(text)
        return window_spans(encoding.offsets, encoding.word_ids, WINDOW, WINDOW // 2)

    def _cut(self, question: str) -> str:
        if len(question) <= LONGEST_QUESTION:
            return question
        offsets = self._pieces(question).offsets
        return question[offsets[-LONGEST_QUESTION][0] :] if len(offsets) > LONGEST_QUESTION else question

    def _pieces(self, text: str) -> Any:
        return pieces(self._model.uncut, text)


def _fits(encoded: Encoded, text: str) -> bool:
    """Whether a text was encoded to its end and is no longer than a window."""
    return int(encoded.answerable.sum()) <= WINDOW and int(encoded.ends.max(initial=0)) == len(text.rstrip())


def weighed(candidates: Sequence[Candidate], fit: Fit) -> list[Span]:
    """The spans of candidates with their odds, in the order given."""
    return [replace(one.span, score=round(linear(fit.rank, one.features), 3), cosine=one.cosine) for one in candidates]


def placed(encoded: Encoded, places: NDArray[np.int64]) -> Encoded:
    """The same with its pieces where `places` says that the characters shown stand; what stands nowhere cannot answer."""
    shown = np.flatnonzero(encoded.answerable)
    starts, ends, answerable = encoded.starts.copy(), encoded.ends.copy(), encoded.answerable.copy()
    starts[shown], ends[shown] = places[encoded.starts[shown]], places[encoded.ends[shown] - 1] + 1
    answerable[shown] = (starts[shown] >= 0) & (ends[shown] > 0)
    return replace(encoded, answerable=answerable, starts=starts, ends=ends)


def within(encoded: Encoded, spans: Sequence[tuple[int, int]]) -> Encoded:
    """The same, but only pieces inside one of the character spans can be part of an answer."""
    return replace(encoded, answerable=_within(encoded, spans))


def _within(encoded: Encoded, spans: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    inside = np.zeros_like(encoded.answerable)
    for start, end in spans:
        inside |= (start <= encoded.starts) & (encoded.ends <= end)
    return inside & encoded.answerable


def best_spans(encoded: Encoded, starts: NDArray[np.float32], ends: NDArray[np.float32], most: int) -> list[Marked]:
    """The spans of at most `LONGEST_SPAN` pieces with the highest start plus end score, best first, none overlapping."""
    pieces = np.flatnonzero(encoded.answerable)
    if not len(pieces):
        return []
    first, past = int(pieces[0]), int(pieces[-1]) + 1
    closing = np.where(encoded.answerable, ends[: len(encoded.ids)], -np.inf).astype(np.float32)
    reach = np.concatenate([closing[first:past], np.full(LONGEST_SPAN - 1, -np.inf, np.float32)])
    scores = starts[first:past, None] + np.lib.stride_tricks.sliding_window_view(reach, LONGEST_SPAN)
    scores[~encoded.answerable[first:past]] = -np.inf
    null = float(starts[0] + ends[0])
    found: list[Marked] = []
    while len(found) < most:
        at = int(scores.argmax())  # the first of equals: the same on every run
        start, end = at // LONGEST_SPAN, at // LONGEST_SPAN + at % LONGEST_SPAN
        if not np.isfinite(scores[start, end - start]):
            break
        found.append(Marked(int(encoded.starts[first + start]), int(encoded.ends[first + end]),
                            float(scores[start, end - start]) - null))
        before = max(0, start - LONGEST_SPAN + 1)
        touching = np.arange(before, end + 1)[:, None] + np.arange(LONGEST_SPAN) >= start
        scores[before : end + 1][touching] = -np.inf  # no other may start inside it, nor reach into it
    return found


def best_per_sentence(encoded: Encoded, starts: NDArray[np.float32], ends: NDArray[np.float32],
                      sentences: Sequence[tuple[int, int]]) -> list[Marked]:
    """The best spans, at most one a sentence, scored by all that the model sees in their sentences, best first.

    Such a score adds up the probabilities of every start and every end in the sentence: where an answer may begin and end
    at several places, its best span alone would look less sure than it is.
    """
    null = float(starts[0] + ends[0])
    found: list[Marked] = []
    taken: set[tuple[int, int]] = set()
    for mark in best_spans(encoded, starts, ends, 2 * SPANS):
        touched = [(start, end) for start, end in sentences if start < mark.end and mark.start < end]
        if taken.isdisjoint(touched):
            taken.update(touched)
            inside = _within(encoded, [(touched[0][0], touched[-1][1])]) if touched else encoded.answerable
            found.append(replace(mark, score=_total(starts[inside]) + _total(ends[inside]) - null))
    return sorted(found, key=lambda mark: (-mark.score, mark.start))


def best_in_blocks(encoded: Encoded, starts: NDArray[np.float32], ends: NDArray[np.float32],
                   blocks: Sequence[Sequence[tuple[int, int]]]) -> list[Marked]:
    """The same of several blocks of sentences, best first: no span runs on from one into another."""
    found = [mark for some in blocks for mark in best_per_sentence(within(encoded, some), starts, ends, some)]
    return sorted(found, key=lambda mark: (-mark.score, mark.start))


def _edges(passage: Passage) -> list[int]:
    """Where in a passage's text code begins or ends, or a piece of a line that stands for itself."""
    chunk = passage.chunk
    return [place - chunk.start for span in passage.document.code if chunk.start < span[1] and span[0] < chunk.end
            for place in span]


def blocks(text: str, sentences: Sequence[tuple[int, int]], edges: Sequence[int] = ()) -> list[list[tuple[int, int]]]:
    """The sentences in groups: a new one begins after an empty line, on a new page, and behind one of the edges."""
    found: list[list[tuple[int, int]]] = []
    for start, end in sentences:
        last = found[-1][-1][1] if found else 0
        if not found or _APART.search(text, last, start) or any(last <= edge <= start for edge in edges):
            found.append([])
        found[-1].append((start, end))
    return found


def _total(scores: NDArray[np.float32]) -> float:
    """The logarithm of the summed exponentials."""
    most = float(scores.max())
    return most + float(np.log(np.exp(scores.astype(np.float64) - most).sum()))


def trust_features(spans: Sequence[Span]) -> tuple[float, float, float, float, float]:
    """What tells whether the best span answers: one row of the regression.

    Its log odds, their lead over the next span with other words, the cosines of its passage and of its sentence with the
    question, and the greatest that any span's sentence has.
    """
    return spans[0].score, lead(spans, 8.0), spans[0].passage.cosine, spans[0].cosine, max(span.cosine for span in spans)


def told(span: Span) -> str:
    """The sentences that a span stands in."""
    return span.passage.document.text[slice(*span.sentences)] if span.sentences else span.text


def compared(span: Span, seen: View) -> str:
    """The sentences that a span stands in as the reader is shown them: a row of a table with the names of its columns."""
    start, end = (place - span.passage.chunk.start for place in span.sentences or (span.start, span.end))
    shown = np.flatnonzero((start <= seen.places) & (seen.places < end))
    return seen.text[shown[0] : shown[-1] + 1]


def passage_heads(passage: Passage) -> str:
    """What stands before a passage's text: its title and headings."""
    return heads(passage.document.title, passage.document.section_at(passage.chunk.end - 1).heading)


_WORD = re.compile(r"\w")


def _whole_words(text: str, mark: Marked) -> Marked:
    """The span without white space at its ends, grown to whole words."""
    start, end = mark.start, mark.end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while 0 < start < len(text) and _WORD.match(text[start - 1]) and _WORD.match(text[start]):
        start -= 1
    while 0 < end < len(text) and _WORD.match(text[end - 1]) and _WORD.match(text[end]):
        end += 1
    return Marked(start, end, mark.score)


def _apart(marks: Sequence[Marked]) -> list[Marked]:
    """Best first, without those that overlap a better one (windows do)."""
    kept: list[Marked] = []
    for mark in sorted(marks, key=lambda mark: (-mark.score, mark.start)):
        if mark.end > mark.start and all(mark.end <= other.start or other.end <= mark.start for other in kept):
            kept.append(mark)
    return kept
