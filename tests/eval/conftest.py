"""A small library and an asker that answers from it by a fixed rule: quick, and the same every time."""

from collections.abc import Sequence

import pytest

from eval.questions import Evidence, Question
from index.errors import InputError, SourceGone
from index.types import Chunk, Document, Section, document_id, sha256_text
from rag.types import Answer, Citation, Passage, Quote

TEXTS = {
    "ferry.md": "The ferry leaves at nine. It returns at noon. A ticket costs 4 euro.",
    "rules.md": "Dogs travel free. Bicycles cost 2 euro each. <script>alert('rules')</script> is not allowed.",
    "copy.md": "Dogs travel free.",
}


def document(source: str, text: str) -> Document:
    digest = sha256_text(text)
    return Document(document_id(source), source, source, text, "text/plain", digest, digest, (Section(0, len(text)),), 0.0)


class Library:
    def __init__(self, texts: dict[str, str]) -> None:
        self.documents = {document_id(source): document(source, text) for source, text in texts.items()}

    def document(self, document_id: str) -> Document:
        if document_id not in self.documents:
            raise SourceGone("the document is no longer in the library")
        return self.documents[document_id]


class FixedAsker:
    """A passage is a sentence. They are ranked by words shared with the question; the confidence is the share.

    `turn` reverses the ranking, which makes everything worse. A question that contains "broken" cannot be asked.
    """

    def __init__(self, texts: dict[str, str] | None = None, threshold: float = 0.4, turn: bool = False) -> None:
        self.store = Library(TEXTS if texts is None else texts)
        self.threshold = threshold
        self.turn = turn
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def ask_anyway(self, question: str, history: Sequence[str] = ()) -> Answer:
        self.asked.append((question, tuple(history)))
        if "broken" in question:
            raise InputError("the question is broken", "Mend it.")
        words = _words(" ".join([question, *history]))
        found = sorted((self._passage(document, start, end, words) for document in self.store.documents.values()
                        for start, end in _sentences(document.text)), key=lambda p: (-p.score, p.document.source))
        found = [passage for passage in found if passage.score > 0]
        found = found[::-1] if self.turn else found
        confidence = found[0].score if found else 0.0
        quotes = tuple(_quote(passage) for passage in found[:1])
        return Answer(question, question, bool(quotes) and confidence >= self.threshold, confidence, quotes, tuple(found),
                      "g1", {"encoder": "words", "reader": "fixed"}, {"retrieve": 2.0, "read": 1.0 + len(found), "total": 9.0})

    @staticmethod
    def _passage(document: Document, start: int, end: int, words: set[str]) -> Passage:
        shared = words & _words(document.text[start:end])
        return Passage(Chunk(f"{document.id}-{start}", document.id, start, end, ((start, end),), 1), document,
                       len(shared) / max(1, len(words)))


def _words(text: str) -> set[str]:
    return set(text.lower().replace(".", " ").replace("?", " ").split())


def _sentences(text: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    while start < len(text):
        end = text.index(".", start) + 1
        spans.append((start, end))
        start = end + 1
    return spans


def _quote(passage: Passage) -> Quote:
    """The sentence; its last word is the highlight."""
    document, start, end = passage.document, passage.chunk.start, passage.chunk.end
    highlight = start + document.text[start : end - 1].rindex(" ") + 1, end - 1
    citation = Citation(1, document.id, document.source, document.title, start, end, None, (), document.text_sha256,
                        document.file_sha256)
    return Quote.of(document, start, end, highlight, passage.score, (citation,))


@pytest.fixture
def asker() -> FixedAsker:
    return FixedAsker()


@pytest.fixture
def worse_asker() -> FixedAsker:
    return FixedAsker(turn=True)


@pytest.fixture
def make_asker() -> type[FixedAsker]:
    return FixedAsker


@pytest.fixture
def questions() -> list[Question]:
    return [
        Question("leaves", "The ferry leaves at", ("nine",), (Evidence("ferry.md", 0, 25),), tags=("time",)),
        Question("returns", "when? returns at", ("noon",), (Evidence("ferry.md", text="It returns\n at noon."),),
                 history=("It",), tags=("time", "follow-up")),
        Question("bikes", "What price for bicycles <b>today & tomorrow</b>", ("2 euro",),
                 (Evidence("rules.md", 18, 44),)),
        Question("parrots", "Parrots?", answerable=False),
        Question("snow", "The ferry leaves at snow", answerable=False, tags=("near miss",)),
    ]
