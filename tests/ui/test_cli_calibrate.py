"""`pullquote calibrate` as a person runs it, on a small library with quick models: set, promise, refusal, answers after it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index.build import index_documents
from rag.calibration import FILE, Calibration, stored, upper_bound
from rag.reader.similarity import SimilarityReader
from ui.cli import main

# A sentence scores 10 x the share of the question's words that it has, less 4: all of them make a confidence of 0.998.
WEIGHTS = {"version": 1, "rank": [0.0, 10.0, 0.0, 0.0, 0.0, -4.0], "trust": [1.0, 0.0, 0.0], "threshold": 0.5}
ANIMALS = ("badger beaver bison camel cheetah cougar coyote dingo donkey ferret gazelle gibbon giraffe gopher hamster hedgehog"
           " hyena jackal jaguar koala lemur leopard llama lynx marmot marten mole moose otter panda").split()
ANSWERABLE = [{"id": animal, "question": f"{animal} ticket price", "answers": [f"{price} euro"]}
              for price, animal in enumerate(ANIMALS, 10)]
UNANSWERABLE = [{"id": f"no {animal}", "question": f"{animal} favourite seaside poem", "answers": []}
                for animal in ANIMALS[:12]]

Run = Callable[..., tuple[int, str, str]]


def write_set(path: Path, *questions: dict[str, Any]) -> str:
    path.write_text("\n".join(map(json.dumps, questions)))
    return str(path)


@pytest.fixture
def run(tmp_path: Path, home: Path, encoder: Any, document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `pullquote` on a library of tickets: exit code, output, complaints."""
    index_documents(home, [document(f"The {animal} ticket price is {price} euro.", f"{animal}.txt")
                           for price, animal in enumerate(ANIMALS, 10)], encoder=encoder)
    (tmp_path / "weights.json").write_text(json.dumps(WEIGHTS))
    monkeypatch.setattr("rag.assistant.load_encoder", lambda name: encoder)
    monkeypatch.setattr("rag.assistant.load_reader", lambda name, encoder: SimilarityReader(encoder, tmp_path / "weights.json"))
    monkeypatch.setenv("PULLQUOTE_HOME", str(home))

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pullquote", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said, complained = capsys.readouterr()
        return int(end.value.code or 0), said, complained

    return command


@pytest.fixture
def questions(tmp_path: Path) -> str:
    """Thirty questions that the library answers and twelve that it does not."""
    return write_set(tmp_path / "set.jsonl", *ANSWERABLE, *UNANSWERABLE)


def test_it_fits_states_and_stores(run: Run, questions: str, home: Path) -> None:
    code, said, complained = run("calibrate", questions, "--risk", "0.2")
    bound = float(upper_bound(0, 30))
    assert code == 0
    assert complained == "note: 30 of 42 questions give answers but no evidence: a passage that holds an answer is relevant\n"
    lines = said.splitlines()
    assert lines[0] == "questions    42, 30 of them with a right first quote"
    assert lines[1] == "coverage     71.4%: 30 are answered, the others refused"
    assert lines[2] == "risk         0.0% measured: 0 of 30 answers are wrong"
    assert lines[3] == f"upper bound  {bound:.1%} with 95% confidence; 20.0% was asked for"
    assert [line.split()[0] for line in lines[4:]] == ["threshold", "calibration", "stored"]
    made = stored(home)
    assert isinstance(made, Calibration)
    assert (made.reader, made.questions, made.answered, made.wrong, made.risk) == ("similarity-1", 42, 30, 0, 0.2)
    assert str(home / FILE) in lines[-1]


def test_what_is_asked_afterwards_goes_by_it(run: Run, questions: str, home: Path) -> None:
    half = "badger ticket price negotiable?"
    before = json.loads(run("ask", half, "--json")[1])
    assert before["answered"], "by the reader's own threshold"
    assert run("calibrate", questions, "--risk", "0.2")[0] == 0
    code, said, _ = run("ask", half, "--json")
    made = stored(home)
    assert made
    assert code == 3
    assert json.loads(said)["confidence"] < made.threshold
    code, said, _ = run("ask", "otter ticket price", "--json")
    assert code == 0
    assert json.loads(said)["confidence"] == round(made.threshold, 3)


def test_status_tells_the_calibration(run: Run, questions: str, home: Path, encoder: Any, document: Any) -> None:
    assert "not calibrated" in run("status")[1]
    assert json.loads(run("status", "--json")[1])["calibration"] is None
    run("calibrate", questions, "--risk", "0.2")
    made = stored(home)
    assert made
    line = ("calibrated on 42 questions, reader similarity-1: answers 71.4% of such questions, at most 20.0% of these wrongly"
            f" (0 of 30 were wrong: at most {made.bound:.1%} with 95% confidence)")
    assert line in run("status")[1].splitlines()
    assert json.loads(run("status", "--json")[1])["calibration"] == made.json()
    index_documents(home, [document("The gnu ticket price is 99 euro.", "new.txt")], encoder=encoder)
    assert f"{line}; the library has changed since" in run("status")[1].splitlines()


