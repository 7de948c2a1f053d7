"""Excel workbooks: every visible sheet row by row, what a formula last gave, dates as ISO 8601 has them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any
from zipfile import ZipFile

from index.errors import FileError
from index.formats.base import Extract, Format
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
        notices = (UNSTORED_NOTICE,) if _lacks_values(data) else ()
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
                for number, cells in enumerate(sheet.iter_rows(), start=1):
                    if number > MOST_ROWS:
                        raise ValueError(f"more than {MOST_ROWS} rows")
                    rows.add(number, [_shown(cell) for cell in cells])
        return workbook.properties.title or ""
    finally:
        workbook.close()


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
