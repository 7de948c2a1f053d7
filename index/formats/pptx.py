"""PowerPoint presentations: every slide that is shown a page, its title the heading, its notes under "Notes"."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.charts import CHARTS, add_chart
from index.formats.formulas import formula
from index.formats.outline import Blocks, Cell, one_line, sensible_title, spanned, table_lines
from index.formats.rows import LOOKED_AT, names_of_both
from index.formats.zips import MAX_UNPACKED, OLE, ZIP, check_zip, office_folder, old_or_locked
from index.types import Section

SUFFIXES = (".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm")
OLD_SUFFIXES = (".ppt", ".pot", ".pps")
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
FORMULA = "{http://schemas.microsoft.com/office/drawing/2010/main}m"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

TITLES = ("title", "ctrTitle")
POINTS = ("obj", "body")  # placeholders whose paragraphs are the points of a list
FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")  # what is the same on every slide
BLOCK_END = "\n\n"


def _recognises(head: bytes, suffix: str) -> bool:
    if head.startswith(OLE):
        return suffix in SUFFIXES or suffix in OLD_SUFFIXES
    folder = office_folder(head)
    return folder == "ppt" or (head.startswith(ZIP) and not folder and suffix in SUFFIXES)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    if data.startswith(OLE):
        raise old_or_locked(data, source, "a PowerPoint presentation", ".ppt", ".pptx")
    check_zip(data, source, "PowerPoint presentation")
    presentation = _open(data, source)
    pages = []
    notices: dict[str, None] = {}  # each once, in order
    length = hidden = 0
    for number, slide in enumerate(_slides(presentation), start=1):
        is_hidden = slide.element.get("show") in ("0", "false")
        blocks = _blocks_of(slide, {} if is_hidden else notices)
        if is_hidden:
            hidden += bool(blocks.text)
        elif blocks.text:
            pages.append((number, blocks))
        length += len(blocks.text)
        if length > MAX_UNPACKED:  # slides that share their notes say them again and again
            raise _damaged(source)
    title = _given_title(presentation) or _first_title(pages)
    yield Extract(title, BLOCK_END.join(blocks.text for _, blocks in pages), _sections(pages),
                  notices=(*_hidden_notice(hidden), *notices))


def _hidden_notice(count: int) -> tuple[str, ...]:
    """What is said of a file that has so many slides that hold something and are not shown."""
    if count == 0:
        return ()
    return ("it has a hidden slide, which is left out (show it to have it)" if count == 1 else
            f"it has {count} hidden slides, which are left out (show them to have them)",)


def _open(data: bytes, source: str) -> Any:
    from pptx.package import Package

    try:
        # Not pptx.Presentation: that refuses templates and shows, which are presentations but in name.
        return Package.open(io.BytesIO(data)).presentation_part.presentation
    except Exception as problem:  # python-pptx lets through whatever its zip, XML and package layers raise
        raise _damaged(source) from problem


def _damaged(source: str) -> FileError:
    return FileError(
        source,
        "it cannot be opened as a PowerPoint presentation",
        "Open it in a presentation program and save it as .pptx",
    )


def _slides(presentation: Any) -> Iterator[Any]:
    """The slides in order. One that is listed again is not shown again."""
    return iter({slide.part.partname: slide for slide in presentation.slides}.values())


def _given_title(presentation: Any) -> str:
    """The title in the properties; empty for the one that the program gives ("PowerPoint-Präsentation", in any language)."""
    title = sensible_title(presentation.core_properties.title or "")
    return "" if "powerpoint" in title.lower() and len(title.split()) <= 3 else title


def _first_title(pages: list[tuple[int, Blocks]]) -> str:
    return next((heading.text for _, blocks in pages for heading in blocks.headings if heading.level == 1), "")


def _sections(pages: list[tuple[int, Blocks]]) -> tuple[Section, ...]:
    """The sections of every slide with its number; the empty line between two slides belongs to the one before it."""
    sections = []
    start = 0
    for position, (number, blocks) in enumerate(pages, start=1):
        gap = len(BLOCK_END) if position < len(pages) else 0
        for section in blocks.sections:
            end = section.end + (gap if section.end == len(blocks.text) else 0)
            sections.append(Section(start + section.start, start + end, section.heading, page=number))
        start += len(blocks.text) + gap
    return tuple(sections)


def _blocks_of(slide: Any, notices: dict[str, None]) -> Blocks:
    """A slide's title, what else stands on it in the order of its shapes, and its notes; what is not read to `notices`."""
    blocks = Blocks()
    shapes = list(_shapes(slide.element.cSld.spTree))
    title = next((shape for shape in shapes if _placeholder(shape) in TITLES and _shape_text(shape)), None)
    if title is not None:
        blocks.add_heading(_shape_text(title), 1)
    for shape in shapes:
        if shape is title:
            continue
        if shape.tag == f"{P}sp":
            _add_text(blocks, shape, listed=_placeholder(shape) in POINTS)
        else:
            _add_rows(blocks, shape)
            _add_diagram(blocks, shape, slide)
            notices.update(dict.fromkeys(_add_charts(blocks, shape, slide)))
    notes = _notes(slide)
    if notes:
        blocks.add_heading("Notes", 2)
        blocks.add(notes)
    return blocks


