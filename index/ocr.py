"""Reading what a page only shows, by Debian's tesseract: a program of its own, which has to be asked for.

The same program reads the same page again to tell where its words stand; whoever asks compares the text.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from index.errors import SettingsError

PROGRAM = "tesseract"
DPI = 300  # what a page is drawn with; a page that would then have more than so many pixels is drawn smaller
MAX_PIXELS = 20_000_000  # A3 has 17.4 million
MAX_SIDE = 32_000  # pixels: tesseract takes no more
PAGE_SECONDS = 60  # for one page; most take 1 to 5
MOST_PAGES = 1000  # of one file

Box = tuple[float, float, float, float]  # left, bottom, right, top in PDF points: as in the file, before it is rotated


@dataclass(frozen=True, slots=True)
class Ocr:
    """How pages without text are to be read: tesseract's languages ("deu+eng"), and who hears which page is next."""

    languages: str
    tell: Callable[[int], None] = lambda page: None


class OcrFailed(Exception):
    """The program did not come to an end with a page, within its limits."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word [start, end) of a page's text: its box, and that box as high (in the reading direction) as its line."""

    start: int
    end: int
    box: Box
    tall: Box


@dataclass(frozen=True, slots=True)
class PageReading:
    """The text that is read on a page, and where each of its words stands; `angle` (radians) is how lines run on the page."""

    text: str
    words: tuple[Word, ...]
    angle: float

    def __post_init__(self) -> None:
        position = 0
        for word in self.words:
            if not position <= word.start < word.end <= len(self.text) or self.text[position : word.start].strip():
                raise ValueError(f"the word [{word.start}, {word.end}) is not the next of {len(self.text)} characters")
            position = word.end

    def places(self, start: int, end: int) -> Iterator[tuple[Box, Box, float]]:
        """Of each word that has characters in [start, end): the line's height at its place, its own box, and the angle."""
        return ((word.tall, word.box, self.angle) for word in self.words if word.start < end and start < word.end)


def require(languages: str) -> None:
    """Raise SettingsError unless the program is there and has these languages."""
    program = shutil.which(PROGRAM)
    if not program:
        raise SettingsError(f"OCR is asked for, and there is no program {PROGRAM} on the PATH",
                            "Install it (Debian, Ubuntu: apt install tesseract-ocr; macOS: brew install tesseract), or go on"
                            " without: pullquote index --no-ocr")
    listed = subprocess.run([program, "--list-langs"], capture_output=True, check=False).stdout.decode("utf-8", "replace")
    there = listed.split("\n")[1:]
    for language in languages.split("+"):
        if not language or language not in there:
            raise SettingsError(f"{PROGRAM} does not have the language {language!r} of {languages!r}; it has"
                                f" {', '.join(filter(None, there)) or 'none'}",
                                f"Install it (Debian, Ubuntu: apt install tesseract-ocr-{language.replace('_', '-')}), or set"
                                " ocr_language (PULLQUOTE_OCR_LANGUAGE) to another and run: pullquote index --ocr")


def read_page(page: Any, languages: str) -> PageReading:
    """What tesseract reads on a pdfium page as it is shown, drawn with `DPI`. Raises OcrFailed.

    Words of a line are joined by a space, lines by a line end, blocks and paragraphs by an empty line. Used under
    `index.formats.pdf.PDFIUM`.
    """
    import pypdfium2

    width, height = page.get_size()
    scale = min(DPI / 72, math.sqrt(MAX_PIXELS / (width * height)), MAX_SIDE / max(width, height))
    try:
        bitmap = page.render(scale=scale, grayscale=True)
    except pypdfium2.PdfiumError as problem:
        raise OcrFailed from problem
    picture = io.BytesIO()
    bitmap.to_pil().convert("L").save(picture, "PPM")
    to_page = bitmap.get_posconv(page).to_page

    def on_page(left: int, top: int, right: int, bottom: int) -> Box:
        (x0, x1), (y0, y1) = map(sorted, zip(to_page(left, top), to_page(right, bottom), strict=True))
        return x0, y0, x1, y1

    return _compose(_run(picture.getvalue(), languages, round(72 * scale)), on_page, math.radians(page.get_rotation()))


def _run(picture: bytes, languages: str, dpi: int) -> str:
    """tesseract's table of what it sees in a picture."""
    command = [PROGRAM, "-", "-", "-l", languages, "--dpi", str(max(70, dpi)), "tsv"]  # it takes no smaller number
    try:
        done = subprocess.run(command, input=picture, capture_output=True, check=False, timeout=PAGE_SECONDS,
                              env={**os.environ, "OMP_THREAD_LIMIT": "1"}, preexec_fn=_limit)
    except subprocess.TimeoutExpired as problem:
        raise OcrFailed from problem
    if done.returncode:
        raise OcrFailed
    return done.stdout.decode("utf-8", "replace")


def _limit() -> None:
    """What outlives its limit of time, because whoever watched over it was ended, ends all the same."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        most = math.ceil(PAGE_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def _compose(table: str, on_page: Callable[[int, int, int, int], Box], angle: float) -> PageReading:
    """The text and its words.

    A row of the table is: level (4 a line, 5 a word), page, block, paragraph, line, word, left, top, width, height,
    confidence, text.
    """
    text, words = "", list[Word]()
    place: list[str] = []  # block, paragraph and line of the last word
    line_top = line_bottom = 0
    for row in table.split("\n")[1:]:
        cells = row.rstrip("\r").split("\t", 11)
        if len(cells) < 12:
            continue
        left, top, width, height = map(int, cells[6:10])
        if cells[0] == "4":
            line_top, line_bottom = top, top + height
        word = cells[11].strip()
        if cells[0] != "5" or not word:  # what it takes for a picture is a word of one space
            continue
        if words:
            text += " " if cells[2:5] == place else "\n" if cells[2:4] == place[:2] else "\n\n"
        place = cells[2:5]
        words.append(Word(len(text), len(text) + len(word), on_page(left, top, left + width, top + height),
                          on_page(left, line_top, left + width, line_bottom)))
        text += word
    return PageReading(text, tuple(words), angle)
