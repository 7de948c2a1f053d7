"""Pages that are pictures, in PDFs that can be read: said by name and number, and the rest goes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pdfs import by_hand

from index.build import sync
from index.files import read_documents
from index.types import Notice

TEXT = "BT /F 12 Tf 50 200 Td (Staff have 25 days of leave.) Tj ET"
SCAN = "q 400 0 0 300 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"
BLANK = ""


@pytest.mark.parametrize(("pages", "notices"), [
    ([TEXT, SCAN, TEXT], ("page 2 has no text: needs OCR",)),
    ([TEXT, BLANK, TEXT], ()),
    ([SCAN, TEXT], ("page 1 has no text: needs OCR",)),
    ([TEXT, SCAN], ("page 2 has no text: needs OCR",)),
    ([SCAN, TEXT, SCAN], ("pages 1 and 3 have no text: need OCR",)),
    ([SCAN, TEXT, SCAN, BLANK, SCAN, SCAN, SCAN], ("pages 1, 3 and 5-7 have no text: need OCR",)),
    ([SCAN, SCAN, TEXT], ("pages 1-2 have no text: need OCR",)),
    ([TEXT], ()),
])
def test_pages_without_text_are_told_by_number(tmp_path: Path, pages: list[str], notices: tuple[str, ...]) -> None:
    (tmp_path / "a.pdf").write_bytes(by_hand(*pages))
    [document] = read_documents(tmp_path / "a.pdf", "docs/a.pdf")
    assert document.notices == notices
    assert [section.page for section in document.sections if "Staff" in document.text[section.start : section.end]] == [
        number for number, page in enumerate(pages, 1) if page == TEXT]


def test_a_build_tells_them_when_the_file_is_read_and_does_not_fail_it(docs: Path, home: Path, encoder: Any) -> None:
    (docs / "a.pdf").write_bytes(by_hand(TEXT, SCAN))
    (docs / "b.pdf").write_bytes(by_hand(SCAN))
    report = sync(home, [docs], encoder=encoder)
    assert (report.added, report.notices) == (("docs/a.pdf",), (Notice("docs/a.pdf", "page 2 has no text: needs OCR"),))
    assert str(report.notices[0]) == "docs/a.pdf: page 2 has no text: needs OCR"
    assert [error.source for error in report.skipped] == ["docs/b.pdf"]  # there is nothing to index in it
    assert sync(home, encoder=encoder).notices == ()  # it was not read again
    assert [notice.source for notice in sync(home, encoder=encoder, rebuild=True).notices] == ["docs/a.pdf"]
