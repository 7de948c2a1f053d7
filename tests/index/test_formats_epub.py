"""EPUB by value: reading order, chapters by their headings or the table of contents, and what cannot be read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from index.errors import FileError
from index.files import read_documents
from index.types import Document

MEDIA_TYPE = "application/epub+zip"
CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/><script src="x.js"/></head><body>{}</body></html>'
)
NAV = PAGE.format(
    '<nav epub:type="toc"><ol><li><a href="text/one.xhtml">One</a></li><li><a href="text/part.xhtml">Part</a>'
    '<ol><li><a href="text/two%20b.xhtml#start">The\n Second</a></li><li><a href="text/two%20b.xhtml#later">Later</a></li>'
    '<li><a href="text/three.xhtml">Three</a></li></ol></li></ol></nav>'
    '<nav epub:type="landmarks"><ol><li><a href="text/four.xhtml">Landmark</a></li></ol></nav>'
)
NCX = (
    '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint id="a"><navLabel><text>Old Two</text></navLabel>'
    '<content src="text/two%20b.xhtml"/><navPoint id="b"><navLabel><text>Old Three</text></navLabel>'
    '<content src="text/three.xhtml"/></navPoint></navPoint></navMap></ncx>'
)
PAGES = {
    "one": "<h1>One</h1><p>It began &nbsp;here.</p><p/><ul><li>a</li><li>b</li></ul>"
           "<aside epub:type='footnote'><p>A note.</p></aside>",
    "part": "<div><h1>Part<br/>the Second</h1></div>",
    "two b": "<p>It went on with 𝔹.</p><table><tr><td>x</td><td>1</td></tr><tr><td>y</td><td>2</td></tr></table>",
    "three": "<div><p class='t'>three</p><p>It came<br/>to a <i>close</i>.</p></div>",
    "four": "<p>Printed in Bern.</p>",
    "cover": "<img src='cover.jpg'/>",
}  # fmt: skip
ORDER = ("cover", "one", "part", "two b", "three", "four")


def package(spine: tuple[str, ...] = ORDER, more: str = "", title: str = "A Short Book") -> str:
    pages = "".join(
        f'<item id="{name.replace(" ", "-")}" href="text/{name.replace(" ", "%20")}.xhtml" media-type="application/xhtml+xml"/>'
        for name in PAGES
    )
    order = "".join(f'<itemref idref="{name.replace(" ", "-")}"/>' for name in spine)
    return (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></metadata>'
        f'<manifest>{more}{pages}</manifest><spine toc="ncx">{order}</spine></package>'
    )


WITH_NAV = '<item id="nav" properties="scripted nav" href="nav.xhtml" media-type="application/xhtml+xml"/>'
WITH_NCX = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'


def book(changes: dict[str, str | bytes | None] | None = None) -> dict[str, str | bytes]:
    """The members of a book with a table of contents; `changes` replace some, None leaves one out."""
    members: dict[str, str | bytes | None] = {
        "mimetype": MEDIA_TYPE,
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": package(more=WITH_NAV),
        "OEBPS/nav.xhtml": NAV,
        **{f"OEBPS/text/{name}.xhtml": PAGE.format(content) for name, content in PAGES.items()},
        **(changes or {}),
    }
    return {name: content for name, content in members.items() if content is not None}


def zipped(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def read(folder: Path, name: str, data: bytes) -> Document:
    (folder / name).write_bytes(data)
    [document] = read_documents(folder / name, name)
    return document


def error_of(folder: Path, data: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, "a.epub", data)
    return str(caught.value)


def outline(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(part.heading, document.text[part.start : part.end]) for part in document.sections]


def test_chapters_in_reading_order_under_their_names(tmp_path: Path) -> None:
    document = read(tmp_path, "a.epub", zipped(book()))
    assert document.title == "A Short Book"
    assert document.media_type == MEDIA_TYPE
    assert outline(document) == [
        (("One",), "One\n\nIt began here.\n\n- a\n- b\n\nA note.\n\n"),
        (("Part the Second",), "Part the Second\n\n"),
        (("Part the Second", "The Second"), "The Second\n\nIt went on with 𝔹.\n\nx | 1\ny | 2\n\n"),
        (("Part the Second", "three"), "three\n\nIt came\nto a close.\n\nPrinted in Bern."),
    ]


def test_the_order_is_that_of_the_spine(tmp_path: Path) -> None:
    backwards = package(tuple(reversed(ORDER)))
    text = read(tmp_path, "a.epub", zipped(book({"OEBPS/book.opf": backwards}))).text
    assert text.index("Bern") < text.index("came") < text.index("went") < text.index("Part") < text.index("began")


def test_a_table_of_contents_of_the_old_kind(tmp_path: Path) -> None:
    members = book({"OEBPS/book.opf": package(("two b", "three"), WITH_NCX), "OEBPS/toc.ncx": NCX})
    assert outline(read(tmp_path, "a.epub", zipped(members))) == [
        (("Old Two",), "Old Two\n\nIt went on with 𝔹.\n\nx | 1\ny | 2\n\n"),
        (("Old Two", "Old Three"), "Old Three\n\nthree\n\nIt came\nto a close."),
    ]


def pages(contents: list[str], entries: str) -> bytes:
    """A book of these pages (0.xhtml, 1.xhtml, ...) with these entries in its table of contents."""
    items = "".join(f'<item id="p{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(contents)))
    spine = "".join(f'<itemref idref="p{n}"/>' for n in range(len(contents)))
    return zipped({
        "mimetype": MEDIA_TYPE,
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{WITH_NAV}{items}</manifest>'
                          f"<spine>{spine}</spine></package>",
        "OEBPS/nav.xhtml": PAGE.format(f'<nav epub:type="toc"><ol>{entries}</ol></nav>'),
        **{f"OEBPS/{n}.xhtml": PAGE.format(content) for n, content in enumerate(contents)},
    })  # fmt: skip


def entry(page: int | None, name: str, *below: str) -> str:
    link = f"<span>{name}</span>" if page is None else f'<a href="{page}.xhtml#{name}">{name}</a>'
    return f"<li>{link}<ol>{''.join(below)}</ol></li>"


@pytest.mark.parametrize(("contents", "entries", "headings"), [
    pytest.param(["<h1>Preface</h1><p>Thanks.</p>", "<h2>Chapter 1</h2><p>It began.</p>", "<h2>Chapter 2</h2><p>On.</p>"],
                 entry(0, "Preface") + entry(1, "Chapter 1") + entry(2, "Chapter 2"),
                 [("Preface",), ("Chapter 1",), ("Chapter 2",)], id="one level in the contents, two on the pages"),
    pytest.param(["<p>It began.</p>", "<h2>Two</h2><p>On.</p><h3>Aside</h3><p>Oh.</p>"],
                 entry(0, "One: The Well") + entry(1, "Two"),
                 [("One: The Well",), ("Two",), ("Two", "Aside")], id="a name from the contents, a heading on the page"),
    pytest.param(["<h1>One</h1><p>First.</p><h3>Aside</h3><p>Note.</p>", "<p>More.</p>"], entry(0, "One"),
                 [("One",), ("One", "Aside"), ("One",)], id="a page of no name goes on with the chapter"),
    pytest.param(["<h2>One</h2><p>First.</p>", "<h3>Aside</h3><p>Note.</p>", "<h2>Index</h2><p>See.</p>"], entry(0, "One"),
                 [("One",), ("One", "Aside"), ("Index",)], id="headings on pages of no name"),
    pytest.param(["<h1>One</h1><p>First.</p>", "<p>I saw.</p><h4>Chapter 2</h4><h2>The Well</h2><p>It was.</p>"],
                 entry(0, "One") + entry(1, "The Well"),
                 [("One",), (), ("Chapter 2",), ("The Well",)], id="what stands above the heading"),
    pytest.param(["<h1>One</h1><p>First.</p>", "<h2>Two</h2><p>Second.</p>"], "",
                 [("One",), ("One", "Two")], id="without entries"),
    pytest.param(["<h1>Part I</h1>", "<h1>1. Boats</h1><p>Oars.</p>", "<h1>2. Nets</h1><p>Knots.</p>", "<h1>End</h1>"],
                 entry(0, "Part I", entry(1, "Boats"), entry(2, "Nets")) + entry(3, "End"),
                 [("Part I",), ("Part I", "1. Boats"), ("Part I", "2. Nets"), ("End",)], id="a part"),
    pytest.param(["<h1>Foreword</h1><p>Hail.</p>", "<h2>Boats</h2><p>Oars.</p>", "<h2>Nets</h2><p>Knots.</p>"],
                 entry(0, "Foreword") + entry(None, "Part I", entry(1, "Boats"), entry(2, "Nets")),
                 [("Foreword",), ("Boats",), ("Nets",)], id="a part without a page"),
    pytest.param(["<h2>Boats</h2><p>Oars.</p>", "<h2>Nets</h2><p>Knots.</p>"],
                 entry(0, "Part I", entry(0, "Boats"), entry(1, "Nets")),
                 [("Boats",), ("Nets",)], id="a part that leads to its first chapter"),
    pytest.param(["<h2>Part I</h2><h2>Boats</h2><p>Oars.</p><h3>Oars</h3><p>Two.</p>", "<h2>Nets</h2><p>Knots.</p>"],
                 entry(0, "Part I", entry(0, "Boats"), entry(1, "Nets")),
                 [("Part I",), ("Part I", "Boats"), ("Part I", "Boats", "Oars"), ("Part I", "Nets")],
                 id="a part above its first chapter"),
    pytest.param(["<h1>Part I</h1><h2>Boats</h2><p>Oars.</p>", "<h2>Nets</h2><p>Knots.</p><h1>Part II</h1><h2>Fish</h2>",
                  "<p>Cod.</p>", "<h2>Crabs</h2><p>Two.</p>"],
                 entry(0, "Part I", entry(0, "Boats"), entry(1, "Nets"))
                 + entry(1, "Part II", entry(1, "Fish"), entry(3, "Crabs")),
                 [("Part I",), ("Part I", "Boats"), ("Part I", "Nets"),
                  ("Part II",), ("Part II", "Fish"), ("Part II", "Crabs")],
                 id="a part that begins within a page"),
])  # fmt: skip
def test_chapters_stand_as_the_table_of_contents_has_them(
    tmp_path: Path, contents: list[str], entries: str, headings: list[tuple[str, ...]]
) -> None:
    assert [heading for heading, _ in outline(read(tmp_path, "a.epub", pages(contents, entries)))] == headings


def test_code_of_a_later_chapter(tmp_path: Path) -> None:
    document = read(tmp_path, "a.epub", pages(["<p>See below.</p>", "<pre>a = 1\nb = 2</pre>"], ""))
    assert [document.text[start:end] for start, end in document.code] == ["a = 1\nb = 2"]


@pytest.mark.parametrize(("stated", "author", "date"), [
    ("<dc:creator>Ann\n Lee</dc:creator><dc:creator>Bo Ek</dc:creator><dc:date>2026-03-02T00:00:00Z</dc:date>",
     "Ann Lee; Bo Ek", "2026-03-02"),
    ("<dc:creator/><dc:date>2026</dc:date>", "", "2026"),
    ("<dc:date>last spring</dc:date>", "", ""),
])
def test_the_authors_and_the_date_of_a_book(tmp_path: Path, stated: str, author: str, date: str) -> None:
    told = package().replace("</metadata>", f"{stated}</metadata>")
    document = read(tmp_path, "a.epub", zipped(book({"OEBPS/book.opf": told})))
    assert (document.author, document.date) == (author, date)


def test_without_a_table_of_contents_or_a_title(tmp_path: Path) -> None:
    document = read(tmp_path, "tale.epub", zipped(book({"OEBPS/book.opf": package(("two b", "one"), title="")})))
    assert document.title == "tale"
    assert [heading for heading, _ in outline(document)] == [(), ("One",)]


@pytest.mark.parametrize("name", ["a.bin", "a.docx", "a.pptx", "a.txt", "a"])
def test_recognised_under_another_name(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, zipped(book())).media_type == MEDIA_TYPE
    assert read(tmp_path, name, zipped(book({"mimetype": None}))).media_type == MEDIA_TYPE


def test_a_word_document_is_not_taken_for_a_book(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("A letter.")
    document.save(tmp_path / "a.epub")
    [found] = read_documents(tmp_path / "a.epub", "a.epub")
    assert found.media_type.endswith("wordprocessingml.document")


DAMAGED = "a.epub: it is a damaged or incomplete book (EPUB). Get a whole copy and index it again"
MISSING = "a.epub: it is an incomplete book (EPUB): a part is missing. Get a whole copy and index it again"
NO_TEXT = "a.epub: there is no text in it. Remove it, or save it again with its content"
LOCKED = "a.epub: it is locked by a password or copy protection. Use a copy without it"
ENCRYPTION = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData '
    'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:CipherData><e:CipherReference URI="{}"/></e:CipherData>'
    "</e:EncryptedData></encryption>"
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"META-INF/container.xml": None}, MISSING),
        ({"META-INF/container.xml": "<container/>"}, DAMAGED),
        ({"META-INF/container.xml": "not XML"}, DAMAGED),
        ({"OEBPS/book.opf": None}, MISSING),
        ({"OEBPS/book.opf": "<package>"}, DAMAGED),
        ({"OEBPS/book.opf": package(("nowhere",))}, MISSING),
        ({"OEBPS/book.opf": package(("nowhere", "cover"))}, MISSING),
        ({"OEBPS/book.opf": package(("one", "three")), "OEBPS/text/one.xhtml": None, "OEBPS/text/three.xhtml": None}, MISSING),
        ({"OEBPS/book.opf": package(())}, NO_TEXT),
        ({"OEBPS/book.opf": package(("cover",))}, NO_TEXT),
        ({"META-INF/encryption.xml": ENCRYPTION.format("OEBPS/text/one.xhtml")}, LOCKED),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, changes: dict[str, str | bytes | None], message: str) -> None:
    assert error_of(tmp_path, zipped(book(changes))) == message


@pytest.mark.parametrize(("changes", "notice"), [
    ({}, ""),
    ({"OEBPS/text/two b.xhtml": None}, "a part of it is missing: OEBPS/text/two b.xhtml"),
    ({"OEBPS/nav.xhtml": None}, "a part of it is missing: OEBPS/nav.xhtml"),
    ({"OEBPS/book.opf": package((*ORDER, "nowhere"), WITH_NAV)}, "a part of it is missing: nowhere"),
    ({"OEBPS/book.opf": package(("x\n1", "", *ORDER, "x2", "x3"), WITH_NAV), "OEBPS/text/part.xhtml": None,
      "OEBPS/text/three.xhtml": None},
     "6 parts of it are missing: x 1, a chapter without a name, OEBPS/text/part.xhtml, OEBPS/text/three.xhtml, x2 and 1 more"),
])
def test_a_book_with_a_part_missing_is_read_without_it(
        tmp_path: Path, changes: dict[str, str | bytes | None], notice: str) -> None:
    document = read(tmp_path, "a.epub", zipped(book(changes)))
    assert document.notices == ((f"{notice}; get a whole copy and index it again",) if notice else ())
    assert document.text.startswith("One\n\nIt began here.")
    assert document.text.endswith("Printed in Bern.")
    assert ("It went on" in document.text) is ("OEBPS/text/two b.xhtml" not in changes)


def test_what_a_chapter_hides_is_left_out_and_a_hidden_heading_names_none(tmp_path: Path) -> None:
    page = "<h1 style='display: none'>two_b</h1><p>It went on.</p><p hidden='hidden'>Not seen.</p>"
    chapter = PAGE.format(page).replace('<script src="x.js"/>', "")  # where there are scripts, nothing counts as hidden
    changed = book({"OEBPS/text/two b.xhtml": chapter, "OEBPS/book.opf": package(("two b",), WITH_NAV)})
    document = read(tmp_path, "a.epub", zipped(changed))
    assert outline(document) == [(("The Second",), "The Second\n\nIt went on.")]
    assert document.notices == ("it has 2 hidden parts, which are left out",)


def test_fonts_may_be_locked(tmp_path: Path) -> None:
    locked = {"META-INF/encryption.xml": ENCRYPTION.format("OEBPS/fonts/a.otf")}
    assert "It began" in read(tmp_path, "a.epub", zipped(book(locked))).text


def test_a_zip_with_a_password(tmp_path: Path) -> None:
    data = bytearray(zipped(book()))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(signature, place + 1)
    assert error_of(tmp_path, bytes(data)) == LOCKED


def test_a_zip_bomb(tmp_path: Path) -> None:
    assert error_of(tmp_path, zipped(book({"OEBPS/text/one.xhtml": bytes(30_000_000)}))) == (
        "a.epub: its 0.0 MB unpack to 30 MB, more than a book (EPUB) needs. "
        "If you trust it, save it in parts of less than 300 MB unpacked"
    )


def test_entities_stay_inert_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    secret = (tmp_path / "secret.txt").as_uri()
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret}"><!ENTITY f "made up"><!ENTITY g "&f;&f;&f;&f;">]>'
    listing = package(("one", "two b"), WITH_NCX, "A &e;&g; Book")
    hostile = book({
        "OEBPS/book.opf": listing.replace("?>", f"?>{doctype}"),
        "OEBPS/toc.ncx": doctype.replace("x [", "ncx [") + NCX.partition(">")[2].replace("Old Two", "Old &e;&g;"),
        "OEBPS/text/one.xhtml": PAGE.format(f"<p>In &e;&g;.</p><iframe src='{secret}'/><object data='{secret}'/>")
        .replace("?>", f"?>{doctype}", 1),
    })  # fmt: skip
    document = read(tmp_path, "a.epub", zipped(hostile))
    assert "It went on" in document.text
    for said in (document.title, document.text):
        assert "secret" not in said
        assert "made up" not in said


@pytest.mark.parametrize("href", ["../../../secret.txt", "{}/secret.txt", "file://{}/secret.txt", "http://localhost:9/x"])
def test_paths_do_not_leave_the_archive(tmp_path: Path, href: str) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    away = package().replace("text/one.xhtml", href.format(tmp_path))
    document = read(tmp_path, "a.epub", zipped(book({"OEBPS/book.opf": away})))
    assert "secret" not in document.text
    assert document.notices[0].startswith("a part of it is missing: ")


def test_a_page_that_is_listed_again_is_read_once(tmp_path: Path) -> None:
    again = package(ORDER * 1000)
    assert read(tmp_path, "a.epub", zipped(book({"OEBPS/book.opf": again}))).text.count("It began") == 1


def test_tags_made_to_take_for_ever_do_not(tmp_path: Path) -> None:
    pages = "<" + "a" * 500_000 + " <b" * 100_000 + "<i " + "x" * 500_000 + "<p>end</p>"
    assert read(tmp_path, "a.epub", zipped(book({"OEBPS/text/one.xhtml": PAGE.format(pages)})))
