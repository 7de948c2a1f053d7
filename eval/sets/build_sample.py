"""Build the binary documents of the sample library: two PDFs and a Word file.

The text lives beside this script in ``sample_src/`` in a small markup: ``#``, ``##`` and
``###`` start headings, ``- `` and ``1. `` list items, ``| a | b |`` table rows, and the
line ``== page`` a new page. Every other line is a paragraph. The same input always gives
the same bytes, so a rebuilt library does not show up as a change.

Run it from the root of the repository::

    python -m eval.sets.build_sample
"""

from __future__ import annotations

import argparse
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from docx import Document
from docx.shared import Pt
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sample_src"
TARGET = HERE / "sample"
STAMP = datetime(2026, 2, 2, 9, 0, 0)

NUMBERED = re.compile(r"\d+\. ")


@dataclass(frozen=True)
class Block:
    """One piece of a document: its kind, its text and, for a table, its rows."""

    kind: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)


def parse(markup: str) -> Iterator[Block]:
    """Yield the blocks of a text in the small markup described above."""
    rows: list[list[str]] = []
    for line in [*markup.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if rows:
            yield Block("table", rows=rows)
            rows = []
        if line == "== page":
            yield Block("page")
        elif heading := re.match(r"(#+) (.*)", line):
            yield Block(f"heading{len(heading[1])}", heading[2])
        elif line.startswith("- "):
            yield Block("bullet", line[2:])
        elif NUMBERED.match(line):
            yield Block("number", line)
        elif line:
            yield Block("paragraph", line)


def pdf_style(name: str, size: float, before: float, after: float, **more: object) -> ParagraphStyle:
    """Return a paragraph style with the line height that suits its size."""
    return ParagraphStyle(name, fontSize=size, leading=size * 1.45, spaceBefore=before, spaceAfter=after, **more)


REPORT_STYLES = {
    "heading1": pdf_style("r1", 30, 180, 24, fontName="Helvetica-Bold"),
    "heading2": pdf_style("r2", 19, 4, 10, fontName="Helvetica-Bold"),
    "heading3": pdf_style("r3", 13, 10, 4, fontName="Helvetica-Bold"),
    "paragraph": pdf_style("rp", 11.5, 0, 7, fontName="Times-Roman"),
    "bullet": pdf_style("rb", 11.5, 0, 3, fontName="Times-Roman", leftIndent=14),
    "cell": pdf_style("rc", 11, 0, 0, fontName="Times-Roman"),
}

SLIDE_STYLES = {
    "heading1": pdf_style("s1", 34, 0, 22, fontName="Helvetica-Bold"),
    "paragraph": pdf_style("sp", 22, 6, 6, fontName="Helvetica"),
    "bullet": pdf_style("sb", 22, 0, 8, fontName="Helvetica", leftIndent=22),
    "cell": pdf_style("sc", 20, 0, 0, fontName="Helvetica"),
}


def pdf_flowables(blocks: Iterator[Block], styles: dict[str, ParagraphStyle]) -> list[Flowable]:
    """Return the blocks as things that reportlab can lay out."""
    story: list[Flowable] = []
    for block in blocks:
        if block.kind == "page":
            story.append(PageBreak())
        elif block.kind == "table":
            cells = [[Paragraph(escape(cell), styles["cell"]) for cell in row] for row in block.rows]
            grid = TableStyle(
                [
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.grey),
                    ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                ]
            )
            story += [Table(cells, style=grid, hAlign="LEFT"), Spacer(1, 10)]
        elif block.kind == "bullet":
            story.append(Paragraph(escape(block.text), styles["bullet"], bulletText="\u2022"))
        else:
            story.append(Paragraph(escape(block.text), styles[block.kind]))
    return story


def build_pdf(
    name: str,
    title: str,
    author: str,
    page: tuple[float, float],
    styles: dict[str, ParagraphStyle],
    footer: str,
) -> bytes:
    """Return a PDF file made from the markup ``name``.txt."""

    def draw_footer(canvas: Canvas, doc: SimpleDocTemplate) -> None:
        if doc.page > 1:
            canvas.setFont("Helvetica", 9)
            canvas.drawString(25 * mm, 12 * mm, footer)
            canvas.drawRightString(page[0] - 25 * mm, 12 * mm, str(doc.page))

    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=page,
        leftMargin=25 * mm,
        rightMargin=25 * mm,
        topMargin=22 * mm,
        bottomMargin=22 * mm,
        title=title,
        author=author,
        invariant=1,
    )
    markup = (SOURCES / f"{name}.txt").read_text(encoding="utf-8")
    document.build(pdf_flowables(parse(markup), styles), onFirstPage=draw_footer, onLaterPages=draw_footer)
    return out.getvalue()


def build_docx(name: str, title: str, author: str) -> bytes:
    """Return a Word file made from the markup ``name``.txt."""
    document = Document()
    document.styles["Normal"].font.size = Pt(11)
    markup = (SOURCES / f"{name}.txt").read_text(encoding="utf-8")
    for block in parse(markup):
        if block.kind.startswith("heading"):
            document.add_heading(block.text, level=int(block.kind[-1]) - 1)
        elif block.kind == "bullet":
            document.add_paragraph(block.text, style="List Bullet")
        elif block.kind == "number":
            document.add_paragraph(NUMBERED.sub("", block.text), style="List Number")
        elif block.kind == "table":
            table = document.add_table(rows=len(block.rows), cols=len(block.rows[0]), style="Table Grid")
            for cells, row in zip(table.rows, block.rows, strict=True):
                for cell, text in zip(cells.cells, row, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(block.text)
    properties = document.core_properties
    properties.title = title
    properties.author = author
    properties.last_modified_by = author
    properties.comments = ""
    properties.created = STAMP
    properties.modified = STAMP
    properties.revision = 1
    out = io.BytesIO()
    document.save(out)
    return with_fixed_times(out.getvalue())


def with_fixed_times(data: bytes) -> bytes:
    """Return a zip file with the same members, sorted and all dated alike."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        for name in names:
            member = zipfile.ZipInfo(name, date_time=STAMP.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name), compresslevel=6)
    return out.getvalue()


def main() -> None:
    """Write the three files."""
    argparse.ArgumentParser(description="Build the binary files of the sample library.").parse_args()
    files = {
        "annual-report-2025.pdf": build_pdf(
            "annual-report-2025",
            "Annual Report 2025",
            "Orrin Sound Ferries",
            A4,
            REPORT_STYLES,
            "Orrin Sound Ferries - Annual Report 2025",
        ),
        "crew-induction-slides.pdf": build_pdf(
            "crew-induction-slides",
            "Crew induction",
            "Joaquín Vale",
            landscape(A4),
            SLIDE_STYLES,
            "Orrin Sound Ferries - Crew induction",
        ),
        "safety-manual.docx": build_docx("safety-manual", "Safety Manual", "Joaquín Vale"),
    }
    TARGET.mkdir(exist_ok=True)
    for name, data in files.items():
        (TARGET / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
