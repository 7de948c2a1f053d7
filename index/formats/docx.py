"""Word documents: paragraphs and tables in document order, headings by style."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.outline import Blocks, first_title, one_line, sensible_title, table_row
from index.formats.zips import OLE, ZIP, check_zip, office_folder, old_or_locked

SUFFIXES = (".docx", ".docm", ".dotx", ".dotm")
OLD_SUFFIXES = (".doc", ".dot")
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # repeats what stands beside it
WRAPPERS = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag")}
UNSEEN = {f"{W}{name}" for name in ("pPr", "rPr", "sdtPr", "del", "moveFrom")} | {FALLBACK}
CHARACTERS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "\u2011", f"{W}ptab": "\t"}
TEXT_BOX = f"{W}txbxContent"
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
    blocks = Blocks()
    try:
        title = _fill(blocks, data)
    except Exception as problem:  # python-docx lets through whatever its zip, XML and package layers raise
        raise FileError(
            source, "it cannot be opened as a Word document", "Open it in a word processor and save it as .docx"
        ) from problem
    yield Extract(title or first_title(blocks.headings), blocks.text, blocks.sections, code=tuple(blocks.code))


def _fill(blocks: Blocks, data: bytes) -> str:
    """Append every paragraph and table; return the title of the properties, or else what is styled as one."""
    from docx import Document

    document = Document(io.BytesIO(data))
    elements = list(_blocks_in(document.element.body))
    styles = _Styles(document, [element for element in elements if element.tag == f"{W}p"])
    title = ""
    in_list = False
    code: list[str] = []  # lines of the block that goes on; one that is empty may stand within
    for element in elements:
        kind = "table" if element.tag == f"{W}tbl" else styles.kind(element)
        text = "" if kind == "table" else _text(element).rstrip()
        if kind == "code" or (code and not text and kind != "table"):
            code.append(text)
            in_list = False
            continue
        blocks.add_code("\n".join(code).strip("\n"))
        code = []
        if kind == "table":
            for number, row in enumerate(_rows(element)):
                blocks.add(row, tight=number > 0)
            in_list = False
            continue
        text = text.strip()
        if not text:
            continue
        if kind == "title":
            title = title or one_line(text)
        if isinstance(kind, int):
            blocks.add_heading(text, kind)
        elif kind == "list":
            blocks.add(f"- {text}", tight=in_list)
        else:
            blocks.add(text)
        in_list = kind == "list"
    blocks.add_code("\n".join(code).strip("\n"))
    return sensible_title(document.core_properties.title or "") or title


class _Styles:
    """What a paragraph is, by its style, the styles that one is based on, and its own numbering."""

    def __init__(self, document: Any, paragraphs: list[Any]) -> None:
        styles = document.styles.element.findall(f"{W}style")
        self._by_id = {style.get(f"{W}styleId"): style for style in styles}
        self._default = next((style.get(f"{W}styleId") for style in styles
                              if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true")), "")
        typed = [self._is_typed(paragraph) for paragraph in paragraphs if _text(paragraph).strip()]
        self._fonts_tell = 2 * sum(typed) < len(typed)  # else it is all written like that

    def kind(self, paragraph: Any) -> int | str:
        """A heading's level, or "title", "list", "code" or "text"."""
        style = self._by_id.get(_value(paragraph, "pPr", "pStyle"))
        listed = paragraph.find(f"{W}pPr/{W}numPr") is not None
        for _ in range(10):  # styles may be based on each other in a circle
            if style is None:
                break
            # The name is English in every edition of Word; the id is not.
            name = _value(style, "name").lower()
            if name == "title":
                return "title"
            if heading := HEADING.fullmatch(name):
                return int(heading.group(1))
            if CODE.search(name):
                return "code"
            listed = listed or name.startswith("list ") or style.find(f"{W}pPr/{W}numPr") is not None
            style = self._by_id.get(_value(style, "basedOn"))
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
        style = self._by_id.get(id)
        for _ in range(10):
            if style is None or _font(style):
                break
            style = self._by_id.get(_value(style, "basedOn"))
        return "" if style is None else _font(style)


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
        elif child.tag != TEXT_BOX and child.tag not in UNSEEN:
            parts.append(_text(child))
    return "".join(parts)


def _rows(table: Any) -> Iterator[str]:
    for row in _children(table, f"{W}tr"):
        line = table_row([_cell(cell) for cell in _children(row, f"{W}tc")])
        if line:
            yield line


def _children(element: Any, tag: str) -> Iterator[Any]:
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in WRAPPERS:
            yield from _children(child, tag)


def _cell(cell: Any) -> str:
    """A cell's text on one line; empty where it only continues a merged cell above."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    if merge is not None and merge.get(f"{W}val", "continue") == "continue":
        return ""
    texts = (" ".join(_rows(block)) if block.tag == f"{W}tbl" else _text(block) for block in _blocks_in(cell))
    return one_line(" ".join(texts))


FORMAT = Format("Word", MEDIA_TYPE, SUFFIXES, _recognises, _read)
