"""Pages that only show their text, read by tesseract: the words, their places, and what happens where it cannot be done."""

from __future__ import annotations

import io
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdfs import by_hand, changed, lines, reportlab, scanned, seen_width, together
from PIL import Image, ImageDraw, ImageFont

from index import ocr, sandbox
from index.build import Progress, Report, remove, sync
from index.errors import FileError, NeedsOcr, SettingsError, SourceChanged
from index.files import read_documents
from index.formats.pdf import PDFIUM
from index.generation import Manifest, _digest, current_id, current_manifest, open_current, rollback
from index.ocr import Ocr, OcrFailed, PageReading, Word
from index.pages import boxes, page_image
from index.sandbox import Limits, Sandbox
from index.types import Document, Section, sha256_text

LEAVE = [(50.0, 200.0, "Staff have 25 days of paid"), (50.0, 184.0, "leave in a year. Others less."),
         (50.0, 120.0, "The ferry sails at nine.")]  # fmt: skip
LEAVE_TEXT = "Staff have 25 days of paid\nleave in a year. Others less.\n\nThe ferry sails at nine."
SHED = [(50.0, 200.0, "The shed is locked at night.")]
TYPED = reportlab(lines((50, 200, "This page holds its text.")))
BLANK = by_hand("")
PICTURE = by_hand("q 0.5 g 100 100 200 100 re f Q")
READ = "was read by OCR: quotes of it are as a machine read it"
NEAR = 3  # points that a box may lie off where its words were drawn

Read = Callable[[bytes], Document]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.pdf"


@pytest.fixture
def read(path: Path) -> Read:
    def read_(data: bytes) -> Document:
        path.write_bytes(data)
        [document] = read_documents(path, "docs/a.pdf", Ocr("eng"))
        return document

    return read_


def span(document: Document, quote: str) -> tuple[int, int]:
    assert document.text.count(quote) == 1, document.text
    start = document.text.index(quote)
    return start, start + len(quote)


