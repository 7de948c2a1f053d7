"""Headings on lines of their own in a PDF, told by how they are set or numbered.

A page's text has nothing between a heading and the paragraphs above and below it but a line's end, as within these.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.types import Offsets

if TYPE_CHECKING:
    from index.formats.pdf import PageText

_LARGER = 1.15  # times as large as most letters of the page
_AS_LARGE = 0.9  # the same where they are bold, and those are not
_GAP = 0.5  # of a line's height, between lines: within a paragraph it is less
_MOST_LINES = 3  # of a heading: more are a text that is set so
_LONGEST = 150  # characters of a line
_SHORT = 0.6  # of the page's longest line: what is shorter did not end for lack of room
_LOOKED_AT = 7  # lines that tell how a page is set
_CLOSED = re.compile(r"[.!?…:。！？][\"'”’»)\]]*$")
_SENTENCE = re.compile(r"[.!;:。！；：]$")
_GOES_ON = re.compile(r"[,\-\u00ad]$")
_NUMBER = re.compile(r"(?:§ ?)?\d{1,2}\.(?:\d{1,2}\.?)*\s+")
_ITEM = re.compile(r"\(?\w{1,2}[.)]|[-*+•‣▪●◦–—]")
_WORD = re.compile(r"[^\W_]")
_LETTER = re.compile(r"[^\W\d_]")

_Set = tuple[float, bool]  # the size of letters, and whether they are bold


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page's text: its place there, and the number that pdfium has for its first character."""

    start: int
    end: int
    text: str
    unit: int


def headings(page: PageText) -> tuple[Offsets, ...]:
    """Where headings stand in the text of a page.

    They are larger than most of the page, or bold where that is not, or numbered and short. Above one is a gap, or, where it
    is short, the end of a sentence, and what stands below begins with no small letter: else it may be words of a paragraph.
    """
    lines = list(page.lines())
    if lines and not _LETTER.search(lines[-1].text):
        del lines[-1]  # a page's number
    return tuple(_Headings(page, lines).found()) if len(lines) > 1 else ()


class _Headings:
    """Looks for them, and at how a line is set only where it reads like one: pdfium takes its time to tell."""

    def __init__(self, page: PageText, lines: list[Line]) -> None:
        self._page, self._lines = page, lines
        longest = sorted(lines, key=lambda line: len(line.text), reverse=True)[:_LOOKED_AT]
        letters: Counter[_Set] = Counter()
        for line in longest:
            letters[page.look(line)] += len(line.text)
        (self._size, self._bold), _ = letters.most_common(1)[0]
        self._short = _SHORT * len(longest[0].text)

    def found(self) -> Iterator[Offsets]:
        """Those of the page, in order."""
        lines, at, known = self._lines, 0, 0
        while at < len(lines) - 1:
            end = at + 1
            if _may_begin(lines[at].text) and (behind := self._end(at, at in (0, known))):
                known = end = behind
                yield lines[at].start, lines[end - 1].end
            at = end

    def _end(self, at: int, anew: bool) -> int | None:
        """Behind the last line of the heading that begins with line `at`; None where none does.

        `anew`: the page begins with it, or a heading stands right above.
        """
        lines, end = self._lines, at + 1
        short = len(lines[at].text) < self._short
        ended = short and (anew or _CLOSED.search(lines[at - 1].text) is not None)
        if ended and _is_numbered(lines[at].text, lines[end].text):
            return end
        if not (ended or anew or self._is_apart(at)) or not self._stands_out(at):
            return None
        look = self._page.look(lines[at], whole=True)
        while end < len(lines) and self._page.look(lines[end], whole=True) == look and not self._is_apart(end):
            end += 1
            if end - at > _MOST_LINES:
                return None
        if end == len(lines):
            return None
        last, below = lines[end - 1].text, lines[end].text
        return None if _SENTENCE.search(last) or _GOES_ON.search(last) or _starts_small(below) else end

    def _stands_out(self, at: int) -> bool:
        def is_so(look: _Set) -> bool:
            size, bold = look
            return size > (_AS_LARGE if bold and not self._bold else _LARGER) * self._size

        return is_so(self._page.look(self._lines[at])) and is_so(self._page.look(self._lines[at], whole=True))

    def _is_apart(self, at: int) -> bool:
        """Whether there is a gap above a line, or the one before it in the text stands further down."""
        above, box = (self._page.box(line) for line in self._lines[at - 1 : at + 1])
        return above[1] - box[3] > _GAP * (box[3] - box[1]) or above[3] <= box[1]


def _may_begin(text: str) -> bool:
    """Whether a line can begin a heading, by its words."""
    return not (len(text) > _LONGEST or _SENTENCE.search(text) or _starts_small(text)) and _LETTER.search(text) is not None


def _is_numbered(text: str, below: str) -> bool:
    """Whether a line is a number and a name, "4. General meetings", and no item of a list."""
    number = _NUMBER.match(text)
    named = number is not None and text[number.end() :][:1].isupper() and not _GOES_ON.search(text)
    return named and _first(below).isupper() and not _ITEM.match(below)


def _starts_small(text: str) -> bool:
    return _first(text).islower()


def _first(text: str) -> str:
    """The first letter or figure."""
    found = _WORD.search(text)
    return found[0] if found else ""
