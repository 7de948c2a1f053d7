import dataclasses

import orjson
import pytest

from eval import metrics
from eval.questions import Evidence, Question
from eval.run import Run, _calibrated, compare, evaluate, locate, write_predictions
from index.errors import DataError


def value(run, name):
    figure = run.figure(name)
    assert figure is not None, name
    assert figure.low <= figure.value <= figure.high
    return figure.value


def test_every_figure_by_hand(asker, questions):
    told = []
    run = evaluate(asker, questions, lambda done, total: told.append((done, total)), name="ferries")
    assert told == [(n, 5) for n in range(1, 6)]
    assert asker.asked[1] == ("when? returns at", ("It",))
    # "leaves" and "returns" are found at once; "bikes" shares one word in seven with its sentence,
    # so that it is refused, though its first quote is right; "snow" shares four words in five and is answered.
    assert [result.verdict for result in run.results] == ["right", "right", "refused", "refused", "wrong"]
    assert [result.right for result in run.results] == [True, True, True, False, False]
    assert [result.fine for result in run.results] == [True, True, False, True, False]
    assert value(run, "answered_right") == pytest.approx(2 / 3, abs=1e-6)
    assert value(run, "refused_right") == value(run, "refusal_recall") == 0.5
    assert value(run, "decided_right") == pytest.approx(3 / 5)
    assert value(run, "refusal_precision") == 0.5
    assert value(run, "holds_answer") == 1
    assert value(run, "em") == pytest.approx(2 / 3, abs=1e-6)
    assert value(run, "recall@1") == value(run, "mrr@10") == value(run, "ndcg@10") == value(run, "evidence@5") == 1
    assert value(run, "char_iou") == value(run, "char_precision") == value(run, "char_recall") == 1
    # Confidence, falling: leaves 1, snow 4/5, returns 3/4, bikes 1/7, parrots 0; right is 1 0 1 1 0.
    assert value(run, "auroc_right") == pytest.approx(4 / 6, abs=1e-6)
    assert value(run, "risk@0.5") == pytest.approx(1 / 3, abs=1e-6)
    assert value(run, "risk@threshold") == pytest.approx(1 / 3, abs=1e-6)
    assert value(run, "risk_bound") == pytest.approx(0.86465, abs=1e-5), "2 of 3 right: 1 - x^3 - 3 x^2 (1 - x) = 0.95"
    assert run.figure("risk@threshold").n == run.figure("risk_bound").n == 3
    assert run.judged == ([1, 0.75, 1 / 7, 0, 0.8], [True, True, True, False, False])
    assert value(run, "risk@0.8") == 0.25
    assert value(run, "coverage@risk0.1") == 0.2
    assert value(run, "retrieve_p50") == 2
    assert value(run, "total_p95") == 9
    assert run.figure("recall@1").n == 3
    assert {tag: {figure.name: figure.value for figure in figures} for tag, figures in run.tags.items()} == {
        "follow-up": {"recall@5": 1, "f1": 1, "holds_answer": 1, "answered_right": 1},
        "near miss": {"refused_right": 0},
        "time": {"recall@5": 1, "f1": 1, "holds_answer": 1, "answered_right": 1}}
    assert (run.generation, run.models, run.notes) == ("g1", {"encoder": "words", "reader": "fixed"}, ())


def test_evidence_in_a_copy_of_a_passage_is_found_with_it(make_asker):
    class Asker(make_asker):
        def ask_anyway(self, question, history=()):
            answer = super().ask_anyway(question, history)
            copy, first, *_ = answer.passages
            return dataclasses.replace(answer, passages=(dataclasses.replace(first, copies=(copy,)) if self.keeps else first,))

    for keeps, found in ((True, 1), (False, 0)):
        asker = Asker()
        asker.keeps = keeps
        run = evaluate(asker, [Question("dogs", "Dogs travel free", ("Dogs",), (Evidence("copy.md", 0, 17),))])
        scores = run.results[0].scores
        assert (scores["recall@1"], scores["evidence@1"], scores["holds_answer"]) == (found, found, 1)


