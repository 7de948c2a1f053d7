"""Word documents: paragraphs, tables and their notes in document order, headings by style; at the end headers and footers."""

from __future__ import annotations

import io
import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, takewhile
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.beside import add_margins, comments_notice
from index.formats.charts import CHARTS, add_chart
from index.formats.formulas import FORMULAS, formula
from index.formats.outline import LONGEST_REPEATED, Blocks, Cell, first_title, one_line, sensible_title, table_lines
from index.formats.symbols import symbol
from index.formats.zips import OLE, ZIP, check_zip, office_folder, old_or_locked

SUFFIXES = (".docx", ".docm", ".dotx", ".dotm")
OLD_SUFFIXES = (".doc", ".dot")
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
R = f"{{{RELATIONS}}}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # repeats what stands beside it
WRAPPERS = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag")}
UNSEEN = {f"{W}{name}" for name in ("pPr", "rPr", "sdtPr", "del", "moveFrom")} | {FALLBACK}
CHARACTERS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "\u2011", f"{W}ptab": "\t"}
SYMBOL = f"{W}sym"
TEXT_BOX = f"{W}txbxContent"
REFERENCES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
# That a table may have, in Word.
MOST_COLUMNS = 63
HEADING = re.compile(r"heading ([1-9])")
# Styles of paragraphs, in lower case: those of Word ("HTML Preformatted", "macro"), of LibreOffice, pandoc and people.
CODE = re.compile(r"\b(?:source ?code|code(?: block)?|preformatted(?: text)?|macro(?: text)?|listing|verbatim)$")
MONOSPACE = re.compile(r"\b(?:mono|code|courier|consolas|menlo|monaco|inconsolata|lucida console|typewriter)\b", re.I)


def _recognises(head: bytes, suffix: str) -> bool:
    if head.startswith(OLE):
        return suffix in SUFFIXES or suffix in OLD_SUFFIXES
    folder = office_folder(head)
    return folder == "word" or (head.startswith(ZIP) and not folder and suffix in SUFFIXES)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    if data.startswith(OLE):
        raise old_or_locked(data, source, "a Word document", ".doc", ".docx")
    check_zip(data, source, "Word document")
    try:
        extract = _extract(data)
    except Exception as problem:  # python-docx lets through whatever its zip, XML and package layers raise
        raise FileError(
            source, "it cannot be opened as a Word document", "Open it in a word processor and save it as .docx"
        ) from problem
    yield extract


def _extract(data: bytes) -> Extract:
    from docx import Document

    document = Document(io.BytesIO(data))
    hidden = _Hidden(document)
    hidden.leave_out(document.element.body)
    blocks, notices = Blocks(), dict[str, None]()
    styled = _fill(blocks, document, hidden, notices)
    title = sensible_title(document.core_properties.title or "") or styled or first_title(blocks.headings)
    sections = add_margins(blocks, _margins(document, hidden), title)
    comments = sum(1 for _ in _members(document, "comments", f"{W}comment"))
    notices.update(dict.fromkeys(_symbols_notice(document)))
    return Extract(title, blocks.text, sections, notices=(*comments_notice(comments), *notices), code=tuple(blocks.code))


def _fill(blocks: Blocks, document: Any, hidden: _Hidden, notices: dict[str, None]) -> str:
    """Append every paragraph and table, each with its notes and charts behind it; return what is styled as the title."""
    elements = list(_blocks_in(document.element.body))
    styles = _Styles(document, [element for element in elements if element.tag == f"{W}p"])
    notes = _Notes(document, hidden)
    charts: set[str] = set()  # those that were told
    title = ""
    in_list = False
    code: list[tuple[str, Any]] = []  # lines of the block that goes on; one that is empty may stand within
    for element in elements:
        kind = "table" if element.tag == f"{W}tbl" else styles.kind(element)
        text = "" if kind == "table" else _text(element).rstrip()
        if kind == "code" or (code and not text and kind != "table" and next(element.iter(*CHARTS), None) is None):
            code.append((text, element))
            in_list = False
            continue
        _add_code(blocks, code, notes)
        code = []
        text = text.strip()
        if kind == "title":
            title = title or one_line(text)
        if kind == "table":
            _add_rows(blocks, element)
        elif isinstance(kind, int):
            blocks.add_heading(text, kind)
        elif kind == "list" and text:
            blocks.add(f"- {text}", tight=in_list)
        else:
            blocks.add(text)
        if text or kind == "table":
            in_list = kind == "list"
        if notes.add_those_of(element, blocks):
            in_list = False
        notices.update(dict.fromkeys(_add_charts(blocks, element, document, charts)))
    _add_code(blocks, code, notes)
    return title


