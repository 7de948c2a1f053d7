"""Markdown: the text is the file's source as it is; its headings give the sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from index.formats.base import Extract, Format
from index.formats.outline import Heading, first_title, one_line, sections_of
from index.formats.text import decode, is_textual
from index.types import Offsets

if TYPE_CHECKING:
    from markdown_it.token import Token

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd")
LINE_END = re.compile(r"\r\n?|\n")  # what markdown-it takes for one
FRONT_MATTER = re.compile(r"---[ \t]*(?:\r\n?|\n)(.*?)^(?:---|\.\.\.)[ \t]*(?:\r\n?|\n|\Z)", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
FRONT_MATTER_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def _recognises(head: bytes, suffix: str) -> bool:
    return suffix in SUFFIXES and is_textual(head)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    text = decode(data, source)
    matter = FRONT_MATTER.match(text)
    headings = _headings(text, matter.end() if matter else 0)
    title = first_title(headings) or _front_matter_title(matter.group(1) if matter else "")
    yield Extract(title, text, sections_of(headings, len(text)), code=tuple(_code_blocks(text)))


def _code_blocks(text: str) -> Iterator[Offsets]:
    """The code between fences, with them; what is never closed is none."""
    opened: re.Match[str] | None = None
    for line in FENCE.finditer(text):
        if opened is None:
            opened = line if line[1][0] == "~" or "`" not in line[2] else None
        elif line[1].startswith(opened[1]) and not line[2].strip():
            yield opened.start(), line.end()
            opened = None


def _headings(text: str, body: int) -> list[Heading]:
    """The headings at the outermost level (not those inside a quotation or a list) from the offset `body` on."""
    from markdown_it import MarkdownIt

    blocks = MarkdownIt("commonmark").disable("inline")  # only the headings need their inline markup parsed
    inlines = MarkdownIt("commonmark")
    references: dict[str, Any] = {}
    tokens = blocks.parse(text[body:], references)
    line_starts = [body, *(body + end.end() for end in LINE_END.finditer(text[body:]))]
    headings = []
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            plain = one_line(_plain(inlines.parseInline(content.content, references)))
            if plain:
                headings.append(Heading(line_starts[token.map[0]], int(token.tag[1:]), plain))
    return headings


def _plain(tokens: Sequence[Token]) -> str:
    """What a reader sees of inline markup."""
    parts = []
    for token in tokens:
        if token.children:
            parts.append(_plain(token.children))
        elif token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)


def _front_matter_title(matter: str) -> str:
    found = FRONT_MATTER_TITLE.search(LINE_END.sub("\n", matter))
    if not found:
        return ""
    title = found.group(1)
    quoted = len(title) > 1 and title[0] == title[-1] and title[0] in "\"'"
    return title[1:-1] if quoted else title


FORMAT = Format("Markdown", "text/markdown", SUFFIXES, _recognises, _read)
