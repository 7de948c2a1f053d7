"""The asking side in one object: open a home, ask a question, get an answer or a refusal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from index.encoder import Encoder, load_encoder
from index.errors import EncoderMismatch, InputError
from index.generation import Generation, current_id, open_current
from index.store import PassageStore
from rag.calibration import Calibration, load
from rag.compose import compose_parts
from rag.config import Config
from rag.conversation import resolve, widened
from rag.parts import parts
from rag.reader import Reader, load_reader
from rag.retrieve import retrieve
from rag.types import Answer, Passage, Span

LONGEST_QUESTION = 2000  # characters


@dataclass(frozen=True, slots=True)
class Stage:
    """What the assistant is doing: "searching" or "reading"; `passages` is how many it reads."""

    name: str
    passages: int = 0


class Assistant:
    """Answers questions on the library in a home; moves to a new generation by itself, between two questions.

    With a calibration, the confidence of its answers is the calibrated one, and so is the threshold. It is read when
    the home is opened: one that is stored later counts from the next opening.
    """

    def __init__(self, home: Path, config: Config, encoder: Encoder, reader: Reader,
                 calibration: Calibration | None = None) -> None:
        self.home = home
        self.config = config
        self.encoder = encoder
        self.reader = reader
        self.calibration = calibration
        self._opening = threading.Lock()
        self._store: Generation | None = None

    @classmethod
    def open(cls, home: Path, config: Config | None = None, calibrated: bool = True) -> Assistant:
        """Open a home; `calibrated` false leaves its calibration aside.

        Raises NoIndex, FormatVersion, Corrupt, EncoderMismatch, SettingsError, ModelError; HomeError where the home was
        calibrated with another reader or other settings.
        """
        current_id(home)  # nothing indexed: say so before a model is loaded
        config = config or Config.load(home)
        encoder = load_encoder(config.encoder)
        reader = load_reader(config.reader, encoder)
        assistant = cls(home, config, encoder, reader)
        assistant.calibration = load(home, reader.name, assistant.settings) if calibrated else None
        _ = assistant.store
        return assistant

    @property
    def settings(self) -> str:
        """What the reader is asked with, as far as confidences depend on it."""
        return f"{self.encoder.name} {self.encoder.revision}, {self.config.retrieval}"

    @property
    def store(self) -> PassageStore:
        """The generation in use now. Raises what `open` raises."""
        with self._opening:
            if self._store is None or self._store.generation != current_id(self.home):
                fresh = open_current(self.home)
                made = fresh.manifest
                if (made.encoder, made.revision) != (self.encoder.name, self.encoder.revision):
                    raise EncoderMismatch(
                        f"the index was made with the encoder {made.encoder} ({made.revision}), not {self.encoder.name}"
                        f" ({self.encoder.revision})", "Ask with that encoder, or run: pullquote index --rebuild")
                self._store = fresh  # the old one goes when the last question on it has been answered
            return self._store

    @property
    def threshold(self) -> float:
        """The confidence below which it refuses: the one that is set, else the calibration's, else the reader's."""
        if self.config.threshold is not None:
            return self.config.threshold
        return self.calibration.threshold if self.calibration else self.reader.threshold

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """The answer, or a refusal. `history` holds the user's earlier turns, each read as far as a question may go.

        Raises InputError for an unusable question.
        """
        return _decided(self.ask_anyway(question, history))

    def ask_anyway(self, question: str, history: Sequence[str] = ()) -> Answer:
        """The same, but the quotes are kept whatever the confidence: what the answer would have been."""
        for step in self._steps(question, history):
            if isinstance(step, Answer):
                return step
        raise AssertionError("unreachable: the last step is the answer")

    def ask_in_steps(self, question: str, history: Sequence[str] = ()) -> Iterator[Stage | Answer]:
        """The stages as they begin, and last the answer."""
        for step in self._steps(question, history):
            yield _decided(step) if isinstance(step, Answer) else step

    def close(self) -> None:
        """Give back the generation."""
        if self._store:
            self._store.close()
            self._store = None

    def _steps(self, question: str, history: Sequence[str]) -> Iterator[Stage | Answer]:
        question = _checked(question)
        clock = _Clock()
        turns = [_writable(turn.strip()[:LONGEST_QUESTION]) for turn in history]
        asked = parts(question)
        standalone = [resolve(part, [*turns, *asked[:number]]) for number, part in enumerate(asked)]
        wider = [widened(one, [*turns, *asked[:number]]) for number, one in enumerate(standalone)]
        clock.lap("resolve")
        yield Stage("searching")
        store = self.store
        found = [self._retrieve(store, *searches) for searches in zip(standalone, wider, strict=True)]
        clock.lap("retrieve")
        yield Stage("reading", sum(map(len, found)))
        reads = list(map(self._read, standalone, found))
        # The surest part comes first and gives the confidence, wherever the threshold lies: it is set by first quotes.
        first, *others = sorted(reads, key=lambda read: -read.confidence)
        told = [first, *(read for read in others if read.confidence >= self.threshold)]
        confidence = first.confidence
        clock.lap("read")
        quotes = compose_parts([(read.question, read.spans) for read in told], self.config.quotes)
        clock.lap("compose")
        answered = bool(quotes) and confidence >= self.threshold
        unanswered = tuple(read.question for read in reads if read not in told) if answered else ()
        yield Answer(question, " ".join(standalone), answered, confidence, quotes,
                     in_turn([reranked(read.passages, read.spans) for read in reads]), store.generation,
                     {"encoder": f"{self.encoder.name} {self.encoder.revision}", "reader": self.reader.name}, clock.timings(),
                     unanswered)

    def _retrieve(self, store: PassageStore, question: str, wider: str) -> list[Passage]:
        second = (wider, self.encoder.encode([wider])[0]) if wider != question else None
        return retrieve(store, question, self.encoder.encode([question])[0], self.config, second)

    def _read(self, question: str, passages: Sequence[Passage]) -> _Read:
        spans = self.reader.read(question, passages)
        confidence = self.reader.confidence(question, spans)
        return _Read(question, passages, spans, self.calibration.apply(confidence) if self.calibration else confidence)


@dataclass(frozen=True, slots=True)
class _Read:
    """One thing that was asked, and what the reader found for it."""

    question: str
    passages: Sequence[Passage]
    spans: Sequence[Span]
    confidence: float


def in_turn(some: Sequence[Sequence[Passage]]) -> tuple[Passage, ...]:
    """The first passage of each, then the second, and so on; each once."""
    found: dict[str, Passage] = {}
    for rank in zip_longest(*some):
        for passage in rank:
            if passage is not None:
                found.setdefault(passage.chunk.id, passage)
    return tuple(found.values())


def reranked(passages: Sequence[Passage], spans: Sequence[Span]) -> tuple[Passage, ...]:
    """The passages in the order of their best spans, with these; those without one after them, as retrieval had them."""
    best: dict[str, Span] = {}
    for span in spans:
        best.setdefault(span.passage.chunk.id, span)
    order = {id: number for number, id in enumerate(best)}
    found = sorted(passages, key=lambda passage: order.get(passage.chunk.id, len(order)))
    return tuple(replace(passage, likeliest=best[passage.chunk.id].sentences) if passage.chunk.id in best else passage
                 for passage in found)


def _decided(answer: Answer) -> Answer:
    return answer if answer.answered else replace(answer, quotes=())


def _checked(question: str) -> str:
    question = question.strip()
    if not question:
        raise InputError("the question is empty", "Type a question")
    if len(question) > LONGEST_QUESTION:
        raise InputError(f"the question has {len(question)} characters; at most {LONGEST_QUESTION} are read", "Shorten it")
    return _writable(question)


def _writable(text: str) -> str:
    """Without lone surrogates, which cannot be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8")


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = (now - self._last) * 1000
        self._last = now

    def timings(self) -> dict[str, float]:
        return {**self._laps, "total": (self._last - self._start) * 1000}