def _add_code(blocks: Blocks, code: list[tuple[str, Any]], notes: _Notes) -> None:
    blocks.add_code("\n".join(line for line, _ in code).strip("\n"))
    for _, element in code:
        notes.add_those_of(element, blocks)


def _add_rows(blocks: Blocks, table: Any) -> None:
    for number, row in enumerate(_rows(table)):
        blocks.add(row, tight=number > 0)


def _add_charts(blocks: Blocks, element: Any, document: Any, told: set[str]) -> Iterator[str]:
    """Append the charts that stand in a paragraph or table; give what to say of what is not read of them."""
    for id in (chart.get(f"{R}id", "") for chart in element.iter(*CHARTS)):
        if id not in told:
            told.add(id)
            part = document.part.related_parts.get(id)
            notice = add_chart(blocks, part.blob if part is not None else b"")
            if notice:
                yield notice


def _add_plain(blocks: Blocks, container: Any) -> None:
    """Append the paragraphs and tables of a note, a header or a footer, whatever their styles."""
    for element in _blocks_in(container):
        if element.tag == f"{W}tbl":
            _add_rows(blocks, element)
        else:
            blocks.add(_text(element).strip())


def _margins(document: Any, hidden: _Hidden) -> Iterator[str]:
    """The texts of all headers, then of all footers, that a section of the document shows."""
    for kind in ("header", "footer"):
        ids = dict.fromkeys(reference.get(f"{R}id") for section in document.element.body.iter(f"{W}sectPr")
                            for reference in section.iterfind(f"{W}{kind}Reference"))
        parts = (document.part.related_parts.get(id) for id in ids)
        for part in {part.partname: part for part in parts if part is not None}.values():
            blocks, margin = Blocks(), _tree(part)
            hidden.leave_out(margin)
            _add_plain(blocks, margin)
            yield blocks.text


def _members(document: Any, kind: str, tag: str) -> Iterator[Any]:
    """The members of the document's part of a kind ("footnotes", "comments"); none where it has no such part."""
    for relation in document.part.rels.values():
        if relation.reltype == f"{RELATIONS}/{kind}" and not relation.is_external:
            yield from _tree(relation.target_part).iterfind(tag)
            return


def _tree(part: Any) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    return etree.fromstring(part.blob, parser)


class _Hidden:
    """Text that a document has and does not show, by its own mark or else by its styles, that of its characters first."""

    def __init__(self, document: Any) -> None:
        self._by_id = _styles_by_id(document)

    def leave_out(self, tree: Any) -> None:
        """Take out all runs of text that are not shown, and with them what stands in them."""
        for run in [run for run in tree.iter(f"{W}r") if self._is_hidden(run)]:
            run.getparent().remove(run)

    def _is_hidden(self, run: Any) -> bool:
        paragraph = next(run.iterancestors(f"{W}p"), None)
        ids = (_value(run, "rPr", "rStyle"), "" if paragraph is None else _value(paragraph, "pPr", "pStyle"))
        stating = chain([run], *(_style_chain(self._by_id, id) for id in ids))
        mark = next((mark for one in stating if (mark := one.find(f"{W}rPr/{W}vanish")) is not None), None)
        return mark is not None and _is_on(mark)


class _Notes:
    """Footnotes and endnotes: each is told once, where it is first referred to."""

    def __init__(self, document: Any, hidden: _Hidden) -> None:
        self._untold = {(kind, note.get(f"{W}id")): note for kind in ("footnote", "endnote")
                        for note in _members(document, f"{kind}s", f"{W}{kind}")
                        if note.get(f"{W}type", "normal") == "normal"}  # else it is a line that sets notes off
        for note in self._untold.values():
            hidden.leave_out(note)

    def add_those_of(self, element: Any, blocks: Blocks) -> bool:
        """Append the notes that a paragraph or table refers to, and those that they refer to; whether there are any."""
        found = False
        waiting = list(_references(element))[::-1] if self._untold else []
        while waiting:
            note = self._untold.pop(waiting.pop(), None)
            if note is not None:
                found = True
                _add_plain(blocks, note)
                waiting += [reference for inner in _blocks_in(note) for reference in _references(inner)][::-1]
        return found


