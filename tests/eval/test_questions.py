import gzip
import json
import subprocess
import sys

import pytest

from eval.questions import Evidence, Question, corpus_of, load_corpus, load_questions, question_of
from index.errors import DataError

CONTEXT = "The ferry leaves at nine. It returns at noon."


def lines(path, *rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def test_our_form(tmp_path):
    path = lines(tmp_path / "set.jsonl", {
        "id": "q1", "question": "When?", "answers": ["nine", "nine", "09:00"], "history": ["Which ferry?"],
        "tags": ["time"], "evidence": [{"source": "a.md", "start": 3, "end": 9}, {"source": "b.md", "text": "at nine"}]})
    assert load_questions(path) == [Question(
        "q1", "When?", ("nine", "09:00"), (Evidence("a.md", 3, 9), Evidence("b.md", text="at nine")), True,
        ("Which ferry?",), ("time",))]


@pytest.mark.parametrize(("row", "answerable"), [
    ({}, True),
    ({"answers": ["x"]}, True),
    ({"answers": []}, False),
    ({"answers": [], "evidence": [{"source": "a", "text": "x"}]}, True),
    ({"answers": [], "relevant": ["a"]}, True),
    ({"answers": [], "answerable": True}, True),
    ({"answerable": False}, False),
])
def test_what_is_answerable(row, answerable):
    assert question_of({"id": 1, "question": "?"} | row).answerable is answerable


def test_a_question_survives_its_json():
    question = Question("q", "When?", ("nine",), (Evidence("a", 1, 2, "x"),), True, ("h",), ("t",), ("a", "b"))
    assert question_of(question.json()) == question


def test_retrieval_rows(tmp_path):
    path = lines(tmp_path / "set.jsonl",
                 {"id": 7, "question": "a", "answers": [], "relevant": ["d1"], "evidence": ["lower cased"],
                  "spans": [[5, 9], [1, 2]]},
                 {"id": 8, "question": "b", "answers": [], "relevant": ["d1", "d2"]},
                 {"id": 9, "question": "c", "relevant": ["d1", "d2"], "evidence": ["one", "two"]})
    first, second, third = load_questions(path)
    assert first.id == "7"
    assert first.evidence == (Evidence("d1", 5, 9), Evidence("d1", 1, 2))
    assert (second.relevant, second.evidence, second.answerable) == (("d1", "d2"), (), True)
    assert third.evidence == (Evidence("d1", text="one"), Evidence("d2", text="two"))


@pytest.mark.parametrize("pretty", [None, 2])
def test_squad_files_with_their_corpus(tmp_path, pretty):
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "Ferry", "paragraphs": [
        {"context": CONTEXT, "qas": [
            {"id": "1", "question": "When?", "answers": [{"text": "nine", "answer_start": 20}], "is_impossible": False},
            {"id": "2", "question": "Who?", "answers": [], "is_impossible": True,
             "plausible_answers": [{"text": "ferry", "answer_start": 4}]}]},
        {"context": "Another.", "qas": [{"id": "3", "question": "What?", "answers": [{"text": "Another"}]}]},
    ]}]}, indent=pretty), "utf-8")
    when, who, what = load_questions(path)
    assert (when.answers, when.evidence) == (("nine",), (Evidence("Ferry#1", 20, 24, "nine"),))
    assert (who.answerable, who.answers, who.evidence, who.relevant) == (False, (), (), ())
    assert what.evidence == (Evidence("Ferry#2", 0, 7, "Another"),)
    assert [(d.source, d.title, d.text) for d in corpus_of(path)] == [
        ("Ferry#1", "Ferry", CONTEXT), ("Ferry#2", "Ferry", "Another.")]


def test_span_rows_compressed_untitled_and_repeated(tmp_path):
    row = {"id": "x", "question": "When?", "title": "", "context": CONTEXT, "answers": [{"text": "noon", "start": 40}]}
    path = tmp_path / "notes.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, [row, row, {**row, "id": "y", "answers": []}])).encode()))
    questions = load_questions(path)
    assert [(q.id, q.answerable) for q in questions] == [("x", True), ("x~2", True), ("y", False)]
    (document,) = corpus_of(path)
    (evidence,) = questions[0].evidence
    assert document.source == evidence.source == "notes#1"
    assert document.text[evidence.start : evidence.end] == "noon"


