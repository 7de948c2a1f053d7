"""What stands on a PDF's page besides its content: form fields that are filled in, text typed onto it, and readers' notes.

The first two are made content of the page, in memory, so that pdfium gives their text and their places like all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from ctypes import c_float
from dataclasses import dataclass, replace
from typing import Any

Box = tuple[float, float, float, float]  # left, bottom, right, top in PDF points

_MOST_ANNOTATIONS = 5000  # of a page that are looked at
_MOST_PAIRS = 300_000  # of fields and texts of a page that are compared
_CAPTION = 20  # points that a field's caption may stand above it


@dataclass(frozen=True, slots=True)
class Besides:
    """What a page has besides its content: whether fields or typed text were `set_in`, and how much is not read."""

    set_in: bool = False
    unread: bool = False  # fields that are filled in, and that pdfium cannot show
    ticked: int = 0
    notes: int = 0


def open_page(pdf: Any, number: int) -> Any:
    """A pdfium document's page `number` (from 1), on which no fields are drawn but those that were set in."""
    form, pdf.formenv = pdf.formenv, None
    try:
        return pdf[number - 1]
    finally:
        pdf.formenv = form


@contextmanager
def with_fields(pdf: Any, number: int, page: Any) -> Iterator[tuple[Any, Besides]]:
    """Page `number`, which is open as `page`, with its filled fields and typed text set in; itself where it has none.

    Else it is a copy, open for so long, and the only page of a document of its own, `page.pdf`. Used under
    `index.formats.pdf.PDFIUM`.
    """
    import pypdfium2
    from pypdfium2.raw import FLAT_NORMALDISPLAY, FLATTEN_SUCCESS, FPDFPage_Flatten

    if not _may_show_more(page):
        yield page, Besides(notes=_notes(page))
        return
    with suppress(pypdfium2.PdfiumError):
        pdf.init_forms()  # once for all pages: it goes through all fields
    with closing(pdf[number - 1]) as whole:
        shown, besides = _look(whole, pdf.formenv)
    if not shown:
        yield page, besides
        return
    with closing(pypdfium2.PdfDocument.new()) as copy:
        copy.import_pages(pdf, [number - 1])  # with what it has of its parents, which it would lose
        with closing(copy[0]) as flat:
            if FPDFPage_Flatten(flat, FLAT_NORMALDISPLAY) != FLATTEN_SUCCESS:
                yield page, replace(besides, unread=True)
                return
        with closing(copy[0]) as flat:
            yield flat, replace(besides, set_in=True)


def _annotations(page: Any) -> Iterator[tuple[Any, int]]:
    """The annotations that are not hidden, and their kind."""
    from pypdfium2 import raw

    for place in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, place)
        if annotation:
            try:
                if not raw.FPDFAnnot_GetFlags(annotation) & raw.FPDF_ANNOT_FLAG_HIDDEN:
                    yield annotation, raw.FPDFAnnot_GetSubtype(annotation)
            finally:
                raw.FPDFPage_CloseAnnot(annotation)


def _may_show_more(page: Any) -> bool:
    from pypdfium2.raw import FPDF_ANNOT_WIDGET

    return any(kind == FPDF_ANNOT_WIDGET or _is_typed(annotation, kind) for annotation, kind in _annotations(page))


def _is_typed(annotation: Any, kind: int) -> bool:
    """Whether it is text typed onto the page, with an appearance."""
    from pypdfium2.raw import FPDF_ANNOT_FREETEXT, FPDFAnnot_HasKey

    return kind == FPDF_ANNOT_FREETEXT and bool(FPDFAnnot_HasKey(annotation, b"AP"))


def _notes(page: Any) -> int:
    from pypdfium2 import raw

    kinds = {raw.FPDF_ANNOT_TEXT, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_LINE, raw.FPDF_ANNOT_SQUARE, raw.FPDF_ANNOT_CIRCLE,
             raw.FPDF_ANNOT_POLYGON, raw.FPDF_ANNOT_POLYLINE, raw.FPDF_ANNOT_HIGHLIGHT, raw.FPDF_ANNOT_UNDERLINE,
             raw.FPDF_ANNOT_SQUIGGLY, raw.FPDF_ANNOT_STRIKEOUT, raw.FPDF_ANNOT_CARET, raw.FPDF_ANNOT_INK}
    return sum(kind in kinds and not _is_typed(annotation, kind) and _says(annotation, b"Contents")
               for annotation, kind in _annotations(page))


