"""The made-up libraries say what their questions' sets claim, and their questions become rows as the reader sees passages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.encoder import Encoder
from index.errors import FileError
from index.files import find_files, read_documents
from rag.reader.training.libraries import FITTED, FOLDER, KEPT_ASIDE, ask, named, read_questions, rows

PRICES = """# Prices

| Ticket | Adults | Children |
|---|---|---|
| Day | 9 euro | 4 euro |
| Season | 80 euro | 35 euro |

Dogs swim on the last Sunday of the season only.
"""
HOURS = "Opening hours\n\nMonday to Friday: 7 to 21\nSaturday: 9 to 18\n"


@pytest.mark.parametrize("name", named([""]))
def test_what_is_asked_of_a_made_up_library_stands_where_its_set_says(name: str) -> None:
    texts = {}
    for found in find_files(FOLDER / name, name):
        assert not isinstance(found, FileError), found
        texts |= {document.source: document.text for document in read_documents(Path(found.path), found.source)}
    asked = read_questions(FOLDER / f"{name}.jsonl")
    assert len({one.id for one in asked}) == len(asked) > 50
    assert len(texts) >= 2
    assert 0.15 < sum(not one.answers for one in asked) / len(asked) < 0.35
    for one in asked:
        assert one.question.strip(), one.id
        assert bool(one.answers) == bool(one.evidence), one.id
        quotes = [" ".join(texts[place.source][place.start : place.end].split()) for place in one.evidence]
        for answer in one.answers:
            assert any(" ".join(answer.split()) in quote for quote in quotes), (one.id, answer)


def test_some_libraries_are_not_trained_on() -> None:
    assert not set(FITTED) & set(KEPT_ASIDE)
    assert set(named([""])) > {*FITTED, *KEPT_ASIDE}


def test_a_name_that_no_library_has_is_told() -> None:
    with pytest.raises(SystemExit, match=r"no library in .* begins with nowhere"):
        named(["nowhere"])


def test_rows_show_passages_as_the_reader_sees_them(tmp_path: Path, real_encoder: Encoder) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "prices.md").write_text(PRICES)
    (pool / "hours.txt").write_text(HOURS)
    row, dogs = "| Season | 80 euro | 35 euro |", "Dogs swim on the last Sunday of the season only."
    questions = [
        {"question": "what's a season ticket for kids", "answers": ["35 euro"], "evidence": [row], "history": []},
        {"question": "may my dog in?", "answers": ["on the last Sunday of the season only"], "evidence": [dogs], "history": []},
        {"question": "and on Sundays?", "answers": [], "evidence": [], "history": ["When are you open?"]},
    ]
    with (tmp_path / "pool.jsonl").open("w") as lines:
        for number, one in enumerate(questions):
            places = [{"source": "pool/prices.md", "start": PRICES.index(text), "end": PRICES.index(text) + len(text)}
                      for text in one["evidence"]]
            lines.write(json.dumps(one | {"id": str(number), "evidence": places}) + "\n")

    season, dog, sunday, other = (row for one in ask(pool, real_encoder) for row in rows(one))

    assert season["title"] == dog["title"] == "Prices"
    assert "Season, Adults: 80 euro, Children: 35 euro" in season["context"]
    assert season["answers"] == [{"text": "35 euro", "start": season["context"].index("35 euro")}]
    assert dog["answers"] == [{"text": "on the last Sunday of the season only", "start": dog["context"].index("on the last")}]
    assert [sunday["answers"], other["answers"]] == [[], []]
    assert sunday["question"] == other["question"] == "and on Sundays? (open)"
    assert {sunday["context"], other["context"]} == {dog["context"], HOURS.strip()}
