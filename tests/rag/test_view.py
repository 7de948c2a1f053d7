"""What the reader's model is shown: rows with their columns' names, and every character's way back to its place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from fakes import document, tiny_tokenizer
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import sentences
from index.tables import cells
from index.types import Chunk
from rag.reader.span import placed
from rag.reader.view import view
from rag.reader.windows import encode
from rag.types import Passage

MakePassage = Callable[..., Passage]

FARES = """Fares from March.

| Route | Adult | Child |
|---|---|---|
| Pellin – Marrick | £9.40 | £4.70 |
| Pellin – Quill |  | £5.00 |

Dogs travel free."""


def test_a_row_is_told_with_the_names_of_its_columns(passage: MakePassage) -> None:
    assert view(passage(FARES)).text == (
        "Fares from March.\n\n| Route | Adult | Child |\nPellin – Marrick, Adult: £9.40, Child: £4.70\n"
        "Pellin – Quill, Child: £5.00\n\nDogs travel free.")


def test_a_row_with_bars_between_cells_alone_is_told_so_too(passage: MakePassage) -> None:
    text = "Fares|Adult|Child\n---|---|---\nMarrick|£9.40|£4.70\n\nChoose a|b or c|d."
    assert view(passage(text)).text == "Fares|Adult|Child\nMarrick, Adult: £9.40, Child: £4.70\n\nChoose a|b or c|d."


def test_a_row_finds_its_header_outside_its_own_chunk(passage: MakePassage) -> None:
    whole = passage(FARES)
    start = FARES.index("| Pellin – Quill")
    chunk = type(whole.chunk)("one", whole.chunk.document_id, start, len(FARES), ((start, len(FARES)),), 9)
    assert view(Passage(chunk, whole.document, 0.0)).text.startswith("Pellin – Quill, Child: £5.00\n")


def test_a_table_without_a_header_and_prose_are_shown_as_they_are(passage: MakePassage) -> None:
    assert view(passage("Adult | 9.40\nChild | 4.70")).text == "Adult, 9.40\nChild, 4.70\n"
    assert view(passage("No table.\nNone at all.")).text == "No table.\nNone at all."


def test_a_cell_may_hold_a_bar_and_be_empty() -> None:
    row = r"a \| b |  | c"
    assert [row[start:end] for start, end in cells(row, (0, len(row)))] == [r"a \| b", "", "c"]


@given(st.text(alphabet="ab1 |\n-\f\\🚢", min_size=1, max_size=80).filter(lambda text: any(c.isalnum() for c in text)))
def test_what_is_shown_stands_where_it_says(text: str) -> None:
    pieces = tuple(sentences(text))
    made = document(text, "notes.txt", "Notes")
    shown = Passage(Chunk("one", made.id, pieces[0][0], pieces[-1][1], pieces, 1), made, 0.0)
    seen = view(shown)
    assert len(seen.places) == len(seen.text)
    for character, place in zip(seen.text, seen.places, strict=True):
        assert place < 0 or shown.text[place] == character
    real = seen.places[seen.places >= 0]
    assert (np.diff(real) > 0).all()


def test_pieces_stand_in_the_passage_and_a_name_put_in_cannot_answer(passage: MakePassage) -> None:
    shown = passage("| Route | Adult |\n|---|---|\n| Quill | nine |")
    seen = view(shown)
    [one] = encode(tiny_tokenizer(), [("who ?", "", seen.text)])
    there = placed(one, seen.places)
    told = [shown.text[start:end] for start, end, ok in zip(there.starts, there.ends, there.answerable, strict=True) if ok]
    assert "".join(told) == "|Route|Adult|Quillnine"  # "Adult" once: in the header itself, not where it was put in
