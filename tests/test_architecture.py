"""The house keeps its shape: imports go one way, nothing heavy comes along unasked, nothing points outside."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = ("index", "rag", "eval", "ui")
MODULES = sorted(path for package in ORDER for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a module imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", ORDER)
def test_imports_go_one_way(package: str) -> None:
    forbidden = set(ORDER[ORDER.index(package) + 1 :])
    back = {(str(path.relative_to(ROOT)), name) for path in (ROOT / package).rglob("*.py")
            for name in imported(path) if name in forbidden}
    assert back == set()


@pytest.mark.parametrize("module", ["index.build", "index.files", "rag.assistant", "rag.config", "ui.cli"])
def test_what_is_heavy_is_not_imported_unasked(module: str) -> None:
    program = f"import {module}, sys; print([name for name in ('torch', 'gradio', 'transformers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_no_other_distribution_owns_our_packages() -> None:
    owners = packages_distributions()
    assert {name: set(owners[name]) for name in ORDER if name in owners} == {name: {"pullquote"} for name in ORDER}


def test_every_public_name_is_documented() -> None:
    bare = []
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        scopes = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))]
        for scope in scopes:
            if not ast.get_docstring(scope):
                bare.append((path.name, getattr(scope, "name", "module")))
            bare += [(path.name, node.name) for node in scope.body
                     if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
                     and not ast.get_docstring(node)]
    assert bare == []


def test_static_files_point_nowhere_else() -> None:
    remote = re.compile(rb"(?:src|href|url|import|fetch)\s*[=(]?\s*[\"'(]?\s*(?:https?:)?//", re.IGNORECASE)
    shipped = sorted((ROOT / "ui" / "static").iterdir())
    assert shipped
    assert [path.name for path in shipped if remote.search(path.read_bytes())] == []
