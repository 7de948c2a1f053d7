"""How the reader is made: rows and windows, negatives, losses, and a training run that goes on where it was cut off."""

from __future__ import annotations

import gzip
import json
import math
import random
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fakes import tiny_checkpoint, tiny_tokenizer
from safetensors.torch import load_file, save_file

from index.encoder import Encoder
from rag.reader.training import train as training
from rag.reader.training.average import average
from rag.reader.training.misleading import Vocabulary, misled
from rag.reader.training.negatives import nearest, without_answer
from rag.reader.training.rewordings import follow_up, key_words, mistyped, yes_or_no
from rag.reader.training.rows import load
from rag.reader.training.synonyms import in_other_words, synonyms
from rag.reader.training.tables import asked_of_table
from rag.reader.training.train import Batch, Example, Recipe, batches, losses_of, schedule
from rag.reader.windows import encode

FERRY = "The ferry leaves at nine. Bicycles cost 2 euro. Dogs travel free in the rain."


def write(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def row(question: str, context: str, *answers: str, title: str = "Ferry", id: str = "1") -> dict:
    return {"id": id, "question": question, "title": title, "context": context,
            "answers": [{"text": answer, "start": context.index(answer)} for answer in answers]}


def test_rows_of_one_context_share_it_and_answers_stand_in_windows(tmp_path: Path) -> None:
    rows = [row("When?", FERRY, "nine"), row("How much?", FERRY, "2 euro"), row("Who?", "Dogs.")]
    made = load(write(tmp_path / "set.jsonl.gz", rows), tiny_tokenizer().backend_tokenizer)
    assert made.contexts == (FERRY, "Dogs.")
    assert [len(windows) for windows in made.windows] == [1, 1]
    assert made.contexts[0][slice(*made.rows[1].answers[0])] == "2 euro"
    assert made.rows[2].answers == ()


def test_a_tokenizer_that_remembers_to_cut_and_fill_does_neither(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer().backend_tokenizer
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    made = load(write(tmp_path / "set.jsonl.gz", [row("When?", FERRY, "nine"), row("Who?", "Dogs.")]), tokenizer)
    assert [(w.start, w.end) for windows in made.windows for w in windows] == [(0, len(FERRY)), (0, 5)]


def test_long_contexts_are_cut_into_windows_that_overlap(tmp_path: Path) -> None:
    long = "dogs travel free " * 200 + "nine"
    made = load(write(tmp_path / "set.jsonl.gz", [row("When?", long, "nine")]), tiny_tokenizer().backend_tokenizer)
    assert len(made.windows[0]) > 3
    assert made.windows[0][-1].end == len(long)


def test_an_answer_that_is_not_there_is_an_error_and_first_matches_can_be_taken_all(tmp_path: Path) -> None:
    bad = row("When?", FERRY, "nine")
    bad["answers"][0]["start"] += 1
    with pytest.raises(ValueError, match="is not at 21"):
        load(write(tmp_path / "bad.jsonl.gz", [bad]), tiny_tokenizer().backend_tokenizer)
    twice = row("When?", "At nine or nineteen, or nine again.", "nine")
    made = load(write(tmp_path / "two.jsonl.gz", [twice]), tiny_tokenizer().backend_tokenizer, every_match=True)
    assert [start for start, _ in made.rows[0].answers] == [3, 24]


def test_near_windows_share_words_or_meaning_and_hold_no_answer(tmp_path: Path, real_encoder: Encoder) -> None:
    contexts = [FERRY, "The ferry leaves late in the rain.", "The ferry leaves at nine too.", "Euro coins are round.",
                "Ships depart behind schedule during storms."]
    rows = [row("When does the ferry leave in the rain?", FERRY, "nine"), *(row("x?", text) for text in contexts[1:])]
    made = load(write(tmp_path / "set.jsonl.gz", rows), tiny_tokenizer().backend_tokenizer)
    windows = [window for some in made.windows for window in some]
    found = [contexts[windows[number].context] for number in nearest(made, windows, real_encoder)[0]]
    assert found == [contexts[1], contexts[4], contexts[3]]  # by words, by meaning, and what is left


def test_near_windows_are_of_the_same_library_and_answer_the_question_in_no_other_row(tmp_path: Path,
                                                                                     real_encoder: Encoder) -> None:
    late, early = "The ferry leaves late in the rain.", "In the rain it leaves at six."
    elsewhere = "The ferry leaves in the rain."
    asked = "When does the ferry leave in the rain?"
    rows = [row(asked, FERRY, "nine") | {"library": "a"}, row("x?", late) | {"library": "a"},
            row(asked, early, "six") | {"library": "a"}, row("x?", elsewhere) | {"library": "b"}]
    made = load(write(tmp_path / "set.jsonl.gz", rows), tiny_tokenizer().backend_tokenizer)
    windows = [window for some in made.windows for window in some]
    found = [[made.contexts[windows[number].context] for number in some] for some in nearest(made, windows, real_encoder)]
    assert found == [[late], [FERRY, early], [late], []]


def test_a_text_without_the_sentence_of_the_answer() -> None:
    text = FERRY + " " + "The harbour lies to the west of the old town, behind the church and the market hall."
    start = text.index("2 euro")
    rest = without_answer(text, [(start, start + 6)])
    assert rest is not None
    assert "euro" not in rest
    assert "nine" in rest
    assert without_answer(FERRY, [(0, 25)]) is None  # too little is left
    assert without_answer(text + " It costs 2 euro.", [(start, start + 6)]) is None  # said again


ANNA = ("In 1998 Anna Berg founded the oldest school on Vell. In 2004 Karl Lund sold the active coal mine, and then the"
        " petroleum works.")


def misleading(question: str, answer: str, words: Vocabulary | None = None) -> set[str | None]:
    start = ANNA.index(answer)
    return {misled(question, ANNA, [(start, start + len(answer))], "", random.Random(seed), words) for seed in range(80)}


def test_a_misleading_question_has_another_name_number_or_degree() -> None:
    made = misleading("Who founded the oldest school in 1998, with Karl Lund?", "Anna Berg")
    assert made == {"Who founded the oldest school in 2004, with Karl Lund?",
                    "Who founded the oldest school in 1998, with Vell?",
                    "Who founded the youngest school in 1998, with Karl Lund?"}
    assert misleading("Why?", "Anna Berg") == {None}


def test_a_misleading_question_turns_names_round_but_not_those_side_by_side() -> None:
    assert "When did Vell found the school on Anna Berg?" in misleading("When did Anna Berg found the school on Vell?", "1998")
    assert "When did Vell and Anna Berg meet?" not in misleading("When did Anna Berg and Vell meet?", "1998")


def test_a_misleading_question_says_not_where_the_question_did_not_and_the_other_way_round() -> None:
    assert "When did Anna Berg not found it?" in misleading("When did Anna Berg found it?", "1998")
    assert "When was the mine not sold?" not in misleading("When was the mine sold?", "2004")  # no place for it that is sure
    assert misleading("What was not sold?", "1998") == {"What was sold?", "What was not bought?"}
    assert "Which mine can not be sold?" in misleading("Which mine can be sold?", "2004")


def test_a_misleading_question_has_opposites_by_prefix_and_other_words_of_the_text(real_encoder: Encoder) -> None:
    words = Vocabulary.of(["active", "inactive", "coal", "petroleum", "school", "Berg"], real_encoder)
    assert "berg" not in words.number
    made = misleading("Who sold the active coal mine?", "Karl Lund", words)
    assert {"Who sold the inactive coal mine?", "Who sold the passive coal mine?",
            "Who sold the active petroleum mine?"} <= made
    assert misleading("Who sold the active coal mine?", "Karl Lund") == {"Who sold the passive coal mine?",
                                                                         "Who bought the active coal mine?"}


def test_the_learning_rate_rises_and_falls() -> None:
    assert schedule(0.0, 0.1) == 0.0
    assert schedule(0.05, 0.1) == pytest.approx(0.5)
    assert schedule(0.1, 0.1) == pytest.approx(1.0)
    assert schedule(0.55, 0.1) == pytest.approx(0.5)
    assert schedule(1.0, 0.1) == pytest.approx(0.0)


def test_batches_hold_every_group_once_within_the_budget() -> None:
    groups = [[Example("who ?", "", "a " * (5 + number % 40), ())] * (1 + number % 2) for number in range(60)]
    made = list(batches(groups, tiny_tokenizer(), 400, random.Random(1)))
    lengths = [length for batch in made for length in batch.answerable.sum(-1).tolist()]
    assert sorted(lengths) == sorted(5 + number % 40 for number in range(60) for _ in groups[number])
    assert sum(batch.questions for batch in made) == 60
    for batch in made:
        assert batch.ids.size <= 400 or batch.questions == 1
        assert batch.question.tolist() == sorted(batch.question.tolist())
        assert len(batch.compared) == 0  # none has an answer


def test_a_batch_says_where_the_answer_is_in_which_sentence_and_whom_it_is_compared_with() -> None:
    answers = tuple((FERRY.index(word), FERRY.index(word) + len(word)) for word in ("Bicycles", "euro"))
    groups = [[Example("who ?", "", FERRY, answers), Example("who ?", "", "b", ())], [Example("x ?", "", "c", ())],
              [Example("x ?", "", "c", ((0, 1),))]]
    (batch,) = batches(groups, tiny_tokenizer(), 4000, random.Random(1))
    at = int(np.flatnonzero(batch.wanted[0, :, 1:].sum(-1) == 2)[0])
    (read,) = encode(tiny_tokenizer(), [("who ?", "", FERRY)])

    def words(which: np.ndarray) -> list[str]:
        return [FERRY[read.starts[piece] : read.ends[piece]] for piece in np.flatnonzero(which)]

    assert words(batch.wanted[0, at]) == words(batch.wanted[1, at]) == ["Bicycles", "euro"]
    assert words(batch.sentence[0, at]) == words(batch.sentence[1, at]) == ["Bicycles", "cost", "2", "euro", "."]
    assert batch.compared.tolist() == [at]
    assert batch.question[at] == batch.question[at + 1]
    assert np.flatnonzero(batch.wanted[0, at + 1]).tolist() == [0]  # not here
    assert np.flatnonzero(batch.sentence[1, at + 1]).tolist() == [0]


class _Fixed(torch.nn.Module):
    """A network that gives the scores it was made with, whatever it reads."""

    def __init__(self, starts: torch.Tensor, ends: torch.Tensor) -> None:
        super().__init__()
        self.start_logits, self.end_logits = starts, ends

    def forward(self, **_: torch.Tensor) -> _Fixed:
        return self


def _two_windows() -> tuple[Batch, torch.Tensor]:
    """One question on two windows; the first holds the answer, "b", in its second piece. And some scores."""
    (batch,) = batches([[Example("who ?", "", "a b", ((2, 3),)), Example("who ?", "", "a c", ())]], tiny_tokenizer(), 400,
                       random.Random(1))
    starts = torch.zeros(2, batch.ids.shape[1])
    text = int(np.flatnonzero(batch.answerable[0])[0])
    starts[0, 0], starts[0, text], starts[0, text + 1] = 1.0, 2.0, 3.0
    starts[1, 0], starts[1, text], starts[1, text + 1] = 0.5, 0.0, -1.0
    return batch, starts


def test_the_losses_are_those_of_the_definition() -> None:
    batch, starts = _two_windows()
    losses = losses_of(_Fixed(starts, starts.clone()), batch, torch.device("cpu"))
    first = math.exp(1) + math.exp(2) + math.exp(3)
    second = math.exp(0.5) + math.exp(0) + math.exp(-1)
    window = -(math.log(math.exp(3) / first) + math.log(math.exp(0.5) / second)) / 2
    assert float(losses["window"]) == pytest.approx(window, abs=1e-5)
    everything = math.exp(1) + math.exp(2) + math.exp(-0.5) + math.exp(-1.5)  # each less its window's null
    assert float(losses["shared"]) == pytest.approx(-math.log(math.exp(2) / everything), abs=1e-5)
    sentence = -(math.log((math.exp(2) + math.exp(3)) / first) + math.log(math.exp(0.5) / second)) / 2
    assert float(losses["sentence"]) == pytest.approx(sentence, abs=1e-5)
    assert float(losses["taught"]) == 0.0

    smooth = losses_of(_Fixed(starts, starts.clone()), batch, torch.device("cpu"), smoothing=0.3)
    alike = -sum(score - math.log(total) for total, scores in ((first, (1, 2, 3)), (second, (0.5, 0, -1))) for score in scores)
    assert float(smooth["window"]) == pytest.approx(0.7 * window + 0.3 * alike / 6, abs=1e-5)


def test_a_model_is_taught_by_the_mean_of_its_teachers_probabilities() -> None:
    batch, starts = _two_windows()
    others = starts.clone().roll(1, 0)
    losses = losses_of(_Fixed(starts, starts), batch, torch.device("cpu"),
                       teachers=[_Fixed(starts, starts), _Fixed(others, others)])
    text = int(np.flatnonzero(batch.answerable[0])[0])
    read = [0, text, text + 1]
    own, other = starts[:, read].softmax(-1), others[:, read].softmax(-1)
    expected = -((own + other) / 2 * own.log()).sum(-1).mean()
    assert float(losses["taught"]) == pytest.approx(float(expected), abs=1e-5)


def test_scores_far_apart_leave_the_shared_loss_exact() -> None:
    """Questions of which one is far surer than another: neither may vanish beside the other."""
    examples = [[Example("who ?", "", "a b", ((2, 3),)), Example("who ?", "", "a c", ())] for _ in range(2)]
    (batch,) = batches(examples, tiny_tokenizer(), 400, random.Random(1))
    text = int(np.flatnonzero(batch.answerable[0])[0])
    starts = torch.zeros(4, batch.ids.shape[1])
    starts[:2, text + 1], starts[2:, text : text + 2] = 300.0, -300.0
    losses = losses_of(_Fixed(starts, starts), batch, torch.device("cpu"))
    assert float(losses["shared"]) == pytest.approx((math.log(2) + math.log(4)) / 2, abs=1e-3)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve questions to train on, two to measure on."""
    words = ["nine", "ten", "noon", "dawn", "dusk", "one", "two", "three", "four", "five", "six", "seven"]
    rows = [row("when does it leave?", f"Dogs travel free. It leaves at {word} from pier {at}, in the rain as in the sun.",
                word, title=f"Ferry {at}", id=str(at)) for at, word in enumerate(words)]
    write(tmp_path / "data" / "train" / "small.jsonl.gz", rows)
    write(tmp_path / "data" / "dev" / "squad2.jsonl.gz", [rows[0], row("who?", "Dogs travel free.", id="x")])
    return tmp_path / "data"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(data: Path, tmp_path: Path, monkeypatch, workers: int) -> None:
    """Cut off in the second epoch, in the middle of a piece: its losses, running mean and chance go on too."""
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(training, "PIECE", 5)
    recipe = Recipe(shares={"small": 1.0}, with_titles=("small",), first_match=(), epochs=2.0, batch_tokens=50, every=1.0,
                    average=0.9, dropout=0.1)  # a question a batch
    training.train(recipe, data, tmp_path / "whole", workers=workers)

    real, calls = training.losses_of, []

    def cut_off(*given):
        calls.append(1)
        if len(calls) == 17:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(training, "losses_of", cut_off)
    with pytest.raises(KeyboardInterrupt):
        training.train(recipe, data, tmp_path / "parts", workers=workers)
    training.train(recipe, data, tmp_path / "parts", workers=workers)
    assert len(calls) == 25  # and none again
    assert (tmp_path / "parts" / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()
    told, whole = ([{name: value for name, value in json.loads(line).items() if name != "minutes"}
                    for line in (tmp_path / name / "log.jsonl").read_text().splitlines()] for name in ("parts", "whole"))
    assert told == whole
    assert len(told) == 2
    assert json.loads((tmp_path / "whole" / "recipe.json").read_text())["seed"] == 1
    with pytest.raises(SystemExit, match="another recipe"):
        training.train(Recipe(shares={"small": 1.0}), data, tmp_path / "parts")
    with pytest.raises(SystemExit, match="from other weights or teachers"):
        training.train(recipe, data, tmp_path / "parts", tmp_path / "whole" / "model.safetensors")


def test_what_is_taught_and_the_sentences_count_as_the_recipe_says(data: Path, tmp_path: Path, monkeypatch) -> None:
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    recipe = Recipe(shares={"small": 1.0}, with_titles=(), first_match=(), epochs=1.0, batch_tokens=400, every=1.0,
                    learning_rate=1e-2)

    def trained(name: str, teachers: list[Path], **changed: float) -> bytes:
        training.train(replace(recipe, **changed), data, tmp_path / name, teachers=teachers)
        return (tmp_path / name / "model.safetensors").read_bytes()

    teacher = [tmp_path / "alone" / "model.safetensors"]
    made = {trained("alone", []), trained("taught", teacher, taught=1.0), trained("more", teacher, taught=2.0),
            trained("sentence", [], sentence_loss=1.0), trained("smooth", [], smoothing=0.1)}
    assert len(made) == 5
    with pytest.raises(SystemExit, match=r"0 teachers, and taught=1\.0"):
        trained("none", [], taught=1.0)
    with pytest.raises(SystemExit, match=r"1 teachers, and taught=0\.0"):
        trained("vain", teacher)


def test_files_without_rows_are_an_error(data: Path, tmp_path: Path, monkeypatch) -> None:
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    with pytest.raises(SystemExit, match="nothing to train on"):
        training.train(Recipe(shares={"small": 0.01}), data, tmp_path / "out")


def test_who_makes_the_batches_changes_nothing(data: Path, tmp_path: Path, monkeypatch) -> None:
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    monkeypatch.setattr(training, "PIECE", 2)  # six pieces an epoch, of which two are made ahead
    recipe = Recipe(shares={"small": 1.0}, with_titles=("small",), first_match=(), epochs=2.0, batch_tokens=300, every=1.0)
    training.train(recipe, data, tmp_path / "alone")
    training.train(recipe, data, tmp_path / "helped", workers=1)
    assert (tmp_path / "alone" / "model.safetensors").read_bytes() == (tmp_path / "helped" / "model.safetensors").read_bytes()


def test_a_run_that_is_given_minutes_ends_by_then_its_rate_at_nought(data: Path, tmp_path: Path, monkeypatch) -> None:
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    rates: list[float] = []
    real = training.Run.step

    def noting(run: training.Run, batch: Batch, progress: float) -> None:
        real(run, batch, progress)
        rates.append(run.optimizer.param_groups[0]["lr"])

    monkeypatch.setattr(training.Run, "step", noting)
    clock = count()
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))  # a second goes by a look
    recipe = Recipe(shares={"small": 1.0}, with_titles=(), first_match=(), epochs=1e6, batch_tokens=400, every=1e6)
    training.train(recipe, data, tmp_path / "out", minutes=2)
    (told,) = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert 2 <= told["minutes"] < 2.1
    assert max(rates) == pytest.approx(recipe.learning_rate, rel=0.01)
    assert rates[-1] < 0.01 * max(rates)
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_the_running_mean_of_the_weights_is_what_is_measured_and_kept(data: Path, tmp_path: Path, monkeypatch) -> None:
    """Two steps of a decay of 1/11 and 2/12."""
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    seen: list[torch.Tensor] = []
    measured: list[torch.Tensor] = []
    real = training.Run.step

    def noting(run: training.Run, batch: Batch, progress: float) -> None:
        seen[:] = seen or [run.model.qa_outputs.weight.detach().clone()]
        real(run, batch, 0.5)
        seen.append(run.model.qa_outputs.weight.detach().clone())

    def measure(model, *_):
        measured.append(model.qa_outputs.weight.detach().clone())
        return {}

    monkeypatch.setattr(training.Run, "step", noting)
    monkeypatch.setattr(training.dev, "measure", measure)
    recipe = Recipe(shares={"small": 1.0}, with_titles=(), first_match=(), epochs=1.0, batch_tokens=10_000, every=1.0,
                    learning_rate=1e-2, average=0.9)
    monkeypatch.setattr(training, "PIECE", 6)
    training.train(recipe, data, tmp_path / "mean")
    start, first, second = seen
    expected = (start / 11 + first * 10 / 11) * 2 / 12 + second * 10 / 12
    kept = load_file(tmp_path / "mean" / "model.safetensors")["qa_outputs.weight"].float()
    torch.testing.assert_close(measured[0], expected)
    torch.testing.assert_close(kept, expected, atol=1e-3, rtol=1e-3)


def test_training_learns(data: Path, tmp_path: Path, monkeypatch) -> None:
    tiny = tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(training, "bundled_folder", lambda: tiny)
    recipe = Recipe(shares={"small": 1.0}, with_titles=(), first_match=(), epochs=60.0, batch_tokens=400, every=10.0,
                    learning_rate=1e-2)
    training.train(recipe, data, tmp_path / "out")
    first, *_, last = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert last["window_loss"] < first["window_loss"] / 2


def test_made_up_tables_answer_with_a_cell_of_the_row_asked_for_or_not_at_all() -> None:
    chance = random.Random(1)
    for _ in range(300):
        answering, other = asked_of_table(chance)
        assert answering.answer is not None
        assert other.answer is None
        assert other.question == answering.question
        before = answering.text[: answering.answer[0]].rsplit("\n", 1)[-1]
        assert before.split(", ")[0].lower() in answering.question.lower()
        assert before.endswith(": ")


def test_questions_as_people_type_them() -> None:
    assert key_words("What does a day ticket cost for children?") == "day ticket cost children"
    assert key_words("Who is it?") == "Who is it?"
    assert follow_up("Who founded it?", "Where is Marrick?", random.Random(1)) is None
    made = follow_up("When was the harbour of Marrick built?", "Who owns the quay?", random.Random(1))
    assert made is not None
    assert "Marrick" in made[made.index("(") :]
    assert "Marrick" not in made[: made.index("(")]
    slips = {mistyped("When does it leave?", random.Random(seed)) for seed in range(40)}
    assert len(slips) > 20
    assert all(abs(len(slip) - 19) <= 1 for slip in slips)


def test_a_sentence_turned_into_a_question_for_yes_or_no() -> None:
    text = "Dogs bark. The old harbour is closed to lorries in winter, and nobody minds."
    made = yes_or_no(text, random.Random(1))
    assert made is not None
    question, (start, end) = made
    assert question == "Is the old harbour closed to lorries in winter?"
    assert text[start:end] == "closed to lorries in winter"
    assert yes_or_no("It is late. They are not here.", random.Random(1)) is None


def test_words_of_like_meaning_by_the_encoder() -> None:
    words = "physician doctor movie film films movies employer employee expensive inexpensive seven eight many the".split()
    found = synonyms(dict.fromkeys(words, 0))
    assert found["physician"] == ("doctor",)
    assert found["film"] == ("movie", "movies"), "films is a form of it"
    assert not found.keys() & set("employer employee seven eight many the".split())
    assert "inexpensive" not in found.get("expensive", ())


def test_a_question_in_other_words_shares_fewer_with_the_text() -> None:
    known = {"film": ("movie",), "many": ("several",), "doctor": ("physician", "medic")}
    text = "The film is about a Doctor, a doctor and a medic. Many saw it."
    asked = {in_other_words("How many saw the film about the doctor and the Doctor?", text, known, random.Random(seed))
             for seed in range(20)}
    assert asked == {f"How many saw the {film} about the {doctor} and the Doctor?"
                     for film in ("film", "movie") for doctor in ("doctor", "physician")}
    assert in_other_words("Which film?", "Nothing of the kind.", known, random.Random(1)) == "Which film?"


def test_the_mean_of_two_weights_files(tmp_path: Path) -> None:
    one, other, out = (tmp_path / f"{name}.safetensors" for name in ("one", "other", "out"))
    save_file({"a": torch.tensor([1.0, 2.0]).half()}, one)
    save_file({"a": torch.tensor([3.0, -2.0]).half()}, other)
    average(one, other, out, share=0.75)
    [(name, value)] = load_file(out).items()
    assert (name, value.dtype, value.tolist()) == ("a", torch.float16, [1.5, 1.0])
    save_file({"b": torch.tensor([3.0, -2.0]).half()}, other)
    with pytest.raises(ValueError, match="other names or shapes"):
        average(one, other, out)
