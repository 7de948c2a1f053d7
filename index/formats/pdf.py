"""PDF: each page's text as pdfium gives it, joined by form feeds, so that an offset is a page and an index."""

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


def page_text(page: Any) -> str:
    """A pdfium page's text; character `i` of it is the page's character `i`."""
    textpage = page.get_textpage()
    try:
        # Half a surrogate pair stays one character here (it is replaced later), where "ignore" would shift the rest.
        text: str = textpage.get_text_range(errors="surrogatepass")
    finally:
        textpage.close()
    return text.replace(BROKEN_WORD, SOFT_HYPHEN)


def _recognises(head: bytes, suffix: str) -> bool:
    return head.lstrip().startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in head[:1024])


def _read(data: bytes, source: str) -> Iterator[Extract]:
    with PDFIUM:
        title, pages = _title_and_pages(data, source)
    if not any(page.strip() for page in pages):
        count = "its 1 page holds" if len(pages) == 1 else f"its {len(pages)} pages hold"
        raise FileError(source, f"{count} no text: a scan needs OCR first", "Run OCR on it and index the result")
    yield Extract(title, PAGE_END.join(pages), _sections(pages))


def _title_and_pages(data: bytes, source: str) -> tuple[str, list[str]]:
    pdf = _open(data, source)
    try:
        return sensible_title(pdf.get_metadata_dict().get("Title", "")), list(_pages(pdf, source))
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


def _pages(pdf: Any, source: str) -> Iterator[str]:
    import pypdfium2

    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError as problem:
            raise _damaged(source, f"page {number + 1} of {len(pdf)} cannot be opened") from problem
        try:
            yield page_text(page)
        finally:
            page.close()


def _damaged(source: str, what: str) -> FileError:
    return FileError(source, f"it is a damaged or incomplete PDF: {what}", "Get a whole copy and index it again")


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
