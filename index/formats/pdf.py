"""PDF: each page's text as pdfium gives it, joined by form feeds, so that an offset is a page and a place in its text."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.outline import sensible_title
from index.types import Section

# pdfium keeps global state: two threads inside it at once crash the process. Whoever calls it elsewhere takes this too.
PDFIUM = threading.Lock()
PAGE_END = "\f"
# pdfium's mark where a hyphen breaks a word at the end of a line, and Unicode's own, which every browser knows.
BROKEN_WORD = "\ufffe"
SOFT_HYPHEN = "\u00ad"


Box = tuple[float, float, float, float]  # left, bottom, right, top in PDF points


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


def _read(data: bytes, source: str) -> Iterator[Extract]:
    with PDFIUM:
        title, pages, pictures = _title_and_pages(data, source)
    if not any(page.strip() for page in pages):
        count = "its 1 page holds" if len(pages) == 1 else f"its {len(pages)} pages hold"
        raise FileError(source, f"{count} no text: a scan needs OCR first", "Run OCR on it and index the result")
    yield Extract(title, PAGE_END.join(pages), _sections(pages), notices=_notices(pictures))


def _title_and_pages(data: bytes, source: str) -> tuple[str, list[str], list[int]]:
    """The title, each page's text, and the numbers of the pages that show something but hold no text."""
    pdf = _open(data, source)
    try:
        pages = list(_pages(pdf, source))
        pictures = [number for number, (text, shows) in enumerate(pages, start=1) if shows and not text.strip()]
        return sensible_title(pdf.get_metadata_dict().get("Title", "")), [text for text, _ in pages], pictures
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


def _pages(pdf: Any, source: str) -> Iterator[tuple[str, bool]]:
    """Each page's text, and whether anything is drawn on it (a page left blank needs no OCR)."""
    import pypdfium2
    from pypdfium2.raw import FPDFPage_CountObjects

    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError as problem:
            raise _damaged(source, f"page {number + 1} of {len(pdf)} cannot be opened") from problem
        try:
            yield page_text(page), FPDFPage_CountObjects(page) > 0
        finally:
            page.close()


def _damaged(source: str, what: str) -> FileError:
    return FileError(source, f"it is a damaged or incomplete PDF: {what}", "Get a whole copy and index it again")


def _notices(pictures: list[int]) -> tuple[str, ...]:
    """What to say of pages without text.

    >>> _notices([3, 5, 6, 7])
    ('pages 3 and 5-7 have no text: need OCR',)
    """
    if len(pictures) < 2:
        return tuple(f"page {number} has no text: needs OCR" for number in pictures)
    runs: list[list[int]] = []
    for number in pictures:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    *all_but_last, last = ["-".join(map(str, run)) for run in runs]
    return (f"pages {', '.join(all_but_last)}{' and ' if all_but_last else ''}{last} have no text: need OCR",)


def _sections(pages: list[str]) -> tuple[Section, ...]:
    """One section a page; the form feed belongs to the page before it, and only an empty last page has none."""
    sections = []
    start = 0
    for number, page in enumerate(pages, start=1):
        end = start + len(page) + (len(PAGE_END) if number < len(pages) else 0)
        if end > start:
            sections.append(Section(start, end, page=number))
        start = end
    return tuple(sections)


FORMAT = Format("PDF", "application/pdf", (".pdf",), _recognises, _read)
