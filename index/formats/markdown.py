"""Markdown: the text is the file's source as it is; its headings give the sections."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from index.formats.base import Extract, Format
from index.formats.outline import Heading, first_title, one_line, sections_of
from index.formats.text import decode, decode_head, is_textual
from index.types import Offsets

if TYPE_CHECKING:
    from markdown_it.token import Token

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd")
UNTOLD = ("", ".txt", ".text")
FIRST_HEADING = re.compile(r"\n*# [^\n]+\n\n")
LOWER_HEADING = re.compile(r"\n\n#{2,6} [^\n]+\n\n")
# A fence, the line below a table's header, a link, or words in italics or bold.
MARK = re.compile(
    r"^(?:```|~~~|\|? ?:?-{3,}:? ?\||(?!#)[^\n]*?(?:\w\]\([^\s()]+\)|(?<!\S)\*\*?\w[^*\n]*\w\*\*?))", re.MULTILINE)
LINE_END = re.compile(r"\r\n?|\n")  # what markdown-it takes for one
FRONT_MATTER = re.compile(
    r"---[ \t]*(?:\r\n?|\n)(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\r\n?|\n|\Z)"
    r"|\+\+\+[ \t]*(?:\r\n?|\n)(?P<toml>.*?)^\+\+\+[ \t]*(?:\r\n?|\n|\Z)", re.DOTALL | re.MULTILINE)
# A name that YAML gives, or an item of a list that is nothing but text.
NAMED = re.compile(r"^[ \t]*(?:- +)?name[ \t]*:[ \t]*([^\n]*)|^[ \t]*- +(?![\w-]+[ \t]*:(?:\s|\Z))([^\n]*)", re.MULTILINE)
QUOTED_OR_NOT = re.compile(r"[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*')|[^,\n]+")
STATED = ("title", "author", "authors", "date")
CLOSING_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*")


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head) and (suffix in SUFFIXES or (suffix in UNTOLD and _is_marked(decode_head(head))))


def _is_marked(text: str) -> bool:
    """Whether a text of no telling name is Markdown without a doubt: it begins with a heading, has one below it, each with
    empty lines around it, and something else that is Markdown. In scripts and settings such lines are comments.
    """
    lines = LINE_END.sub("\n", text.removeprefix("\ufeff"))
    return FIRST_HEADING.match(lines) is not None and all(sign.search(lines) for sign in (LOWER_HEADING, MARK))


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
    stated = _matter(matter) if matter else {}
    yield Extract(first_title(headings) or stated.get("title", ""), text, sections_of(headings, len(text)),
                  code=tuple(_code_blocks(text, blocks, [*line_starts, len(text)])),
                  author=stated.get("author") or stated.get("authors", ""), date=stated.get("date", ""))


def _code_blocks(text: str, blocks: Sequence[Token], line_starts: Sequence[int]) -> Iterator[Offsets]:
    """The code between fences, with them, and code that is indented; what is never closed is none."""
    for token in blocks:
        if token.type in ("fence", "code_block") and token.map:
            first, last = token.map
            start, end = line_starts[first], line_starts[last]
            end = start + len(text[start:end].rstrip("\r\n"))
            closing = CLOSING_FENCE.fullmatch(text[line_starts[last - 1] : end])
            closed = last - first > 1 and closing and closing[1].startswith(token.markup)
            if token.type == "code_block" or closed:
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


def _matter(found: re.Match[str]) -> dict[str, str]:
    """What the front matter says of the document, by name; several authors are one text."""
    if found["toml"] is None:
        return {name: _stated(name, LINE_END.sub("\n", found["yaml"])) for name in STATED}
    try:
        stated = tomllib.loads(LINE_END.sub("\n", found["toml"]))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return {name: _joined(_texts(stated.get(name, ""))) for name in STATED}


def _texts(value: Any) -> list[str]:
    """The values of a list, or a value that stands alone, as texts; of a table its name."""
    values = value if isinstance(value, list) else [value]
    return [str(one.get("name", "") if isinstance(one, dict) else one) for one in values]


def _stated(name: str, matter: str) -> str:
    """What front matter in YAML says under a name; nothing where it does not, or says it in a way that only YAML's own
    readers take apart.
    """
    found = re.search(rf"^{name}[ \t]*:[ \t]*([^\n]*?)[ \t]*$((?:\n(?:-|[ \t]+)[^\n]*)*)", matter, re.MULTILINE)
    if not found:
        return ""
    value = found[1]
    if not value:
        return _joined(_unquoted(named or item) for named, item in NAMED.findall(found[2]))
    if value.startswith("[") and value.endswith("]"):
        return _joined(_unquoted(one) for one in QUOTED_OR_NOT.findall(value[1:-1]))
    return "" if value.startswith(("[", "{", "|", ">", "&")) else _unquoted(value)


def _unquoted(value: str) -> str:
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _joined(values: Iterable[str]) -> str:
    return "; ".join(filter(None, map(one_line, values)))


FORMAT = Format("Markdown", "text/markdown", SUFFIXES, _recognises, _read)
