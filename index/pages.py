"""Where a quote stands on the pages of its PDF, and a picture of a page with the quote highlighted.

Both are worked out by a process of their own, with limits: pdfium is not made for several threads, and the file comes from
anywhere. Nothing is searched for. A character's place in `Document.text` gives its page and its position in that page's
text, pdfium gives the box of the character at that position, and the words there have to be those of the document. A page
that OCR read is read by it again, which gives the boxes of the words.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index import ocr
from index.errors import FileError, InputError, SourceChanged, SourceGone
from index.formats.pdf import MEDIA_TYPE
from index.process import command, limit
from index.types import Document, check_span

if TYPE_CHECKING:
    from index.formats.pdf import PageText
    from index.ocr import PageReading

Box = tuple[float, float, float, float]  # left, bottom, right, top, in PDF points: as in the file, before it is rotated

SCALES = (0.25, 4.0)  # pixels for each PDF point
MAX_PIXELS = 8_000_000  # a larger picture is drawn smaller
SECONDS = 20  # besides what OCR may take for each page
MEMORY = 2_000_000_000  # bytes
AT_ONCE = 2

_HIGHLIGHT = (253, 230, 138)  # what is white becomes this; what is black stays black
_EDGE = (180, 83, 9)
_GAP = 2  # times its height: a wider gap within a line ends a box (columns, cells of a table)

_running = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a span that stands on one page (from 1): its boxes, one a line, in PDF points."""

    page: int
    boxes: tuple[Box, ...]


def pages_of(document: Document, start: int, end: int) -> list[int]:
    """The pages of a PDF on which a span of its text stands; none for another kind of document."""
    return [page for page, *_ in _parts(document, start, end)]


def boxes(document: Document, file: Path, start: int, end: int) -> tuple[Place, ...]:
    """Where the characters [start, end) of a PDF's text stand, page by page.

    Raises SourceGone or SourceChanged where `file` is not what the document was read from any more, InputError where the
    document is no PDF, FileError where it cannot be done within the limits.
    """
    told, _ = _in_process(document, file, {"parts": _parts_of_pdf(document, start, end)})
    return tuple(Place(page, tuple(tuple(box) for box in found)) for page, found in told["places"])


def page_image(document: Document, file: Path, page: int, start: int, end: int, scale: float = 2.0) -> tuple[bytes, list[Box]]:
    """A page as PNG, the part of the span [start, end) that stands on it highlighted, `scale` pixels for a point.

    With it come the boxes drawn, in pixels from the top left: (left, top, right, bottom). Raises what `boxes` does.
    """
    if not SCALES[0] <= scale <= SCALES[1]:
        raise InputError(f"the scale is {scale:g}; it lies between {SCALES[0]:g} and {SCALES[1]:g}", "Ask for one of these")
    parts = [part for part in _parts_of_pdf(document, start, end) if part[0] == page]
    if not parts:
        raise InputError(f"the quote does not stand on page {page}", "Ask for the page that its citation names")
    told, png = _in_process(document, file, {"parts": parts, "scale": scale})
    return png, [tuple(box) for box in told["drawn"]]


_Part = tuple[int, int, str, str]  # page, position in its text, the words there, the languages of OCR or ""


def _parts(document: Document, start: int, end: int) -> Iterator[_Part]:
    for section in document.sections if document.media_type == MEDIA_TYPE else ():
        low, high = max(start, section.start), min(end, section.end)
        words = document.text[low:high].rstrip("\f")  # which ends the page, and is not on it
        if words and section.page:
            yield section.page, low - section.start, words, section.ocr


def _parts_of_pdf(document: Document, start: int, end: int) -> list[_Part]:
    check_span(start, end, len(document.text), document.source)
    if document.media_type != MEDIA_TYPE:
        raise InputError(f"{document.source} is no PDF and has no pages to show", "Read the quote in the text")
    return list(_parts(document, start, end))


# --- this side asks ---


