"""Rich Text and OpenDocument by value: paragraphs, headings, lists and tables; and what cannot be read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from index.errors import FileError
from index.files import read_documents
from index.types import Document


def read(folder: Path, name: str, data: bytes) -> Document:
    (folder / name).write_bytes(data)
    [document] = read_documents(folder / name, name)
    return document


def error_of(folder: Path, name: str, data: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, name, data)
    return str(caught.value)


def outline(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(part.heading, document.text[part.start : part.end]) for part in document.sections]


# RTF

RTF = rb"""{\rtf1\ansi\ansicpg1252\deff0\uc1
{\fonttbl{\f0\froman\fcharset0 Times;}{\f1\fcharset204 Cyr;}{\f2\fcharset128 Jap;}}
{\colortbl;\red0\green0\blue0;}
{\stylesheet{\s0 Normal;}{\s3\ql\b\sbasedon0 heading 2;}{\*\cs4 Default;}}
{\info{\title Company Handb\'fcch}{\author Anna}}{\*\generator Word;}
{\header\pard Page header\par}
\pard\plain Welcome.\par
\pard\s1\outlinelevel0 {\b Lea}ve\par
\pard\plain You get 25 days\'85 for 5 \u8364 ?, \u-10179?\u-8704?.{\footnote A note.}{\v hidden}{\deleted gone}\line
Next line\par
\pard\s3 Carrying over\par
{\pntext\'b7\tab}\pard one\par
{\listtext\pard\plain 2.\tab}\pard{\pict\wmetafile8 0102ff}two\par
\pard After\tab the list\par
{\trowd\cellx100\cellx200\pard\intbl a\cell two\par lines\cell\cell\row}
{\trowd\pard\intbl b\cell{\f1\'c4\'e0}\cell\row}
\pard {\field{\*\fldinst HYPERLINK "http://x.example/"}{\fldrslt a link}} in {\f2\'93\'fa\'96\'7b}\par
\pard\outlinelevel0 Sick\~leave\par
{\pict\bin5 }}{{\}\pard Braces \{\} and \\ stay.}
after the end"""


def test_rtf_paragraphs_lists_and_tables_in_order(tmp_path: Path) -> None:
    document = read(tmp_path, "a.rtf", RTF)
    assert document.title == "Company Handbüch"
    assert document.media_type == "application/rtf"
    assert outline(document) == [
        ((), "Welcome.\n\n"),
        (("Leave",), "Leave\n\nYou get 25 days… for 5 €, \U0001f600.\nNext line\n\nA note.\n\n"),
        (
            ("Leave", "Carrying over"),
            "Carrying over\n\n- one\n- two\n\nAfter\tthe list\n\na | two lines\nb | Да\n\na link in 日本\n\n",
        ),
        (("Sick leave",), "Sick\u00a0leave\n\nBraces {} and \\ stay.\n\n"),
        ((), "Page header"),
    ]


def test_rtf_notes_headers_and_comments(tmp_path: Path) -> None:
    document = read(tmp_path, "a.rtf", rb"""{\rtf1\ansi{\info{\title House Rules}}
{\footer\pard House Rules\tab {\field{\*\fldinst PAGE}{\fldrslt 3}}\par Acme Ltd\par}
{\headerl Version 3\par}{\headerr Version 3\par}{\*\ftnsep\chftnsep}
\pard One{\super\chftn}{\footnote\pard\plain{\super\chftn} First.\par Its second {\footnote not twice }paragraph.} and two
{\footnote\ftnalt \u-10179?\u-8704? At the end.}.{\*\atnauthor Bo}{\*\annotation Really?}\par
{\trowd\pard\intbl a{\footnote Of a cell.}\cell\row}{\trowd\pard\intbl b\cell\row}
\pard{\deleted gone{\footnote Of what is gone.}}Last.{\footnote Of the last.}}""")
    assert document.text == "\n\n".join([
        "One and two.", "First.", "Its second not twice paragraph.", "\U0001f600 At the end.", "a\nb", "Of a cell.", "Last.",
        "Of the last.", "Version 3", "Acme Ltd"])
    assert document.notices == ("it has a comment, which is not read",)


def test_rtf_text_boxes_stand_behind_their_paragraphs(tmp_path: Path) -> None:
    def box(text: str) -> str:
        return (r"{\shp{\*\shpinst\shpleft0{\sp{\sn shapeType}{\sv 202}}{\shptxt \pard\plain " + text + r"\par}}"
                r"{\shprslt{\*\do\dptxbx{\dptxbxtext\pard " + text + r"\par}}}}")

    both = r"{\shpgrp{\*\shpinst" + box("In a group.") + r"{\shp{\*\shpinst{\sp{\sn pib}{\sv {\pict ff}}}}}}{\shprslt x}}"
    text = (r"{\rtf1\ansi{\header Head" + box("of a box") + r"\par}Before" + box("One.\\par {\\b Two.}") + r", and on.\par "
            r"{\*\unknown" + box("Unseen.") + "}After" + both + r".\par}")
    assert outline(read(tmp_path, "a.rtf", text.encode())) == [
        ((), "Before, and on.\n\nOne.\n\nTwo.\n\nAfter.\n\nIn a group.\n\n"), ((), "Head\nof a box")]


@pytest.mark.parametrize("name", ["a.doc", "a.txt", "a.bin", "a.docx", "a"])
def test_rtf_recognised_under_another_name(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, RTF).media_type == "application/rtf"


def test_rtf_titles(tmp_path: Path) -> None:
    assert read(tmp_path, "a.rtf", rb"{\rtf1\pard\outlinelevel0 First}").title == "First"
    assert read(tmp_path, "note.rtf", rb"{\rtf1 Only text}").title == "note"


@pytest.mark.parametrize(
    ("code_page", "text", "expected"),
    [
        (rb"\ansicpg1251", rb"\'c4\'e0", "Да"),
        (rb"\ansicpg65001", "Grüße".encode(), "Grüße"),
        (rb"\ansicpg99999", rb"caf\'e9", "café"),
        (rb"\mac", rb"caf\'8e", "café"),
        (rb"\ansi\uc2", rb"\u8364\'80\'80!{\uc0\u8364}?", "€!€?"),
        (rb"\ansi", rb"\u-10179 xy", "\ufffdy"),  # half a character, then its stand-in
    ],
)
def test_rtf_encodings(tmp_path: Path, code_page: bytes, text: bytes, expected: str) -> None:
    assert read(tmp_path, "a.rtf", rb"{\rtf1" + code_page + b" " + text + b"}").text == expected


BROKEN = "a.rtf: it is a damaged or incomplete Rich Text file. Open it in a word processor and save it again"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (RTF[:-40], BROKEN),
        (rb"{\rtf1 text", BROKEN),
        (rb"{\rtf1 text{\pict\bin99999999999 }}", BROKEN),
        (rb"{\rtf1 text\bin9999999999 }", BROKEN),
        (rb"{\rtf1 text" + b"{" * 100_000 + b"}" * 100_001, BROKEN),
        (rb"{\rtf1\pard\par}", "a.rtf: there is no text in it. Remove it, or save it again with its content"),
    ],
)
def test_rtf_that_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    assert error_of(tmp_path, "a.rtf", data) == message


def test_rtf_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    for end in range(6, RTF.rindex(b"}"), 7):
        assert error_of(tmp_path, "a.rtf", RTF[:end]) == BROKEN


# ODT

ODT_TYPE = "application/vnd.oasis.opendocument.text"
SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("svg", "svg"),
                         ("style", "style"))
)
CONTENT = (
    f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {SPACES}><office:body><office:text>{{}}'
    "</office:text></office:body></office:document-content>"
)
META = (
    f'<office:document-meta {SPACES} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:title>{{}}</dc:title>'
    "</office:meta></office:document-meta>"
)
BODY = (
    "<text:tracked-changes><text:deletion><text:p>deleted</text:p></text:deletion></text:tracked-changes>"
    "<text:table-of-content><text:index-body><text:p>Leave 1</text:p></text:index-body></text:table-of-content>"
    "<text:p>Welcome.</text:p>"
    '<text:h text:outline-level="1">Leave</text:h><text:section>'
    "<text:p>You get  <text:span>25</text:span>\n<text:s text:c='2'/>days"
    "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note>"
    "<text:tab/>𝔹<text:line-break/>a year.<office:annotation><text:p>comment</text:p></office:annotation></text:p>"
    "</text:section>"
    '<text:list><text:list-item><text:h text:outline-level="2">Carrying over</text:h></text:list-item></text:list>'
    "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>two"
    "<text:note><text:note-body><text:p>Of two.</text:p></text:note-body></text:note></text:p></text:list-item></text:list>"
    "</text:list-item><text:list-item><text:p/></text:list-item><text:list-item><text:p>three</text:p></text:list-item>"
    "</text:list>"
    "<text:p>After<draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box>"
    "<svg:title>alt</svg:title></draw:frame></text:p>"
    "<table:table><table:table-header-rows><table:table-row>"
    '<table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p></table:table-cell>'
    "<table:covered-table-cell/><table:table-cell><text:p>b</text:p><text:p>c</text:p></table:table-cell></table:table-row>"
    '</table:table-header-rows><table:table-row><table:table-cell table:number-columns-repeated="2"/>'
    "<table:table-cell><text:p>d</text:p></table:table-cell></table:table-row></table:table>"
    '<text:h text:outline-level="1">Sick leave</text:h><text:p>Report it.</text:p>'
)


def zipped(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def odt(body: str = BODY, **more: str | bytes) -> dict[str, str | bytes]:
    return {"mimetype": ODT_TYPE, "content.xml": CONTENT.format(body), **more}


def test_odt_paragraphs_lists_and_tables_in_order(tmp_path: Path) -> None:
    document = read(tmp_path, "a.odt", zipped(odt()))
    assert document.title == "Leave"
    assert document.media_type == ODT_TYPE
    assert outline(document) == [
        ((), "Welcome.\n\n"),
        (("Leave",), "Leave\n\nYou get 25   days\t𝔹\na year.\n\nA note.\n\n"),
        (
            ("Leave", "Carrying over"),
            "Carrying over\n\n- one\n- two\n\nOf two.\n\n- three\n\nAfter\n\nIn a box.\n\nwide |  | b c\n |  | d\n\n",
        ),
        (("Sick leave",), "Sick leave\n\nReport it."),
    ]


def test_odt_the_rows_that_are_marked_as_header_are_one(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def cell(text: str, columns: int = 1) -> str:
        return (f'<table:table-cell table:number-columns-spanned="{columns}"><text:p>{text}</text:p></table:table-cell>'
                + "<table:covered-table-cell/>" * (columns - 1))

    first, second = row(cell(""), cell("2024", 2)), row(cell("Region"), cell("Q1"), cell("Q2"))
    third = row(cell("North"), cell("5"), cell("7"))
    for header, rest, lines in ((first + second, third, ["Region | 2024 Q1 | 2024 Q2", "North | 5 | 7"]),
                                (first, second + third, [" | 2024", "Region | Q1 | Q2", "North | 5 | 7"])):
        body = f"<table:table><table:table-header-rows>{header}</table:table-header-rows>{rest}</table:table>"
        assert read(tmp_path, "a.odt", zipped(odt(body))).text.split("\n") == lines


def odt_note(*paragraphs: str) -> str:
    body = "".join(f"<text:p>{text}</text:p>" for text in paragraphs)
    return f"<text:note><text:note-body>{body}</text:note-body></text:note>"


def test_odt_notes_stand_once_behind_what_refers_to_them(tmp_path: Path) -> None:
    box = "<draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    body = (
        f'<text:h text:outline-level="1">Head{odt_note("Of the head.", box.format("A box in a note."))}</text:h>'
        f"<text:p>Text<text:span>{odt_note('One.', 'Its second.' + odt_note('In a note.'))}</text:span> goes on."
        f"{odt_note('Two.')}{box.format('Box.' + odt_note('Of the box.'))}</text:p><text:p>{odt_note('Of nothing.')}</text:p>"
        f"<table:table><table:table-row><table:table-cell><text:p>a{odt_note('Of a cell.')}</text:p><text:list><text:list-item>"
        f"<text:p>b{odt_note('Of an item.')}</text:p></text:list-item></text:list></table:table-cell></table:table-row>"
        "<table:table-row><table:table-cell><table:table><table:table-row><table:table-cell>"
        f"<text:p>c{box.format('d' + odt_note('Deep.'))}</text:p></table:table-cell></table:table-row></table:table>"
        "</table:table-cell></table:table-row></table:table>"
    )
    assert read(tmp_path, "a.odt", zipped(odt(body))).text.split("\n\n") == [
        "Head", "Of the head.", "A box in a note.", "Text goes on.", "One.", "Its second.", "In a note.", "Two.",
        "Box.", "Of the box.", "Of nothing.", "a - b\nc d", "Of a cell.", "Of an item.", "Deep.",
    ]  # fmt: skip


STYLES = f"<office:document-styles {SPACES}><office:master-styles>{{}}</office:master-styles></office:document-styles>"
PAGES = (
    "<style:master-page><style:header><text:p>Leave<text:tab/>Page <text:page-number>3</text:page-number> of 7</text:p>"
    "<text:p>Version 3</text:p></style:header><style:header-left><text:p>Valid from 1 May</text:p></style:header-left>"
    "<style:header-first style:display='false'><text:p>hidden</text:p></style:header-first>"
    "<style:footer><text:p>Acme Ltd</text:p><text:p>- 3 -</text:p></style:footer></style:master-page>"
    "<style:master-page><style:header><text:p>Version 3</text:p><text:p>Annex</text:p></style:header></style:master-page>"
)


def test_odt_headers_and_footers_stand_once_at_the_end(tmp_path: Path) -> None:
    head = '<text:h text:outline-level="1">Leave</text:h>'
    document = read(tmp_path, "a.odt", zipped(odt(head) | {"styles.xml": STYLES.format(PAGES)}))
    assert outline(document) == [(("Leave",), "Leave\n\n"), ((), "Version 3\n\nValid from 1 May\n\nAnnex\n\nAcme Ltd")]


@pytest.mark.parametrize("styles", [b"\1", STYLES.encode()[:-9], b""])
def test_odt_headers_that_are_damaged_are_named(tmp_path: Path, styles: bytes) -> None:
    document = read(tmp_path, "a.odt", zipped(odt("<text:p>Text.</text:p>") | {"styles.xml": styles}))
    assert (document.text, document.notices) == ("Text.", ("its headers and footers are damaged, and not read",))


def test_odt_comments_are_named_and_not_read(tmp_path: Path) -> None:
    comment = "<office:annotation><text:p>unread</text:p></office:annotation>"
    for count, notices in ((0, ()), (1, ("it has a comment, which is not read",)),
                           (3, ("it has 3 comments, which are not read",))):
        document = read(tmp_path, "a.odt", zipped(odt(f"<text:p>Text.{comment * count}</text:p>")))
        assert (document.text, document.notices) == ("Text.", notices)


def test_odt_merged_cells_keep_their_columns_and_rows(tmp_path: Path) -> None:
    def cell(text: str, columns: str = "1", rows: str = "1") -> str:
        return (f'<table:table-cell table:number-columns-spanned="{columns}" table:number-rows-spanned="{rows}">'
                f"<text:p>{text}</text:p></table:table-cell>")

    covered, long = "<table:covered-table-cell><text:p>unseen</text:p></table:covered-table-cell>", "long " * 200
    tables = (
        [cell("a", "2", "2") + covered + cell("b"), covered * 2 + cell("c"), cell("d") + cell("e") + cell("f")],
        [cell("x", span, span) + cell("y") for span in ("", "-1", "zwei", "0")],
        [cell("x", "1", "9" * 5000) + cell("y"), covered + cell("z")],
        [cell(long, "1", "3") + cell("y"), covered + cell("z"), covered + cell("z")],
    )
    body = "".join(f"<table:table>{''.join(f'<table:table-row>{row}</table:table-row>' for row in rows)}</table:table>"
                   for rows in tables)
    assert read(tmp_path, "a.odt", zipped(odt(body))).text.split("\n\n") == [
        "a |  | b\na |  | c\nd | e | f",
        "x | y\nx | y\nx | y\nx | y",
        "x | y\nx | z",
        f"{long.strip()} | y\n | z\n | z",
    ]


def test_odt_title_from_its_properties(tmp_path: Path) -> None:
    assert read(tmp_path, "a.odt", zipped(odt(**{"meta.xml": META.format("Handbook 2026")}))).title == "Handbook 2026"


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.epub", "a.txt", "a"])
def test_odt_recognised_under_another_name(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, zipped(odt())).media_type == ODT_TYPE


def test_a_spreadsheet_is_not_taken_for_a_text(tmp_path: Path) -> None:
    sheet = zipped(odt(mimetype="application/vnd.oasis.opendocument.spreadsheet"))
    assert "a.odt: it is an OpenDocument spreadsheet, not a document format" in error_of(tmp_path, "a.odt", sheet)


UNOPENED = "a.odt: it cannot be opened as a text document (ODT). Open it in a word processor and save it again"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"mimetype": ODT_TYPE}, UNOPENED),
        (odt("<text:p>"), UNOPENED),
        ({"mimetype": ODT_TYPE, "content.xml": "<a/>"}, UNOPENED),
        (odt("<text:p>" * 300 + "deep" + "</text:p>" * 300), UNOPENED),
        (odt("<text:p/>"), "a.odt: there is no text in it. Remove it, or save it again with its content"),
        (odt(**{"META-INF/manifest.xml": "<manifest:encryption-data/>", "content.xml": b"\1\2"}),
         "a.odt: it is locked with a password. Remove the password and index it again"),
        (odt(**{"content.xml": bytes(30_000_000)}),
         "a.odt: its 0.0 MB unpack to 30 MB, more than a text document (ODT) needs. "
         "If you trust it, save it in parts of less than 300 MB unpacked"),
    ],
)  # fmt: skip
def test_odt_that_cannot_be_read(tmp_path: Path, members: dict[str, str | bytes], message: str) -> None:
    assert error_of(tmp_path, "a.odt", zipped(members)) == message


def test_odt_counts_beyond_reason_stay_small(tmp_path: Path) -> None:
    many = "9" * 12
    body = (
        f'<text:h text:outline-level="{many}">A<text:s text:c="{many}"/>B</text:h><table:table><table:table-row>'
        f'<table:table-cell table:number-columns-repeated="{many}"/><table:table-cell><text:p>x</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )
    assert len(read(tmp_path, "a.odt", zipped(odt(body))).text) < 1000


def test_odt_entities_stay_inert(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret.txt").as_uri()}"><!ENTITY f "made up">]>'
    content = CONTENT.format("<text:p>In &e; a &f; box.</text:p>").replace("?>", f"?>{doctype}")
    text = read(tmp_path, "a.odt", zipped(odt(**{"content.xml": content}))).text
    assert text == "In &e; a &f; box."
