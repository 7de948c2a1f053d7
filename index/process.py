"""Python processes of our own with limits, in which what comes from strangers can do no harm."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

PROGRAM = """
import importlib, json, sys
sys.path[:], module, function, arguments = json.loads(sys.argv[1])
getattr(importlib.import_module(module), function)(*arguments)
"""


def command(module: str, function: str, *arguments: int) -> list[str]:
    """The command line of a Python that calls a function.

    Its modules come from where ours do, but none from the working directory: the documents may be there.
    """
    path = [entry or str(Path(__file__).parents[1]) for entry in sys.path]
    return [sys.executable, "-P", "-B", "-c", PROGRAM, json.dumps([path, module, function, arguments])]


def limit(most: Mapping[int, tuple[int, int]]) -> None:
    """Set soft and hard limits of this process, by `resource.RLIMIT_…`. A system may refuse a limit that it does not have."""
    for kind, limits in most.items():
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, limits)
