"""Fit what completes follow-ups: `python -m rag.reader.training.fit_conversation FOLDER [--judge] [--out conversation.json]`.

FOLDER holds JSON Lines, gzipped, {"id", "history": [turns], "question", "rewrite"}, the rewrite being the question that a
person made stand on its own: canard_dev, cast2019, cast2020, ikat2023, ikat2023train. Only the user's turns are taken.

- Wanted are the stems of the rewrite that the question lacks and the user's earlier turns have.
- Fitted on CAsT 2020, iKAT 2023's training topics and half of CANARD's dialogues, by hash. CANARD's users see the title of
  what they ask about; half of those dialogues are given a first turn that says it.
- Made from these: every rewrite as a question for which nothing is wanted, since it stands alone; rewrites cut before a phrase
  at their end, the phrase being a follow-up without a verb ("And for children?"), which the sets lack; and rows with turns of
  another dialogue before theirs, for in one conversation people ask about several things.
- A word counts as added before where the rewrite of the turn before has it; then, fitted again, where the model added it.
- How sure a word must be where a question shows no sign of leaning is chosen by five-fold cross-validation over dialogues.

`--judge` fits nothing: it prints how the shipped weights do on what nothing was fitted or chosen on, CAsT 2019, the other half
of CANARD, and iKAT 2023.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from index.types import sha256_text
from rag.conversation import TURNS, WEIGHTS, Model, completions, fitted
from rag.mentions import Mention, Stems, mentions
from rag.words import terms

HARM = 0.1
FOLDS = 5
LIKELY = 0.25
ALONE = 4.0  # a question that its writer saw no need to rewrite counts for so many: there are few
_USERS = {"canard_dev": slice(2, None, 2), "ikat2023": slice(0, None, 2), "ikat2023train": slice(0, None, 2)}
_PHRASE = re.compile(r"(?P<rest>(?:how|what|when|where|who|why|which|is|are|did|does|do|can)\b[^?.,]{8,}?)"
                     r" (?P<phrase>(?:in|for|on|at|with|from|during|after|before|to) [^?.,]{3,40})\W*", re.IGNORECASE)
_CUT_SHORT = ("And {}?", "and {}", "{}?", "What about {}?", "But {}?", "OK. And {}?")
_OPENINGS = ("Tell me about {}.", "Who is {}?", "What is {}?", "I want to know about {}.", "{}")


@dataclass(frozen=True, slots=True)
class Row:
    """A question in its dialogue, with what a person made of it; `weight` is how much it counts in the fit."""

    source: str
    dialogue: str
    history: tuple[str, ...]
    question: str
    rewrite: str
    weight: float = 1.0

    @property
    def wanted(self) -> Stems:
        """The stems that should be added."""
        return (frozenset(terms(self.rewrite)) - frozenset(terms(self.question))) & frozenset(terms(" ".join(self.history)))

    @property
    def alone(self) -> bool:
        """Whether the question says all that its rewrite says, though there were turns before."""
        return bool(self.history) and set(terms(self.rewrite)) == set(terms(self.question))


@dataclass(frozen=True, slots=True)
class Figures:
    """How well added stems are those wanted, and how often a question is touched that stands alone."""

    precision: float
    recall: float
    touched: float
    alone: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)

    def __str__(self) -> str:
        return (f"precision {self.precision:.2f} recall {self.recall:.2f} F1 {self.f1:.2f};"
                f" touched {self.touched:.2f} of {self.alone} that stand alone")


def main() -> None:
    """Fit and write, or judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    if given.judge:
        for name, rows in kept_aside(given.folder).items():
            print(f"{name}: {judge(rows, fitted())}; of their rewrites {judge(as_questions(rows), fitted()).touched:.2f}")
        return
    model = fit(to_fit_on(given.folder))
    given.out.write_text(json.dumps({"likely": model.likely, "sure": model.sure, "weights": model.weights}, indent=1) + "\n")


