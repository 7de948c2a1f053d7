"""Questions with known answers, and the documents they are about, read from the forms in which people keep them.

    form           one record                                                            told by
    ours           {"id", "question", "answers": [str], "evidence": [{"source", ...}]}      none of the others
    retrieval row  {"id", "question", "relevant": [source], "spans": [[start, end]]}       "relevant"
    span row       {"id", "question", "title", "context", "answers": [{"text", "start"}]}  "context"
    SQuAD          {"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}        "data"

SQuAD (v1.1 or v2.0) is one JSON object; the others are JSON Lines. Every file may be compressed with gzip.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from index.errors import DataError
from index.types import Document, Section, document_id, sha256_text

T = TypeVar("T")

FORMS = "Give JSON Lines with \"id\" and \"question\" in every row, or a file in SQuAD's format."
EVIDENCE = "Write {\"source\", \"start\", \"end\"} or {\"source\", \"text\"}."


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stretch of a source that answers a question: by offsets, or by its text until `eval.run.locate` finds them."""

    source: str
    start: int | None = None
    end: int | None = None
    text: str = ""

    def json(self) -> dict[str, Any]:
        """The form of the JSON contract; what is not known is left out."""
        offsets = {} if self.start is None else {"start": self.start, "end": self.end}
        return {"source": self.source} | offsets | ({"text": self.text} if self.text else {})


@dataclass(frozen=True, slots=True)
class Question:
    """One question of an eval set with what is known about its answer.

    `answers` are alternatives: any of them is right. `evidence` is all that should be found. `relevant` names sources
    that answer the question where no stretch of them is known. `history` holds the earlier questions, oldest first.
    """

    id: str
    question: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answerable: bool = True
    history: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    relevant: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """The form of the JSON contract."""
        return {"id": self.id, "question": self.question, "answers": list(self.answers),
                "evidence": [evidence.json() for evidence in self.evidence], "answerable": self.answerable,
                "history": list(self.history), "tags": list(self.tags), "relevant": list(self.relevant)}


def load_questions(path: Path) -> list[Question]:
    """The questions of a file in any of the forms above, in its order. Raises `DataError` with line, reason and remedy.

    Whether a question is answerable is what `answerable` (SQuAD: `is_impossible`) states. Unstated, it is not
    answerable where `answers` is given and empty and nothing else says where an answer stands; with `answers` left out
    it is answerable. Answers of span rows and SQuAD files become evidence in the sources that `corpus_of` makes. Ids
    must be unique; in span rows and SQuAD files, where they are not always, a repeated id gets `~2`, `~3`, ….
    """
    questions: list[Question] = []
    times: dict[str, int] = {}
    sources = _Sources(path)
    for record in _records(path):
        question = _span_question(record, sources) if "context" in record.row else question_of(record.row, record.where)
        times[question.id] = times.get(question.id, 0) + 1
        if times[question.id] > 1:
            if "context" not in record.row:
                raise _wrong(record.where, f"the id {question.id!r} was used before", "Give every question its own id.")
            question = replace(question, id=f"{question.id}~{times[question.id]}")
        questions.append(question)
    if not questions:
        raise _wrong(str(path), "no question in it", FORMS)
    return questions


def asked_once(questions: Sequence[Question]) -> list[Question]:
    """The questions, of those that ask the same after the same turns only the first."""
    first: dict[tuple[str, tuple[str, ...]], Question] = {}
    for question in questions:
        first.setdefault((question.question.strip().casefold(), question.history), question)
    return list(first.values())


def load_corpus(path: Path) -> list[Document]:
    """The documents of JSON Lines of `{"id", "title", "text"}`: the id is the source; rows without text are dropped."""
    documents: dict[str, Document] = {}
    for record in _records(path):
        source = _identifier(record.row, record.where)
        if source in documents:
            raise _wrong(record.where, f"the id {source!r} was used before", "Give every document its own id.")
        title = _string(record.row, "title", record.where, default=source)
        text = _string(record.row, "text", record.where)
        if text.strip():
            documents[source] = _document(source, title or source, text)
    if not documents:
        raise _wrong(str(path), "no document in it", "Give JSON Lines with \"id\" and \"text\" in every row.")
    return list(documents.values())


