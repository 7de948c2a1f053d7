"""PDF: each page's text as pdfium gives it, joined by form feeds, so that an offset is a page and a place in its text."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

from index.errors import FileError, NeedsOcr, NoText
from index.formats.base import Extract, Format
from index.formats.fields import Besides, Box, arranged, open_page, with_fields
from index.formats.outline import sensible_title
from index.ocr import MOST_PAGES, PAGE_SECONDS, Ocr, OcrFailed, read_page
from index.types import Section

MEDIA_TYPE = "application/pdf"
# pdfium keeps global state: two threads inside it at once crash the process. Whoever calls it elsewhere takes this too.
PDFIUM = threading.Lock()
PAGE_END = "\f"
# pdfium's mark where a hyphen breaks a word at the end of a line, and Unicode's own, which every browser knows.
BROKEN_WORD = "\ufffe"
SOFT_HYPHEN = "\u00ad"
_STAMP = re.compile(r"[\W_]*(?:\d+[\W_]*){1,2}")  # "12", "- 12 -", "12/40"
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

    def close(self) -> None:
        """Give it back to pdfium."""
        self._page.close()


def page_text(page: Any) -> str:
    """A pdfium page's text."""
    text = PageText(page)
    try:
        return text.text
    finally:
        text.close()


def _units(text: str) -> int:
    """How many UTF-16 units a text has, which is what pdfium counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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


@dataclass(frozen=True, slots=True)
class _Page:
    text: str
    kind: _Kind
    besides: Besides


def _read(data: bytes, source: str, ocr: Ocr | None = None) -> Iterator[Extract]:
    with PDFIUM:
        title, pages = _title_and_pages(data, source, ocr)
    if not any(page.text.strip() and page.kind in (_Kind.PLAIN, _Kind.READ) for page in pages):
        raise _without_text(source, pages, ocr)
    yield Extract(title, PAGE_END.join(page.text for page in pages), _sections(pages, ocr), notices=_notices(pages))


def _without_text(source: str, pages: list[_Page], ocr: Ocr | None) -> FileError:
    count = "its 1 page holds" if len(pages) == 1 else f"its {len(pages)} pages hold"
    if not ocr:
        return NeedsOcr(source, f"{count} no text: a scan needs OCR first", "Have it read with: pullquote index --ocr")
    remedy = "Scan it anew, or leave it out"
    if any(page.kind is _Kind.FAILED for page in pages):
        why = f"OCR does not get through (limits: {PAGE_SECONDS} s a page, memory)"
        return FileError(source, f"{count} no text, and {why}", remedy)
    return NoText(source, f"{count} no text, and OCR finds none", remedy)


def _title_and_pages(data: bytes, source: str, ocr: Ocr | None) -> tuple[str, list[_Page]]:
    pdf = _open(data, source)
    try:
        return sensible_title(pdf.get_metadata_dict().get("Title", "")), list(_pages(pdf, source, ocr))
    finally:
        pdf.close()


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
            text = page_text(page)  # by which a form that was scanned is told, whatever its fields hold
            shows_more = _is_scan(page, text) if text.strip() else FPDFPage_CountObjects(page) > 0
            with with_fields(pdf, number, page) as (whole, besides):
                if besides.set_in:
                    with closing(arranged(whole)) as in_order:
                        text = page_text(in_order)
                if not shows_more:
                    yield _Page(text, _Kind.PLAIN, besides)
                elif not ocr:
                    yield _Page(text, _Kind.UNREAD, besides)
                elif tried == MOST_PAGES:
                    yield _Page(text, _Kind.BEYOND, besides)
                else:
                    tried += 1
                    ocr.tell(number)
                    yield _Page(*_read_picture(whole, text, ocr), besides)
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
    by_kind = ((kind, [number for number, page in enumerate(pages, start=1) if page.kind is kind]) for kind in _Kind)
    told = [f"{_named(numbers)} {kind.value[len(numbers) > 1]}" for kind, numbers in by_kind
            if numbers and kind is not _Kind.PLAIN]
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


def _sections(pages: list[_Page], ocr: Ocr | None) -> tuple[Section, ...]:
    """One section a page; the form feed belongs to the page before it, and only an empty last page has none."""
    sections = []
    start = 0
    for number, page in enumerate(pages, start=1):
        end = start + len(page.text) + (len(PAGE_END) if number < len(pages) else 0)
        if end > start:
            sections.append(Section(start, end, page=number, ocr=ocr.languages if ocr and page.kind is _Kind.READ else ""))
        start = end
    return tuple(sections)


FORMAT = Format("PDF", MEDIA_TYPE, (".pdf",), _recognises, _read, _read)
