"""Files made to hurt: containers that lie about their size, entities, names that would be paths, archives in archives; and
names and texts that are only strange."""

from __future__ import annotations

import re
import socket
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from fakes import write
from samples import ZIPS, members_of, sample, zipped

from index.build import sync
from index.chunks import DEFAULT, split
from index.errors import FileError
from index.files import read_documents
from index.generation import open_current
from index.sandbox import Limits, Sandbox
from index.types import Document

MAIN = {"a.docx": "word/document.xml", "a.pptx": "ppt/presentation.xml", "a.xlsx": "xl/workbook.xml",
        "a.epub": "O/book.opf", "a.odt": "content.xml"}  # fmt: skip
KINDS = {"a.docx": "Word document", "a.pptx": "PowerPoint presentation", "a.xlsx": "workbook (Excel)",
         "a.epub": "book (EPUB)", "a.odt": "text document (ODT)"}  # fmt: skip
XML_MEMBERS = [(name, member) for name in ZIPS for member in members_of(sample(name))
               if member.endswith((".xml", ".rels", ".opf", ".ncx", ".xhtml")) and "theme" not in member]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A worker with little: who needs more for a small file has been tricked."""
    with Sandbox(Limits(seconds=60, memory_mb=300)) as opened:
        yield opened


def read(folder: Path, name: str, data: bytes) -> list[Document]:
    (folder / name).write_bytes(data)
    return read_documents(folder / name, name)


def error_of(folder: Path, name: str, data: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, name, data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Sizes


def lying(members: dict[str, bytes], name: str, stated: int) -> bytes:
    """A zip in which a member is said to have another size, and the checksum of just so much."""
    data = bytearray(zipped(members))
    entry = data.rfind(name.encode()) - 46  # the member's entry in the central directory
    local = struct.unpack_from("<I", data, entry + 42)[0]
    checksum = zlib.crc32(members[name][:stated])
    for at in (entry + 16, local + 14):
        struct.pack_into("<I", data, at, checksum)
        struct.pack_into("<I", data, at + 8, stated)
    return bytes(data)


@pytest.mark.parametrize("name", ZIPS)
def test_a_member_that_unpacks_to_more_than_it_states_is_never_unpacked(name: str, tmp_path: Path) -> None:
    members = members_of(sample(name))
    original = members[MAIN[name]]
    members[MAIN[name]] += b" " * 100_000_000
    data = lying(members, MAIN[name], len(original))
    assert members_of(data)[MAIN[name]] == original  # zipfile alone takes it
    tracemalloc.start()
    message = error_of(tmp_path, name, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message == f"{name}: it is a damaged or incomplete {KINDS[name]}. Get a whole copy and index it again"
    assert peak < 10_000_000


@pytest.mark.parametrize("name", ZIPS)
def test_a_member_that_unpacks_to_less_than_it_states(name: str, tmp_path: Path) -> None:
    members = members_of(sample(name))
    assert "damaged or incomplete" in error_of(tmp_path, name, lying(members, MAIN[name], len(members[MAIN[name]]) + 1))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ZIPS)
def test_what_no_program_packs_so_is_not_unpacked(name: str, method: int, tmp_path: Path) -> None:
    data = zipped(members_of(sample(name)), method)
    assert "damaged or incomplete" in error_of(tmp_path, name, data)


@pytest.mark.parametrize("name", ZIPS)
def test_members_that_share_their_content_are_counted_each(name: str, tmp_path: Path) -> None:
    """The bomb that nests nothing: a thousand entries in the directory, all for the same packed bytes."""
    data = bytearray(zipped({**members_of(sample(name)), "zz": bytes(5_000_000)}))
    end = data.rfind(b"PK\x05\x06")
    entry = bytes(data[data.rfind(b"PK\x01\x02") : end])
    count, size = struct.unpack_from("<H", data, end + 10)[0], struct.unpack_from("<I", data, end + 12)[0]
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, count + 1000, count + 1000, size + 1000 * len(entry))
    bomb = bytes(data[:end]) + entry * 1000 + bytes(tail)
    assert "more than a" in error_of(tmp_path, name, bomb)


# Entities


@pytest.mark.parametrize(("name", "member"), XML_MEMBERS)
def test_entities_stay_inert(name: str, member: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """Laughs by the billion, in texts and in attributes, a file and an address: none is expanded, opened or asked for."""
    (tmp_path / "secret.txt").write_text("the secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        laughs = "".join(f"<!ENTITY l{level} '{f'&l{level - 1};' * 10}'>" for level in range(1, 10))
        doctype = (f"<!DOCTYPE x SYSTEM '{address}.dtd' [<!ENTITY l0 'laugh'>{laughs}<!ENTITY h SYSTEM '{address}'>"
                   f"<!ENTITY e SYSTEM '{(tmp_path / 'secret.txt').as_uri()}'><!ENTITY % p SYSTEM '{address}'>%p;]>")
        members = members_of(sample(name))
        declaration, root = re.fullmatch(rb"(<\?xml.*?\?>)?(.*)", members[member], re.S).groups()
        for what in (b"&l9;", b"&e;&h;"):
            in_text = re.sub(rb">([^<>]*[^<>\s][^<>]*)<", rb">\1" + what + b"<", root)
            in_attribute = re.sub(rb'="([^"]{3,})"', rb'="\1' + what + b'"', root, count=20)
            for hostile in (in_text, in_attribute):
                data = zipped(members | {member: (declaration or b"") + doctype.encode() + hostile})
                (tmp_path / name).write_bytes(data)
                started = time.perf_counter()
                said = everything(sandbox, tmp_path / name)
                assert time.perf_counter() - started < 10
                assert "laugh" not in said
                assert "secret" not in said
                assert "limit" not in said
                assert "crashed" not in said
        with pytest.raises(BlockingIOError):
            server.accept()


def everything(sandbox: Sandbox, path: Path) -> str:
    """Whatever is told of a file."""
    try:
        documents = sandbox.read_documents(path, path.name)
    except FileError as error:
        return str(error)
    return repr(documents)


# Names and archives inside


@pytest.mark.parametrize("name", ZIPS)
def test_names_in_an_archive_are_no_paths(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    names = ("../evil.xml", "../../evil.xml", f"{tmp_path}/evil.xml", "..\\evil.xml", "C:\\evil.xml", "e\0.xml", "a/../e.xml")
    members = members_of(sample(name))
    expected = read(inside, name, sample(name))[0].text
    before = sorted(tmp_path.rglob("*"))
    assert read(inside, name, zipped(members | dict.fromkeys(names, b"<evil/>")))[0].text == expected
    moved = {f"../{member}" if member == MAIN[name] else member: content for member, content in members.items()}
    assert error_of(inside, name, zipped(moved)).startswith(f"{name}: it ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("filename", ["../../evil.txt", "/etc/passwd", "..\\evil.txt", "a\r\nb\0.txt", "\u202egpj", "x" * 999])
def test_names_of_attachments_are_no_paths(filename: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mail = message_from_bytes(sample("a.eml"), policy=default)
    data = bytes(mail).replace(b"p%C3%A4%C3%9Fe.zip", "".join(f"%{byte:02X}" for byte in filename.encode()).encode())
    assert data != bytes(mail)
    [document] = read(tmp_path, "a.eml", data)
    assert "You get 25 days." in document.text
    assert [path.name for path in tmp_path.iterdir()] == ["a.eml"]


def test_archives_inside_are_not_opened(tmp_path: Path, sandbox: Sandbox) -> None:
    bomb = zipped({"zeros": bytes(100_000_000)})
    letter = members_of(sample("a.docx"))
    letter["word/document.xml"] = letter["word/document.xml"].replace(b"You get", b"HIDDEN")
    hidden = zipped(letter)
    for name in ZIPS:
        folder = MAIN[name].rpartition("/")[0]
        members = members_of(sample(name)) | {f"{folder}/embeddings/a.docx": hidden, f"{folder}/embeddings/b.zip": bomb}
        types = "[Content_Types].xml"
        if types in members:
            members[types] = members[types].replace(b"</Types>", b'<Default Extension="docx" ContentType="application/x"/>'
                                                    b'<Default Extension="zip" ContentType="application/zip"/></Types>')
        relations = f"{folder}/_rels/{MAIN[name].rpartition('/')[2]}.rels"
        if relations in members:
            added = "".join(
                f'<Relationship Id="rIdX{number}" Target="embeddings/{file}" '
                'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/package"/>'
                for number, file in enumerate(("a.docx", "b.zip")))
            members[relations] = members[relations].replace(b"</Relationships>", f"{added}</Relationships>".encode())
        (tmp_path / name).write_bytes(zipped(members))
        assert sandbox.read_documents(tmp_path / name, name)[0].text == read(tmp_path, f"plain-{name}", sample(name))[0].text
    mail = message_from_bytes(sample("a.eml"), policy=default)
    before = mail.as_bytes()
    mail.add_attachment(hidden, maintype="application", subtype="x", filename="a.docx")
    assert b"a.docx" not in before
    [document] = read(tmp_path, "a.eml", mail.as_bytes())
    assert document.text.endswith("Attachments: päße.zip, a.docx")
    assert "HIDDEN" not in document.text


# Strange names


STRANGE_NAMES = [
    "new\nline.txt", "tab\there.txt", "🛳️👩\u200d👩\u200d👧.txt", "right\u202etxt.exe", "\u200frtl שלום.txt",
    "quote\"'`$(x);.txt", "-rf.txt", "a" * 250 + ".txt", " space .txt", "e\u0301.txt", "bell\x07\x1b[2J.txt", "#1.txt",
]  # fmt: skip


def test_strange_names_are_indexed_under_themselves(docs: Path, home: Path, encoder: Any) -> None:
    write(docs, {name: f"Text number {number}." for number, name in enumerate(STRANGE_NAMES)})
    report = sync(home, [docs], encoder=encoder)
    assert report.skipped == ()
    store = open_current(home)
    infos = store.sources()
    texts = {info.source: store.document(info.document_id).text for info in infos}
    assert set(texts) == {f"docs/{path.name}" for path in docs.iterdir()}  # a Mac composes letters in its own way
    assert set(texts.values()) == {f"Text number {number}." for number in range(len(STRANGE_NAMES))}
    assert sync(home, [docs], encoder=encoder).unchanged == len(STRANGE_NAMES)
    assert all(info.title == " ".join(info.title.split()) for info in infos)


def test_an_error_names_a_strange_file_as_it_is(tmp_path: Path, sandbox: Sandbox) -> None:
    for name in STRANGE_NAMES:
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30))
        with pytest.raises(FileError) as caught:
            sandbox.read_documents(tmp_path / name, f"docs/{name}")
        assert caught.value.source == f"docs/{name}"
        assert "\n" not in caught.value.message


# Strange texts


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", b"one\0" + b"two, three and four\n" * 10, "one\ufffd" + "two, three and four\n" * 10),
        ("a.md", b"# Head\0ing\n\ntext\0\n" + b"more text\n" * 9, "# Head\ufffding\n\ntext\ufffd\n" + "more text\n" * 9),
        ("a.csv", b"Port,Fee\nOr\0rin,4\n" + b"Skell,5\n" * 4,
         "Port | Fee\n\nPort: Or\ufffdrin | Fee: 4" + "\n\nPort: Skell | Fee: 5" * 4),
        ("a.jsonl", b'{"text": "half \\ud83d and \\ude00 other"}', "half \ufffd and \ufffd other"),
        ("a.txt", "\ufeffmarked 𝔹".encode("utf-16-be"), "marked 𝔹"),
        ("a.txt", b"valid \xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac and \xed\xa0\x80 half" * 3, "valid äöü € and \ufffd half" * 3),
        ("a.txt", b"burns \xed\xa0\x80 peat \xed\xb0\x80\xed\xa0\x80", "burns \ufffd peat \ufffd\ufffd"),
        ("a.txt", b"a smile \xed\xa0\xbd\xed\xb8\x80 in halves", "a smile 😀 in halves"),
        ("a.txt", b"one\r\ntwo\rthree\nfour\x0bfive\x0csix\xc2\x85seven\xe2\x80\xa8eight",
         "one\r\ntwo\rthree\nfour\x0bfive\x0csix\x85seven\u2028eight"),
        ("a.txt", "a\u202eb\u200f\u2066c\u2069 \U000e0041 ﷽ Z͑ͫ̓".encode(), "a\u202eb\u200f\u2066c\u2069 \U000e0041 ﷽ Z͑ͫ̓"),
    ],
)  # fmt: skip
def test_strange_characters_stay_in_their_place(name: str, data: bytes, expected: str, tmp_path: Path,
                                                sandbox: Sandbox) -> None:
    [document] = read(tmp_path, name, data)
    assert document.text == expected
    assert document.text.encode()
    assert "\0" not in document.text
    assert sandbox.read_documents(tmp_path / name, name) == [document]
    proven(document)


def proven(document: Document) -> int:
    """How many chunks a document makes; all its words lie in them."""
    chunks = split(document, DEFAULT, 254, lambda texts: [len(text) // 4 for text in texts])
    covered = [False] * len(document.text)
    for chunk in chunks:
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    assert all(seen or not letter.isalnum() for seen, letter in zip(covered, document.text, strict=True))
    return len(chunks)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.rtf", "a.eml", "a.jsonl"])
def test_a_single_line_of_ten_megabytes(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    words = "the ferry leaves at nine " * 400_000
    begins = {
        "a.html": "<!doctype html><p>", "a.csv": "Port,Note\r\nOrrin,4\r\nSkell,", "a.rtf": r"{\rtf1 ", "a.jsonl": '{"text": "',
        "a.eml": "Message-ID: <1@x>\nFrom: a@x\nDate: Mon, 04 May 2026 10:00:00 +0200\n\n",
    }  # fmt: skip
    ends = {"a.rtf": "}", "a.jsonl": '"}'}
    (tmp_path / name).write_text(begins.get(name, "") + words + ends.get(name, ""), newline="")
    [document] = sandbox.read_documents(tmp_path / name, name)
    assert document.text.count("ferry") == 400_000
