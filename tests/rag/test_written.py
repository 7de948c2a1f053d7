"""Questions on paragraphs that are not in the project become rows with them, and what does not fit is named."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from rag.reader.training.written import FOLDER, Question, key, read_questions, rows

TEXT = "The Marrick ferry sails from Quill. It was built in 1911, for 11 people."
HERE = {key(TEXT): ("Marrick", TEXT)}


def test_a_row_says_where_the_answer_stands_and_that_there_is_none() -> None:
    asked = [Question(key(TEXT), "for how many is it?", "11"), Question(key(TEXT), "Who built Quill?", "")]
    assert list(rows(asked, HERE)) == [
        {"id": f"{key(TEXT)}-0", "question": "for how many is it?", "title": "Marrick", "context": TEXT,
         "answers": [{"text": "11", "start": TEXT.index("11 people")}]},
        {"id": f"{key(TEXT)}-1", "question": "Who built Quill?", "title": "Marrick", "context": TEXT, "answers": []}]


@pytest.mark.parametrize(("question", "said"), [
    (Question("0" * 16, "Who?", ""), "the paragraph 0{16} of 'Who\\?' is in no file"),
    (Question(key(TEXT), "Who?", "Anna"), "does not hold 'Anna'"),
    (Question(key(TEXT), "When?", "19"), "does not hold '19'"),
])
def test_what_does_not_fit_is_named(question: Question, said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        list(rows([question], HERE))


@pytest.mark.parametrize(("name", "answered", "unanswered"), [("adversarial", 2, 3), ("searches", 3, 3)])
def test_so_many_questions_on_a_paragraph_are_answered(name: str, answered: int, unanswered: int) -> None:
    asked = read_questions(FOLDER / f"{name}.jsonl")
    assert len(set(asked)) == len(asked) > 10_000
    assert all(one.question.strip() == one.question for one in asked)
    kinds: dict[str, Counter[bool]] = defaultdict(Counter)
    for one in asked:
        kinds[one.paragraph][bool(one.answer)] += 1
    whole = sum(kind == {True: answered, False: unanswered} for kind in kinds.values())
    assert whole > 0.98 * len(kinds)  # but for some whose answer turned out to be no whole word
