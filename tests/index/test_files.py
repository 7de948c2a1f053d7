"""Finding files and reading them as documents: what comes out by value, and what goes wrong by its message."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from index import files
from index.errors import FileError
from index.files import Found, find_files, read_documents, title_from
from index.types import Section, document_id, sha256_text


def sources(root: Path, name: str = "docs") -> list[str]:
    return [found.source for found in find_files(root, name)]


def error_of(path: Path, source: str = "docs/file") -> str:
    with pytest.raises(FileError) as caught:
        read_documents(path, source)
    assert caught.value.source.startswith(source)
    return str(caught.value)


# Finding


def test_a_folder_gives_its_files_sorted_and_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/deep/x.png", "c.pdf", ".secret.txt", ".git/config"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some text")
    assert sources(tmp_path) == ["docs/a/deep/x.png", "docs/a/z.md", "docs/b.txt", "docs/c.pdf"]


def test_found_says_where_the_file_is_and_what_tells_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    os.utime(path, ns=(5, 1_700_000_000_123_456_789))
    changed = path.stat().st_ctime_ns
    assert list(find_files(path, "one.txt")) == [Found(str(path), "one.txt", 5, 1_700_000_000_123_456_789, changed)]
    assert list(find_files(tmp_path, "docs")) == [Found(str(path), "docs/a.txt", 5, 1_700_000_000_123_456_789, changed)]


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    [problem] = find_files(tmp_path / "nowhere", "nowhere")
    assert str(problem) == (
        "nowhere: there is no such file or folder. Its documents stay; to take them out: pullquote remove nowhere")


def test_lock_files_of_office_are_left_out_and_named_are_told(tmp_path: Path) -> None:
    for name in ("report.docx", "~$report.docx", "~backup.txt", "sub/~$plan.xlsx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(lock_file("Anna Berg"))
    assert sources(tmp_path, "docs") == ["docs/report.docx", "docs/~backup.txt"]
    [problem] = find_files(tmp_path / "~$report.docx", "~$report.docx")
    assert str(problem) == ("~$report.docx: it is the lock file of a document that is open."
                            " Leave it out; it goes when that is closed")


def lock_file(owner: str) -> bytes:
    """As Word writes it."""
    return bytes([len(owner)]) + owner.ljust(53).encode() + bytes([len(owner), 0]) + owner.ljust(53).encode("utf-16-le")


def test_links_are_not_followed_neither_in_circles_nor_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "kept.txt").write_text("kept")
    (tmp_path / "outside.txt").write_text("private")
    (root / "a" / "loop").symlink_to(root)
    (root / "leak.txt").symlink_to(tmp_path / "outside.txt")
    (root / "leaks").symlink_to(tmp_path)
    (root / "broken").symlink_to(root / "nothing")
    assert sources(root) == ["docs/a/kept.txt"]


def test_a_root_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert sources(tmp_path / "link") == ["docs/a.txt"]


def test_a_pipe_is_left_out_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert sources(tmp_path) == []
    assert error_of(tmp_path / "pipe") == "docs/file: it is not a regular file. Leave it out"
    assert [str(found) for found in find_files(tmp_path / "pipe", "pipe")] == [
        "pipe: it is neither a file nor a folder. Leave it out"
    ]


def test_an_unreadable_folder_is_named_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "locked", "z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text("text")
    scandir = os.scandir

    def guarded(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    first, problem, last = find_files(tmp_path, "docs")
    assert isinstance(first, Found)
    assert isinstance(last, Found)
    assert (first.source, last.source) == ("docs/a/file.txt", "docs/z/file.txt")
    assert str(problem) == "docs/locked: you may not read it. Give yourself permission to read it, or leave it out"


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("text")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    [problem] = find_files(tmp_path, "docs")
    assert str(problem) == "docs/a.txt: you may not read it. Give yourself permission to read it, or leave it out"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses such names")
def test_a_name_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "wb") as file:  # noqa: PTH123 (a name in bytes)
        file.write(b"hello")
    [found] = find_files(tmp_path, "docs")
    assert str(found) == "docs/caf\ufffd.txt: its name, or a folder's above it, is not valid text. Rename it"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses such names")
def test_a_folder_whose_name_is_not_utf8_is_refused_as_a_whole(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    for name in ("a.txt", "b.txt"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("hello")
    assert [str(found) for found in find_files(tmp_path, "docs")] == [
        "docs/caf\ufffd: its name, or a folder's above it, is not valid text. Rename it"]


def test_folders_may_be_nested_deeper_than_python_calls_functions(tmp_path: Path) -> None:
    deep = [tmp_path]
    for _ in range(1100):
        deep.append(deep[-1] / "d")
        deep[-1].mkdir()
    for folder in (deep[-1], tmp_path / "a", tmp_path / "e"):
        folder.mkdir(exist_ok=True)
        (folder / "x.txt").write_text("some text")
    try:
        assert sources(tmp_path) == ["docs/a/x.txt", f"docs/{'d/' * 1100}x.txt", "docs/e/x.txt"]
    finally:  # pytest cannot delete it
        (deep[-1] / "x.txt").unlink()
        for folder in reversed(deep[1:]):
            folder.rmdir()


# Reading


@pytest.mark.parametrize(("source", "title"), [
    ("docs/report 2.1 final", "report 2.1 final"), ("docs/report 2.1 final.TXT", "report 2.1 final"),
    ("notes.v2.md", "notes.v2"), ("deploy.sh", "deploy.sh"), (".md", ".md")])
def test_a_title_from_a_name_is_without_a_suffix_that_tells_the_format(source: str, title: str) -> None:
    assert title_from(source) == title


def test_a_document_by_value(tmp_path: Path) -> None:
    path = tmp_path / "leave.txt"
    path.write_bytes(b"Five days may be\r\ncarried over.\n")
    os.utime(path, (1, 1_700_000_000))
    [document] = read_documents(path, "handbook/leave.txt")
    assert document.id == document_id("handbook/leave.txt")
    assert document.source == "handbook/leave.txt"
    assert (document.title, document.titled) == ("leave", False)
    assert document.text == "Five days may be\r\ncarried over.\n"
    assert document.media_type == "text/plain"
    assert document.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert document.text_sha256 == sha256_text(document.text)
    assert document.sections == (Section(0, 32),)
    assert document.modified == 1_700_000_000.0


def test_a_file_that_vanished(tmp_path: Path) -> None:
    assert error_of(tmp_path / "gone.txt") == "docs/file: it was there a moment ago and is gone. Index again"


def test_a_file_that_vanishes_between_the_look_and_the_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")

    def vanish(self: Path, mode: str) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "open", vanish)
    assert "it was there a moment ago and is gone" in error_of(path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")

    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert error_of(path) == "docs/file: you may not read it. Give yourself permission to read it, or leave it out"


def test_a_disk_error_is_told_in_the_systems_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")

    def fail(self: Path, mode: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    assert error_of(path) == "docs/file: it cannot be read: Input/output error. Check the path and the disk"


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"")
    assert error_of(tmp_path / "a.md") == "docs/file: it is empty. Remove it, or save it again with its content"


@pytest.mark.parametrize("data", [b" \n\t\r\n ", b"\xef\xbb\xbf", "\u2003\n".encode()])
def test_a_file_of_white_space_only(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    assert error_of(tmp_path / "a.txt").startswith("docs/file: there is no text in it")


def test_a_file_over_the_limit_says_both_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(312_400_000)
    assert error_of(path) == ("docs/file: it has 312.4 MB, and the limit is 200 MB. Split it into smaller files,"
                              " or raise read_megabytes (PULLQUOTE_READ_MEGABYTES)")


def test_a_file_that_grows_while_it_is_read_stays_under_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 500)
    status = os.stat_result((0o100644, 1, 1, 1, 0, 0, 10, 0, 0, 0))
    monkeypatch.setattr(files, "MEGABYTE", 1)
    monkeypatch.setattr(os, "fstat", lambda number: status)
    assert "it has 201.0 MB, and the limit is 200 MB" in error_of(path)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "a JPEG image"),
        (b"PK\x03\x04" + bytes(20), "a zip archive"),
        (b"\x7fELF" + bytes(20), "a program"),
        (b"\xa7\x0d\x0d\x0a" + bytes(20), "a binary file"),
        (bytes.fromhex("D0CF11E0A1B11AE1") + bytes(20), "a Microsoft Office file of the old kind"),
    ],
)
def test_what_is_no_document_is_told_by_its_content(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(head)
    assert error_of(path) == (
        f"docs/file: it is {kind}, not a document format that can be read. Leave it out, or save its text in one of "
        "these: PDF, EPUB, ODT, PowerPoint, Excel, Word, RTF, MBOX, EML, JSON Lines, Markdown, HTML, CSV and plain text"
    )


@pytest.mark.parametrize(("name", "data", "told"), [
    ("a.ods", b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK",
     "docs/a.ods: it is an OpenDocument spreadsheet, not a document format that can be read. Save it as .xlsx"),
    ("a.msg", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(20),
     "docs/a.msg: it is a Microsoft Office file of the old kind, not a document format that can be read. Save it as .eml"),
])
def test_what_its_own_program_saves_as_a_format_that_is_read_is_told_so(tmp_path: Path, name: str, data: bytes,
                                                                         told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FileError) as caught:
        read_documents(tmp_path / name, f"docs/{name}")
    assert str(caught.value) == told


def test_characters_that_cannot_be_stored_are_replaced_one_for_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    text = r"half \ud83d, nul \u0000, whole \ud83d\ude00"
    path.write_text(r'{"id": "a\udc00", "title": "T\u0000\nx", "text": "' + text + '"}')
    [document] = read_documents(path, "rows.jsonl")
    assert document.text == "half \ufffd, nul \ufffd, whole \U0001f600"
    assert document.source == "rows.jsonl#a\ufffd"
    assert (document.title, document.titled) == ("T\ufffd x", True)


def test_ids_that_differ_only_in_what_cannot_be_stored_are_one_id_twice(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a\\u0000", "text": "One."}\n{"id": "a\\ud800", "text": "Two."}\n')
    assert error_of(path) == "docs/file: it holds two documents called docs/file#a\ufffd. Give each an id of its own"


def test_a_reader_that_breaks_becomes_an_error_of_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdfium2

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(pypdfium2, "PdfDocument", fail)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    assert error_of(tmp_path / "a.pdf") == (
        "docs/file: it cannot be read as PDF: division by zero. Open it in its own program and save it again"
    )


def test_importing_the_files_module_loads_no_parser() -> None:
    heavy = ["trafilatura", "docx", "pypdfium2", "markdown_it", "charset_normalizer", "lxml"]
    code = f"import sys, index.files; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
