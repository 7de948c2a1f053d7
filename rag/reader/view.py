"""A passage as the reader's model is shown it: the text itself, but rows of tables with the names of their columns.

A row says little without its header: "Marrick | £7.50 | £14.00" is shown as "Marrick, Single: £7.50, Return: £14.00". Every
character that is shown remembers its place in the passage; what was put in has none and can never be part of an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.tables import RULE, Table, cells, is_row, table_at, trimmed
from rag.types import Passage

_LINE = re.compile(r"[^\n\f]*[\n\f]?")


@dataclass(frozen=True, slots=True)
class View:
    """What is shown; `places[i]` is where its i-th character stands in the passage's text, -1 where it was put in."""

    text: str
    places: NDArray[np.int64]


def view(passage: Passage) -> View:
    """The passage's text with its tables told row by row, and without running headers and footers."""
    document, chunk = passage.document.body, passage.chunk
    text = document[chunk.start : chunk.end]
    if "|" not in text:
        return View(text, np.arange(len(text), dtype=np.int64))
    table: Table | None = None
    shown: list[tuple[str, int]] = []  # pieces with their places in the passage; -1: put in
    for match in _LINE.finditer(text):
        row = trimmed(text, *match.span())
        if row is None or not is_row(document, chunk.start + row[0], chunk.start + row[1]):
            shown.append((match[0], match.start()))
            continue
        at = chunk.start + row[0]
        if table is None or at >= table.end:
            table = table_at(document, at)
        header = table.header(at)
        if header is not None and (RULE.fullmatch(text, *row) or at == header[0]):
            if not RULE.fullmatch(text, *row):
                shown.append((match[0], match.start()))
            continue
        names = [document[slice(*cell)] for cell in cells(document, header)] if header else []
        shown += _told(text, row, names)
        shown.append(("\n", -1))
    return View("".join(piece for piece, _ in shown), np.concatenate(
        [np.arange(place, place + len(piece)) if place >= 0 else np.full(len(piece), -1) for piece, place in shown]))


def _told(text: str, row: tuple[int, int], names: list[str]) -> list[tuple[str, int]]:
    """The cells that hold something, each but the first with its column's name before it."""
    pieces: list[tuple[str, int]] = []
    for number, (start, end) in enumerate(cells(text, row)):
        if start == end:
            continue
        name = names[number] if number < len(names) else ""
        if pieces:
            pieces.append((f", {name}: " if name else ", ", -1))
        pieces.append((text[start:end], start))
    return pieces
