from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from index.build import Progress, Report
from index.catalog import Catalog
from index.errors import PullquoteError
from ui.library import Library, safe_name
from ui.pages.chat import _told
from ui.pages.library import Row, documents_html, file_count, rows_html


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
