"""What a format reader gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from index.ocr import Ocr
from index.types import Offsets, Section


@dataclass(frozen=True, slots=True)
class Extract:
    """One document found in a file. `key` tells several in one file apart (a JSON Lines row's id), else empty.

    `sections` tile `text`; an empty tuple stands for one section without heading or page. `notices` say what of the file
    could not be read, though the rest could. `code` is where blocks of code stand, and whatever else is no running text, in
    order. `author` and `date` are those that the document states of itself, apart from its text; of a web page, a book or a
    mail the date is ISO 8601.
    """

    title: str
    text: str
    sections: tuple[Section, ...] = ()
    key: str = ""
    notices: tuple[str, ...] = ()
    code: tuple[Offsets, ...] = ()
    author: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """How to recognise and read one kind of file.

    `recognises(head, suffix)` looks at the first 4096 bytes and the lower-case suffix (".md"); `read(data, source)` takes
    the whole file and raises `FileError` with one clear reason where it cannot be read. `read_with_ocr` does the same, and
    has pages read that only show their text; None where there are no such pages.
    """

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes, str], bool]
    read: Callable[[bytes, str], Iterator[Extract]]
    read_with_ocr: Callable[[bytes, str, Ocr], Iterator[Extract]] | None = None


def lacks_memory(problem: BaseException) -> bool:
    """Whether an exception is for lack of memory. lxml reports that as an error of syntax, with libxml2's own code."""
    return isinstance(problem, MemoryError) or (isinstance(problem, SyntaxError) and getattr(problem, "code", 0) == 2)
