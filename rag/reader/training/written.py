"""Questions written for this project on paragraphs of public sets, as rows to train on.

    python -m rag.reader.training.written adversarial SQUAD1.jsonl.gz | gzip > DATA/train/adversarial.jsonl.gz
    python -m rag.reader.training.written searches SQUAD1.jsonl.gz NEWWIKI.jsonl.gz | gzip > DATA/train/searches.jsonl.gz

Beside this file, `adversarial.jsonl` has for each paragraph three questions that it does not answer, though something in it
looks like an answer (an entity, a role, a year or a property changed; a close thing that is not told), and two that it does,
in other words than its own, of the same look and length. `searches.jsonl` has six as people type them into a search box
without having seen the paragraph, three of which it answers. The paragraphs themselves are not in the project: they are looked
up, by their SHA-256, in the files that are named. `rows.load` reads the rows; an answer is marked where the paragraph first has
it, right or not, so `Recipe.first_match` names both.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.types import sha256_text
from rag.reader.training.fit_baseline import read_rows

FOLDER = Path(__file__).parent
_DIGITS = 16  # of a paragraph's SHA-256


@dataclass(frozen=True, slots=True)
class Question:
    """A question on a paragraph, known by the first digits of its SHA-256; `answer` is empty where it does not answer."""

    paragraph: str
    question: str
    answer: str


def main() -> None:
    """Write the rows to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=("adversarial", "searches"))
    parser.add_argument("paragraphs", type=Path, nargs="+", help="files of rows whose contexts are the paragraphs")
    given = parser.parse_args()
    paragraphs = {key(row.context): (row.title, row.context) for path in given.paragraphs for row in read_rows(path)}
    for row in rows(read_questions(FOLDER / f"{given.name}.jsonl"), paragraphs):
        print(json.dumps(row, ensure_ascii=False))


def key(paragraph: str) -> str:
    """What a paragraph is known by."""
    return sha256_text(paragraph)[:_DIGITS]


def read_questions(path: Path) -> list[Question]:
    """The questions of a file."""
    with path.open(encoding="utf-8") as lines:
        return [Question(**json.loads(line)) for line in lines]


def rows(questions: list[Question], paragraphs: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """A row for each question, with the title and the text of its paragraph.

    Raises SystemExit where a paragraph is not there, or does not hold the answer.
    """
    for number, one in enumerate(questions):
        if one.paragraph not in paragraphs:
            raise SystemExit(f"the paragraph {one.paragraph} of {one.question!r} is in no file: name the one it is from")
        title, context = paragraphs[one.paragraph]
        at = re.search(rf"(?<!\w){re.escape(one.answer)}(?!\w)", context) if one.answer else None
        if one.answer and at is None:
            raise SystemExit(f"the paragraph {one.paragraph} does not hold {one.answer!r}, the answer to {one.question!r}")
        answers = [{"text": one.answer, "start": at.start()}] if at else []
        yield {"id": f"{one.paragraph}-{number}", "question": one.question, "title": title, "context": context,
               "answers": answers}


if __name__ == "__main__":
    main()