def _in_process(document: Document, file: Path, task: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What `_answer` says to the task, and the bytes that follow it."""
    order = json.dumps({"path": str(file), "sha256": document.file_sha256, **task})
    seconds = SECONDS + ocr.PAGE_SECONDS * sum(bool(languages) for *_, languages in task["parts"])
    with _running:
        try:
            done = subprocess.run(command("index.pages", "serve"), input=order.encode(), capture_output=True, timeout=seconds,
                                  check=False)
        except subprocess.TimeoutExpired:
            raise _cannot(document, f"after {seconds:g} s it was not finished") from None
    head, _, rest = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise _cannot(document, f"the process ended with code {done.returncode}")
    told: dict[str, Any] = json.loads(head)
    match told.get("problem"):
        case None:
            return told, rest
        case "gone":
            raise SourceGone(f"the file of {document.source} is no longer where it was indexed", "Index again: pullquote index")
        case "changed":
            raise SourceChanged(f"the file of {document.source} has changed since it was indexed",
                                "Index again, then ask again")
        case "reads otherwise":
            raise SourceChanged(f"the page reads otherwise than when {document.source} was indexed",
                                "Index everything anew with: pullquote index --rebuild")
        case problem:
            raise _cannot(document, str(problem))


def _cannot(document: Document, why: str) -> FileError:
    return FileError(document.source, f"its pages cannot be shown: {why}", "Read the quote in the text, or open the file")


# --- that side answers ---


def _answer(order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    import pypdfium2

    from index.formats.fields import arranged, open_page, with_fields
    from index.formats.pdf import PageText

    try:
        data = Path(order["path"]).read_bytes()
    except OSError:
        return {"problem": "gone"}, b""
    if hashlib.sha256(data).hexdigest() != order["sha256"]:
        return {"problem": "changed"}, b""
    pdf = pypdfium2.PdfDocument(data)
    places = []
    for number, offset, words, languages in order["parts"]:
        with with_fields(pdf, number, open_page(pdf, number)) as (page, besides):
            try:
                text = ocr.read_page(page, languages) if languages else PageText(arranged(page) if besides.set_in else page)
            except ocr.OcrFailed:
                return {"problem": "OCR did not get through the page"}, b""
            if not _reads(text.text[offset : offset + len(words)], words):
                return {"problem": "reads otherwise"}, b""
            lines = _lines(text, offset, offset + len(words))
            if "scale" in order:
                drawn, png = _draw(page, order["scale"], lines)
                return {"drawn": drawn}, png
            places.append((number, lines))
    return {"places": places}, b""


def _reads(text: str, words: str) -> bool:
    """Whether a page's text is that of the document, in which what cannot be stored was replaced one for one."""
    return len(text) == len(words) and all(here in (there, "\ufffd") for there, here in zip(text, words, strict=True))


def _lines(text: PageText | PageReading, start: int, end: int) -> list[Box]:
    """The boxes of the characters, or words, in [start, end) of a page's text, joined where they stand in one line."""
    lines: list[tuple[Box, Box, float]] = []  # as tall as the font, as tall as the ink, and the text's direction
    for tall, ink, angle in text.places(start, end):
        last = lines[-1] if lines else None
        if last and last[2] == angle and _in_line(last[0], tall, angle):
            lines[-1] = _around(last[0], tall), _around(last[1], ink), angle
        else:
            lines.append((tall, ink, angle))
    return [ink for _, ink, _ in lines]


def _in_line(line: Box, box: Box, angle: float) -> bool:
    """Whether a character goes on with a line: level with it, and no wide gap between. Slanted text is never joined."""
    along, across = ((0, 2), (1, 3)) if abs(math.sin(angle)) < 0.01 else ((1, 3), (0, 2))
    if min(abs(math.sin(angle)), abs(math.cos(angle))) > 0.01:
        return False
    height = min(side[across[1]] - side[across[0]] for side in (line, box))
    level = min(line[across[1]], box[across[1]]) - max(line[across[0]], box[across[0]])
    gap = max(line[along[0]], box[along[0]]) - min(line[along[1]], box[along[1]])
    return level >= height / 2 and gap <= _GAP * height


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _draw(page: Any, scale: float, lines: Sequence[Box]) -> tuple[list[Box], bytes]:
    """The page as PNG with the boxes coloured like a marker does it, and where they lie in it."""
    from PIL import Image, ImageChops, ImageDraw

    width, height = page.get_size()
    bitmap = page.render(scale=min(scale, math.sqrt(MAX_PIXELS / (width * height))))
    to_pixels = bitmap.get_posconv(page).to_bitmap
    picture = bitmap.to_pil().convert("RGB")
    paper = Image.new("RGB", picture.size, "white")
    pen = ImageDraw.Draw(paper)
    drawn: list[Box] = []
    for left, bottom, right, top in lines:
        (x0, x1), (y0, y1) = map(sorted, zip(to_pixels(left, bottom), to_pixels(right, top), strict=True))
        margin = 0.15 * min(x1 - x0, y1 - y0) + 1
        box = (max(0.0, x0 - margin), max(0.0, y0 - margin), min(picture.width - 1.0, x1 + margin),
               min(picture.height - 1.0, y1 + margin))
        if box[0] < box[2] and box[1] < box[3]:  # else it lies outside of what is shown of the page
            drawn.append(box)
    for box in drawn:
        pen.rectangle(box, fill=_HIGHLIGHT, outline=_EDGE)
    file = io.BytesIO()
    ImageChops.multiply(picture, paper).save(file, "PNG")
    return drawn, file.getvalue()


def serve() -> None:
    """The process: do the task that comes by standard input, and end."""
    seconds = SECONDS, max(SECONDS, ocr.PAGE_SECONDS)  # OCR, a process too, has its own
    limit({resource.RLIMIT_CPU: seconds, resource.RLIMIT_AS: (MEMORY, MEMORY)})
    try:
        told, rest = _answer(json.loads(sys.stdin.buffer.read()))
    except Exception as problem:  # whatever a strange file makes a library raise
        told, rest = {"problem": " ".join(str(problem).split()) or type(problem).__name__}, b""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + rest)

