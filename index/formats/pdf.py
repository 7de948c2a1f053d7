"""PDF: each page's text as pdfium gives it, joined by form feeds, so that an offset is a page and a place in its text."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from ctypes import c_double, c_int, create_string_buffer
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate, islice
from math import hypot
from typing import Any

from index.errors import FileError, NeedsOcr, NoText
from index.formats.base import Extract, Format
from index.formats.columns import pieces
from index.formats.fields import Besides, Box, arranged, open_page, with_fields
from index.formats.headlines import Line, headings
from index.formats.outline import sensible_title
from index.formats.streams import damaged_pages, has_damaged_objects
from index.ocr import MOST_PAGES, PAGE_SECONDS, Ocr, OcrFailed, read_page
from index.types import Offsets, Section

MEDIA_TYPE = "application/pdf"
# pdfium keeps global state: two threads inside it at once crash the process. Whoever calls it elsewhere takes this too.
PDFIUM = threading.Lock()
PAGE_END = "\f"
# pdfium's mark where a hyphen breaks a word at the end of a line, and Unicode's own, which every browser knows.
BROKEN_WORD = "\ufffe"
SOFT_HYPHEN = "\u00ad"
_STAMP = re.compile(r"[\W_]*(?:\d+[\W_]*){1,2}")  # "12", "- 12 -", "12/40"
_NO_SPACE = re.compile(r"\S+")
_LINE = re.compile(r"\S(?:[^\r\n]*\S)?")
_BOLD = re.compile(rb"bold|black|heavy|demi|-medi|bx\d", re.I)  # in names of fonts, TeX's too
_MOST_IMAGES = 1000  # of a page that are looked at


class PageText:
    """The text of a pdfium page, and where each of its characters stands. Used under `PDFIUM`, and closed."""

    def __init__(self, page: Any) -> None:
        self._page = page.get_textpage()
        # Half a surrogate pair stays one character here (it is replaced later), where "ignore" would shift the rest.
        self._told: str = self._page.get_text_range(errors="surrogatepass")
        self.text: str = self._told.replace(BROKEN_WORD, SOFT_HYPHEN)

    def places(self, start: int, end: int) -> Iterator[tuple[Box, Box, float]]:
        """Of each character in [start, end) that can be seen: the font's box, the ink's, and its angle in radians.

        pdfium numbers otherwise than the text: a character beyond the basic plane counts twice, and a glyph of unknown
        meaning has a number but no character.
        """
        from pypdfium2.raw import FPDFText_GetCharAngle, FPDFText_GetCharIndexFromTextIndex, FPDFText_IsGenerated

        for unit in range(_units(self._told[:start]), _units(self._told[:end])):
            index = FPDFText_GetCharIndexFromTextIndex(self._page, unit)
            if index >= 0 and not FPDFText_IsGenerated(self._page, index):
                font, ink = self._page.get_charbox(index, loose=True), self._page.get_charbox(index)
                ink = ink if _has_area(ink) else font  # of white space, and of fonts that state no outlines
                if _has_area(ink):
                    yield font, ink, float(FPDFText_GetCharAngle(self._page, index))

    def stretches(self, more_than: int) -> Iterator[Box]:
        """In the order of the text, the boxes of what is drawn at once in one line (lines, words, rarely less); none where
        there are not `more_than` so many.
        """
        from pypdfium2.raw import FPDFText_CountRects, FPDFText_GetRect

        count = FPDFText_CountRects(self._page, 0, -1)
        left, top, right, bottom = sides = c_double(), c_double(), c_double(), c_double()
        for number in range(count if count > more_than else 0):
            FPDFText_GetRect(self._page, number, *sides)
            yield left.value, bottom.value, right.value, top.value

    def words(self) -> Iterator[tuple[int, int, Box]]:
        """Each word that can be seen: its start and end in the text, and the box around its first and its last letter."""
        unit = at = 0
        for match in _NO_SPACE.finditer(self._told):
            start = unit + _units(self._told[at : match.start()])
            unit, at = start + _units(match[0]), match.end()
            boxes = [box for place in (start, unit - 1) if _has_area(box := self._font_box(place))]
            if boxes:
                lefts, bottoms, rights, tops = zip(*boxes, strict=True)
                yield match.start(), match.end(), (min(lefts), min(bottoms), max(rights), max(tops))

    def lines(self) -> Iterator[Line]:
        """Each line that is not blank."""
        unit = at = 0
        for match in _LINE.finditer(self._told):
            unit, at = unit + _units(self._told[at : match.start()]), match.start()
            yield Line(at, match.end(), match[0], unit)

    def look(self, line: Line, whole: bool = False) -> tuple[float, bool]:
        """The size, in points, in which a line's first letter is set, and whether it is bold; if `whole`, its last, too, and
        one in the middle: the usual one, and whether all are.
        """
        first = self._font(line.unit)
        if not whole:
            return first
        half = len(line.text) // 2
        while line.text[half].isspace():
            half += 1
        others = self._font(line.unit + _units(line.text[:half])), self._font(line.unit + _units(line.text) - 1)
        sizes, bold = zip(first, *others, strict=True)
        return sorted(sizes)[1], all(bold)

    def box(self, line: Line) -> Box:
        """Where a line's first letter stands."""
        return self._font_box(line.unit)

    def _font(self, unit: int) -> tuple[float, bool]:
        from pypdfium2 import raw

        index, name = raw.FPDFText_GetCharIndexFromTextIndex(self._page, unit), create_string_buffer(200)
        matrix = raw.FS_MATRIX()
        raw.FPDFText_GetMatrix(self._page, index, matrix)
        raw.FPDFText_GetFontInfo(self._page, index, name, len(name), c_int())
        size = raw.FPDFText_GetFontSize(self._page, index) * hypot(matrix.c, matrix.d)
        return round(size, 1), _BOLD.search(name.value) is not None

    def _font_box(self, unit: int) -> Box:
        from pypdfium2.raw import FS_RECTF, FPDFText_GetCharIndexFromTextIndex, FPDFText_GetLooseCharBox

        box = FS_RECTF()
        FPDFText_GetLooseCharBox(self._page, FPDFText_GetCharIndexFromTextIndex(self._page, unit), box)
        return box.left, box.bottom, box.right, box.top

    def close(self) -> None:
        """Give it back to pdfium."""
        self._page.close()


