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


# Headings

Set = tuple[float, str, str, float]  # how far up, the text, "B" where it is bold, and the size

CLUB: list[Set] = [
    (760, "Constitution of the Repair Shed", "B", 18), (730, "Adopted on 12 June 2019.", "", 11),
    (700, "1. Name and purpose", "B", 14),
    (680, "The association is called the Repair Shed. Its purpose is to help people to mend what they", "", 11),
    (665, "own and to learn from each other. It does not make a profit, and nobody is paid for the", "", 11),
    (650, "work that is done for it.", "", 11), (620, "Meetings of the committee, of members and of", "B", 14),
    (604, "the shed's friends", "B", 14),
    (584, "The committee meets six times a year. Four members are a quorum. If votes are equal, the", "", 11),
    (569, "chair decides whether the matter is to be put to the general meeting and the friends there", "", 11),
    (539, "Fees", "", 14), (519, "Day ticket 3.50", "", 11), (504, "Week ticket 9.00", "", 11), (489, "Year 99.00", "", 11),
    (459, "Closing", "B", 11), (444, "The tools go to Hexley College.", "", 11)]


def typeset(maker: str, *pages: list[Set]) -> bytes:
    if maker == "reportlab":
        from reportlab.pdfgen.canvas import Canvas

        file = io.BytesIO()
        canvas = Canvas(file)
        for page in pages:
            for y, text, bold, size in page:
                canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
                canvas.drawString(50, y, text)
            canvas.showPage()
        canvas.save()
        return file.getvalue()
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format="A4")
    for page in pages:
        pdf.add_page()
        for y, text, bold, size in page:
            pdf.set_font("Times", bold, size)
            pdf.text(50, 842 - y, text)
    return bytes(pdf.output())


def plain(*texts: str, top: float = 700, step: float = 15) -> list[Set]:
    return [(top - step * number, text, "", 11) for number, text in enumerate(texts)]


def headings(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.code]


@both_makers
def test_no_sentence_runs_over_a_heading_on_lines_of_its_own(read: Read, maker: str) -> None:
    document = read(typeset(maker, CLUB))
    assert document.text == "\r\n".join(text for _, text, _, _ in CLUB)
    assert headings(document) == [
        "Constitution of the Repair Shed", "1. Name and purpose",
        "Meetings of the committee, of members and of\r\nthe shed's friends", "Fees", "Closing"]
    assert sentences(document) == [
        "Constitution of the Repair Shed", "Adopted on 12 June 2019.", "1. Name and purpose",
        "The association is called the Repair Shed.", "Its purpose is to help people to mend what they\r\nown and to learn from"
        " each other.", "It does not make a profit, and nobody is paid for the\r\nwork that is done for it.",
        "Meetings of the committee, of members and of\r\nthe shed's friends", "The committee meets six times a year.",
        "Four members are a quorum.", "If votes are equal, the\r\nchair decides whether the matter is to be put to the general"
        " meeting and the friends there", "Fees", "Day ticket 3.50", "Week ticket 9.00", "Year 99.00", "Closing",
        "The tools go to Hexley College."]


@both_makers
def test_a_body_has_an_empty_line_around_headings(read: Read, maker: str) -> None:
    document = read(typeset(maker, CLUB))
    assert len(document.body) == len(document.text)
    assert document.body.split("\n\n")[:4] == ["Constitution of the Repair Shed", "Adopted on 12 June 2019.",
                                               "1. Name and purpose", document.text[document.text.index("The association") :
                                                                                     document.text.index("\r\nMeetings")]]


@pytest.mark.parametrize("number", ["4.", "3.2", "3.2.", "10.1.4", "§ 7."])
@both_makers
def test_a_numbered_line_between_sentences_is_a_heading_however_it_is_set(read: Read, maker: str, number: str) -> None:
    document = read(typeset(maker, plain("Four members are a quorum. If votes are equal, the chair decides.",
                                         f"{number} General meetings and fees",
                                         "The annual meeting is in June. Ten are a quorum.")))
    assert headings(document) == [f"{number} General meetings and fees"]
    assert sentences(document) == ["Four members are a quorum.", "If votes are equal, the chair decides.",
                                   f"{number} General meetings and fees", "The annual meeting is in June.",
                                   "Ten are a quorum."]


