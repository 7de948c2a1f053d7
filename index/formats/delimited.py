"""CSV and its kin (values between commas, semicolons, tabs or bars), row by row.

A text is taken for one only where its lines cannot well be anything else, or its name says so and they can be.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.rows import Rows, is_header
from index.formats.text import decode, decode_head, is_textual

SUFFIXES = (".csv", ".tsv", ".tab")
# The likeliest first where several fit: commas stand in values as well.
DELIMITERS = "\t;|,"
# Bytes that are looked at to tell the delimiter.
SAMPLE = 4096
# A first line for Excel that names the delimiter.
NAMED = re.compile(r"sep=(.)\r?\n", re.I)
# Comments, and a title with an empty line below, above the rows.
ABOVE = re.compile(r"(?:#[^\r\n]*[\r\n]+)*(?:[^\r\n]+(\r\n|\r|\n)\1+)?")
# Records that an unnamed file must have, header included, and fields in each of them.
FEWEST_RECORDS, FEWEST_FIELDS = 3, 3


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head) and bool(_layout(head, claimed=suffix in SUFFIXES)[0])


def _read(data: bytes, source: str) -> Iterator[Extract]:
    text = decode(data, source)
    named = NAMED.match(text)
    rows = Rows(source)
    body = text[named.end() if named else 0 :]
    lines = io.StringIO(body, newline="")
    delimiter, fields = _layout(data, claimed=True)
    reader = csv.reader(lines, delimiter=delimiter)
    above = begun = start = end = 0  # lines, and characters, before the last record and the next
    try:
        for number, record in enumerate(reader, start=1):
            comment = fields and record and record[0].startswith("#") and len(record) != fields
            rows.add(number, [delimiter.join(record)] if comment else record)
            above, begun = begun, reader.line_num
            start, end = end, lines.tell()
        if begun > above + 1:  # a quotation mark that is never closed would make one cell of all lines below it
            begun = above
            list(csv.reader(io.StringIO(body[start:], newline=""), delimiter=delimiter, strict=True))
    except csv.Error as problem:
        what = f"the row that begins in line {begun + 1 + bool(named)} cannot be read: {problem}"
        raise FileError(source, what, "See that every quotation mark in it is closed") from problem
    text, sections = rows.finish()
    yield Extract("", text, sections)


def _layout(data: bytes, claimed: bool) -> tuple[str, int]:
    """What stands between the values (empty for a text that is no rows), and how many a record usually has (0: unknown).

    It stands in the first line as well, if any does, and divides the most records alike, into the most values.
    `claimed`: the file's name says that it holds rows.
    """
    sample = decode_head(data[:SAMPLE])
    named = NAMED.match(sample)
    if named:
        return named.group(1), 0
    if len(data) >= SAMPLE:  # the last line may be cut off
        sample = sample[: sample.rfind("\n") + 1] or sample
    if claimed:
        sample = ABOVE.sub("", sample, count=1) or sample
    candidates = {delimiter: _records(sample, delimiter) for delimiter in DELIMITERS}
    in_header = [delimiter for delimiter, records in candidates.items() if records and len(records[0]) > 1]
    fits = _is_mostly_rows if claimed else _is_nothing_but_rows
    fitting = (delimiter for delimiter in in_header or candidates if fits(candidates[delimiter]))
    best = max(fitting, key=lambda delimiter: _usual(candidates[delimiter]), default="")
    return best, _usual(candidates[best])[1] if best else 0


def _is_nothing_but_rows(records: list[list[str]]) -> bool:
    """Whether all records have the same fields, under a header, and none reads like prose."""
    if len(records) < FEWEST_RECORDS or len(records[0]) < FEWEST_FIELDS:
        return False
    same = len({len(record) for record in records}) == 1
    different = len({cell.casefold() for cell in records[0]}) == len(records[0])
    prose = any(cell.startswith(" ") for record in records for cell in record[1:])
    return same and different and not prose and all(records[0]) and is_header(records[0], records[1:])


def _is_mostly_rows(records: list[list[str]]) -> bool:
    """Whether most records have as many fields as the most usual record has, and several."""
    share, fields = _usual(records)
    return fields > 1 and share >= 3 / 4


def _usual(records: list[list[str]]) -> tuple[float, int]:
    """The share of the records that have as many fields as most have, and how many those are."""
    counts = Counter(map(len, records))
    return max(((number / len(records), fields) for fields, number in counts.items()), default=(0.0, 0))


def _records(sample: str, delimiter: str) -> list[list[str]]:
    try:
        return [record for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if record]
    except csv.Error:
        return []


FORMAT = Format("CSV", "text/csv", SUFFIXES, _recognises, _read)
