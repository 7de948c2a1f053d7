"""CSV and its kin (values between commas, semicolons, tabs or bars), row by row.

A text is taken for one only where its lines cannot well be anything else, or its name says so and they can be.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.rows import Rows, is_header
from index.formats.text import decode, decode_head, is_textual

SUFFIXES = (".csv", ".tsv", ".tab")
DELIMITERS = ",;\t|"
# Bytes that are looked at to tell the delimiter.
SAMPLE = 4096
# A first line for Excel that names the delimiter.
NAMED = re.compile(r"sep=(.)\r?\n", re.I)
# Records that an unnamed file must have, header included, and fields in each of them.
FEWEST_RECORDS, FEWEST_FIELDS = 3, 3


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head) and bool(_delimiter(head, claimed=suffix in SUFFIXES))


def _read(data: bytes, source: str) -> Iterator[Extract]:
    text = decode(data, source)
    named = NAMED.match(text)
    rows = Rows(source)
    reader = _reader(text[named.end() if named else 0 :], _delimiter(data, claimed=True))
    begun = 0  # lines before the record that is read
    try:
        for number, record in enumerate(reader, start=1):
            rows.add(number, record)
            begun = reader.line_num
    except csv.Error as problem:
        what = f"the row that begins in line {begun + 1 + bool(named)} cannot be read: {problem}"
        raise FileError(source, what, "See that every quotation mark in it is closed") from problem
    yield Extract("", rows.text, tuple(rows.sections))


def _delimiter(data: bytes, claimed: bool) -> str:
    """What stands between the values; empty for a text that is no rows. `claimed`: its name says that it is."""
    sample = decode_head(data[:SAMPLE])
    named = NAMED.match(sample)
    if named:
        return named.group(1)
    if len(data) >= SAMPLE:  # the last line may be cut off
        sample = sample[: sample.rfind("\n") + 1] or sample
    candidates = {delimiter: _records(sample, delimiter) for delimiter in DELIMITERS}
    unmistakable = (delimiter for delimiter, records in candidates.items() if _is_nothing_but_rows(records))
    likely = (delimiter for delimiter, records in candidates.items() if claimed and _is_mostly_rows(records))
    return next(unmistakable, "") or next(likely, "")


def _is_nothing_but_rows(records: list[list[str]]) -> bool:
    """Whether all records have the same fields, under a header, and none reads like prose."""
    if len(records) < FEWEST_RECORDS or len(records[0]) < FEWEST_FIELDS:
        return False
    same = len({len(record) for record in records}) == 1
    prose = any(cell.startswith(" ") for record in records for cell in record[1:])
    return same and not prose and is_header(records[0])


def _is_mostly_rows(records: list[list[str]]) -> bool:
    """Whether most records have as many fields as the most usual record has, and several."""
    counts = [len(record) for record in records]
    usual = max(set(counts), key=counts.count, default=0)
    return usual > 1 and counts.count(usual) * 4 >= len(counts) * 3


def _records(sample: str, delimiter: str) -> list[list[str]]:
    try:
        return [record for record in _reader(sample, delimiter) if record]
    except csv.Error:
        return []


def _reader(text: str, delimiter: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


FORMAT = Format("CSV", "text/csv", SUFFIXES, _recognises, _read)
