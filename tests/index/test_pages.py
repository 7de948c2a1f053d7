"""Where quotes stand on the pages of PDFs: compared with where their makers put them, not with what pdfium says."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdfs import SIZE, by_hand, changed, fpdf, lines, reportlab, width
from PIL import Image, ImageChops
from pypdfium2 import raw

from index import pages
from index.errors import FileError, InputError, SourceChanged, SourceGone
from index.files import read_documents
from index.formats.pdf import PDFIUM, PageText
from index.pages import Place, boxes, page_image, pages_of
from index.types import Document, sha256_text

INK = 3  # points that ink may lie within, or stand out of, the place that a maker gives to a text
ASCENT, DESCENT = 9, 3  # of a font of 12 points

Made = tuple[Document, Path]
Make = Callable[[bytes], Made]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make_(data: bytes) -> Made:
        path = tmp_path / "a.pdf"
        path.write_bytes(data)
        [document] = read_documents(path, "docs/a.pdf")
        return document, path

    return make_


def span(document: Document, quote: str) -> tuple[int, int]:
    assert document.text.count(quote) == 1, document.text
    start = document.text.index(quote)
    return start, start + len(quote)


def find(made: Made, quote: str) -> tuple[Place, ...]:
    return boxes(*made, *span(made[0], quote))


def assert_lies(box: tuple[float, ...], x0: float, x1: float, baseline: float) -> None:
    """That a box holds the ink of a text from x0 to x1 on a level baseline."""
    left, bottom, right, top = box
    assert abs(left - x0) <= INK, (box, x0)
    assert abs(right - x1) <= INK, (box, x1)
    assert baseline - DESCENT - 1 <= bottom <= baseline + 1, (box, baseline)
    assert baseline + 4 <= top <= baseline + ASCENT + 2, (box, baseline)


# Two makers: what is quoted stands where it was put


@pytest.mark.parametrize("maker", ["reportlab", "fpdf2"])
def test_a_quote_over_two_lines(make: Make, maker: str) -> None:
    placed = [(50.0, 200.0, "Staff have 25 days of paid"), (50.0, 184.0, "leave in a year. Others less.")]
    made = make(reportlab(lines(*placed)) if maker == "reportlab" else fpdf(placed))
    [place] = find(made, "25 days of paid\r\nleave in a year.")
    assert place.page == 1
    first, second = place.boxes
    assert_lies(first, 50 + width("Staff have "), 50 + width("Staff have 25 days of paid"), 200)
    assert_lies(second, 50, 50 + width("leave in a year."), 184)


@pytest.mark.parametrize("maker", ["reportlab", "fpdf2"])
def test_a_word_broken_by_a_hyphen(make: Make, maker: str) -> None:
    placed = [(50.0, 200.0, "The quick exam-"), (50.0, 184.0, "ple of a co-operation.")]
    made = make(reportlab(lines(*placed)) if maker == "reportlab" else fpdf(placed))
    [place] = find(made, "exam\u00adple")
    assert_lies(place.boxes[0], 50 + width("The quick "), 50 + width("The quick exam-"), 200)
    assert_lies(place.boxes[1], 50, 50 + width("ple"), 184)
    [place] = find(made, "co-operation")
    assert_lies(place.boxes[0], 50 + width("ple of a "), 50 + width("ple of a co-operation"), 184)


@pytest.mark.parametrize("maker", ["reportlab", "fpdf2"])
def test_two_columns_between_header_and_footer(make: Make, maker: str) -> None:
    placed = [(50.0, 280.0, "Annual Report"),
              (50.0, 200.0, "The left column"), (50.0, 184.0, "ends here and"),
              (220.0, 200.0, "goes on in the right"), (220.0, 184.0, "one to its end."),
              (190.0, 20.0, "page 1")]
    made = make(reportlab(lines(*placed)) if maker == "reportlab" else fpdf(placed))
    start, _ = span(made[0], "ends here")
    _, end = span(made[0], "goes on")
    [place] = boxes(*made, start, end)
    assert len(place.boxes) == 2
    assert_lies(place.boxes[0], 50, 50 + width("ends here and"), 184)
    assert_lies(place.boxes[1], 220, 220 + width("goes on"), 200)
    for quote, x, y in (("Annual Report", 50, 280), ("page 1", 190, 20)):
        [place] = find(made, quote)
        assert_lies(place.boxes[0], x, x + width(quote), y)


def test_a_wide_gap_in_one_line_is_not_coloured(make: Make) -> None:
    made = make(reportlab(lines((50, 200, "Rye"), (300, 200, "4.20"))))
    [place] = boxes(*made, 0, len(made[0].text))
    assert_lies(place.boxes[0], 50, 50 + width("Rye"), 200)
    assert_lies(place.boxes[1], 300, 300 + width("4.20"), 200)


def test_a_quote_over_two_pages(make: Make) -> None:
    made = make(reportlab(lines((50, 40, "It begins here")), lines((50, 260, "and ends there. More."))))
    document, _ = made
    quote = "begins here\fand ends there."
    assert pages_of(document, *span(document, quote)) == [1, 2]
    first, second = find(made, quote)
    assert (first.page, second.page) == (1, 2)
    assert_lies(first.boxes[0], 50 + width("It "), 50 + width("It begins here"), 40)
    assert_lies(second.boxes[0], 50, 50 + width("and ends there."), 260)
    assert pages_of(document, *span(document, "It begins")) == [1]


LIGATURES = "/Encoding << /Type /Encoding /Differences [1 /fi /fl /foo] >>"


def test_ligatures_are_read_as_letters_and_keep_their_place(make: Make) -> None:
    made = make(by_hand("BT /F 12 Tf 50 200 Td (An of\001ce on the second \002oor. Then more.) Tj ET", font=LIGATURES))
    assert made[0].text == "An office on the second floor. Then more."
    [place] = find(made, "Then more.")
    [box] = place.boxes
    start = 50 + width("An ofce on the second oor. ") + 2 * 6  # Helvetica's fi and fl are half an em wide
    assert_lies(box, start, start + width("Then more."), 200)


def test_glyphs_without_a_meaning_shift_nothing(make: Make) -> None:
    made = make(by_hand("BT /F 12 Tf 50 200 Td (Five\000\000\000 days of leave.) Tj 0 -20 Td (Ten.) Tj ET"))
    assert made[0].text == "Five days of leave.\r\nTen."
    [place] = find(made, "Ten.")
    assert_lies(place.boxes[0], 50, 50 + width("Ten."), 180)
    [place] = find(made, "days of leave.")
    assert place.boxes[0][2] - place.boxes[0][0] == pytest.approx(width("days of leave."), abs=INK)


def test_letters_beyond_the_basic_plane_shift_nothing(make: Make) -> None:
    made = make(by_hand("BT /F 12 Tf 50 200 Td (Aa and a. Here it is.) Tj 0 -20 Td (Here too.) Tj ET",
                        meanings={ord("A"): "\U0001d538", ord("a"): "\U0001f600"}))
    assert made[0].text == "\U0001d538\U0001f600 \U0001f600nd \U0001f600. Here it is.\r\nHere too."
    [place] = find(made, "Here it is.")
    assert_lies(place.boxes[0], 50 + width("Aa and a. "), 50 + width("Aa and a. Here it is."), 200)
    [place] = find(made, "Here too.")
    assert_lies(place.boxes[0], 50, 50 + width("Here too."), 180)
    [place] = find(made, "\U0001f600nd")
    assert_lies(place.boxes[0], 50 + width("Aa "), 50 + width("Aa and"), 200)


# Rotated pages and lines


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_rotated_page(make: Make, angle: int) -> None:
    made = make(by_hand("BT /F 12 Tf 50 200 Td (Turned around it is.) Tj ET", page=f"/Rotate {angle}"))
    quote = span(made[0], "around")
    [place] = boxes(*made, *quote)  # in the file's own coordinates
    assert_lies(place.boxes[0], 50 + width("Turned "), 50 + width("Turned around"), 200)
    png, [drawn] = page_image(*made, 1, *quote, scale=2)
    left, right, low, high = 50 + width("Turned "), 50 + width("Turned around"), 200 - DESCENT, 200 + ASCENT
    turned = {0: (left, 300 - high, right, 300 - low), 90: (low, left, high, right),
              180: (400 - right, low, 400 - left, high), 270: (300 - high, 400 - right, 300 - low, 400 - left)}[angle]
    assert drawn == pytest.approx([2 * side for side in turned], abs=2 * INK + 2)
    assert Image.open(io.BytesIO(png)).size == ((800, 600) if angle % 180 == 0 else (600, 800))


def test_lines_that_run_upwards(make: Make) -> None:
    made = make(by_hand("BT /F 12 Tf 0 1 -1 0 100 50 Tm (Up it goes) Tj 0 -16 Td (and up again.) Tj ET"))
    start, _ = span(made[0], "it goes")
    [place] = boxes(*made, start, len(made[0].text))
    first, second = place.boxes
    assert first[1] == pytest.approx(50 + width("Up "), abs=INK)
    assert first[3] == pytest.approx(50 + width("Up it goes"), abs=INK)
    assert 100 - ASCENT - 1 <= first[0] < first[2] <= 100 + DESCENT + 1
    assert second[1] == pytest.approx(50, abs=INK)
    assert second[3] == pytest.approx(50 + width("and up again."), abs=INK)
    assert 116 - ASCENT - 1 <= second[0] < second[2] <= 116 + DESCENT + 1


def test_a_slanted_line_is_boxed_letter_by_letter(make: Make) -> None:
    made = make(by_hand("BT /F 12 Tf 0.7 0.7 -0.7 0.7 100 50 Tm (Slanted) Tj ET"))
    [place] = boxes(*made, 0, 7)
    assert len(place.boxes) == 7
    assert all(box[2] - box[0] < 16 for box in place.boxes)


def test_a_page_that_is_shown_in_part(make: Make) -> None:
    made = make(by_hand("BT /F 12 Tf 5 200 Td (Out) Tj 45 0 Td (Within) Tj ET", page="/CropBox [40 20 380 280]"))
    _, [drawn] = page_image(*made, 1, *span(made[0], "Within"), scale=1)
    assert drawn[0] == pytest.approx(10, abs=INK)
    assert drawn[3] == pytest.approx(80, abs=INK + 2)
    _, drawn_outside = page_image(*made, 1, *span(made[0], "Out"), scale=1)
    assert drawn_outside == []


# Forms, filled in: what stands in the fields is text of the page


def filled(canvas: Any) -> None:
    lines((50, 240, "Application"), (50, 200, "Name:"), (50, 170, "Agreed:"), (50, 140, "Rank:"), (220, 140, "since"),
          (50, 98, "Home port"), (50, 40, "Signed in Orrin."))(canvas)
    form = canvas.acroForm
    for name, x, y, text in (("port", 50, 70, "Skell"), ("since", 270, 135, "May 2019"), ("name", 110, 195, "Anna Berg"),
                             ("none", 270, 195, "")):
        form.textfield(name=name, x=x, y=y, width=100, height=20, value=text, fontSize=SIZE)
    form.choice(name="rank", x=110, y=135, width=90, height=20, options=["Captain", "Mate"], value="Mate", fontSize=SIZE)
    form.checkbox(name="agreed", x=110, y=165, size=20, checked=True)


FILLED = ("Application\r\nName:\r\nAnna Berg\r\nAgreed:\r\nRank:\r\nMate\r\nsince\r\nMay 2019\r\nHome port\r\nSkell\r\n"
          "Signed in Orrin.")
TICKED = "it has 1 ticked box, which is not read"


def sideways(data: bytes) -> bytes:
    return changed(data, lambda pdf: pdf[0].set_rotation(90))


def without_looks(data: bytes) -> bytes:
    return data.replace(b"/AP ", b"/NO ")


def with_inherited_box(data: bytes) -> bytes:
    return data.replace(b"/MediaBox [ 0 0 400 300 ]", b"").replace(b"/Kids", b"/MediaBox [ 0 0 400 300 ] /Kids")


@pytest.mark.parametrize(("change", "shift"), [(bytes, 0), (with_inherited_box, 0), (sideways, 0),
                                               (without_looks, -3)])  # pdfium draws it a little more to the left
def test_what_stands_in_a_form(make: Make, change: Callable[[bytes], bytes], shift: int) -> None:
    made = make(change(reportlab(filled)))
    if change is sideways:
        assert sorted(made[0].text.split("\r\n")) == sorted(FILLED.split("\r\n"))
    else:
        assert made[0].text == FILLED
    assert made[0].notices == (TICKED,)
    for quote, x, y in (("Anna Berg", 114 + shift, 201), ("May 2019", 274 + shift, 141), ("Skell", 54 + shift, 76),
                        ("Signed in", 50, 40), ("Rank:", 50, 140)):
        [place] = find(made, quote)
        [box] = place.boxes
        assert_lies(box, x, x + width(quote), y)


def test_the_picture_of_a_form_shows_what_stands_in_it(make: Make) -> None:
    made = make(with_inherited_box(reportlab(filled)))
    png, [drawn] = page_image(*made, 1, *span(made[0], "Anna Berg"), scale=2)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    assert picture.size == (800, 600)
    assert drawn == pytest.approx((2 * 114, 2 * (300 - 201 - ASCENT), 2 * (114 + width("Anna Berg")),
                                   2 * (300 - 201 + DESCENT)), abs=2 * INK + 2)
    assert min(picture.crop(tuple(map(int, drawn))).convert("L").tobytes()) < 60  # its ink
    [skell] = find(made, "Skell")[0].boxes
    elsewhere = picture.crop((int(2 * skell[0]), 600 - int(2 * skell[3]), int(2 * skell[2]), 600 - int(2 * skell[1])))
    assert min(elsewhere.convert("L").tobytes()) < 60


def test_a_form_that_is_not_filled_in_stays_as_it_is(make: Make) -> None:
    def empty(canvas: Any) -> None:
        lines((50, 200, "Name:"))(canvas)
        canvas.acroForm.textfield(name="name", x=110, y=195, width=100, height=20)

    made = make(reportlab(empty))
    assert (made[0].text, made[0].notices) == ("Name:", ())


def test_a_scanned_form_is_a_scan_whatever_its_fields_hold(tmp_path: Path) -> None:
    def scan(canvas: Any) -> None:
        canvas.drawInlineImage(Image.new("L", (40, 30), 200), 0, 0, 400, 300)
        canvas.acroForm.textfield(name="name", x=110, y=195, width=100, height=20, value="Anna")

    (tmp_path / "a.pdf").write_bytes(reportlab(lines((50, 200, "Staff.")), scan))
    [document] = read_documents(tmp_path / "a.pdf", "a.pdf")
    assert (document.text, document.notices) == ("Staff.\fAnna", ("page 2 has no text: needs OCR",))


def type_on(pdf: Any) -> None:
    """Give the first annotation of the first page an appearance."""
    look = b"q BT /F 12 Tf 1 0 0 1 112 200 Tm (Anna Berg) Tj ET Q"
    page = pdf[0]
    annotation = raw.FPDFPage_GetAnnot(page, 0)
    assert raw.FPDFAnnot_SetAP(annotation, raw.FPDF_ANNOT_APPEARANCEMODE_NORMAL, (ctypes.c_ushort * (len(look) + 1))(*look))
    raw.FPDFPage_CloseAnnot(annotation)


def test_a_page_keeps_the_fonts_that_it_has_of_its_parents(make: Make) -> None:
    typed = "/Annots [<< /Type /Annot /Subtype /FreeText /Rect [110 195 210 215] >>]"
    data = by_hand("BT /F 12 Tf 50 200 Td (Name:) Tj ET", page=typed, font="/Encoding << /Differences [78 /F] >>")
    fonts = b"/Resources << /Font << /F 3 0 R >> >>"
    moved = data.replace(fonts, b"").replace(b"/Kids", fonts + b" /Kids").replace(b"startxref", b"")  # so that it is mended
    assert make(changed(moved, type_on))[0].text == make(changed(data, type_on))[0].text == "Fame: Anna Berg"


def test_text_typed_onto_a_page_is_read_and_notes_are_told(make: Make) -> None:
    notes = "".join(f"<< /Type /Annot /Subtype /{kind} /Rect [110 195 210 215] {says} >>" for kind, says in (
        ("FreeText", "/Contents (Anna Berg)"), ("Text", "/Contents (Who is it?)"), ("Highlight", "/Contents (Ask.)"),
        ("Highlight", ""), ("Text", "/Contents (Gone) /F 2"), ("Link", "/Contents (A site)")))
    made = make(changed(by_hand("BT /F 12 Tf 50 200 Td (Name:) Tj 0 -20 Td (Town:) Tj ET", page=f"/Annots [{notes}]"), type_on))
    assert made[0].text == "Name: Anna Berg\r\nTown:"
    assert made[0].notices == ("it has 2 notes by readers, which are not read",)
    [place] = find(made, "Anna")
    assert_lies(place.boxes[0], 112, 112 + width("Anna"), 200)
    plain = make(by_hand("BT /F 12 Tf 50 200 Td (Name:) Tj ET", page=f"/Annots [{notes}]"))[0]
    assert (plain.text, plain.notices) == ("Name:", ("it has 3 notes by readers, which are not read",))


# Any text, any span


# (Each line begins long: letters alone, one below the other, pdfium takes for a line that runs downwards.)
WORDS = st.lists(st.sampled_from(["a", "Leave", "25", "days,", "x-y", "gap."]), max_size=6).map(
    lambda words: " ".join(["Section", *words]))


@settings(max_examples=30)
@given(st.lists(WORDS, min_size=1, max_size=4), st.data())
def test_any_span_of_any_lines(written: list[str], data: st.DataObject) -> None:
    opened = pypdfium2.PdfDocument(reportlab(lines(*((50, 250 - 20 * n, line) for n, line in enumerate(written)))))
    with PDFIUM:
        text = PageText(opened[0])
        assert text.text == "\r\n".join(written)
        start = data.draw(st.integers(0, len(text.text) - 1))
        end = data.draw(st.integers(start + 1, len(text.text)))
        found = pages._lines(text, start, end)
        text.close()
    expected, at = [], 0
    for number, line in enumerate(written):
        low, high = max(start - at, 0), min(end - at, len(line))
        if low < high:
            expected.append((50 + width(line[:low]), 50 + width(line[:high]), 250 - 20 * number))
        at += len(line) + 2
    assert len(found) == len(expected)
    for (left, bottom, right, top), (x0, x1, baseline) in zip(found, expected, strict=True):
        assert left == pytest.approx(x0, abs=1.5)
        assert right == pytest.approx(x1, abs=1.5)
        assert baseline - DESCENT - 1 <= bottom < top <= baseline + ASCENT + 2
    opened.close()


# The picture


def test_the_picture_is_the_page_and_only_the_boxes_are_coloured(make: Make) -> None:
    placed = [(50.0, 200.0, "Staff have 25 days of paid"), (50.0, 184.0, "leave in a year. Others less.")]
    made = make(reportlab(lines(*placed)))
    png, drawn = page_image(*made, 1, *span(made[0], "25 days of paid\r\nleave"), scale=2)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    with PDFIUM:
        opened = pypdfium2.PdfDocument(made[1])
        plain = opened[0].render(scale=2).to_pil().convert("RGB")
        opened.close()
    assert picture.size == plain.size == (800, 600)
    changed = ImageChops.difference(picture, plain)
    for left, top, right, bottom in drawn:
        area = (int(left), int(top), int(right) + 1, int(bottom) + 1)
        assert changed.crop(area).getbbox() == (0, 0, area[2] - area[0], area[3] - area[1])
        changed.paste((0, 0, 0), area)
    assert changed.getbbox() is None
    for (left, top, right, bottom), (x0, x1, y) in zip(drawn, [(50 + width("Staff have "), 50 + width(placed[0][2]), 200),
                                                               (50, 50 + width("leave"), 184)], strict=True):
        assert (left / 2, right / 2) == pytest.approx((x0, x1), abs=2 * INK)
        assert 300 - y - ASCENT - 4 <= top / 2 < bottom / 2 <= 300 - y + DESCENT + 4
    assert picture.getextrema() == ((0, 255), (0, 255), (0, 255))  # ink stays black, paper white


def test_a_huge_page_is_drawn_smaller(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(reportlab(lines((7000, 7000, "Far out.")), size=(14400, 14400)))
    png, [drawn] = page_image(*made, 1, 0, 8, scale=4)
    size = Image.open(io.BytesIO(png)).size
    assert 0.98 * pages.MAX_PIXELS < size[0] * size[1] <= 1.01 * pages.MAX_PIXELS
    assert drawn[0] == pytest.approx(7000 * size[0] / 14400, abs=3)


# What is never shown


def test_another_file_is_never_shown(make: Make) -> None:
    document, path = make(reportlab(lines((50, 200, "Staff have 25 days."))))
    path.write_bytes(reportlab(lines((50, 100, "Staff have 25 days."))))
    for look in (lambda: boxes(document, path, 0, 5), lambda: page_image(document, path, 1, 0, 5)):
        with pytest.raises(SourceChanged, match=r"the file of docs/a\.pdf has changed since it was indexed"):
            look()
    path.unlink()
    with pytest.raises(SourceGone, match="no longer where it was indexed"):
        boxes(document, path, 0, 5)


def test_words_that_pdfium_reads_otherwise_are_never_marked(make: Make) -> None:
    document, path = make(reportlab(lines((50, 200, "Staff have 25 days."))))
    text = document.text.replace("25", "26")
    other = replace(document, text=text, text_sha256=sha256_text(text))
    with pytest.raises(SourceChanged, match=r"the page reads otherwise than when docs/a\.pdf was indexed"):
        boxes(other, path, *span(other, "26 days"))
    assert boxes(other, path, *span(other, "Staff"))


def test_what_was_replaced_because_it_cannot_be_stored_is_no_other_reading(make: Make) -> None:
    document, path = make(reportlab(lines((50, 200, "Staff have 25 days."))))
    text = document.text.replace("2", "\ufffd")
    assert boxes(replace(document, text=text, text_sha256=sha256_text(text)), path, 0, 19)


@pytest.mark.parametrize(("arguments", "why"), [
    ({"page": 2}, "the quote does not stand on page 2"), ({"scale": 9}, "the scale is 9; it lies between 0.25 and 4"),
    ({"scale": float("nan")}, "the scale is nan")])
def test_what_cannot_be_asked_for(make: Make, arguments: dict[str, Any], why: str) -> None:
    made = make(reportlab(lines((50, 200, "Staff have 25 days."))))
    with pytest.raises(InputError, match=why):
        page_image(*made, **{"page": 1, "start": 0, "end": 5, **arguments})


def test_a_text_has_no_pages(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Staff have 25 days.")
    [document] = read_documents(tmp_path / "a.txt", "a.txt")
    assert pages_of(document, 0, 5) == []
    with pytest.raises(InputError, match=r"a\.txt is no PDF"):
        boxes(document, tmp_path / "a.txt", 0, 5)


def test_limits(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(reportlab(lines((50, 200, "Staff have 25 days."))))
    monkeypatch.setattr(pages, "SECONDS", 0.001)
    with pytest.raises(FileError, match=r"docs/a\.pdf: its pages cannot be shown: after 0\.001 s it was not finished"):
        boxes(*made, 0, 5)
