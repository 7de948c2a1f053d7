"""One small file of every format, with a heading, a list or table and characters of every width; and zips to take apart."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import cache
from typing import Any

BODY = "<h1>Leave</h1><p>You get 25 days 𝔹 a year. It is paid.</p><ul><li>one</li><li>two</li></ul>"
TABLE = "<table><tr><td>x</td><td>1</td></tr></table>"
MARKDOWN = ("---\ntitle: T\n---\n# Leave\n\nYou get *25* days [a](b) year.\n\n```\nls\n\nwho\n```\n\n## More\n\n- one\n"
            "- two\n\n| a |\n|---|\n| 1 |\n")
XML = '<?xml version="1.0" encoding="UTF-8"?>'
ODF = ("office", "text", "table")
ODT_SPACES = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ODF)


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@cache
def sample(name: str) -> bytes:
    """The bytes of one of `NAMES`."""
    return _SAMPLES[name]()


def _docx() -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Leave", 1)
    document.add_paragraph("You get 25 days 𝔹 a year.")
    document.add_paragraph("one", style="List Bullet")
    table = document.add_table(2, 2)
    for number, cell in enumerate((cell for row in table.rows for cell in row.cells), 1):
        cell.text = f"cell {number}"
    return _saved(document)


def _pptx() -> bytes:
    import pptx

    presentation = pptx.Presentation()
    for number in reversed(range(2, 11)):  # without those layouts that nothing uses, it is read in half the time
        presentation.slide_layouts.remove(presentation.slide_layouts[number])
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Leave"
    slide.placeholders[1].text = "You get 25 days 𝔹 a year.\nIt is paid."
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    table = slide.shapes.add_table(1, 2, 0, 0, 100, 100).table
    table.cell(0, 0).text, table.cell(0, 1).text = "wide", "narrow"
    return _saved(presentation)


def _xlsx() -> bytes:
    import datetime

    import openpyxl

    book = openpyxl.Workbook()
    for row in (["Name", "Days", "Since"], ["Anna 𝔹", 25, datetime.date(2026, 5, 4)], ["Ben", 30.5, None]):
        book.active.append(row)
    book.create_sheet("Notes").append(["It is paid."])
    return _saved(book)


def _saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _epub() -> bytes:
    page = f'{XML}<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{{}}</body></html>'
    return zipped({
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                                  b'<rootfile full-path="O/book.opf"/></rootfiles></container>',
        "O/book.opf": (
            f'{XML}<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            '<dc:title>A Book</dc:title></metadata><manifest>'
            '<item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
            '<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine toc="n"><itemref idref="a"/><itemref idref="b"/></spine></package>').encode(),
        "O/toc.ncx": f'{XML}<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint id="x"><navLabel><text>Second'
                     '</text></navLabel><content src="two.xhtml"/></navPoint></navMap></ncx>'.encode(),
        "O/one.xhtml": page.format(BODY).encode(),
        "O/two.xhtml": page.format("<p>It went on.</p><table><tr><td>x</td><td>1</td></tr></table>").encode(),
    })  # fmt: skip


def _odt() -> bytes:
    return zipped({
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": (
            f"{XML}<office:document-content {ODT_SPACES}><office:body><office:text>"
            '<text:h text:outline-level="1">Leave</text:h><text:p>You get <text:s text:c="2"/>25 days 𝔹 a year.</text:p>'
            "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
            "<table:table><table:table-row><table:table-cell><text:p>wide</text:p></table:table-cell>"
            '<table:table-cell table:number-columns-repeated="2"/></table:table-row></table:table>'
            "</office:text></office:body></office:document-content>").encode(),
        "meta.xml": f'{XML}<office:document-meta {ODT_SPACES} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>'
                    "<dc:title>Handbook</dc:title></office:meta></office:document-meta>".encode(),
    })  # fmt: skip


def _pdf() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=True)
    canvas.setTitle("Handbook of Leave")
    for line in ("You get 25 days a year.", "It is paid."):
        canvas.drawString(72, 700, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _eml() -> bytes:
    from email.message import EmailMessage

    mail = EmailMessage()
    for name, value in (("Message-ID", "<1@example.org>"), ("From", "Anna Öster <a@example.org>"), ("To", "ben@example.org"),
                        ("Date", "Mon, 04 May 2026 10:00:00 +0200"), ("Subject", "Leave 𝔹")):
        mail[name] = value
    mail.set_content("You get 25 days.\nIt is paid.\n")
    mail.add_alternative(BODY, subtype="html", cte="quoted-printable")
    mail.add_attachment(b"\0\1\2", maintype="application", subtype="zip", filename="päße.zip")
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=={number}==")
    return bytes(mail)


def _mbox() -> bytes:
    return b"".join(b"From a@example.org Mon May  4 10:00:00 2026\n" + _eml() + b"\n" for _ in range(2))


def _rtf() -> bytes:
    return (
        rb"{\rtf1\ansi\ansicpg1252\deff0\uc1{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset128 Jap;}}"
        rb"{\stylesheet{\s0 Normal;}{\s3\ql heading 2;}}{\info{\title Handb\'fcch}}"
        rb"\pard\s1\outlinelevel0 Leave\par\pard\plain You get 25 days\'85 for 5 \u8364 ?, \u-10179?\u-8704?.\par"
        rb"\pard\s3 More\par{\pntext\'b7\tab}\pard one\par{\trowd\pard\intbl a\cell two\cell\row}"
        rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt a link}}{\f1\'93\'fa\'96\'7b}{\pict\bin3 }}{}\par}"
    )


_SAMPLES = {
    "a.txt": lambda: "You get 25 days 𝔹 a year.\r\nIt is paid.\n\nÜber uns.\n".encode(),
    "latin.txt": lambda: "Für 5 \xa3 geht's über die Brücke; Fähren fahren täglich, außer sonntags.\n".encode("cp1252"),
    "wide.txt": lambda: "You get 25 days 𝔹 a year.\n".encode("utf-16"),
    "a.md": lambda: MARKDOWN.encode(),
    "a.html": lambda: f"<!doctype html><meta charset='utf-8'><title>T</title><body>{BODY}{TABLE}</body>".encode(),
    "a.csv": lambda: 'Name,Days,Note\r\nAnna,25,"paid, ""of course"""\r\nBen,30,𝔹\r\n'.encode(),
    "a.jsonl": lambda: '{"id": "a", "title": "Leave", "text": "25 days \\ud835\\udd39."}\n{"text": "It is paid. 𝔹"}\n'.encode(),
    "a.pdf": _pdf,
    "a.docx": _docx,
    "a.pptx": _pptx,
    "a.xlsx": _xlsx,
    "a.epub": _epub,
    "a.odt": _odt,
    "a.rtf": _rtf,
    "a.eml": _eml,
    "a.mbox": _mbox,
}  # fmt: skip
NAMES = tuple(_SAMPLES)
ZIPS = ("a.docx", "a.pptx", "a.xlsx", "a.epub", "a.odt")
