"""CSV and its kin (values between commas, semicolons, tabs or bars), row by row.

A text is taken for one only where its lines cannot well be anything else, or its name says so. Where nothing divides the
lines of one that is so named, each is a row of one cell.
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
from index.formats.zips import MAX_UNPACKED

SUFFIXES = (".csv", ".tsv", ".tab")
# The likeliest first where several fit: commas stand in values as well.
DELIMITERS = "\t;|,"
# What divides no line: a separator that no program writes.
NOTHING = "\x1f"
# Bytes that are looked at to tell the delimiter.
SAMPLE = 4096
# Characters that cells of several lines seldom have.
LONG = 100_000
# A first line for Excel that names the delimiter.
NAMED = re.compile(r"sep=(.)\r?\n", re.I)
# Comments, and a title with an empty line below, above the rows.
ABOVE = re.compile(r"(?:#[^\r\n]*[\r\n]+)*(?:[^\r\n]+(\r\n|\r|\n)\1+)?")
# Records that an unnamed file must have, header included, and fields in each of them.
FEWEST_RECORDS, FEWEST_FIELDS = 3, 3
# The share of records that a delimiter has to divide.
MOST = 3 / 4


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head) and (suffix in SUFFIXES or bool(_layout(head, claimed=False)[0]))


def _read(data: bytes, source: str) -> Iterator[Extract]:
    text = decode(data, source)
    named = NAMED.match(text)
    rows = Rows(source)
    body = text[named.end() if named else 0 :]
    lines = io.StringIO(body, newline="")
    delimiter, fields = _layout(data, claimed=True)
    csv.field_size_limit(MAX_UNPACKED)
    reader = csv.reader(lines, delimiter=delimiter)
    line, start = 1, 0  # in which a record begins, and the characters before it
    try:
        for number, record in enumerate(reader, start=1):
            comment = fields and record and record[0].startswith("#") and len(record) != fields
            rows.add(number, [delimiter.join(record)] if comment else record)
            end = lines.tell()
            # A quotation mark that is never closed would make one cell of all lines below it, or of those down to the next.
            if (reader.line_num > line and end == len(body)) or any(len(cell) > LONG for cell in record if "\n" in cell):
                list(csv.reader(io.StringIO(body[start:end], newline=""), delimiter=delimiter, strict=True))
            line, start = reader.line_num + 1, end
    except csv.Error as problem:
        what = f"the row that begins in line {line + bool(named)} cannot be read: its quotation marks do not match"
        raise FileError(source, what, "See that every quotation mark in it is closed") from problem
    text, sections = rows.finish()
    yield Extract("", text, sections)


def _layout(data: bytes, claimed: bool) -> tuple[str, int]:
    """What stands between the values (empty for a text that is no rows), and how many a record usually has (0: unknown).

    It stands in the first line as well, if any does, and divides the most records alike, into the most values.
    `claimed`: the file is known to hold rows.
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
    if not best:
        return (NOTHING, 1) if claimed else ("", 0)
    return best, _usual(candidates[best])[1]


def _is_nothing_but_rows(records: list[list[str]]) -> bool:
    """Whether all records have the same fields, under a header, and none reads like prose."""
    if len(records) < FEWEST_RECORDS or len(records[0]) < FEWEST_FIELDS:
        return False
    same = len({len(record) for record in records}) == 1
    different = len({cell.casefold() for cell in records[0]}) == len(records[0])
    return same and different and not _is_like_prose(records) and all(records[0]) and is_header(records[0], records[1:])


def _is_mostly_rows(records: list[list[str]]) -> bool:
    """Whether most records have as many fields as the most usual record has, and several; or just several, below names."""
    if records and len(records[0]) == 1 and _is_like_prose(records):
        return False
    share, fields = _usual(records)
    named = bool(records) and sum(map(bool, records[0])) > 1
    several = sum(len(record) > 1 for record in records)
    return (fields > 1 and share >= MOST) or (named and several >= MOST * len(records))


def _is_like_prose(records: list[list[str]]) -> bool:
    """Whether a space stands behind what would divide the values."""
    return any(cell.startswith(" ") for record in records for cell in record[1:])


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
