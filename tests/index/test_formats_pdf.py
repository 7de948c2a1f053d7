"""PDFs that are damaged, and columns that are drawn line by line."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pdfs import by_hand, changed, fpdf, from_objects, lines, packed, reportlab, stream, together
from pypdfium2 import PdfDocument

from index.chunks import DEFAULT, split
from index.errors import FileError
from index.files import read_documents
from index.formats.pdf import PDFIUM
from index.types import Document

Read = Callable[[bytes], Document]
Placed = list[tuple[float, float, str]]

LOST = "page 2 is damaged: nothing could be read of it; get a whole copy of the file"
IN_PART = "page 2 is damaged: what was read of it may lack words or have wrong ones; get a whole copy of the file"
ANYWHERE = "it is damaged: what was read of it may lack words or have wrong ones; get a whole copy of the file"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_(data: bytes) -> Document:
        (tmp_path / "a.pdf").write_bytes(data)
        [document] = read_documents(tmp_path / "a.pdf", "a.pdf")
        return document

    return read_


def made(maker: str, *pages: Placed, size: tuple[float, float] = (400, 300)) -> bytes:
    if maker == "fpdf2":
        return fpdf(*pages, size=size)
    return reportlab(*(lines(*placed) for placed in pages), size=size)


both_makers = pytest.mark.parametrize("maker", ["reportlab", "fpdf2"])


# Damage


def report(page: int) -> Placed:
    return [(50, 280 - 14 * line, f"Line {line} of page {page} says that the fee is {page * line} euro.")
            for line in range(1, 16)]


def contents(data: bytes, page: int) -> tuple[int, int]:
    """Where a page's stream stands in a file."""
    start = 0
    for _ in range(page):
        start = data.index(b"stream\n", data.index(b">>\nstream\n", start)) + len(b"stream\n")
    return start, data.index(b"endstream", start)


