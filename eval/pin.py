"""Turn quoted evidence into character offsets, so that a person can write an evaluation set by quoting.

Each line of the input is a question whose evidence names a source and quotes it:

    {"id": "s001", "question": "How long is probation?", "answers": ["four months"], "answerable": true,
     "evidence": [{"source": "sample/staff-handbook.md", "text": "Probation lasts four months."}]}

`python -m eval.pin IN.jsonl --corpus DIR > OUT.jsonl` writes the same lines with `start` and `end` in place of `text`.
All but `id` and `question` may be left out, as in any set (docs/formats.md); evidence that has its offsets keeps them. A
source begins with the folder's name; a row of a JSON Lines file is "folder/file.jsonl#ROW". Any run of white space in a
quote matches any run in the document, and a quote never begins or ends inside a word. Where a quote stands more than
once in its source, `"occurrence": 2` picks the second. Where there is evidence, every answer has to stand in some of it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.questions import question_of
from index.errors import DataError, FileError
from index.files import find_files, read_documents


def read_texts(corpus: Path) -> dict[str, str]:
    """The text of every document of a folder by its source. A file that cannot be read is named on stderr."""
    texts: dict[str, str] = {}
    for found in find_files(corpus, corpus.resolve().name):
        try:
            if isinstance(found, FileError):
                raise found
            texts.update({document.source: document.text for document in read_documents(Path(found.path), found.source)})
        except FileError as problem:
            print(f"left out: {problem}", file=sys.stderr)
    return texts


def spans(quote: str, text: str) -> list[tuple[int, int]]:
    """Where a quote stands in a text, as whole words and with any white space between them."""
    words = quote.split()
    if not words:
        return []
    before = r"(?<!\w)" if re.match(r"\w", words[0]) else ""
    after = r"(?!\w)" if re.search(r"\w$", words[-1]) else ""
    pattern = before + r"\s+".join(re.escape(word) for word in words) + after
    return [match.span() for match in re.finditer(pattern, text)]


def pin_evidence(evidence: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """One piece of evidence with offsets in place of its quote."""
    source, quote = evidence["source"], evidence.get("text", "")
    if source not in texts:
        raise DataError(f"there is no document {source}")
    if "start" in evidence:
        if evidence["end"] > len(texts[source]):
            raise DataError(f"{source} ends before {evidence['end']}")
        return evidence
    found = spans(quote, texts[source])
    if not found:
        raise DataError(f"{source} does not say {quote!r}")
    occurrence = evidence.get("occurrence")
    if occurrence is None and len(found) > 1:
        raise DataError(f'{source} says {quote!r} {len(found)} times; pick one with "occurrence"')
    if occurrence is not None and not 1 <= occurrence <= len(found):
        raise DataError(f"{source} has no occurrence {occurrence} of {quote!r}, only {len(found)}")
    start, end = found[(occurrence or 1) - 1]
    return {"source": source, "start": start, "end": end}


def pin_question(question: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """A question with all its evidence pinned and its answers checked."""
    stated = question_of(question, "its row")
    if not stated.evidence:
        return question
    if not stated.answerable:
        raise DataError("a question that is not answerable has neither answers nor evidence")
    quoted = [one.json() for one in stated.evidence] if stated.relevant else question["evidence"]
    evidence = [pin_evidence(one, texts) for one in quoted]
    quotes = [texts[one["source"]][one["start"] : one["end"]] for one in evidence]
    for answer in stated.answers:
        if not any(spans(answer, quote) for quote in quotes):
            raise DataError(f"the answer {answer!r} stands in none of the evidence")
    return {**question, "evidence": evidence}


def pin(lines: Iterator[str], texts: dict[str, str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The pinned questions, and for each that could not be pinned a message that names it."""
    pinned: list[dict[str, Any]] = []
    problems: list[str] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name = f"line {number}"
        try:
            question = json.loads(line)
            if not isinstance(question, dict):
                raise DataError("it is no JSON object")
            name = question["id"]
            if name in seen:
                raise DataError("another question has the same id")
            seen.add(name)
            pinned.append(pin_question(question, texts))
        except KeyError as missing:
            problems.append(f"{name}: {missing} is missing")
        except (DataError, json.JSONDecodeError) as problem:
            problems.append(f"{name}: {problem}")
    return pinned, problems


def main() -> int:
    """Read the arguments, pin, and write the result to standard output; 1 if any question could not be pinned."""
    parser = argparse.ArgumentParser(description="Turn quoted evidence into character offsets.")
    parser.add_argument("questions", type=Path, help="a JSON Lines file of questions that quote their evidence")
    parser.add_argument("--corpus", type=Path, required=True, help="the folder that holds the documents")
    arguments = parser.parse_args()
    texts = read_texts(arguments.corpus)
    with arguments.questions.open(encoding="utf-8") as lines:
        pinned, problems = pin(lines, texts)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    for question in pinned:
        print(json.dumps(question, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
