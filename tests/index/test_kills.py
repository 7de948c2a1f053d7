"""A build that is killed at any moment leaves an index that is whole, and nobody who asks meanwhile notices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def kill(folder: Path, scenario: str, points: int, seed: int) -> list[dict[str, object]]:
    arguments = [HERE.parent / "fakes.py", folder, scenario, str(points), str(seed)]
    run = subprocess.run([sys.executable, HERE / "kills.py", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    seen = [json.loads(line) for line in run.stdout.splitlines()]
    failed = [kill for kill in seen if kill["next"] != 0 or not kill["asking"]]
    assert not failed, f"{failed}\n{run.stderr}"
    assert len(seen) == points
    return seen


@pytest.mark.parametrize(("scenario", "points"), [
    ("update", 24), ("add", 12), ("first", 8), ("erase", 8), ("remove", 8), ("rollback", 6), ("rebuild", 8)])
def test_killed_at_some_moments_a_build_leaves_one_of_two_whole_indexes(tmp_path: Path, scenario: str, points: int) -> None:
    seen = kill(tmp_path, scenario, points, 1)
    assert sum(bool(kill["died"]) for kill in seen) >= 0.7 * points


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "points"), [
    ("update", 240), ("add", 120), ("first", 80), ("erase", 40), ("remove", 40), ("rollback", 40), ("rebuild", 60)])
def test_killed_at_any_moment_a_build_leaves_one_of_two_whole_indexes(tmp_path: Path, scenario: str, points: int) -> None:
    seen = kill(tmp_path, scenario, points, 2)
    states = {"first": {"none", "new"}, "erase": {"new"}}
    assert {kill["state"] for kill in seen} == states.get(scenario, {"old", "new"})
    if scenario != "erase":
        assert {f"{when} {what}" for when in ("call", "return") for what in ("rename", "replace", "fsync")} <= {
            kill["name"] for kill in seen}
