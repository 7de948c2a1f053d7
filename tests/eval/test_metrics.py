import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from eval.metrics import (
    Ranking,
    auroc,
    bootstrap,
    calibration_error,
    character_scores,
    coverage_at,
    exact_match,
    f1,
    holds_answer,
    mean,
    normalise,
    overlaps,
    quantile,
    rank,
    refusal_precision,
    refusal_recall,
    reliability,
    retrieval,
    risk_at,
    risk_bound,
    risk_coverage,
    union,
)

spans = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 12)).map(
    lambda t: (t[0], t[1], t[1] + t[2])), max_size=6)
judged = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.5001, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def test_squad_em_and_f1():
    assert normalise(" The  Eiffel-Tower, a landmark! ") == "eiffeltower landmark"
    assert exact_match("the Nine!", ["ten", "nine"]) == 1
    assert exact_match("nine o'clock", ["nine"]) == 0
    assert f1("nine o'clock sharp", ["nine o'clock", "ten"]) == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))
    assert f1("nine nine", ["nine"]) == pytest.approx(2 / 3)
    assert f1("", ["nine"]) == 0
    assert f1("the", ["a"]) == 1
    assert f1("nine", []) == exact_match("nine", []) == 0


@pytest.mark.parametrize(("text", "answer", "held"), [
    ("It costs $7.12 billion.", "$7.12 billion", True),
    ("They get 24 days.", "the 24 days", True),
    ("They get 124 days.", "24 days", False),
    ("“Tidewise” is out.", "Tidewise", True),
    ("from 2019–2020", "2020", True),
    ("Grade A is best.", "A", True),
    ("Grades are best.", "A", False),
    ("Anything", "", False),
    ("The fee is 15 euro.", "1.5", False),
    ("The fee is 1.5 euro.", "1.5 euro", True),
    ("It costs $1250.", "$12.50", False),
    ("It costs $1,250.", "$1250", True),
    ("It was -5 °C.", "5 °C", False),
    ("It was \u22125 °C.", "-5 °C", True),
    ("from 10-12 people", "1012", False),
    ("from 10-12 people", "12 people", True),
    ("The well-known one", "wellknown", True),
])
def test_holds_answer(text, answer, held):
    assert holds_answer(text, [answer]) is held


def test_character_scores_by_hand():
    scores = character_scores([("a", 0, 10), ("a", 5, 20)], [("a", 10, 30), ("b", 0, 20)])
    assert (scores.precision, scores.recall, scores.iou) == (10 / 20, 10 / 40, 10 / 50)
    assert character_scores([], [("a", 0, 1)]).precision == 0
    assert character_scores([], []).iou == 1


@settings(deadline=None)
@given(spans, spans)
def test_character_scores_against_sets_of_characters(mine, theirs):
    p, g = ({(source, at) for source, start, end in given for at in range(start, end)} for given in (mine, theirs))
    scores = character_scores(mine, theirs)
    assert sum(end - start for merged in union(mine).values() for start, end in merged) == len(p)
    if p | g:
        assert scores.iou == len(p & g) / len(p | g)
        assert scores.precision == (len(p & g) / len(p) if p else 0)
        assert scores.recall == (len(p & g) / len(g) if g else 0)
    assert 0 <= scores.iou <= min(scores.precision, scores.recall) <= 1
    assert character_scores(theirs, mine).iou == scores.iou


@settings(deadline=None)
@given(spans)
def test_overlap_is_sharing_a_character(given):
    for one in given:
        for other in given:
            shared = one[0] == other[0] and set(range(*one[1:])) & set(range(*other[1:]))
            assert overlaps(one, other) == bool(shared)


def test_rankings():
    assert rank([[], [0], [0], [1, 2]], 4) == Ranking((False, True, False, True), 1)
    scores = retrieval({"q": Ranking((False, True, False, True), 1), "skipped": Ranking((), 2),
                        "first": Ranking((True,), 0)})
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert scores["q"] == pytest.approx({"recall@1": 0, "recall@5": 2 / 3, "recall@10": 2 / 3, "mrr@10": 1 / 2,
                                         "ndcg@10": (1 / np.log2(3) + 1 / np.log2(5)) / ideal})
    assert set(scores["skipped"].values()) == {0.0}
    assert set(scores["first"].values()) == {1.0}
    assert retrieval({}) == {}


