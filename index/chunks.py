"""Documents become chunks: whole consecutive sentences under one heading, up to a budget of tokens.

Rows of tables stay whole, and code and lists where they fit; `structure` tells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import ceil

from index.structure import Part, parts_of
from index.tables import Table, cells, table_at
from index.tokens import count_tokens
from index.types import Chunk, Document, Offsets, chunk_id

Count = Callable[[Sequence[str]], list[int]]
_CUTS = tuple(re.compile(pattern) for pattern in (r"\r?\n", r"(?<=[;:])\s", r"(?<=,)\s", r"\s"))
_CONTEXT_CHARACTERS = 160
_AT_ONCE = 64  # regions whose texts are counted together
_COUNTED = 1024  # texts: a tokenizer makes much more of each than its length
_CHARACTERS_OF_A_TOKEN = 16  # no text has so many on average: what has is cut without counting its tokens


@dataclass(frozen=True, slots=True)
class Chunking:
    """How long chunks are, and how much of one is repeated at the start of the next, in cl100k_base tokens."""

    size: int = 200
    overlap: int = 50


DEFAULT = Chunking()


def context(document: Document, start: int, end: int, window: int) -> str:
    """The line that stands before a chunk's text when it is encoded and searched: title and heading path.

    A title that is but the file's name is left out, so that a file can be renamed without being encoded anew.
    It is cut to 160 characters, or half as many as the encoder's `window` has tokens: the text must fit in too.
    """
    heading = document.section_at(end - 1).heading
    title = document.title if document.titled else ""
    parts = [title, *(part for part in heading if part != title)]
    return " › ".join(part for part in parts if part)[: min(_CONTEXT_CHARACTERS, window // 2)]


def search_text(document: Document, chunk: Chunk, window: int) -> str:
    """What is encoded, by an encoder of that window, for a chunk: context, header of the table it begins in, its own text.

    Running headers and footers are left out.
    """
    text = document.body
    header = f"{text[slice(*chunk.header)]}\n" if chunk.header else ""
    return f"{context(document, chunk.start, chunk.end, window)}\n{header}{text[chunk.start : chunk.end]}"


def lexical_text(document: Document, encoded: str) -> str:
    """What is searched by words for a chunk: what is encoded, and the file's name where that is the only title."""
    return encoded if document.titled else f"{document.title}\n{encoded}"


def split(document: Document, chunking: Chunking, window: int, count: Count) -> list[Chunk]:
    """The chunks of a document, in order.

    `count(texts)` gives each text's length in the encoder's own tokens, special tokens not counted; no chunk with its
    context and its table's header is longer than `window` of them. A sentence or a row that alone would be is cut: at the
    row's sentences, then at line ends, clauses or white space. Lists and code that do not fit are cut at items and lines.
    Sections that share a heading path are one region; chunks never cross regions and share a region's length evenly.
    """
    chunks: list[Chunk] = []
    regions = _regions(document)
    for first in range(0, len(regions), _AT_ONCE):
        chunks += _split(document, regions[first : first + _AT_ONCE], chunking, window, _once(count))
    return chunks


def _split(document: Document, regions: Sequence[Offsets], chunking: Chunking, window: int, count: Count) -> Iterator[Chunk]:
    text = document.body
    parted = [(context(document, start, end, window), parts_of(document, start, end)) for start, end in regions]
    count([*(heads for heads, _ in parted),  # in one call, which takes a tokenizer longer than a sentence does
           *(text[start:end] for _, parts in parted for part in parts for start, end in part.pieces
             if end - start <= _CHARACTERS_OF_A_TOKEN * window)])
    for heads, parts in parted:
        room = max(window // 4, window - count([heads])[0])
        budget = _Budget(chunking.size, chunking.overlap, room, count)
        headers = _Headers(text, budget)
        units = [unit for part in parts for unit in _units(text, part, budget, headers)]
        if units:
            yield from _pack(document, units, budget)


def _once(count: Count) -> Count:
    """The same, but no text is counted twice: sentences are when it is seen whether they fit, and when they are packed."""
    known: dict[str, int] = {}

    def counted(texts: Sequence[str]) -> list[int]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), _COUNTED):
            some = new[start : start + _COUNTED]
            known.update(zip(some, count(some), strict=True))
        return [known[text] for text in texts]

    return counted


@dataclass(frozen=True, slots=True)
class _Budget:
    """What a chunk may have: cl100k_base tokens, those it may repeat, and the encoder's own tokens, as `count` counts."""

    size: int
    overlap: int
    room: int
    count: Count


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of a table, or as many of its cells as leave half the room; `length` in the encoder's own tokens."""

    place: Offsets
    length: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """Sentences that no chunk parts, and the header that a chunk which begins with them brings."""

    pieces: tuple[Offsets, ...]
    header: _Header | None = None

    @property
    def header_length(self) -> int:
        return self.header.length if self.header else 0


class _Headers:
    """The headers of the tables of a region, each looked up once, for rows in order."""

    def __init__(self, text: str, budget: _Budget) -> None:
        self._text, self._budget = text, budget
        self._table: Table | None = None
        self._known: dict[Offsets, _Header | None] = {}

    def above(self, row: int) -> _Header | None:
        """The header of the row that begins at `row`, where it stands above it."""
        if self._table is None or row >= self._table.end:
            self._table, self._known = table_at(self._text, row), {}
        place = self._table.header(row)
        if place is None or place[1] > row:
            return None
        if place not in self._known:
            self._known[place] = self._cut(place)
        return self._known[place]

    def _cut(self, place: Offsets) -> _Header | None:
        text, (start, end), most = self._text, place, self._budget.room // 2
        named = [cell_end for cell_start, cell_end in cells(text, place) if cell_start < cell_end]
        ends = [cell_end for cell_end in [*named, end] if cell_end - start <= 6 * most]  # more are too many in any language
        lengths = self._budget.count([text[start:end] for end in ends])
        fitting = [_Header((start, end), length) for end, length in zip(ends, lengths, strict=True) if length <= most]
        return fitting[-1] if fitting else None


