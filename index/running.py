"""Running headers and footers: lines at the top or bottom of a page that a document's other pages have too.

They say nothing of their own and cannot be quoted. They stay in the document's text; where sentences are looked for and
where texts are encoded and searched they are left blank, one character for one character.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile

MOST_LINES = 3  # at one end of a page: where more recur, it is a form, and its words may stand nowhere else
FEWEST = 3  # pages
LONGEST = 200  # characters of a line
FARTHEST = 1000  # from the number printed on a page to the page's place in the file: a year is no page's number

_SOMETHING = re.compile(r"\S")
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")

Span = tuple[int, int]
_Key = tuple[str, str, int | None]
_Edge = tuple[tuple[Span, frozenset[_Key]], ...]  # the outermost lines of a page, from one end inwards, with their keys


@dataclass(frozen=True, slots=True)
class _Page:
    top: _Edge
    bottom: _Edge
    odd: bool

    @property
    def keys(self) -> set[_Key]:
        return set(chain.from_iterable(keys for _, keys in (*self.top, *self.bottom)))


def without_running_lines(text: str, pages: Iterable[tuple[int, int, int]]) -> str:
    """The text, of the same length, with white space in the place of running headers and footers.

    `pages` are (number, start, end). A line is running where most pages, or most of the odd or of the even ones, have it
    the same but for the page's number: a number that grows with the page. Where nothing else would be left, nothing is
    left out. A paragraph goes on over one where a small letter follows; else there is an empty line.
    """
    seen = [page for number, start, end in pages if (page := _page(text, start, end, number)).top]
    recurring = _recurring(seen)
    running = sorted({line for page in seen for edge in (page.top, page.bottom) for line in _running(edge, recurring)})
    bare = _replaced(text, running, _blank)
    if not bare.strip():
        return text

    def ended(blank: str, end: int) -> str:
        follows = _SOMETHING.search(bare, end)
        return blank if follows and follows[0].islower() else "\n" + blank[1:]

    return _replaced(bare, running, ended)


def _replaced(text: str, lines: Iterable[Span], by: Callable[[str, int], str]) -> str:
    """The text with each line replaced by what `by` makes of it and of where it ends."""
    pieces, at = [], 0
    for start, end in lines:
        pieces += [text[at:start], by(text[start:end], end)]
        at = end
    return "".join([*pieces, text[at:]])


def _page(text: str, start: int, end: int, number: int) -> _Page:
    lines: list[Span] = []
    at = start
    for line in text[start:end].split("\n"):
        if line.strip():
            lines.append((at, min(at + len(line) + 1, end)))
        at += len(line) + 1

    def edge(lines: Sequence[Span]) -> _Edge:
        return tuple((line, frozenset(_keys(text[slice(*line)], number))) for line in lines[: MOST_LINES + 1])

    return _Page(edge(lines), edge(lines[::-1]), number % 2 == 1)


def _keys(line: str, page: int) -> Iterator[_Key]:
    """What the line has in common with the same one on another page: all its words, or those around a page's number.

    >>> list(_keys("Annual Report 25:  4", 6))
    [('Annual Report 25: 4', '', None), ('Annual Report ', ': 4', 19), ('Annual Report 25: ', '', -2)]
    """
    line = " ".join(line.split())
    if len(line) <= LONGEST:
        yield line, "", None
        for found in _NUMBER.finditer(line):
            if abs(int(found[0]) - page) < FARTHEST:
                yield line[: found.start()], line[found.end() :], int(found[0]) - page


def _recurring(pages: Sequence[_Page]) -> set[_Key]:
    found: set[_Key] = set()
    for some in (pages, [page for page in pages if page.odd], [page for page in pages if not page.odd]):
        times = Counter(key for page in some for key in page.keys)
        found |= {key for key, count in times.items() if count >= FEWEST and 2 * count > len(some)}
    return found


def _running(edge: _Edge, recurring: set[_Key]) -> list[Span]:
    """The lines at one end of a page that recur, as far as there is none between that does not."""
    found = [line for line, _ in takewhile(lambda one: not recurring.isdisjoint(one[1]), edge)]
    return found if len(found) <= MOST_LINES else []


def _blank(line: str, _: int) -> str:
    """As long as the line, and white space over which a paragraph may go on, as over the end of a page."""
    return " " * (len(line) - 1) + ("\f" if line.endswith(("\n", "\f")) else " ")
