"""A confidence that holds on one's own questions, and a threshold that comes with a promise.

`pullquote calibrate` asks a set of questions whose answers are known, and fits two things to what came of it:

- the probability: Platt's sigmoid (Platt 1999) over the log odds of the reader's confidence. It has to rise, so that it
  never changes which of two questions is the surer one;
- the threshold: the lowest that the set shows to keep the risk asked for, by fixed-sequence testing (Learn then Test,
  Angelopoulos et al. 2021) of the exact binomial bound (Clopper & Pearson 1934; for selective prediction as in SGR,
  Geifman & El-Yaniv 2017).

The promise: of the questions that are answered, at most the share `risk` gets a wrong first quote. Over sets of questions
it is kept with probability 1 - `delta` or more, given that

- later questions are like those of the set: drawn from the same source (exchangeable), independently of each other,
  and asked of this library with these settings;
- answers of less confidence are not right more often, which every use of a threshold takes for granted;
- `risk` was chosen before looking: the smallest that a set happens to show promises a little less.

Both are fitted to the same questions. That takes nothing from the promise: a threshold is a place in the order of the
confidences, the sigmoid leaves that order alone, and which places are tried (`steps`) does not hang on what was right.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import ArrayLike, NDArray

from index.errors import Corrupt, DataError, FormatVersion, HomeError, InputError
from index.generation import writing
from index.types import sha256_text
from rag.reader.base import probability

FILE = "calibration.json"
SCHEMA = 2
DELTA = 0.05
_NEAREST = 1e-6  # to 0 and to 1: closer than this, a confidence's log odds would outweigh all the others

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted to a set of questions, and what that set showed.

    `threshold` is one of the calibrated confidence. Of `questions`, `answered` reach it, and the first quotes of `wrong`
    of these are wrong; `bound` is the exact upper bound of that share at level `delta`, at most the `risk` asked for.
    """

    reader: str
    slope: float
    intercept: float
    threshold: float
    risk: float
    delta: float
    bound: float
    questions: int
    answered: int
    wrong: int
    settings: str = ""  # what the reader was asked with: `Assistant.settings`
    questions_sha256: str = ""  # which questions: `eval.run.Run.questions_sha256`
    generation: str = ""  # of the library that was asked

    @property
    def coverage(self) -> float:
        """The share of the set's questions that are answered."""
        return self.answered / self.questions

    def apply(self, confidence: float) -> float:
        """The calibrated probability for a reader's confidence."""
        return sigmoid(confidence, self.slope, self.intercept)

    def json(self) -> dict[str, Any]:
        """The fields as they are written, but for the check sum."""
        return {"schema": SCHEMA, **asdict(self)}

    def write(self, home: Path) -> None:
        """Store it in a home, in place of the one before; atomically. Raises Busy or HomeError."""
        fields = self.json()
        temporary = home / f".{FILE}.tmp"
        with writing(home):
            try:
                with temporary.open("wb") as file:
                    file.write(orjson.dumps({**fields, "sha256": _digest(fields)}, option=orjson.OPT_INDENT_2))
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(home / FILE)
            except OSError as error:
                raise HomeError(f"the calibration cannot be written to {home} ({error.strerror})",
                                "Make room, or mend its permissions") from error


def load(home: Path, reader: str, settings: str) -> Calibration | None:
    """The calibration of a home for a reader and settings; None where there is none. Raises what `stored` raises.

    Raises HomeError where it was made with others, whose confidences mean something else.
    """
    found = stored(home)
    for made, now, what in ((found.reader, reader, "reader"), (found.settings, settings, "settings")) if found else ():
        if made != now:
            raise HomeError(f"the calibration in {home} was made with the {what} {made}, not {now}",
                            f"Run pullquote calibrate again, or remove {home / FILE}")
    return found


