"""Excel workbooks: every visible sheet row by row, what a formula last gave, dates as ISO 8601 has them.

A cell that was merged with those below it goes for all their rows, and is in each of them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any
from zipfile import ZipFile

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.beside import comments_notice
from index.formats.outline import sensible_title
from index.formats.rows import Rows
from index.formats.zips import OLE, ZIP, check_zip, office_folder, old_or_locked

SUFFIXES = (".xlsx", ".xlsm", ".xltx", ".xltm")
OLD_SUFFIXES = (".xls", ".xlt")
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel has no more; a file that counts on would be empty rows without end.
MOST_ROWS = 1_048_576
# The format of postcodes and the like, which begin with zeros.
ZEROS = re.compile("0+")
# A formula whose value was never stored, as by a program that does not calculate; one that gives no text has a type.
UNSTORED = re.compile(rb"<c\b(?![^<>]*\bt=)[^<>]*><f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>")
UNSTORED_NOTICE = "it has formulas without a stored value, which are left out (save it in a spreadsheet program to have them)"
# Cells that are one, with their corners; a comment, of which the first of a thread is there for older programs as well.
MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^<>]*?\bref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']""")
COMMENT = re.compile(rb"<(?:\w+:)?(?:comment\s|threadedComment\s[^<>]*\bparentId=)")
COMMENT_PARTS = ("xl/comments", "xl/threadedComments/")
MOST_MERGED = 100_000  # of a sheet
MOST_REPEATED = 1_000_000  # cells of a sheet
BLOCK = 1 << 20


def _recognises(head: bytes, suffix: str) -> bool:
    if head.startswith(OLE):
        return suffix in SUFFIXES or suffix in OLD_SUFFIXES
    folder = office_folder(head)
    return folder == "xl" or (head.startswith(ZIP) and not folder and suffix in SUFFIXES)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    if data.startswith(OLE):
        raise old_or_locked(data, source, "an Excel workbook", ".xls", ".xlsx")
    check_zip(data, source, "workbook (Excel)")
    rows = Rows(source)
    try:
        title = _fill(rows, data)
        notices = _notices(data)
    except FileError:
        raise
    except Exception as problem:  # openpyxl lets through whatever its zip, XML and package layers raise
        raise _damaged(source) from problem
    text, sections = rows.finish()
    yield Extract(sensible_title(title), text, sections, notices=notices)


def _damaged(source: str) -> FileError:
    return FileError(
        source, "it cannot be opened as an Excel workbook", "Open it in a spreadsheet program and save it as .xlsx"
    )


def _fill(rows: Rows, data: bytes) -> str:
    """Append the rows of every visible sheet; return the workbook's title."""
    from openpyxl import load_workbook

    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in workbook.worksheets:
            if sheet.sheet_state == "visible":
                rows.begin(sheet.title)
                sheet.reset_dimensions()  # what the file states of them may be wrong
                with sheet.parent._archive.open(sheet._worksheet_path) as file:  # read only, openpyxl does not tell
                    merged = _merged(file)
                for number, cells in _repeated(([_shown(cell) for cell in row] for row in sheet.iter_rows()), merged):
                    rows.add(number, cells, [(left, end) for left, end, _ in merged.get(number, ()) if end - left > 1])
        return workbook.properties.title or ""
    finally:
        workbook.close()


def _merged(sheet: IO[bytes]) -> dict[int, list[tuple[int, int, int]]]:
    """Of merged cells, by their first row (from 1): the columns (from 0) they begin in and end before, and the last row."""
    from openpyxl.utils import column_index_from_string

    merged: dict[int, list[tuple[int, int, int]]] = {}
    for match in islice(_tags(sheet, MERGED), MOST_MERGED):
        left, end = column_index_from_string(match[1].decode()) - 1, column_index_from_string(match[3].decode())
        first, last = int(match[2]), int(match[4])
        if left < end and 0 < first <= last <= MOST_ROWS:
            merged.setdefault(first, []).append((left, end, last))
    return merged


def _repeated(rows: Iterable[list[str]], merged: dict[int, list[tuple[int, int, int]]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers, a cell that takes several rows repeated in those that hold anything else.

    Down to the first row of several cells it is a title, or a column's name over two lines, and stays where it is.
    """
    above: dict[int, tuple[str, int]] = {}  # by column: what stands there, and down to which row
    named, left = False, MOST_REPEATED
    for number, cells in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} rows")
        if any(cells):
            above = {column: (text, last) for column, (text, last) in above.items() if last >= number}
            left -= len(above)
            if left < 0:
                above, merged = {}, {}
            for column, (text, _) in above.items():
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column] or text
        if named:
            tall = ((column, last) for column, _, last in merged.get(number, ()) if last > number)
            above |= {column: (cells[column], last) for column, last in tall if any(cells[column : column + 1])}
        named = named or sum(map(bool, cells)) > 1
        yield number, cells


def _notices(data: bytes) -> tuple[str, ...]:
    notices = [UNSTORED_NOTICE] if _lacks_values(data) else []
    comments = 0
    with ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith(COMMENT_PARTS):
                with archive.open(name) as part:
                    comments += sum(1 for _ in _tags(part, COMMENT))
    return (*notices, *comments_notice(comments))


def _tags(part: IO[bytes], tag: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Where a part of the workbook has a tag, which is looked for block by block."""
    rest = b""
    for block in iter(lambda: part.read(BLOCK), b""):
        whole = rest + block if len(rest) < BLOCK else block
        cut = whole.rfind(b"<")
        rest = whole[cut:] if cut >= 0 else b""
        yield from tag.finditer(whole, 0, max(cut, 0))
    yield from tag.finditer(rest)


def _lacks_values(data: bytes) -> bool:
    with ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as sheet:
                    # What lies across two blocks is missed; a sheet that was never calculated has more of them.
                    if any(UNSTORED.search(block) for block in iter(lambda: sheet.read(BLOCK), b"")):
                        return True
    return False


def _shown(cell: Any) -> str:
    """A cell's value as text; an error value has none."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int) and ZEROS.fullmatch(str(cell.number_format)):
        return str(value).zfill(len(cell.number_format))
    if isinstance(value, (int, float)):
        percent = str(cell.number_format).endswith("%")
        return f"{value * 100:.12g}%" if percent else f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, datetime) and value.time() != time():
        return value.isoformat(" ", _precision(value.second))
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, time):
        return value.isoformat(_precision(value.second))
    return value.isoformat() if isinstance(value, date) else str(value)


def _precision(second: int) -> str:
    return "seconds" if second else "minutes"


FORMAT = Format("Excel", MEDIA_TYPE, SUFFIXES, _recognises, _read)
