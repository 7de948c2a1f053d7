"""The span model: two scores a word piece, for the first and the last piece of an answer; [CLS] stands for "not here".

The bundled reader is the bundled encoder, trained on (`rag/reader/training`): its weights hold all but the word
embeddings, which are the encoder's own. Any question-answering checkpoint of transformers can take its place.
"""

from __future__ import annotations

import copy
import os
import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.encoder import bundled_folder, cannot_be_loaded, commit, keep_freed_memory, loading, local_folder, one_a_core, sha256
from index.errors import ModelError
from rag.reader.windows import Encoded, encode

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "weights"
WEIGHTS_SHA256 = "df14df2f93906746ad16c4e9e96691607ecd55b05b85184d93b378a27447e23e"
WORD_EMBEDDINGS = "bert.embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class SpanModel:
    """A loaded model with its tokenizer; `longest` is how many pieces it reads at once, special ones counted.

    Whether a tokenizer cuts is its state. `uncut`, the same again, never does: threads ask at the same time.
    """

    name: str
    network: Any
    tokenizer: Any
    uncut: Any
    longest: int
    _cores: ThreadPoolExecutor = field(default_factory=lambda: one_a_core("reading"), compare=False, repr=False)

    def scores_of(self, some: Sequence[Encoded]) -> list[NDArray[np.float32]]:
        """The scores of each, in their order.

        Several texts are read side by side, each by one core alone: that wastes less than several cores on one text, and
        leaves its scores the same however many there are. The longest are begun first, so that none is waited for at the end.
        """
        order = sorted(range(len(some)), key=lambda at: -len(some[at].ids))
        begun = {at: self._cores.submit(self.scores, some[at]) for at in order}
        return [begun[at].result() for at in range(len(some))]

    def scores(self, encoded: Encoded) -> NDArray[np.float32]:
        """The scores of every piece as start and as end, (2, pieces).

        One text at a time: nothing is padded, and what stands beside it can never change the last bit of its scores.
        """
        import torch

        inputs = {"input_ids": torch.from_numpy(encoded.ids)[None]}
        if "token_type_ids" in self.tokenizer.model_input_names:
            inputs["token_type_ids"] = torch.from_numpy(encoded.types)[None]
        with torch.inference_mode():
            output = self.network(**inputs)
            scores: NDArray[np.float32] = torch.cat((output.start_logits, output.end_logits)).numpy()
        return scores


@loading()
def load_bundled() -> SpanModel:
    """The reader that ships with the project. Raises ModelError where its weights are missing or altered."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertConfig, BertForQuestionAnswering

    path = WEIGHTS / "model.safetensors"
    digest = sha256(path) if path.is_file() else "none"
    if digest != WEIGHTS_SHA256:
        raise ModelError(f"the reader's weights have SHA-256 {digest}, not {WEIGHTS_SHA256}", "Install pullquote again")
    folder = bundled_folder()
    config = BertConfig.from_pretrained(folder, local_files_only=True)
    config._attn_implementation = register_half_attention()
    with torch.device("meta"):  # no time for random weights
        network = BertForQuestionAnswering(config)
    state = {name: value.float() for name, value in load_file(path).items()}
    with safe_open(folder / "model.safetensors", "pt") as encoder:
        state[WORD_EMBEDDINGS] = encoder.get_tensor(WORD_EMBEDDINGS.removeprefix("bert."))
    network.load_state_dict(state, strict=False, assign=True)
    _fill_buffers(network)
    return _ready(f"pullquote-reader {digest[:12]}", network, AutoTokenizer.from_pretrained(folder, local_files_only=True))


@loading()
def load_checkpoint(name: str) -> SpanModel:
    """A question-answering checkpoint of transformers, in a folder or on the hub. Raises ModelError."""
    path = local_folder(name)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        where, offline = str(path or name), path is not None  # a folder is complete: never ask a hub about it
        tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=offline)
        network, told = AutoModelForQuestionAnswering.from_pretrained(where, local_files_only=offline, output_loading_info=True)
    except Exception as error:
        raise cannot_be_loaded("reader", name, path, error,
                               "Name a question-answering checkpoint of transformers, or leave the setting out") from error
    if told["missing_keys"]:
        raise ModelError(f"the checkpoint {name} has no weights for {', '.join(sorted(told['missing_keys'])[:3])}: it was not"
                         " trained for question answering", "Name a question-answering checkpoint")
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer of {name} does not tell the places of its pieces", "Name a checkpoint with a fast one")
    if path:
        weights = sorted(path.glob("*.safetensors")) + sorted(path.glob("pytorch_model*.bin"))
        return _ready(f"{path.name} {sha256(*weights)[:12]}", network, tokenizer)
    return _ready(f"{name} {commit(name)}", network, tokenizer)


def register_half_attention() -> str:
    """The name under which transformers finds `half_attention`."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    AttentionInterface.register("half", half_attention)
    AttentionMaskInterface.register("half", eager_mask)
    return "half"


def half_attention(module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
                   attention_mask: torch.Tensor | None, scaling: float = 1.0, **_: Any) -> tuple[torch.Tensor, None]:
    """Attention that stays in the precision of its input: the model's own falls back to float32, at half the speed."""
    import torch

    scores = torch.matmul(query * scaling, key.transpose(2, 3))
    if attention_mask is not None:
        scores = scores + attention_mask.to(scores.dtype)
    with torch.autocast(query.device.type, enabled=False):
        weights = torch.softmax(scores, -1)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), None


def _ready(name: str, network: Any, tokenizer: Any) -> SpanModel:
    positions = getattr(network.config, "max_position_embeddings", 512)
    # RoBERTa and its kin count positions from the padding token's number on.
    spare = 2 if network.config.model_type in {"roberta", "xlm-roberta", "camembert"} else 0
    keep_freed_memory()
    longest = min(512, positions - spare)
    uncut = copy.deepcopy(tokenizer)
    encode(tokenizer, [("", "", "")], longest)  # from now on the states of both stay as they are
    pieces(uncut, "")
    return SpanModel(name, _halved(network.eval()), tokenizer, uncut, longest)


def pieces(tokenizer: Any, text: str) -> Any:
    """The whole text in word pieces, without special ones, with their offsets."""
    return tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).encodings[0]


def computes_in_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16 products.

    oneDNN calls it supported on every CPU with AVX-512, and makes up for missing instructions: there it takes four times as
    long as float32.
    """
    import torch

    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)  # builds without oneDNN (Apple's) have no such op
    if supported is None or not supported():
        return False
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return True
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _halved(network: Any) -> Any:
    """In bfloat16 where the CPU computes in it, twice as fast; the scores themselves stay in float32."""
    import torch

    head = getattr(network, "qa_outputs", None)
    if head is None or not computes_in_bfloat16():
        return network
    network.to(torch.bfloat16)
    head.to(torch.float32).register_forward_pre_hook(lambda _, given: (given[0].float(),))
    return network


def _fill_buffers(network: Any) -> None:
    """The buffers that no weights file holds: position numbers and token types."""
    import torch

    embeddings = network.bert.embeddings
    embeddings.position_ids = torch.arange(network.config.max_position_embeddings)[None]
    embeddings.token_type_ids = torch.zeros_like(embeddings.position_ids)
