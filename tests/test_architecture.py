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
BY_NAME = {"import_module", "__import__", "find_spec", "run_module"}
MODULES = sorted(path for package in ORDER for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a module imports anywhere: inside functions, for types only, or by name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in BY_NAME:
            yield from (str(given.value).split(".")[0] for given in node.args[:1] if isinstance(given, ast.Constant))


def public(scope: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
    """The classes, functions and methods that can be reached by public names, below a module or class."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield f"{name}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{name}.{node.name}")


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
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(path.read_text("utf-8"))
        named = [(module, tree), *public(tree, module)]
        bare += [name for name, node in named if not (ast.get_docstring(node) or "").strip()]
    assert len(MODULES) > 30
    assert bare == []


def test_static_files_point_nowhere_else() -> None:
    remote = re.compile(r"(?:https?:|wss?:)?//(?=[\w-]+(?:\.[\w-]+)+|localhost)[^\s\"'<>)]+", re.IGNORECASE)
    namespaces = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml")
    shipped = sorted((ROOT / "ui" / "static").iterdir())
    assert {path.suffix for path in shipped} >= {".css", ".js", ".svg"}
    found = {(path.name, url) for path in shipped for url in remote.findall(path.read_text("utf-8"))}
    assert {(name, url) for name, url in found if url not in namespaces} == set()
