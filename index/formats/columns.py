"""Columns of running text that a PDF draws line by line, across all of them.

The text follows the order in which a page is drawn. Where a line of it holds the left column's words and then the right
column's, a sentence would be patched together of both: there each column's piece of a line stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from typing import TYPE_CHECKING

from index.formats.fields import Box
from index.types import Offsets

if TYPE_CHECKING:
    from index.formats.pdf import PageText

FEWEST = 3  # lines that have a gutter in one place
_NARROWEST = 8  # points of a gutter: between the dots before a page number it is less
_WORDS = 3  # that a line of running text has on average, at the least; a cell of a table has fewer
_FULL = 0.6  # of the widest line: most lines of running text are as wide

_SPACED = re.compile(r"\S[^\S\n]{3,}\S")  # a gutter that is drawn as spaces
_LETTER = re.compile(r"[^\W\d_]")

_Span = tuple[float, float]  # left and right


@dataclass(slots=True)
class _Piece:
    """What stands in one line without a wide gap."""

    start: int
    end: int
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


_Row = list[_Piece]


def pieces(text: PageText) -> tuple[Offsets, ...]:
    """The pieces of lines, in order, wherever columns of running text are drawn line by line; tables are none."""
    if not _may_have_columns(text):
        return ()
    found = (rows for rows, gutters in _regions(_rows(text.words())) if _is_running_text(text.text, rows, gutters))
    return tuple((piece.start, piece.end) for rows in found for row in rows for piece in row)


def _may_have_columns(text: PageText) -> bool:
    """Whether there seem to be gutters: where each word stands takes several times as long to tell."""
    if "   " in text.text and len(_SPACED.findall(text.text)) >= FEWEST:
        return True
    lines = text.text.count("\n") + 1
    boxes = list(text.stretches(more_than=lines + FEWEST - 1))
    apart = sum(starmap(_is_apart, pairwise(boxes)))
    return apart >= FEWEST and any(_regions(_rows((0, 0, box) for box in boxes)))


def _rows(words: Iterable[tuple[int, int, Box]]) -> list[_Row]:
    """The lines of a page in the order of its text, each as the pieces between its wide gaps."""
    rows: list[_Row] = []
    for start, end, box in words:
        last = rows[-1][-1] if rows else None
        if last is None or not _in_line(last.box, box):
            rows.append([_Piece(start, end, box)])
        elif _is_apart(last.box, box):
            rows[-1].append(_Piece(start, end, box))
        else:
            last.end, last.box = end, _around(last.box, box)
    return rows


def _in_line(one: Box, other: Box) -> bool:
    return min(one[3], other[3]) - max(one[1], other[1]) >= min(one[3] - one[1], other[3] - other[1]) / 2


def _is_apart(one: Box, other: Box) -> bool:
    """Whether two boxes stand in one line, with a gap between that is wide, and wider than either is high."""
    gap = other[0] - one[2] if other[0] > one[0] else one[0] - other[2]
    return gap > _NARROWEST and gap > max(one[3] - one[1], other[3] - other[1]) and _in_line(one, other)


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _regions(rows: Iterable[_Row]) -> Iterator[tuple[list[_Row], list[_Span]]]:
    """Lines that follow one another and have gutters in common, and these; the first and the last line have several pieces."""
    region: list[_Row] = []
    gutters: list[_Span] = []
    for row in [*rows, []]:
        left = [narrowed for gutter in gutters for narrowed in _narrowed(gutter, row)]
        if left:
            region.append(row)
            gutters = left
            continue
        while region and len(region[-1]) == 1:
            region.pop()
        if sum(len(row) > 1 for row in region) >= FEWEST:
            yield region, gutters
        region, gutters = [row], _gaps(row)


def _gaps(row: _Row) -> list[_Span]:
    boxes = sorted(piece.box for piece in row)
    return [(left[2], right[0]) for left, right in pairwise(boxes)]


def _narrowed(gutter: _Span, row: _Row) -> list[_Span]:
    """What a row leaves of a gutter; nothing where that is less than its height."""
    left, right = gutter
    for piece in row:
        if piece.box[0] <= left:
            left = max(left, piece.box[2])
        else:
            right = min(right, piece.box[0])
    return [(left, right)] if row and right - left > min(piece.height for piece in row) else []


def _is_running_text(text: str, rows: Sequence[_Row], gutters: Sequence[_Span]) -> bool:
    """Whether there are sentences on both sides of a gutter: more than labels and values."""
    columns: list[list[_Piece]] = [[] for _ in range(len(gutters) + 1)]
    for row in rows:
        for piece in row:
            columns[sum(right <= piece.box[0] for _, right in gutters)].append(piece)
    return sum(_runs_on(text, column) for column in columns) > 1


def _runs_on(text: str, column: Sequence[_Piece]) -> bool:
    """Whether lines below one another are one text: of several words, most of them full, and not each with a capital."""
    lines = [text[piece.start : piece.end] for piece in column]
    if len(lines) < FEWEST or sum(len(line.split()) for line in lines) < _WORDS * len(lines):
        return False
    widths = [piece.box[2] - piece.box[0] for piece in column]
    full = sum(width >= _FULL * max(widths) for width in widths)
    firsts = [letter[0] for line in lines[1:] if (letter := _LETTER.search(line))]
    return 2 * full > len(lines) and 2 * sum(map(str.islower, firsts)) >= sum(map(str.isupper, firsts))