def _text_of(page: Any) -> tuple[str, tuple[Offsets, ...], tuple[Offsets, ...]]:
    """A pdfium page's text, the pieces of its lines where columns are drawn line by line, else its headings."""
    with closing(PageText(page)) as text:
        in_columns = pieces(text)
        return text.text, in_columns, () if in_columns else headings(text)


def _units(text: str) -> int:
    """How many UTF-16 units a text has, which is what pdfium counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _has_area(box: Box) -> bool:
    return box[0] < box[2] and box[1] < box[3]


def _recognises(head: bytes, suffix: str) -> bool:
    return head.lstrip().startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in head[:1024])


class _Kind(Enum):
    """What a page is, with what is said of one such page and of several."""

    PLAIN = ("", "")  # it holds text, or shows nothing
    UNREAD = ("has no text: needs OCR", "have no text: need OCR")
    READ = ("was read by OCR: quotes of it are as a machine read it",
            "were read by OCR: quotes of them are as a machine read them")
    WORDLESS = ("has no text: OCR finds none", "have no text: OCR finds none")
    FAILED = (f"has no text: OCR does not get through it (limits: {PAGE_SECONDS} s, memory)",
              f"have no text: OCR does not get through them (limits: {PAGE_SECONDS} s each, memory)")
    BEYOND = (f"has no text: OCR reads {MOST_PAGES} pages of a file, no more",
              f"have no text: OCR reads {MOST_PAGES} pages of a file, no more")


_IN_PART = ("is damaged: what was read of it may lack words or have wrong ones; get a whole copy of the file",
            "are damaged: what was read of them may lack words or have wrong ones; get a whole copy of the file")
_LOST = ("is damaged: nothing could be read of it; get a whole copy of the file",
         "are damaged: nothing could be read of them; get a whole copy of the file")
_DAMAGED_OBJECTS = "it is damaged: what was read of it may lack words or have wrong ones; get a whole copy of the file"
_COLUMNS = ("has columns that are drawn line by line: only pieces of lines can be quoted there",
            "have columns that are drawn line by line: only pieces of lines can be quoted there")


@dataclass(frozen=True, slots=True)
class _Page:
    text: str
    kind: _Kind
    besides: Besides
    blank: bool  # it shows nothing at all
    pieces: tuple[Offsets, ...] = ()  # of lines, where columns are drawn line by line
    headings: tuple[Offsets, ...] = ()
    damaged: bool = False


def _read(data: bytes, source: str, ocr: Ocr | None = None) -> Iterator[Extract]:
    with PDFIUM:
        title, pages, in_part = _title_and_pages(data, source, ocr)
    in_part = in_part or has_damaged_objects(data)
    if not any(page.text.strip() and page.kind in (_Kind.PLAIN, _Kind.READ) for page in pages):
        if in_part or any(page.damaged for page in pages):
            raise _damaged(source, "nothing could be read of it")
        raise _without_text(source, pages, ocr)
    notices = (_DAMAGED_OBJECTS, *_notices(pages)) if in_part else _notices(pages)
    yield Extract(title, PAGE_END.join(page.text for page in pages), _sections(pages, ocr), notices=notices,
                  code=tuple(_apart(pages)))  # as with code, no sentence runs over an edge of it


def _without_text(source: str, pages: list[_Page], ocr: Ocr | None) -> FileError:
    count = "its 1 page holds" if len(pages) == 1 else f"its {len(pages)} pages hold"
    if not ocr:
        return NeedsOcr(source, f"{count} no text: a scan needs OCR first", "Have it read with: pullquote index --ocr")
    remedy = "Scan it anew, or leave it out"
    if any(page.kind is _Kind.FAILED for page in pages):
        why = f"OCR does not get through (limits: {PAGE_SECONDS} s a page, memory)"
        return FileError(source, f"{count} no text, and {why}", remedy)
    return NoText(source, f"{count} no text, and OCR finds none", remedy)


def _title_and_pages(data: bytes, source: str, ocr: Ocr | None) -> tuple[str, list[_Page], bool]:
    """And whether some of the pages are damaged, of which it could not be told which."""
    pdf = _open(data, source)
    try:
        title, pages = sensible_title(pdf.get_metadata_dict().get("Title", "")), list(_pages(pdf, source, ocr))
        damaged = damaged_pages(pdf, [number for number, page in enumerate(pages, start=1) if page.blank])
    finally:
        pdf.close()
    told = damaged or ()
    return title, [replace(page, damaged=number in told) for number, page in enumerate(pages, start=1)], damaged is None


def _open(data: bytes, source: str) -> Any:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as problem:
        if problem.err_code == FPDF_ERR_PASSWORD:
            what = "it is locked with a password"
            raise FileError(source, what, "Remove the password and index it again") from problem
        raise _damaged(source, "it cannot be opened") from problem


def _pages(pdf: Any, source: str, ocr: Ocr | None) -> Iterator[_Page]:
    """Each page; those that show something but hold no text, or but a number, are read by OCR, if it is asked for."""
    import pypdfium2
    from pypdfium2.raw import FPDFPage_CountObjects

    tried = 0
    for number in range(1, len(pdf) + 1):
        try:
            page = open_page(pdf, number)
        except pypdfium2.PdfiumError as problem:
            raise _damaged(source, f"page {number} of {len(pdf)} cannot be opened") from problem
        try:
            text, in_columns, heads = _text_of(page)  # by which a form that was scanned is told, whatever its fields hold
            blank = FPDFPage_CountObjects(page) == 0
            shows_more = _is_scan(page, text) if text.strip() else not blank
            with with_fields(pdf, number, page) as (whole, besides):
                if besides.set_in:
                    with closing(arranged(whole)) as in_order:
                        text, in_columns, heads = _text_of(in_order)
                found = _Page(text, _Kind.PLAIN, besides, blank, in_columns, heads)
                if not shows_more:
                    yield found
                elif not ocr:
                    yield replace(found, kind=_Kind.UNREAD)
                elif tried == MOST_PAGES:
                    yield replace(found, kind=_Kind.BEYOND)
                else:
                    tried += 1
                    ocr.tell(number)
                    text, kind = _read_picture(whole, text, ocr)
                    yield replace(found, text=text, kind=kind, pieces=(), headings=())
        finally:
            page.close()


def _is_scan(page: Any, text: str) -> bool:
    """Whether a page holds but a number, as it is stamped on scans, and shows pictures on more than half of it."""
    import pypdfium2
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    if not _STAMP.fullmatch(text):
        return False
    width, height = page.get_size()
    try:
        images = islice(page.get_objects([FPDF_PAGEOBJ_IMAGE], max_depth=3), _MOST_IMAGES)
        boxes = [image.get_bounds() for image in images]
    except pypdfium2.PdfiumError:
        return False
    return bool(sum((right - left) * (top - bottom) for left, bottom, right, top in boxes) > width * height / 2)


def _read_picture(page: Any, text: str, ocr: Ocr) -> tuple[str, _Kind]:
    """The page's text as it is read; what it holds itself where that comes to nothing."""
    try:
        read = read_page(page, ocr.languages).text
    except OcrFailed:
        return text, _Kind.FAILED
    return (read, _Kind.READ) if read else (text, _Kind.WORDLESS)