def _notes(slide: Any) -> str:
    blocks = Blocks()
    if slide.has_notes_slide:
        for shape in _shapes(slide.notes_slide.element.cSld.spTree):
            _add_text(blocks, shape, listed=False)
    return blocks.text


def _shapes(tree: Any) -> Iterator[Any]:
    """What can hold text, in order, also inside groups."""
    for child in tree:
        if child.tag in (f"{P}sp", f"{P}graphicFrame") and _placeholder(child) not in FURNITURE:
            yield child
        elif child.tag == f"{P}grpSp":
            yield from _shapes(child)
        elif child.tag == f"{MC}AlternateContent":  # the same in several ways, for newer programs and older
            yield from next(filter(None, (list(_shapes(way)) for way in child)), [])


def _placeholder(shape: Any) -> str:
    """What a shape holds the place of ("title", "body", …); empty where it is a shape of its own."""
    found = shape.find(f"./*/{P}nvPr/{P}ph")
    return "" if found is None else str(found.get("type", "obj"))


def _shape_text(shape: Any) -> str:
    return one_line(" ".join(_text(paragraph) for paragraph in shape.iterfind(f"{P}txBody/{A}p")))


def _add_text(blocks: Blocks, shape: Any, listed: bool) -> None:
    """Append a shape's paragraphs; those with a bullet, or `listed` and more than one, are items of a list."""
    paragraphs = [(paragraph, _text(paragraph).strip()) for paragraph in shape.iterfind(f"{P}txBody/{A}p")]
    paragraphs = [(paragraph, text) for paragraph, text in paragraphs if text]
    in_list = False
    for paragraph, text in paragraphs:
        is_item = _has_bullet(paragraph, otherwise=listed and len(paragraphs) > 1)
        blocks.add(f"- {text}" if is_item else text, tight=is_item and in_list)
        in_list = is_item


def _has_bullet(paragraph: Any, otherwise: bool) -> bool:
    marks = {child.tag for child in paragraph.iterfind(f"{A}pPr/*")}
    if marks & {f"{A}buChar", f"{A}buAutoNum", f"{A}buBlip"}:
        return True
    return otherwise and f"{A}buNone" not in marks


def _text(paragraph: Any) -> str:
    parts = []
    for child in paragraph:
        if child.tag == f"{A}br":
            parts.append("\n")
        elif child.tag == FORMULA:
            parts.append(formula(child))
        else:
            parts += [text.text or "" for text in child.iterchildren(f"{A}t")]
    return "".join(parts)


def _add_rows(blocks: Blocks, frame: Any) -> None:
    cells = [[_cell(cell) for cell in row.iterchildren(f"{A}tc") if not _continues(cell)] for row in frame.iter(f"{A}tr")]
    for number, row in enumerate(table_lines(cells, _header_rows(cells))):
        blocks.add(row, tight=number > 0)


def _header_rows(rows: list[list[Cell]]) -> int:
    """Two where cells of the first row plainly stand over names in the second; a presentation marks no more than one."""
    first = rows[0] if rows else []
    ends = accumulate(cell.columns for cell in first)
    wide = [(end - cell.columns, end) for cell, end in zip(first, ends, strict=True) if cell.columns > 1]
    lines = list(islice(spanned(rows), LOOKED_AT))
    return 2 if wide and names_of_both(lines[0], wide, lines[1:]) else 0


def _continues(cell: Any) -> bool:
    """Whether a cell only stands in for a merged one beside or above."""
    return bool({cell.get("hMerge"), cell.get("vMerge")} & {"1", "true"})


def _cell(cell: Any) -> Cell:
    return Cell(_words(cell), _count(cell, "gridSpan"), _count(cell, "rowSpan"))


def _count(cell: Any, name: str) -> int:
    stated = cell.get(name, "")
    return int(stated) if re.fullmatch("[1-9][0-9]{0,3}", stated) else 1


def _words(cell: Any) -> str:
    return one_line(" ".join(_text(paragraph) for paragraph in cell.iterfind(f"{A}txBody/{A}p")))


def _add_diagram(blocks: Blocks, frame: Any, slide: Any) -> None:
    """Append the texts of a diagram (SmartArt), which stand in a part of their own."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for diagram in frame.iter(f"{DGM}relIds"):
        model = etree.fromstring(slide.part.related_part(diagram.get(f"{R}dm")).blob, parser)
        texts = (" ".join(_text(paragraph) for paragraph in point.iter(f"{A}p")) for point in model.iter(f"{DGM}t"))
        for number, text in enumerate(filter(None, map(one_line, texts))):
            blocks.add(f"- {text}", tight=number > 0)


def _add_charts(blocks: Blocks, frame: Any, slide: Any) -> Iterator[str]:
    """Append the chart in a frame, which stands in a part of its own; give what to say of what is not read of it."""
    for chart in frame.iter(*CHARTS):
        try:
            part = slide.part.related_part(chart.get(f"{R}id")).blob
        except KeyError:
            part = b""
        notice = add_chart(blocks, part)
        if notice:
            yield notice


FORMAT = Format("PowerPoint", MEDIA_TYPE, SUFFIXES, _recognises, _read)
