"""The same question on the same generation gives the same answer object, whatever else differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eval.sets import SAMPLE
from index.build import sync
from index.encoder import Encoder
from rag.assistant import Assistant

QUESTIONS = ["How many days of annual leave do permanent staff have?", "who captains the solan", "What did Solan cost?",
             "Can I bring my dog?", "Which ferries run in winter?", "What is the capital of France?"]

_ASK = """
import json, sys
import torch
torch.set_num_threads(int(sys.argv[2]))
from pathlib import Path
from rag.assistant import Assistant
assistant = Assistant.open(Path(sys.argv[1]))
for question in json.loads(sys.argv[3]):
    print(json.dumps(assistant.ask_anyway(question).json()))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, real_encoder: Encoder) -> Path:
    home = tmp_path_factory.mktemp("home") / "home"
    sync(home, sorted(SAMPLE.iterdir())[:6], encoder=real_encoder)
    return home


def without_timings(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timings_ms"}


def answers(home: Path, threads: int, questions: list[str]) -> list[dict[str, Any]]:
    """As another process gives them, with so many threads, asked in this order."""
    ran = subprocess.run([sys.executable, "-c", _ASK, str(home), str(threads), json.dumps(questions)], capture_output=True,
                         text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    return [without_timings(json.loads(line)) for line in ran.stdout.splitlines()]


def test_processes_threads_and_the_order_of_questions_change_nothing(library: Path) -> None:
    assistant = Assistant.open(library)
    here = [without_timings(json.loads(json.dumps(assistant.ask_anyway(question).json()))) for question in QUESTIONS]
    assert any(answer["quotes"] for answer in here)
    assert answers(library, 1, QUESTIONS) == here
    assert answers(library, 2, QUESTIONS[::-1])[::-1] == here
    again = [without_timings(json.loads(json.dumps(assistant.ask_anyway(question).json()))) for question in QUESTIONS]
    assert again == here