def error_of(read: Read, data: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(data)
    return str(caught.value)


# What is read


def test_lines_and_paragraphs_of_a_scan(read: Read) -> None:
    document = read(scanned(LEAVE, SHED))
    assert document.text == f"{LEAVE_TEXT}\f{SHED[0][2]}"
    end = len(LEAVE_TEXT) + 1
    assert document.sections == (Section(0, end, page=1, ocr="eng"), Section(end, len(document.text), page=2, ocr="eng"))
    assert document.notices == ("pages 1-2 were read by OCR: quotes of them are as a machine read them",)


def test_pages_with_text_are_left_to_pdfium_and_blank_ones_alone(path: Path) -> None:
    path.write_bytes(together(TYPED, scanned(SHED), BLANK, PICTURE, TYPED))
    told: list[int] = []
    [document] = read_documents(path, "docs/a.pdf", Ocr("eng", told.append))
    assert document.text == "This page holds its text.\fThe shed is locked at night.\f\f\fThis page holds its text."
    assert [(section.page, section.ocr) for section in document.sections] == [(1, ""), (2, "eng"), (3, ""), (4, ""), (5, "")]
    assert document.notices == (f"page 2 {READ}", "page 4 has no text: OCR finds none")
    assert told == [2, 4]


@pytest.mark.parametrize(("stamp", "scan"), [("12", True), ("- 3/40 -", True), ("Plan 12", False), ("12 40 60", False)])
def test_a_scan_with_a_number_stamped_on_it_is_a_scan(path: Path, stamp: str, scan: bool) -> None:
    picture = Image.new("L", (400, 250), 255)
    ImageDraw.Draw(picture).text((50, 100), "The shed is locked.", font=ImageFont.load_default(24), fill=0)

    def page(canvas: Any, size: tuple[float, float]) -> None:
        canvas.drawInlineImage(picture, 0, 50, *size)
        canvas.drawString(190, 10, stamp)

    def of_size(*size: Any) -> bytes:
        return reportlab(lambda canvas: page(canvas, size))

    path.write_bytes(together(of_size(400, 250), TYPED, of_size(200, 125)))
    [document] = read_documents(path, "a.pdf")
    assert document.text == f"{stamp}\fThis page holds its text.\f{stamp}"
    assert document.notices == (("page 1 has no text: needs OCR",) if scan else ())
    [document] = read_documents(path, "a.pdf", Ocr("eng"))
    assert ("The shed is locked." in document.text) == scan
    assert document.notices == ((f"page 1 {READ}",) if scan else ())
    path.write_bytes(of_size(400, 250))
    if scan:
        with pytest.raises(NeedsOcr):
            read_documents(path, "a.pdf")


def test_it_has_to_be_asked_for(path: Path) -> None:
    path.write_bytes(scanned(SHED))
    with pytest.raises(NeedsOcr) as caught:
        read_documents(path, "a.pdf")
    assert str(caught.value) == (
        "a.pdf: its 1 page holds no text: a scan needs OCR first. Have it read with: pullquote index --ocr")


def test_where_nothing_is_found_the_file_is_told(read: Read) -> None:
    for data in (together(PICTURE, PICTURE), together(BLANK, BLANK)):
        assert error_of(read, data) == (
            "docs/a.pdf: its 2 pages hold no text, and OCR finds none. Scan it anew, or leave it out")


def test_no_more_pages_than_the_limit(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.formats.pdf.MOST_PAGES", 1)
    assert read(scanned(SHED, SHED)).notices == (
        f"page 1 {READ}", "page 2 has no text: OCR reads 1000 pages of a file, no more")


# Text and words of tesseract's table


Line = list[str]
WORDS = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.lists(st.lists(st.lists(WORDS, max_size=4), max_size=3), max_size=3))
def test_every_word_stands_where_it_says(paragraphs: list[list[Line]]) -> None:
    rows = ["a header"]
    for block, written in enumerate(paragraphs, 1):
        rows.append(f"2\t1\t{block}\t0\t0\t0\t0\t0\t90\t90\t-1\t")
        for number, words in enumerate(written, 1):
            rows.append(f"4\t1\t{block}\t1\t{number}\t0\t0\t{block}\t90\t{number}\t-1\t")
            rows += [f"5\t1\t{block}\t1\t{number}\t{at}\t{at}\t5\t1\t1\t96.1\t{word}" for at, word in enumerate(words, 1)]
    reading = ocr._compose("\n".join(rows) + "\n", lambda *box: box, 0.0)
    kept = [(block, number, at, word.strip()) for block, written in enumerate(paragraphs, 1)
            for number, words in enumerate(written, 1) for at, word in enumerate(words, 1) if word.strip()]
    assert [reading.text[word.start : word.end] for word in reading.words] == [word for *_, word in kept]
    assert [(word.box, word.tall) for word in reading.words] == [
        ((at, 5, at + 1, 6), (at, block, at + 1, block + number)) for block, number, at, _ in kept]
    for (before, after), (last, next) in zip(pairwise(kept), pairwise(reading.words), strict=True):
        between = " " if before[:2] == after[:2] else "\n" if before[0] == after[0] else "\n\n"
        assert reading.text[last.end : next.start] == between


def test_what_it_takes_for_a_picture_is_no_word() -> None:
    table = "a header\n4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t95.0\t \n"
    assert ocr._compose(table, lambda *box: box, 0.0) == PageReading("", (), 0.0)


def test_words_that_are_not_in_order_are_no_reading() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    for words in ((Word(0, 3, box, box),), (Word(1, 2, box, box), Word(0, 1, box, box)), (Word(1, 2, box, box),)):
        with pytest.raises(ValueError, match="is not the next of 2 characters"):
            PageReading("ab", words, 0.0)


# Where the words stand


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_quote_over_two_lines_of_a_scan(read: Read, path: Path, turned: int) -> None:
    document = read(scanned(LEAVE, turned=turned))
    assert document.text == LEAVE_TEXT
    [place] = boxes(document, path, *span(document, "25 days of paid\nleave"))
    assert place.page == 1
    wide, high = (400, 300) if turned % 180 == 0 else (300, 400)
    seen = [upright(box, turned, wide, high) for box in place.boxes]
    assert len(seen) == 2
    for (left, bottom, right, top), (before, words, y) in zip(seen, [("Staff have ", "25 days of paid", 200),
                                                                     ("", "leave", 184)], strict=True):
        assert left == pytest.approx(50 + seen_width(before), abs=NEAR)
        assert right == pytest.approx(50 + seen_width(before + words), abs=NEAR)
        assert y - NEAR - 1 <= bottom <= y + 1
        assert y + 7 <= top <= y + 12


def upright(box: tuple[float, ...], turned: int, wide: float, high: float) -> tuple[float, float, float, float]:
    """A box of an unrotated page of this size, as it stands on the page that a reader sees."""
    left, bottom, right, top = box
    return {0: (left, bottom, right, top), 90: (bottom, wide - right, top, wide - left),
            180: (wide - right, high - top, wide - left, high - bottom), 270: (high - top, left, high - bottom, right)}[turned]


def test_a_wide_gap_in_one_line_is_not_coloured(read: Read, path: Path) -> None:
    document = read(scanned([(50, 200, "Rye bread and butter"), (250, 200, "costs 4.20 today")]))
    start, end = span(document, "butter")[0], span(document, "costs")[1]
    [place] = boxes(document, path, start, end)
    assert len(place.boxes) == 2
    assert place.boxes[0][2] == pytest.approx(50 + seen_width("Rye bread and butter"), abs=NEAR)
    assert place.boxes[1][0] == pytest.approx(250, abs=NEAR)


def test_a_quote_of_a_page_that_was_read_and_of_one_that_holds_its_text(read: Read, path: Path) -> None:
    document = read(together(TYPED, scanned(SHED)))
    typed, shown = boxes(document, path, *span(document, "its text.\fThe shed"))
    assert (typed.page, shown.page) == (1, 2)
    assert shown.boxes[0][0] == pytest.approx(50, abs=NEAR)
    assert shown.boxes[0][2] == pytest.approx(50 + seen_width("The shed"), abs=NEAR)


def test_the_picture_of_the_page_has_the_words_marked(read: Read, path: Path) -> None:
    document = read(scanned(LEAVE, turned=90))
    png, [drawn] = page_image(document, path, 1, *span(document, "ferry sails"), scale=2)
    assert Image.open(io.BytesIO(png)).size == (800, 600)
    left, top, right, bottom = (side / 2 for side in drawn)
    assert left == pytest.approx(50 + seen_width("The "), abs=2 * NEAR)
    assert right == pytest.approx(50 + seen_width("The ferry sails"), abs=2 * NEAR)
    assert 300 - 120 - 12 <= top < 300 - 120 < bottom <= 300 - 120 + 9


def test_words_that_are_read_otherwise_are_never_marked(read: Read, path: Path) -> None:
    document = read(scanned(LEAVE))
    text = document.text.replace("25", "26")
    other = replace(document, text=text, text_sha256=sha256_text(text))
    with pytest.raises(SourceChanged, match=r"the page reads otherwise than when docs/a\.pdf was indexed"):
        boxes(other, path, *span(other, "26 days"))


def test_a_page_that_is_not_got_through_is_not_shown(read: Read, path: Path, broken: Path) -> None:
    document = read(scanned(SHED))
    os.environ["PATH"] = f"{broken}{os.pathsep}{os.environ['PATH']}"
    with pytest.raises(FileError, match=r"its pages cannot be shown: OCR did not get through the page"):
        boxes(document, path, 0, 8)


# Limits


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program of that name that always fails; PATH is put back in the end."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    return program(tmp_path / "broken", "exit 1")


def program(folder: Path, does: str) -> Path:
    folder.mkdir()
    (folder / "tesseract").write_text(f"#!/bin/sh\n{does}\n")
    (folder / "tesseract").chmod(0o755)
    return folder


@pytest.mark.parametrize(("size", "pixels"), [((14400, 14400), (4473, 4473)), ((14400, 2), (32000, 5)),
                                              ((400, 300), (1667, 1250))])
def test_no_page_is_drawn_too_large(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], pixels: tuple[int, int]) -> None:
    drawn: list[tuple[int, int]] = []

    def run(picture: bytes, languages: str, dpi: int) -> str:
        drawn.append(Image.open(io.BytesIO(picture)).size)
        assert dpi == round(72 * pixels[0] / size[0])
        return ""

    monkeypatch.setattr(ocr, "_run", run)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    data = changed(PICTURE, lambda pdf: pdf[0].set_mediabox(0, 0, *size))
    with PDFIUM:
        pdf = pypdfium2.PdfDocument(data)
        assert ocr.read_page(pdf[0], "eng").text == ""
        pdf.close()
    assert drawn == [pixels]
    assert math.prod(pixels) <= 1.001 * ocr.MAX_PIXELS