@pytest.mark.parametrize("texts", [
    ("The committee meets each month but for August, as ever in room", "4. Meetings are open to", "Members and their guests."),
    ("Please do what follows.", "1. Wash your hands.", "2. Dry your hands.", "Then come in, all of you."),
    ("What to bring for the day:", "1. Boots", "2. A lamp", "The boat leaves at nine o'clock from the pier."),
    ("Prices are in euro.", "3.50 coffee", "Tea is free for all who help in the kitchen."),
    ("The rule is old.", "4. Meetings of the members, of the committee and of all who", "Help are held in the shed."),
    ("The rule is old.", "4. General meetings", "are held in June, and everybody may come to them."),
    ("Figures are below.", "2024 Members", "Ten came, as in all the years that went before it."),
])
@both_makers
def test_numbers_in_sentences_lists_and_tables_make_no_heading(read: Read, maker: str, texts: tuple[str, ...]) -> None:
    assert headings(read(typeset(maker, plain(*texts)))) == []


BODY = ["You may go on deck while the ship is under way, but", "none of you may ever be there at all", "when it blows."]


@pytest.mark.parametrize(("placed", "why"), [
    ([(700, BODY[0], "", 11), (685, BODY[1], "B", 11), (670, BODY[2], "", 11)], "bold words that fill a line"),
    ([(700, "It is said that the fee is", "", 11), (685, "Twenty Euro", "B", 11), (670, "Of which ten are for us.", "", 11)],
     "the same with capitals"),
    ([(700, "It is said that it is so and not otherwise.", "", 11), (685, "No Member May Vote Twice In The", "B", 11),
      (670, "Annual Meeting of the members of the shed.", "", 11)], "a sentence that begins with them"),
    ([(700, "One.", "", 11), (670, "It is large, and", "", 16), (650, "goes on below.", "", 11)], "a sentence begun large"),
    ([(700, "One.", "", 11), (670, "Please note that this is bold.", "B", 11), (655, "Two is more than one.", "", 11)],
     "a bold sentence"),
    ([(700, "One.", "", 11), (670, "Note:", "B", 11), (655, "Two is more than one.", "", 11)], "a label with a colon"),
    ([(700 - 15 * at, f"Bold text {at}", "B", 11) for at in range(5)] + plain("One is one and has company.", top=600),
     "a text that is bold"),
    ([(700, "One is one and it is all alone here.", "", 11), (670, "Orrin Ferries", "B", 14)], "the last line of a page"),
    ([(700, "One is one and it is all alone here.", "", 11), (40, "12", "B", 14)], "the number of a page"),
    ([(700, "One is one and all alone.", "", 11), (670, "Two are two", "", 12), (655, "Three is company.", "", 11)],
     "letters that are hardly larger"),
])
@both_makers
def test_what_is_set_otherwise_within_text_is_no_heading(read: Read, maker: str, placed: list[Set], why: str) -> None:
    assert headings(read(typeset(maker, placed))) == []


@both_makers
def test_a_sentence_runs_on_over_the_end_of_a_page_as_ever(read: Read, maker: str) -> None:
    first = [(700, "Fees", "B", 14), *plain("The fee is paid by all of the members who have come on", top=680)]
    document = read(typeset(maker, first, plain("the first of May. Others pay later.")))
    assert sentences(document) == ["Fees", "The fee is paid by all of the members who have come on\fthe first of May.",
                                   "Others pay later."]


def test_headings_drawn_with_small_letters_and_a_large_matrix_and_beyond_the_basic_plane(read: Read) -> None:
    shown = "".join(f"{size} 0 0 {size} 40 {y} Tm ({text}) Tj " for size, y, text in (
        (18, 250, "Fees"), (11, 225, "The fee is ten euro. It has been so for"), (11, 210, "Decades and will be so for more.")))
    document = read(by_hand(f"BT /F 1 Tf {shown} ET", meanings={ord("e"): "\U0001f600"}))
    assert [heading.replace("\U0001f600", "e") for heading in headings(document)] == ["Fees"]
