"""Rows of cells to text: what spreadsheets and CSV share.

A row is a paragraph on one line, `header: value | header: value`, so that it can be found, understood and quoted by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from index.errors import FileError
from index.formats.outline import one_line, table_row
from index.formats.zips import MAX_UNPACKED, MEGABYTE
from index.types import ROW_END, Offsets, Section

# A header names its column: in a few words, or with a year.
LONGEST = 100
LABEL = re.compile(rf"(?=.*[^\W\d_])[^\n]{{1,{LONGEST}}}|(?:19|20)\d\d")
# A question of a survey, say: a header beside others, where what stands below is shorter.
LONG_LABEL = re.compile(r"(?=.*[^\W\d_])[^\n]{1,1000}")
YEAR = re.compile(r"(?:19|20)\d\d")
# Rows of a block that are looked at to tell its header.
LOOKED_AT = 20
# Between cells that are far apart; Excel has thousands of columns.
WIDE_GAP = re.compile(r"(?: \| ){20,}")
# Of mail or the web.
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|\w+://\S+")
# One word that has a digit: a year, the number of an order.
CODE = re.compile(r"(?=\D*\d)\S+")
LETTER, NUMBER = re.compile(r"[^\W\d_]"), re.compile(r"\d+")
# What is another in each value of a kind: its numbers and, of a date, its names.
VARIES = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*|\b[ap]m\b")


class Rows:
    """A text under construction: sheet by sheet, row by row.

    Empty rows divide a sheet into blocks. Its first row of several cells is the header, if all of them can name a column; so
    is that of a later block where it plainly begins another table, and one that only may has no header. A header is a row of
    the text as well; where cells of it plainly stand over those of a second row, that row belongs to it.
    """

    def __init__(self, source: str) -> None:
        self._sections: list[Section] = []
        self._source = source
        self._parts: list[str] = []
        self._length = 0
        self._waiting: list[tuple[int, list[str], Sequence[Offsets]]] = []  # rows of a block whose header is not yet told
        self.begin()

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """All that was added, and its sections."""
        self._tell_header()
        return "".join(self._parts), tuple(self._sections)

    def begin(self, *heading: str) -> None:
        """Begin a sheet, whose sections stand under this heading path."""
        self._tell_header()
        self._heading = heading
        self._labels: list[str] | None = None  # not known until there is a row of several cells
        self._told = False  # whether the header of the present block is
        self._full = True  # whether all rows below the present labels have something below each
        self._margin = 0  # columns before those of the present block
        self._next = 0  # the row that would go on with the last section; 0 where there is none

    def add(self, number: int, cells: list[str], wide: Sequence[Offsets] = ()) -> None:
        """Append a row, which the sheet counts as `number`; one without text is dropped. `wide`: the places of merged cells."""
        cells = [one_line(cell) for cell in cells]
        if not any(cells):
            self._tell_header()
            self._told = False
        elif self._told:
            self._add_row(number, cells)
        else:
            self._waiting.append((number, cells, wide))
            if len(self._waiting) == LOOKED_AT:
                self._tell_header()

    def _tell_header(self) -> None:
        """Append the rows that wait, those below a header with its labels."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        rows = [cells for _, cells, _ in waiting]
        first = next((place for place, cells in enumerate(rows) if sum(map(bool, cells)) > 1), None)
        last, labels = first, self._labels
        if first is not None:
            self._told = True
            header, below = rows[first], rows[first + 1 :]
            named = is_header(header, below)
            top = first if waiting[first][2] else max(0, first - 1)
            if both := names_of_both(rows[top], waiting[top][2], rows[top + 1 :]):
                last, labels = top + 1, both
            elif labels is None:
                labels = header if named else []
            elif named and _is_another(header, below, labels):
                labels = header
            elif named and below and self._full and not any(map(self._is_full, rows)):
                labels = []  # another table's rows, or these without a column: what names them is not known
        self._margin = min(_places(cells)[0] for cells in rows)
        if labels is not self._labels:
            self._full = True
            self._labels = None  # what stands above the header, and the header itself, has no labels
        for place, (number, cells, _) in enumerate(waiting):
            self._add_row(number, cells)
            if place == last:
                self._labels = labels

    def _add_row(self, number: int, cells: list[str]) -> None:
        places = _places(cells)
        self._full = self._full and self._is_full(cells)
        if self._labels:
            line = table_row([_labelled(cells[place], place, self._labels) for place in places])
        else:  # an empty place stays, so that the others stand in their columns
            begin = min(self._margin, places[0]) if len(places) > 1 else places[0]
            line = WIDE_GAP.sub(" |  | ", table_row(cells[begin : places[-1] + 1]))
        self._append(number, line)

    def _is_full(self, cells: list[str]) -> bool:
        """Whether a row has something in each column that has a label."""
        return all(any(cells[place : place + 1]) for place in _places(self._labels or []))

    def _append(self, number: int, line: str) -> None:
        start = self._length + (len(ROW_END) if self._parts else 0)
        if self._length + len(line) > MAX_UNPACKED:  # a long header makes much of short rows
            raise FileError(
                self._source,
                f"its rows with their headers are longer than {MAX_UNPACKED // MEGABYTE} million characters",
                "Split it into smaller files",
            )
        goes_on = number == self._next
        if self._parts:
            self._parts.append(ROW_END)
            self._sections[-1] = replace(self._sections[-1], end=start + len(line) if goes_on else start)
        self._parts.append(line)
        self._length = start + len(line)
        if not goes_on:
            self._sections.append(Section(start, self._length, self._heading, row=number))
        self._next = number + 1