def corpus_of(path: Path) -> list[Document]:
    """The contexts that a file of questions brings along, each once; an empty list where it brings none.

    The source of a context is its title and a running number, `Normans#3`; without a title, the file's name instead.
    """
    sources, documents = _Sources(path), {}
    for record in _records(path):
        if "context" in record.row:
            title, context = _titled_context(record)
            source = sources.of(title, context)
            if context.strip() and source not in documents:
                documents[source] = _document(source, title or source, context)
    return list(documents.values())


def question_of(row: Mapping[str, Any], where: str = "question") -> Question:
    """One question from a row in our form or a retrieval row; `where` names the row in errors."""
    id, text = _identifier(row, where), _question_text(row, where)
    answers, relevant = _strings(row, "answers", where), _strings(row, "relevant", where)
    evidence = _evidence(row, relevant, where)
    if not all(map(str.strip, answers)):
        raise _wrong(where, "an answer is empty", "Remove it; an empty list says that nothing answers the question.")
    unknown = "answers" in row and not (answers or evidence or relevant)
    answerable = row.get("answerable")
    if answerable is None:
        answerable = not unknown
    if not isinstance(answerable, bool):
        raise _wrong(where, f"\"answerable\" is {answerable!r}", "Write true or false.")
    if answers and not answerable:
        raise _wrong(where, "\"answerable\" is false, yet there are answers", "Remove one of the two.")
    return Question(id, text, answers, evidence, answerable, _strings(row, "history", where),
                    _strings(row, "tags", where), relevant)


# -- records ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    where: str
    row: Mapping[str, Any]


def _records(path: Path) -> Iterator[_Record]:
    """The rows of JSON Lines, each with its place; those of a SQuAD file are turned into span rows on the way."""
    data = _bytes(path)
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        whole = None  # JSON Lines, or broken: its first broken line is named below
    if isinstance(whole, dict) and "data" in whole:
        yield from _squad_records(whole, path)
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise _wrong(where, f"not JSON ({error.msg})", FORMS) from error
            if not isinstance(row, dict):
                raise _wrong(where, f"a JSON {type(row).__name__} where an object was due", FORMS)
            yield _Record(where, row)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _wrong(str(path), f"damaged gzip data ({error})", "Fetch or make the file again.") from error
    except OSError as error:
        raise _wrong(str(path), f"cannot be read ({error.strerror})", "Check the path and its permissions.") from error
    return data.removeprefix(b"\xef\xbb\xbf")


def _squad_records(whole: Mapping[str, Any], path: Path) -> Iterator[_Record]:
    for a, article in enumerate(_objects(whole, "data", str(path))):
        place = f"{path}, article {a + 1}"
        for p, paragraph in enumerate(_objects(article, "paragraphs", place)):
            where = f"{place}, paragraph {p + 1}"
            shared = {"title": article.get("title", ""), "context": _string(paragraph, "context", where)}
            for asked in _objects(paragraph, "qas", where):
                here = f"{where}, question {asked.get('id')!r}"
                answers = [{"text": answer.get("text"), "start": answer.get("answer_start")}
                           for answer in _objects(asked, "answers", here, optional=True)]
                impossible = asked.get("is_impossible", False)
                yield _Record(here, {"id": asked.get("id"), "question": asked.get("question"), **shared,
                                     "answers": [] if impossible else answers})


# -- span rows -------------------------------------------------------------------------------------------------------


class _Sources:
    """Names contexts: the same context always has the same source, and every reading of a file gives the same names."""

    def __init__(self, path: Path) -> None:
        self._untitled = Path(path.name.removesuffix(".gz")).stem
        self._named: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def of(self, title: str, context: str) -> str:
        if context not in self._named:
            label = title or self._untitled
            self._counts[label] = self._counts.get(label, 0) + 1
            self._named[context] = f"{label}#{self._counts[label]}"
        return self._named[context]


def _titled_context(record: _Record) -> tuple[str, str]:
    return _string(record.row, "title", record.where, default=""), _string(record.row, "context", record.where)


def _span_question(record: _Record, sources: _Sources) -> Question:
    row, where = record.row, record.where
    title, context = _titled_context(record)
    source = sources.of(title, context)
    answers, spans = [], []
    for answer in _objects(row, "answers", where):
        text = _string(answer, "text", where)
        if text.strip():
            answers.append(text)
            start = _answer_start(answer, text, context, where)
            if start is not None:
                spans.append(Evidence(source, start, start + len(text), text))
    return Question(_identifier(row, where), _question_text(row, where), _distinct(answers), _distinct(spans),
                    bool(answers), _strings(row, "history", where), _strings(row, "tags", where),
                    relevant=(source,) if answers else ())