def _damaged(source: str, what: str) -> FileError:
    return FileError(source, f"it is a damaged or incomplete PDF: {what}", "Get a whole copy and index it again")


def _notices(pages: list[_Page]) -> tuple[str, ...]:
    """What to say of the pages that are not plain, for each kind, and of what is not read besides."""
    lost = [page.damaged and not page.text.strip() for page in pages]
    told = []
    for kind in _Kind:
        if kind is not _Kind.PLAIN:  # of what is lost it is not said that it needs OCR
            told += _of_pages(kind.value, [page.kind is kind and not gone for page, gone in zip(pages, lost, strict=True)])
    told += _of_pages(_LOST, lost)
    told += _of_pages(_IN_PART, [page.damaged and not gone for page, gone in zip(pages, lost, strict=True)])
    told += _of_pages(_COLUMNS, [page.pieces != () for page in pages])
    if any(page.besides.unread for page in pages):
        told.append("it has filled form fields, which are not read")
    ticked, notes = sum(page.besides.ticked for page in pages), sum(page.besides.notes for page in pages)
    if ticked:
        told.append(f"it has {ticked} ticked boxes, which are not read" if ticked > 1 else
                    "it has 1 ticked box, which is not read")
    if notes:
        told.append(f"it has {notes} notes by readers, which are not read" if notes > 1 else
                    "it has 1 note by a reader, which is not read")
    return tuple(told)