def test_a_huge_page_is_read_within_the_limits(path: Path) -> None:
    path.write_bytes(together(scanned(SHED), changed(scanned(SHED), lambda pdf: pdf[0].set_mediabox(0, 0, 14400, 14400))))
    with Sandbox(ocr="eng") as opened:
        [document] = opened.read_documents(path, "a.pdf")
    assert document.text.startswith("The shed is locked at night.\f")
    assert document.notices[0].startswith("page 1 was read by OCR")


def test_a_page_that_takes_too_long_is_told(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "PAGE_SECONDS", 0.001)
    data = together(TYPED, scanned(SHED))
    document = read(data)
    assert document.text == "This page holds its text.\f"
    assert document.notices == ("page 2 has no text: OCR does not get through it (limits: 60 s, memory)",)
    with PDFIUM:
        pdf = pypdfium2.PdfDocument(data)
        with pytest.raises(OcrFailed):
            ocr.read_page(pdf[1], "eng")
        pdf.close()


def test_a_program_that_fails_is_told(read: Read, broken: Path) -> None:
    os.environ["PATH"] = f"{broken}{os.pathsep}{os.environ['PATH']}"
    data = together(TYPED, scanned(SHED), scanned(SHED))
    assert read(data).notices == ("pages 2-3 have no text: OCR does not get through them (limits: 60 s each, memory)",)
    assert error_of(read, scanned(SHED)).startswith(
        "docs/a.pdf: its 1 page holds no text, and OCR does not get through (limits: 60 s a page, memory). ")


