"""The header of a row, wherever in its table it stands, and what is no header."""

from __future__ import annotations

import time

import pytest

from index.sentences import sentences
from index.tables import header_of, is_row, table_at

RULED = "Fares of 2026\n| Route | 2026 |\n|---|---|\n| Quill | 7.50 |\n| Marrick | 9 |\n\nName | Age\nAda | 36"


@pytest.mark.parametrize(("row", "header"), [
    pytest.param("| Quill", "| Route | 2026 |", id="below a rule"),
    pytest.param("| Marrick", "| Route | 2026 |", id="further below"),
    pytest.param("|---", "| Route | 2026 |", id="the rule itself"),
    pytest.param("| Route", "| Route | 2026 |", id="the header itself, where a rule shows that it is one"),
    pytest.param("Ada", "Name | Age", id="without a rule, by its words"),
])
def test_the_header_is_the_first_row_of_the_table(row: str, header: str) -> None:
    found = header_of(RULED, RULED.index(row))
    assert found is not None
    assert RULED[slice(*found)] == header


@pytest.mark.parametrize("text", [
    "Region | Q1 | Q2 | Total 2024\nNorth 1 | 5 | 7 | 12\nSouth 2 | 6 | 8 | 14",
    "Quay | Phone 1 | Note\nQuill 1 | 555-1234 | wet\nMarrick 2 | | dry\nPellin 3 | 555-1236 | dry",
    "Port A1 | 2024 | 2025 (H1)\nQuill | £ 1,284 | -3 %\nMarrick | 900 | EUR 30\nSkell | closed | 30 km",
    " | Q1 | Q2\nNorth | 5 | 7",
])
def test_labels_with_digits_above_figures_are_a_header(text: str) -> None:
    top, *rows = text.split("\n")
    for row in rows:
        found = header_of(text, text.index(row))
        assert found is not None
        assert text[slice(*found)] == top.strip()
    assert header_of(text, 0) is None


@pytest.mark.parametrize(("text", "row"), [
    pytest.param("Room 1 | 40 | Ada\nRoom 2 | 30 | Bob", "Room 2", id="figures as below"),
    pytest.param("Room 1 | Ada\nRoom 2 | Bob", "Room 2", id="labels as below"),
    pytest.param("Boat 1 | 2023\nBoat 2 | 2024", "Boat 2", id="years as below"),
    pytest.param("7.50 | 9.00\nQuill | 8", "Quill", id="figures name no columns"),
    pytest.param("Name | Age", "Name", id="one row alone"),
    pytest.param("Name | Age\n\nAda | 36", "Ada", id="after an empty line another table begins"),
    pytest.param("Name | Age\n \t\r\nAda | 36", "Ada", id="white space alone is an empty line"),
    pytest.param("Name | Age\fAda | 36", "Ada", id="after a page's end too"),
    pytest.param("---\ntitle: x\n---\nName | Age", "Name", id="a rule at the start of the text is not below the last line"),
    pytest.param("aaa|bbb", "|bbb", id="a piece of a line that is no row"),
])
def test_no_header(text: str, row: str) -> None:
    assert header_of(text, text.index(row)) is None


BARE = "Ages as of May|June:\nName|Age|City\n---|---|---\nAnna|30|Rome\nBen|41\nof them\n\nAda|36|Oslo"


def test_below_a_rule_any_bar_makes_a_row() -> None:
    for text in (BARE, BARE.replace("---|---|---", " :-- | --- | --:\t"), BARE.replace("\n", "\r\n")):
        lines = [line for line in text.splitlines() if line]
        assert [is_row(text, text.index(line), text.index(line) + len(line)) for line in lines] == [
            False, True, True, True, True, False, False]
        found = header_of(text, text.index("Ben"))
        assert found is not None
        assert text[slice(*found)] == "Name|Age|City"
        assert header_of(text, text.index("Ada")) is None
        assert [text[start:end] for start, end in sentences(text)] == list(map(str.strip, lines))


@pytest.mark.parametrize("text", [
    "Choose a|b for\nboth, or c|d for\none.",
    "Choose a|b\n---\nand c|d.",  # a heading, as Markdown has it
    "flags = A|B;\n---|x\nflags = C|D;",
    "---|---\na|b",
    "Name\n---|---\na|b",
    "Name|Age\n\n---|---\na|b",
    "Name|Age\f\n---|---\na|b",
])
def test_a_bar_within_words_makes_no_row_without_a_rule_below_a_header(text: str) -> None:
    at = text.index("\n", text.index("|")) + 1 if text.startswith(("Name", "---")) else 0
    assert not is_row(text, text.rindex("\n", 0, len(text)) + 1, len(text))
    assert header_of(text, at) is None


@pytest.mark.parametrize("line", ["-|" * 300_000, "-" * 600_000, " " * 600_000 + "|", "-|\n" * 200_000, "a|b\n-|-\n" * 80_000])
def test_bars_and_dashes_without_end_take_no_time(line: str) -> None:
    began = time.perf_counter()
    text = f"a|b\n{line}x\nc|d"
    is_row(text, len(text) - 3, len(text))
    assert time.perf_counter() - began < 2


def test_the_header_of_a_long_table_is_found_quickly() -> None:
    text = "Prose.\n\n| Name | Age |\n|---|---|\n" + "".join(f"| Ada {n} | {n} |\n" for n in range(200_000))
    began = time.perf_counter()
    table = table_at(text, text.rindex("| Ada"))
    assert text[slice(*table.top)] == "| Name | Age |"
    assert time.perf_counter() - began < 2
