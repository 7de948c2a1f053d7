"""Questions that ask two things at once: "How late was it, and what is refunded for that?" is read as two questions.

A question is parted only where what follows is a question of its own, with a verb; "Who founded it, and when?" is one.
"""

from __future__ import annotations

import re

MOST = 3  # parts; what more there is stays with the last
_LEAST = 3  # words of a part
_WH = r"(?:what|which|who|whom|whose|when|where|why|how)"
_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|may|must|will|would|should|has|have|had)"
_BEFORE = r"(?:at|in|on|for|from|to|by|with|until|till|since|after|before|during|under)"
_SUBJECT = r"(?:I|you|we|they|he|she|it|there|this|that|these|those|my|your|our|their|his|her|its|anyone|somebody|[A-Z]\w+)"
_ARTICLE = r"(?:the|a|an|all|any|some|each|every)"
_ASKS = re.compile(rf"(?:(?:{_BEFORE}\s+)?{_WH}|{_AUXILIARY})\b", re.IGNORECASE)
_BOUNDARY = re.compile(
    rf"\?\s+(?:(?i:and|also|but|plus)\b,?\s+)?(?=(?i:(?:{_BEFORE}\s+)?{_WH}|{_AUXILIARY})\b)"  # two questions
    rf"|,?\s+(?:and|but)\s+(?=(?i:{_WH})\b|(?i:{_AUXILIARY})\s+{_SUBJECT}\b)"
    rf"|,?\s+(?:and|but)\s+(?=(?i:{_BEFORE}\s+{_WH}(?:\s+\w+){{0,3}}\s+{_AUXILIARY})\b)"  # "and at what time does it leave"
    rf"|,\s+(?:and|but)\s+(?=(?i:{_AUXILIARY})\s+{_ARTICLE}\b)")  # without a comma it may go on: "and is the largest"
_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")
_COMPARES = re.compile(r"\b(?:between|both|whether)\b", re.IGNORECASE)
_BARE = re.compile(rf"\b{_WH}$", re.IGNORECASE)
_OPENING = re.compile(r"[^?:]{1,60}:\s+")  # "For a wheelchair user: …" goes for all parts


def parts(question: str) -> list[str]:
    """The questions that a question is made of, in their order; itself where it is one.

    >>> parts("How late was it, and what is refunded for that?")
    ['How late was it?', 'what is refunded for that?']
    """
    opening = _OPENING.match(question)
    start = opening.end() if opening else 0
    if not _ASKS.match(question, start):
        return [question]
    found: list[str] = []
    for boundary in _BOUNDARY.finditer(question, start):
        part, rest = question[start : boundary.start()], question[boundary.end() :]
        if len(found) + 1 < MOST and _whole(part) and _whole(rest) and not _goes_on(part):
            found.append(f"{part.strip()}?")
            start = boundary.end()
    found.append(question[start:])
    before = opening[0] if opening else ""
    return [before + part for part in found]


def _whole(part: str) -> bool:
    """Whether it can be a question of its own; "does Solan?" leans on the verb of the part before it."""
    words = part.split()
    return len(words) >= _LEAST or (len(words) == _LEAST - 1 and words[0].lower() in {"do", "does", "did"})


def _goes_on(part: str) -> bool:
    """Whether it cannot end there: within a quotation or a comparison, or at "where" of "where and when"."""
    quoted = part.count('"') % 2 == 1 or part.count("“") > part.count("”") or len(_QUOTE.findall(part)) % 2 == 1
    return quoted or _COMPARES.search(part) is not None or _BARE.search(part) is not None
