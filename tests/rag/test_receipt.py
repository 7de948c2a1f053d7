"""An answer's JSON is a receipt: replaying it finds every change."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
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


@pytest.fixture
def table(home: Path, folder: Path, encoder: Any, weights: Path) -> dict[str, Any]:
    """The receipt of a row whose header stands further up."""
    (folder / "fares.md").write_text("# Fares\n\n| Route | Fare |\n|---|---|\n| Quill | £9 |\n| Marrick harbour | £8 |\n")
    sync(home, [folder], encoder=encoder)
    asked = Assistant(home, Config(threshold=0.0), encoder, SimilarityReader(encoder, weights))
    return load_receipt(orjson.dumps(asked.ask("Marrick harbour?").json()))


OTHER_LABEL = "the citation states another title, page or heading than the document"


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
    (lambda quote: quote["citations"][0].update(text="Leave is 52 days."), "other words stand at this place"),
    (lambda quote: quote["citations"][0].update(document_id="0" * 16), "other words stand at this place"),
    (lambda quote: quote["citations"][0].update(text_sha256="0" * 64), "the document's text has changed"),
    (lambda quote: quote["citations"][0].update(file_sha256="0" * 64),
     "the document's file is another than the one that was cited"),
    (lambda quote: quote["citations"][0].update(source="docs/none.txt"), "the document is no longer in the library"),
    (lambda quote: quote["citations"][0].update(page=99), OTHER_LABEL),
    (lambda quote: quote["citations"][0].update(title="Law"), OTHER_LABEL),
    (lambda quote: quote.update(highlight=[0, 10_000]), "the highlight does not lie in the quote"),
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


@pytest.mark.parametrize(("start", "end"), [(-5, 3), (5, 5), (9, 3), (-30, -1), (10_000, 10_001)])
def test_a_place_that_is_none_does_not_hold(receipt: dict[str, Any], home: Path, start: int, end: int) -> None:
    receipt["quotes"][0]["citations"][0].update(start=start, end=end)
    assert problems(receipt, home) == ["other words stand at this place"]


def test_white_space_counts_in_the_first_citation(receipt: dict[str, Any], home: Path) -> None:
    receipt["quotes"][0]["text"] = receipt["quotes"][0]["text"].replace(" ", "\n", 1)
    assert problems(receipt, home) == ["other words stand at this place"]


@pytest.mark.parametrize("change", [
    lambda receipt: receipt["quotes"][0].update(start=400, end=400 + len(receipt["quotes"][0]["text"])),
    lambda receipt: receipt.update(text=receipt["text"].replace("25", "52")),
    lambda receipt: receipt.update(quotes=[]),
])
def test_a_receipt_that_contradicts_itself_does_not_hold(receipt: dict[str, Any], home: Path,
                                                         change: Callable[[Any], None]) -> None:
    """What stands twice in a receipt (the answer's text, a quote's place) says the same both times."""
    change(receipt)
    try:
        found = problems(receipt, home)
    except DataError:
        return
    assert any(found)


def test_a_file_that_is_gone_cannot_be_compared_but_the_quote_holds(receipt: dict[str, Any], home: Path, folder: Path) -> None:
    (folder / "leave.txt").unlink()
    assert [(c.ok, c.file_checked) for c in verify(receipt, open_current(home))] == [(True, False)]


def test_a_change_that_leaves_the_text_alone_is_found_too(receipt: dict[str, Any], home: Path, folder: Path,
                                                         encoder: Any) -> None:
    text = (folder / "leave.txt").read_bytes()
    (folder / "leave.txt").write_bytes(b"\xef\xbb\xbf" + text)
    sync(home, encoder=encoder)
    assert problems(receipt, home) == ["the document's file is another than the one that was cited"]


def test_every_citation_of_a_quote_is_replayed_for_itself(home: Path, folder: Path, encoder: Any, weights: Path) -> None:
    (folder / "poster.txt").write_text("Mind!\n\nANNUAL leave is 25 days\na year.")
    sync(home, [folder], encoder=encoder)
    asked = Assistant(home, Config(threshold=0.0), encoder, SimilarityReader(encoder, weights))
    receipt = load_receipt(orjson.dumps(asked.ask("How many days a year is annual leave?").json()))
    assert [c.source for c in verify(receipt, open_current(home))] == ["docs/leave.txt", "docs/poster.txt"]
    assert problems(receipt, home) == ["", ""]
    receipt["quotes"][0]["citations"][1]["start"] += 1
    assert problems(receipt, home) == ["", "other words stand at this place"]


def test_a_further_citation_may_be_a_copy_in_other_words_but_no_other_fact(home: Path, folder: Path, encoder: Any,
                                                                          weights: Path) -> None:
    (folder / "poster.txt").write_text("The annual leave is 25 days per year")
    sync(home, [folder], encoder=encoder)
    asked = Assistant(home, Config(threshold=0.0), encoder, SimilarityReader(encoder, weights))
    receipt = load_receipt(orjson.dumps(asked.ask("How many days a year is annual leave?").json()))
    [quote] = receipt["quotes"]
    assert [citation["text"] for citation in quote["citations"]] == [
        "Annual leave is 25 days a year.", "The annual leave is 25 days per year"]
    assert problems(receipt, home) == ["", ""]
    other = quote["citations"][1]
    for change in ({"text": quote["text"]}, {"start": 4}, {"start": 4, "text": "annual leave is 25 days per"},
                   {"end": 27, "text": "The annual leave is 25 days"}):
        altered = copy.deepcopy(receipt)
        altered["quotes"][0]["citations"][1] = other | change
        assert problems(altered, home) == ["", "other words stand at this place"]


def test_a_citation_from_a_workbook_names_its_sheet_and_row(home: Path, folder: Path, encoder: Any, weights: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Fares"
    for row in (["Harbour", "Fee"], ["Quill", "£9"], [], ["Marrick", "£8"], ["Pellin", "£7"]):
        book.active.append(row)
    book.save(folder / "fares.xlsx")
    sync(home, [folder], encoder=encoder)
    asked = Assistant(home, Config(threshold=0.0), encoder, SimilarityReader(encoder, weights))
    receipt = load_receipt(orjson.dumps(asked.ask("What is the fee at harbour Marrick?").json()))
    [quote, *_] = receipt["quotes"]
    assert (quote["text"], quote["citations"][0]["heading"]) == ("Harbour: Marrick | Fee: £8", ["Fares", "row 4"])
    assert problems(receipt, home)[0] == ""
    quote["citations"][0]["heading"] = ["Fares", "row 5"]
    assert problems(receipt, home)[0] == OTHER_LABEL


def test_a_citation_from_a_web_page_tells_its_author_and_date(home: Path, folder: Path, encoder: Any, weights: Path) -> None:
    (folder / "news.html").write_text(
        '<html><head><title>News</title><meta name="author" content="Ann Lee"><meta property="article:published_time"'
        ' content="2026-03-02"></head><body><p>The new ferry is called Solan.</p></body></html>')
    sync(home, [folder], encoder=encoder)
    asked = Assistant(home, Config(threshold=0.0), encoder, SimilarityReader(encoder, weights))
    receipt = load_receipt(orjson.dumps(asked.ask("What is the new ferry called?").json()))
    [citation] = receipt["quotes"][0]["citations"]
    assert (citation["source"], citation["author"], citation["date"]) == ("docs/news.html", "Ann Lee", "2026-03-02")
    assert problems(receipt, home)[0] == ""
    for field in ("author", "date"):
        altered = copy.deepcopy(receipt)
        altered["quotes"][0]["citations"][0][field] = "2026-03-03"
        assert problems(altered, home)[0] == "the citation states another author or date than the document"
        del altered["quotes"][0]["citations"][0][field]  # as earlier versions wrote it
        assert problems(altered, home)[0] == ""


def test_a_receipt_that_does_not_tell_the_words_of_its_citations_holds_where_they_are_the_quotes(
        receipt: dict[str, Any], home: Path) -> None:
    for citation in receipt["quotes"][0]["citations"]:
        del citation["text"]
    del receipt["quotes"][0]["header"], receipt["quotes"][0]["differs"]
    assert problems(receipt, home) == [""]


def test_the_header_of_a_row_is_replayed_too(table: dict[str, Any], home: Path) -> None:
    [quote] = table["quotes"]
    assert (quote["header"]["text"], quote["text"]) == ("| Route | Fare |", "| Marrick harbour | £8 |")
    assert problems(table, home) == [""]
    header = quote["header"]
    for change in ({"text": "| Route | Price |"}, {"start": header["start"] + 1}, {"end": 10_000}, {"start": -20},
                   {"start": quote["start"], "end": quote["end"], "text": quote["text"]}):
        altered = copy.deepcopy(table)
        altered["quotes"][0]["header"] = header | change
        assert problems(altered, home) == ["other words stand where the table's header should"]


@pytest.mark.parametrize("header", [7, {}, {"text": "x", "start": "0", "end": 1}, {"start": 0, "end": 1}, "| Route | Fare |"])
def test_a_header_of_another_form_is_refused(table: dict[str, Any], home: Path, header: object) -> None:
    table["quotes"][0]["header"] = header
    with pytest.raises(DataError, match="wrong kind"):
        verify(table, open_current(home))


def test_the_receipt_of_a_refusal_cites_nothing(home: Path, receipt: dict[str, Any]) -> None:
    assert verify(receipt | {"answered": False, "quotes": [], "text": ""}, open_current(home)) == []


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_a_receipt_of_another_schema_is_refused(receipt: dict[str, Any], schema: object) -> None:
    with pytest.raises(DataError, match="this Pullquote reads 1"):
        load_receipt(orjson.dumps(receipt | {"schema": schema}))


@pytest.mark.parametrize("quotes", [
    [1], ["text"], [{}], [{"text": "x", "citations": []}], [{"text": "x", "citations": {}}], [{"text": "x", "citations": [1]}],
    [{"text": "x", "citations": [{"number": 1, "source": 7, "start": 0, "end": 1}]}], [None]])
def test_a_receipt_of_another_form_is_refused(home: Path, receipt: dict[str, Any], quotes: list[Any]) -> None:
    with pytest.raises(DataError, match="lacks a field or has one of the wrong kind"):
        verify(receipt | {"quotes": quotes}, open_current(home))


@pytest.mark.parametrize(("field", "value"), [("start", "0"), ("start", 0.5), ("end", None), ("source", ["docs/leave.txt"])])
def test_a_field_of_the_wrong_kind_is_refused(home: Path, receipt: dict[str, Any], field: str, value: object) -> None:
    receipt["quotes"][0]["citations"][0][field] = value
    with pytest.raises(DataError, match="wrong kind"):
        verify(receipt, open_current(home))