def _labelled(cell: str, place: int, labels: list[str]) -> str:
    label = labels[place] if place < len(labels) else ""
    return f"{label.removesuffix(':')}: {cell}" if label else cell


def is_header(cells: list[str], below: list[list[str]]) -> bool:
    """Whether each of the cells that is not empty can name its column, of which the rows below are known."""
    filled = [(cells[place], _column(below, place)) for place in _places(cells)]
    short = [bool(LABEL.fullmatch(cell)) for cell, _ in filled]
    return (
        any(short)
        and all(fits or _is_long_label(cell, column) for fits, (cell, column) in zip(short, filled, strict=True))
        and any(not cell.isdecimal() for cell, _ in filled)
        and not any(_is_value(cell, column) for cell, column in filled)
    )


def names_of_both(top: list[str], wide: Sequence[Offsets], rows: list[list[str]]) -> list[str]:
    """The names of columns that stand in two rows, where that is plain: the upper has cells over several of the lower.

    `wide` are the places of those cells. Each of theirs below must be a name, and of one such cell all above figures; below
    any other stands nothing, itself again, or one of these names.
    """
    groups = [range(start, end) for start, end in wide if any(top[start : start + 1])]
    names, below = (rows[0], rows[1:]) if rows else ([], [])
    if not groups or max(group.stop for group in groups) > len(names) or sum(map(len, groups)) > len(names):
        return []
    if len(_places(top)) == 1 and groups[0].start <= _places(names)[0]:  # a title
        return []
    over = top + [""] * (len(names) - len(top))
    for group in groups:
        if not all(LABEL.fullmatch(names[place]) for place in group) or len({names[place] for place in group}) < len(group):
            return []
        over[group.start : group.stop] = [top[group.start]] * len(group)
    under = {names[place] for group in groups for place in group}
    if any(one and other not in {"", one} | under for one, other in zip(over, names, strict=False)):
        return []  # a row of values, not of names: below a name of its own stands something else
    both = [" ".join(dict.fromkeys(filter(None, pair))) for pair in zip_longest(over, names, fillvalue="")]
    plain = any(all(_names_figures(names[place], _column(below, place)) for place in group) for group in groups)
    return both if plain and is_header(both, below) else []


def _names_figures(name: str, column: list[str]) -> bool:
    """Whether there are but values with digits below a name, and none of its own kind."""
    alike = any(map(YEAR.fullmatch, column)) if name.isdecimal() else _kind(name) in map(_kind, column)
    return bool(column) and all(map(NUMBER.search, column)) and not alike


def _is_long_label(cell: str, column: list[str]) -> bool:
    return bool(LONG_LABEL.fullmatch(cell) and column and max(map(len, column)) <= LONGEST)


def _is_value(cell: str, column: list[str]) -> bool:
    """Whether a cell is of the kind of those below: found there, numbers and dates aside, or built like them all (a year, a
    code); an address is no name in any case.
    """
    if ADDRESS.fullmatch(cell):
        return True
    if CODE.fullmatch(cell) and len(column) > 1 and all(_built(cell) == _built(other) for other in column):
        return True
    return not cell.isdecimal() and _but_numbers(cell) in map(_but_numbers, column)


def _built(code: str) -> str:
    """What a code is made of; a year is of its own kind."""
    return "year" if YEAR.fullmatch(code) else "".join("A" if letter.isupper() else "a" if letter.isalpha() else letter
                                                       for letter in NUMBER.sub("0", code))


def _but_numbers(cell: str) -> str:
    return VARIES.sub("0", cell.casefold()) if NUMBER.search(cell) else cell.casefold()


def _is_another(header: list[str], below: list[list[str]], labels: list[str]) -> bool:
    """Whether what can be a header is one, and no row under the labels of the table above.

    It is where it names a full column that had no name, or one of values with digits that are not like itself.
    """
    for place in _places(header):
        cell, column = header[place], _column(below, place)
        if column and len(column) == len(below) and not any(labels[place : place + 1]):
            return True
        if column and not cell.isdecimal() and all(map(NUMBER.search, column)) and _kind(cell) not in map(_kind, column):
            return True
    return header == labels


def _kind(cell: str) -> tuple[bool, bool]:
    """Whether there are letters in it, and whether there are digits."""
    return bool(LETTER.search(cell)), bool(NUMBER.search(cell))


def _column(rows: list[list[str]], place: int) -> list[str]:
    """What of the rows stands at this place, where anything does."""
    return [cells[place] for cells in rows if any(cells[place : place + 1])]


def _places(cells: list[str]) -> list[int]:
    return [place for place, cell in enumerate(cells) if cell]
