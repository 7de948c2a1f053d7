"""What stays together in a chunk where it fits: the rows of tables, lists with their items, code.

Everything else, plain prose above all, is sentences that follow one another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from index.sentences import ITEM, sentences, sentences_by_block, usual_width
from index.tables import is_row, trimmed
from index.types import Document, Offsets

_LINE = re.compile(r"[^\n]+")
_INDENTED = 2  # characters before what goes on with the item above it


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document: its sentences where it is whole, and the parts to cut it into where it does not fit.

    A single sentence has no parts.
    """

    pieces: tuple[Offsets, ...]
    parts: tuple[Part, ...] = ()
    kind: Literal["", "row", "code"] = ""


def parts_of(document: Document, start: int, end: int) -> list[Part]:
    """The parts of a region, in order: rows, code and lists as one part each, of all else the sentences."""
    text = document.body
    section = document.section_at(start)
    sheet, width = section.row is not None, usual_width(text[start:end]) if section.page else None
    found: list[Part] = []
    items: list[list[Part]] = []  # of the list that goes on, each with what is indented below it
    for block in _blocks(text, start, end, document.code, sheet, width):
        first = block.pieces[0][0]
        if not block.kind and ITEM.match(text, first):
            items.append([block])
        elif items and block.kind != "row" and _indent(text, start, first) >= _INDENTED:
            items[-1].append(block)
        else:
            _add_list(text, found, items)
            items = []
            found += [block] if block.kind else block.parts or [block]
    _add_list(text, found, items)
    return found


def _blocks(text: str, start: int, end: int, code: Sequence[Offsets], sheet: bool, width: int | None) -> Iterator[Part]:
    """Paragraphs, headings, items, rows (in a sheet all) and code blocks, each with its sentences, in code lines, as parts."""
    at = start
    for number in range(bisect_right(code, start, key=lambda span: span[1]), len(code)):
        left, right = max(start, code[number][0]), min(end, code[number][1])
        if left >= end:
            break
        yield from _prose(text, at, left, sheet, width)
        lines = (trimmed(text, *match.span()) for match in _LINE.finditer(text, left, right))
        if whole := sentences(text, left, right, width):
            yield Part(tuple(whole), tuple(Part((line,)) for line in lines if line), "code")
        at = right
    yield from _prose(text, at, end, sheet, width)


def _prose(text: str, start: int, end: int, sheet: bool, width: int | None) -> Iterator[Part]:
    for block in sentences_by_block(text, start, end, width):
        row = sheet or is_row(text, block[0][0], block[-1][1])
        single = tuple(Part((sentence,)) for sentence in block) if len(block) > 1 else ()
        yield Part(tuple(block), single, "row" if row else "")


def _add_list(text: str, found: list[Part], items: list[list[Part]]) -> None:
    """Append a list to what was found, with the sentence that it hangs on: one above it that ends in a colon."""
    if not items:
        return
    listed = _together([_together(blocks) for blocks in items])
    above = found[-1] if found else None
    if above and not above.parts and not above.kind and text[above.pieces[0][1] - 1] == ":":
        found[-1] = _together([above, listed])
    else:
        found.append(listed)


def _together(some: list[Part]) -> Part:
    return some[0] if len(some) == 1 else Part(tuple(piece for part in some for piece in part.pieces), tuple(some))


def _indent(text: str, region: int, start: int) -> int:
    line = max(region, text.rfind("\n", region, start) + 1)
    return start - max(line, text.rfind("\f", line, start) + 1)
