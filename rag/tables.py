"""Tables in a text: rows of cells between bars, one a line, and the header row that names their columns."""

from __future__ import annotations

import re
from itertools import pairwise

from index.sentences import Offsets

ROW = re.compile(r"(?:\||.*[^\S\n]\|[^\S\n]).*")
RULE = re.compile(r"(?=[^-]*-)[\s|:+=-]+")
_BAR = re.compile(r"(?<!\\)\|")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_FARTHEST = 1000  # lines above a row among which its table's header is sought


def header_of(text: str, row: int) -> Offsets | None:
    """The header of the table that has a row at `row`: its first line, if a rule is below it or it has no figures in it."""
    lines = [line_at(text, row)]
    while len(lines) < _FARTHEST and (above := _line_above(text, lines[-1][0])):
        lines.append(above)
    while not ROW.fullmatch(text, *lines[-1]):  # a caption, say
        lines.pop()
    if len(lines) == _FARTHEST:
        return None
    top = lines[-1]
    below = lines[-2] if len(lines) > 1 else line_at(text, text.find("\n", top[1]) + 1)
    named = len(lines) > 1 and not re.search(r"\d", _YEAR.sub("", text[slice(*top)]))
    return top if named or RULE.fullmatch(text, *below) else None


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


def line_at(text: str, at: int) -> Offsets:
    """The line that the character at `at` is in, without the white space at its ends."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    start = max(start, text.rfind("\f", start, at) + 1)
    return trimmed(text, start, len(text) if end < 0 else end) or (at, at)


def trimmed(text: str, start: int, end: int) -> Offsets | None:
    """The span without white space at its ends; None where nothing is left."""
    piece = text[start:end]
    left, right = start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
    return (left, right) if left < right else None


def _line_above(text: str, start: int) -> Offsets | None:
    """The line above the one that begins at `start`; None where it is blank, or on another page, or there is none."""
    end = text.rfind("\n", 0, start)
    if end < 0 or text[end:start].strip() or "\f" in text[end:start]:
        return None
    line = line_at(text, end)
    return line if line[0] < line[1] else None
