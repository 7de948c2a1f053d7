"""The order of the library, told anew and told from that of what was there before."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.catalog import CatalogWriter, FileRecord
from index.store import Places
from index.types import Chunk, Document, Section, document_id

NAMES = st.text("ab#Z\U0001f600", min_size=1, max_size=4)
FILES = st.dictionaries(NAMES, st.lists(st.integers(0, 3), max_size=3), max_size=8)  # of each document, how many chunks


def put(folder: Path, files: dict[str, list[int]], before: Places | None) -> tuple[Places, list[str]]:
    """Add files to a catalog; returns the places that it tells, and each new row's file."""
    catalog = CatalogWriter(folder / "catalog.sqlite")
    rows: list[str] = []
    for name, documents in files.items():
        for number, chunks in enumerate(documents):
            source = f"{name}\n{number}"
            id = document_id(source)
            document = Document(id, source, "", "x", "text/plain", name, "", (Section(0, 1),), 0.0)
            some = [Chunk(f"{id}.{at}", id, 0, 1, ((0, 1),), 1) for at in range(chunks)]
            catalog.add_document(document, some, [b""] * chunks, f"/{name}")
            rows += [name] * chunks
        catalog.add_file(FileRecord(f"/{name}", name, 1, 1, 1, name))
    places = catalog.places(before)
    catalog.finish()
    return places, rows


@given(FILES, FILES)
def test_rows_stand_in_the_order_of_their_files_whatever_was_there_first(first: dict[str, list[int]],
                                                                         then: dict[str, list[int]]) -> None:
    then = {name: documents for name, documents in then.items() if name not in first}
    with TemporaryDirectory() as folder:
        before, rows = put(Path(folder), first, None)
        places, more = put(Path(folder), then, before)
    rows += more
    expected = sorted(range(len(rows)), key=lambda row: (rows[row], row))
    assert np.argsort(places).tolist() == expected
    assert sorted(places.tolist()) == list(range(len(rows)))
