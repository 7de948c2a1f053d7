"""A library kept in step with its files: what is read, what is carried over, what a crash leaves, who may write."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import generation
from index.build import Progress, Report, erase, index_documents, remove, sync
from index.chunks import Chunking, search_text
from index.errors import Busy, Corrupt, EncoderMismatch, FileError, FormatVersion, HomeError, InputError, NoIndex
from index.files import Content, documents_of, read_documents
from index.formats.base import Extract
from index.generation import (
    COPY,
    FORMAT,
    KEPT,
    MANIFEST,
    Generation,
    current_id,
    current_manifest,
    file_sha256,
    generations,
    open_current,
    rollback,
    writing,
)
from index.sandbox import Sandbox
from index.types import Document, document_id

BROKEN = b"%PDF-1.7\nnot really"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of three short texts."""
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "ferry.txt").write_text("The ferry leaves at nine. It returns at noon.")
    (folder / "otter.md").write_text("# Otters\n\nOtters swim and sleep.\n")
    (folder / "sub" / "bikes.txt").write_text("Bicycles cost 2 euro each.")
    return folder


@pytest.fixture
def opened() -> Iterator[list[Generation]]:
    stores: list[Generation] = []
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def library(home: Path, opened: list[Generation]):
    """Opens the generation in use."""

    def current() -> Generation:
        opened.append(open_current(home))
        return opened[-1]

    return current


def edit(path: Path, content: str | bytes) -> None:
    """Write a file at a later time than the one it has."""
    later = path.stat().st_mtime_ns + 1_000_000_000 if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if later:
        os.utime(path, ns=(later, later))


def texts(store: Generation) -> dict[str, str]:
    return {info.source: store.document(info.document_id).text for info in store.sources()}


def changes(report: Report) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int]:
    return report.added, report.updated, report.removed, report.unchanged


def leftovers(home: Path) -> list[str]:
    """What a finished build should not leave behind."""
    names = [path.name for path in (home / "generations").iterdir() if path.name.startswith(".")]
    return names + [name for name in ("lock.pid", ".CURRENT.tmp") if (home / name).exists()]


# In step with the files


def test_a_folder_is_indexed_and_reported(home, docs, encoder, library) -> None:
    report = sync(home, [docs], encoder=encoder)
    assert changes(report) == (("docs/ferry.txt", "docs/otter.md", "docs/sub/bikes.txt"), (), (), 0)
    assert (report.documents, report.chunks, report.encoded, report.skipped) == (3, 3, 3, ())
    assert report.generation == current_id(home)
    assert report.seconds > 0
    assert texts(library()) == {"docs/ferry.txt": "The ferry leaves at nine. It returns at noon.",
                                "docs/otter.md": "# Otters\n\nOtters swim and sleep.\n",
                                "docs/sub/bikes.txt": "Bicycles cost 2 euro each."}
    assert len(encoder.texts) == 3
    assert leftovers(home) == []


def test_the_manifest_says_what_the_generation_is(home, docs, encoder) -> None:
    first = sync(home, [docs], encoder=encoder)
    edit(docs / "new.txt", "New.")
    sync(home, encoder=encoder)
    made = current_manifest(home)
    assert (made.parent, made.encoder, made.revision, made.dimension) == (first.generation, "words", "1", 64)
    assert (made.documents, made.chunks, made.chunking) == (4, 4, Chunking(200, 50))
    assert [(root.path, root.name) for root in made.roots] == [(str(docs), "docs")]
    assert {"catalog.sqlite", "vectors.f16"} < set(made.files)
    assert any(name.startswith("lexical/") for name in made.files)


def test_nothing_to_do_makes_no_generation(home, docs, encoder) -> None:
    first = sync(home, [docs], encoder=encoder)
    again = sync(home, encoder=encoder)
    assert (again.generation, changes(again), again.encoded) == (first.generation, ((), (), (), 3), 0)
    assert sync(home, [docs], encoder=encoder).generation == first.generation
    assert generations(home) == [first.generation]


