"""What an answer is made of: passages, spans, quotes, citations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from index.types import Chunk, Document, check_span

SCHEMA = 1  # of the JSON object that `ask --json`, `eval --predictions` and `POST /v1/ask` share


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk with its document. Ranks are 1-based; None where that search did not find it.

    `score` is the fused one; `cosine` the inner product of the chunk's unit vector and the question's. `copies` are those
    that say the same, word for word, and were found behind it: they are not read, but quoted from with it. `likeliest` is where
    in its document the reader's best span grows to whole sentences; None where it was not read, or marked nothing in it.
    """

    chunk: Chunk
    document: Document
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None
    cosine: float = 0.0
    copies: tuple[Passage, ...] = ()
    likeliest: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """The chunk's characters, as in the document."""
        return self.document.text[self.chunk.start : self.chunk.end]


@dataclass(frozen=True, slots=True)
class Span:
    """What a reader marks in a passage, in document coordinates; `score` compares across the passages of a question.

    `cosine` is that of its sentence and the question, where the reader compares them.
    """

    passage: Passage
    start: int
    end: int
    score: float
    cosine: float = 0.0

    def __post_init__(self) -> None:
        chunk = self.passage.chunk
        check_span(self.start - chunk.start, self.end - chunk.start, chunk.end - chunk.start, f"span in {chunk.id}")

    @property
    def text(self) -> str:
        """The span's characters, as in the document."""
        return self.passage.document.text[self.start : self.end]

    @property
    def sentences(self) -> tuple[int, int] | None:
        """The span grown to whole sentences of its chunk; None where it touches none."""
        touched = [(start, end) for start, end in self.passage.chunk.sentences if start < self.end and self.start < end]
        return (touched[0][0], touched[-1][1]) if touched else None


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands: enough to replay it without searching."""

    number: int
    document_id: str
    source: str
    title: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]
    text_sha256: str
    file_sha256: str
    text: str = ""  # the words there: a copy of a quote may be written in other capitals, say
    author: str = ""  # as the document states it, and its date
    date: str = ""

    @classmethod
    def of(cls, document: Document, start: int, end: int, number: int) -> Citation:
        """Cite a stretch of a document. Raises ValueError where it does not lie in the text."""
        check_span(start, end, len(document.text), f"citation of {document.source}")
        return cls(number, document.id, document.source, document.title, start, end, document.section_at(start).page,
                   document.heading_of(start, end), document.text_sha256, document.file_sha256, document.text[start:end],
                   document.author, document.date)

    def json(self) -> dict[str, Any]:
        """The form of the JSON contract."""
        return {"number": self.number, "document_id": self.document_id, "source": self.source, "title": self.title,
                "author": self.author, "date": self.date, "start": self.start, "end": self.end, "page": self.page,
                "heading": list(self.heading), "text": self.text, "text_sha256": self.text_sha256,
                "file_sha256": self.file_sha256}


@dataclass(frozen=True, slots=True)
class Header:
    """The header row of the table that a quote is a row of, verbatim, in the first citation's document."""

    text: str
    start: int
    end: int

    def json(self) -> dict[str, Any]:
        """The form of the JSON contract."""
        return {"text": self.text, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class Quote:
    """One or more whole sentences, verbatim; `start`, `end` and `highlight` are those of the first citation's document.

    `header` is there for a row of a table whose header row stands further up. `differs`: it gives another value than the
    first quote of the answer does.
    """

    text: str
    start: int
    end: int
    highlight: tuple[int, int]
    score: float
    citations: tuple[Citation, ...]
    header: Header | None = None
    differs: bool = False

    @classmethod
    def of(cls, document: Document, start: int, end: int, highlight: tuple[int, int], score: float,
           citations: tuple[Citation, ...], header: tuple[int, int] | None = None, differs: bool = False) -> Quote:
        """Cut a quote from its document. Raises ValueError where a span does not lie in the text."""
        text = document.text
        check_span(start, end, len(text), f"quote from {document.source}")
        check_span(highlight[0] - start, highlight[1] - start, end - start, f"highlight in {document.source}")
        if header:
            check_span(*header, start, f"header above the quote from {document.source}")
        return cls(text[start:end], start, end, highlight, score, citations,
                   Header(text[slice(*header)], *header) if header else None, differs)

    def __post_init__(self) -> None:
        if len(self.text) != self.end - self.start:
            raise ValueError(f"a quote of {len(self.text)} characters cannot stand at [{self.start}, {self.end})")
        if not self.citations:
            raise ValueError("a quote without a citation")

    def json(self) -> dict[str, Any]:
        """The form of the JSON contract."""
        return {"text": self.text, "start": self.start, "end": self.end, "highlight": list(self.highlight),
                "score": round(self.score, 4), "header": self.header.json() if self.header else None,
                "differs": self.differs, "citations": [citation.json() for citation in self.citations]}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question, or its refusal (`answered` false, no quotes, `passages` still what was looked at)."""

    question: str
    standalone_question: str
    answered: bool
    confidence: float
    quotes: tuple[Quote, ...]
    passages: tuple[Passage, ...]
    generation: str
    models: dict[str, str]
    timings_ms: dict[str, float] = field(compare=False)
    unanswered: tuple[str, ...] = ()  # of several questions in one, those that no quote answers while others are answered

    @property
    def text(self) -> str:
        """The quotes, a line each."""
        return "\n".join(quote.text for quote in self.quotes)

    def json(self, id: str = "") -> dict[str, Any]:
        """The JSON contract; `id` names the question (of an eval set, say)."""
        return {
            "schema": SCHEMA, "id": id, "question": self.question, "standalone_question": self.standalone_question,
            "answered": self.answered, "confidence": round(self.confidence, 3), "text": self.text,
            "unanswered": list(self.unanswered), "quotes": [quote.json() for quote in self.quotes],
            "passages": [{"source": p.document.source, "start": p.chunk.start, "end": p.chunk.end,
                          "score": round(p.score, 4), "dense_rank": p.dense_rank, "lexical_rank": p.lexical_rank}
                         for p in self.passages],
            "generation": self.generation, "models": dict(self.models),
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
        }
