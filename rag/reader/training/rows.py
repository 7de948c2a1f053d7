"""Questions with their contexts, read from gzipped JSON Lines and cut to windows that the reader can read.

A row is {"id", "question", "title", "context", "answers": [{"text", "start"}]}; an empty `answers` means that the context
does not answer the question. A follow-up's row also has `history`, the questions before it; it is read as the assistant
would complete it. `library`, where a row has it, names the collection that the context is from.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from rag.conversation import resolve
from rag.reader.windows import window_spans

WINDOW = 220  # word pieces of a context that are read at once while training; less than when reading, to be fast
STRIDE = 110


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a context, in characters of the context: half open, whole words."""

    context: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Row:
    """A question on a context (its number); `answers` are character spans in it, none where it does not answer."""

    id: str
    question: str
    context: int
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One file's questions; `windows[c]` are those of context `c`, `libraries[c]` the collection that it is from, or ""."""

    name: str
    rows: tuple[Row, ...]
    titles: tuple[str, ...]
    contexts: tuple[str, ...]
    windows: tuple[tuple[Window, ...], ...]
    libraries: tuple[str, ...]


def load(path: Path, tokenizer: Tokenizer, *, titles: bool = True, every_match: bool = False) -> Dataset:
    """Read a file. `titles`: whether its titles say anything. `every_match`: where the file marks the first of several
    equal strings as the answer, right or wrong, take them all.

    Raises ValueError where an answer does not stand where the row says.
    """
    numbers: dict[tuple[str, str, str], int] = {}
    rows = []
    for given in _json_lines(path):
        key = (given.get("library", ""), given["title"] if titles else "", given["context"])
        context = numbers.setdefault(key, len(numbers))
        question = resolve(given["question"].strip(), given.get("history") or ())
        rows.append(Row(given["id"], question, context, tuple(_spans(given, every_match))))
    libraries, named, contexts = zip(*numbers, strict=True) if numbers else ((), (), ())
    tokenizer.no_truncation()  # a saved tokenizer may remember to cut and fill texts
    tokenizer.no_padding()
    encoded = tokenizer.encode_batch(list(contexts), add_special_tokens=False)
    windows = tuple(
        tuple(Window(number, start, end) for start, end in window_spans(one.offsets, one.word_ids, WINDOW, STRIDE))
        for number, one in enumerate(encoded))
    return Dataset(path.name.removesuffix(".jsonl.gz"), tuple(rows), named, contexts, windows, libraries)


def _spans(given: dict[str, Any], every_match: bool) -> Iterable[tuple[int, int]]:
    context = given["context"]
    found = set()
    for answer in given["answers"]:
        text, start = answer["text"], answer["start"]
        if context[start : start + len(text)] != text:
            raise ValueError(f"{given['id']}: the answer {text!r} is not at {start}")
        found.add((start, start + len(text)))
        at = context.find(text) if every_match and text else -1
        while at >= 0:
            if not (context[max(0, at - 1) : at].isalnum() or context[at + len(text) : at + len(text) + 1].isalnum()):
                found.add((at, at + len(text)))
            at = context.find(text, at + 1)
    return sorted(found)


def _json_lines(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
