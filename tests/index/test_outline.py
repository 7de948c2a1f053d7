"""Cells over several rows and columns stand where they are seen."""

from __future__ import annotations

import pytest

from index.formats.outline import LONGEST_REPEATED, MOST_COLUMNS, MOST_HEADER_ROWS, Cell, spanned, table_lines

SALES = [Cell("Sales", columns=4)]
YEARS = [Cell(""), Cell("2024", columns=2), Cell("2025")]
QUARTERS = [Cell("Region"), Cell("Q1"), Cell("Q2"), Cell("Q1")]
NORTH = [Cell("North"), Cell("5"), Cell("7"), Cell("6")]
JOINED, ALONE = "Region | 2024 Q1 | 2024 Q2 | 2025 Q1", "North | 5 | 7 | 6"


def test_a_cell_over_several_rows_goes_for_each_and_one_over_several_columns_keeps_them() -> None:
    rows = [[Cell("a", columns=2, rows=2), Cell("b")], [Cell("c")], [Cell("d"), Cell("e"), Cell("f", rows=9)], []]
    assert list(spanned(rows)) == [["a", "", "b"], ["a", "", "c"], ["d", "e", "f"], ["", "", "f"]]


def test_cells_that_claim_too_much_are_held_within_reason() -> None:
    [first, second] = spanned([[Cell("long " * 50, columns=10**9, rows=10**9), Cell("b")], [Cell("c")]])
    assert len(first) == len(second) == MOST_COLUMNS + 1
    assert (first[-1], second[-1]) == ("b", "c"), "what a row states itself is never lost"
    assert not any(second[:-1]), "what is long is not repeated"
    wide = [Cell("a", columns=10**9), *[Cell("b", columns=10**9)] * 9]
    assert list(table_lines([wide, [Cell("c"), Cell("d")], [Cell("e")]], 2)) == [
        " | ".join(["a c", "a d", *["a"] * (MOST_COLUMNS - 2), *["b"] * 9]), "e"]


@pytest.mark.parametrize(("rows", "header", "lines"), [
    pytest.param([YEARS, QUARTERS, NORTH], 2, [JOINED, ALONE], id="two rows"),
    pytest.param([YEARS, [], QUARTERS, NORTH], 3, [JOINED, ALONE], id="an empty one between them"),
    pytest.param([SALES, YEARS, QUARTERS, NORTH], 3, ["Sales", JOINED, ALONE], id="below a title"),
    pytest.param([YEARS, QUARTERS, [Cell("in euros", columns=99)], NORTH], 3, [JOINED, "in euros", ALONE], id="above a remark"),
    pytest.param([[Cell("Port", rows=2), Cell("Fee", columns=2)], [Cell("Adult"), Cell("Child")], NORTH], 2,
                 ["Port | Fee Adult | Fee Child", ALONE], id="a name over both rows is told once"),
    pytest.param([[Cell("Port"), Cell("Fee")], [Cell(""), Cell("euros"), Cell("Note")], NORTH], 2,
                 ["Port | Fee euros | Note", ALONE], id="rows of different lengths"),
    pytest.param([YEARS, QUARTERS, NORTH], 1, [" | 2024 |  | 2025", "Region | Q1 | Q2 | Q1", ALONE], id="one row"),
    pytest.param([SALES, YEARS, NORTH], 2, ["Sales", " | 2024 |  | 2025", ALONE], id="a title and one row"),
    pytest.param([YEARS, QUARTERS], 2, [" | 2024 |  | 2025", "Region | Q1 | Q2 | Q1"], id="nothing below"),
    pytest.param([NORTH] * 7, MOST_HEADER_ROWS + 1, [ALONE] * 7, id="too many rows"),
    pytest.param([[Cell("A"), Cell("x" * 201, columns=2)], [Cell("B"), Cell("C"), Cell("D")], NORTH], 2,
                 [f"A B | {'x' * (LONGEST_REPEATED + 1)} C | D", ALONE], id="what is long is not repeated"),
    pytest.param([], 2, [], id="no rows"),
])  # fmt: skip
def test_the_rows_of_a_header_are_one_line_with_all_the_names_of_each_column(
    rows: list[list[Cell]], header: int, lines: list[str]
) -> None:
    assert list(table_lines(rows, header)) == lines


def test_a_cell_over_some_of_the_columns_is_a_name_of_them_and_no_title() -> None:
    top, names = [Cell("Revenue", columns=2), Cell("")], [Cell("2023"), Cell("2024"), Cell("Note")]
    rows = [Cell("5"), Cell("7"), Cell("audited")]
    assert list(table_lines([top, names, rows], 2)) == ["Revenue 2023 | Revenue 2024 | Note", "5 | 7 | audited"]
    assert list(table_lines([[Cell("Revenue", columns=3)], names, rows], 2))[:2] == ["Revenue", "2023 | 2024 | Note"]
