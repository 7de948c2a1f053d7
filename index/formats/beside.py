"""What stands beside the text of an office file: headers and footers, told once at its end, and comments, only counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from index.formats.outline import Blocks, one_line
from index.types import Section

# "3", "- 3 -", "Page 3 of 7", "3 / 7"; where a program has not filled the numbers in, "Page of". Not a year, nor "v3" or "1.2".
_NUMBER = r"(?!(?:19|20)\d\d\b)\d{1,4}"
_PAGE = r"page|p|pg|seite|s|blatt|folio|página|pagina|sida|side|sivu|strona"
PAGE_NUMBER = re.compile(
    rf"[-–—·•()\[\]. ]*(?:(?:{_PAGE})\b[.:# ]*)?(?:{_NUMBER})?(?: ?(?:/|\b(?:of|von|de|di|van|sur|av|af|z)\b) ?(?:{_NUMBER})?)?"
    r"[-–—·•()\[\]. ]*", re.I)
LONGEST_NUMBER = 40
PART_END = re.compile(r"\t| \| ")


def add_margins(blocks: Blocks, margins: Iterable[str], title: str) -> tuple[Section, ...]:
    """Append what the headers and footers say, each block (they stand an empty line apart) once, in a section of its own.

    Lines of nothing but a page's number or the document's `title` are left out. Returns sections that tile the whole text.
    """
    sections = blocks.sections
    told: dict[str, str] = {}
    for block in (block for margin in margins for block in margin.split("\n\n")):
        text = "\n".join(line for line in block.split("\n") if not _says_nothing(line, title)).strip()
        told.setdefault(one_line(text), text)
    told.pop("", None)
    if not told:
        return sections
    said = "\n\n".join(told.values())
    blocks.add(said)
    end = len(blocks.text)
    if sections:
        sections = (*sections[:-1], replace(sections[-1], end=end - len(said)))
    return (*sections, Section(end - len(said), end))


def comments_notice(count: int) -> tuple[str, ...]:
    """What is said of a file that has so many comments."""
    if count == 0:
        return ()
    return ("it has a comment, which is not read" if count == 1 else f"it has {count} comments, which are not read",)


def _says_nothing(line: str, title: str) -> bool:
    parts = (one_line(part).casefold() for part in PART_END.split(line))
    return all(part == title.casefold() or (len(part) <= LONGEST_NUMBER and PAGE_NUMBER.fullmatch(part)) for part in parts)
