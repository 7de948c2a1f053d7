"""What is stored: documents, their sections, and the chunks they are split into.

Offsets are Unicode code points into `Document.text`, half open. Whatever makes a span proves it on construction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from index.running import with_gaps, without_running_lines

Offsets = tuple[int, int]  # start and end
ROW_END = "\n\n"  # between the rows of a sheet


def sha256_text(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def document_id(source: str) -> str:
    """The id of the document that lives at `source`: 16 hexadecimal digits, the same on every machine."""
    return sha256_text(source)[:16]


def chunk_id(document_id: str, start: int, end: int) -> str:
    """The id of a chunk, by its place."""
    return f"{document_id}.{start}.{end}"


def check_span(start: int, end: int, length: int, what: str) -> None:
    """Raise ValueError unless `0 <= start < end <= length`."""
    if not 0 <= start < end <= length:
        raise ValueError(f"{what}: span [{start}, {end}) does not lie within a text of {length} characters")


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading path and on one page (1-based; None where there are no pages).

    `row` is the number of the row that it begins with, where it is rows of a sheet: each is a line with an empty one
    below it, and they are numbered on. `ocr` is empty for text that the file holds; where OCR read it from the page's
    picture, it names the languages.
    """

    start: int
    end: int
    heading: tuple[str, ...] = ()
    page: int | None = None
    row: int | None = None
    ocr: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that whoever indexes a file should know, though it could be read."""

    source: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"


@dataclass(frozen=True)
class Document:
    """One document as extracted; `text` is never cleaned in a way that moves a character.

    `source` is the name people see and cite (`handbook/leave.md`, `faq.jsonl#12`), unique in a library.
    `sections` tile the text in order. `modified` is the file's modification time in seconds since the epoch.
    `titled` is false where the document has no title of its own and `title` is its file's name.
    `notices` say what of the file could not be read; they are told when it is, and not stored. `code` is where blocks of
    code stand, and whatever else is no running text, in order. `author` and `date` are those that the document states of
    itself, apart from its text; empty where it states none. Of a web page, a book or a mail the date is ISO 8601, elsewhere
    as it was written. `also` names, by source, the other places where a file of the same bytes has the same text: copies,
    which share its chunks (and name none themselves).
    """

    id: str
    source: str
    title: str
    text: str
    media_type: str
    file_sha256: str
    text_sha256: str
    sections: tuple[Section, ...]
    modified: float
    titled: bool = True
    notices: tuple[str, ...] = field(default=(), compare=False)
    code: tuple[Offsets, ...] = ()
    author: str = ""
    date: str = ""
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        position = 0
        for section in self.sections:
            if section.start != position or section.end <= section.start:
                raise ValueError(f"{self.source}: sections must tile the text; found [{section.start}, {section.end})"
                                 f" where one starting at {position} was due")
            position = section.end
        if position != len(self.text):
            raise ValueError(f"{self.source}: sections end at {position}, the text at {len(self.text)}")
        position = 0
        for start, end in self.code:
            check_span(start - position, end - position, len(self.text) - position, f"{self.source}: code")
            position = end

    @cached_property
    def body(self) -> str:
        """The text, of the same length, but with white space in the place of running headers and footers of pages, and
        with empty lines around what is no running text on them.
        """
        paged = groupby((section for section in self.sections if section.page is not None), lambda section: section.page)
        parts = [(number or 0, list(sections)) for number, sections in paged]
        body = without_running_lines(self.text, [(number, some[0].start, some[-1].end) for number, some in parts])
        return with_gaps(body, (place for span in self.code for place in span)) if parts else body

    def section_at(self, offset: int) -> Section:
        """The section that holds the character at `offset`."""
        low, high = 0, len(self.sections) - 1
        while low < high:
            middle = (low + high) // 2
            if self.sections[middle].end <= offset:
                low = middle + 1
            else:
                high = middle
        return self.sections[low]

    def heading_of(self, start: int, end: int) -> tuple[str, ...]:
        """The heading path that `[start, end)` begins under; in a sheet, down to its row ("row 7", "rows 7–9")."""
        section = self.section_at(start)
        first, last = self._row_at(start), self._row_at(end - 1)
        if first is None:
            return section.heading
        return *section.heading, f"row {first}" if last in (first, None) else f"rows {first}–{last}"

    def _row_at(self, offset: int) -> int | None:
        section = self.section_at(offset)
        return None if section.row is None else section.row + self.text.count(ROW_END, section.start, offset)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole consecutive sentences of one document, the unit that is encoded and searched.

    `sentences` are (start, end) pairs in document coordinates; running headers and footers stand outside of them, unless a
    sentence runs on over the page's end. `tokens` counts cl100k_base tokens of that part of the document's `body`.
    `header` is where the header stands (as much of it as fits) of the table that the chunk begins within: it is encoded
    and searched with the chunk.
    """

    id: str
    document_id: str
    start: int
    end: int
    sentences: tuple[Offsets, ...]
    tokens: int
    header: Offsets | None = None

    def __post_init__(self) -> None:
        if not self.sentences:
            raise ValueError(f"chunk {self.id} holds no sentence")
        position = self.start
        for start, end in self.sentences:
            check_span(start - position, end - position, self.end - position, f"chunk {self.id}")
            position = end
        if self.header:
            check_span(*self.header, self.start, f"the header of chunk {self.id}")

    def moved(self, document_id: str) -> Chunk:
        """The same chunk of another document that has the same text."""
        return replace(self, id=chunk_id(document_id, self.start, self.end), document_id=document_id)