def test_predictions_are_the_decisions_as_made(asker, questions, tmp_path):
    run = evaluate(asker, questions)
    write_predictions(run, tmp_path / "out.jsonl")
    written = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [p["id"] for p in written] == [q.id for q in questions]
    assert [(p["answered"], len(p["quotes"]), p["text"] != "") for p in written] == [
        (True, 1, True), (True, 1, True), (False, 0, False), (False, 0, False), (True, 1, True)]
    assert written[2]["passages"]
    assert run.results[2].quotes[0]["text"].startswith("Bicycles cost"), "what it would have quoted is kept in the run"


def test_a_skipped_question_counts_as_wrong(asker, questions):
    broken = [dataclasses.replace(questions[0], id="b1", question="broken"),
              dataclasses.replace(questions[3], id="b2", question="broken too")]
    run = evaluate(asker, [*questions[:2], *broken])
    assert [result.verdict for result in run.results] == ["right", "right", "skipped", "skipped"]
    for name in ("answered_right", "recall@10", "f1", "char_recall", "evidence@10"):
        assert (value(run, name), run.figure(name).n) == (pytest.approx(2 / 3, abs=1e-6), 3)
    assert value(run, "refused_right") == 0
    assert run.figure("total_p50").n == 2
    assert len(list(run.predictions())) == 2
    assert run.notes[0].startswith("2 of 4 questions could not be asked")
    assert "Mend it" in run.notes[0]


def test_judged_by_source_or_answer_where_there_is_no_evidence(asker):
    run = evaluate(asker, [
        Question("source", "Dogs travel", relevant=("copy.md", "rules.md")),
        Question("answer", "A ticket costs", answers=("4 euro",)),
        Question("nothing", "The ferry leaves"),
    ])
    source, answer, nothing = run.results
    assert (source.right, source.scores["recall@1"], source.scores["recall@5"]) == (True, 0.5, 1)
    assert (answer.right, answer.scores["recall@1"]) == (True, 1)
    assert (nothing.right, nothing.verdict, nothing.scores) == (None, "unjudged", {})
    assert run.figure("decided_right").n == 2
    assert [note[:30] for note in run.notes] == [
        "1 of 3 questions bring nothing", "1 of 3 questions name relevant", "1 of 3 questions give answers "]


def test_evidence_is_put_in_its_place(asker):
    evidence = (Evidence("ferry.md", 0, 3), Evidence("rules.md", text="travel  free"))
    (found,), notes = locate([Question("q", "?", evidence=evidence)], asker.store)
    assert found.evidence == (Evidence("ferry.md", 0, 3, "The"), Evidence("rules.md", 5, 16, "travel free"))
    assert notes == []


@pytest.mark.parametrize(("evidence", "reason"), [
    (Evidence("ferry.md", 60, 600), "has 68 characters"),
    (Evidence("ferry.md", 0, 3, "Tea"), "holds 'The', not 'Tea'"),
    (Evidence("ferry.md", text="at ten"), "does not hold 'at ten'"),
    (Evidence("gone.md", 0, 3), "none of the set's sources"),
])
def test_evidence_that_is_not_there(asker, evidence, reason):
    with pytest.raises(DataError, match=reason):
        evaluate(asker, [Question("q", "?", evidence=(evidence,))])


def test_sources_that_the_library_does_not_hold(asker, questions):
    gone = Question("gone", "The ferry leaves at", ("nine",), (Evidence("gone.md", text="nine"),))
    run = evaluate(asker, [*questions, gone])
    assert run.results[-1].scores["recall@10"] == run.results[-1].scores["evidence@10"] == 0
    assert "1 of the 3 sources" in run.notes[0]
    run = evaluate(asker, [gone])
    assert run.results[0].scores["recall@1"] == 1, "with no source in reach, passages are judged by the answer"
    assert "none of the sources" in run.notes[0]


def test_a_quote_with_several_citations_counts_where_the_evidence_is(asker, questions):
    answer = asker.ask_anyway("Bicycles cost 2 euro each")
    (quote,) = answer.quotes
    elsewhere = dataclasses.replace(quote.citations[0], source="other.md")
    twice = dataclasses.replace(quote, citations=(elsewhere, *quote.citations))
    asker.ask_anyway = lambda question, history=(): dataclasses.replace(answer, quotes=(twice,))
    assert value(evaluate(asker, [questions[2]]), "char_iou") == 1


