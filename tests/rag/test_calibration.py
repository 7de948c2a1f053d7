"""The promise holds, by hand and over simulated sets; what cannot be promised is refused; what is stored is checked."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom

from index.errors import Busy, Corrupt, DataError, FormatVersion, HomeError, InputError
from index.generation import writing
from rag.calibration import FILE, Calibration, fit, load, platt, require, steps, stored, upper_bound

MADE = Calibration("similarity-1", 1.5, -0.5, 0.8, 0.1, 0.05, 0.0951, 60, 30, 0, "", "ab" * 32, "000001-5be1c0de")


def falling(*runs: tuple[int, bool]) -> tuple[list[float], list[bool]]:
    """Confidences from 0.99 down, and outcomes in runs: (30, True) is thirty right ones."""
    right = [outcome for count, outcome in runs for _ in range(count)]
    return np.linspace(0.99, 0.01, len(right)).tolist(), right


# The bound and the steps


@pytest.mark.parametrize(("wrong", "answered", "bound"), [
    (0, 1, 0.95), (0, 10, 1 - 0.05 ** 0.1), (0, 59, 1 - 0.05 ** (1 / 59)), (10, 10, 1.0), (0, 0, 1.0), (1, 10, 0.39416)])
def test_the_bound_by_hand(wrong: int, answered: int, bound: float) -> None:
    assert upper_bound(wrong, answered) == pytest.approx(bound, abs=1e-5)


@given(st.integers(1, 300), st.data(), st.sampled_from([0.01, 0.05, 0.2]))
def test_at_the_bound_so_few_wrong_answers_are_as_unlikely_as_delta(answered: int, data: st.DataObject, delta: float) -> None:
    wrong = data.draw(st.integers(0, answered - 1))
    assert binom.cdf(wrong, answered, float(upper_bound(wrong, answered, delta))) == pytest.approx(delta, rel=1e-6)


@given(st.integers(1, 800), st.sampled_from([0.02, 0.05, 0.1, 0.3]))
def test_a_step_is_the_fewest_answers_with_which_so_many_wrong_ones_still_show_the_risk(quotes: int, risk: float) -> None:
    sizes = steps(quotes, risk)
    assert sizes == sorted(set(sizes))
    assert (sizes == []) == (quotes < math.ceil(math.log(0.05) / math.log(1 - risk)))
    assert all(quotes / 10 <= size <= quotes for size in sizes)
    for size in sizes[:-1]:
        allowed = [wrong for wrong in range(size) if upper_bound(wrong, size) <= risk]
        assert upper_bound(len(allowed) - 1, size - 1) > risk >= upper_bound(len(allowed) - 1, size)


# The probability


def test_platt_by_hand() -> None:
    # Two confidences, so that the sigmoid goes through both targets' means: 0.5 with 1 right of 3, 0.8 with 3 right of 4.
    confidence, right = [0.5] * 3 + [0.8] * 4, [True, False, False, True, True, True, False]
    hi, lo = 5 / 6, 1 / 5
    low, high = logit((hi + 2 * lo) / 3), logit((3 * hi + lo) / 4)
    slope, intercept = platt(confidence, right)
    assert intercept == pytest.approx(low, abs=1e-5)
    assert slope == pytest.approx((high - low) / logit(0.8), abs=1e-5)


def test_platt_finds_the_sigmoid_that_drew_the_outcomes() -> None:
    random = np.random.default_rng(1)
    odds = random.normal(0, 2, 20_000)
    right = random.random(odds.size) < expit(0.5 * odds - 1)
    assert platt(expit(odds), right.tolist()) == pytest.approx((0.5, -1), abs=0.05)


def test_what_a_threshold_parts_entirely_stays_finite() -> None:
    slope, intercept = platt([0.9, 0.8, 0.3, 0.2], [True, True, False, False])
    assert 0 < slope < 10
    assert abs(intercept) < 10


@pytest.mark.parametrize(("confidence", "right", "reason"), [
    ([0.9, 0.8, 0.2, 0.1], [False, False, True, True], "does not tell the 2 right first quotes from the 2 wrong"),
    ([0.5] * 4, [True, True, True, False], "does not tell the 3 right"),
    ([0.9, 0.8], [True, True], "all 2 first quotes are right"),
    ([0.9, 0.8], [False, False], "all 2 first quotes are wrong"),
])
def test_a_confidence_that_says_nothing_is_refused(confidence: list[float], right: list[bool], reason: str) -> None:
    with pytest.raises(DataError, match=reason) as refused:
        platt(confidence, right)
    assert refused.value.remedy


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 20), st.floats(-20, 20))
def test_the_sigmoid_keeps_the_order_and_stays_a_probability(one: float, other: float, slope: float, intercept: float) -> None:
    calibration = dataclasses.replace(MADE, slope=slope, intercept=intercept)
    low, high = calibration.apply(min(one, other)), calibration.apply(max(one, other))
    assert 0 <= low <= high <= 1


def test_no_quote_stays_a_confidence_of_nothing() -> None:
    assert dataclasses.replace(MADE, intercept=50.0).apply(0.0) == 0.0


# The threshold


def test_the_threshold_by_hand() -> None:
    # At a risk of 0.2 a step may have 0 wrong of 14, 1 of 22, 2 of 30, 3 of 37, ... The first 30 are right, then 3 wrong.
    confidence, right = falling((30, True), (3, False), (2, True), (5, False))
    made = fit(confidence, right, 0.2, reader="r", questions_sha256="ab", generation="g")
    assert steps(40, 0.2) == [14, 22, 30, 37, 40]
    assert (made.answered, made.wrong, made.questions, made.coverage) == (30, 0, 40, 0.75)
    assert made.threshold == made.apply(confidence[29])
    assert made.bound == upper_bound(0, 30)
    assert [made.apply(c) >= made.threshold for c in confidence] == [True] * 30 + [False] * 10
    assert (made.reader, made.risk, made.delta, made.questions_sha256, made.generation) == ("r", 0.2, 0.05, "ab", "g")


def test_wrong_answers_are_allowed_as_far_as_the_bound_allows() -> None:
    confidence, right = falling((20, True), (1, False), (10, True), (1, False), (8, True), (10, False))
    made = fit(confidence, right, 0.2, reader="r")
    assert (made.answered, made.wrong) == (37, 2)
    assert upper_bound(2, 37) == made.bound <= 0.2


def test_equal_confidences_are_answered_together() -> None:
    confidence = [0.9] * 20 + [0.5] * 20 + [0.1] * 10
    made = fit(confidence, [True] * 20 + [True] * 19 + [False] + [False] * 10, 0.2, reader="r")
    assert (made.answered, made.wrong) == (40, 1)
    # With 0.9 no longer clean by itself, the first step (14) takes in all twenty and fails.
    with pytest.raises(DataError, match="of the surest 20 first quotes, 16 are right"):
        fit(confidence, [True] * 16 + [False] * 4 + [True] * 20 + [False] * 10, 0.2, reader="r")


def test_the_sequence_ends_at_the_first_step_that_fails() -> None:
    confidence, right = falling((5, False), (200, True))
    assert upper_bound(5, 205) < 0.1
    with pytest.raises(DataError):
        fit([*confidence, 0.001], [*right, False], 0.1, reader="r")


def test_questions_without_a_quote_are_refused_and_count() -> None:
    confidence, right = falling((30, True), (10, False))
    made = fit([*confidence, *[0.0] * 20], [*right, *[False] * 20], 0.2, reader="r")
    assert (made.questions, made.answered, made.coverage) == (60, 30, 0.5)
    assert made.slope == fit(confidence, right, 0.2, reader="r").slope


def test_the_order_of_the_questions_does_not_matter() -> None:
    confidence, right = falling((30, True), (4, False), (10, True), (9, False))
    mixed = np.random.default_rng(2).permutation(len(right))
    again = fit([confidence[i] for i in mixed], [right[i] for i in mixed], 0.2, reader="r")
    made = fit(confidence, right, 0.2, reader="r")
    assert (again.answered, again.wrong, again.bound) == (made.answered, made.wrong, made.bound)
    assert again.threshold == pytest.approx(made.threshold)


@pytest.mark.parametrize("kind", ["as confident as right", "just too often wrong"])
def test_over_many_sets_the_promise_is_broken_as_seldom_as_it_says(kind: str) -> None:
    random, risk, delta, sets = np.random.default_rng(4), 0.1, 0.1, 300
    chance = {"as confident as right": expit, "just too often wrong": lambda odds: np.full(odds.shape, 0.899)}[kind]
    everything = np.sort(random.normal(1, 2, 200_000))[::-1]
    true_risk = np.cumsum(1 - chance(everything)) / np.arange(1, everything.size + 1)
    broken = shown = 0
    for _ in range(sets):
        odds = random.normal(1, 2, 200)
        try:
            made = fit(expit(odds), (random.random(odds.size) < chance(odds)).tolist(), risk, reader="r", delta=delta)
        except DataError:
            continue
        shown += 1
        least = (logit(made.threshold) - made.intercept) / made.slope
        broken += true_risk[np.searchsorted(-everything, -least + 1e-9) - 1] > risk
    assert shown > (150 if kind == "as confident as right" else 0)
    assert broken <= sets * delta + 2 * math.sqrt(sets * delta * (1 - delta)), "two standard errors over delta"


# What cannot be shown


def test_too_few_questions() -> None:
    with pytest.raises(DataError) as refused:
        require(58, 0.05)
    assert str(refused.value) == ("58 first quotes are too few to show a risk of at most 5%: 58 of 58 right would show 5.03%."
                                  " Give a set with at least 59, better several times as many, or allow a larger risk")
    require(59, 0.05)
    with pytest.raises(DataError, match="0 first quotes are too few"):
        fit([0.0] * 80, [False] * 80, 0.05, reader="r")


def test_a_risk_that_the_set_does_not_show() -> None:
    confidence, right = falling((40, True), (2, False), (30, True), (20, False))
    with pytest.raises(DataError) as refused:
        fit(confidence, right, 0.05, reader="r")
    bound = float(upper_bound(2, 59))
    assert refused.value.message == ("a risk of at most 5% cannot be shown: of the surest 59 first quotes, 57 are right,"
                                     f" which shows {100 * bound:.3g}% with 95% confidence")
    assert refused.value.remedy.startswith("Give about ")
    possible = float(refused.value.remedy.partition("a risk of ")[2].partition(",")[0])
    assert fit(confidence, right, possible, reader="r").answered
    with pytest.raises(DataError):
        fit(confidence, right, possible - 0.01, reader="r")


@pytest.mark.parametrize(("risk", "delta"), [(0.0, 0.05), (1.0, 0.05), (5.0, 0.05), (-1.0, 0.05), (math.nan, 0.05), (0.1, 0.0)])
def test_what_is_no_share_is_bad_usage(risk: float, delta: float) -> None:
    with pytest.raises(InputError) as refused:
        require(1000, risk, delta)
    assert not isinstance(refused.value, DataError)


# In the home


def test_it_is_stored_and_read_again_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert load(home, "similarity-1", "") is None
    confidence, right = falling((30, True), (4, False), (10, True), (9, False))
    for made in (MADE, fit(confidence, right, 0.2, reader="similarity-1")):
        made.write(home)
        assert load(home, "similarity-1", "") == stored(home) == made
    assert not list(home.glob(".*"))


def test_it_is_not_written_while_another_process_writes(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(Busy):
        MADE.write(tmp_path)
    assert stored(tmp_path) is None


def test_a_calibration_of_another_reader_is_an_error(tmp_path: Path) -> None:
    MADE.write(tmp_path)
    with pytest.raises(HomeError, match="made with the reader similarity-1, not span-2") as refused:
        load(tmp_path, "span-2", "")
    assert "pullquote calibrate" in refused.value.remedy
    assert str(tmp_path / FILE) in refused.value.remedy
    with pytest.raises(HomeError, match="made with the settings , not dense alone"):
        load(tmp_path, "similarity-1", "dense alone")


@pytest.mark.parametrize("content", ["", "[]", "3", "{", "{}", '{"schema": 2}', '{"sha256": "", "schema": 2, "slope": 2}'])
def test_a_file_that_is_no_calibration(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(Corrupt, match="damaged") as refused:
        load(tmp_path, "similarity-1", "")
    assert str(tmp_path / FILE) in refused.value.remedy


@pytest.mark.parametrize(("field", "value"), [("threshold", 0.1), ("slope", -1.5), ("wrong", 0.0), ("reader", "span-2")])
def test_a_changed_field_is_noticed(tmp_path: Path, field: str, value: object) -> None:
    MADE.write(tmp_path)
    fields = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**fields, field: value}))
    with pytest.raises(Corrupt, match="damaged, or was changed by hand"):
        stored(tmp_path)


def test_a_later_form_is_named(tmp_path: Path) -> None:
    MADE.write(tmp_path)
    fields = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**fields, "schema": 3}))
    with pytest.raises(FormatVersion, match="form 3; this Pullquote reads 2"):
        stored(tmp_path)