def _says(annotation: Any, key: bytes) -> bool:
    from pypdfium2.raw import FPDFAnnot_GetStringValue

    return bool(FPDFAnnot_GetStringValue(annotation, key, None, 0) > 2)  # bytes, with the two of its end


def _look(page: Any, form: Any) -> tuple[bool, Besides]:
    """Whether anything is filled in or typed that can be set in. Boxes to tick and buttons are hidden: they hold no text."""
    from pypdfium2 import raw

    notes, ticked, unread, shown = _notes(page), 0, False, False
    for annotation, kind in _annotations(page):
        if kind == raw.FPDF_ANNOT_WIDGET and form:
            has_look = bool(raw.FPDFAnnot_HasKey(annotation, b"AP"))
            field = raw.FPDFAnnot_GetFormFieldType(form, annotation)
            if field in (raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
                if raw.FPDFAnnot_GetFormFieldValue(form, annotation, None, 0) > 2:
                    shown, unread = shown or has_look, unread or not has_look
            elif field == raw.FPDF_FORMFIELD_SIGNATURE:
                shown = shown or has_look
            else:
                ticked += bool(raw.FPDFAnnot_IsChecked(form, annotation))
                raw.FPDFAnnot_SetFlags(annotation, raw.FPDFAnnot_GetFlags(annotation) | raw.FPDF_ANNOT_FLAG_HIDDEN)
        shown = shown or _is_typed(annotation, kind)
    return shown, Besides(unread=unread, ticked=ticked, notes=notes)


def arranged(page: Any) -> Any:
    """A page in which something was set in, opened once more, to be read: each thing comes after the text left of it in its
    line, or just above it; at the end where there is none. (Drawn in this order, one might hide the other.)
    """
    from pypdfium2 import raw

    page = page.pdf[0]
    last = raw.FPDFPage_CountObjects(page) - 1  # which is all that was set in
    added = raw.FPDFPage_GetObject(page, last)
    if raw.FPDFPageObj_GetType(added) != raw.FPDF_PAGEOBJ_FORM:
        return page
    objects = ((place, raw.FPDFPage_GetObject(page, place)) for place in range(last))
    texts = [(place, _bounds(thing)) for place, thing in objects if raw.FPDFPageObj_GetType(thing) == raw.FPDF_PAGEOBJ_TEXT]
    fields = [raw.FPDFFormObj_GetObject(added, place) for place in range(raw.FPDFFormObj_CountObjects(added))]
    if len(texts) * len(fields) > _MOST_PAIRS:
        return page
    moves = [(place, box[0], field) for field in fields if (place := _label(texts, box := _bounds(field))) is not None]
    for place, _, field in sorted(moves, key=lambda move: move[:2], reverse=True):  # from the end, so that places hold
        if raw.FPDFFormObj_RemoveObject(added, field):
            raw.FPDFPage_InsertObjectAtIndex(page, field, place + 1)
    return page


def _label(texts: list[tuple[int, Box]], field: Box) -> int | None:
    """The place of the text that a field belongs to."""
    left, bottom, right, top = field
    middle = (bottom + top) / 2
    beside = [(box[0], place) for place, box in texts
              if box[0] < left and (bottom <= (box[1] + box[3]) / 2 <= top or box[1] <= middle <= box[3])]
    if beside:
        return max(beside)[1]
    above = [(box[1], -place) for place, box in texts
             if middle <= box[1] <= top + _CAPTION and box[0] < right and left < box[2]]
    return -min(above)[1] if above else None


def _bounds(thing: Any) -> Box:
    from pypdfium2.raw import FPDFPageObj_GetBounds

    left, bottom, right, top = sides = c_float(), c_float(), c_float(), c_float()
    FPDFPageObj_GetBounds(thing, *sides)
    return left.value, bottom.value, right.value, top.value
