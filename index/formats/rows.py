"""Rows of cells to text: what spreadsheets and CSV share.

A row is a paragraph on one line, `header: value | header: value`, so that it can be found, understood and quoted by itself.
"""

from __future__ import annotations

import re
from dataclasses import replace

from index.errors import FileError
from index.formats.outline import one_line, table_row
from index.formats.zips import MAX_UNPACKED, MEGABYTE
from index.types import ROW_END, Section

# A header names its column: in a few words, or with a year.
LABEL = re.compile(r"(?=.*[^\W\d_])[^\n]{1,100}|(?:19|20)\d\d")


class Rows:
    """A text under construction: sheet by sheet, row by row."""

    def __init__(self, source: str) -> None:
        self.sections: list[Section] = []
        self._source = source
        self._parts: list[str] = []
        self._length = 0
        self.begin()

    @property
    def text(self) -> str:
        """All that was added."""
        return "".join(self._parts)

    def begin(self, *heading: str) -> None:
        """Begin a sheet, whose sections stand under this heading path."""
        self._heading = heading
        self._labels: list[str] | None = None  # not known until there is a row of several cells
        self._next = 0  # the row that would go on with the last section; 0 where there is none

    def add(self, number: int, cells: list[str]) -> None:
        """Append a row, which the sheet counts as `number`; one without text is dropped.

        The first row of several cells is the header, if all of them can name a column; it is a row of the text as well.
        """
        cells = [one_line(cell) for cell in cells]
        filled = [cell for cell in cells if cell]
        if not filled:
            return
        if self._labels:
            line = table_row([_labelled(cell, place, self._labels) for place, cell in enumerate(cells) if cell])
        else:
            line = table_row(filled)
            if len(filled) > 1 and self._labels is None:
                self._labels = cells if is_header(filled) else []
        self._append(number, line)

    def _append(self, number: int, line: str) -> None:
        start = self._length + (len(ROW_END) if self._parts else 0)
        if self._length + len(line) > MAX_UNPACKED:  # a long header makes much of short rows
            raise FileError(
                self._source,
                f"its rows with their headers are longer than {MAX_UNPACKED // MEGABYTE} million characters",
                "Split it into smaller files",
            )
        if self._parts:
            self._parts.append(ROW_END)
            self.sections[-1] = replace(self.sections[-1], end=start)
        self._parts.append(line)
        self._length = start + len(line)
        if number == self._next:
            self.sections[-1] = replace(self.sections[-1], end=self._length)
        else:
            self.sections.append(Section(start, self._length, self._heading, row=number))
        self._next = number + 1


def _labelled(cell: str, place: int, labels: list[str]) -> str:
    label = labels[place] if place < len(labels) else ""
    return f"{label.removesuffix(':')}: {cell}" if label else cell


def is_header(cells: list[str]) -> bool:
    """Whether each of the cells, none of them empty, can name a column."""
    labels = {cell.casefold() for cell in cells if LABEL.fullmatch(cell)}
    return len(labels) == len(cells) and any(not cell.isdecimal() for cell in cells)
