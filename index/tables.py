"""Tables in a text: rows of cells between bars, one a line, and the header row that names their columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from index.types import Offsets

_ROW = re.compile(r"(?:\||.*[^\S\n]\|[^\S\n]).*")
RULE = re.compile(r"(?=[^-]*-)[\s|:+=-]+")
GAP = re.compile(r"\n[^\S\n]*\n|\f")  # an empty line or the end of a page: no table goes on over it
_RULE_LINE = re.compile(r"\n(?=[^|\n]*\|)[ \t]*+\|?[ \t]*+:?-[-:|\t ]*+\r?(?=\n|\Z)")  # one with bars
_BAR = re.compile(r"(?<!\\)\|")
_LINE = re.compile(r"[^\n]+")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
# "7.50", "€ 1,284", "-12 %", "30 km", "EUR 5", "555-1234": figures, with at most a unit; "Q1" and "Room 4" are none.
_FIGURES = re.compile(r"(?:[A-Z]{3} ?)?[^\w]*\d[\d\W]*(?:[^\W\d_]{1,3}\W*)?")
_LABEL = re.compile(rf"\W*(?:[^\W\d_]|{_YEAR.pattern})")
_BELOW = 12  # rows by which it is told whether the first names what is below
_REACH = 4096  # characters that are looked through at first for the gap above a table; then four times as many


@dataclass(frozen=True, slots=True)
class Table:
    """Rows without a gap between them: where they end, the first of them, and whether it is a header.

    `ruled`: a rule is below it. `named`: it has no figures in it, years aside, or only within labels ("Q1") above figures.
    """

    end: int
    top: Offsets
    ruled: bool
    named: bool

    def header(self, row: int) -> Offsets | None:
        """The header of the row at `row`: the first one, if it is ruled, or is named and has the row below it."""
        return self.top if self.ruled or (self.named and row > self.top[1]) else None


def is_row(text: str, start: int, end: int) -> bool:
    """Whether a line is a row: by a bar at its beginning or with white space at both sides; or by any bar, in a table that
    has a rule with bars below its header.
    """
    if "|" not in text[start:end]:
        return False
    if _ROW.fullmatch(text, start, end):
        return True
    ruled = _ruled(text)
    before = bisect_right(ruled, start, key=lambda table: table[0]) - 1
    return before >= 0 and start < ruled[before][1] and "\n" not in text[start:end]


@lru_cache(maxsize=4)
def _ruled(text: str) -> tuple[Offsets, ...]:
    """Where tables stand that have a rule with bars: from their header to the next gap."""
    return tuple(_tables_with_rules(text))


def _tables_with_rules(text: str) -> Iterator[Offsets]:
    end = 0
    for rule in _RULE_LINE.finditer(text):
        if rule.start() < end:
            continue
        top = text.rfind("\n", end, rule.start()) + 1 or end
        top = text.rfind("\f", top, rule.start()) + 1 or top
        if "|" in text[top : rule.start()]:
            gap = GAP.search(text, rule.end())
            end = gap.start() if gap else len(text)
            yield top, end


def table_at(text: str, row: int) -> Table:
    """The table that has a row at `row`; one without a header where that is but a piece of a line that is none."""
    gap = GAP.search(text, row)
    start, end = _gap_before(text, row), gap.start() if gap else len(text)
    lines = (line for match in _LINE.finditer(text, start, end) if (line := trimmed(text, *match.span())))
    top = next((line for line in lines if is_row(text, *line)), None)  # a caption may stand above it
    if top is None or top[0] > row:
        return Table(end, (row, row), ruled=False, named=False)
    below = next(lines, None)
    ruled = below is not None and RULE.fullmatch(text, *below) is not None
    named = re.search(r"\d", _YEAR.sub("", text[slice(*top)])) is None
    if not (ruled or named) and below:
        rows = [line for line in islice(lines, _BELOW - 1) if is_row(text, *line)]
        named = _names(_texts(text, top), [_texts(text, row) for row in (below, *rows)])
    return Table(end, top, ruled, named)


def _names(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row of labels stands above figures: above most of the cells of at least one column."""
    if not all(_LABEL.match(cell) for cell in first if cell):
        return False
    for number, name in enumerate(first):
        column = [row[number] for row in below if number < len(row) and row[number]]
        figures = [cell for cell in column if _FIGURES.fullmatch(cell)]
        # Years below a year are values of one kind.
        alike = _FIGURES.fullmatch(name) and any(map(_YEAR.fullmatch, column))
        if name and 2 * len(figures) > len(column) and not alike:
            return True
    return False


def _texts(text: str, row: Offsets) -> list[str]:
    return [text[slice(*cell)] for cell in cells(text, row)]


def header_of(text: str, row: int) -> Offsets | None:
    """The header of the table that has a row at `row`; whoever asks for many rows asks `table_at` once a table."""
    return table_at(text, row).header(row)


def cells(text: str, row: Offsets) -> list[Offsets]:
    """The cells of a row without the white space at their ends; an empty one is empty at its place.

    >>> [text[a:b] for text in ["| Adult |  | 7.50 |"] for a, b in cells(text, (0, len(text)))]
    ['Adult', '', '7.50']
    """
    start, end = row
    bars = [match.start() for match in _BAR.finditer(text, start, end)]
    edges = [start - 1, *bars, end]
    if bars and not text[start : bars[0]].strip():
        edges = edges[1:]
    if len(edges) > 2 and not text[bars[-1] + 1 : end].strip():
        edges = edges[:-1]
    return [trimmed(text, left + 1, right) or (right, right) for left, right in pairwise(edges)]


def trimmed(text: str, start: int, end: int) -> Offsets | None:
    """The span without white space at its ends; None where nothing is left."""
    piece = text[start:end]
    left, right = start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
    return (left, right) if left < right else None


def _gap_before(text: str, at: int) -> int:
    """The end of the last gap before `at`; 0 where there is none."""
    reach = _REACH
    while True:
        low = max(0, at - reach)
        ends = [match.end() for match in GAP.finditer(text, low, at)]
        if ends or low == 0:
            return ends[-1] if ends else 0
        reach *= 4
