"""PDFs for tests: of reportlab, of fpdf2, by hand where neither does what is wanted, and scans. Points throughout."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pypdfium2 import PdfDocument

from index.formats.pdf import PDFIUM

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FONT, SIZE = "Helvetica", 12
DOTS = 200 / 72  # of a scanner, for a point


def reportlab(*pages: Callable[..., object], size: tuple[float, float] = (400, 300)) -> bytes:
    """Pages drawn each by a function of reportlab's canvas."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, pagesize=size)
    for draw in pages:
        canvas.setFont(FONT, SIZE)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def lines(*placed: tuple[float, float, str]) -> Callable[..., object]:
    """Draws lines of text, each at (x, y) of its baseline's beginning."""
    return lambda canvas: [canvas.drawString(x, y, text) for x, y, text in placed]


def width(text: str) -> float:
    """How wide reportlab draws a text in `FONT`."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(text, FONT, SIZE))


def fpdf(*pages: Sequence[tuple[float, float, str]], size: tuple[float, float] = (400, 300)) -> bytes:
    """Pages of lines at (x, y), counted from the lower left corner."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format=size)
    pdf.set_font(FONT, "", SIZE)
    for placed in pages:
        pdf.add_page()
        for x, y, text in placed:
            pdf.text(x, size[1] - y, text)
    return bytes(pdf.output())


def by_hand(*pages: str, page: str = "", font: str = "", meanings: dict[int, str] | None = None) -> bytes:
    """Pages of the given content streams, with more entries for each page and for the font `/F`.

    `meanings` are what the font's codes stand for, where these are other than usual.
    """
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    meaning = " ".join(f"<{code:02x}> <{text.encode('utf-16-be').hex()}>" for code, text in (meanings or {}).items())
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
               f"<< /Type /Font /Subtype /Type1 /BaseFont /{FONT} {'/ToUnicode 4 0 R' if meanings else ''} {font} >>".encode(),
               stream(f"begincmap 1 begincodespacerange <00> <ff> endcodespacerange {len(meanings or {})} beginbfchar"
                       f" {meaning} endbfchar endcmap".encode())]
    for number, content in enumerate(pages):
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] {page} /Resources << /Font << /F 3 0 R >> >>"
                    f" /Contents {6 + 2 * number} 0 R >>".encode(), stream(content.encode("latin-1"))]
    return from_objects(*objects)


def from_objects(*objects: bytes) -> bytes:
    """A file of objects, numbered from 1; the first is the catalog."""
    file, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + (b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
                   % (len(objects) + 1, table, len(objects) + 1, len(file)))


def packed(content: str) -> bytes:
    """A file of one page that keeps its objects in a stream, and their table in another, as PDF has it since 1.5."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Resources << /Font << /F 4 0 R >> >> /Contents 5 0 R >>",
               f"<< /Type /Font /Subtype /Type1 /BaseFont /{FONT} >>".encode()]
    starts = [sum(len(body) + 1 for body in objects[:number]) for number in range(len(objects))]
    head = " ".join(f"{number} {start}" for number, start in enumerate(starts, 1)).encode() + b" "
    streams = {5: stream(content.encode(), zlib.compress, "/Filter /FlateDecode"),
               6: stream(head + b" ".join(objects), zlib.compress,
                         f"/Filter /FlateDecode /Type /ObjStm /N {len(objects)} /First {len(head)}")}
    file, places = b"%PDF-1.5\n", {}
    for number, body in streams.items():
        places[number] = len(file)
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries = [(0, 0, 255), *((2, 6, index) for index in range(4)), (1, places[5], 0), (1, places[6], 0), (1, len(file), 0)]
    table = b"".join(struct.pack(">BHB", *entry) for entry in entries)
    return file + b"7 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (
        stream(table, zlib.compress, "/Filter /FlateDecode /Type /XRef /Size 8 /W [1 2 1] /Root 1 0 R"), len(file))


def stream(content: bytes, encode: Callable[[bytes], bytes] = bytes, entries: str = "") -> bytes:
    """A stream of content, encoded, with more entries in its dictionary."""
    data = encode(content)
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries.encode(), data)


def scanned(*pages: Sequence[tuple[float, float, str]], size: tuple[float, float] = (400, 300), turned: int = 0) -> bytes:
    """A PDF of pictures, as a scanner with 200 dots an inch makes them: each shows lines at (x, y) as a reader sees it.

    A picture lies on its side, or head, and the page is `turned` (degrees, clockwise) so that it is upright.
    """
    from PIL import Image, ImageDraw

    pictures = []
    for placed in pages:
        picture = Image.new("L", (round(size[0] * DOTS), round(size[1] * DOTS)), 255)
        pen = ImageDraw.Draw(picture)
        for x, y, text in placed:
            pen.text((x * DOTS, (size[1] - y) * DOTS), text, font=_letters(), fill=0, anchor="ls")
        pictures.append(picture.rotate(turned, expand=True))  # anticlockwise
    file = io.BytesIO()
    pictures[0].save(file, "PDF", resolution=72 * DOTS, save_all=True, append_images=pictures[1:])
    return changed(file.getvalue(), lambda pdf: [page.set_rotation(turned) for page in pdf])


def together(*pdfs: bytes) -> bytes:
    """One PDF of the pages of several."""
    def add(pdf: Any) -> None:
        for other in pdfs[1:]:
            pdf.import_pages(PdfDocument(other))

    return changed(pdfs[0], add)


def changed(data: bytes, change: Callable[[Any], object]) -> bytes:
    """A PDF as it is after a function has worked on it as pdfium's document."""
    with PDFIUM:
        pdf = PdfDocument(data)
        change(pdf)
        file = io.BytesIO()
        pdf.save(file)
        pdf.close()
    return file.getvalue()


def seen_width(text: str) -> float:
    """How wide a text is on a page of `scanned`."""
    return _letters().getlength(text) / DOTS


def _letters() -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(SIZE * DOTS)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