def stored(home: Path) -> Calibration | None:
    """The calibration of a home, whatever the reader; None where there is none. Raises FormatVersion, Corrupt, HomeError."""
    path = home / FILE
    mend = f"Run pullquote calibrate again, or remove {path}"
    try:
        fields: dict[str, Any] = orjson.loads(path.read_bytes())
        digest, schema = fields.pop("sha256"), fields["schema"]
        if schema != SCHEMA:
            raise FormatVersion(f"the calibration {path} has form {schema!r}; this Pullquote reads {SCHEMA}", mend)
        if digest != _digest(fields):
            raise Corrupt(f"the calibration {path} is damaged, or was changed by hand", mend)
        del fields["schema"]
        return Calibration(**fields)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(f"the calibration {path} cannot be read ({error.strerror})", "Check its permissions") from error
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise Corrupt(f"the calibration {path} is damaged", mend) from error


# -- fitting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """What answering every question that reaches a threshold would have meant."""

    threshold: float
    answered: int
    wrong: int
    bound: float


def fit(confidence: Sequence[float], right: Sequence[bool], risk: float, *, reader: str, delta: float = DELTA,
        settings: str = "", questions_sha256: str = "", generation: str = "") -> Calibration:
    """Fit sigmoid and threshold to the reader's confidence in each question's first quote, and whether that was right.

    A confidence of 0 says that there was nothing to quote: such a question counts as one that is refused. Raises
    DataError, with what the set does show, where it cannot show the risk or its confidences say nothing; InputError
    where `risk` or `delta` is not a share between 0 and 1.
    """
    quoted = [(c, bool(r)) for c, r in zip(confidence, right, strict=True) if c > 0]
    require(len(quoted), risk, delta)
    slope, intercept = platt([c for c, _ in quoted], [r for _, r in quoted])
    # Calibrated confidences stand in the reader's order; with these, what is equal here is equal when it is asked again.
    calibrated = np.array([sigmoid(c, slope, intercept) for c, _ in quoted])
    outcome = np.array([r for _, r in quoted])
    shown = _shown(calibrated, outcome, risk, delta)
    if not shown:
        raise _not_shown(calibrated, outcome, risk, delta)
    last = shown[-1]
    return Calibration(reader, slope, intercept, last.threshold, risk, delta, last.bound, len(confidence), last.answered,
                       last.wrong, settings, questions_sha256, generation)


def require(quotes: int, risk: float, delta: float = DELTA) -> None:
    """Raise DataError where so many first quotes could not show the risk even if all were right.

    Raises InputError where `risk` or `delta` is not a share between 0 and 1.
    """
    for name, value in (("risk", risk), ("delta", delta)):
        if not 0 < value < 1:
            raise InputError(f"the {name} is {value}", "Give a share between 0 and 1, such as 0.05")
    least = math.ceil(math.log(delta) / math.log1p(-risk))
    if quotes < least:
        raise DataError(f"{quotes} first quotes are too few to show a risk of at most {_percent(risk)}: {quotes} of {quotes}"
                        f" right would show {_percent(float(upper_bound(0, quotes, delta)))}",
                        f"Give a set with at least {least}, better several times as many, or allow a larger risk")


def upper_bound(wrong: ArrayLike, answered: ArrayLike, delta: float = DELTA) -> Floats:
    """The exact upper bound, at level `delta`, of the risk of which `wrong` of `answered` is a sample.

    Clopper & Pearson (1934), one-sided; 1 where nothing was right.

    >>> round(float(upper_bound(0, 59)), 4)
    0.0495
    """
    from scipy.special import betaincinv

    wrong, answered = np.asarray(wrong, dtype=float), np.asarray(answered, dtype=float)
    rights = answered - wrong
    return np.asarray(np.where(rights > 0, betaincinv(wrong + 1, np.maximum(rights, 1e-9), 1 - delta), 1.0))