def test_json(run: Run, questions: str, home: Path) -> None:
    code, said, _ = run("calibrate", questions, "--risk", "0.2", "--delta", "0.1", "--json")
    made = stored(home)
    assert code == 0
    assert made
    told = json.loads(said)
    error = told.pop("calibration_error")
    assert told == {**made.json(), "coverage": made.coverage}
    assert (made.delta, made.bound) == (0.1, upper_bound(0, 30, 0.1))
    assert set(error) == {"before", "after"}
    assert all(0 <= value <= 1 for value in error.values())


def test_calibrating_again_goes_by_the_readers_confidence_and_not_by_the_calibrated_one(run: Run, questions: str,
                                                                                       home: Path) -> None:
    run("calibrate", questions, "--risk", "0.2")
    first = (home / FILE).read_bytes()
    run("calibrate", questions, "--risk", "0.2")
    assert (home / FILE).read_bytes() == first


def test_what_is_asked_twice_shows_nothing_twice(run: Run, tmp_path: Path, home: Path) -> None:
    again = [{**one, "id": f"{one['id']} {number}", "question": one["question"].title()}
             for number in range(3) for one in ANSWERABLE[:20]]
    code, said, complained = run("calibrate", write_set(tmp_path / "again.jsonl", *again), "--risk", "0.05")
    assert (code, said) == (1, "")
    assert "note: 40 of the 60 questions ask what one before asks, and are left out" in complained
    assert "20 first quotes are too few" in complained


def test_a_set_that_is_too_small_promises_nothing(run: Run, questions: str, home: Path, encoder: Any) -> None:
    encoder.texts.clear()
    code, said, complained = run("calibrate", questions, "--risk", "0.05")
    assert (code, said) == (1, "")
    assert complained.splitlines() == [
        "pullquote: 42 first quotes are too few to show a risk of at most 5%: 42 of 42 right would show 6.88%. Give a set with"
        " at least 59, better several times as many, or allow a larger risk"]
    assert encoder.texts == [], "said before anything was asked"
    assert not (home / FILE).exists()


def test_a_risk_that_the_set_does_not_show_promises_nothing(run: Run, tmp_path: Path, home: Path) -> None:
    mistaken = [{**question, "answers": ["a penny"]} for question in ANSWERABLE[:10]]
    code, said, complained = run("calibrate", write_set(tmp_path / "bad.jsonl", *mistaken, *ANSWERABLE[10:], *UNANSWERABLE),
                                 "--risk", "0.2")
    assert (code, said) == (1, "")
    assert "of the surest 30 first quotes, 20 are right" in complained
    assert not (home / FILE).exists()


def test_a_calibration_of_another_reader_stops_until_it_is_made_again(run: Run, questions: str, home: Path) -> None:
    Calibration("span-7", 1.0, 0.0, 0.5, 0.1, 0.05, 0.09, 100, 50, 0).write(home)
    code, _, complained = run("ask", "otter ticket price")
    assert code == 1
    assert "made with the reader span-7, not similarity-1. Run pullquote calibrate again, or remove" in complained
    assert run("calibrate", questions, "--risk", "0.2")[0] == 0
    assert run("ask", "otter ticket price")[0] == 0


def test_a_threshold_in_the_settings_wins_and_that_is_said(run: Run, questions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLQUOTE_THRESHOLD", "0.9999")
    code, _, complained = run("calibrate", questions, "--risk", "0.2")
    assert code == 0
    assert "note: the settings have a threshold of their own, 0.9999" in complained
    assert run("ask", "otter ticket price")[0] == 3


@pytest.mark.parametrize("options", ["", "--risk 5", "--risk 0", "--risk much", "--risk 0.2 --delta 1"])
def test_a_risk_that_is_none_is_bad_usage_in_one_line(run: Run, questions: str, options: str) -> None:
    code, said, complained = run("calibrate", questions, *options.split())
    assert (code, said, len(complained.splitlines())) == (2, "", 1)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HELP], cwd=tmp_path, text=True, capture_output=True, timeout=120, check=True)
    assert "--risk" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


HELP = """
import sys
from ui.cli import main

sys.argv = ["pullquote", "calibrate", "--help"]
try:
    main()
except SystemExit:
    print([name for name in ("numpy", "scipy", "sklearn", "torch") if name in sys.modules])
"""