def kept_aside(folder: Path) -> dict[str, list[Row]]:
    """The rows that nothing is fitted or chosen on."""
    return {"CAsT 2019": read_rows(folder, "cast2019"), "iKAT 2023": read_rows(folder, "ikat2023"),
            "CANARD, other half": [row for row in read_rows(folder, "canard_dev") if bucket(row.dialogue, 2)]}


def to_fit_on(folder: Path) -> list[Row]:
    """The rows to fit on; the few of CAsT and iKAT count for more."""
    canard = [row for titled in (False, True) for row in read_rows(folder, "canard_dev", titled=titled)
              if not bucket(row.dialogue, 2) and bucket(row.dialogue + "title", 2) == titled]
    return [*canard, *read_rows(folder, "cast2020", weight=12.0), *read_rows(folder, "ikat2023train")]


def read_rows(folder: Path, name: str, *, titled: bool = False, weight: float = 1.0) -> list[Row]:
    """The rows of a set, user turns only; `titled` puts a turn that says the dialogue's title in front of a history."""
    rows = []
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for given in map(json.loads, lines):
            dialogue = re.sub(r"[#_][^#_]*$", "", given["id"])
            history = given["history"][_USERS.get(name, slice(None))]
            if titled:
                title = re.sub(r" \(.*", "", given["history"][0])
                history = [_OPENINGS[bucket(dialogue, len(_OPENINGS))].format(title), *history]
            source = "titled" if titled else name
            rows.append(Row(source, dialogue, tuple(history), given["question"], given["rewrite"], weight))
    return rows


def as_questions(rows: Sequence[Row]) -> list[Row]:
    """The rewrites that differ from their questions as questions that stand alone."""
    return [replace(row, source="rewrite", question=row.rewrite) for row in rows if row.history and not row.alone]


def cut_short(rows: Sequence[Row]) -> list[Row]:
    """Follow-ups without a verb: of rewrites with a phrase at their end, the phrase, the rest being the turn before."""
    made = []
    for row in rows:
        match = _PHRASE.fullmatch(row.rewrite)
        if match and len(terms(match["rest"])) >= 2:
            asked = _CUT_SHORT[bucket(row.rewrite, len(_CUT_SHORT))].format(match["phrase"])
            history = (*row.history, match["rest"] + "?")
            made.append(replace(row, source="cut short", history=history, question=asked, weight=1.0))
    return made


def after_another(rows: Sequence[Row]) -> list[Row]:
    """Every third row, and all that open a dialogue, with turns of another dialogue before theirs: the subject changed."""
    dialogues = {row.dialogue: row.history for row in rows if row.history}
    names = sorted(dialogues, key=sha256_text)
    every_third = [row for row in rows if bucket(row.dialogue + row.question, 3) == 0 or not row.history]
    others = [dialogues[names[bucket(row.question + row.dialogue, len(names))]] for row in every_third]
    return [replace(row, source=row.source if row.source == "titled" else "after another", history=(*other[-3:], *row.history))
            for row, other in zip(every_third, others, strict=True)]


def bucket(name: str, count: int) -> int:
    """One of `count` numbers, by hash."""
    return int(sha256_text(name)[:8], 16) % count


def judge(rows: Iterable[Row], model: Model) -> Figures:
    """The figures of a model on questions that have turns before."""
    asked = [row for row in rows if row.history]
    return figures([(row, completions(model, [*row.history[-TURNS:], row.question])[-1]) for row in asked])


def figures(chosen: Sequence[tuple[Row, Sequence[Mention]]]) -> Figures:
    """The figures of what was chosen for rows."""
    right = added = wanted = 0
    touched = []
    for row, words in chosen:
        got = frozenset[str]().union(*(mention.word.stems for mention in words)) - frozenset(terms(row.question))
        right, added, wanted = right + len(got & row.wanted), added + len(got), wanted + len(row.wanted)
        if row.alone:
            touched.append(bool(got))
    return Figures(right / max(added, 1), right / max(wanted, 1), float(np.mean(touched)) if touched else 0.0, len(touched))