def _of_pages(what: tuple[str, str], pages: list[bool]) -> list[str]:
    """What is said, of one page or several, of those for which it is true."""
    numbers = [number for number, is_so in enumerate(pages, start=1) if is_so]
    return [f"{_named(numbers)} {what[len(numbers) > 1]}"] if numbers else []


def _named(numbers: list[int]) -> str:
    """Pages by number.

    >>> _named([3, 5, 6, 7])
    'pages 3 and 5-7'
    """
    if len(numbers) == 1:
        return f"page {numbers[0]}"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    *all_but_last, last = ["-".join(map(str, run)) for run in runs]
    return f"pages {', '.join(all_but_last)}{' and ' if all_but_last else ''}{last}"


def _starts(pages: list[_Page]) -> list[int]:
    """Where each page begins in the document's text."""
    return [0, *accumulate(len(page.text) + len(PAGE_END) for page in pages[:-1])]


def _sections(pages: list[_Page], ocr: Ocr | None) -> tuple[Section, ...]:
    """One section a page; the form feed belongs to the page before it, and only an empty last page has none."""
    sections = []
    for number, (start, page) in enumerate(zip(_starts(pages), pages, strict=True), start=1):
        end = start + len(page.text) + (len(PAGE_END) if number < len(pages) else 0)
        if end > start:
            sections.append(Section(start, end, page=number, ocr=ocr.languages if ocr and page.kind is _Kind.READ else ""))
    return tuple(sections)


def _apart(pages: list[_Page]) -> Iterator[Offsets]:
    """The pieces of the document's text that stand for themselves."""
    for start, page in zip(_starts(pages), pages, strict=True):
        yield from ((start + first, start + last) for first, last in page.pieces or page.headings)


FORMAT = Format("PDF", MEDIA_TYPE, (".pdf",), _recognises, _read, _read)
