"""Charts of office files: their title and, as a table, the names and numbers that the file keeps of them."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from index.formats.outline import Blocks, one_line, table_row

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
CHARTS = (f"{C}chart", "{http://schemas.microsoft.com/office/drawing/2014/chartex}chart")  # what stands for one in a document

MOST_CATEGORIES, MOST_SERIES = 200, 20
BEYOND_NOTICE = f"it has a chart of more than {MOST_CATEGORIES} categories or {MOST_SERIES} series, which is read no further"
UNREAD_NOTICE = "it has a chart that is damaged or of a kind that is not known, which is not read"
INDEX = re.compile("[0-9]{1,9}")
NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:[eE][-+]?\d{1,3})?")


def add_chart(blocks: Blocks, part: bytes) -> str:
    """Append the chart that an XML part has: its title, a header "Category | Series", and a row for each category.

    Gives what to say of what is not read of it, else an empty string.
    """
    from lxml import etree

    try:
        chart = etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True)).find(f"{C}chart")
    except (etree.XMLSyntaxError, ValueError):
        return UNREAD_NOTICE
    if chart is None:
        return UNREAD_NOTICE
    blocks.add(_words(chart.find(f"{C}title")))
    series = list(islice(chart.iter(f"{C}ser"), MOST_SERIES + 1))
    tables: dict[tuple[tuple[int, str], ...], list[Any]] = {}  # series by their categories: those of a scatter have their own
    for one in series[:MOST_SERIES]:
        tables.setdefault(tuple(_points(_first(one, "cat", "xVal")).items()), []).append(one)
    beyond = len(series) > MOST_SERIES
    for categories, together in tables.items():
        beyond |= _add_table(blocks, dict(categories), together)
    return BEYOND_NOTICE if beyond else ""


def _add_table(blocks: Blocks, categories: dict[int, str], series: list[Any]) -> bool:
    """Append series with the same categories; whether there are more of these than are read."""
    values = [_points(_first(one, "val", "yVal")) for one in series]
    places = sorted({place for column in values for place in column})
    rows = [["Category", *(_words(one.find(f"{C}tx")) for one in series)]]
    for place in places[:MOST_CATEGORIES]:
        label = categories.get(place, "") if categories else str(place + 1)
        rows.append([label, *(column.get(place, "") for column in values)])
    for number, row in enumerate(rows if places else ()):
        blocks.add(table_row(row), tight=number > 0)
    return len(places) > MOST_CATEGORIES


def _first(series: Any, *names: str) -> Any:
    return next((found for name in names if (found := series.find(f"{C}{name}")) is not None), None)


def _words(text: Any) -> str:
    """A title or a name, written or taken from a cell, on one line."""
    if text is None:
        return ""
    paragraphs = ["".join(run.text or "" for run in paragraph.iter(f"{A}t")) for paragraph in text.iter(f"{A}p")]
    return one_line(" ".join(paragraphs or [value.text or "" for value in text.iter(f"{C}v")]))


def _points(data: Any) -> dict[int, str]:
    """What is kept of a series' categories or values, by place; of categories in levels, the outer ones go before."""
    if data is None:
        return {}
    code = data.findtext(f".//{C}formatCode") or ""
    inner, *outer = [_kept(level, code) for level in data.iter(f"{C}lvl")] or [_kept(data, code)]
    for level in outer:
        last, named = "", {}
        for place in sorted(inner.keys() | level.keys()):
            last = level.get(place, last)
            named[place] = one_line(f"{last} {inner.get(place, '')}")
        inner = named
    return inner


def _kept(points: Any, code: str) -> dict[int, str]:
    found = ((point.get("idx", ""), point.findtext(f"{C}v") or "") for point in points.iter(f"{C}pt"))
    return {int(place): _shown(one_line(text), code) for place, text in found if INDEX.fullmatch(place) and text.strip()}


def _shown(text: str, code: str) -> str:
    """A number without the digits that are but noise, a share as a percentage, and all else as it is."""
    if not NUMBER.fullmatch(text):
        return text
    if code.endswith("%"):
        return f"{float(text) * 100:.12g}%"
    return text if len(text) <= 15 else f"{float(text):.15g}"
