"""JSON Lines: every row is a document of its own, an object with "text" and perhaps "id", "title", "author", "date".

A file of their name has to be as they are. One of another name is JSON Lines where all its rows are such objects and there
are two or more (one alone is any JSON document).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.text import decode, decode_head, is_textual

SUFFIXES = (".jsonl", ".ndjson")
TEXT_KEYS = ("text", "content", "body")
REMEDY = "Correct that line and index the file again"
OBJECT = re.compile(r'\s*\{[ \t]*(?:"|\Z)')  # how one begins that stands on a line


def holds_rows(data: bytes) -> bool:
    """Whether a whole file is rows that can be read, two or more."""
    try:
        return b"\n" in data.strip() and sum(1 for _ in _read(data, "")) > 1
    except FileError:
        return False


def _recognises(head: bytes, suffix: str) -> bool:
    """Of a file without their name this looks at the head alone, and not at a row that this cuts: `holds_rows` does."""
    return is_textual(head) and (suffix in SUFFIXES or _begins_with_rows(decode_head(head)))


def _begins_with_rows(head: str) -> bool:
    if not OBJECT.match(head):
        return False
    *rows, last = [line for line in head.split("\n") if line.strip()]
    try:
        return all(_extract(row, number, "") for number, row in enumerate(rows, 1)) and bool(OBJECT.match(last))
    except FileError:
        return False


def _read(data: bytes, source: str) -> Iterator[Extract]:
    line_of_key: dict[str, int] = {}
    # Only a line feed ends a row: a JSON string may hold the other line ends that str.splitlines knows.
    for number, line in enumerate(decode(data, source).split("\n"), start=1):
        if not line.strip():
            continue
        extract = _extract(line, number, source)
        if extract.key in line_of_key:
            first = line_of_key[extract.key]
            raise FileError(source, f"lines {first} and {number} have the same id {extract.key!r}", REMEDY)
        line_of_key[extract.key] = number
        yield extract


def _extract(line: str, number: int, source: str) -> Extract:
    row = _row(line, number, source)
    text = next((row[key] for key in TEXT_KEYS if row.get(key) is not None), None)
    if not isinstance(text, str) or not text.strip():
        raise FileError(source, f'line {number} has no text under "text", "content" or "body"', REMEDY)
    key = row.get("id")
    if key is None:
        key = number
    if isinstance(key, bool) or not isinstance(key, (str, int)) or key == "":
        raise FileError(source, f"line {number} has an id that is neither a string nor a whole number", REMEDY)
    title, author, date = (stated if isinstance(stated := row.get(name), str) else "" for name in ("title", "author", "date"))
    return Extract(title, text, key=str(key), author=author, date=date)


def _row(line: str, number: int, source: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as problem:
        reason = problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)
        raise FileError(source, f"line {number} is not valid JSON: {reason}", REMEDY) from problem
    if not isinstance(row, dict):
        raise FileError(source, f"line {number} is not a JSON object", REMEDY)
    return row


FORMAT = Format("JSON Lines", "application/jsonl", SUFFIXES, _recognises, _read)