def test_the_program_has_the_limits_of_the_worker(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says = r"""printf 'head\n4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t95\t%s\n'"""
    does = f"{says} \"$* threads $OMP_THREAD_LIMIT memory $(ulimit -d) file $(ulimit -f) time $(ulimit -t)\""
    path.write_bytes(scanned(SHED))
    monkeypatch.setenv("PATH", f"{program(tmp_path / 'telling', does)}{os.pathsep}{os.environ['PATH']}")
    with Sandbox(Limits(memory_mb=1024), ocr="deu+eng") as opened:
        [document] = opened.read_documents(path, "a.pdf")
    memory = "unlimited" if sys.platform == "darwin" else "1000000"  # KiB; it enforces none
    assert document.text == f"- - -l deu+eng --dpi 300 tsv threads 1 memory {memory} file 0 time 60"


# In the worker


def test_in_the_worker_it_is_the_same(path: Path) -> None:
    path.write_bytes(together(scanned(LEAVE), TYPED, PICTURE))
    told: list[int] = []
    with Sandbox(ocr="eng") as opened:
        assert opened.read_documents(path, "docs/a.pdf", told.append) == read_documents(path, "docs/a.pdf", Ocr("eng"))
        path.write_bytes(PICTURE)
        with pytest.raises(FileError, match="OCR finds none"):
            opened.read_documents(path, "docs/a.pdf")
    assert told == [1, 3]
    with Sandbox() as opened, pytest.raises(NeedsOcr):
        opened.read_documents(path, "docs/a.pdf")


def test_the_program_ends_with_the_worker(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(scanned(SHED))
    monkeypatch.setenv("PATH", f"{program(tmp_path / 'slow', 'sleep 600')}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sandbox, "PAGE_SECONDS", 1)
    told: list[int] = []
    with Sandbox(Limits(seconds=20), ocr="eng") as opened:
        def tell(page: int) -> None:
            assert opened._worker
            told.append(opened._worker._process.pid)
            opened._limits = opened._worker._limits = Limits(seconds=0.5)

        with pytest.raises(FileError, match=r"reading it took longer than 0\.5 seconds, the limit"):
            opened.read_documents(path, "a.pdf", tell)
    assert gone(*told)


def test_whoever_is_told_of_a_page_may_end_it(path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(page: int) -> None:
        raise Stopped

    path.write_bytes(scanned(SHED))
    with Sandbox(ocr="eng") as opened:
        with pytest.raises(Stopped):
            opened.read_documents(path, "a.pdf", stop)
        assert opened.read_documents(path, "a.pdf")[0].text == SHED[0][2]


def gone(group: int) -> bool:
    """Whether no process of a group is left."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


# In a library


@pytest.fixture
def index(home: Path, encoder: Any) -> Callable[..., Report]:
    """Bring the library up to date; `pages` of the report's progress are those that OCR read."""
    def index_(*paths: Path, **more: Any) -> Report:
        return sync(home, paths, encoder=encoder, **more)

    return index_


def pages_read(told: list[Progress]) -> list[tuple[str, int]]:
    return [(step.source, step.page) for step in told if step.page]


def texts(home: Path) -> dict[str, str]:
    store = open_current(home)
    try:
        return {info.source: store.document(info.document_id).text for info in store.sources()}
    finally:
        store.close()


def test_it_is_remembered_and_nothing_is_read_twice(docs: Path, home: Path, index: Callable[..., Report]) -> None:
    (docs / "a.pdf").write_bytes(together(TYPED, scanned(SHED)))
    (docs / "b.txt").write_text("A text.")
    told: list[Progress] = []
    report = index(docs, ocr="eng", progress=told.append)
    assert pages_read(told) == [("docs/a.pdf", 2)]
    assert [str(notice) for notice in report.notices] == [f"docs/a.pdf: page 2 {READ}"]
    assert texts(home)["docs/a.pdf"] == "This page holds its text.\fThe shed is locked at night."
    store = open_current(home)
    assert [section.ocr for section in store.document(store.sources()[0].document_id).sections] == ["", "eng"]
    assert [info.pages for info in store.sources()] == [2, None]
    store.close()

    told.clear()
    assert index(progress=told.append).generation == report.generation
    (docs / "c.pdf").write_bytes(scanned(LEAVE))
    (docs / "a.pdf").rename(docs / "d.pdf")
    report = index(progress=told.append)
    assert pages_read(told) == [("docs/c.pdf", 1)]
    assert set(report.added) == {"docs/c.pdf", "docs/d.pdf"}
    assert texts(home)["docs/c.pdf"] == LEAVE_TEXT


def test_the_same_files_make_the_same_library_whenever_it_was_asked_for(docs: Path, tmp_path: Path, home: Path, encoder: Any,
                                                                        index: Callable[..., Report]) -> None:
    (docs / "a.pdf").write_bytes(together(TYPED, scanned(SHED)))
    (docs / "b.pdf").write_bytes(scanned(LEAVE))
    (docs / "c.txt").write_text("A text.")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "d.txt").write_text("Another.")
    without, with_it = tmp_path / "without", tmp_path / "with"
    both = [docs, tmp_path / "more"]
    assert [error.source for error in sync(without, both, encoder=encoder).skipped] == ["docs/b.pdf"]
    sync(with_it, both, encoder=encoder, ocr="eng")

    index(*both)
    report = index(tmp_path / "more", ocr="eng")  # one place is named, and the setting is that of all
    assert (report.added, report.updated, report.unchanged) == (("docs/b.pdf",), ("docs/a.pdf",), 2)
    assert texts(home) == texts(with_it)
    report = index(ocr="")
    assert (report.updated, report.removed, report.unchanged) == (("docs/a.pdf",), ("docs/b.pdf",), 2)
    assert [str(error) for error in report.skipped] == [
        "docs/b.pdf: its 1 page holds no text: a scan needs OCR first. Have it read with: pullquote index --ocr"]
    assert texts(home) == texts(without)
    assert (current_manifest(home).ocr, current_manifest(with_it).ocr) == ("", "eng")


def test_a_scan_in_which_nothing_is_found_is_read_once(docs: Path, home: Path, index: Callable[..., Report], encoder: Any,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = Sandbox.read_documents

    def reading(opened: Sandbox, path: Path, source: str, *more: Any) -> list[Document]:
        read.append(source)
        return whole(opened, path, source, *more)

    def index_again(*paths: Path, **more: Any) -> tuple[list[str], list[str], Report]:
        """What was read, what is said of what was skipped, and the report."""
        read.clear()
        report = index(*paths, **more)
        return sorted(read), [str(error) for error in report.skipped], report

    monkeypatch.setattr(Sandbox, "read_documents", reading)
    found_none = "docs/{}: its 1 page holds no text, and OCR finds none. Scan it anew, or leave it out"
    (docs / "a.pdf").write_bytes(scanned([]))
    (docs / "b.txt").write_text("A text.")
    seen, told, first = index_again(docs, ocr="eng")
    assert (seen, told) == (["docs/a.pdf", "docs/b.txt"], [found_none.format("a.pdf")])
    seen, told, report = index_again()
    assert (seen, told, report.generation) == ([], [found_none.format("a.pdf")], first.generation)

    os.utime(docs / "a.pdf", ns=(0, 0))
    (docs / "c.pdf").write_bytes((docs / "a.pdf").read_bytes())
    assert index_again()[:2] == ([], [found_none.format("a.pdf"), found_none.format("c.pdf")])
    (docs / "a.pdf").unlink()
    (docs / "d.txt").write_text("Another.")
    assert index_again()[:2] == (["docs/d.txt"], [found_none.format("c.pdf")])
    (docs / "e.txt").write_text("One more.")  # beside a copy of the index
    assert index_again()[:2] == (["docs/e.txt"], [found_none.format("c.pdf")])
    assert index_again(rebuild=True)[0] == ["docs/b.txt", "docs/c.pdf", "docs/d.txt", "docs/e.txt"]

    needs = "docs/c.pdf: its 1 page holds no text: a scan needs OCR first. Have it read with: pullquote index --ocr"
    assert index_again(ocr="")[:2] == (["docs/c.pdf"], [needs])
    seen, told, report = index_again()
    assert (seen, told, [type(error) for error in report.skipped]) == ([], [needs], [NeedsOcr])
    assert index_again(ocr="eng")[:2] == (["docs/c.pdf"], [found_none.format("c.pdf")])
    (docs / "c.pdf").write_bytes(scanned(SHED))
    assert index_again()[:2] == (["docs/c.pdf"], [])

    (docs / "f.pdf").write_bytes(scanned([]))
    assert index_again()[:2] == (["docs/f.pdf"], [found_none.format("f.pdf")])
    assert "docs/f.pdf" in [record.source for record in open_current(home).catalog.files]
    remove(home, ["docs"], encoder=encoder)
    assert list(open_current(home).catalog.files) == []


def test_where_reading_did_not_come_to_an_end_it_is_tried_again(docs: Path, index: Callable[..., Report],
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "a.pdf").write_bytes(scanned(SHED))
    with pytest.MonkeyPatch.context() as without:
        without.setattr(Sandbox, "read_documents", _fails)
        assert [str(error) for error in index(docs, ocr="eng").skipped] == ["docs/a.pdf: OCR did not get through"]
    assert index().added == ("docs/a.pdf",)


def _fails(_: Sandbox, path: Path, source: str, tell: Callable[[int], None]) -> list[Document]:
    raise FileError(source, "OCR did not get through")


def test_a_version_that_holds_its_text_stays_where_reading_it_anew_fails(docs: Path, home: Path, encoder: Any,
                                                                         index: Callable[..., Report]) -> None:
    (docs / "a.pdf").write_bytes(together(TYPED, scanned(SHED)))
    index(docs)
    (docs / "a.pdf").write_bytes(b"%PDF-1.4 damaged")
    report = index(ocr="eng")
    assert [error.message.rpartition(" (")[2] for error in report.skipped] == ["the version indexed before stays)"]
    assert texts(home) == {"docs/a.pdf": "This page holds its text.\f"}


def test_removing_leaves_it_and_going_back_brings_it_back(docs: Path, home: Path, encoder: Any,
                                                          index: Callable[..., Report]) -> None:
    (docs / "a.pdf").write_bytes(scanned(SHED))
    (docs / "b.txt").write_text("A text.")
    index(docs, ocr="eng")
    remove(home, ["docs/b.txt"], encoder=encoder)
    assert current_manifest(home).ocr == "eng"
    index(ocr="")
    assert current_manifest(home).ocr == ""
    rollback(home)
    assert current_manifest(home).ocr == "eng"
    assert texts(home) == {"docs/a.pdf": SHED[0][2]}


def test_nothing_is_changed_where_the_program_is_missing(docs: Path, home: Path, index: Callable[..., Report],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "a.txt").write_text("A text.")
    index(docs)
    before = current_id(home)
    (docs / "b.txt").write_text("Another.")
    with pytest.MonkeyPatch.context() as without:
        without.setenv("PATH", str(docs))
        with pytest.raises(SettingsError) as caught:
            index(ocr="eng")
    assert str(caught.value) == (
        "OCR is asked for, and there is no program tesseract on the PATH. Install it (Debian, Ubuntu: apt install"
        " tesseract-ocr; macOS: brew install tesseract), or go on without: pullquote index --no-ocr")
    assert (current_id(home), current_manifest(home).ocr) == (before, "")
    index(ocr="eng")
    monkeypatch.setenv("PATH", str(docs))
    before = current_id(home)
    with pytest.raises(SettingsError, match="OCR is asked for"):
        index()
    assert current_id(home) == before
    index(ocr="")
    assert current_manifest(home).ocr == ""


@pytest.mark.parametrize("languages", ["xx_yy", "eng+xx_yy", "eng+"])
def test_a_language_that_is_not_there(docs: Path, index: Callable[..., Report], languages: str) -> None:
    (docs / "a.txt").write_text("A text.")
    with pytest.raises(SettingsError) as caught:
        index(docs, ocr=languages)
    missing = languages.removeprefix("eng+")
    assert caught.value.message.startswith(f"tesseract does not have the language {missing!r} of {languages!r}; it has ")
    assert "eng" in caught.value.message.partition("; it has ")[2]
    if missing:
        assert "apt install tesseract-ocr-xx-yy" in caught.value.remedy


def test_a_manifest_from_before_it_knew_of_ocr_is_read(docs: Path, home: Path, index: Callable[..., Report]) -> None:
    (docs / "a.txt").write_text("A text.")
    index(docs)
    made = current_manifest(home)
    fields = orjson.loads(made.json())
    del fields["ocr"], fields["sha256"]
    assert Manifest.parse(orjson.dumps({**fields, "sha256": _digest(fields)}), "there") == made
