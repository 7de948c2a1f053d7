"""Sentence boundaries as offsets.

A text is first cut into blocks (paragraphs, headings, list items, table rows), for no sentence runs on from one to the
next; each block is then cut by sentencex. A line end inside a block is a soft wrap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

from index.tables import is_row, trimmed
from index.types import Offsets

# sentencex panics on some white space beyond ASCII; every such character becomes one plain space.
_OTHER_SPACE = re.compile(r"[^\S\n\r\t\f ]")
# Logs and dumps spell a line end as a backslash and an n. One that follows a word may be a path's: C:\new.
_SPELT_END = re.compile(r"(?<=[.!?])(?:(?:\\r)?\\n)+|(?:(?:\\r)?\\n){2,}")
_LINE = re.compile(r"[^\n\r\f]*(?:\r\n|[\n\r\f]|\Z)")
_LINE_END = re.compile(r"[\r\n\f\t]")
_MARKER = re.compile(r"(?:[-*+•‣▪●◦–—]|\(?\d{1,3}[.)]|\(?[a-z][.)]|#{1,6}|>|\||={3,}|-{3,})(?=\s|$)|\|")
ITEM = re.compile(r"(?:[-*+•‣▪●◦–—]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
# What no sentence ends in: it goes on, even before a capital letter. Where such a word is missing here, its halves are two.
_GOES_ON = re.compile(r"""(?:[-\u00ad,]|\b(?:
    an?|the|and|or|of|in|on|to|from|with|for|by|at|as|than|that|which|who|whose|is|are|was|were|be|has|have|had|will|shall|must|may|
    if|der|die|das|den|dem|des|eine?[mnrs]?|und|oder|von|vom|mit|zu[mr]?|für|bei|beim|im|dass|ist|sind|wird|
    le|la|les|des?|du|une?|et|ou|avec|pour|el|los|las|y|con|para|del?|il|lo|gli|e|di|della|het|een|van|met
))$""", re.VERBOSE)
# Abbreviations that sentencex does not know, or takes for a sentence's end: before a small letter, a number
# or capitals they are none.
_SHORT = re.compile(r"""(?:^|[\s(/])(?:
    (?i:max|min|approx|ca|incl|excl|nos?|vol|tel|fax|ext|figs?|ref|pp?|ch|sec|para|abs|dept|resp|hrs?)
    |Art|Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.$""", re.VERBOSE)
_NUMBER = re.compile(r"(?i:nos?)\.\s*\d")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w")
# Characters: where quotes stay open sentencex takes a time that grows with the square of the text, so it never gets more at
# once; and what it says of the last thousand may depend on what follows.
_AT_ONCE, _SURE = 5000, 4000


def sentences(text: str, start: int = 0, end: int | None = None, width: int | None = None) -> list[Offsets]:
    """The sentences of `text[start:end]` as (start, end) into `text`, trimmed of white space, in order, without overlap.

    Every character outside them is white space, or spells a line end as logs do. Headings, list items and table rows count
    as sentences. `width` is how long its lines are where it is wrapped, if that is known of the text around.
    """
    return [sentence for block in sentences_by_block(text, start, end, width) for sentence in block]


def sentences_by_block(text: str, start: int = 0, end: int | None = None, width: int | None = None) -> Iterator[list[Offsets]]:
    """The same, those of a block together; no block is without one."""
    end = len(text) if end is None else end
    region = _OTHER_SPACE.sub(" ", _lined(text[start:end]))
    for block_start, block_end in ((left - start, right - start) for left, right in blocks(text, start, end, width)):
        block = _LINE_END.sub(" ", region[block_start:block_end])
        found: list[Offsets] = []
        lettered = False  # whether there is a letter in the last sentence: looking for it anew each time would take for ever
        for piece_start, piece_end in _pieces(block):
            piece = block[piece_start:piece_end]
            left = start + block_start + piece_start + len(piece) - len(piece.lstrip())
            right = left + len(piece.strip())
            if left == right:
                continue
            # A stray bracket belongs to the sentence before it, a bare "1." to the one after it.
            if found and (not (_WORD.search(piece) and lettered) or _goes_on(region, found[-1][1] - start, left - start)):
                found[-1] = (found[-1][0], right)
            else:
                found.append((left, right))
                lettered = False
            lettered = lettered or _LETTER.search(piece) is not None
        if found:
            yield found


def _pieces(block: str) -> Iterator[Offsets]:
    """The sentences of a block, as sentencex sees them.

    A long block is shown to it a stretch at a time, each from where a sentence begins; it is believed about those sentences
    that end well before the stretch does. One that is longer than a stretch is cut at white space, where there is any.
    """
    begin = start = 0
    while len(block) - start > _AT_ONCE:
        stretch = block[start : start + _AT_ONCE]
        whole, space = _boundaries(stretch)[:-1], stretch.rfind(" ") + 1
        ends = [end for _, end in whole if end <= _SURE] or [end for _, end in whole] or ([space] if space else [])
        for end in ends:
            yield begin, start + end
            begin = start + end
        start += ends[-1] if ends else len(stretch)
    for _, end in _boundaries(block[start:]) or [(0, len(block) - start)]:
        yield begin, start + end
        begin = start + end


def _goes_on(text: str, end: int, start: int) -> bool:
    """Whether what ends at `end` is but an abbreviation before what begins at `start`."""
    first = text[start : start + 2]
    following = first[0].islower() or first[0].isdecimal() or (len(first) > 1 and first.isupper()) or _NUMBER.match(text, start)
    return bool(following) and _SHORT.search(text[max(0, end - 10) : end]) is not None


def _boundaries(text: str) -> list[Offsets]:
    return [(found["start_index"], found["end_index"]) for found in sentencex.get_sentence_boundaries("en", text)]


def _lined(text: str) -> str:
    """The text, of the same length, with line ends in the place of those that it spells."""
    return _SPELT_END.sub(lambda match: "\n" * len(match[0]), text) if "\\n" in text else text


def blocks(text: str, start: int = 0, end: int | None = None, width: int | None = None) -> list[Offsets]:
    """Paragraphs, headings, list items and table rows of `text[start:end]` as offsets into it; between them is white space."""
    region = _lined(text[start:end])
    lines = _lines(region)
    rows = [bool((line := trimmed(region, *ends)) and is_row(text, start + line[0], start + line[1])) for ends in lines]
    found = _join(region, lines, rows, usual_width(region) if width is None else width)
    return [(start + left, start + right) for left, right in found]


def usual_width(text: str) -> int:
    """The length that nine in ten lines do not exceed: the wrapping width, where the text is wrapped."""
    lengths = sorted(length for start, end in _lines(text) if (length := len(text[start:end].strip())))
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def _lines(text: str) -> list[Offsets]:
    return [match.span() for match in _LINE.finditer(text) if match.end() > match.start()]


def _join(text: str, lines: list[Offsets], rows: list[bool], width: int) -> Iterator[Offsets]:
    block: Offsets | None = None
    previous, below_row = "", False
    for (start, end), row in zip(lines, rows, strict=True):
        line = text[start:end].strip()
        if not line:
            if block and "\f" not in text[start:end]:
                yield block
                block = None
            continue
        anew = block and "\f" in text[block[1] - 1 : start] and _begins_anew(previous, line)
        if block and not (anew or row or below_row) and _runs_on(previous, line, width):
            block = (block[0], end)
        else:
            if block:
                yield block
            block = (start, end)
        previous, below_row = line, row
    if block:
        yield block


def _runs_on(line: str, following: str, width: int) -> bool:
    """Whether a line end is a soft wrap: the next line goes on with the same paragraph."""
    if _MARKER.match(following) or line.startswith("#"):
        return False
    if following[0].islower():
        return True
    # A wrapped line is nearly full: the next word would not have fitted any more (proportional fonts: three quarters).
    return len(line) + 1 + len(following.split(maxsplit=1)[0]) > 0.75 * width


def _begins_anew(line: str, following: str) -> bool:
    """Whether the first line of a page begins another sentence: of two invoices no quote may pair what they say."""
    first = _WORD.search(following)
    capital = first is not None and (first[0].isdigit() or first[0] != first[0].lower())
    return capital and not _GOES_ON.search(line)