def test_a_corpus(tmp_path):
    path = lines(tmp_path / "corpus.jsonl", {"id": "a", "title": "A", "text": "Some text.\r\n"},
                 {"id": "b", "text": "More."}, {"id": "empty", "title": "", "text": " "})
    assert [(d.source, d.title, d.text) for d in load_corpus(path)] == [("a", "A", "Some text.\r\n"), ("b", "b", "More.")]
    assert corpus_of(lines(tmp_path / "set.jsonl", {"id": "q", "question": "?"})) == []


@pytest.mark.parametrize(("content", "place", "reason"), [
    (b"", "set.jsonl", "no question"),
    (b'{"id": "1", "question": "a"}\n{"id": "2", "quest', "line 2", "not JSON"),
    (b'{"id": "1", "question": "a"}\n\n[1]', "line 3", "object was due"),
    (b'{"question": "a"}', "line 1", 'no "id"'),
    (b'{"id": "1"}', "line 1", '"question" is missing'),
    (b'{"id": "1", "question": " "}', "line 1", "empty"),
    (b'{"id": "1", "question": 3}', "line 1", "not a string"),
    (b'{"id": "1", "question": "a", "answers": "x"}', "line 1", '"answers" is not a list'),
    (b'{"id": "1", "question": "a", "answers": [""]}', "line 1", "an answer is empty"),
    (b'{"id": "1", "question": "a", "answerable": "no"}', "line 1", "'no'"),
    (b'{"id": "1", "question": "a", "answers": ["x"], "answerable": false}', "line 1", "yet there are answers"),
    (b'{"id": "1", "question": "a", "evidence": [{"source": "s", "start": 5, "end": 5}]}', "line 1", "not a span"),
    (b'{"id": "1", "question": "a", "evidence": [{"source": "s", "start": 5}]}', "line 1", "not a span"),
    (b'{"id": "1", "question": "a", "evidence": [{"source": "s"}]}', "line 1", "neither offsets nor text"),
    (b'{"id": "1", "question": "a", "evidence": [3]}', "line 1", "evidence is 3"),
    (b'{"id": "1", "question": "a", "relevant": ["s", "t"], "spans": [[1, 2]]}', "line 1", "1 pieces of evidence for 2"),
    (b'{"id": "1", "question": "a"}\n{"id": 1, "question": "b"}', "line 2", "used before"),
    (b'{"id": "1", "question": "\xff"}', "line 1", "not JSON"),
    (b"\x1f\x8bnot gzip at all", "set.jsonl", "gzip"),
    (b'{"data": {}}', "set.jsonl", '"data" is not a list'),
    (b'{"data": [{"paragraphs": [{"qas": []}]}]}', "article 1, paragraph 1", '"context" is missing'),
    (b'{"data": [{"title": "T", "paragraphs": [{"context": "abc", "qas": [{"id": "q", "question": "?",'
     b' "answers": [{"text": "c", "answer_start": 1}]}]}]}]}', "question 'q'", "does not stand at 1"),
])
def test_what_is_wrong_is_said_with_its_place(tmp_path, content, place, reason):
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_questions(path)
    assert str(path) in caught.value.message
    assert place in caught.value.message
    assert reason in caught.value.message
    assert caught.value.remedy


def test_files_that_cannot_be_read(tmp_path):
    for load in (load_questions, load_corpus, corpus_of):
        with pytest.raises(DataError, match="cannot be read"):
            load(tmp_path / "missing.jsonl")
    with pytest.raises(DataError, match=r"line 2.*used before"):
        load_corpus(lines(tmp_path / "twice.jsonl", {"id": "a", "text": "x"}, {"id": "a", "text": "y"}))


def test_importing_is_light():
    heavy = "{'numpy', 'sklearn', 'plotly', 'ir_measures', 'pandas', 'torch', 'gradio'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"import sys, eval.questions; print({heavy} or '')"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
