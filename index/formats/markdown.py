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
CLOSING_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*")


def _recognises(head: bytes, suffix: str) -> bool:
    return suffix in SUFFIXES and is_textual(head)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    from markdown_it import MarkdownIt

    text = decode(data, source)
    matter = FRONT_MATTER.match(text)
    body = matter.end() if matter else 0
    line_starts = [body, *(body + end.end() for end in LINE_END.finditer(text[body:]))]
    references: dict[str, Any] = {}
    # Only the headings need their inline markup parsed.
    blocks = MarkdownIt("commonmark").disable("inline").parse(text[body:], references)
    headings = _headings(blocks, line_starts, references)
    stated = LINE_END.sub("\n", matter.group(1)) if matter else ""
    yield Extract(first_title(headings) or _stated("title", stated), text, sections_of(headings, len(text)),
                  code=tuple(_code_blocks(text, blocks, [*line_starts, len(text)])), author=_stated("author", stated),
                  date=_stated("date", stated))


def _code_blocks(text: str, blocks: Sequence[Token], line_starts: Sequence[int]) -> Iterator[Offsets]:
    """The code between fences, with them; what is never closed is none."""
    for token in blocks:
        if token.type == "fence" and token.map:
            first, last = token.map
            start, end = line_starts[first], line_starts[last]
            end = start + len(text[start:end].rstrip("\r\n"))
            closing = CLOSING_FENCE.fullmatch(text[line_starts[last - 1] : end])
            if last - first > 1 and closing and closing[1].startswith(token.markup):
                yield start, end


def _headings(blocks: Sequence[Token], line_starts: Sequence[int], references: dict[str, Any]) -> list[Heading]:
    """The headings at the outermost level, not those inside a quotation or a list."""
    from markdown_it import MarkdownIt

    inlines = MarkdownIt("commonmark")
    headings = []
    for token, content in pairwise(blocks):
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


def _stated(name: str, matter: str) -> str:
    """What the front matter says under a name; nothing where it does not, or says it in more than a line."""
    found = re.search(rf"^{name}[ \t]*:[ \t]*([^\n]*?)[ \t]*$", matter, re.MULTILINE)
    if not found:
        return ""
    value = found[1]
    if value.startswith(("[", "{", "|", ">", "&")):
        return ""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


FORMAT = Format("Markdown", "text/markdown", SUFFIXES, _recognises, _read)