def _references(element: Any) -> Iterator[tuple[str, str | None]]:
    """The notes that a paragraph or table refers to, in order, as ("footnote", id)."""
    if element.tag == f"{W}tbl":
        for row in _rows_in(element):
            for _, _, cell in _cells_in(row):
                for block in _blocks_in(cell):
                    yield from _references(block)
        return
    for child in element:
        if child.tag in REFERENCES:
            yield REFERENCES[child.tag], child.get(f"{W}id")
        elif child.tag != TEXT_BOX and child.tag not in UNSEEN:
            yield from _references(child)


class _Styles:
    """What a paragraph is, by its style, the styles that one is based on, and its own numbering."""

    def __init__(self, document: Any, paragraphs: list[Any]) -> None:
        self._by_id = _styles_by_id(document)
        self._default = next((style.get(f"{W}styleId") for style in self._by_id.values()
                              if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true")), "")
        typed = [self._is_typed(paragraph) for paragraph in paragraphs if _text(paragraph).strip()]
        self._fonts_tell = 2 * sum(typed) < len(typed)  # else it is all written like that

    def kind(self, paragraph: Any) -> int | str:
        """A heading's level, or "title", "list", "code" or "text"."""
        listed = paragraph.find(f"{W}pPr/{W}numPr") is not None
        for style in _style_chain(self._by_id, _value(paragraph, "pPr", "pStyle")):
            # The name is English in every edition of Word; the id is not.
            name = _value(style, "name").lower()
            if name == "title":
                return "title"
            if heading := HEADING.fullmatch(name):
                return int(heading.group(1))
            if CODE.search(name):
                return "code"
            listed = listed or name.startswith("list ") or style.find(f"{W}pPr/{W}numPr") is not None
        if listed and _value(paragraph, "pPr", "numPr", "numId") != "0":
            return "list"
        return "code" if self._fonts_tell and self._is_typed(paragraph) else "text"

    def _is_typed(self, paragraph: Any) -> bool:
        """Whether all that a paragraph says is in a font whose letters are all as wide, by its runs or else by its style."""
        style = self._font_of(_value(paragraph, "pPr", "pStyle") or self._default)
        fonts = [_font(run) or self._font_of(_value(run, "rPr", "rStyle")) or style
                 for run in paragraph.iter(f"{W}r") if _text(run).strip()]
        return bool(fonts) and all(map(MONOSPACE.search, fonts))

    def _font_of(self, id: str) -> str:
        """The font that a style names, or one that it is based on; empty where none does."""
        return next(filter(None, map(_font, _style_chain(self._by_id, id))), "")


def _styles_by_id(document: Any) -> dict[str, Any]:
    return {style.get(f"{W}styleId"): style for style in document.styles.element.findall(f"{W}style")}


def _style_chain(by_id: dict[str, Any], id: str) -> Iterator[Any]:
    """A style and those that it is based on."""
    style = by_id.get(id)
    for _ in range(10):  # styles may be based on each other in a circle
        if style is None:
            return
        yield style
        style = by_id.get(_value(style, "basedOn"))


def _font(element: Any) -> str:
    """The font that a run or a style names itself."""
    fonts = element.find(f"{W}rPr/{W}rFonts")
    return "" if fonts is None else str(fonts.get(f"{W}ascii", ""))


def _value(element: Any, *path: str) -> str:
    found = element.find("/".join(f"{W}{name}" for name in path))
    return "" if found is None else str(found.get(f"{W}val", ""))


def _blocks_in(container: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, also inside content controls, each followed by what its text boxes hold."""
    for child in container:
        if child.tag == f"{W}p":
            yield child
            for box in _text_boxes(child):
                yield from _blocks_in(box)
        elif child.tag == f"{W}tbl":
            yield child
        elif child.tag in WRAPPERS:
            yield from _blocks_in(child)


def _text_boxes(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag == TEXT_BOX:
            yield child
        elif child.tag not in UNSEEN:
            yield from _text_boxes(child)


def _text(element: Any) -> str:
    """A paragraph's text as it shows with all tracked changes accepted, without what its text boxes hold."""
    parts = []
    for child in element:
        if child.tag == f"{W}t":
            parts.append(child.text or "")
        elif child.tag in CHARACTERS:
            parts.append(CHARACTERS[child.tag])
        elif child.tag == SYMBOL:
            parts.append(_symbol(child))
        elif child.tag in FORMULAS:
            parts.append(formula(child))
        elif child.tag != TEXT_BOX and child.tag not in UNSEEN:
            parts.append(_text(child))
    return "".join(parts)


def _symbol(element: Any) -> str:
    """The character that a symbol of a font is; empty where that is not known."""
    code = element.get(f"{W}char", "")
    return symbol(element.get(f"{W}font", ""), int(code, 16)) if re.fullmatch("[0-9A-Fa-f]{1,6}", code) else ""


def _symbols_notice(document: Any) -> tuple[str, ...]:
    """What is said of a file with symbols that are not known."""
    count = sum(not _symbol(element) for element in document.element.body.iter(SYMBOL))
    if count == 0:
        return ()
    what = "a symbol of a font, which is" if count == 1 else f"{count} symbols of fonts, which are"
    return (f"it has {what} left out: which characters these are is not known",)


def _rows(table: Any) -> Iterator[str]:
    return table_lines(_cells(table), sum(1 for _ in takewhile(_is_header, _rows_in(table))))


def _is_header(row: Any) -> bool:
    """Whether a row is repeated at the top of every page that its table goes on to."""
    mark = row.find(f"{W}trPr/{W}tblHeader")
    return mark is not None and _is_on(mark)


def _is_on(mark: Any) -> bool:
    return mark.get(f"{W}val", "true") not in ("false", "0", "off")


def _cells(table: Any) -> Iterator[list[Cell]]:
    """The cells of each row; one that only continues the cell above says the same. Columns in which no cell begins are none."""
    rows = [list(_cells_in(row)) for row in _rows_in(table)]
    starts = sorted({start for row in rows for start, _, _ in row})
    merged: dict[int, str] = {}
    for row in rows:
        above, merged = merged, {}
        line = [Cell("")] * min(bisect_left(starts, row[0][0]), MOST_COLUMNS) if row else []
        for start, end, cell in row:
            text = _words(cell)
            merge = cell.find(f"{W}tcPr/{W}vMerge")
            if merge is not None:
                if merge.get(f"{W}val", "continue") == "continue":
                    text = above.get(start, text)
                merged[start] = text if len(text) <= LONGEST_REPEATED else ""
            line.append(Cell(text, min(bisect_left(starts, end) - bisect_left(starts, start), MOST_COLUMNS)))
        yield line


def _rows_in(table: Any) -> Iterator[Any]:
    """The rows but those that are deleted, with changes tracked."""
    return (row for row in _children(table, f"{W}tr") if row.find(f"{W}trPr/{W}del") is None)


def _cells_in(row: Any) -> Iterator[tuple[int, int, Any]]:
    """The cells of a row, each with the columns of the table's grid that it begins in and ends before."""
    start = _count(row, "trPr", "gridBefore", otherwise=0)
    for cell in _children(row, f"{W}tc"):
        if cell.find(f"{W}tcPr/{W}cellDel") is None:
            end = start + _count(cell, "tcPr", "gridSpan", otherwise=1)
            yield start, end, cell
            start = end


def _count(element: Any, *path: str, otherwise: int) -> int:
    stated = _value(element, *path)
    return int(stated) if re.fullmatch("[1-9][0-9]{0,3}", stated) else otherwise


def _children(element: Any, tag: str) -> Iterator[Any]:
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in WRAPPERS:
            yield from _children(child, tag)


def _words(cell: Any) -> str:
    """A cell's text on one line."""
    texts = (" ".join(_rows(block)) if block.tag == f"{W}tbl" else _text(block) for block in _blocks_in(cell))
    return one_line(" ".join(texts))


FORMAT = Format("Word", MEDIA_TYPE, SUFFIXES, _recognises, _read)
