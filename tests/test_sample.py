"""The sample library and its questions are what they claim to be, and quoting is a safe way to write such a set."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from eval.pin import pin, pin_evidence, pin_question, spans
from eval.questions import Question, load_questions
from eval.sets import SAMPLE, SAMPLE_SET, build_sample
from index.errors import DataError, FileError
from index.files import find_files, read_documents
from index.types import Document

BINARY = ("annual-report-2025.pdf", "crew-induction-slides.pdf", "safety-manual.docx")


@cache
def library() -> dict[str, Document]:
    """The documents of the sample library by source."""
    documents = {}
    for found in find_files(SAMPLE, "sample"):
        assert not isinstance(found, FileError), found
        documents |= {document.source: document for document in read_documents(Path(found.path), found.source)}
    return documents


@cache
def questions() -> list[Question]:
    return load_questions(SAMPLE_SET)


def quotes(question: Question) -> list[str]:
    return [library()[e.source].text[e.start : e.end] for e in question.evidence]


# The library


def test_the_library_is_large_enough_to_search() -> None:
    files = [path for path in SAMPLE.iterdir() if path.is_file()]
    words = sum(len(document.text.split()) for document in library().values())
    assert len(files) >= 12
    assert len(library()) >= 12
    assert words >= 14_000


def test_the_library_holds_every_kind_of_document() -> None:
    assert {path.suffix for path in SAMPLE.iterdir()} >= {".md", ".txt", ".html", ".pdf", ".docx", ".jsonl"}


def test_every_document_has_a_title_and_most_have_headings() -> None:
    assert [source for source, document in library().items() if not document.title.strip()] == []
    with_headings = [d for d in library().values() if any(section.heading for section in d.sections)]
    assert len(with_headings) >= 8


def test_the_binary_documents_are_built_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_sample, "TARGET", tmp_path / "sample")
    monkeypatch.setattr("sys.argv", ["build_sample"])
    build_sample.main()
    built = {path.name: path.read_bytes() for path in (tmp_path / "sample").iterdir()}
    assert sorted(built) == sorted(BINARY)
    assert [name for name in BINARY if built[name] != (SAMPLE / name).read_bytes()] == []


# The questions


def test_there_are_questions_of_every_kind() -> None:
    unanswerable = [q for q in questions() if not q.answerable]
    follow_ups = [q for q in questions() if q.history]
    in_two_sources = [q for q in questions() if len({e.source for e in q.evidence}) >= 2]
    assert len(questions()) >= 120
    assert len(unanswerable) >= 30
    assert len(follow_ups) >= 20
    assert len(in_two_sources) >= 3


def test_no_question_is_there_twice() -> None:
    assert len({q.id for q in questions()}) == len(questions())
    assert len({(q.question.casefold(), q.history) for q in questions()}) == len(questions())


def test_answerable_questions_have_answers_and_evidence_and_the_others_neither() -> None:
    wrong = [q.id for q in questions() if bool(q.answers) != q.answerable or bool(q.evidence) != q.answerable]
    assert wrong == []


def test_a_question_tagged_as_a_follow_up_has_a_history_and_the_reverse() -> None:
    assert [q.id for q in questions() if ("follow-up" in q.tags) != bool(q.history)] == []


def test_evidence_lies_in_the_text_that_is_extracted() -> None:
    lost = [(q.id, e.source) for q in questions() for e in q.evidence
            if e.source not in library() or e.start is None or e.end is None
            or not 0 <= e.start < e.end <= len(library()[e.source].text)]
    assert lost == []


def test_evidence_is_not_cut_inside_a_word_and_has_no_white_space_around_it() -> None:
    cut = []
    for question in questions():
        for evidence, quote in zip(question.evidence, quotes(question), strict=True):
            text, (start, end) = library()[evidence.source].text, (evidence.start or 0, evidence.end or 0)
            inside = re.search(r"\w\Z", text[:start]) and re.match(r"\w", quote)
            if inside or (re.search(r"\w\Z", quote) and re.match(r"\w", text[end:])) or quote != quote.strip():
                cut.append((question.id, quote))
    assert cut == []


def test_evidence_holds_every_answer() -> None:
    assert [(q.id, answer) for q in questions() for answer in q.answers
            if not any(spans(answer, quote) for quote in quotes(q))] == []


def test_most_documents_are_asked_about() -> None:
    asked = {e.source.split("#")[0] for q in questions() for e in q.evidence}
    held = {source.split("#")[0] for source in library()}
    assert asked <= held
    assert len(asked) >= 12


# Quoting evidence


TEXT = "Leave is 25 days.\nCarry over\t 5 days; ask\r\n  before June. Leave ends. Leave is 25\u00a0days."
TEXTS = {"docs/leave.md": TEXT}


def evidence(text: str, **more: Any) -> dict[str, Any]:
    return {"source": "docs/leave.md", "text": text, **more}


@pytest.mark.parametrize(("quote", "found"), [
    ("Carry over 5 days", "Carry over\t 5 days"),
    ("Carry\n\n over 5\tdays", "Carry over\t 5 days"),
    ("  ask before June. ", "ask\r\n  before June."),
    ("over", "over"),
    ("5 days; ask", "5 days; ask"),
])
def test_a_quote_is_found_whatever_white_space_there_is(quote: str, found: str) -> None:
    pinned = pin_evidence(evidence(quote), TEXTS)
    assert TEXT[pinned["start"] : pinned["end"]] == found
    assert set(pinned) == {"source", "start", "end"}


@pytest.mark.parametrize("quote", ["Carry under", "eave", "25 day", "arry over", "carry over", "5 days. ask", "", "  "])
def test_a_quote_that_does_not_stand_there_as_whole_words_is_refused(quote: str) -> None:
    assert spans(quote, TEXT) == []
    with pytest.raises(DataError, match=r"docs/leave\.md does not say"):
        pin_evidence(evidence(quote), TEXTS)


def test_signs_in_a_quote_mean_themselves() -> None:
    assert spans("(5.0+)?", "a 510? (5.0+)? b") == [(7, 14)]
    assert spans("5.0", "510 5.0") == [(4, 7)]


def test_a_quote_that_stands_more_than_once_needs_its_occurrence() -> None:
    with pytest.raises(DataError, match="2 times"):
        pin_evidence(evidence("Leave is 25 days."), TEXTS)
    assert pin_evidence(evidence("Leave is 25 days.", occurrence=1), TEXTS)["start"] == 0
    second = pin_evidence(evidence("Leave is 25 days.", occurrence=2), TEXTS)
    assert TEXT[second["start"] : second["end"]] == "Leave is 25\u00a0days."


@pytest.mark.parametrize("occurrence", [0, 3, -1])
def test_an_occurrence_that_is_not_there_is_refused(occurrence: int) -> None:
    with pytest.raises(DataError, match=f"no occurrence {occurrence}"):
        pin_evidence(evidence("Leave is 25 days.", occurrence=occurrence), TEXTS)


def test_a_source_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match=r"no document docs/pay\.md"):
        pin_evidence({"source": "docs/pay.md", "text": "Leave"}, TEXTS)


def question(**changes: Any) -> dict[str, Any]:
    return {"id": "q1", "question": "How much may I keep?", "answers": ["5 days"], "answerable": True,
            "evidence": [evidence("Carry over 5 days")], **changes}


def test_a_pinned_question_keeps_everything_but_the_quotes() -> None:
    pinned = pin_question(question(tags=["list"], history=["Is there leave?"]), TEXTS)
    assert pinned == question(tags=["list"], history=["Is there leave?"],
                              evidence=[{"source": "docs/leave.md", "start": 18, "end": 36}])


def test_an_answer_that_stands_in_none_of_the_evidence_is_refused() -> None:
    with pytest.raises(DataError, match="'6 days' stands in none"):
        pin_question(question(answers=["6 days"]), TEXTS)


@pytest.mark.parametrize("changes", [{"answerable": False}, {"answerable": False, "answers": []}])
def test_what_is_not_answerable_has_neither_answers_nor_evidence(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"yet there are answers|neither answers nor evidence"):
        pin_question(question(**changes), TEXTS)


@pytest.mark.parametrize("left_out", [["answerable"], ["answers"], ["answers", "answerable"]])
def test_what_a_set_may_leave_out_may_be_left_out(left_out: list[str]) -> None:
    given = {name: value for name, value in question().items() if name not in left_out}
    assert pin_question(given, TEXTS) == {**given, "evidence": [{"source": "docs/leave.md", "start": 18, "end": 36}]}


@pytest.mark.parametrize("more", [{}, {"answers": []}, {"answers": ["5 days"]}, {"answerable": False}, {"evidence": []},
                                  {"evidence": [{"source": "docs/leave.md", "start": 0, "end": 5}]}])
def test_what_quotes_nothing_stays_as_it_is(more: dict[str, Any]) -> None:
    given = {"id": "q1", "question": "How much may I keep?", **more}
    assert pin_question(given, TEXTS) == given


def test_offsets_beyond_the_end_are_refused() -> None:
    with pytest.raises(DataError, match=r"docs/leave\.md ends before 900"):
        pin_question(question(evidence=[{"source": "docs/leave.md", "start": 0, "end": 900}]), TEXTS)


def test_quotes_of_a_retrieval_row_stand_in_its_sources() -> None:
    row = {"id": 7, "question": "How much may I keep?", "relevant": ["docs/leave.md"], "evidence": ["Carry over 5 days"]}
    assert pin_question(row, TEXTS)["evidence"] == [{"source": "docs/leave.md", "start": 18, "end": 36}]


def test_what_cannot_be_pinned_is_named_and_the_rest_is_pinned() -> None:
    lines = [json.dumps(question()), "", json.dumps(question(id="q2", answers=["6 days"])), "{", json.dumps(question()),
             json.dumps({"id": "q3"}), "[]", json.dumps(question(id="q4", evidence=[], answers=[], answerable=False))]
    pinned, problems = pin(iter(lines), TEXTS)
    assert [one["id"] for one in pinned] == ["q1", "q4"]
    assert [problem.split(":")[0] for problem in problems] == ["q2", "line 4", "q1", "q3", "line 7"]
