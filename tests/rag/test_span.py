"""The trained reader: spans from scores, whole words, any checkpoint in its place, the same on every run."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import tiny_checkpoint, tiny_tokenizer
from hypothesis import given
from hypothesis import strategies as st

from index.encoder import Encoder
from index.errors import ModelError
from rag.reader import load_reader
from rag.reader.base import quotable
from rag.reader.model import computes_in_bfloat16, load_checkpoint, pieces
from rag.reader.span import (
    LONGEST_SPAN,
    WEIGHED,
    Fit,
    SpanReader,
    best_per_sentence,
    best_spans,
    blocks,
    compared,
    told,
    trust_features,
    within,
)
from rag.reader.view import view
from rag.reader.windows import encode
from rag.types import Passage, Span

MakePassage = Callable[..., Passage]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def tiny(checkpoint: Path, encoder: Encoder) -> SpanReader:
    return SpanReader.checkpoint(str(checkpoint), encoder)


def scores(length: int, marks: dict[int, float]) -> np.ndarray:
    """Zero but where stated."""
    made = np.zeros(length, dtype=np.float32)
    for at, score in marks.items():
        made[at] = score
    return made


def test_a_span_scores_start_plus_end_over_the_null() -> None:
    [one] = encode(tiny_tokenizer(), [("who ?", "", "the ferry leaves at nine")])
    text = int(np.flatnonzero(one.answerable)[0])
    found = best_spans(one, scores(len(one.ids), {0: 1.5, text + 1: 4.0}), scores(len(one.ids), {0: 0.5, text + 2: 3.0}), 1)
    [best] = found
    assert "the ferry leaves at nine"[best.start : best.end] == "ferry leaves"
    assert best.score == pytest.approx(4.0 + 3.0 - 1.5 - 0.5)


def test_further_spans_never_overlap_better_ones() -> None:
    [one] = encode(tiny_tokenizer(), [("who ?", "", "a b c d e f")])
    text = int(np.flatnonzero(one.answerable)[0])
    starts = scores(len(one.ids), {text + 2: 5.0, text + 0: 2.0})
    ends = scores(len(one.ids), {text + 3: 5.0, text + 5: 4.0, text + 1: 1.0})
    assert [("a b c d e f"[m.start : m.end], m.score) for m in best_spans(one, starts, ends, 3)] == [
        ("c d", 10.0), ("e f", 4.0), ("a b", 3.0)]


@given(st.integers(1, 90), st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_best_span_is_the_best_of_all_that_are_allowed(words: int, chance, most: int) -> None:
    [one] = encode(tiny_tokenizer(), [("who ?", "ferry: ", " ".join(["a"] * words))])
    starts = np.array([chance.uniform(-3, 3) for _ in one.ids], dtype=np.float32)
    ends = np.array([chance.uniform(-3, 3) for _ in one.ids], dtype=np.float32)
    pieces = np.flatnonzero(one.answerable)
    best = max(starts[first] + ends[last] for first in pieces for last in pieces if 0 <= last - first < LONGEST_SPAN)
    found = best_spans(one, starts, ends, most)
    assert found[0].score == pytest.approx(best - starts[0] - ends[0], abs=1e-5)
    places = sorted((mark.start, mark.end) for mark in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))


def test_only_pieces_within_a_sentence_that_may_be_quoted_count() -> None:
    text = "who leaves? the ferry leaves."
    [one] = encode(tiny_tokenizer(), [("who ?", "", text)])
    kept = within(one, [(12, 29)])
    assert text[kept.starts[kept.answerable].min() : kept.ends[kept.answerable].max()] == "the ferry leaves."


@pytest.mark.parametrize(("sentence", "may"), [
    ("The ferry leaves at nine.", True), ("When does it leave?", False), ("# Ferry", False), ("Ferry", False),
    ("- bread", True), ("Monday | closed", True), ("", False), ("Price: 4 euro", True)])
def test_what_can_be_quoted(sentence: str, may: bool) -> None:
    assert quotable(sentence, ["ferry"]) is may


def test_spans_are_whole_words_of_their_document(tiny: SpanReader, passage: MakePassage) -> None:
    text = "Überfähre leaves at nine-ish. 𝔄 ferry (the Solan's) costs 4.50 euro, or 3."
    for question in ("what does it cost?", "leave", "z" * 300, "who? " * 200):
        found = tiny.read(question, [passage(text)])
        assert found
        for span in found:
            assert span.text == text[span.start : span.end]
            assert not (span.start and text[span.start - 1].isalnum() and text[span.start].isalnum())
            assert not (span.end < len(text) and text[span.end - 1].isalnum() and text[span.end].isalnum())


def test_a_passage_beyond_the_model_is_read_in_windows_to_its_end(tiny: SpanReader, passage: MakePassage) -> None:
    long = "The ferry leaves at nine. " * 120 + "Bicycles cost 2 euro."
    windows = tiny._windows(long)
    assert (windows[0][0], windows[-1][1]) == (0, len(long))
    assert len(windows) > 3
    assert all(after < end for (_, end), (after, _) in pairwise(windows))
    assert [len(some) for some in tiny.mark("what do bicycles cost?", [passage(long)])] == [3]


def test_the_company_a_passage_keeps_changes_nothing(tiny: SpanReader, passage: MakePassage) -> None:
    texts = ["The ferry leaves at nine.", "Bicycles cost 2 euro each and dogs travel in the rain.", "Dogs travel free. " * 20]
    alone = [tiny.mark("what do bicycles cost?", [passage(text)])[0] for text in texts]
    assert tiny.mark("what do bicycles cost?", [passage(text) for text in texts]) == alone
    assert tiny.mark("what do bicycles cost?", [passage(text) for text in reversed(texts)]) == alone[::-1]


def test_another_process_with_another_number_of_threads_agrees(checkpoint: Path) -> None:
    script = ("import sys, torch; torch.set_num_threads(int(sys.argv[2]))\n"
              "from rag.reader.model import load_checkpoint\nfrom rag.reader.windows import encode\n"
              "model = load_checkpoint(sys.argv[1])\n"
              "texts = ['the ferry leaves at nine', 'dogs travel free ' * 60, 'bicycles cost 2 euro'] * 3\n"
              "some = encode(model.tokenizer, [('when does it leave ?', 'ferry: ', text) for text in texts])\n"
              "for scores in model.scores_of(some):\n"
              "    print(scores.tobytes().hex())\n"
              "assert torch.get_num_threads() == int(sys.argv[2])\n")
    told = {subprocess.run([sys.executable, "-c", script, str(checkpoint), threads], capture_output=True, text=True, check=True,
                           env={**os.environ, "OMP_NUM_THREADS": threads}).stdout for threads in ("1", "2", "2")}
    assert len(told) == 1
    assert len(told.pop()) > 100


def test_long_questions_and_texts_leave_the_tokenizer_alone_that_others_read_with(
        checkpoint: Path, tiny: SpanReader, passage: MakePassage) -> None:
    model = load_checkpoint(str(checkpoint))
    before = model.tokenizer.backend_tokenizer.truncation
    assert before["max_length"] == model.longest
    assert len(pieces(model.uncut, "dogs " * 2000).ids) == 2000
    assert model.tokenizer.backend_tokenizer.truncation == before
    assert tiny.mark("why " * 900, [passage("Dogs travel free. " * 400)])[0]
    assert tiny._model.tokenizer.backend_tokenizer.truncation == before


def test_texts_read_side_by_side_have_the_scores_that_each_has_alone(checkpoint: Path) -> None:
    model = load_checkpoint(str(checkpoint))
    some = encode(model.tokenizer, [("who ?", "", "dogs travel free " * length) for length in (3, 40, 1, 90, 7, 7, 20, 2)])
    together = model.scores_of(some)
    assert [scores.tobytes() for scores in together] == [model.scores(one).tobytes() for one in some]
    assert model.scores_of([]) == []


def test_no_span_runs_on_over_a_page_or_an_empty_line() -> None:
    text = "due 411 euros\finvoice 2047\n\nhours nine. to five"
    found = blocks(text, [(0, 13), (14, 26), (28, 39), (40, 47)])
    assert [[text[start:end] for start, end in some] for some in found] == [["due 411 euros"], ["invoice 2047"],
                                                                            ["hours nine.", "to five"]]
    assert blocks("", []) == []
    assert blocks("One. Two. Three.", [(0, 4), (5, 9), (10, 16)], edges=[9]) == [[(0, 4), (5, 9)], [(10, 16)]]
    assert blocks("One. Two. Three.", [(0, 4), (5, 9), (10, 16)], edges=[0, 16]) == [[(0, 4), (5, 9), (10, 16)]]


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="about the instructions of x86 processors")
@pytest.mark.parametrize("has", ["_is_avx512_bf16_supported", "_is_amx_tile_supported", None])
def test_bfloat16_is_for_processors_that_have_its_instructions(checkpoint: Path, has: str | None,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda known=name == has: known)
    halved = torch.ops.mkldnn._is_mkldnn_bf16_supported() and has is not None  # false on those without AVX-512, whatever is set
    assert computes_in_bfloat16() == halved
    layer = load_checkpoint(str(checkpoint)).network.bert.encoder.layer[0].output.dense
    assert layer.weight.dtype == (torch.bfloat16 if halved else torch.float32)


def test_a_checkpoint_takes_the_readers_place_by_its_folder(checkpoint: Path, encoder, passage: MakePassage) -> None:
    reader = load_reader(str(checkpoint), encoder)
    assert reader.name.startswith("tiny ")
    [span, *_] = reader.read("when does the ferry leave?", [passage("The ferry leaves at nine.")])
    assert 0 < reader.confidence("When?", [span]) < 1


def test_a_fit_beside_the_weights_is_used_and_one_of_another_version_refused(tmp_path: Path, encoder: Encoder) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    (folder / "fit.json").write_text('{"rank": [0.0, 0.0, 0.0, 0.0, 2.0], "trust": [1.0, 0, 0, 0, 0, 0], "threshold": 0.9}')
    assert SpanReader.checkpoint(str(folder), encoder).threshold == 0.9
    (folder / "fit.json").write_text('{"rank": [0.0, 0.0, 0.0, 2.0], "trust": [1.0, 0, 0, 0, 0, 0], "threshold": 0.9}')
    with pytest.raises(ModelError, match="has 4 and 6 weights, this version reads 5 and 6"):
        SpanReader.checkpoint(str(folder), encoder)


def test_a_passage_like_the_question_gains(checkpoint: Path, encoder: Encoder, passage: MakePassage) -> None:
    reader = SpanReader(load_checkpoint(str(checkpoint)), encoder, Fit(rank=(0.0, 0.0, 8.0, 0.0, -2.0)))
    passages = [replace(passage("Bicycles cost 2 euro.", name), cosine=cosine) for name, cosine in (("a", 0.25), ("b", 0.75))]
    spans = reader.read("what do bicycles cost?", passages)
    assert {(span.passage.document.source, span.score) for span in spans} == {("a", 0.0), ("b", 4.0)}
    assert spans[0].score == 4.0
    assert trust_features(spans)[2] == 0.75


def test_a_sentence_like_the_question_gains(checkpoint: Path, encoder: Encoder, passage: MakePassage) -> None:
    """The cosine is that of the whole sentence, whatever the model marks in it."""
    reader = SpanReader(load_checkpoint(str(checkpoint)), encoder, Fit(rank=(0.0, 0.0, 0.0, 4.0, -1.0)))
    question, like, other = "bicycles cost two euro", "Bicycles cost two euro.", "Dogs travel free."
    spans = reader.read(question, [passage(f"{other}\n\n{like}")])
    vectors = encoder.encode([question, like, other])
    expected = [4 * round(float(vector @ vectors[0]), 4) - 1 for vector in vectors[1:]]
    assert [span.score for span in spans] == pytest.approx(expected, abs=1e-3)
    assert told(spans[0]) == like
    assert expected[0] > expected[1] + 1


def test_of_many_spans_those_of_the_greatest_weight_are_compared(tiny: SpanReader, passage: MakePassage) -> None:
    passages = [passage(f"The ferry leaves at {n}. It returns at {n} or so. No dogs at {n}.", f"{n}.txt") for n in range(6)]
    weights = sorted((mark.score for marks in tiny.mark("when?", passages) for mark in marks), reverse=True)
    found = tiny.candidates("when?", passages)
    assert len(weights) > len(found) == WEIGHED
    assert sorted((one.weight for one in found), reverse=True) == weights[:WEIGHED]


def test_a_sentence_in_many_passages_takes_one_place_among_the_compared(tiny: SpanReader, passage: MakePassage) -> None:
    passages = [passage("The ferry leaves at nine. It returns at noon. Dogs travel free.", f"{n}.txt") for n in range(6)]
    assert len(tiny.candidates("when?", passages)) == 18 > WEIGHED


def test_a_row_is_compared_with_the_names_of_its_columns(passage: MakePassage) -> None:
    made = passage("| Route | Adult |\n|---|---|\n| Quill | nine |")
    start = made.text.index("nine")
    assert told(Span(made, start, start + 4, 0.0)) == "| Quill | nine |"
    assert compared(Span(made, start, start + 4, 0.0), view(made)) == "Quill, Adult: nine"


def test_a_folder_without_a_question_answering_model_is_named(tmp_path: Path, encoder) -> None:
    from transformers import BertConfig, BertModel

    with pytest.raises(ModelError, match="empty"):
        load_reader(str(tmp_path / "empty"), encoder)
    folder = tmp_path / "headless"
    BertModel(BertConfig(vocab_size=len(tiny_tokenizer()), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=16)).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    with pytest.raises(ModelError, match="not trained for question answering"):
        load_reader(str(folder), encoder)


def test_trust_knows_the_lead_over_other_words_and_the_cosines(passage: MakePassage, span) -> None:
    first, copy = (span(passage("It leaves at nine.", source), "at nine", score) for source, score in (("a", 5.0), ("b", 4.5)))
    other = span(passage("It left at ten.", "c"), "at ten", 1.0)
    assert trust_features([first, copy, replace(other, cosine=0.5)]) == (5.0, 4.0, 0.0, 0.0, 0.5)
    like = replace(first, cosine=0.25, passage=replace(first.passage, cosine=0.75))
    assert trust_features([like]) == (5.0, 8.0, 0.75, 0.25, 0.25)
    assert Fit().threshold == 0.5


def test_a_sentence_is_weighed_by_all_the_starts_and_ends_in_it() -> None:
    text = "a b c. d e f."
    [one] = encode(tiny_tokenizer(), [("who ?", "", text)])
    first = int(np.flatnonzero(one.answerable)[0])
    # The best span is "d"; but the first sentence has three starts and two ends nearly as good.
    starts = scores(len(one.ids), {0: 1.0, first: 2.0, first + 1: 2.0, first + 2: 2.0, first + 4: 2.5}) - 1e-9
    ends = scores(len(one.ids), {0: 0.5, first + 1: 2.0, first + 2: 2.0, first + 4: 2.5})
    sentences = [(0, 6), (7, 13)]
    best, other = best_per_sentence(within(one, sentences), starts, ends, sentences)
    assert (text[best.start : best.end], text[other.start : other.end]) == ("a b", "d")
    assert best.score == pytest.approx(math.log(3 * math.exp(2) + 1) + math.log(2 * math.exp(2) + 2) - 1.5, abs=1e-4)
    assert other.score == pytest.approx(2 * math.log(math.exp(2.5) + 3) - 1.5, abs=1e-4)
