"""Questions as people type them: with slips, as key words, as follow-ups, to be answered by yes or no.

The data hold well-formed questions that stand alone; a chat gets others. Each of these keeps the row's answer, so that the
reader learns to find it all the same.
"""

from __future__ import annotations

import random
import re

from index.sentences import sentences
from rag.conversation import resolve
from rag.words import content_words

NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w'’-]+(?: (?:of |the |de )?[A-Z][\w'’-]+)*")
_PRONOUNS = ("it", "it", "it", "they", "he", "she", "this", "that one")
_LONGEST_STATEMENT = 28  # words of a sentence that a question for yes or no is made of
_STATEMENT = re.compile(
    r"(?P<subject>(?!In )[A-Z][\w'’ -]{0,50}?)"
    r" (?P<verb>is|are|was|were|can|could|may|must|will|would|should|has|had|have) (?P<rest>[^.!?;]+)[.!]?")
_DETERMINERS = ("The ", "A ", "An ", "All ", "Each ", "Every ", "Some ", "Many ", "Most ", "This ", "These ")
_UNSUITED = re.compile(r"\b(?:that|not|no|never|it|he|she|they)\b", re.IGNORECASE)
_CLAUSE = re.compile(r",| (?:and|but|because|although|though|while|which|who|where|since|unless) ")


def mistyped(question: str, chance: random.Random) -> str:
    """The question with one slip of the keyboard: a letter left out, doubled, or in its neighbour's place."""
    if len(question) <= 8:
        return question
    at = chance.randrange(1, len(question) - 2)
    slip = chance.choice(("drop", "double", "swap"))
    if slip == "drop":
        return question[:at] + question[at + 1 :]
    if slip == "double":
        return question[:at] + question[at] + question[at:]
    return question[:at] + question[at + 1] + question[at] + question[at + 2 :]


def key_words(question: str) -> str:
    """The question's content words alone, as typed into a search box; the question itself where that leaves too little.

    >>> key_words("What does a day ticket cost for children?")
    'day ticket cost children'
    """
    words = content_words(question)
    return " ".join(words) if len(words) >= 3 else question


def follow_up(question: str, before: str, chance: random.Random) -> str | None:
    """The question with a pronoun in the place of a name, completed as the assistant completes a follow-up to `before`.

    None where it has no name to leave out.
    """
    names = list(NAME.finditer(question))
    if not names:
        return None
    name = chance.choice(names)
    leaning = question[: name.start()] + chance.choice(_PRONOUNS) + question[name.end() :]
    return resolve(leaning, [f"{name[0]} {before}" if name[0] not in before else before])


def yes_or_no(text: str, chance: random.Random) -> tuple[str, tuple[int, int]] | None:
    """A question for yes or no that a sentence of the text answers, with the place of what follows the sentence's verb.

    None where no sentence can be turned round.
    """
    places = sentences(text)
    for start, end in chance.sample(places, len(places)):
        sentence = text[start:end]
        match = _STATEMENT.fullmatch(sentence)
        if not match or len(sentence.split()) > _LONGEST_STATEMENT:
            continue
        subject, verb, rest = match["subject"], match["verb"], match["rest"]
        if verb in {"has", "had", "have"} and not re.match(r"(?:been|\w+ed)\b", rest):
            continue
        said = _CLAUSE.split(rest)[0].strip()
        if not 2 <= len(said.split()) <= 14 or _UNSUITED.search(f"{subject} {said}"):
            continue
        asked = subject[0].lower() + subject[1:] if subject.startswith(_DETERMINERS) else subject
        at = start + match.start("rest")
        return f"{verb.capitalize()} {asked} {said}?", (at, at + len(said))
    return None