def test_only_what_is_new_or_changed_is_encoded(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    encoder.texts.clear()
    edit(docs / "ferry.txt", "The ferry leaves at ten.")
    edit(docs / "new.txt", "Lanterns are lit.")
    (docs / "otter.md").unlink()
    report = sync(home, encoder=encoder)
    assert changes(report) == (("docs/new.txt",), ("docs/ferry.txt",), ("docs/otter.md",), 1)
    assert (report.documents, report.encoded) == (3, 2)
    assert sorted(text.split("\n")[1] for text in encoder.texts) == ["Lanterns are lit.", "The ferry leaves at ten."]
    assert texts(library())["docs/ferry.txt"] == "The ferry leaves at ten."
    assert library().lexical("otters swim", 5) == []


def test_of_a_long_document_only_the_changed_chunks_are_encoded(home, docs, encoder) -> None:
    sections = [f"## Part {n}\n\n" + f"Rule {n} is told in full here, word by word. " * 12 for n in range(6)]
    edit(docs / "long.md", "\n\n".join(sections))
    sync(home, [docs], encoder=encoder)
    sections[3] = sections[3].replace("full", "short")
    edit(docs / "long.md", "\n\n".join(sections))
    report = sync(home, encoder=encoder)
    assert changes(report) == ((), ("docs/long.md",), (), 3)
    assert report.encoded == 1


@dataclass
class Work:
    """The names of the files that a build hashed and parsed, in order."""

    hashed: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work()

    def hashing(path: Path) -> str:
        work.hashed.append(path.name)
        return file_sha256(path)

    def parsing(_: Sandbox, path: Path, source: str, _tell: object) -> list[Document]:
        work.parsed.append(path.name)
        return read_documents(path, source)

    monkeypatch.setattr("index.build.file_sha256", hashing)
    monkeypatch.setattr(Sandbox, "read_documents", parsing)
    return work


def test_of_a_touched_file_nothing_but_the_hash_is_looked_at(home, docs, encoder, library, work) -> None:
    sync(home, [docs], encoder=encoder)
    work.parsed.clear()
    os.utime(docs / "ferry.txt", (5, 5.25))
    report = sync(home, encoder=encoder)
    assert (changes(report), report.encoded) == (((), (), (), 3), 0)
    assert (work.hashed, work.parsed) == (["ferry.txt"], [])
    assert {info.source: info.modified for info in library().sources()}["docs/ferry.txt"] == 5.25
    assert sync(home, encoder=encoder).generation == report.generation
    assert work.hashed == ["ferry.txt"]


def test_touches_use_up_no_way_back(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    edit(docs / "ferry.txt", "The ferry is out of service.")
    sync(home, encoder=encoder)
    for second in range(1, KEPT + 2):
        os.utime(docs / "otter.md", (second, second))
        sync(home, encoder=encoder)
    rollback(home)
    assert texts(library())["docs/ferry.txt"] != "The ferry is out of service."


def test_what_is_no_mere_touch_is_a_step_of_its_own_to_go_back(home, docs, encoder, tmp_path) -> None:
    made = [sync(home, [docs], encoder=encoder).generation]
    (tmp_path / "empty").mkdir()
    made.append(sync(home, [tmp_path / "empty"], encoder=encoder).generation)  # a folder more is followed
    edit(docs / "otter.md", b"---\nauthor: A. Heron\n---\n" + (docs / "otter.md").read_bytes())
    made.append(sync(home, encoder=encoder).generation)
    edit(docs / "otter.md", (docs / "otter.md").read_bytes().replace(b"Heron", b"Ferry"))
    made.append(sync(home, encoder=encoder).generation)
    for earlier in reversed(made[1:-1]):
        assert rollback(home).id == earlier


@pytest.mark.parametrize(("name", "new"), [
    ("otter.md", "animals.md"), ("ferry.txt", "boat.txt"), ("ferry.txt", "sub/Ferry.TXT")])
def test_a_renamed_file_is_another_source_but_is_neither_parsed_nor_encoded(
        home, docs, encoder, library, work, name: str, new: str) -> None:
    sync(home, [docs], encoder=encoder)
    work.parsed.clear()
    (docs / name).rename(docs / new)
    report = sync(home, encoder=encoder)
    assert changes(report) == ((f"docs/{new}",), (), (f"docs/{name}",), 2)
    assert (report.encoded, len(encoder.texts), work.parsed) == (0, 3, [])
    store = library()
    assert texts(store)[f"docs/{new}"] == (docs / new).read_text()
    assert f"docs/{name}" not in texts(store)
    assert {chunk.document_id for info in store.sources() for chunk in store.catalog.chunks_of(info.document_id)[1]} == {
        document_id(source) for source in texts(store)}


def test_a_file_without_a_title_is_found_by_its_name_and_then_by_its_new_one(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    (docs / "ferry.txt").rename(docs / "zeppelin.txt")
    sync(home, encoder=encoder)
    store = library()
    [hit] = store.lexical("zeppelin", 5)
    found = store.document(store.chunks([hit.chunk_id])[0].document_id)
    assert (found.source, found.title, found.titled) == ("docs/zeppelin.txt", "zeppelin", False)


def test_the_same_content_at_two_places_is_one_document(home, docs, encoder, library, work) -> None:
    sync(home, [docs], encoder=encoder)
    work.parsed.clear()
    shutil.copy(docs / "ferry.txt", docs / "sub" / "copy.txt")
    report = sync(home, encoder=encoder)
    assert (changes(report), report.encoded, work.parsed) == ((("docs/sub/copy.txt",), (), (), 3), 0, [])
    assert (report.documents, report.copies, report.chunks) == (3, 1, 3)
    store = library()
    original, copy = (store.document(document_id(source)) for source in ("docs/ferry.txt", "docs/sub/copy.txt"))
    assert (original.also, copy.also) == (("docs/sub/copy.txt",), ())
    assert (copy.source, copy.title, copy.text, copy.sections) == (
        "docs/sub/copy.txt", "copy", original.text, original.sections)
    assert [(info.source, info.copy_of) for info in store.sources() if info.copy_of] == [("docs/sub/copy.txt", original.id)]
    again = sync(home, encoder=encoder)
    assert (again.unchanged, again.documents, again.copies) == (4, 3, 1)


@pytest.mark.parametrize("gone", ["delete", "edit", "remove"])
def test_where_the_first_place_of_a_document_goes_it_lives_on_at_the_next(
        home, docs, encoder, library, work, tmp_path, gone: str) -> None:
    for name in ("m.md", "sub/otter.md"):
        shutil.copy(docs / "otter.md", docs / name)
    sync(home, [docs], encoder=encoder)
    work.parsed.clear()
    match gone:
        case "delete":
            (docs / "m.md").unlink()
        case "edit":
            edit(docs / "m.md", "# Marmots\n\nMarmots whistle.\n")
    report = remove(home, ["docs/m.md"], encoder=encoder) if gone == "remove" else sync(home, encoder=encoder)
    assert (report.encoded, work.parsed) == ((1, ["m.md"]) if gone == "edit" else (0, []))
    assert (report.documents, report.copies) == (4 if gone == "edit" else 3, 1)
    assert library().document(document_id("docs/otter.md")).also == ("docs/sub/otter.md",)
    if gone != "remove":
        same_as_new(home, tmp_path / "fresh", docs, encoder)


def test_a_copy_that_comes_before_becomes_the_document(home, docs, encoder, library, tmp_path) -> None:
    sync(home, [docs], encoder=encoder)
    shutil.copy(docs / "ferry.txt", docs / "a boat.txt")
    report = sync(home, encoder=encoder)
    assert (changes(report), report.encoded) == ((("docs/a boat.txt",), (), (), 3), 0)
    assert library().document(document_id("docs/a boat.txt")).also == ("docs/ferry.txt",)
    same_as_new(home, tmp_path / "fresh", docs, encoder)


def test_the_same_bytes_under_another_suffix_are_another_document(home, docs, encoder) -> None:
    shutil.copy(docs / "ferry.txt", docs / "ferry.md")
    report = sync(home, [docs], encoder=encoder)
    assert (report.documents, report.copies, report.encoded) == (4, 0, 3)


def test_the_rows_of_a_copied_file_are_copies_but_those_that_stand_alone(home, docs, encoder, library) -> None:
    rows = "\n".join(json.dumps({"id": n, "text": f"Lantern {n} is lit."}) for n in range(3))
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        edit(docs / name, rows)
    report = sync(home, [docs], encoder=encoder)
    assert (report.documents, report.copies) == (6, 6)
    report = remove(home, ["docs/a.jsonl#1"], encoder=encoder)
    assert (report.documents, report.copies) == (6, 5)
    edit(docs / "d.jsonl", rows)
    report = sync(home, encoder=encoder)
    assert (report.documents, report.copies) == (6, 8)
    store = library()
    assert [store.document(document_id(f"docs/{name}")).also for name in ("a.jsonl#0", "b.jsonl#1")] == [
        ("docs/b.jsonl#0", "docs/c.jsonl#0", "docs/d.jsonl#0"), ("docs/c.jsonl#1", "docs/d.jsonl#1")]
    assert [store.document(id).source for id in store.catalog.documents_of(str(docs / "b.jsonl"))] == [
        "docs/b.jsonl#0", "docs/b.jsonl#1", "docs/b.jsonl#2"]


def test_files_that_exchange_their_names_are_told_apart_by_content(home, docs, encoder, library, work) -> None:
    edit(docs / "berry.txt", "The berry ripens at six. It is red at noon...")
    for name in ("ferry.txt", "berry.txt"):  # as from one archive
        os.utime(docs / name, (9, 9))
    sync(home, [docs], encoder=encoder)
    assert (docs / "berry.txt").stat().st_size == (docs / "ferry.txt").stat().st_size
    work.parsed.clear()
    (docs / "ferry.txt").rename(docs / "x")
    (docs / "berry.txt").rename(docs / "ferry.txt")
    (docs / "x").rename(docs / "berry.txt")
    report = sync(home, encoder=encoder)
    assert (changes(report), report.encoded) == (((), ("docs/berry.txt", "docs/ferry.txt"), (), 2), 0)
    assert work.parsed == []
    assert texts(library())["docs/berry.txt"].startswith("The ferry")


def test_a_file_of_another_suffix_is_parsed_anew(home, docs, encoder, library, work) -> None:
    sync(home, [docs], encoder=encoder)
    work.parsed.clear()
    (docs / "otter.md").rename(docs / "otter.txt")
    sync(home, encoder=encoder)
    assert work.parsed == ["otter.txt"]
    assert library().document(document_id("docs/otter.txt")).media_type == "text/plain"


def test_of_600_files_one_changes_and_only_its_changed_chunk_is_encoded(home, docs, encoder, work) -> None:
    for n in range(600):
        parts = (f"## Part {m}\n\n" + f"Rule {n} is told here at length. " * 6 for m in range(3))
        edit(docs / f"{n}.md", "\n\n".join([f"# Rule {n}", *parts]))
    sync(home, [docs], encoder=encoder)
    encoder.texts.clear()
    work.parsed.clear()
    edit(docs / "321.md", (docs / "321.md").read_text().replace("at length", "in short", 1))
    report = sync(home, encoder=encoder)
    assert (report.updated, report.encoded) == (("docs/321.md",), 1)
    assert ["in short" in text for text in encoder.texts] == [True]
    assert work.parsed == ["321.md"]


def test_the_same_text_twice_is_encoded_once(home, docs, encoder) -> None:
    shutil.copy(docs / "otter.md", docs / "sub" / "otter.md")
    report = sync(home, [docs], encoder=encoder)
    assert (report.documents, report.copies, report.chunks, report.encoded) == (3, 1, 3, 3)


def test_an_edit_is_seen_that_leaves_size_and_time_as_they_were(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    state = (docs / "ferry.txt").stat()
    (docs / "ferry.txt").write_text("THE ferry leaves at nine. It returns at noon.")
    os.utime(docs / "ferry.txt", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert changes(sync(home, encoder=encoder)) == ((), ("docs/ferry.txt",), (), 2)
    assert texts(library())["docs/ferry.txt"].startswith("THE")


def test_a_file_of_other_permissions_is_hashed_once(home, docs, encoder, work) -> None:
    sync(home, [docs], encoder=encoder)
    work.parsed.clear()
    (docs / "ferry.txt").chmod(0o600)
    for _ in range(2):
        report = sync(home, encoder=encoder)
        assert (changes(report), report.encoded) == (((), (), (), 3), 0)
    assert (work.hashed, work.parsed) == (["ferry.txt"], [])


def test_rebuild_reads_everything_anew(home, docs, encoder, library, work) -> None:
    sync(home, [docs], encoder=encoder)
    state = (docs / "ferry.txt").stat()
    (docs / "ferry.txt").write_text("THE ferry leaves at nine. It returns at noon.")
    os.utime(docs / "ferry.txt", ns=(state.st_atime_ns, state.st_mtime_ns))
    report = sync(home, encoder=encoder, rebuild=True)
    assert changes(report) == ((), ("docs/ferry.txt",), (), 2)
    assert texts(library())["docs/ferry.txt"].startswith("THE")
    work.parsed.clear()
    assert sync(home, encoder=encoder, rebuild=True).unchanged == 3
    assert work.parsed == ["ferry.txt", "otter.md", "bikes.txt"]


def test_every_document_is_counted_once(home, docs, encoder, tmp_path) -> None:
    """added + updated + unchanged = documents, also where one file holds several and where some were not looked at."""
    rows = [json.dumps({"id": n, "text": f"Row {n} is here."}) for n in range(4)]
    edit(docs / "faq.jsonl", "\n".join(rows))
    edit(tmp_path / "more" / "m.txt", "More.")
    reports = [sync(home, [docs, tmp_path / "more"], encoder=encoder)]
    edit(docs / "ferry.txt", "It is late.")
    reports.append(sync(home, encoder=encoder))
    edit(docs / "ferry.txt", "It is later.")
    reports.append(sync(home, [docs], encoder=encoder))
    assert [report.documents for report in reports] == [8, 8, 8]
    assert [(len(r.added), len(r.updated), r.unchanged) for r in reports] == [(8, 0, 0), (0, 1, 7), (0, 1, 7)]


def test_rows_of_a_file_are_added_updated_and_removed_one_by_one(home, docs, encoder) -> None:
    rows = {n: f"Row {n} is here." for n in range(4)}

    def write() -> None:
        edit(docs / "faq.jsonl", "\n".join(json.dumps({"id": str(n), "text": text}) for n, text in rows.items()))

    write()
    assert len([s for s in sync(home, [docs], encoder=encoder).added if s.startswith("docs/faq.jsonl#")]) == 4
    del rows[0]
    rows |= {2: "Row 2 is new.", 9: "Row 9 is here."}
    write()
    report = sync(home, encoder=encoder)
    assert changes(report)[:3] == (("docs/faq.jsonl#9",), ("docs/faq.jsonl#2",), ("docs/faq.jsonl#0",))
    assert report.encoded == 2


def test_an_empty_folder_is_an_empty_library(home, tmp_path, encoder, library) -> None:
    (tmp_path / "empty").mkdir()
    report = sync(home, [tmp_path / "empty"], encoder=encoder)
    assert (report.documents, report.chunks) == (0, 0)
    assert library().dense(encoder.encode(["x"])[0], 5) == library().lexical("x", 5) == library().sources() == []


def test_progress_counts_files_then_chunks(home, docs, encoder) -> None:
    told: list[Progress] = []
    sync(home, [docs], encoder=encoder, progress=told.append)
    reading, encoding, writing = ([p for p in told if p.stage == stage] for stage in ("reading", "encoding", "writing"))
    assert reading + encoding + writing == told
    assert [(p.done, p.total, p.source) for p in reading] == [
        (0, 3, "docs/ferry.txt"), (1, 3, "docs/otter.md"), (2, 3, "docs/sub/bikes.txt"), (3, 3, "")]
    assert (encoding[-1].done, encoding[-1].total) == (3, 3)
    assert [(p.done, p.total) for p in writing] == [(0, 1), (1, 1)]


# Roots


def test_roots_are_remembered(home, docs, encoder, tmp_path, library) -> None:
    sync(home, [docs], encoder=encoder)
    edit(tmp_path / "note.txt", "A note.")
    sync(home, [tmp_path / "note.txt"], encoder=encoder)
    edit(docs / "ferry.txt", "It is late.")
    edit(tmp_path / "note.txt", "Another note.")
    assert sync(home, encoder=encoder).updated == ("docs/ferry.txt", "note.txt")
    assert len(texts(library())) == 4


def test_only_the_roots_that_are_named_are_looked_through(home, docs, encoder, tmp_path, library) -> None:
    edit(tmp_path / "more" / "m.txt", "More.")
    sync(home, [docs, tmp_path / "more"], encoder=encoder)
    edit(docs / "ferry.txt", "It is late.")
    edit(tmp_path / "more" / "m.txt", "Less.")
    assert sync(home, [tmp_path / "more"], encoder=encoder).updated == ("more/m.txt",)
    assert texts(library())["docs/ferry.txt"].startswith("The ferry")
    assert sync(home, encoder=encoder).updated == ("docs/ferry.txt",)


def test_two_roots_of_the_same_name_are_told_apart(home, docs, encoder, tmp_path, library) -> None:
    edit(tmp_path / "other" / "docs" / "ferry.txt", "Another ferry.")
    sync(home, [docs], encoder=encoder)
    report = sync(home, [tmp_path / "other" / "docs"], encoder=encoder)
    assert report.added == ("other/docs/ferry.txt",)
    assert texts(library())["docs/ferry.txt"].startswith("The ferry")
    assert texts(library())["other/docs/ferry.txt"] == "Another ferry."


def test_sources_of_nested_names_are_told_apart(home, encoder, tmp_path, library) -> None:
    """The second `docs` would be called `a/docs`, which is also what a folder in `a` is called."""
    for name, text in (("x/a/docs/f.txt", "One."), ("q/docs/f.txt", "Two."), ("z/a/docs/f.txt", "Three.")):
        edit(tmp_path / name, text)
    sync(home, [tmp_path / "x" / "a", tmp_path / "q" / "docs", tmp_path / "z" / "a" / "docs"], encoder=encoder)
    assert sorted(texts(library()).values()) == ["One.", "Three.", "Two."]


def test_a_file_of_a_folder_that_is_followed_may_be_named(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    edit(docs / "ferry.txt", "It is late.")
    sync(home, [docs / "ferry.txt"], encoder=encoder)
    assert list(texts(library()).values()).count("It is late.") == 1
    assert len(texts(library())) == 3


def test_a_folder_around_one_that_is_followed_may_be_named(home, docs, encoder, library) -> None:
    sync(home, [docs / "sub"], encoder=encoder)
    sync(home, [docs], encoder=encoder)
    assert sorted(texts(library()).values()) == sorted(path.read_text() for path in docs.rglob("*.*"))


def test_the_home_may_lie_in_a_folder_that_is_followed(docs, encoder) -> None:
    home = docs / "home"
    assert sync(home, [docs], encoder=encoder).documents == 3
    assert sync(home, encoder=encoder).documents == 3


def test_a_vanished_root_keeps_its_documents(home, docs, encoder, tmp_path, library) -> None:
    edit(tmp_path / "more" / "m.txt", "More.")
    sync(home, [docs, tmp_path / "more"], encoder=encoder)
    docs.rename(tmp_path / "away")
    edit(tmp_path / "more" / "m.txt", "Less.")
    report = sync(home, encoder=encoder)
    assert (report.updated, report.removed, report.documents) == (("more/m.txt",), (), 4)
    [error] = report.skipped
    assert (error.source, error.message) == ("docs", "there is no such file or folder")
    (tmp_path / "away").rename(docs)
    assert sync(home, encoder=encoder).skipped == ()
    assert len(texts(library())) == 4


@pytest.mark.parametrize("name", ["nowhere", "docs/nothing.txt"])
def test_a_path_that_is_not_there(home, docs, encoder, tmp_path, name: str) -> None:
    with pytest.raises(InputError, match="there is no file or folder"):
        sync(home, [tmp_path / name], encoder=encoder)
    with pytest.raises(NoIndex):
        current_id(home)


def test_the_home_itself_is_no_root(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    with pytest.raises(InputError, match="is the index itself"):
        sync(home, [home], encoder=encoder)


def test_without_roots_there_is_nothing_to_bring_up_to_date(home, encoder) -> None:
    with pytest.raises(NoIndex, match="nothing is indexed"):
        sync(home, encoder=encoder)


# Broken files


def test_a_broken_file_is_skipped_with_its_reason_and_the_others_go_through(home, docs, encoder) -> None:
    edit(docs / "bad.pdf", BROKEN)
    edit(docs / "empty.txt", b"")
    report = sync(home, [docs], encoder=encoder)
    assert len(report.added) == 3
    assert [error.source for error in report.skipped] == ["docs/bad.pdf", "docs/empty.txt"]
    assert report.skipped[0].message.startswith("it is a damaged or incomplete PDF")
    assert report.skipped[1].message == "it is empty"
    assert all(isinstance(error, FileError) and error.remedy for error in report.skipped)


def test_the_version_before_stays_of_a_file_that_broke(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    edit(docs / "ferry.txt", BROKEN)
    edit(docs / "otter.md", "# Otters\n\nOtters play.\n")
    report = sync(home, encoder=encoder)
    assert changes(report)[:3] == ((), ("docs/otter.md",), ())
    [error] = report.skipped
    assert error.source == "docs/ferry.txt"
    assert error.message.startswith("it is a damaged or incomplete PDF")
    assert error.message.endswith(" (the version indexed before stays)")
    assert texts(library())["docs/ferry.txt"].startswith("The ferry")
    edit(docs / "ferry.txt", "It is mended.")
    report = sync(home, encoder=encoder)
    assert (report.updated, report.skipped) == (("docs/ferry.txt",), ())


@pytest.mark.parametrize(("name", "holds_nothing", "why"), [
    ("ferry.txt", b"", "it is empty"),
    ("ferry.txt", b" \n", "there is no text in it"),
    ("ferry.txt", b"<html><p> </p></html>", "there is no text in it"),
    ("faq.jsonl", b"\n", "there is no text in it"),
    ("faq.jsonl", b"", "it is empty"),
])
@pytest.mark.parametrize("rebuild", [False, True])
def test_of_a_file_that_was_emptied_nothing_stays(home, docs, encoder, library, name: str, holds_nothing: bytes, why: str,
                                                  rebuild: bool) -> None:
    edit(docs / "faq.jsonl", "".join(json.dumps({"text": f"Row {n}."}) + "\n" for n in range(2)))
    sync(home, [docs], encoder=encoder)
    gone = sorted(source for source in texts(library()) if source.startswith(f"docs/{name}"))
    edit(docs / name, holds_nothing)
    for removed in (gone, []):
        report = sync(home, encoder=encoder, rebuild=rebuild)
        assert (report.added, report.updated, list(report.removed), report.documents) == ((), (), removed, 5 - len(gone))
        assert [(error.source, error.message) for error in report.skipped] == [(f"docs/{name}", why)]
        assert not texts(library()).keys() & set(gone)
    edit(docs / name, '{"text": "It is filled again."}')
    assert len(sync(home, encoder=encoder).added) == 1


def test_a_file_that_could_not_be_read_whole_is_not_empty(home, docs, encoder, library, monkeypatch) -> None:
    sync(home, [docs], encoder=encoder)
    content = Content("text/plain", "0" * 64, 0.0, (Extract("", " ", notices=("half of it is damaged",)),))
    monkeypatch.setattr(Sandbox, "read_documents", lambda self, path, source, tell: documents_of(content, source))
    edit(docs / "ferry.txt", "Whatever.")
    assert [error.message for error in sync(home, encoder=encoder).skipped] == [
        "there is no text in it (the version indexed before stays)"]
    assert texts(library())["docs/ferry.txt"].startswith("The ferry")


def test_a_broken_file_is_named_again_by_every_run(home, docs, encoder) -> None:
    edit(docs / "bad.pdf", BROKEN)
    reports = [sync(home, [docs], encoder=encoder) for _ in range(2)]
    assert [[error.source for error in report.skipped] for report in reports] == [["docs/bad.pdf"]] * 2


# Taking out


def test_a_removed_document_stays_out_until_it_is_named_again(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    report = remove(home, ["docs/ferry.txt"], encoder=encoder)
    assert (report.removed, report.documents, report.encoded) == (("docs/ferry.txt",), 2, 0)
    assert library().lexical("ferry", 5) == []
    assert (docs / "ferry.txt").is_file()
    edit(docs / "ferry.txt", "It is late.")
    assert sync(home, encoder=encoder).documents == 2
    assert sync(home, encoder=encoder, rebuild=True).documents == 2
    assert sync(home, [docs], encoder=encoder).documents == 2  # a folder above it says nothing about it
    report = sync(home, [docs / "ferry.txt"], encoder=encoder)
    assert (report.added, report.documents) == (("docs/ferry.txt",), 3)


def test_a_folder_is_removed_with_all_that_is_in_it(home, docs, encoder, library) -> None:
    edit(docs / "sub" / "deep" / "x.txt", "Deep.")
    edit(docs / "subtle.txt", "Not in sub.")
    sync(home, [docs], encoder=encoder)
    assert remove(home, ["docs/sub"], encoder=encoder).removed == ("docs/sub/bikes.txt", "docs/sub/deep/x.txt")
    edit(docs / "sub" / "new.txt", "New.")
    sync(home, encoder=encoder)
    assert sorted(texts(library())) == ["docs/ferry.txt", "docs/otter.md", "docs/subtle.txt"]


def test_naming_a_file_in_a_removed_folder_brings_the_folder_back(home, docs, encoder, library) -> None:
    edit(docs / "sub" / "x.txt", "Deep.")
    sync(home, [docs], encoder=encoder)
    remove(home, ["docs/sub"], encoder=encoder)
    assert sync(home, [docs / "sub" / "x.txt"], encoder=encoder).added == ("docs/sub/x.txt",)
    assert sync(home, encoder=encoder).added == ("docs/sub/bikes.txt",)


def test_what_was_removed_stays_out_when_a_folder_above_its_root_is_followed(home, docs, encoder, library) -> None:
    sync(home, [docs / "sub", docs / "ferry.txt"], encoder=encoder)
    remove(home, ["sub/bikes.txt"], encoder=encoder)
    assert sync(home, [docs], encoder=encoder).added == ("docs/ferry.txt", "docs/otter.md")
    assert library().manifest.excluded == ("docs/sub/bikes.txt",)


def test_of_a_removed_root_no_name_is_kept(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    remove(home, ["docs/ferry.txt"], encoder=encoder)
    remove(home, ["docs"], encoder=encoder)
    assert library().manifest.excluded == ()
    assert len(sync(home, [docs], encoder=encoder).added) == 3


def test_a_removed_root_is_no_longer_followed(home, docs, encoder, tmp_path, library) -> None:
    edit(tmp_path / "more" / "m.txt", "More.")
    sync(home, [docs, tmp_path / "more"], encoder=encoder)
    assert len(remove(home, ["docs"], encoder=encoder).removed) == 3
    edit(docs / "new.txt", "New.")
    sync(home, encoder=encoder)
    assert sorted(texts(library())) == ["more/m.txt"]
    assert len(sync(home, [docs], encoder=encoder).added) == 4


def test_everything_may_be_removed(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    assert remove(home, ["docs"], encoder=encoder).documents == 0
    assert library().sources() == library().lexical("ferry", 5) == []
    assert sync(home, [docs], encoder=encoder).documents == 3


def test_a_row_is_removed_without_the_others_of_its_file(home, docs, encoder, library) -> None:
    edit(docs / "faq.jsonl", "\n".join(json.dumps({"id": str(n), "text": f"Row {n}."}) for n in range(12)))
    sync(home, [docs], encoder=encoder)
    assert remove(home, ["docs/faq.jsonl#1"], encoder=encoder).removed == ("docs/faq.jsonl#1",)
    edit(docs / "faq.jsonl", "\n".join(json.dumps({"id": str(n), "text": f"Row {n} again."}) for n in range(12)))
    sync(home, encoder=encoder)
    rows = [source for source in texts(library()) if "#" in source]
    assert len(rows) == 11
    assert "docs/faq.jsonl#1" not in rows


def test_a_removed_row_is_back_when_its_file_is_named_again(home, docs, encoder, library) -> None:
    edit(docs / "faq.jsonl", "\n".join(json.dumps({"id": str(n), "text": f"Row {n}."}) for n in range(3)))
    sync(home, [docs], encoder=encoder)
    remove(home, ["docs/faq.jsonl#1"], encoder=encoder)
    assert sync(home, [docs], encoder=encoder).added == ()
    report = sync(home, [docs / "faq.jsonl"], encoder=encoder)  # the file itself did not change
    assert (report.added, report.encoded) == (("docs/faq.jsonl#1",), 0)
    assert "docs/faq.jsonl#1" in texts(library())


def test_a_file_that_holds_a_document_of_anothers_name_is_skipped_as_if_it_were_new(home, docs, encoder, library) -> None:
    edit(docs / "faq.jsonl#1", "A file with a strange name.")
    edit(docs / "faq.jsonl", json.dumps({"id": "0", "text": "Row 0."}))
    sync(home, [docs], encoder=encoder)
    edit(docs / "faq.jsonl", json.dumps({"id": "1", "text": "Row 1."}))
    [error] = sync(home, encoder=encoder).skipped
    assert (error.source, "another file holds" in error.message) == ("docs/faq.jsonl#1", True)
    assert texts(library())["docs/faq.jsonl#1"] == "Row 1."


def test_what_is_not_in_the_library_cannot_be_removed(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    before = current_id(home)
    with pytest.raises(InputError, match=r"docs/nothing\.txt is not in the library"):
        remove(home, ["docs/ferry.txt", "docs/nothing.txt"], encoder=encoder)
    assert current_id(home) == before


def test_a_home_spelled_with_two_dots_is_the_same_home(home, docs, encoder) -> None:
    edit(home / "uploads" / "note.txt", "An upload.")
    edit(home / "cache" / "own.txt", "Not a document.")
    roundabout = docs / ".." / home.name
    sync(roundabout, [home.parent, home / "uploads"], encoder=encoder)
    indexed = [info.source for info in open_current(home).sources()]
    assert not any(source.endswith("own.txt") for source in indexed)
    [note] = [source for source in indexed if source.endswith("note.txt")]
    remove(roundabout, [note], encoder=encoder)
    assert not list((home / "uploads").iterdir())


def test_uploads_are_deleted_when_removed(home, docs, encoder, library) -> None:
    edit(home / "uploads" / "note.txt", "An upload.")
    edit(home / "uploads" / "kept.txt", "Another upload.")
    sync(home, [docs], encoder=encoder)
    sync(home, [home / "uploads"], encoder=encoder)
    assert len(texts(library())) == 5
    remove(home, ["uploads/note.txt", "docs/ferry.txt"], encoder=encoder)
    assert [path.name for path in (home / "uploads").iterdir()] == ["kept.txt"]
    assert (docs / "ferry.txt").is_file()


def test_an_upload_of_several_documents_stays_while_one_is_left(home, encoder, library) -> None:
    edit(home / "uploads" / "faq.jsonl", "\n".join(json.dumps({"id": str(n), "text": f"Row {n}."}) for n in range(3)))
    sync(home, [home / "uploads"], encoder=encoder)
    remove(home, ["uploads/faq.jsonl#1"], encoder=encoder)
    sync(home, encoder=encoder)
    assert sorted(texts(library())) == ["uploads/faq.jsonl#0", "uploads/faq.jsonl#2"]


# Documents without files


def test_documents_are_indexed_without_files(home, document, encoder, library) -> None:
    made = [document("b", "Second."), document("a", "First.", "Title")]
    report = index_documents(home, made, encoder=encoder)
    assert (report.added, report.documents, report.encoded) == (("a", "b"), 2, 2)
    assert texts(library()) == {"a": "First.", "b": "Second."}
    index_documents(home, made[:1], encoder=encoder)
    assert texts(library()) == {"b": "Second."}


def test_documents_need_sources_of_their_own_and_there_must_be_one(home, document, encoder) -> None:
    with pytest.raises(InputError, match="two documents have the source a"):
        index_documents(home, [document("a", "One."), document("a", "Two.")], encoder=encoder)
    with pytest.raises(InputError, match="no document to index"):
        index_documents(home, [], encoder=encoder)
    assert leftovers(home) == generations(home) == []


# What does not go together


@pytest.mark.parametrize("other", [{"name": "letters"}, {"revision": "2"}])
def test_another_encoder_needs_a_rebuild(home, docs, encoder, make_encoder, library, other) -> None:
    before = sync(home, [docs], encoder=encoder).generation
    with pytest.raises(EncoderMismatch, match=r"made with the encoder words \(1\)"):
        sync(home, encoder=make_encoder(**other))
    assert current_id(home) == before
    report = sync(home, encoder=make_encoder(**other), rebuild=True)
    assert (report.documents, report.encoded) == (3, 3)
    made = library().manifest
    assert (made.encoder, made.revision) == (other.get("name", "words"), other.get("revision", "1"))


def test_another_encoder_takes_nothing_out(home, docs, encoder, make_encoder) -> None:
    made = sync(home, [docs], encoder=encoder)
    other = make_encoder("others")
    with pytest.raises(EncoderMismatch, match="made with the encoder words \\(1\\), not others \\(1\\)"):
        remove(home, ["docs/ferry.txt"], encoder=other)
    assert (other.texts, current_id(home)) == ([], made.generation)


def test_other_chunks_need_a_rebuild(home, docs, encoder, library) -> None:
    edit(docs / "long.txt", "A sentence of some words is here. " * 40)
    before = sync(home, [docs], encoder=encoder)
    with pytest.raises(InputError, match=r"has chunks of 200 tokens \(overlap 50\), not 40 \(overlap 0\)"):
        sync(home, encoder=encoder, chunking=Chunking(40, 0))
    assert current_id(home) == before.generation
    report = sync(home, encoder=encoder, chunking=Chunking(40, 0), rebuild=True)
    assert report.chunks > before.chunks + 4
    assert library().manifest.chunking == Chunking(40, 0)


def test_another_format_is_refused_by_its_number(home, docs, encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    sync(home, [docs], encoder=encoder)
    current = current_manifest(home)
    manifest = home / "generations" / current_id(home) / "manifest.json"
    with monkeypatch.context() as patch:
        patch.setattr("index.generation.FORMAT", FORMAT + 1)
        manifest.write_bytes(current.json())
    for use in (open_current, current_manifest, lambda home: sync(home, encoder=encoder)):
        with pytest.raises(FormatVersion, match=f"has format {FORMAT + 1}; this Pullquote reads format {FORMAT}"):
            use(home)
    assert sync(home, [docs], encoder=encoder, rebuild=True).documents == 3
    open_current(home).close()


# Damage


def test_a_flipped_byte_in_any_file_is_found_and_the_file_named(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    folder = home / "generations" / current_id(home)
    names = list(current_manifest(home).files)
    assert len(names) > 5
    for name in names:
        good = (folder / name).read_bytes()
        for at in {0, len(good) // 2, len(good) - 1}:
            (folder / name).write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            with pytest.raises(Corrupt, match=f"the file {name} .* is damaged or missing") as caught:
                open_current(home)
            assert "rollback" in caught.value.remedy
        (folder / name).unlink()
        with pytest.raises(Corrupt, match=name):
            open_current(home)
        (folder / name).write_bytes(good)
    open_current(home).close()


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"null", b'{"format": 3}', b"\xff\xfe"])
def test_a_damaged_manifest_is_reported(home, docs, encoder, damaged: bytes) -> None:
    sync(home, [docs], encoder=encoder)
    (home / "generations" / current_id(home) / "manifest.json").write_bytes(damaged)
    with pytest.raises(Corrupt, match="manifest"):
        open_current(home)


@pytest.mark.parametrize("damaged", [b"", b"000009-deadbeef\n", b"\xff\xfe", b"..\n"])
def test_a_damaged_pointer_is_reported_and_mended(home, docs, encoder, damaged: bytes) -> None:
    made = sync(home, [docs], encoder=encoder).generation
    (home / "CURRENT").write_bytes(damaged)
    with pytest.raises(Corrupt, match="CURRENT"):
        open_current(home)
    assert rollback(home).id == made  # the newest that is whole
    open_current(home).close()
    (home / "CURRENT").write_bytes(damaged)
    report = sync(home, encoder=encoder, rebuild=True)
    assert (report.documents, report.encoded) == (3, 0)
    open_current(home).close()


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def complaint(home: Path) -> str:
    """What is wrong with the index in use; empty where nothing is."""
    try:
        open_current(home).close()
    except Corrupt as error:
        return error.message
    return ""


def test_a_flipped_bit_in_any_file_is_found_and_mended_by_rollback_and_by_rebuild(home, docs, encoder, tmp_path) -> None:
    first = sync(home, [docs], encoder=encoder).generation
    edit(docs / "ferry.txt", "It is late.")
    second = sync(home, encoder=encoder).generation
    files = [home / "CURRENT", *(path for path in (home / "generations" / second).rglob("*") if path.is_file())]
    files = [path for path in files if path.stat().st_size]
    assert {"CURRENT", "manifest.json", "catalog.sqlite", "vectors.f16", "meta.json"} < {path.name for path in files}
    chance = random.Random(3)
    kept = shutil.copytree(home, tmp_path / "kept")
    for path in files:
        for command in ("rollback", "index --rebuild"):
            shutil.rmtree(home)
            shutil.copytree(kept, home)
            flip(path, chance.randrange(8 * path.stat().st_size - 8))  # not in the last byte, a line end of CURRENT
            assert ("the manifest of" if path.name == "manifest.json" else path.name) in complaint(home)
            made = rollback(home).id if command == "rollback" else sync(home, encoder=encoder, rebuild=True).generation
            assert complaint(home) == ""
            assert (made == first) == (command == "rollback" and path.name != "CURRENT")
            with closing(open_current(home)) as store:
                assert (texts(store)["docs/ferry.txt"] == "It is late.") == (made != first)
                assert len(texts(store)) == 3


def test_a_flipped_bit_in_the_manifest_or_the_pointer_is_found_wherever_it_is(home, docs, encoder) -> None:
    """But for white space that says the same."""
    sync(home, [docs], encoder=encoder)
    whole = current_manifest(home)
    manifest = home / "generations" / whole.id / "manifest.json"
    for path, name, step in ((home / "CURRENT", "CURRENT", 1), (manifest, "manifest", 9)):
        good, unnoticed = path.read_bytes(), []
        for bit in range(0, 8 * len(good), step):
            flip(path, bit)
            if name not in complaint(home):
                unnoticed.append(good[bit // 8])
                assert current_manifest(home) == whole
            path.write_bytes(good)
        assert set(unnoticed) <= set(b" \n")


def test_a_generation_without_its_manifest_or_folder(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    folder = home / "generations" / current_id(home)
    (folder / "manifest.json").unlink()
    with pytest.raises(Corrupt, match="has no manifest"):
        open_current(home)
    shutil.rmtree(folder)
    with pytest.raises(Corrupt):
        open_current(home)


def test_rebuild_mends_a_damaged_index(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    edit(home / "generations" / current_id(home) / "vectors.f16", b"damaged")
    with pytest.raises(Corrupt):
        sync(home, [docs], encoder=encoder)
    assert sync(home, [docs], encoder=encoder, rebuild=True).documents == 3
    assert len(texts(library())) == 3


def test_rebuild_without_paths_mends_what_was_followed(home, docs, encoder, library) -> None:
    """The remedy that the error names is `pullquote index --rebuild`, and the manifest or its copy still knows the roots."""
    made = sync(home, [docs], encoder=encoder).generation
    for name in ("vectors.f16", MANIFEST, COPY):
        edit(home / "generations" / current_id(home) / name, b"damaged")
        with pytest.raises(Corrupt):
            open_current(home)
        assert sync(home, encoder=encoder, rebuild=True).documents == 3
        assert len(texts(library())) == 3
        erase(home)  # there is no other manifest left
    assert made not in generations(home)


def test_where_there_is_no_way_back_the_remedy_is_one_that_helps(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    with pytest.raises(NoIndex) as caught:
        rollback(home)
    assert caught.value.remedy == "The one in use stays"
    edit(home / "generations" / current_id(home) / "vectors.f16", b"damaged")
    with pytest.raises(NoIndex) as caught:
        rollback(home)
    assert "index --rebuild" in caught.value.remedy


# Going back


def test_rollback_goes_back_one_generation_at_a_time(home, docs, encoder, library) -> None:
    made = [sync(home, [docs], encoder=encoder).generation]
    for text in ("Second.", "Third."):
        edit(docs / "ferry.txt", text)
        made.append(sync(home, encoder=encoder).generation)
    assert rollback(home).id == made[1] == current_id(home)
    assert texts(library())["docs/ferry.txt"] == "Second."
    assert rollback(home).id == made[0]
    with pytest.raises(NoIndex, match="no whole generation before"):
        rollback(home)
    report = sync(home, encoder=encoder)
    assert report.updated == ("docs/ferry.txt",)
    assert (library().manifest.parent, report.encoded) == (made[0], 0)
    assert report.generation > made[2]


def test_rollback_passes_over_a_damaged_generation(home, docs, encoder) -> None:
    made = [sync(home, [docs], encoder=encoder).generation]
    for text in ("Second.", "Third."):
        edit(docs / "ferry.txt", text)
        made.append(sync(home, encoder=encoder).generation)
    edit(home / "generations" / made[1] / "catalog.sqlite", b"damaged")
    assert rollback(home).id == made[0]


def test_the_last_three_generations_are_kept(home, docs, encoder) -> None:
    made = [sync(home, [docs], encoder=encoder).generation]
    for n in range(4):
        edit(docs / "ferry.txt", f"Text {n}.")
        made.append(sync(home, encoder=encoder).generation)
    assert generations(home) == made[-KEPT:]
    assert KEPT == 3


def test_an_opened_generation_can_be_searched_after_it_was_pruned(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    store = library()
    for n in range(4):
        edit(docs / "ferry.txt", f"Text {n}.")
        sync(home, encoder=encoder)
    assert store.generation not in generations(home)
    assert texts(store)["docs/ferry.txt"].startswith("The ferry")
    [hit] = store.lexical("otters", 5)
    assert store.chunks([hit.chunk_id])
    assert len(store.dense(encoder.encode(["ferry"])[0], 5)) == 3


@pytest.mark.parametrize("part", ["read_manifest", "_blake3", "Catalog", "Vectors", "Lexical"])
def test_a_generation_that_is_pruned_while_it_is_opened_is_no_failure(
        home, docs, encoder, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    sync(home, [docs], encoder=encoder)
    whole = getattr(generation, part)
    made: list[str] = []
    first = iter([True])  # files are hashed by several threads

    def late(*arguments: Any) -> Any:
        if next(first, False):
            monkeypatch.setattr(generation, part, whole)
            edit(docs / "ferry.txt", "It is late.")
            made.append(sync(home, encoder=encoder).generation)
            erase(home)
        return whole(*arguments)

    monkeypatch.setattr(generation, part, late)
    with closing(open_current(home)) as store:
        assert [store.generation] == made
        assert texts(store)["docs/ferry.txt"] == "It is late."


# Other processes


CHILD = """
import os, runpy, signal, sys
from pathlib import Path
fakes, home, docs = sys.argv[1:4]
home, docs = Path(home), Path(docs)
WordEncoder = runpy.run_path(fakes)["WordEncoder"]
from index import build, cache
from index.generation import current_id, open_current, writing
"""


def child(code: str, home: Path, docs: Path, *arguments: str) -> subprocess.Popen[str]:
    fakes = Path(__file__).parent.parent / "fakes.py"
    return subprocess.Popen([sys.executable, "-c", CHILD + code, str(fakes), str(home), str(docs), *arguments],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_second_writer_is_told_who_is_writing(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    with child("with writing(home): print('writing', flush=True); sys.stdin.read()", home, docs) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == "writing\n"
        for write in (lambda: sync(home, encoder=encoder), lambda: rollback(home),
                      lambda: remove(home, ["docs"], encoder=encoder)):
            with pytest.raises(Busy, match=rf"another process \(pid {other.pid}\) is writing to"):
                write()
        assert len(texts(library())) == 3  # reading needs no lock
        other.stdin.close()
        assert other.wait(30) == 0
    assert sync(home, encoder=encoder).documents == 3
    assert leftovers(home) == []


def test_the_lock_of_a_killed_writer_holds_nobody_up(home, docs, encoder) -> None:
    with child("with writing(home): print('writing', flush=True); sys.stdin.read()", home, docs) as other:
        assert other.stdout
        assert other.stdout.readline() == "writing\n"
        other.kill()
        other.wait(30)
    with writing(home):
        assert (home / "lock.pid").read_text() == str(os.getpid())
    assert leftovers(home) == []


def test_a_home_that_cannot_be_one(tmp_path, docs, encoder) -> None:
    edit(tmp_path / "file", b"x")
    with pytest.raises(HomeError, match="cannot be written to"):
        sync(tmp_path / "file", [docs], encoder=encoder)


def test_a_lock_that_could_not_be_signed_is_given_back(home, docs, encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(HomeError, match="No space left on device") as caught:
            sync(home, [docs], encoder=encoder)
    assert not isinstance(caught.value, Busy)
    assert sync(home, [docs], encoder=encoder).documents == 3


FULL = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = current_id(home)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for bytes in map(int, sys.argv[4:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, limit))
    try:
        build.sync(home, encoder=WordEncoder())
        outcome = "done"
    except Exception as error:
        outcome = f"{type(error).__name__} {error}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    open_current(home).close()
    kept = current_id(home) == before and not list((home / "generations").glob(".*"))
    print(bytes, kept, outcome, flush=True)
"""


def test_a_full_disk_is_reported_and_the_index_before_stays_in_use(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    for n in range(30):
        edit(docs / f"{n}.txt", " ".join(f"Sentence {n} {m} tells of {random.Random(m).random()}." for m in range(100)))
    limits = [3, 100, 5_000, 40_000, 150_000]
    with child(FULL, home, docs, *map(str, limits)) as other:
        out, err = other.communicate(timeout=120)
    lines = out.splitlines()
    assert [line.split()[:3] for line in lines] == [[str(limit), "True", "HomeError"] for limit in limits], out + err
    assert len(texts(library())) == 3
    assert sync(home, encoder=encoder).documents == 33
    assert len(texts(library())) == 33


FULL_AT = """
import resource
from index import generation
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = current_id(home)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def allow(bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, limit))

for owner, name, bytes in ((build.LexicalWriter, "close", 10), (build.VectorWriter, "finish", 10), (build, "publish", 10),
                           (generation, "point", 3)):
    whole = getattr(owner, name)
    setattr(owner, name, lambda *arguments: (allow(bytes), whole(*arguments)))
    try:
        build.sync(home, encoder=WordEncoder())
        outcome = "done"
    except Exception as error:
        outcome = f"{type(error).__name__} {error}"
    allow(limit)
    setattr(owner, name, whole)
    open_current(home).close()
    kept = current_id(home) == before and not list((home / "generations").glob(".*"))
    print(name, kept, outcome, flush=True)
"""


def test_a_disk_that_fills_up_at_any_later_moment_is_reported_too(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    edit(docs / "ferry.txt", "It is late.")
    with child(FULL_AT, home, docs) as other:
        out, err = other.communicate(timeout=120)
    assert [line.split()[:3] for line in out.splitlines()] == [
        [name, "True", "HomeError"] for name in ("close", "finish", "publish", "point")], out + err
    assert sync(home, encoder=encoder).updated == ("docs/ferry.txt",)
    assert texts(library())["docs/ferry.txt"] == "It is late."
    assert leftovers(home) == []


SMALL = """
build.sync(home, [docs], encoder=WordEncoder())
before = current_id(home)
sizes = map(int, sys.argv[4:])
for n in range(40):
    text = " ".join(f"Sentence {n} {m} tells of {zlib.crc32(bytes([n, m]))}." for m in range(40))
    (docs / f"{n}.txt").write_text(text)
for size in sizes:
    subprocess.run(["mount", "-o", f"remount,size={size}k", home], check=True)
    try:
        build.sync(home, encoder=WordEncoder())
        outcome = "done"
    except Exception as error:
        outcome = f"{type(error).__name__} {error}"
    open_current(home).close()
    print(size, current_id(home) == before, outcome, flush=True)
"""


def test_a_disk_that_is_really_full_is_reported_and_more_room_mends_it(home, docs) -> None:
    """On a file system in memory, in a mount namespace of its own that ends with the process."""
    home.mkdir()
    mount = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=300k tmpfs "$0" && exec "$@"', str(home)]
    try:
        allowed = os.geteuid() == 0 and subprocess.run([*mount, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("file systems cannot be mounted here")
    fakes = Path(__file__).parent.parent / "fakes.py"
    code = "import subprocess, zlib\n" + CHILD + SMALL
    sizes = ["300", "320", "340", "8000"]
    run = subprocess.run([*mount, sys.executable, "-c", code, str(fakes), str(home), str(docs), *sizes],
                         capture_output=True, text=True, timeout=120)
    outcomes = [line.split()[:3] for line in run.stdout.splitlines()]
    assert [size for size, *_ in outcomes] == sizes, run.stdout + run.stderr
    assert {tuple(outcome) for _, *outcome in outcomes[:-1]} == {("True", "HomeError")}, run.stdout
    assert outcomes[-1][1:] == ["False", "done"]


READ_ONLY = """
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for change in (lambda: build.sync(home, encoder=WordEncoder()), lambda: build.remove(home, ["docs"], encoder=WordEncoder()),
               lambda: build.erase(home)):
    try:
        change()
        print("done")
    except Exception as error:
        print(type(error).__name__, error)
store = open_current(home)
print(len(store.sources()), len(store.lexical("ferry", 5)), len(store.dense(WordEncoder().encode(["ferry"])[0], 5)))
"""


def test_a_home_that_may_only_be_read_is_asked_but_not_changed(docs, encoder) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are for nobody else to read
        home = Path(folder, "home")
        sync(home, [docs], encoder=encoder)
        edit(docs / "ferry.txt", "It is late.")
        for path in (Path(folder), home, *home.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with child(READ_ONLY, home, docs) as other:
            out, err = other.communicate(timeout=60)
        for path in (Path(folder), *(path for path in (home, *home.rglob("*")) if path.is_dir())):
            path.chmod(0o755)
    *changes, asked = out.splitlines()
    assert [line.split()[0] for line in changes] == ["HomeError"] * 3, out + err
    assert all("cannot be written to (Permission denied)" in line for line in changes)
    assert asked == "3 1 3"


KILLED = """
class Dying(WordEncoder):
    def encode(self, texts):
        if len(self.texts) + len(texts) > int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(texts)

cache._AT_ONCE = 8
build.sync(home, encoder=Dying())
"""


def test_all_that_is_published_is_on_the_disk_before_it_is_named(home, docs, encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut would leave: nothing is renamed before it was synced, nor named before its new name was."""
    done: list[tuple[str, str]] = []

    def noted(name: str, *arguments: Any) -> Any:
        where = arguments[0] if name == "replace" else Path(f"/proc/self/fd/{arguments[0]}").readlink()
        done.append((name, Path(where).relative_to(home).as_posix()))
        return whole[name](*arguments)

    whole = {"fsync": os.fsync, "replace": Path.replace, "rename": Path.rename}
    monkeypatch.setattr(os, "fsync", lambda descriptor: noted("fsync", descriptor))
    monkeypatch.setattr(Path, "replace", lambda *given: noted("replace", *given))
    monkeypatch.setattr(Path, "rename", lambda path, to: (done.append(("rename", path.name)), whole["rename"](path, to))[1])
    id = sync(home, [docs], encoder=encoder).generation
    there = [path.relative_to(home / "generations" / id).as_posix() for path in (home / "generations" / id).rglob("*")]
    moved = done.index(("rename", ".tmp-build"))
    assert {("fsync", f"generations/.tmp-build/{name}".removesuffix("/.")) for name in [*there, "."]} == set(done[:moved])
    assert done[moved + 1 :] == [
        ("fsync", "generations"), ("fsync", ".CURRENT.tmp"), ("replace", ".CURRENT.tmp"), ("fsync", ".")]


def test_a_killed_build_leaves_the_old_index_and_is_resumed(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    before = current_id(home)
    for n in range(40):
        edit(docs / f"{n}.txt", f"Text {n} is about {random.Random(n).random()}.")
    with child(KILLED, home, docs, "30") as other:
        _, err = other.communicate(timeout=60)
    assert other.returncode == -signal.SIGKILL, err
    assert current_id(home) == before
    assert len(texts(library())) == 3
    assert leftovers(home)
    encoder.texts.clear()
    report = sync(home, encoder=encoder)
    assert (report.documents, report.encoded, len(encoder.texts)) == (43, 40 - 24, 40 - 24)
    assert leftovers(home) == []
    assert len(texts(library())) == 43
    assert len(generations(home)) == 2


def test_an_interrupted_build_leaves_nothing_but_what_it_encoded(home, docs, encoder, make_encoder) -> None:
    class Interrupted(type(encoder)):
        def encode(self, texts):
            raise KeyboardInterrupt

    sync(home, [docs], encoder=encoder)
    before = current_id(home)
    edit(docs / "ferry.txt", "It is late.")
    with pytest.raises(KeyboardInterrupt):
        sync(home, encoder=Interrupted())
    assert (current_id(home), leftovers(home)) == (before, [])
    assert sync(home, encoder=encoder).updated == ("docs/ferry.txt",)


# As if made at once


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_any_edits_the_index_is_the_one_made_from_scratch(
        home, tmp_path, encoder, make_encoder, opened, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "docs"
    words = "otter heron ferry lantern bridge harbour meadow anchor river badger".split()
    names = [f"{a}/{b}.{suffix}" for a in "xy" for b in "abcd" for suffix in ("txt", "md")]

    def text() -> str:
        lengths = [chance.randint(3, 12) for _ in range(chance.randint(1, 60))]
        told = [" ".join(chance.choices(words, k=length)).capitalize() + "." for length in lengths]
        parts = [" ".join(told[at : at + 20]) for at in range(0, len(told), 20)]
        return "\n\n".join(f"# {chance.choice(words)}\n\n{part}" for part in parts)

    for name in names[:8]:
        edit(folder / name, text())
    sync(home, [folder], encoder=encoder)
    for _ in range(5):
        for _ in range(4):
            path = folder / chance.choice(names)
            match chance.choice(["write", "write", "touch", "delete", "rename", "break"]):
                case "write":
                    edit(path, text())
                case "touch" if path.exists():
                    edit(path, path.read_bytes())
                case "delete":
                    path.unlink(missing_ok=True)
                case "rename" if path.exists():
                    target = folder / chance.choice(names)
                    path.rename(target)
                case "break" if not path.exists():
                    edit(path, b"")
        sync(home, encoder=encoder)
    for path in list(folder.rglob("*.*")):
        if not path.stat().st_size:
            path.unlink()
    report = sync(home, encoder=encoder)
    assert report.skipped == ()
    sync(tmp_path / "fresh", [folder], encoder=make_encoder())
    opened += [open_current(home), open_current(tmp_path / "fresh")]
    grown, fresh = opened
    assert texts(grown) == texts(fresh)
    assert grown.sources() == fresh.sources()
    chunks = [[chunk for info in store.sources() for chunk in store.catalog.chunks_of(info.document_id)[1]] for store in opened]
    assert chunks[0] == chunks[1]
    rows = [store.catalog.rows([chunk.id for chunk in chunks[0]]) for store in opened]
    assert rows[0] == rows[1]
    np.testing.assert_array_equal(grown.vectors.take(rows[0]), fresh.vectors.take(rows[1]))
    for question in [*words, "the otter and the heron", "ferry ferry lantern"]:
        vector = encoder.encode([question])[0]
        assert grown.dense(vector, 7) == fresh.dense(vector, 7)
        assert grown.lexical(question, 7) == fresh.lexical(question, 7)


def test_what_is_encoded_is_what_is_stored(home, docs, encoder, library) -> None:
    sync(home, [docs], encoder=encoder)
    store = library()
    for info in store.sources():
        document = store.document(info.document_id)
        rows, chunks = store.catalog.chunks_of(document.id)
        expected = encoder.encode([search_text(document, chunk, encoder.window) for chunk in chunks]).astype(np.float16)
        np.testing.assert_array_equal(store.vectors.take(rows), expected)


def test_a_tables_header_is_stored_and_searched_with_its_chunks_also_when_they_are_carried_over(home, docs, encoder,
                                                                                                library) -> None:
    edit(docs / "fares.md", "| Route | Bicycle |\n|---|---|\n" + "".join(f"| Port {n} | {n} euro |\n" for n in range(90)))
    sync(home, [docs], encoder=encoder, chunking=Chunking(100, 20))
    (docs / "fares.md").rename(docs / "prices.md")
    sync(home, encoder=encoder, chunking=Chunking(100, 20))
    store = library()
    document = store.document(document_id("docs/prices.md"))
    _, chunks = store.catalog.chunks_of(document.id)
    assert len(chunks) > 5
    assert [chunk.header for chunk in chunks] == [None, *[(0, 19)] * (len(chunks) - 1)]
    found = [hit.chunk_id for hit in store.lexical("bicycle", 100)]
    assert {chunk.id for chunk in chunks} <= set(found)
    assert len([text for text in encoder.texts if "| Route | Bicycle |" in text]) == len(chunks)


def test_rows_of_a_sheet_keep_their_numbers(home, docs, encoder, library) -> None:
    edit(docs / "fares.csv", "Port,Fee\nQuill,2 euro\n\nMarrick,3 euro\n")
    sync(home, [docs], encoder=encoder)
    document = library().document(document_id("docs/fares.csv"))
    starts = [document.text.index(f"Port: {port}") for port in ("Quill", "Marrick")]
    assert [document.heading_of(start, start + 6) for start in starts] == [("row 2",), ("row 4",)]


def test_rows_of_a_file_keep_their_order_when_carried_over(home, docs, encoder, make_encoder, tmp_path, opened) -> None:
    edit(docs / "faq.jsonl", "\n".join(json.dumps({"id": n, "text": "The same words."}) for n in (10, 9, 1)))
    sync(home, [docs], encoder=encoder)
    edit(docs / "ferry.txt", "It is late.")
    sync(home, encoder=encoder)
    sync(tmp_path / "fresh", [docs], encoder=make_encoder())
    opened += [open_current(home), open_current(tmp_path / "fresh")]
    grown, fresh = (store.lexical("words", 5) for store in opened)
    assert grown == fresh
    assert [opened[0].document(chunk.document_id).source for chunk in opened[0].chunks([hit.chunk_id for hit in grown])] == [
        "docs/faq.jsonl#10", "docs/faq.jsonl#9", "docs/faq.jsonl#1"]


def test_a_broken_file_alone_makes_no_new_generation(home, docs, encoder) -> None:
    """Else three runs with one broken file would push everything that one could go back to out of the last three."""
    edit(docs / "bad.pdf", BROKEN)
    first = sync(home, [docs], encoder=encoder)
    again = sync(home, encoder=encoder)
    assert [error.source for error in again.skipped] == ["docs/bad.pdf"]
    assert (again.generation, generations(home)) == (first.generation, [first.generation])


def test_rollback_does_not_go_to_a_generation_that_was_itself_left_by_a_rollback(home, docs, encoder) -> None:
    good = sync(home, [docs], encoder=encoder).generation
    edit(docs / "ferry.txt", "A mistake.")
    sync(home, encoder=encoder)
    rollback(home)
    edit(docs / "ferry.txt", "It is mended.")
    sync(home, encoder=encoder)
    assert rollback(home).id == good


# Adding to what is there


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The generations that builds copied to add to them."""
    ids: list[str] = []

    def noted(before: Generation, folder: Path) -> None:
        ids.append(before.generation)
        generation.copy(before, folder)

    monkeypatch.setattr("index.build.copy", noted)
    return ids


def same_as_new(home: Path, fresh: Path, docs: Path, encoder: Any) -> None:
    """Compare with an index made from scratch, ties included."""
    sync(fresh, [docs], encoder=encoder)
    with closing(open_current(home)) as here, closing(open_current(fresh)) as there:
        assert here.sources() == there.sources()
        for question in ("otter", "lantern", "the ferry and the otter at noon", "bicycles"):
            vector = encoder.encode([question])[0]
            for k in (1, 2, 3, 5, 50):
                assert here.dense(vector, k) == there.dense(vector, k)
                assert here.lexical(question, k) == there.lexical(question, k)


def test_what_is_only_added_goes_beside_a_copy_of_what_was_there(home, docs, encoder, tmp_path, copied) -> None:
    edit(docs / "m.jsonl", "\n".join(json.dumps({"id": n, "text": "The lantern is lit."}) for n in (10, 9, 1)))
    sync(home, [docs], encoder=encoder)
    before = home / "generations" / current_id(home)
    kept = {path: path.read_bytes() for path in before.rglob("*") if path.is_file()}
    for number, name in enumerate(("a.txt", "z.txt", "sub/a.txt", "n.jsonl", "copy.md")):
        edit(docs / name, json.dumps({"id": 3, "text": "The lantern is lit."}) if name == "n.jsonl" else "The lantern is lit.")
        if name == "copy.md":
            shutil.copy(docs / "otter.md", docs / name)
        report = sync(home, encoder=encoder)
        assert (len(report.added), report.updated, report.removed, report.unchanged) == (1, (), (), 6 + number)
        assert report.documents + report.copies == 7 + number
        same_as_new(home, tmp_path / f"fresh{number}", docs, encoder)
    assert len(copied) == 3  # sub/a.txt and copy.md come before files that are now copies of them: that changes more
    assert not before.exists() or kept == {path: path.read_bytes() for path in before.rglob("*") if path.is_file()}


@pytest.mark.parametrize("change", ["edit", "touch", "delete", "rename", "name again"])
def test_whatever_else_happens_everything_is_written_anew(home, docs, encoder, tmp_path, copied, change: str) -> None:
    sync(home, [docs], encoder=encoder)
    if change == "name again":
        remove(home, ["docs/ferry.txt"], encoder=encoder)
    edit(docs / "new.txt", "The lantern is lit.")
    match change:
        case "edit":
            edit(docs / "ferry.txt", "It is late.")
        case "touch":
            edit(docs / "ferry.txt", (docs / "ferry.txt").read_bytes())
        case "delete":
            (docs / "ferry.txt").unlink()
        case "rename":
            (docs / "ferry.txt").rename(docs / "boat.txt")
    sync(home, [docs / "ferry.txt", docs / "new.txt"] if change == "name again" else [], encoder=encoder)
    assert copied == []
    same_as_new(home, tmp_path / "fresh", docs, encoder)


def test_a_file_whose_name_could_be_another_files_row_is_not_simply_added(home, docs, encoder, tmp_path) -> None:
    """Which of the two is refused is up to their order, not to which came first."""
    edit(docs / "a.jsonl#1", "A file of that name.")
    sync(home, [docs], encoder=encoder)
    edit(docs / "a.jsonl", json.dumps({"id": "1", "text": "A row of that name."}))
    report = sync(home, encoder=encoder)
    fresh = sync(tmp_path / "fresh", [docs], encoder=encoder)
    assert [error.source for error in report.skipped] == [error.source for error in fresh.skipped] == ["docs/a.jsonl#1"]


def test_nothing_of_what_is_added_to_is_shared_with_the_generation_before(home, docs, encoder) -> None:
    before = sync(home, [docs], encoder=encoder).generation
    edit(docs / "new.txt", "The lantern is lit.")
    after = sync(home, encoder=encoder).generation
    files = [{path.stat().st_ino for path in (home / "generations" / id).rglob("*")} for id in (before, after)]
    assert not files[0] & files[1]


def test_a_large_library_is_added_to_as_well(home, docs, encoder, tmp_path) -> None:
    sync(home, [docs], encoder=encoder, flat_up_to=0)
    edit(docs / "new.txt", "The lantern is lit.")
    sync(home, encoder=encoder, flat_up_to=0)
    assert current_manifest(home).vectors == "ivf"
    same_as_new(home, tmp_path / "fresh", docs, encoder)
