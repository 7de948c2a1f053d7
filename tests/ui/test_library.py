from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import numpy as np
import pytest

from index.build import Progress, Report, remove, sync
from index.catalog import Catalog
from index.errors import FileError, PullquoteError
from index.types import Notice
from index.unread import FILE, Unread
from ui.library import Library, safe_name
from ui.pages.chat import _examples, _library_view, _restored, _told
from ui.pages.library import Row, documents_html, file_count, rows_html, unread_html


class SmallEncoder:
    """Vectors made from a text's hash: the same for the same text, and quick."""

    name, revision, dimension, window = "small", "1", 8, 200

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def count(self, texts):
        return [len(text.split()) for text in texts]

    def encode(self, texts):
        time.sleep(self._seconds)
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype=np.uint8) for text in texts]
        vectors = np.array(rows, dtype=np.float32).reshape(len(texts), 8) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setattr("ui.library.load_encoder", lambda name: SmallEncoder())
    monkeypatch.setattr("rag.assistant.load_encoder", lambda name: SmallEncoder())
    monkeypatch.setenv("PULLQUOTE_READER", "similarity")  # needs no weights
    return Library(tmp_path / "home")


def add(library: Library, *files: Path) -> Report:
    """Take files in as the page does, and give back what was done."""
    with library.staging() as staged:
        for file in files:
            library.accept(file, staged)
        *_, report = library.add(staged)
    assert isinstance(report, Report)
    return report


def write(folder: Path, name: str, text: str = "Staff have 25 days of leave.") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder / name


@pytest.mark.parametrize(("name", "safe"), [
    ("Contract 2026.pdf", "Contract 2026.pdf"),
    ("../../etc/passwd", "passwd"),
    ("..\\..\\boot.ini", "boot.ini"),
    (".hidden", "hidden"),
    ("faq#3.jsonl", "faq 3.jsonl"),
    ("a\x00b\n.txt", "a b.txt"),
    ("résumé 履歴.pdf", "résumé 履歴.pdf"),
    ("", "document"),
    ("...", "document"),
    ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
])
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_document_is_taken_out(library: Library, tmp_path: Path) -> None:
    add(library, write(tmp_path, "leave.txt"))
    list(library.remove("uploads/leave.txt"))
    assert library.sources() == []
    assert not (library.uploads / "leave.txt").exists()