def turned(data: bytes, at: int, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


@both_makers
def test_no_bit_turned_in_what_a_page_shows_goes_untold(read: Read, maker: str) -> None:
    data = made(maker, report(1), report(2), report(3))
    whole = read(data)
    assert whole.notices == ()
    start, end = contents(data, 2)
    otherwise = 0
    for step in range(60):
        found = read(turned(data, start + step * (end - start) // 60, step % 8))
        if found.text != whole.text:
            otherwise += 1
            [first, second, third] = found.text.split("\f")
            assert [first, third] == whole.text.split("\f")[::2]
            assert found.notices == (IN_PART if second.strip() else LOST,)
    assert otherwise > 40


@both_makers
def test_a_page_of_which_nothing_is_left(read: Read, maker: str) -> None:
    data = made(maker, report(1), report(2), report(3))
    start, end = contents(data, 2)
    found = read(data[:start] + bytes(end - start) + data[end:])
    assert (found.text, found.notices) == ("\f\f".join(read(data).text.split("\f")[::2]), (LOST,))


@pytest.mark.parametrize(("here", "there"), [
    (b"/Contents 8 0", b"/Contents 9 0"), (b"/Contents 8 0", b"/Contents 3 0"), (b"/Contents 8 0 R", b"/Contents 8 0 S"),
    (b"/Contents 8 0", b"/Contants 8 0"), (b"endobj\n8 0 obj", b"endobj\n8 0 obk"), (b"/FlateDecode", b"/FlatzDecode"),
    (b"/Filter", b"/Falter")])
def test_a_page_that_has_lost_what_it_shows(read: Read, here: bytes, there: bytes) -> None:
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [5 0 R 7 0 R] /Count 2 >>",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", b"null"]
    for number, text in ((6, b"One is here."), (8, b"Two is here.")):
        objects += [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Resources << /Font << /F 3 0 R >> >>"
                    b" /Contents %d 0 R >>" % number,
                    stream(b"BT /F 12 Tf 50 200 Td (%s) Tj ET" % text, zlib.compress, "/Filter /FlateDecode")]
    data = from_objects(*objects)
    assert (read(data).text, read(data).notices) == ("One is here.\fTwo is here.", ())
    before, _, after = data.rpartition(here)
    found = read(before + there + after)
    assert (found.text, found.notices) == ("One is here.\f", (LOST,))


def test_several_damaged_pages(read: Read) -> None:
    data = made("reportlab", *(report(page) for page in range(1, 6)))
    for page in (1, 4, 5):
        data = turned(data, contents(data, page)[1] - 8)  # in the checksum: all the words are there
    assert read(data).notices == ("pages 1 and 4-5 are damaged: what was read of them may lack words or have wrong ones;"
                                  " get a whole copy of the file",)


def test_where_it_would_take_too_long_to_tell_which_pages_are_damaged_the_file_is(
        read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.formats.streams._MOST_WRITTEN", 1000)
    data = made("reportlab", report(1), report(2), report(3))
    start, end = contents(data, 2)
    assert read(data).notices == ()
    assert read(made("reportlab", report(1), [])).notices == ()
    assert read(turned(data, (start + end) // 2)).notices[0] == ANYWHERE


def test_a_file_of_which_nothing_is_left(read: Read) -> None:
    data = made("fpdf2", report(1))
    start, end = contents(data, 1)
    with pytest.raises(FileError) as caught:
        read(data[:start] + bytes(end - start) + data[end:])
    assert str(caught.value) == ("a.pdf: it is a damaged or incomplete PDF: nothing could be read of it."
                                 " Get a whole copy and index it again")


def test_objects_that_are_packed_in_a_damaged_stream(read: Read) -> None:
    data = packed("BT /F 12 Tf 50 200 Td (It is here.) Tj ET")
    assert (read(data).text, read(data).notices) == ("It is here.", ())
    end = data.index(b"endstream", data.index(b"/ObjStm"))
    assert read(turned(data, end - 2)).notices == (ANYWHERE,)  # in the checksum: pdfium reads it as before


def lzw(data: bytes) -> bytes:
    """As LZW has it, though nothing is made shorter: every byte after a mark to forget all."""
    codes = [code for byte in data for code in (256, byte)] + [257]
    bits = "".join(f"{code:09b}" for code in codes)
    return bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))


@pytest.mark.parametrize(("encode", "filters"), [
    (bytes, ""), (zlib.compress, "/Filter /FlateDecode"), (zlib.compress, "/Filter [/FlateDecode]"),
    (lambda data: base64.a85encode(zlib.compress(data), wrapcol=20) + b"~>", "/Filter [/ASCII85Decode /FlateDecode]"),
    (lambda data: base64.a85encode(data) + b"~>", "/Filter /ASCII85Decode"), (lzw, "/Filter /LZWDecode"),
    (lambda data: data.hex().encode() + b">", "/Filter [/ASCIIHexDecode]"),
    (lambda data: zlib.compress(data) + b"\n\n", "/Filter /Fl"),
])
def test_whole_streams_of_every_kind(read: Read, encode: Callable[[bytes], bytes], filters: str) -> None:
    parts = [stream(part, encode, filters)
             for part in (b"BT /F 12 Tf 50 200 Td (In two) Tj", b"( pieces, \0\0\0\0\0 it is.) Tj ET")]
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Resources << /Font << /F 8 0 R >> >> %s >>"
    document = read(from_objects(
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R 4 0 R 7 0 R] /Count 3 >>",
        page % b"/Contents [5 0 R 6 0 R]", page % b"", *parts, page % b"/Contents 9 0 R",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", stream(b"q 1 0 0 1 0 0 cm Q", encode, filters)))
    assert (document.text, document.notices) == ("In two pieces,  it is.\f\f", ())


def locked(data: bytes) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, encrypt=StandardEncryption("", ownerPassword="open sesame", canPrint=0))
    for page in (1, 2):
        lines(*report(page))(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def updated(data: bytes) -> bytes:
    """With an object written anew behind the end, as programs do that only add to a file."""
    place, before = len(data) + 1, data[data.rindex(b"startxref") :].split()[1].decode()
    return data + (f"\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /Lang (en) >>\nendobj\nxref\n1 1\n{place:010} 00000 n \n"
                   f"trailer << /Size 9 /Root 1 0 R /Prev {before} >>\n"
                   f"startxref\n{place + 62}\n%%EOF").encode()


@pytest.mark.parametrize("data", [
    made("reportlab", report(1), [], report(2)), made("fpdf2", report(1), [], report(2)), locked(b""),
    updated(by_hand("BT /F 12 Tf 50 200 Td (One.) Tj ET", "")), by_hand("BT /F 12 Tf 50 200 Td (One.) Tj ET", "", " \n"),
    together(made("fpdf2", report(1)), made("reportlab", report(2))), changed(made("reportlab", report(1)), lambda pdf: None)])
def test_whole_files_of_every_kind(read: Read, data: bytes) -> None:
    assert read(data).notices == ()


# Columns

LEFT = ["Seals come ashore in the", "month of May and must not", "be fed by visitors at all.", "It is an offence."]
RIGHT = ["The ferry costs nine euro", "for adults and four for a", "child below twelve years.", "They may bring a dog."]
TOLD = "page 1 has columns that are drawn line by line: only pieces of lines can be quoted there"


def by_line(*columns: list[str], x: tuple[float, ...] = (40, 220, 400), top: float = 250) -> Placed:
    return [(left, top - 16 * number, text) for number, row in enumerate(zip(*columns, strict=True))
            for left, text in zip(x, row, strict=False)]


def sentences(document: Document) -> list[str]:
    chunks = split(document, DEFAULT, 254, lambda texts: [len(text.split()) for text in texts])
    found = dict.fromkeys(sentence for chunk in chunks for sentence in chunk.sentences)
    return [document.text[start:end] for start, end in found]


@both_makers
def test_columns_drawn_line_by_line_make_no_sentence_across_them(read: Read, maker: str) -> None:
    data = made(maker, by_line(LEFT, RIGHT))
    document = read(data)
    assert sentences(document) == [text for row in zip(LEFT, RIGHT, strict=True) for text in row]
    assert document.notices == (TOLD,)
    with PDFIUM:
        opened = PdfDocument(data)
        page = opened[0].get_textpage()
        text = page.get_text_range()
        page.close()
        opened.close()
    assert document.text == text


@both_makers
def test_what_stands_above_and_below_columns_stays_whole(read: Read, maker: str) -> None:
    above = ["Rules of the harbour and fares of the ferries to the islands, which", "hold from the first of April on."]
    below = ["All of this was decided by the members of the cooperative at their", "meeting of the year."]
    placed = [*by_line(above, top=285), *by_line(LEFT, RIGHT), *by_line(below, top=180)]
    document = read(made(maker, [(40, 200, "Nothing.")], placed, placed))
    assert sentences(document)[1:11] == ["\r\n".join(above), *(text for row in zip(LEFT, RIGHT, strict=True) for text in row),
                                         "\r\n".join(below)]
    assert document.notices == (TOLD.replace("page 1 has", "pages 2-3 have"),)


@both_makers
def test_three_columns(read: Read, maker: str) -> None:
    third = ["Dogs travel for free on all", "our ferries if they are kept", "on a lead, and cats need a", "closed box."]
    document = read(made(maker, by_line(LEFT, RIGHT, third), size=(600, 300)))
    assert sentences(document) == [text for row in zip(LEFT, RIGHT, third, strict=True) for text in row]


@both_makers
def test_columns_drawn_one_after_the_other_are_as_ever(read: Read, maker: str) -> None:
    placed = [*by_line(LEFT), *by_line(RIGHT, x=(220,))]
    document = read(made(maker, placed))
    assert (document.code, document.notices) == ((), ())
    assert "The ferry costs nine euro\r\nfor adults and four for a\r\nchild below twelve years." in sentences(document)


TABLE = [["Ticket for one day", "Ticket for a week", "Ticket for a month", "Ticket for a year"],
         ["for all the ferries", "for all the ferries", "on working days only", "with a photograph"],
         ["7.50", "30.00", "90.00", "800.00"]]
TERMS = [["Fee", "Berth", "Pilot", "Crew"], LEFT]
ADDRESSES = [["Harbour Office of Orrin", "Slip Cottage, Pellin", "Orrin Sound"],
             ["Customer Number 4411", "Anna Berg, Carrow", "Invoice 17"]]
CONTENTS = [[f"{number} The rules of the {word} {'. ' * 20}" for number, word in enumerate(("ferry", "slip", "yard"), 1)],
            ["5", "17", "23"]]


@pytest.mark.parametrize("columns", [TABLE, TERMS, ADDRESSES, CONTENTS])
@both_makers
def test_tables_are_no_columns(read: Read, maker: str, columns: list[list[str]]) -> None:
    document = read(made(maker, by_line(*columns), size=(600, 300)))
    assert (document.code, document.notices) == ((), ())


@both_makers
def test_letters_beyond_the_basic_plane_shift_no_piece(read: Read, maker: str) -> None:
    rows = zip(LEFT, RIGHT, strict=True)
    text = "".join(f"1 0 0 1 40 {250 - 16 * row} Tm ({left}) Tj 1 0 0 1 220 {250 - 16 * row} Tm ({right}) Tj "
                   for row, (left, right) in enumerate(rows))
    document = read(by_hand(f"BT /F 12 Tf {text} ET", meanings={ord("e"): "\U0001f600"}))
    assert [document.text[start:end].replace("\U0001f600", "e") for start, end in document.code] == [
        text for row in zip(LEFT, RIGHT, strict=True) for text in row]
