"""Excel workbooks: what is seen of every visible sheet, row by row, each value as its number format shows it.

Of a formula that is what it last gave; a date in figures that could be taken for another is as ISO 8601 has it. A cell that was
merged with those below it goes for all their rows, and is in each of them.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import IO, Any
from zipfile import ZipFile

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.beside import comments_notice
from index.formats.numbers import plain, shown
from index.formats.outline import sensible_title
from index.formats.rows import Rows
from index.formats.zips import OLE, ZIP, check_zip, office_folder, old_or_locked
from index.types import Offsets

SUFFIXES = (".xlsx", ".xlsm", ".xltx", ".xltm")
OLD_SUFFIXES = (".xls", ".xlt")
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel has no more; a file that counts on would be empty rows without end.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
# A formula whose value was never stored, as by a program that does not calculate; one that gives no text has a type.
UNSTORED = re.compile(rb"<c\b(?![^<>]*\bt=)[^<>]*><f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>")
UNSTORED_NOTICE = "it has formulas without a stored value, which are left out (save it in a spreadsheet program to have them)"
# Of a sheet: cells that are one, with their corners; rows; columns of one kind.
TAG = re.compile(
    rb"""<(?:\w+:)?(?:mergeCell\s[^<>]*?\bref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']|(row|col)\b[^<>]*)""")
HIDDEN = re.compile(rb"""\shidden=["'](?:1|true)["']""")
PLACE = re.compile(rb"""\s(r|min|max)=["']([0-9]{1,7})["']""")
# A comment, of which the first of a thread is there for older programs as well.
COMMENT = re.compile(rb"<(?:\w+:)?(?:comment\s|threadedComment\s[^<>]*\bparentId=)")
COMMENT_PARTS = ("xl/comments", "xl/threadedComments/")
# Of a sheet: what a cell holds, by itself or as the number of a text that stands elsewhere.
HELD = re.compile(rb"<(?:\w+:)?[vt]\b[^<>]*(?<!/)>\s*[^<\s]")
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
    rows, left_out = Rows(source), _LeftOut()
    try:
        title = _fill(rows, data, left_out)
        notices = (*left_out.notices(), *_notices(data))
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


@dataclass(slots=True)
class _LeftOut:
    """How much is not read: sheets that hold something and are hidden, rows and columns of the others that do and are, and of
    what is left cells with an error, or with a number format that shows nothing of them.
    """

    sheets: int = 0
    rows: int = 0
    columns: int = 0
    errors: int = 0
    blank: int = 0

    def notices(self) -> Iterator[str]:
        if self.sheets == 1:
            yield "it has a hidden sheet, which is left out (show it to have it)"
        elif self.sheets:
            yield f"it has {self.sheets} hidden sheets, which are left out (show them to have them)"
        hidden = [f"a hidden {what}" if number == 1 else f"{number} hidden {what}s"
                  for number, what in ((self.rows, "row"), (self.columns, "column")) if number]  # fmt: skip
        if self.rows + self.columns == 1:
            yield f"it has {hidden[0]}, which is left out (show it to have it)"
        elif hidden:
            yield f"it has {' and '.join(hidden)}, which are left out (show them to have them)"
        if self.errors:
            what = "a cell with an error, which is" if self.errors == 1 else f"{self.errors} cells with errors, which are"
            yield f"it has {what} left out"
        if self.blank == 1:
            yield "it has a cell whose number format shows nothing, which is left out (change the format to have it)"
        elif self.blank:
            yield f"it has {self.blank} cells whose number formats show nothing, which are left out (change these to have them)"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Of merged cells of a sheet, by their first row (from 1): the columns (from 0) they begin in and end before, and the
    last row. And the rows and columns that are hidden.
    """

    merged: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)

    def seen(self, number: int, cells: list[str]) -> tuple[list[str], list[Offsets]]:
        """A row, and the places of its merged cells, as if there were no hidden columns."""
        wide = [(start, end) for start, end, _ in self.merged.get(number, ()) if end - start > 1]
        if not self.columns:
            return cells, wide
        left = [at for at in range(max(len(cells), *(end for _, end in wide), 0)) if at not in self.columns]
        seen = [cells[at] if at < len(cells) else "" for at in left]
        places = [(bisect_left(left, start), bisect_left(left, end)) for start, end in wide]
        return seen, [(first, end) for first, end in places if end - first > 1]

    def begun(self, number: int, columns: Sequence[int]) -> list[tuple[int, int, int]]:
        """Of merged cells that begin in a row: their column, the first of those `columns` that are seen, and their last row."""
        begun = []
        for start, end, last in self.merged.get(number, ()):
            at = bisect_left(columns, start)
            begun.append((start, columns[at] if at < len(columns) and columns[at] < end else start, last))
        return begun


def _fill(rows: Rows, data: bytes, left_out: _LeftOut) -> str:
    """Append what is seen of the rows of every visible sheet, and note what is not; return the workbook's title."""
    workbook = _open(data)
    try:
        for sheet in workbook.worksheets:
            visible = sheet.sheet_state == "visible"
            with sheet.parent._archive.open(sheet._worksheet_path) as file:  # read only, openpyxl does not tell
                layout = _layout(file) if visible else _Layout()
                left_out.sheets += not visible and any(_tags(file, HELD))
            if visible:
                rows.begin(sheet.title)
                sheet.reset_dimensions()  # what the file states of them may be wrong
                _fill_sheet(rows, _sheet_texts(sheet.iter_rows(), layout, left_out), layout, left_out)
        return workbook.properties.title or ""
    finally:
        workbook.close()


def _open(data: bytes) -> Any:
    from openpyxl.reader.excel import ExcelReader

    class Reader(ExcelReader):  # type: ignore[misc]
        def read_chartsheet(self, sheet: Any, rel: Any) -> None:
            """Leave it: it has no rows, and openpyxl stumbles over one that is empty."""

    reader = Reader(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    reader.read()
    return reader.wb


def _fill_sheet(rows: Rows, sheet: Iterable[list[str]], layout: _Layout, left_out: _LeftOut) -> None:
    hidden = set()
    for number, cells in _repeated(sheet, layout):
        if number in layout.rows:
            left_out.rows += any(cells)
            continue
        if layout.columns:
            hidden |= layout.columns.intersection(at for at, cell in enumerate(cells) if cell)
        rows.add(number, *layout.seen(number, cells))
    left_out.columns += len(hidden)


def _layout(sheet: IO[bytes]) -> _Layout:
    from openpyxl.utils import column_index_from_string

    layout, row, left = _Layout(), 0, MOST_MERGED
    for tag in _tags(sheet, TAG):
        if not tag[5]:
            start, end = column_index_from_string(tag[1].decode()) - 1, column_index_from_string(tag[3].decode())
            first, last = int(tag[2]), int(tag[4])
            left -= 1
            if left >= 0 and start < end and 0 < first <= last <= MOST_ROWS:
                layout.merged.setdefault(first, []).append((start, end, last))
            continue
        places = {name: int(place) for name, place in PLACE.findall(tag[0])}
        row = places.get(b"r", row + 1) if tag[5] == b"row" else row
        if HIDDEN.search(tag[0]) and tag[5] == b"row":
            layout.rows.add(row)
        elif HIDDEN.search(tag[0]):
            layout.columns.update(range(places.get(b"min", 1) - 1, min(places.get(b"max", 0), MOST_COLUMNS)))
    return layout


def _repeated(rows: Iterable[list[str]], layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers, a cell that takes several rows repeated in those that hold anything else.

    What is merged is seen as long as one of its columns is, and stands in the first of these.
    Down to the first row of several cells it is a title, or a column's name over two lines, and stays where it is.
    """
    above: dict[int, tuple[str, int]] = {}  # by column: what stands there, and down to which row
    named, left = False, MOST_REPEATED
    hidden, columns = layout.columns, range(MOST_COLUMNS)
    seen = [column for column in columns if column not in hidden] if hidden else columns
    for number, cells in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} rows")
        if any(cells):
            above = {column: (text, last) for column, (text, last) in above.items() if last >= number}
            left -= len(above)
            if left < 0:
                above = {}
            for column, (text, _) in above.items():
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column] or text
        begun = layout.begun(number, seen)
        for start, column, _ in begun:
            if start < column and start < len(cells):
                cells += [""] * (column + 1 - len(cells))
                cells[column], cells[start] = cells[start], ""
        if named and left >= 0:
            tall = ((column, last) for _, column, last in begun if last > number)
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


def _sheet_texts(sheet: Iterable[Iterable[Any]], layout: _Layout, left_out: _LeftOut) -> Iterator[list[str]]:
    for number, row in enumerate(sheet, start=1):
        # Cells of a hidden row are counted with it, not one by one.
        yield _texts(row, layout.columns, _LeftOut() if number in layout.rows else left_out)


def _texts(row: Iterable[Any], hidden: set[int], left_out: _LeftOut) -> list[str]:
    """What the cells of a row show; one with an error nothing. Those in hidden columns are not counted."""
    texts = []
    for column, cell in enumerate(row):
        is_error = cell.data_type == "e"
        text = "" if is_error or cell.value is None else _text(cell.value, cell.number_format)
        if not text and column not in hidden:
            left_out.errors += is_error
            # A zero that is not shown is meant to read as none.
            left_out.blank += not is_error and bool(cell.value) and bool(str(cell.value).strip())
        texts.append(text)
    return texts


def _text(value: Any, code: str) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if code == "General":
        return value if isinstance(value, str) else _as_it_is(value, code)
    text = shown(value, code)
    return _as_it_is(value, code) if text is None else text


def _as_it_is(value: Any, code: str) -> str:
    """A value of which is not known how it is shown."""
    if isinstance(value, (int, float)):
        return f"{value * 100:.12g}%" if code.endswith("%") else plain(value)
    if isinstance(value, datetime) and value.time() != time():
        return value.isoformat(" ", _precision(value.second))
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, time):
        return value.isoformat(_precision(value.second))
    if isinstance(value, timedelta):
        return shown(value, "[h]:mm:ss") or ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _precision(second: int) -> str:
    return "seconds" if second else "minutes"


FORMAT = Format("Excel", MEDIA_TYPE, SUFFIXES, _recognises, _read)