def fit(rows: Sequence[Row]) -> Model:
    """The model, with what is chosen by cross-validation over dialogues; prints what they were chosen by."""
    follow_ups = [row for row in rows if row.history]
    openings = [row for row in rows if not row.history and set(terms(row.question)) == set(terms(row.rewrite))]
    every = [*follow_ups, *cut_short(follow_ups)]
    every += after_another([*every, *openings])
    every = [replace(row, weight=row.weight * ALONE) if row.alone and row.source != "titled" else row for row in every]
    wanted = {(*row.history, row.question): row.wanted for row in every}
    every += as_questions(every)
    first = Model(weights(examples(every, lambda turns: wanted.get(turns, frozenset()))), LIKELY, LIKELY)
    seen = examples(every, as_added(first))
    return Model(weights(seen), LIKELY, choose_sure(seen))


def as_added(model: Model) -> Callable[[tuple[str, ...]], Stems]:
    """What a model completes the last of some turns with."""
    @cache
    def added(turns: tuple[str, ...]) -> Stems:
        found = mentions_in(turns, added) if len(turns) > 1 else []
        return frozenset[str]().union(*(mention.word.stems for mention in model.choose(turns[-1], found)))

    return added


def mentions_in(turns: tuple[str, ...], added: Callable[[tuple[str, ...]], Stems]) -> list[Mention]:
    """The mentions that may complete the last of the turns."""
    since = max(0, len(turns) - 1 - TURNS)
    return mentions(turns[-1], turns[since:-1], [added(turns[: n + 1]) for n in range(since, len(turns) - 1)])


def examples(rows: Sequence[Row], added: Callable[[tuple[str, ...]], Stems]) -> list[tuple[Row, list[Mention]]]:
    """Every row with its mentions."""
    return [(row, mentions_in((*row.history, row.question), added)) for row in rows]


def weights(seen: Sequence[tuple[Row, list[Mention]]]) -> dict[str, float]:
    """The fitted weights by feature, "" being the intercept."""
    vectorizer = DictVectorizer(dtype=np.float32)
    inputs = vectorizer.fit_transform([mention.features for _, found in seen for mention in found])
    labels = [bool(mention.word.stems & row.wanted) for row, found in seen for mention in found]
    model = LogisticRegression(max_iter=1000).fit(inputs, labels, [row.weight for row, found in seen for _ in found])
    fitted = dict(zip(vectorizer.feature_names_, model.coef_[0], strict=True)) | {"": model.intercept_[0]}
    return {name: round(float(weight), 3) for name, weight in sorted(fitted.items())}


def choose_sure(seen: Sequence[tuple[Row, list[Mention]]]) -> float:
    """The lowest `sure` that touches at most HARM of the questions that stand alone, on dialogues not fitted on.

    Prints what it was chosen by. Left out are rows whose first turn says a title: they were judged without it.
    """
    without = [weights([one for one in seen if bucket(one[0].dialogue, FOLDS) != fold]) for fold in range(FOLDS)]
    for sure in (LIKELY, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7):
        models = [Model(fold, LIKELY, sure) for fold in without]
        chosen = [(row, models[bucket(row.dialogue, FOLDS)].choose(row.question, found)) for row, found in seen
                  if row.source not in {"rewrite", "titled"}]
        sets = {name: figures([one for one in chosen if one[0].source == name])
                for name in ("cast2020", "ikat2023train", "canard_dev", "cut short", "after another")}
        touched = figures(chosen).touched
        print(f"{sure:.2f}", *(f"{name} {one.f1:.2f}" for name, one in sets.items()), f"touched {touched:.3f}")
        if touched <= HARM:
            break
    return sure


if __name__ == "__main__":
    main()
