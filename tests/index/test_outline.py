"""Cells over several rows and columns stand where they are seen."""

from __future__ import annotations

from index.formats.outline import MOST_COLUMNS, Cell, spanned


def test_a_cell_over_several_rows_goes_for_each_and_one_over_several_columns_keeps_them() -> None:
    rows = [[Cell("a", columns=2, rows=2), Cell("b")], [Cell("c")], [Cell("d"), Cell("e"), Cell("f", rows=9)], []]
    assert list(spanned(rows)) == [["a", "", "b"], ["a", "", "c"], ["d", "e", "f"], ["", "", "f"]]


def test_cells_that_claim_too_much_are_held_within_reason() -> None:
    [first, second] = spanned([[Cell("long " * 50, columns=10**9, rows=10**9), Cell("b")], [Cell("c")]])
    assert len(first) == len(second) == MOST_COLUMNS + 1
    assert (first[-1], second[-1]) == ("b", "c"), "what a row states itself is never lost"
    assert not any(second[:-1]), "what is long is not repeated"
