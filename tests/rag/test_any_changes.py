"""Whatever was done to files and library, what is found, quoted and cited is what an index made from scratch would give."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from fakes import WordEncoder
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from index.build import erase, remove, sync
from index.chunks import Chunking
from index.errors import InputError, NoIndex
from index.generation import KEPT, current_id, generations, open_current, rollback
from index.vectors import FLAT_UP_TO
from rag.assistant import Assistant
from rag.config import Config
from rag.reader.similarity import SimilarityReader

NAMES = ("a.txt", "faq.jsonl", "b.md", "sub/a.txt", "sub/more.jsonl")
WORDS = "otter heron ferry lantern bridge harbour".split()
QUESTIONS = ("Where does the otter sleep?", "When does the ferry leave the harbour?", "lantern", "Who paints the bridge?")
NUMBERS = st.integers(0, len(NAMES) - 1)
CHUNKING = Chunking(40, 10)  # short, so that a document has several
SENTENCES = st.lists(st.builds("The {} {} the {}.".format, st.sampled_from(WORDS), st.sampled_from(("sees", "leaves")),
                               st.sampled_from(WORDS)), min_size=1, max_size=12)


def content(name: str, paragraphs: Sequence[Sequence[str]]) -> str:
    if name.endswith(".jsonl"):
        return "".join(json.dumps({"id": str(n), "text": " ".join(said)}) + "\n" for n, said in enumerate(paragraphs))
    mark = "# " if name.endswith(".md") else ""
    return "\n\n".join(f"{mark}{said[0]}\n\n{' '.join(said)}" for said in paragraphs)


def view(home: Path) -> dict[str, Any]:
    """All that can be seen of a library."""
    encoder = WordEncoder()
    assistant = Assistant(home, Config(), encoder, SimilarityReader(encoder))
    with closing(assistant), closing(open_current(home)) as store:
        infos = store.sources()
        chunks = [chunk for info in infos for chunk in store.catalog.chunks_of(info.document_id)[1]]
        vectors = store.vectors.take(store.catalog.rows([chunk.id for chunk in chunks]))
        return {
            "documents": [store.document(info.document_id) for info in infos], "infos": infos, "chunks": chunks,
            "vectors": np.asarray(vectors).tolist(), "dense": [store.dense(encoder.encode([q])[0], 9) for q in QUESTIONS],
            "lexical": [store.lexical(q, 9) for q in QUESTIONS],
            "answers": [{key: value for key, value in assistant.ask_anyway(q).json().items()
                         if key not in ("generation", "timings_ms")} for q in QUESTIONS if infos]}


class Library(RuleBasedStateMachine):
    """Files that are written, moved and deleted, and a library that is brought up to date now and then."""

    flat_up_to = FLAT_UP_TO

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.docs, self.home = self.folder / "docs", self.folder / "home"
        self.docs.mkdir()
        self.clock = 1_700_000_000
        self.seen: dict[str, dict[str, Any]] = {}  # by generation
        self.out: set[str] = set()  # sources that were taken out
        self.encoder = WordEncoder()

    @initialize(paragraphs=st.lists(SENTENCES, min_size=1, max_size=3))
    def begin(self, paragraphs: list[list[str]]) -> None:
        for name in NAMES[:3]:
            self.write(name, paragraphs)
        self.update(False)

    def there(self, number: int) -> str:
        """One of the files that there are."""
        names = [name for name in NAMES if (self.docs / name).exists()]
        return names[number % len(names)] if names else NAMES[0]

    @rule(name=st.sampled_from(NAMES), paragraphs=st.lists(SENTENCES, min_size=1, max_size=3))
    def write(self, name: str, paragraphs: list[list[str]]) -> None:
        path = self.docs / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content(name, paragraphs))
        self.touch(name)

    @rule(number=NUMBERS)
    def touch_again(self, number: int) -> None:
        self.touch(self.there(number))

    def touch(self, name: str) -> None:
        self.clock += 1
        if (self.docs / name).exists():
            os.utime(self.docs / name, ns=(self.clock * 10**9, self.clock * 10**9 + 123_456_789))

    @rule(number=NUMBERS, then=st.booleans())
    def empty(self, number: int, then: bool) -> None:
        """What was in a file is gone, though not the file; it may be written again."""
        name = self.there(number)
        if (self.docs / name).exists():
            (self.docs / name).write_bytes(b"\n" * (number % 2))
            self.touch(name)
        if then:
            self.update(False)

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        (self.docs / self.there(number)).unlink(missing_ok=True)

    @rule(number=NUMBERS, new=st.sampled_from(NAMES), keep=st.booleans(), then=st.booleans())
    def rename_or_copy(self, number: int, new: str, keep: bool, then: bool) -> None:
        old = self.there(number)
        if not (self.docs / old).exists() or old == new:
            return
        if (self.docs / old).read_text()[:1] in "{\n" or not new.endswith(".jsonl"):  # else it could not be read
            (self.docs / new).parent.mkdir(exist_ok=True)
            (shutil.copy2 if keep else os.replace)(self.docs / old, self.docs / new)
        if then:
            self.update(False)

    @rule(rebuild=st.booleans())
    def update(self, rebuild: bool) -> None:
        report = sync(self.home, [] if self.seen else [self.docs], encoder=self.encoder, chunking=CHUNKING, rebuild=rebuild,
                      flat_up_to=self.flat_up_to)
        empty = [name for name in NAMES if (self.docs / name).exists() and not (self.docs / name).read_text().strip()]
        assert [error.source for error in report.skipped] == sorted(
            f"docs/{name}" for name in empty if not any(_below(f"docs/{name}", out) for out in self.out))
        self.compare()

    @rule()
    def update_by_name(self) -> None:
        """What was taken out is back, where it or its file is there to be named."""
        named = {source: self.docs / source.removeprefix("docs/").partition("#")[0] for source in self.out}
        back = {source: path for source, path in named.items() if path.exists()}
        sync(self.home, [self.docs, *sorted({*back.values()})], encoder=self.encoder, chunking=CHUNKING,
             flat_up_to=self.flat_up_to)
        self.out -= back.keys()
        self.compare()

    @rule(name=st.sampled_from(("faq.jsonl#0", "sub/more.jsonl#1", "sub", "a.txt")), back=st.booleans())
    def take_out(self, name: str, back: bool) -> None:
        before = view(self.home)
        with suppress(InputError):  # it is not there
            remove(self.home, [f"docs/{name}"], encoder=self.encoder, flat_up_to=self.flat_up_to)
            self.out.add(f"docs/{name}")
            left = [info.source for info in before["infos"] if not _below(info.source, f"docs/{name}")]
            assert [info.source for info in view(self.home)["infos"]] == left
            self.seen[current_id(self.home)] = view(self.home)
        if back:
            self.update_by_name()

    @rule()
    def go_back(self) -> None:
        with suppress(NoIndex):
            rollback(self.home)
            assert view(self.home) == self.seen[current_id(self.home)]
            with closing(open_current(self.home)) as store:
                self.out = set(store.manifest.excluded)

    @rule()
    def erase_what_was(self) -> None:
        erase(self.home)
        assert generations(self.home) == [current_id(self.home)]
        assert view(self.home) == self.seen[current_id(self.home)]

    @invariant()
    def few_generations_are_kept(self) -> None:
        if self.seen:
            assert len(generations(self.home)) <= KEPT

    def compare(self) -> None:
        fresh = self.folder / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        sync(fresh, [self.docs], encoder=WordEncoder(), chunking=CHUNKING)
        for source in sorted(self.out):
            with suppress(InputError):
                remove(fresh, [source], encoder=WordEncoder())
        here = view(self.home)
        assert here == view(fresh)
        self.seen[current_id(self.home)] = here

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


def _below(source: str, name: str) -> bool:
    return source == name or source.startswith((f"{name}/", f"{name}#"))


TestLibrary = Library.TestCase
# Not shrunk, which would take minutes: a failure names its steps.
TestLibrary.settings = settings(max_examples=15, stateful_step_count=12, deadline=None,
                                derandomize=True, phases=[Phase.explicit, Phase.generate])


class LargeLibrary(Library):
    """The same, searched as if it were large; what it is compared to is searched exactly."""

    flat_up_to = 0


TestLargeLibrary = LargeLibrary.TestCase
TestLargeLibrary.settings = settings(TestLibrary.settings, max_examples=4)
