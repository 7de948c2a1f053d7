"""Questions on made-up libraries, as rows to train on: `python -m rag.reader.training.libraries NAME … > ROWS.jsonl`.

`made/` beside this file holds documents that organisations which do not exist might have, and, in `NAME.jsonl`, what
people who have not read them might ask, in the form of eval sets (`docs/formats.md`). They are asked as the assistant asks,
and each row shows a passage as the reader sees it: for a question that has an answer, a passage that holds it; for any
other, the ones that are found first. `rows.load` reads them.

NAME is a library, or the beginning of several libraries' names.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.build import sync
from index.encoder import Encoder, load_encoder
from index.generation import Generation, open_current
from rag.config import Config
from rag.conversation import resolve, widened
from rag.reader.span import passage_heads
from rag.reader.view import view
from rag.retrieve import retrieve
from rag.types import Passage

FOLDER = Path(__file__).parent / "made"
# Odds and threshold were fitted on the first, the next are only measured on; all others were trained on.
FITTED = ("aulnaie", "ecwmderw", "fallowgate", "gfjell", "jclinic", "kuiper", "nlarkmoor", "qvoltmarkt")
KEPT_ASIDE = ("bcare", "bphysio", "clibrary", "hollund", "lantern", "mossbank", "perchtal", "rwine")
IN_VAIN = 2  # passages that are shown for a question without an answer


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a document that answers, in its characters."""

    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a library's set; `answers` stand in `evidence`, and there are none where the library does not answer."""

    id: str
    question: str
    history: tuple[str, ...]
    answers: tuple[str, ...]
    evidence: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is asked, what is found for it, and the passages that hold all of a place that answers."""

    question: Question
    standalone: str
    found: tuple[Passage, ...]
    holding: tuple[tuple[Passage, Place], ...]


def main() -> None:
    """Ask every question of the libraries named, and write the rows to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    encoder = load_encoder()
    for name in named(given.names, given.folder):
        for one in ask(given.folder / name, encoder):
            for row in rows(one):
                print(json.dumps(row, ensure_ascii=False))


def named(beginnings: Sequence[str], folder: Path = FOLDER) -> list[str]:
    """The libraries whose names begin so. Raises SystemExit where there is none."""
    found = sorted(path.stem for path in folder.glob("*.jsonl") if path.name.startswith(tuple(beginnings)))
    if beginnings and not found:
        raise SystemExit(f"no library in {folder} begins with {' or '.join(beginnings)}")
    return found


def ask(library: Path, encoder: Encoder) -> Iterator[Asked]:
    """Every question of a library's set, asked of the library."""
    config, questions = Config(), read_questions(library.with_name(library.name + ".jsonl"))
    standalone = [resolve(one.question, one.history) for one in questions]
    wider = [widened(alone, one.history) for alone, one in zip(standalone, questions, strict=True)]
    with tempfile.TemporaryDirectory() as home:
        sync(Path(home), [library], encoder=encoder)
        store = open_current(Path(home))
        passages = _all_passages(store)
        vectors = zip(encoder.encode(standalone), encoder.encode(wider), strict=True)
        for one, alone, wide, (vector, other) in zip(questions, standalone, wider, vectors, strict=True):
            found = retrieve(store, alone, vector, config, (wide, other) if wide != alone else None)
            yield Asked(one, alone, tuple(found), tuple(_holding(passages, one.evidence)))
        store.close()


def read_questions(path: Path) -> list[Question]:
    """The questions of a set."""
    with path.open(encoding="utf-8") as lines:
        return [Question(given["id"], given["question"], tuple(given["history"]), tuple(given["answers"]),
                         tuple(Place(**place) for place in given["evidence"])) for given in map(json.loads, lines)]


def rows(asked: Asked) -> Iterator[dict[str, Any]]:
    """What is trained on: a row for each document that answers, or for each of the first passages where none does."""
    if not asked.question.answers:
        for number, passage in enumerate(asked.found[:IN_VAIN]):
            yield _row(f"{asked.question.id}.{number}", asked.standalone, passage, ())
        return
    seen = set()
    for passage, place in asked.holding:
        if place not in seen:  # of chunks that overlap, the one in which it stands first
            seen.add(place)
            yield _row(f"{asked.question.id}.{len(seen)}", asked.standalone, passage, [
                spot for at, spot in asked.holding if at.chunk.id == passage.chunk.id], asked.question.answers)


def _row(id: str, question: str, passage: Passage, places: Iterable[Place], answers: Sequence[str] = ()) -> dict[str, Any]:
    seen = view(passage)
    shown = {int(place): at for at, place in enumerate(seen.places) if place >= 0}
    told = []
    for place in places:
        for start, end in _stated(passage.document.body, place, answers):
            first, last = shown.get(start - passage.chunk.start), shown.get(end - 1 - passage.chunk.start)
            if first is not None and last is not None:
                told.append({"text": seen.text[first : last + 1], "start": first})
    title = passage_heads(passage).removesuffix(": ")
    library = passage.document.source.split("/")[0]
    return {"id": id, "question": question, "library": library, "title": title, "context": seen.text, "answers": told}


def _stated(text: str, place: Place, answers: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the answers stand in a place, as whole words."""
    for answer in answers:
        spaced = r"\s+".join(map(re.escape, answer.split()))
        for match in re.compile(rf"(?<!\w){spaced}(?!\w)").finditer(text, place.start, place.end):
            yield match.span()


def _all_passages(store: Generation) -> list[Passage]:
    found = []
    for source in (info for info in store.sources() if not info.copy_of):
        _, chunks = store.catalog.chunks_of(source.document_id)
        found += [Passage(chunk, store.document(source.document_id), 0.0) for chunk in chunks]
    return found


def _holding(passages: Sequence[Passage], places: Sequence[Place]) -> Iterator[tuple[Passage, Place]]:
    for place in places:
        for passage in passages:
            chunk = passage.chunk
            if passage.document.source == place.source and chunk.start <= place.start and place.end <= chunk.end:
                yield passage, place


if __name__ == "__main__":
    main()
