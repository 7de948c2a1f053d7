"""Ask every question of a set, judge the answers, and compare one run with another.

How an answer is judged, in this order, by what the question brings:

    evidence   a passage is relevant where it overlaps a piece of evidence
    relevant   a passage is relevant where it comes from a relevant source
    answers    a passage is relevant where it holds one of the answers

The first quote is right where it holds one of the answers; without answers, where it overlaps evidence or comes from a
relevant source. A question about which nothing is known is asked but not judged; one that could not be asked is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import orjson

from eval import metrics
from eval.questions import Evidence, Question, question_of
from index.errors import DataError, PullquoteError, SourceGone
from index.types import Document, document_id, sha256_text
from rag import calibration
from rag.types import Answer, Passage, Quote

SCHEMA = 1  # of the JSON that a run is kept in
DEPTHS = tuple(range(1, 11))
EVIDENCE_DEPTHS = (1, 5, 10)
TOLERANCES: Mapping[str, float] = {"retrieval": 0.02, "answer": 0.02, "refusal": 0.05}

Group = Literal["retrieval", "answer", "refusal", "latency"]
Better = Literal["higher", "lower"]
Verdict = Literal["right", "wrong", "refused", "skipped", "unjudged"]
Progress = Callable[[int, int], None]

MEANS: Mapping[str, Group] = {
    "recall@1": "retrieval", "recall@5": "retrieval", "recall@10": "retrieval",
    "mrr@10": "retrieval", "ndcg@10": "retrieval",
    "evidence@1": "retrieval", "evidence@5": "retrieval", "evidence@10": "retrieval",
    "em": "answer", "f1": "answer", "holds_answer": "answer",
    "char_precision": "answer", "char_recall": "answer", "char_iou": "answer",
    "answered_right": "answer", "refused_right": "answer", "decided_right": "answer",
}
TAGGED = ("recall@5", "f1", "holds_answer", "answered_right", "refused_right")


class Texts(Protocol):
    """Documents by id, as `index.store.PassageStore` gives them."""

    def document(self, document_id: str) -> Document:
        """A document with its whole text. Raises `SourceGone` where there is none."""


class Asker(Protocol):
    """What is judged; `rag.assistant.Assistant` is one."""

    @property
    def store(self) -> Texts:
        """The documents that are asked."""

    def ask_anyway(self, question: str, history: Sequence[str] = ()) -> Answer:
        """The answer with the quotes it would give whatever its confidence; `answered` states the decision."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its bootstrapped 95% interval over `n` questions; shares of 1, but latency in milliseconds."""

    name: str
    group: Group
    value: float
    low: float
    high: float
    n: int
    better: Better


@dataclass(frozen=True, slots=True)
class Result:
    """One question asked and judged.

    `prediction` is the JSON contract's object with the decision as made, None where the question could not be asked
    (`problem` says why). `quotes` are those it would have given whatever its confidence. `right` is about the first of
    them, None where nothing is known to judge it by. `scores` holds what applies to the question, by figure.
    `confidence` is the one that was stated, with all its digits; 0 where the question could not be asked.
    """

    question: Question
    prediction: Mapping[str, Any] | None
    quotes: tuple[Mapping[str, Any], ...]
    right: bool | None
    scores: Mapping[str, float]
    problem: str = ""
    confidence: float = 0.0

    @property
    def answered(self) -> bool:
        """Whether it was asked and not refused."""
        return self.prediction is not None and bool(self.prediction["answered"])

    @property
    def verdict(self) -> Verdict:
        """What came of it; a refusal is told from an answer, whether the question is answerable or not."""
        if self.prediction is None:
            return "skipped"
        if not self.answered:
            return "refused"
        return "unjudged" if self.right is None else "right" if self.right else "wrong"

    @property
    def fine(self) -> bool:
        """Whether the decision was right: a right answer, or a refusal where there is none."""
        return bool(self.right) if self.answered else self.prediction is not None and not self.question.answerable

    def json(self) -> dict[str, Any]:
        """The form in which a run is kept."""
        return {"question": self.question.json(), "verdict": self.verdict, "right": self.right, "problem": self.problem,
                "confidence": self.confidence, "scores": dict(self.scores), "quotes": list(self.quotes),
                "prediction": self.prediction}


