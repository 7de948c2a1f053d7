"""Small documents and answers made by hand, and an assistant that gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from index.errors import NoIndex, SourceGone
from index.store import SourceInfo
from index.types import Chunk, Document, Section, document_id, sha256_text
from rag.types import Answer, Citation, Passage, Quote

MakeDocument = Callable[..., Document]
MakeAnswer = Callable[..., Answer]


def make_document(text: str, source: str = "handbook/leave.md", title: str = "Leave", page: int | None = None,
                  heading: tuple[str, ...] = ()) -> Document:
    return Document(id=document_id(source), source=source, title=title, text=text, media_type="text/plain",
                    file_sha256=sha256_text(text), text_sha256=sha256_text(text),
                    sections=(Section(0, len(text), heading, page),), modified=0.0)


def make_answer(*quoted: tuple[Document, str, str], question: str = "How long?", standalone: str = "",
                passages: Sequence[Document] = ()) -> Answer:
    """An answer of quotes (document, quote, highlight); without any, a refusal that looked at the passages."""
    quotes = []
    for number, (document, text, highlight) in enumerate(quoted, 1):
        start = document.text.index(text)
        key = document.text.index(highlight, start)
        section = document.section_at(start)
        citation = Citation(number, document.id, document.source, document.title, start, start + len(text), section.page,
                            section.heading, document.text_sha256, document.file_sha256)
        quotes.append(Quote.of(document, start, start + len(text), (key, key + len(highlight)), 1.0, (citation,)))
    looked_at = [Passage(Chunk(f"{d.id}.0", d.id, 0, len(d.text), ((0, len(d.text)),), 1), d, 1.0, 1, 1) for d in passages]
    return Answer(question, standalone or question, bool(quotes), 0.9, tuple(quotes), tuple(looked_at), "000001-abc",
                  {"encoder": "e", "reader": "r"}, {"total": 1.0})


class FakeStore:
    generation = "000001-abc"

    def __init__(self, documents: Sequence[Document], path: str = "") -> None:
        self._path = path
        self._documents = {document.id: document for document in documents}

    def document(self, document_id: str) -> Document:
        if document_id not in self._documents:
            raise SourceGone("the document is no longer in the library", "Ask again")
        return self._documents[document_id]

    def sources(self) -> list[SourceInfo]:
        return [SourceInfo(d.id, d.source, d.title, d.media_type, self._path, len(d.text), 2, None, 0.0)
                for d in self._documents.values()]


class FakeAssistant:
    """Answers every question with the same answer; without one, as if nothing were indexed."""

    def __init__(self, documents: Sequence[Document] = (), answer: Answer | None = None, path: str = "") -> None:
        self._documents, self._answer, self._path = documents, answer, path
        self.asked: list[tuple[str, list[str]]] = []

    @property
    def store(self) -> FakeStore:
        if not self._documents:
            raise NoIndex("nothing is indexed yet", "Index your files with: pullquote index PATH")
        return FakeStore(self._documents, self._path)

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        _ = self.store
        self.asked.append((question, list(history)))
        assert self._answer
        return self._answer


@pytest.fixture
def document() -> MakeDocument:
    return make_document


@pytest.fixture
def answer() -> MakeAnswer:
    return make_answer


@pytest.fixture
def assistant() -> type[FakeAssistant]:
    return FakeAssistant
