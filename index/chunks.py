"""Documents become chunks: whole consecutive sentences under one heading, up to a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from index.sentences import Offsets, sentences
from index.tokens import count_tokens
from index.types import Chunk, Document, chunk_id

Count = Callable[[Sequence[str]], list[int]]
_CUTS = tuple(re.compile(pattern) for pattern in (r"\r?\n", r"(?<=[;:])\s", r"(?<=,)\s", r"\s"))
_CONTEXT_CHARACTERS = 160
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
    """What is encoded, by an encoder of that window, for a chunk."""
    return f"{context(document, chunk.start, chunk.end, window)}\n{document.text[chunk.start : chunk.end]}"


def lexical_text(document: Document, encoded: str) -> str:
    """What is searched by words for a chunk: what is encoded, and the file's name where that is the only title."""
    return encoded if document.titled else f"{document.title}\n{encoded}"


def split(document: Document, chunking: Chunking, window: int, count: Count) -> list[Chunk]:
    """The chunks of a document, in order.

    `count(texts)` gives each text's length in the encoder's own tokens, special tokens not counted; no chunk with its
    context is longer than `window` of them. A sentence that alone would be is cut at line ends, clauses or white space.
    Sections that share a heading path are one region; chunks never cross regions and share a region's length evenly.
    """
    chunks = []
    for start, end in _regions(document):
        room = max(window // 4, window - count([context(document, start, end, window)])[0])
        pieces = [piece for sentence in sentences(document.text, start, end)
                  for piece in _fit(document.text, *sentence, room, count)]
        if pieces:
            chunks += list(_pack(document, pieces, chunking, room, count))
    return chunks


def _regions(document: Document) -> list[Offsets]:
    """Stretches under one heading path; a heading with next to nothing of its own goes with its first child."""
    regions: list[tuple[int, int, tuple[str, ...]]] = []
    for section in document.sections:
        if regions:
            start, end, heading = regions[-1]
            small = len(document.text[start:end].strip()) < 120
            if heading == section.heading or (small and section.heading[: len(heading)] == heading):
                regions[-1] = (start, section.end, section.heading)
                continue
        regions.append((section.start, section.end, section.heading))
    return [(start, end) for start, end, _ in regions]


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


def _pack(document: Document, pieces: list[Offsets], chunking: Chunking, room: int, count: Count) -> Iterator[Chunk]:
    """Consecutive pieces, closed when the next would pass the even share of the region or the encoder's window."""
    text = document.text
    tokens = [count_tokens(text[start:end]) + 1 for start, end in pieces]
    gaps = [0, *(count_tokens(text[a[1] : b[0]]) if b[0] - a[1] > 2 else 0 for a, b in pairwise(pieces))]
    lengths = count([text[start:end] for start, end in pieces])
    share = sum(tokens) / ceil(sum(tokens) / chunking.size)
    first, size, length = 0, 0, 0
    for index in range(len(pieces)):
        over = size + gaps[index] + tokens[index] > chunking.size or length + lengths[index] > room
        if index > first and (over or size + tokens[index] / 2 > share):
            yield _chunk(document, pieces[first:index])
            first = _back(index, first, tokens, chunking.overlap)
            while first < index and (sum(tokens[first : index + 1]) + sum(gaps[first + 1 : index + 1]) > chunking.size
                                     or sum(lengths[first : index + 1]) > room):
                first += 1
            size, length = sum(tokens[first:index]) + sum(gaps[first + 1 : index]), sum(lengths[first:index])
        size += tokens[index] + (gaps[index] if index > first else 0)
        length += lengths[index]
    yield _chunk(document, pieces[first:])


def _back(index: int, first: int, tokens: list[int], overlap: int) -> int:
    """Where the chunk after `index` starts so that it repeats at most `overlap` tokens, in whole pieces."""
    start, repeated = index, 0
    while start - 1 > first and repeated + tokens[start - 1] <= overlap:
        start -= 1
        repeated += tokens[start]
    return start


def _chunk(document: Document, pieces: list[Offsets]) -> Chunk:
    start, end = pieces[0][0], pieces[-1][1]
    return Chunk(chunk_id(document.id, start, end), document.id, start, end, tuple(pieces),
                 count_tokens(document.text[start:end]))
