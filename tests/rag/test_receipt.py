"""An answer's JSON is a receipt: replaying it finds every change."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from index.build import remove, sync
from index.errors import DataError
from index.generation import open_current
from rag.assistant import Assistant
from rag.config import Config
from rag.reader.similarity import SimilarityReader
from rag.receipt import load_receipt, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "leave.txt").write_text("Annual leave is 25 days a year. Unused leave lapses in March.")
    (folder / "boats.txt").write_text("The ferry sails at nine.")
    return folder


@pytest.fixture
def receipt(home: Path, folder: Path, encoder: Any, weights: Path) -> dict[str, Any]:
    sync(home, [folder], encoder=encoder)
    asked = Assistant(home, Config(threshold=0.0), encoder, SimilarityReader(encoder, weights))
    return load_receipt(orjson.dumps(asked.ask("How many days a year is annual leave?").json()))


def problems(receipt: dict[str, Any], home: Path) -> list[str]:
    return [check.problem for check in verify(receipt, open_current(home))]


def test_an_untouched_receipt_holds_and_the_file_was_compared(receipt: dict[str, Any], home: Path, folder: Path) -> None:
    checks = verify(receipt, open_current(home))
    assert [(c.ok, c.file_checked, c.source) for c in checks] == [(True, True, "docs/leave.txt")]
    assert (receipt["quotes"][0]["citations"][0]["file_sha256"]
            == hashlib.sha256((folder / "leave.txt").read_bytes()).hexdigest())


@pytest.mark.parametrize(("change", "problem"), [
    (lambda quote: quote.update(text=quote["text"].replace("25", "52")), "other words stand at this place"),
    (lambda quote: quote["citations"][0].update(start=1), "other words stand at this place"),
    (lambda quote: quote["citations"][0].update(end=10_000), "other words stand at this place"),
    (lambda quote: quote["citations"][0].update(text_sha256="0" * 64), "the document's text has changed"),
    (lambda quote: quote["citations"][0].update(file_sha256="0" * 64),
     "the document's file is another than the one that was cited"),
    (lambda quote: quote["citations"][0].update(source="docs/none.txt"), "the document is no longer in the library"),
])
def test_every_tampering_is_found(receipt: dict[str, Any], home: Path, change: Callable[[Any], None], problem: str) -> None:
    altered = copy.deepcopy(receipt)
    change(altered["quotes"][0])
    assert problems(altered, home) == [problem]


def test_a_file_that_changed_on_disk_is_found(receipt: dict[str, Any], home: Path, folder: Path) -> None:
    (folder / "leave.txt").write_text("Annual leave is 30 days a year.")
    assert problems(receipt, home) == ["the file on disk has changed since it was indexed"]


def test_a_file_that_was_indexed_anew_is_found(receipt: dict[str, Any], home: Path, folder: Path, encoder: Any) -> None:
    (folder / "leave.txt").write_text("Annual leave is 30 days a year.")
    sync(home, encoder=encoder)
    assert problems(receipt, home) == ["the document's text has changed"]


def test_a_document_that_was_removed_is_found(receipt: dict[str, Any], home: Path, encoder: Any) -> None:
    remove(home, ["docs/leave.txt"], encoder=encoder)
    assert problems(receipt, home) == ["the document is no longer in the library"]


@pytest.mark.parametrize(("data", "reason"), [
    (b"{", "not JSON"), (b"[]", "no list of quotes"), (b'{"quotes": [], "schema": 9}', "schema 9; this Pullquote reads 1")])
def test_what_is_no_receipt_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        load_receipt(data)


def test_a_receipt_that_lacks_a_field_is_refused(receipt: dict[str, Any], home: Path) -> None:
    del receipt["quotes"][0]["citations"][0]["start"]
    with pytest.raises(DataError, match="start"):
        verify(receipt, open_current(home))
