"""PDFs of three makers for tests: reportlab, fpdf2, and by hand where neither does what is wanted. Points throughout."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

FONT, SIZE = "Helvetica", 12


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
               _stream(f"begincmap 1 begincodespacerange <00> <ff> endcodespacerange {len(meanings or {})} beginbfchar"
                       f" {meaning} endbfchar endcmap")]
    for number, content in enumerate(pages):
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] {page} /Resources << /Font << /F 3 0 R >> >>"
                    f" /Contents {6 + 2 * number} 0 R >>".encode(), _stream(content)]
    file, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + (b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
                   % (len(objects) + 1, table, len(objects) + 1, len(file)))


def _stream(content: str) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content.encode("latin-1"))