def _regions(document: Document) -> list[Offsets]:
    """Stretches under one heading path; a heading with next to nothing of its own goes with its first child."""
    regions: list[tuple[int, int, tuple[str, ...]]] = []
    for section in document.sections:
        if regions:
            start, end, heading = regions[-1]
            if heading == section.heading or (section.heading[: len(heading)] == heading
                                              and len(document.body[start:end].strip()) < 120):
                regions[-1] = (start, section.end, section.heading)
                continue
        regions.append((section.start, section.end, section.heading))
    return [(start, end) for start, end, _ in regions]


def _units(text: str, part: Part, budget: _Budget, headers: _Headers, header: _Header | None = None) -> Iterator[_Unit]:
    """The part whole where it fits, else what it is cut into; `header` is that of the row that it is of."""
    if part.kind == "row":
        header = headers.above(part.pieces[0][0])
    room = budget.room - (header.length if header else 0)
    if not part.parts:
        yield from (_Unit((piece,), header) for piece in _fit(text, *part.pieces[0], room, budget.count))
    elif _fits(text, part, room, budget):
        yield _Unit(part.pieces, header)
    else:
        for inner in part.parts:
            yield from _units(text, inner, budget, headers, header)


def _fits(text: str, part: Part, room: int, budget: _Budget) -> bool:
    """Whether a chunk holds the part; a row may be longer than a chunk is meant to be."""
    if part.kind != "row" and _tokens(text, part.pieces) > budget.size:
        return False
    return sum(budget.count([text[start:end] for start, end in part.pieces])) <= room


def _tokens(text: str, pieces: Sequence[Offsets]) -> int:
    return sum(count_tokens(text[start:end]) + 1 for start, end in pieces) + sum(
        _gap(text, one, following) for one, following in pairwise(pieces))


def _gap(text: str, one: Offsets, following: Offsets) -> int:
    """The tokens of the white space between two pieces."""
    return count_tokens(text[one[1] : following[0]]) if following[0] - one[1] > 2 else 0


def _fit(text: str, start: int, end: int, room: int, count: Count) -> Iterator[Offsets]:
    """The span itself where it fits into `room`, else its halves, cut at the best place near the middle."""
    fits = end - start <= _CHARACTERS_OF_A_TOKEN * room and count([text[start:end]])[0] <= room
    if fits or end - start <= max(1, room // 4):
        yield start, end
        return
    cut = _middle_cut(text, start, end)
    for left, right in ((start, cut), (cut, end)):
        piece = text[left:right]
        left, right = left + len(piece) - len(piece.lstrip()), right - len(piece) + len(piece.rstrip())
        if left < right:
            yield from _fit(text, left, right, room, count)


def _middle_cut(text: str, start: int, end: int) -> int:
    middle, reach = (start + end) // 2, (end - start) // 4
    for pattern in _CUTS:
        cuts = [match.end() for match in pattern.finditer(text, middle - reach, middle + reach)]
        if cuts:
            return min(cuts, key=lambda cut: abs(cut - middle))
    return middle


def _pack(document: Document, units: Sequence[_Unit], budget: _Budget) -> Iterator[Chunk]:
    """Consecutive units, closed when the next would pass the even share of the region or the encoder's window."""
    text, size, room = document.body, budget.size, budget.room
    tokens = [_tokens(text, unit.pieces) for unit in units]
    gaps = [0, *(_gap(text, one.pieces[-1], following.pieces[0]) for one, following in pairwise(units))]
    counted = iter(budget.count([text[start:end] for unit in units for start, end in unit.pieces]))
    lengths = [sum(islice(counted, len(unit.pieces))) for unit in units]
    whole = sum(tokens) + sum(gaps)
    share = whole / ceil(whole / size)
    first, filled, length = 0, 0, 0
    for index in range(len(units)):
        over = filled + gaps[index] + tokens[index] > size or units[first].header_length + length + lengths[index] > room
        if index > first and (over or filled + tokens[index] / 2 > share):
            yield _chunk(document, units[first:index])
            first = _back(index, first, tokens, budget.overlap)
            while first < index and (sum(tokens[first : index + 1]) + sum(gaps[first + 1 : index + 1]) > size
                                     or units[first].header_length + sum(lengths[first : index + 1]) > room):
                first += 1
            filled, length = sum(tokens[first:index]) + sum(gaps[first + 1 : index]), sum(lengths[first:index])
        filled += tokens[index] + (gaps[index] if index > first else 0)
        length += lengths[index]
    yield _chunk(document, units[first:])


def _back(index: int, first: int, tokens: Sequence[int], overlap: int) -> int:
    """Where the chunk after `index` starts so that it repeats at most `overlap` tokens, in whole units."""
    start, repeated = index, 0
    while start - 1 > first and repeated + tokens[start - 1] <= overlap:
        start -= 1
        repeated += tokens[start]
    return start


def _chunk(document: Document, units: Sequence[_Unit]) -> Chunk:
    pieces = tuple(piece for unit in units for piece in unit.pieces)
    start, end = pieces[0][0], pieces[-1][1]
    header = units[0].header
    return Chunk(chunk_id(document.id, start, end), document.id, start, end, pieces,
                 count_tokens(document.body[start:end]), header.place if header else None)