@dataclass(frozen=True, slots=True)
class Run:
    """A whole evaluation: every figure, overall and by tag, and every question with what became of it."""

    name: str
    figures: tuple[Figure, ...]
    tags: Mapping[str, tuple[Figure, ...]]
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    @property
    def questions_sha256(self) -> str:
        """The same for runs of the same questions: ids, wording, history, answers and tags, in any order."""
        known = sorted((q.id, q.question, q.history, q.answers, q.answerable, q.tags)
                       for q in (result.question for result in self.results))
        return sha256_text(orjson.dumps(known).decode())

    @property
    def generation(self) -> str:
        """The generation that was asked."""
        return next((str(r.prediction["generation"]) for r in self.results if r.prediction), "")

    @property
    def models(self) -> dict[str, str]:
        """The models that answered."""
        return next((dict(r.prediction["models"]) for r in self.results if r.prediction), {})

    @property
    def judged(self) -> tuple[list[float], list[bool]]:
        """The confidence in each first quote that could be judged, and whether it was right."""
        return _judgements(self.results)

    def figure(self, name: str) -> Figure | None:
        """The figure of that name, None where it does not apply to these questions."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def predictions(self) -> Iterator[Mapping[str, Any]]:
        """The JSON contract's object of every question that could be asked, with the decision as made."""
        return (result.prediction for result in self.results if result.prediction is not None)

    def json(self) -> dict[str, Any]:
        """The form in which a run is kept; `Run.load` reads it."""
        return {"schema": SCHEMA, "name": self.name, "questions": len(self.results),
                "questions_sha256": self.questions_sha256, "generation": self.generation, "models": self.models,
                "notes": list(self.notes), "figures": [asdict(figure) for figure in self.figures],
                "tags": {tag: [asdict(figure) for figure in figures] for tag, figures in self.tags.items()},
                "results": [result.json() for result in self.results]}

    def save(self, path: Path) -> None:
        """Write the run's JSON."""
        path.write_bytes(orjson.dumps(self.json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read a run that was saved. Raises `DataError` where the file is not one."""
        remedy = "Give a file that `pullquote eval --json` wrote."
        try:
            data = orjson.loads(path.read_bytes())
            if data["schema"] != SCHEMA:
                raise DataError(f"{path}: a run of form {data['schema']!r}, this version reads {SCHEMA}",
                                "Run the evaluation again with this version.")
            return cls(data["name"], _figures_of(data["figures"]),
                       {tag: _figures_of(figures) for tag, figures in data["tags"].items()},
                       tuple(_result_of(result) for result in data["results"]), tuple(data["notes"]))
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})", remedy) from error
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: not a saved run ({error})", remedy) from error


@dataclass(frozen=True, slots=True)
class Regression:
    """A figure that became worse than the baseline's by more than its tolerance."""

    name: str
    group: Group
    value: float
    baseline: float
    tolerance: float

    def __str__(self) -> str:
        if self.group == "latency":
            return (f"{self.name}: {self.baseline:.1f} ms before, {self.value:.1f} ms now"
                    f" (tolerance {self.tolerance:.0%})")
        return f"{self.name}: {self.baseline:.3f} before, {self.value:.3f} now (tolerance {self.tolerance:g})"


def evaluate(asker: Asker, questions: Sequence[Question], progress: Progress | None = None, *, name: str = "",
             seed: int = 0) -> Run:
    """Ask every question and measure everything; `progress(done, total)` after each, `seed` for the intervals.

    A question that fails with a `PullquoteError` is noted, counts as wrong, and the others go on.
    """
    questions, notes = locate(questions, asker.store)
    judged = []
    for done, question in enumerate(questions, start=1):
        judged.append(_asked(asker, question))
        if progress:
            progress(done, len(questions))
    ranked = metrics.retrieval({result.question.id: ranking for result, ranking in judged if ranking}, DEPTHS)
    results = [replace(result, scores={**ranked.get(result.question.id, {}), **result.scores}) for result, _ in judged]
    return Run(name, figures(results, seed), _by_tag(results, seed), tuple(results), (*notes, *_notes(results)))


def figures(results: Sequence[Result], seed: int = 0) -> tuple[Figure, ...]:
    """Every figure that applies to these results, in the order of a report."""
    return (*_means(results, MEANS, seed), *_refusal(results, seed), *_latency(results, seed))


def write_predictions(run: Run, path: Path) -> None:
    """Write the run's predictions as JSON Lines, one object of the JSON contract for each question asked."""
    with path.open("wb") as file:
        for prediction in run.predictions():
            file.write(orjson.dumps(prediction) + b"\n")


def compare(run: Run, baseline: Run, tolerances: Mapping[str, float] | None = None) -> list[Regression]:
    """The figures that became worse than the baseline's by more than their tolerance, worst first.

    `tolerances` go by figure or by group and add to `TOLERANCES` (retrieval and answer 0.02, refusal 0.05). What has
    none is not compared: latency, unless asked for, then as a share of the baseline. Raises `DataError` where the two
    runs asked different questions.
    """
    if run.questions_sha256 != baseline.questions_sha256:
        raise DataError(f"the runs asked different questions ({len(run.results)} now, {len(baseline.results)} in the "
                        "baseline)", "Make the baseline again from this set.")
    allowed = {**TOLERANCES, **(tolerances or {})}
    regressions = []
    for figure in run.figures:
        before, tolerance = baseline.figure(figure.name), allowed.get(figure.name, allowed.get(figure.group))
        if before and tolerance is not None and _fall(figure, before) > tolerance + 1e-9:
            regressions.append((_fall(figure, before), Regression(figure.name, figure.group, figure.value, before.value,
                                                                  tolerance)))
    return [regression for _, regression in sorted(regressions, key=lambda pair: -pair[0])]


def _fall(figure: Figure, before: Figure) -> float:
    worse = before.value - figure.value if figure.better == "higher" else figure.value - before.value
    return worse / max(before.value, 1e-9) if figure.group == "latency" else worse


# -- evidence in its place -------------------------------------------------------------------------------------------


def locate(questions: Sequence[Question], store: Texts) -> tuple[list[Question], list[str]]:
    """The questions with every piece of evidence given offsets and text, and notes on what the library does not hold.

    Evidence in a source that the library does not hold stays as it is and can only be missed. Where the library holds
    none of the sources that the whole set names, the answers alone are gone by. Raises `DataError` where evidence does
    not stand where the set says.
    """

    @cache
    def document(source: str) -> Document | None:
        try:
            return store.document(document_id(source))
        except SourceGone:
            return None

    named = list(dict.fromkeys(source for q in questions
                               for source in (*(evidence.source for evidence in q.evidence), *q.relevant)))
    missing = [source for source in named if document(source) is None]
    if not missing:
        notes = []
    elif len(missing) < len(named):
        notes = [f"{len(missing)} of the {len(named)} sources with evidence are not in the library, {missing[0]} for"
                 " one: what they hold counts as missed"]
    elif any(q.answers for q in questions):
        notes = [f"none of the sources with evidence is in the library, {missing[0]} for one: passages are judged by"
                 " whether they hold an answer"]
        questions = [replace(q, evidence=(), relevant=()) for q in questions]
    else:
        raise DataError(f"none of the set's sources is in the library, {missing[0]} for one",
                        "Index those documents, or name them with --corpus.")
    return [replace(q, evidence=tuple(_located(q, evidence, document(evidence.source)) for evidence in q.evidence))
            for q in questions], notes


def _located(question: Question, evidence: Evidence, document: Document | None) -> Evidence:
    if document is None:
        return evidence
    start, end, remedy = evidence.start, evidence.end, "The document may have changed since: correct the set."
    if start is None or end is None:
        found = re.search(r"\s+".join(map(re.escape, evidence.text.split())), document.text)
        if not found:
            raise DataError(f"question {question.id}: {evidence.source} does not hold {evidence.text[:80]!r}", remedy)
        start, end = found.span()
    elif end > len(document.text):
        raise DataError(f"question {question.id}: evidence at [{start}, {end}) of {evidence.source}, which has "
                        f"{len(document.text)} characters", remedy)
    elif evidence.text and document.text[start:end] != evidence.text:
        raise DataError(f"question {question.id}: at [{start}, {end}) {evidence.source} holds "
                        f"{document.text[start:end][:80]!r}, not {evidence.text[:80]!r}", remedy)
    return Evidence(evidence.source, start, end, document.text[start:end])


def _spans(question: Question) -> list[metrics.Span]:
    """The evidence as spans; where it lies in a source out of reach, only its length means something."""
    return [(e.source, e.start or 0, e.end or len(e.text)) for e in question.evidence]


# -- one question ----------------------------------------------------------------------------------------------------


def _asked(asker: Asker, question: Question) -> tuple[Result, metrics.Ranking | None]:
    try:
        answer = asker.ask_anyway(question.question, question.history)
    except PullquoteError as error:
        return _judged(question, None, str(error))
    return _judged(question, answer)


def _judged(question: Question, answer: Answer | None, problem: str = "") -> tuple[Result, metrics.Ranking | None]:
    quotes, passages = (answer.quotes, answer.passages) if answer else ((), ())
    decision = answer if answer is None or answer.answered else replace(answer, quotes=())
    result = Result(question, decision.json(question.id) if decision else None, tuple(quote.json() for quote in quotes),
                    _right(question, quotes), {}, problem, answer.confidence if answer else 0.0)
    return replace(result, scores=_scores(result, quotes, passages)), _ranking(question, passages)


def _right(question: Question, quotes: Sequence[Quote]) -> bool | None:
    """Whether the first quote answers the question; None where nothing is known to tell it by."""
    if not question.answerable:
        return False
    if not (question.answers or question.evidence or question.relevant):
        return None
    if not quotes:
        return False
    first = quotes[0]
    if question.answers:
        return metrics.holds_answer(first.text, question.answers)
    if question.evidence:
        return any(metrics.overlaps((citation.source, citation.start, citation.end), span)
                   for citation in first.citations for span in _spans(question))
    return any(citation.source in question.relevant for citation in first.citations)


def _scores(result: Result, quotes: Sequence[Quote], passages: Sequence[Passage]) -> dict[str, float]:
    question = result.question
    if result.right is None:
        return {}
    scores = {"decided_right": float(result.fine)}
    if not question.answerable:
        return {**scores, "refused_right": float(result.fine)}
    scores["answered_right"] = float(result.fine)
    if question.answers:
        scores["em"] = metrics.exact_match(_highlight(quotes), question.answers)
        scores["f1"] = metrics.f1(_highlight(quotes), question.answers)
        scores["holds_answer"] = float(result.right)
    if question.evidence:
        gold = _spans(question)
        characters = metrics.character_scores([_cited(quote, gold) for quote in quotes], gold)
        scores |= {"char_precision": characters.precision, "char_recall": characters.recall, "char_iou": characters.iou}
        shown = list(map(_places, passages))
        scores |= {f"evidence@{k}": metrics.character_scores(list(chain(*shown[:k])), gold).recall for k in EVIDENCE_DEPTHS}
    return scores


def _highlight(quotes: Sequence[Quote]) -> str:
    if not quotes:
        return ""
    start, end = quotes[0].highlight
    return quotes[0].text[start - quotes[0].start : end - quotes[0].start]


def _cited(quote: Quote, gold: Sequence[metrics.Span]) -> metrics.Span:
    """Where a quote stands: at the citation that meets the evidence, if it has several, else at its first."""
    places = [(citation.source, citation.start, citation.end) for citation in quote.citations]
    return next((place for place in places if any(metrics.overlaps(place, span) for span in gold)), places[0])


def _places(passage: Passage) -> list[metrics.Span]:
    """Where a passage stands, and its copies, which are quoted from with it."""
    return [(one.document.source, one.chunk.start, one.chunk.end) for one in (passage, *passage.copies)]


def _ranking(question: Question, passages: Sequence[Passage]) -> metrics.Ranking | None:
    if not question.answerable:
        return None
    if question.evidence:
        pieces = [(source, start, end) for source, stretches in metrics.union(_spans(question)).items()
                  for start, end in stretches]
        return metrics.rank([[i for i, piece in enumerate(pieces)
                              if any(metrics.overlaps(piece, place) for place in _places(passage))] for passage in passages],
                            len(pieces))
    if question.relevant:
        return metrics.rank([[i for i, source in enumerate(question.relevant)
                              if any(source == place[0] for place in _places(passage))] for passage in passages],
                            len(question.relevant))
    if question.answers:
        return metrics.rank([[0] if metrics.holds_answer(passage.text, question.answers) else []
                             for passage in passages], 1)
    return None


# -- all questions ---------------------------------------------------------------------------------------------------


def _figure(name: str, group: Group, better: Better, statistic: Callable[..., metrics.Array], seed: int,
            *columns: Sequence[float]) -> list[Figure]:
    """The figure with its interval; none where it is undefined for these questions."""
    if not columns[0] or np.isnan(value := float(statistic(*map(np.asarray, columns)))):
        return []
    low, high = metrics.bootstrap(columns, statistic, seed)
    return [Figure(name, group, round(value, 6), round(low, 6), round(high, 6), len(columns[0]), better)]


def _means(results: Sequence[Result], names: Iterable[str], seed: int) -> list[Figure]:
    return [figure for name in names
            for figure in _figure(name, MEANS[name], "higher", metrics.mean, seed,
                                  [result.scores[name] for result in results if name in result.scores])]


def _refusal(results: Sequence[Result], seed: int) -> list[Figure]:
    judged = [result for result in results if result.right is not None]
    confidence, right = _judgements(judged)
    answerable = [result.question.answerable for result in judged]
    refused = [result.verdict == "refused" for result in judged]
    wrong = [float(not result.right) for result in judged if result.answered]
    caught = [] if all(answerable) else metrics.refusal_precision(refused, answerable)  # nothing there to catch
    return [
        *_figure("refusal_precision", "refusal", "higher", metrics.mean, seed, caught),
        *_figure("refusal_recall", "refusal", "higher", metrics.mean, seed, metrics.refusal_recall(refused, answerable)),
        *_figure("auroc_right", "refusal", "higher", metrics.auroc, seed, confidence, right),
        *_figure("auroc_answerable", "refusal", "higher", metrics.auroc, seed, confidence, answerable),
        *_figure("risk@threshold", "refusal", "lower", metrics.mean, seed, wrong),
        *_figure("risk_bound", "refusal", "lower", metrics.risk_bound, seed, wrong),
        *_figure("risk@0.5", "refusal", "lower", metrics.risk_at(0.5), seed, confidence, right),
        *_figure("risk@0.8", "refusal", "lower", metrics.risk_at(0.8), seed, confidence, right),
        *_figure("coverage@risk0.1", "refusal", "higher", metrics.coverage_at(0.1), seed, confidence, right),
        *_figure("calibration_error", "refusal", "lower", metrics.calibration_error, seed, confidence, right),
        *_figure("calibrated_error", "refusal", "lower", metrics.calibration_error, seed, *_calibrated(confidence, right)),
    ]


def _calibrated(confidence: Sequence[float], right: Sequence[bool]) -> tuple[list[float], list[bool]]:
    """The confidences as `pullquote calibrate` would mend them, every other question by the rest; none where it could not."""
    told: list[float] = []
    truth: list[bool] = []
    for half in (0, 1):
        pairs = [pair for pair in zip(confidence[1 - half :: 2], right[1 - half :: 2], strict=True) if pair[0] > 0]
        try:
            slope, intercept = calibration.platt([c for c, _ in pairs], [r for _, r in pairs])
        except DataError:
            return [], []
        told += [calibration.sigmoid(c, slope, intercept) for c in confidence[half::2]]
        truth += right[half::2]
    return told, truth


def _judgements(results: Iterable[Result]) -> tuple[list[float], list[bool]]:
    pairs = [(result.confidence, bool(result.right)) for result in results if result.right is not None]
    return [confidence for confidence, _ in pairs], [right for _, right in pairs]


def latencies(results: Iterable[Result]) -> dict[str, list[float]]:
    """Milliseconds of every stage, in the order in which the answers name them."""
    stages: dict[str, list[float]] = {}
    for result in results:
        for stage, ms in (result.prediction["timings_ms"] if result.prediction else {}).items():
            stages.setdefault(stage, []).append(float(ms))
    return stages


def _latency(results: Sequence[Result], seed: int) -> list[Figure]:
    return [figure for stage, ms in latencies(results).items() for percent in (50, 95)
            for figure in _figure(f"{stage}_p{percent}", "latency", "lower", metrics.quantile(percent / 100), seed, ms)]


def _by_tag(results: Sequence[Result], seed: int) -> dict[str, tuple[Figure, ...]]:
    tags = dict.fromkeys(tag for result in results for tag in result.question.tags)
    return {tag: tuple(_means([result for result in results if tag in result.question.tags], TAGGED, seed))
            for tag in sorted(tags)}


def _notes(results: Sequence[Result]) -> list[str]:
    skipped = [result for result in results if result.prediction is None]
    unjudged = [result for result in results if result.right is None]
    rest = [result.question for result in results if result.question.answerable and not result.question.evidence]
    sources, answers = sum(bool(q.relevant) for q in rest), sum(bool(q.answers) and not q.relevant for q in rest)
    said = [
        (len(skipped), "could not be asked and count as wrong; the first: " + (skipped[0].problem if skipped else "")),
        (len(unjudged), "bring nothing to judge an answer by: asked, timed, not judged"),
        (sources, "name relevant sources but no evidence: a passage of such a source is relevant"),
        (answers, "give answers but no evidence: a passage that holds an answer is relevant"),
    ]
    return [f"{count} of {len(results)} questions {what}" for count, what in said if count]


# -- a saved run -----------------------------------------------------------------------------------------------------


def _figures_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Figure, ...]:
    return tuple(Figure(**row) for row in rows)


def _result_of(row: Mapping[str, Any]) -> Result:
    prediction = row["prediction"]
    rounded = prediction["confidence"] if prediction else 0.0  # all there is in runs of before this was kept
    return Result(question_of(row["question"]), prediction, tuple(row["quotes"]), row["right"], row["scores"],
                  row["problem"], row.get("confidence", rounded))