def _answer_start(answer: Mapping[str, Any], text: str, context: str, where: str) -> int | None:
    start = answer.get("start")
    if start is None:
        return position if (position := context.find(text)) >= 0 else None
    if not _is_offset(start) or context[start : start + len(text)] != text:
        raise _wrong(where, f"the answer {text!r} does not stand at {start!r} in its context",
                     "Correct the offset (in code points), or leave it out to have the answer looked up.")
    return int(start)


# -- evidence --------------------------------------------------------------------------------------------------------


def _evidence(row: Mapping[str, Any], relevant: tuple[str, ...], where: str) -> tuple[Evidence, ...]:
    """Objects with their source; or `spans` or bare strings, whose sources are `relevant`: one for all, or one each."""
    given = row.get("evidence") or []
    if not isinstance(given, list):
        raise _wrong(where, "\"evidence\" is not a list", "Write a list, even of one.")
    if row.get("spans"):
        spans = [_offsets(span, where) for span in _list(row, "spans", where)]
        return _distinct([Evidence(source, *span) for source, span in zip(_one_each(relevant, len(spans), where), spans,
                                                                         strict=True)])
    if given and all(isinstance(item, str) for item in given):
        return _distinct([Evidence(source, text=text) for source, text in zip(_one_each(relevant, len(given), where),
                                                                             given, strict=True)])
    return _distinct([_evidence_object(item, where) for item in given])


def _evidence_object(item: Any, where: str) -> Evidence:
    if not isinstance(item, dict):
        raise _wrong(where, f"evidence is {item!r}", EVIDENCE)
    source, text = _string(item, "source", where), _string(item, "text", where, default="")
    if "start" in item or "end" in item:
        return Evidence(source, *_offsets([item.get("start"), item.get("end")], where), text)
    if not text.strip():
        raise _wrong(where, f"evidence in {source!r} has neither offsets nor text", EVIDENCE)
    return Evidence(source, text=text)


def _one_each(relevant: tuple[str, ...], count: int, where: str) -> tuple[str, ...]:
    if len(relevant) == 1:
        return relevant * count
    if len(relevant) != count:
        raise _wrong(where, f"{count} pieces of evidence for {len(relevant)} relevant sources",
                     "Name one source for all of them, or one for each.")
    return relevant


def _offsets(pair: Any, where: str) -> tuple[int, int]:
    if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_offset, pair)) and pair[0] < pair[1]):
        raise _wrong(where, f"{pair!r} is not a span", "Write start and end as whole numbers with 0 <= start < end.")
    return pair[0], pair[1]


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# -- fields ----------------------------------------------------------------------------------------------------------


def _wrong(where: str, reason: str, remedy: str) -> DataError:
    return DataError(f"{where}: {reason}", remedy)


def _identifier(row: Mapping[str, Any], where: str) -> str:
    value = row.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise _wrong(where, "no \"id\"", "Give every row an id.")
    return str(value)


def _question_text(row: Mapping[str, Any], where: str) -> str:
    text = _string(row, "question", where)
    if not text.strip():
        raise _wrong(where, "the question is empty", "Write the question, or remove the row.")
    return text


def _string(row: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = row.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise _wrong(where, f"\"{key}\" is missing" if value is None else f"\"{key}\" is not a string", FORMS)
    return value


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, list):
        raise _wrong(where, f"\"{key}\" is not a list", "Write a list, even of one.")
    return value


def _strings(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = _list(row, key, where) if row.get(key) is not None else []
    if not all(isinstance(item, str) for item in value):
        raise _wrong(where, f"\"{key}\" holds something else than strings", "Write a list of strings.")
    return _distinct(value) if key != "history" else tuple(value)


def _objects(row: Mapping[str, Any], key: str, where: str, optional: bool = False) -> list[dict[str, Any]]:
    value = [] if optional and row.get(key) is None else _list(row, key, where)
    if not all(isinstance(item, dict) for item in value):
        raise _wrong(where, f"\"{key}\" holds something else than objects", FORMS)
    return value


def _distinct(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


def _document(source: str, title: str, text: str) -> Document:
    digest = sha256_text(text)
    return Document(document_id(source), source, title, text, "text/plain", digest, digest,
                    (Section(0, len(text)),), modified=0.0)