def test_refusals_by_hand():
    refused, answerable = [1, 1, 1, 0, 0], [0, 0, 1, 1, 0]
    assert refusal_precision(refused, answerable) == [1, 1, 0]
    assert refusal_recall(refused, answerable) == [1, 1, 0]
    assert refusal_precision([0, 0], [1, 0]) == refusal_recall([0, 1], [1, 1]) == []


def test_risk_and_coverage_by_hand():
    confidence, right = [0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1]
    covered, risk = risk_coverage(confidence, right)
    assert covered.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert risk_at(0.5)(confidence, right) == 0
    assert risk_at(0.8)(confidence, right) == 0.25
    assert coverage_at(0.1)(confidence, right) == 0.5
    assert coverage_at(0.25)(confidence, right) == 1
    assert coverage_at(0.1)([0.5, 0.5], [1, 0]) == 0, "a threshold cannot cut between equal confidences"


def test_the_bound_of_a_risk_by_hand():
    assert risk_bound([0] * 59) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert risk_bound([1, 1]) == 1
    assert risk_bound([[0, 1, 0], [0, 0, 0]]) == pytest.approx([0.86465, 1 - 0.05 ** (1 / 3)], abs=1e-5)


def test_calibration_by_hand():
    assert calibration_error([0.8] * 10, [1] * 8 + [0] * 2) == pytest.approx(0)
    assert calibration_error([0.9, 0.1], [0, 1], bins=2) == pytest.approx(0.9)
    assert reliability([0.9, 0.8, 0.1, 0.3], [1, 0, 0, 0], bins=2) == [
        (pytest.approx(0.2), 0, 2), (pytest.approx(0.85), 0.5, 2)]


@settings(deadline=None)
@given(judged)
def test_confidence_measures_against_slow_references(pairs):
    confidence, right = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    n = len(pairs)
    if 0 < right.sum() < n:
        wins = [(a > b) + (a == b) / 2 for a, r in pairs if r for b, s in pairs if not s]
        assert auroc(confidence, right) == pytest.approx(sum(wins) / len(wins))
        assert auroc(confidence, right) == pytest.approx(roc_auc_score(right, confidence))
    else:
        assert np.isnan(auroc(confidence, right))
    _, risk = risk_coverage(confidence, right)
    kept = {t: confidence >= t for t in confidence}
    for who in kept.values():
        assert risk[who.sum() - 1] == pytest.approx(1 - right[who].mean())
    attainable = [who.mean() for who in kept.values() if 1 - right[who].mean() <= 0.1 + 1e-9]
    assert coverage_at(0.1)(confidence, right) == pytest.approx(max(attainable, default=0))
    assert 0 <= calibration_error(confidence, right) <= 1
    assert calibration_error(confidence, right) == pytest.approx(
        sum(count / n * abs(stated - share) for stated, share, count in reliability(confidence, right)))
    shuffled = np.random.default_rng(0).permutation(n)
    for measure in (auroc, risk_at(0.5), coverage_at(0.1), calibration_error):
        assert measure(confidence[shuffled], right[shuffled]) == pytest.approx(measure(confidence, right), nan_ok=True)


@pytest.mark.parametrize("measure", [auroc, risk_at(0.5), coverage_at(0.2), calibration_error])
def test_measures_take_many_samples_at_once(measure):
    random = np.random.default_rng(3)
    confidence, right = random.random((7, 30)).round(1), (random.random((7, 30)) > 0.4).astype(float)
    together = measure(confidence, right)
    assert together == pytest.approx([float(measure(c, r)) for c, r in zip(confidence, right, strict=True)])


def test_the_bootstrap():
    values = np.random.default_rng(1).random(400)
    low, high = bootstrap(values, mean, seed=7)
    assert (low, high) == bootstrap(values, mean, seed=7) != bootstrap(values, mean, seed=8)
    error = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.004)
    assert bootstrap([1, 1, 1]) == (1, 1)
    assert np.isnan(bootstrap([[0.3, 0.4], [1, 1]], auroc)).all()
    low, high = bootstrap([range(100), range(100)], lambda a, b: mean(a - b))
    assert low == high == 0, "rows are resampled together"
    assert bootstrap(range(101), quantile(0.5))[0] < 50 < bootstrap(range(101), quantile(0.5))[1]
