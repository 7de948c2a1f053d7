"""Formulas of Office files on one line, as one types them into Word: `x^2`, `a_(n+1)`, `(a+b)/2`, `√x`, `∑_(k=1)^n k`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
FORMULAS = (f"{M}oMath", f"{M}oMathPara")
DELETED = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}del"
# What needs no brackets where it is divided or raised: a name or number, a single sign, or what has brackets.
SIMPLE = re.compile(r"\w+(?:[.,]\w+)?|.?|\([^()]*\)", re.S)


def formula(element: Any) -> str:
    """What a formula says, or a part of one."""
    if element.tag == f"{M}t":
        return element.text or ""
    if element.tag == DELETED:
        return ""
    write = STRUCTURES.get(element.tag)
    return write(element) if write else "".join(map(formula, element))


def _part(element: Any, name: str) -> str:
    found = element.find(f"{M}{name}")
    return "" if found is None else formula(found)


def _grouped(element: Any, name: str) -> str:
    text = _part(element, name).strip()
    return text if SIMPLE.fullmatch(text) else f"({text})"


def _stated(element: Any, name: str, otherwise: str) -> str:
    """A property, which a structure has if it is not as usual."""
    found = element.find(f"./*/{M}{name}")
    return otherwise if found is None else str(found.get(f"{M}val", ""))


def _fraction(element: Any) -> str:
    line = "¦" if _stated(element, "type", "bar") == "noBar" else "/"
    return f"{_grouped(element, 'num')}{line}{_grouped(element, 'den')}"


def _scripts(element: Any) -> str:
    """What stands below and above something, at its side or under and over it."""
    below, above = _grouped(element, "sub"), _grouped(element, "sup")
    if element.tag in (f"{M}limLow", f"{M}limUpp"):
        limit = _grouped(element, "lim")
        below, above = (limit, "") if element.tag == f"{M}limLow" else ("", limit)
    return f"_{below}" * bool(below) + f"^{above}" * bool(above)


def _scripted(element: Any) -> str:
    return _grouped(element, "e") + _scripts(element)


def _scripted_before(element: Any) -> str:
    return _scripts(element) + _grouped(element, "e")


def _operator(element: Any) -> str:
    """A sum, a product, an integral."""
    scripts = _scripts(element)
    return f"{_stated(element, 'chr', '∫')}{scripts}{' ' * bool(scripts)}{_part(element, 'e')}"


def _function(element: Any) -> str:
    name, of = _part(element, "fName"), _part(element, "e")
    return f"{name}{'' if of.startswith('(') else ' '}{of}"


def _root(element: Any) -> str:
    degree = _part(element, "deg")
    return f"√({degree}&{_part(element, 'e')})" if degree else f"√{_grouped(element, 'e')}"


def _brackets(element: Any) -> str:
    inner = _stated(element, "sepChr", "|").join(map(formula, element.iterfind(f"{M}e")))
    return f"{_stated(element, 'begChr', '(')}{inner}{_stated(element, 'endChr', ')')}"


def _matrix(element: Any) -> str:
    rows = ("&".join(map(formula, row.iterfind(f"{M}e"))) for row in element.iterfind(f"{M}mr"))
    return f"({'@'.join(rows)})"


def _lines(element: Any) -> str:
    return "\n".join(map(formula, element.iterfind(f"{M}e")))


def _accented(element: Any) -> str:
    return _grouped(element, "e") + _stated(element, "chr", "\N{COMBINING CIRCUMFLEX ACCENT}")


STRUCTURES: Mapping[str, Callable[[Any], str]] = MappingProxyType({f"{M}{name}": write for name, write in {
    "acc": _accented, "d": _brackets, "eqArr": _lines, "f": _fraction, "func": _function, "limLow": _scripted,
    "limUpp": _scripted, "m": _matrix, "nary": _operator, "rad": _root, "sPre": _scripted_before, "sSub": _scripted,
    "sSubSup": _scripted, "sSup": _scripted,
}.items()})  # fmt: skip
