"""A citation's surroundings: the cited document in paragraphs, cut so that no reader of them ever counts characters.

Offsets are code points, and a browser's strings are UTF-16: so what is quoted is cut out here, and sent as pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from index.errors import InputError, SourceChanged
from index.pages import pages_of
from index.recent import Recent
from index.types import Document, check_span, sha256_text

AROUND = 40  # paragraphs either side of the quote
AT_ONCE = 200  # paragraphs that one request may ask for
LONGEST = 2000  # characters: a longer paragraph is told in several

Offsets = tuple[int, int]

_REFERENCE = re.compile(r"([0-9a-f]{16})\.(\d{1,10})\.(\d{1,10})\.([0-9a-f]{12})")
_LINE = re.compile(r"[^\n\f]*[\n\f]|[^\n\f]+$")
_ITEM = re.compile(r"\s*(?:[-*+–]\s|[•·|]|\(?\d{1,3}[.)]\s|#{1,6}\s)")
_IN_MEMORY = 2_000_000  # characters whose paragraphs are remembered
_SHORT = 0.6  # of the usual line: a line that ends so early ends a paragraph


@dataclass(frozen=True, slots=True)
class Reference:
    """A citation as its link carries it: document, span, and the first 12 digits of the text's hash."""

    document_id: str
    start: int
    end: int
    sha12: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `DOCUMENT.START.END.HASH`. Raises InputError."""
        match = _REFERENCE.fullmatch(text)
        if not match:
            raise InputError("this is not a citation", "A citation reads DOCUMENT.START.END.HASH")
        return cls(match[1], int(match[2]), int(match[3]), match[4])


def verify(document: Document, cited: Reference, others: Sequence[Offsets] = ()) -> None:
    """Raise SourceChanged where the text is not the one that was cited, InputError where a span lies outside of it."""
    if not sha256_text(document.text).startswith(cited.sha12):
        raise SourceChanged("The document has changed since this answer was given", "Ask again to quote it as it is now")
    try:
        for start, end in ((cited.start, cited.end), *others):
            check_span(start, end, len(document.text), "citation")
    except ValueError as error:
        raise InputError("the citation lies outside of its document", "Ask again") from error


def surroundings(document: Document, cited: Reference, highlight: Offsets | None = None, others: Sequence[Offsets] = (),
                 first: int | None = None, last: int | None = None) -> dict[str, Any]:
    """The paragraphs around a citation, or those from `first` up to `last`, each in pieces with their kinds.

    Kinds: "quote", "highlight" (inside the quote), "other" (another citation of the answer), "" (none of these).
    Raises SourceChanged where the text is not the one that was cited, InputError where a span lies outside of it.
    """
    spans = [("highlight", highlight)] if highlight else []
    spans += [("quote", (cited.start, cited.end)), *(("other", other) for other in others)]
    verify(document, cited, [span for _, span in spans])
    tiles = paragraphs(document.text)
    here = next(number for number, (_, end) in enumerate(tiles) if cited.start < end)
    first = max(0, here - AROUND) if first is None else min(max(0, first), len(tiles))
    last = min(len(tiles), here + AROUND + 1) if last is None else min(max(first, last), len(tiles))
    if last - first > AT_ONCE:
        raise InputError(f"{last - first} paragraphs are too many at once", f"Ask for at most {AT_ONCE}")
    section = document.section_at(cited.start)
    return {"source": document.source, "title": document.title, "author": document.author, "date": document.date,
            "media_type": document.media_type,
            "page": section.page, "ocr": bool(section.ocr), "pages": pages_of(document, cited.start, cited.end),
            "heading": list(document.heading_of(cited.start, cited.end)), "verified": True,
            "quote": document.text[cited.start : cited.end],
            "paragraph": here + 1, "paragraphs": len(tiles), "before": first, "after": len(tiles) - last,
            "window": [{"index": number, "heading": _is_heading(document, *tiles[number]),
                        "segments": list(_pieces(document.text, *tiles[number], spans))} for number in range(first, last)]}


def paragraphs(text: str) -> tuple[Offsets, ...]:
    """The paragraphs of a text, remembered for those that were looked at last."""
    return _recent(text)


def _paragraphs(text: str) -> tuple[Offsets, ...]:
    """Paragraphs as people see them, none longer than `LONGEST`; together they are the whole text, in order.

    One ends at an empty line or a page's end, before an item of a list, at a row of a table, and after a line that is
    much shorter than the others (in a PDF nothing else tells).
    """
    lines = [match.span() for match in _LINE.finditer(text)]
    lengths = sorted(end - start for start, end in lines if text[start:end].strip())
    usual = min(100, lengths[int(len(lengths) * 0.9)]) if lengths else 0
    edges = [0]
    for (start, end), (_, following) in pairwise(lines):
        if _ends_paragraph(text[start:end], text[end:following], usual) and text[edges[-1]:end].strip():
            edges.append(end)
    tiles: list[Offsets] = []
    for start, end in pairwise([*edges, len(text)]):
        tiles += _parts(text, start, end)
    return tuple(tiles)


_recent = Recent(_paragraphs, lambda text, _: len(text), _IN_MEMORY)


def _ends_paragraph(line: str, following: str, usual: int) -> bool:
    """Whether a paragraph begins after `line`. Empty lines belong to the paragraph before them."""
    if not following.strip():
        return False
    if not line.strip() or line.endswith("\f") or _ITEM.match(following):
        return True
    return " | " in line or " | " in following or len(line) < _SHORT * usual


def _parts(text: str, start: int, end: int) -> Iterator[Offsets]:
    """The stretch itself, or cut after white space into parts that are not too long."""
    while end - start > LONGEST:
        cut = max(text.rfind(" ", start, start + LONGEST), text.rfind("\n", start, start + LONGEST)) + 1
        cut = cut if cut > start else start + LONGEST
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _is_heading(document: Document, start: int, end: int) -> bool:
    """Whether a paragraph is the heading that it stands under."""
    path = document.section_at(start).heading
    return bool(path) and document.text[start:end].strip(" \t\r\n#*_") == path[-1].strip(" #*_")


def _pieces(text: str, start: int, end: int, spans: Sequence[tuple[str, Offsets]]) -> Iterator[tuple[str, str]]:
    """A paragraph cut wherever a span begins or ends; a piece is of the first kind that holds it."""
    cuts = {min(max(edge, start), end) for _, span in spans for edge in span}
    for low, high in pairwise(sorted({start, end, *cuts})):
        yield text[low:high], next((kind for kind, (left, right) in spans if left <= low and high <= right), "")
