"""Headings to sections, and blocks to text: what the formats with structure share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice, zip_longest

from index.types import Offsets, Section

# What programs put into the title field when nobody gave a title.
PLACEHOLDERS = {"untitled", "untitled document", "(anonymous)", "anonymous", "none", "title", "document", "document1"}
# A cell may claim to take a billion columns.
MOST_COLUMNS = 1000
# A cell over several rows is repeated in each of them if it has at most so many characters: names are short.
LONGEST_REPEATED = 200
# A table of which a file says that more rows than this are its header is marked carelessly.
MOST_HEADER_ROWS = 5
MORE_THAN_A_SPACE = re.compile(r"\s{2,}|[^\S ]")
FILE_NAME_END = re.compile(r"\.(?:docx?|pdf|tex|dvi|ps|rtf|odt|indd|pptx?|xlsx?|txt|html?)$", re.I)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that begins at `start`; level 1 is the outermost."""

    start: int
    level: int
    text: str


def sections_of(headings: list[Heading], length: int) -> tuple[Section, ...]:
    """Sections that tile a text of `length` characters: one from each heading to the next, with its heading path.

    What stands before the first heading is a section without a path. A heading without a text only ends those of its level.
    """
    sections = []
    path: list[Heading] = []
    start = 0
    for heading in headings:
        above = [outer for outer in path if outer.level < heading.level]
        if not heading.text and above == path:
            continue
        if heading.start > start:
            sections.append(Section(start, heading.start, _texts(path)))
            start = heading.start
        path = [*above, heading] if heading.text else above
    if length > start:
        sections.append(Section(start, length, _texts(path)))
    return tuple(sections)


def first_title(headings: list[Heading]) -> str:
    """The first heading of level 1, which is most documents' title; empty if there is none."""
    return next((heading.text for heading in headings if heading.level == 1), "")


@dataclass(slots=True)
class Blocks:
    """A text under construction: blocks with an empty line between them, where its headings begin, and its blocks of code."""

    headings: list[Heading] = field(default_factory=list)
    code: list[Offsets] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0

    @property
    def text(self) -> str:
        """All that was added."""
        return "".join(self._parts)

    @property
    def sections(self) -> tuple[Section, ...]:
        """Sections that tile the text, one a heading."""
        return sections_of(self.headings, self._length)

    def add(self, text: str, tight: bool = False) -> None:
        """Append a block; `tight` sets it on the very next line, as for the items of a list. Blank ones are dropped."""
        if not text.strip():
            return
        if self._parts:
            self._append("\n" if tight else "\n\n")
        self._append(text)

    def add_heading(self, text: str, level: int) -> None:
        """Append a block that begins a section."""
        length_before = self._length
        self.add(text)
        if self._length > length_before:
            self.headings.append(Heading(self._length - len(text), level, one_line(text)))

    def add_code(self, text: str) -> None:
        """Append a block of code, its lines as they are."""
        length_before = self._length
        self.add(text)
        if self._length > length_before:
            self.code.append((self._length - len(text), self._length))

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table, its text on one line, and how many columns and rows it takes."""

    text: str
    columns: int = 1
    rows: int = 1


def spanned(rows: Iterable[Sequence[Cell]]) -> Iterator[list[str]]:
    """The cells of each row as they stand in the columns: one that takes several rows is in each of them, for it goes for
    all (if it is short); one that takes several columns is in the first.
    """
    above: dict[int, Cell] = {}  # by column, those that go on in the next row
    for row in rows:
        goes_on, above, given = above, {}, list(reversed(row))
        line: list[str] = []
        while given or any(column >= len(line) for column in goes_on):
            column = len(line)
            cell = goes_on.get(column) or (given.pop() if given else Cell(""))
            columns = max(1, min(cell.columns, MOST_COLUMNS - column))
            if cell.rows > 1:
                above[column] = replace(cell, rows=cell.rows - 1, text=cell.text if len(cell.text) <= LONGEST_REPEATED else "")
            line += [cell.text, *[""] * (columns - 1)]
            if len(line) >= MOST_COLUMNS:
                break
        yield line + [cell.text for cell in reversed(given)]


def table_lines(rows: Iterable[Sequence[Cell]], header: int = 0) -> Iterator[str]:
    """The rows of a table, a line each, those that hold anything; the first `header` are those that the file says name columns.

    Where these are several they are one line, in which each column has all its names, from the top down; a title over the
    whole table stays a line of its own.

    >>> top, names = [Cell(""), Cell("2024", columns=2)], [Cell("Region"), Cell("Q1"), Cell("Q2")]
    >>> list(table_lines([top, names, [Cell("North"), Cell("5"), Cell("7")]], header=2))
    ['Region | 2024 Q1 | 2024 Q2', 'North | 5 | 7']
    """
    rows = list(rows)
    header = header if 1 < header < len(rows) and header <= MOST_HEADER_ROWS else 0
    lines = spanned(rows)
    named = list(zip(islice(lines, header), spanned(map(_in_each_column, rows[:header])), strict=False))
    width = max((len(names) for _, names in named), default=0)
    for title, group in groupby((row for row in named if any(row[0])), lambda row: _is_title(row[1], width)):
        several = list(group)
        if title or len(several) == 1:
            yield from (table_row(line) for line, _ in several)
        else:
            columns = zip_longest(*(names for _, names in several), fillvalue="")
            yield table_row([" ".join(filter(None, dict.fromkeys(column))) for column in columns])
    yield from filter(None, map(table_row, lines))


def _in_each_column(row: Sequence[Cell]) -> list[Cell]:
    """The cells of a row, one that takes several columns in each of them (if it is short)."""
    cells: list[Cell] = []
    for cell in row:
        times = min(cell.columns, MOST_COLUMNS - len(cells)) if len(cell.text) <= LONGEST_REPEATED else 1
        cells += [replace(cell, columns=1)] * times if times > 1 else [cell]
    return cells


def _is_title(names: list[str], width: int) -> bool:
    """Whether a row of a header says one thing, in its first cell alone or for all columns, and so tells no columns apart."""
    said = list(filter(None, names))
    return names[:1] != [""] and len(set(said)) == 1 and len(said) in {1, width}


def one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return MORE_THAN_A_SPACE.sub(" ", text).strip()  # a list of all its words may take more memory than there is


def table_row(cells: list[str]) -> str:
    """A row of a table on one line; cells at its end that are empty are left out."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    return " | ".join(cells)


def sensible_title(title: str) -> str:
    """The title from a file's metadata; empty for a placeholder or the name of the file that was printed."""
    title = one_line(title.removeprefix("Microsoft Word - ").removeprefix("Microsoft PowerPoint - "))
    poor = len(title) < 3 or title.lower() in PLACEHOLDERS or FILE_NAME_END.search(title)
    return "" if poor else title


def _texts(path: list[Heading]) -> tuple[str, ...]:
    return tuple(heading.text for heading in path)