def platt(confidence: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Slope and intercept of Platt's sigmoid over the log odds of the confidences.

    A logistic regression on Platt's targets, (rights + 1) / (rights + 2) for what was right and 1 / (wrongs + 2) for
    what was wrong, which keep it finite where a threshold parts the two. Raises DataError where it would not rise.
    """
    from sklearn.linear_model import LogisticRegression

    outcome = np.asarray(right, dtype=np.bool_)
    rights, wrongs = int(outcome.sum()), int((~outcome).sum())
    if not rights or not wrongs:
        raise DataError(f"all {len(outcome)} first quotes are {'right' if rights else 'wrong'}: there is nothing to tell"
                        " apart", "Give a set of which the library answers some questions and cannot answer others")
    useless = DataError(f"the confidence does not tell the {rights} right first quotes from the {wrongs} wrong ones",
                        "Check the answers in the set; if they are right, no threshold helps with this reader")
    odds = np.array([[_log_odds(c)] for c in confidence])
    if np.ptp(odds) == 0:
        raise useless
    target = np.where(outcome, (rights + 1) / (rights + 2), 1 / (wrongs + 2))
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(np.tile(odds, (2, 1)), np.repeat([1, 0], len(odds)), np.concatenate([target, 1 - target]))
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise useless
    return slope, intercept


def steps(quotes: int, risk: float, delta: float = DELTA) -> list[int]:
    """How many of the surest are answered at each step, the most cautious first. Their outcome has no say in it.

    These are the smallest numbers with which 0, 1, 2, … wrong answers still show the risk, and last all of them. Those
    below a tenth of all are left out: the sequence ends at the first step that fails, and where few are answered a
    single unlucky one would end it.

    >>> steps(200, 0.05)
    [59, 93, 124, 153, 181, 200]
    """
    sizes: list[int] = []
    for size in range(1, quotes + 1):
        if upper_bound(len(sizes), size, delta) <= risk:
            sizes.append(size)
    return sorted({*(size for size in sizes if size >= quotes / 10), *([quotes] if sizes else [])})


def _shown(confidence: Floats, right: Bools, risk: float, delta: float) -> list[_Step]:
    """The steps up to the first that does not show the risk."""
    return list(takewhile(lambda step: step.bound <= risk, _tried(confidence, right, risk, delta)))


def _tried(confidence: Floats, right: Bools, risk: float, delta: float) -> Iterator[_Step]:
    """Every step; questions of equal confidence are answered together."""
    falling = np.sort(confidence)[::-1]
    for size in steps(len(confidence), risk, delta):
        threshold = float(falling[size - 1])
        answered = confidence >= threshold
        wrong = int((answered & ~right).sum())
        yield _Step(threshold, int(answered.sum()), wrong, float(upper_bound(wrong, answered.sum(), delta)))


def _not_shown(confidence: Floats, right: Bools, risk: float, delta: float) -> DataError:
    """What the set shows instead, and what would help."""
    first = next(_tried(confidence, right, risk, delta))
    times = np.arange(1, 100, 0.1)
    enough = times[upper_bound(first.wrong * times, first.answered * times, delta) <= risk]
    larger = [r / 100 for r in range(math.floor(risk * 100) + 1, 51)]
    possible = next((r for r in larger if _shown(confidence, right, r, delta)), None)
    helps = [*([f"give about {10 * math.ceil(len(confidence) * enough[0] / 10)} questions like these"] if enough.size else []),
             *([f"allow a risk of {possible}, which these can show"] if possible else [])]
    remedy = ", or ".join(helps) or "check the answers in the set"
    return DataError(f"a risk of at most {_percent(risk)} cannot be shown: of the surest {first.answered} first quotes,"
                     f" {first.answered - first.wrong} are right, which shows {_percent(first.bound)} with"
                     f" {100 * (1 - delta):g}% confidence", remedy[0].upper() + remedy[1:])


def sigmoid(confidence: float, slope: float, intercept: float) -> float:
    """Platt's sigmoid of a reader's confidence. 0 stays 0: there is nothing to quote."""
    return probability(slope * _log_odds(confidence) + intercept) if confidence > 0 else 0.0


def _log_odds(confidence: float) -> float:
    inside = min(max(confidence, _NEAREST), 1 - _NEAREST)
    return math.log(inside) - math.log1p(-inside)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def _digest(fields: dict[str, Any]) -> str:
    return sha256_text(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode())