def test_a_run_survives_its_file(asker, questions, tmp_path):
    broken = Question("b", "broken", ("nine",))
    run = evaluate(asker, [*questions, broken], name="ferries")
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run
    assert evaluate(asker, [*questions, broken], name="ferries") == run, "the same seed, the same intervals"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1, "name": "x"}', '{"schema": 1, "name": 1,'
                                     '"figures": [{"no": 1}], "tags": {}, "results": [], "notes": []}'])
def test_files_that_are_no_runs(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        Run.load(path)
    assert str(path) in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        Run.load(tmp_path / "missing.json")


def test_regressions(asker, worse_asker, questions):
    before, now = evaluate(asker, questions), evaluate(worse_asker, questions)
    assert compare(before, before) == []
    found = {regression.name: regression for regression in compare(now, before)}
    assert {"recall@1", "holds_answer", "answered_right", "char_iou", "risk@0.8"} <= set(found)
    assert found["recall@1"].baseline == 1 > found["recall@1"].value
    assert str(found["recall@1"]) == f"recall@1: 1.000 before, {found['recall@1'].value:.3f} now (tolerance 0.02)"
    assert not any(regression.group == "latency" for regression in found.values())
    improved = {regression.name for regression in compare(before, now)}
    assert "recall@1" not in improved
    assert "recall@1" not in {r.name for r in compare(now, before, {"recall@1": 1.0})}
    assert "holds_answer" not in {r.name for r in compare(now, before, {"answer": 1.0})}


def test_confidences_are_calibrated_on_the_other_half():
    """Too sure by the same log odds everywhere: calibrating mends it, and a figure says so without another run."""
    truth = [n // 2 % 10 < tenths for tenths in (2, 5, 8) for n in range(100)]
    sure = [confidence for confidence in (0.5, 0.8, 16 / 17) for _ in range(100)]
    told, right = _calibrated(sure, truth)
    assert sum(right) == sum(truth)
    assert metrics.calibration_error(sure, truth) == pytest.approx(0.247, abs=0.001)
    assert metrics.calibration_error(told, right) < 0.02
    assert _calibrated([0.0, 0.9, 0.0, 0.8], [False, True, False, True]) == ([], [])  # nothing to tell apart


@pytest.mark.parametrize(("name", "step"), [("calibration_error", 0.1), ("risk@threshold", 0.1), ("auroc_right", -0.1)])
def test_what_should_be_low_falls_by_rising(asker, questions, name, step):
    before = evaluate(asker, questions)
    now = dataclasses.replace(before, figures=tuple(
        dataclasses.replace(figure, value=figure.value + step) if figure.name == name else figure
        for figure in before.figures))
    assert [regression.name for regression in compare(now, before)] == [name]
    assert compare(before, now) == []


def test_a_confidence_is_kept_with_all_its_digits(asker, questions, tmp_path):
    run = evaluate(asker, questions)
    bikes = run.results[2]
    assert (bikes.confidence, bikes.prediction["confidence"]) == (1 / 7, 0.143)
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json").judged == run.judged
    older = orjson.loads((tmp_path / "run.json").read_bytes())
    for row in older["results"]:
        del row["confidence"]
    (tmp_path / "older.json").write_bytes(orjson.dumps(older))
    assert Run.load(tmp_path / "older.json").results[2].confidence == 0.143


def test_latency_is_compared_on_request(asker, questions):
    before = evaluate(asker, questions)
    slow = dataclasses.replace(before, figures=tuple(
        dataclasses.replace(figure, value=figure.value * 1.3) if figure.name == "total_p50" else figure
        for figure in before.figures))
    assert compare(slow, before) == compare(slow, before, {"latency": 0.31}) == []
    (regression,) = compare(slow, before, {"latency": 0.25})
    assert str(regression) == "total_p50: 9.0 ms before, 11.7 ms now (tolerance 25%)"


def test_runs_of_different_questions_are_not_compared(asker, questions):
    run = evaluate(asker, questions)
    assert compare(run, evaluate(asker, questions[::-1])) == [], "the order does not matter"
    with pytest.raises(DataError, match="different questions"):
        compare(run, evaluate(asker, questions[:-1]))
    reworded = [dataclasses.replace(questions[0], question="When does the ferry leave?"), *questions[1:]]
    with pytest.raises(DataError, match="different questions"):
        compare(run, evaluate(asker, reworded))
