"""Values are read from words: amounts with their units, dates and times in parts."""

from __future__ import annotations

import pytest

from rag.values import amounts, moments


@pytest.mark.parametrize(("words", "found"), [
    ("25 working days", {"second": {25 * 86_400}}), ("one and a half", {"": {1.5}}), ("£1,250.50", {"pound": {1250.5}}),
    ("40 €", {"euro": {40}}), ("5 per cent", {"per": {5}}), ("two hundred thousand sheep", {"sheep": {200_000}}),
    ("18 months or 1.5 years", {"month": {18}}), ("free of charge", {"": {0}}), ("²", {}), ("٣ days", {"second": {3 * 86_400}}),
    ("one hundred and fifty euro", {"euro": {150}}), ("two thousand three hundred and five dogs", {"dog": {2305}}),
    ("a hundred thousand", {"": {100_000}}), ("a thousand two hundred and one", {"": {1201}}),
    ("two and a half million sheep", {"sheep": {2.5e6}}), ("hundred and one euro", {"euro": {101}}),
    ("half an hour", {"second": {1800}}), ("1 000 000 €", {"euro": {1e6}}),
    ("£4.5m or 45k dollars", {"pound": {4.5e6}, "dollar": {45_000}}), ("–5 or minus 3 kg", {"": {-5}, "kg": {-3}}),
    ("20–35 euro", {"euro": {20, 35}}), ("half past ten", {"": {10}}), ("two and three dogs", {"": {2}, "dog": {3}}),
    ("no number", {}), ("", {})])
def test_amounts_are_read_with_their_units(words: str, found: dict[str, set[float]]) -> None:
    assert amounts(words) == found


@pytest.mark.parametrize(("words", "found"), [
    ("14 May 1931", {"year": {"1931"}, "month": {"May"}, "day": {(5, 14)}}),
    ("the 3rd of June", {"month": {"Jun"}, "day": {(6, 3)}}),
    ("Sept. 2024", {"year": {"2024"}, "month": {"Sep"}}),
    ("May 6, 2026", {"year": {"2026"}, "month": {"May"}, "day": {(5, 6)}}),
    ("2026-05-06", {"year": {"2026"}, "day": {(5, 6)}}),
    ("12 p.m. to 17:30", {"clock": {(12, 0), (17, 30)}, "hours": {(0, 330)}}), ("9–17", {"hours": {(540, 300)}}),
    ("31.03.2026", {"year": {"2026"}, "day": {(3, 31)}}), ("3/31/2026", {"year": {"2026"}, "day": {(3, 31)}}),
    ("3/4/2026", {"year": {"2026"}, "day": {(3, 4), (4, 3)}}),
    ("12.15 am", {"clock": {(0, 15)}}), ("on Tuesdays", {"weekday": {"Tues"}}), ("Marrick may", {})])
def test_dates_and_times_are_read_in_parts(words: str, found: dict[str, set[object]]) -> None:
    assert moments(words) == found
