"""Evaluation sets that ship with the project, and the sample library they ask about."""

from pathlib import Path

SAMPLE = Path(__file__).parent / "sample"
SAMPLE_SET = Path(__file__).parent / "sample.jsonl"