def test_a_document_at_several_places_is_listed_and_taken_out_once(library: Library, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", "leave.txt").parent
    write(folder / "old", "leave 2.txt")
    add(library, write(tmp_path, "leave.txt"))
    for name in ("a.jsonl", "b.jsonl"):
        write(folder, name, '{"id": 1, "text": "One day."}\n{"id": 2, "text": "Two days."}\n')
    list(library.sync([folder]))
    assert file_count(library.sources()) == 2
    listed = documents_html(library.sources())
    assert listed.count("<li>") == 2
    assert "<small>2 entries · also docs/b.jsonl</small>" in listed
    assert "<small>also at 2 other places</small>" in listed
    assert 'title="docs/leave.txt&#10;docs/old/leave 2.txt&#10;uploads/leave.txt"' in listed
    list(library.remove("docs/leave.txt"))
    assert {info.source for info in library.sources()} == {f"docs/{name}.jsonl#{n}" for name in "ab" for n in (1, 2)}
    assert not (library.uploads / "leave.txt").exists()
    list(library.remove("docs/a.jsonl"))
    assert library.sources() == []
    assert (folder / "leave.txt").exists()


def test_what_only_a_copy_of_a_file_still_holds_stays_with_it(library: Library, tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        folder = write(tmp_path / "docs", name, '{"id": 1, "text": "One day."}\n{"id": 2, "text": "Two days."}\n').parent
    list(library.sync([folder]))
    remove(library.home, ["docs/a.jsonl#1"], encoder=SmallEncoder())
    list(library.remove("docs/a.jsonl"))
    assert [info.source for info in library.sources()] == ["docs/b.jsonl#1"]


def test_what_goes_wrong_in_a_build_is_raised_to_whoever_watches(library: Library) -> None:
    with pytest.raises(PullquoteError, match="nothing is indexed"):
        list(library.sync())


def test_a_build_that_nobody_watches_any_more_ends_and_changes_nothing(
        library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.library.load_encoder", lambda name: SmallEncoder(seconds=0.1))
    text = "\n\n".join(f"# Part {n}\n\nStaff of part {n} have {n} days of leave." + " More." * 40 for n in range(200))
    folder = write(tmp_path / "docs", "long.md", text).parent
    build = library.sync([folder])
    for news in build:
        if isinstance(news, Progress) and news.stage == "encoding":
            break
    build.close()
    *_, report = library.sync([folder])  # waits for the other to be gone
    assert isinstance(report, Report)
    assert report.generation.startswith("000001")
    assert report.documents == 1


def test_the_texts_are_gone_through_once_a_generation_and_for_no_answer(
        library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document, answer) -> None:
    calls = []
    listed = Catalog.sources
    monkeypatch.setattr(Catalog, "sources", lambda self: calls.append(self) or listed(self))
    add(library, write(tmp_path, "leave.txt"))
    del calls[:]
    leave = document("Staff have 25 days of leave.")
    [card] = _told(library, answer((leave, leave.text, "25 days")))
    assert (len(calls), "25 days" in card) == (0, True)
    for _ in range(3):
        [refusal] = _told(library, answer())
        assert "Searched in 1 document;" in refusal
        assert [info.source for info in library.sources()] == ["uploads/leave.txt"]
    assert len(calls) == 1
    library.sources().clear()
    assert len(library.sources()) == 1


def test_rows_and_documents_are_safe_html(library: Library, tmp_path: Path) -> None:
    row = Row("<b>${x}</b>.txt")
    row.fail(PullquoteError("it has <i>", "mend it"))
    told = rows_html([row, Row("next.txt", "working", share=0.5)])
    assert "<b>$" not in told
    assert "<i>" not in told
    assert "${" not in told
    assert "Mend it." in told
    assert 'value="0.500"' in told
    add(library, write(tmp_path, "faq.jsonl", '{"id": "a", "text": "One day."}\n{"id": "b", "text": "Two <days>."}\n'))
    assert file_count(library.sources()) == 1
    listed = documents_html(library.sources())
    assert listed.count("<li>") == 1
    assert "2 entries" in listed
    assert 'value="uploads/faq.jsonl"' in listed


def test_files_of_one_name_are_told_apart_by_their_folders(library: Library, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number, folder in enumerate(("2025", "2026 <b>")):
        write(docs / folder, "leave.txt", f"Staff have {number + 25} days.")
    write(docs, "other.txt")
    list(library.sync([docs]))
    listed = documents_html(library.sources())
    assert re.findall(r'aria-label="([^"]*)"', listed) == [
        "Remove docs/2025/leave.txt", "Remove docs/2026 &lt;b&gt;/leave.txt", "Remove other.txt"]
    assert re.findall(r"<small>([^<]*)</small>", listed) == ["docs/2025", "docs/2026 &lt;b&gt;", ""]


@pytest.mark.parametrize(("state", "dismissed"), [
    ("waiting", False), ("working", False), ("ready", True), ("noticed", True), ("failed", True), ("cancelled", True)])
def test_a_row_of_which_nothing_more_will_come_can_be_dismissed(state: str, dismissed: bool) -> None:
    assert ('aria-label="Dismiss a &lt;b&gt;.txt"' in rows_html([Row("a <b>.txt", state)])) is dismissed


def test_examples_are_of_the_own_documents_first(
        library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = write(tmp_path / "sample", "leave.txt").parent
    monkeypatch.setattr("ui.pages.chat.SAMPLE", sample)
    list(library.sync([sample]))
    of_sample = _examples(library, library.sources())
    assert of_sample[0].startswith("How many days of annual leave")
    own = write(tmp_path / "own", "club.md", "# Club\n\n## 2. How can I pay?\n\nBy card.").parent
    write(own, "faq.jsonl", '{"title": "Who may enter?", "text": "Members only."}\n')
    list(library.sync([own]))
    assert _examples(library, library.sources()) == ["How can I pay?", "Who may enter?", of_sample[0]]
    write(own, "club.md", "# Club\n\n## 2. Opening hours\n\nFrom nine.")
    list(library.sync())
    assert _examples(library, library.sources())[0] == "What does “Club” say about “Opening hours”?"


def test_a_conversation_comes_back_as_it_was_and_what_is_none_does_not() -> None:
    said = [["user", "<div>Who?</div>"], ["assistant", "<div>Ann.</div>"]]
    assert _restored({"turns": ["Who?"], "messages": said}) == (
        ["Who?"], [{"role": "user", "content": "<div>Who?</div>"}, {"role": "assistant", "content": "<div>Ann.</div>"}])
    for kept in (None, [], "x", {}, {"turns": "x", "messages": []}, {"turns": [1], "messages": said},
                 {"turns": [], "messages": [["user", 1]]}, {"turns": [], "messages": [["system", "x"]]},
                 {"turns": [], "messages": [*said, ["user"]]}):
        assert all("value" not in part for part in _restored(kept))


def test_what_could_not_be_read_is_told_folded_away() -> None:
    png = FileError("docs/sub/broken.txt", "it is a PNG image", "Save it as text")
    notices = (Notice("docs/a.pdf", "page 2 has no text"), Notice("docs/b.pdf", "page 1 has no text"),
               Notice("docs/a.pdf", "2 comments were left out"))
    assert unread_html(Unread((png, FileError("empty.txt", "it is empty")), notices)) == (
        '<details class="unread"><summary>2 files could not be read</summary><ul>'
        '<li><bdi dir="ltr">docs/sub/</bdi><bdi dir="ltr"><b>broken.txt</b></bdi>'
        '<p>It is a PNG image.</p><p>Save it as text.</p></li>'
        '<li><bdi dir="ltr"><b>empty.txt</b></bdi><p>It is empty.</p></li></ul></details>'
        '<details class="unread"><summary>2 documents are not whole</summary><ul>'
        '<li><bdi dir="ltr">docs/</bdi><bdi dir="ltr"><b>a.pdf</b></bdi>'
        '<p>Page 2 has no text.</p><p>2 comments were left out.</p></li>'
        '<li><bdi dir="ltr">docs/</bdi><bdi dir="ltr"><b>b.pdf</b></bdi><p>Page 1 has no text.</p></li></ul></details>')


def test_of_nothing_unread_nothing_is_told() -> None:
    assert unread_html(Unread()) == ""
    assert "whole" not in unread_html(Unread((FileError("a.txt", "it is empty"),)))
    assert "could not" not in unread_html(Unread(notices=(Notice("a.pdf", "page 2 has no text"),)))


def test_links_that_a_folder_has_are_no_documents() -> None:
    told = unread_html(Unread(notices=(Notice("docs/", "2 symbolic links or special files in it are left out: a, b"),)))
    assert re.findall("<summary>(.*?)</summary>", told) == ["1 folder has links that are left out"]


def test_of_many_files_the_named_ones_are_listed_and_all_are_counted() -> None:
    one = Unread((FileError("a.txt", "it is empty"),), (Notice("a.pdf", "page 2 has no text"),))
    assert re.findall("<summary>(.*?)</summary>", unread_html(one)) == ["1 file could not be read", "1 document is not whole"]
    many = Unread(tuple(FileError(f"{n}.txt", "it is empty") for n in range(1000)),
                  tuple(Notice(f"{n}.pdf", "page 2 has no text") for n in range(1000)), 1234, 5)
    told = unread_html(many)
    assert re.findall("<summary>(.*?)</summary>", told) == [
        "2,234 files could not be read", "At least 1,000 documents are not whole"]
    assert told.count("<p>It is empty.</p></li>") == 1000
    assert told.count("<p>Page 2 has no text.</p></li>") == 1000
    assert re.findall('<li class="more">(.*?)</li>', told) == ["… and 1,234 more", "… and 5 more"]


@pytest.mark.parametrize(("hostile", "shown"), [
    ("<img src=x onerror=alert(1)>.txt", "&lt;img src=x onerror=alert(1)&gt;.txt"),
    ("</b></li></ul></details><script>x", "&lt;/b&gt;&lt;/li&gt;&lt;/ul&gt;&lt;/details&gt;&lt;script&gt;x"),
    ("${x} {{y}} `z`", "&#36;&#123;x&#125; &#123;&#123;y&#125;&#125; &#96;z&#96;"),
    ("\"'&amp;", "&quot;&#x27;&amp;amp;"),
    ("a\n\n- b\r\n1. c\u2028d\x85e\x1cf", "a - b 1. c d e f"),
    ("a\u202egpj.exe", "a\u202egpj.exe"),
    ("a\u2067b\u2069\u2069.txt", "a\u2067b\u2069\u2069.txt"),
])
def test_no_name_reason_remedy_or_notice_renders_as_markup(hostile: str, shown: str) -> None:
    error, notice = FileError(hostile, f"it is {hostile}", f"Mend {hostile}"), Notice(hostile, f"of {hostile}")
    told = unread_html(Unread((error,), (notice,)))
    names = re.findall(r'<li>(?:<bdi dir="ltr">(.*?)</bdi>)?<bdi dir="ltr"><b>(.*?)</b></bdi>', told)
    assert ["".join(parts) for parts in names] == [shown, shown]
    assert re.findall("<p>(.*?)</p>", told) == [f"It is {shown}.", f"Mend {shown}.", f"Of {shown}."]
    assert set(re.findall("<[^>]*>", told)) == {
        '<details class="unread">', "<summary>", "</summary>", "<ul>", "<li>", '<bdi dir="ltr">', "<b>", "</b>", "</bdi>",
        "<p>", "</p>", "</li>", "</ul>", "</details>"}


@pytest.mark.parametrize(("source", "shown"), [
    ("docs/", '<bdi dir="ltr"><b>docs/</b></bdi>'), ("/", '<bdi dir="ltr"><b>/</b></bdi>'),
    ("", '<bdi dir="ltr"><b></b></bdi>'), ("/a", '<bdi dir="ltr">/</bdi><bdi dir="ltr"><b>a</b></bdi>')])
def test_a_name_is_shown_whatever_it_is(source: str, shown: str) -> None:
    assert f"<li>{shown}<p>" in unread_html(Unread((FileError(source, "it is empty"),)))


def test_the_page_tells_of_what_is_unread_now_whoever_indexed(library: Library, tmp_path: Path) -> None:
    def shown() -> str:
        return str(_library_view(library)[1])

    assert shown() == ""  # nothing is indexed
    docs = write(tmp_path / "docs", "leave.txt").parent
    broken = write(docs, "broken.txt", "")
    list(library.sync([docs]))
    assert "<summary>1 file could not be read</summary>" in shown()
    assert "<b>broken.txt</b></bdi><p>It is empty.</p><p>Remove it, or save it again with its content.</p></li>" in shown()
    assert "whole" not in shown()
    write(docs, "other.txt", "")
    sync(library.home, [docs], encoder=SmallEncoder())  # as another process would
    assert "<summary>2 files could not be read</summary>" in shown()
    write(docs, "other.txt", "Another text.")
    broken.unlink()
    list(library.sync())
    assert shown() == ""
    write(docs, "broken.txt", "")
    list(library.sync())
    (library.home / FILE).write_text("{")
    assert shown() == ""
    assert "leave.txt" in _library_view(library)[0]
