"""What `pip install` brings: all that is needed at run time, and none of what only training and the tests read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent
PACKAGES = ("index", "rag", "eval", "ui")
LEFT_OUT = (("eval", "sets", "sample_src"), ("rag", "reader", "training"))  # but for the code


def test_the_wheel_holds_everything_that_is_needed_and_no_more(tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", made, source],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = made.glob("*.whl")
    with ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
        licences = {Path(name).name for name in opened.namelist() if "/licenses/" in name}
    there = {path.relative_to(source) for package in PACKAGES for path in (source / package).rglob("*") if path.is_file()}
    wanted = {path.as_posix() for path in there
              if path.suffix == ".py" or not any(path.parts[: len(folder)] == folder for folder in LEFT_OUT)}
    assert held == wanted
    assert {"rag/reader/weights/model.safetensors", "eval/sets/sample.jsonl", "eval/sets/sample/faq.jsonl"} < held
    assert licences == {"LICENSE", "NOTICE"}
