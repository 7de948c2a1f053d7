"""What a span brings: the sentence before a pronoun, the whole of a list, what stands below a line in bold or in capitals."""

from __future__ import annotations

from collections.abc import Callable

import fakes
import pytest

from index.formats import html, markdown
from index.formats import text as plain
from rag.grow import leans, pieces
from rag.types import Passage, Span

MakePassage = Callable[..., Passage]
MakeSpan = Callable[..., Span]

FORMATS = {"md": markdown.FORMAT, "txt": plain.FORMAT, "html": html.FORMAT}


@pytest.fixture
def fullest(passage: MakePassage, span: MakeSpan) -> Callable[..., str]:
    """The fullest piece for these words of a file in one chunk."""
    def grown(content: str, words: str, several: bool = False, source: str = "a.md", listed: bool = True) -> str:
        [extract] = FORMATS[source.rpartition(".")[2]].read(content.encode(), source)
        made = fakes.document(extract.text, source, extract.title, extract.sections)
        return pieces(span(passage(made.text, source, sections=made.sections), words), several, several and listed)[0].text
    return grown


@pytest.mark.parametrize("sentence", [
    "It was moved to Tarn Street in 1954.", "It is open to boats of less than nine metres.", "It is limited to twelve guests.",
    "It is important to the town.", "It is easy to use and to clean.", "It is likely to be closed.", "It is one that floats.",
    "This costs 14 euro.", "This lasts two years.", "This takes effect on Monday.", "This allows members to vote by post.",
    "This expires after a year.", "This rises to 20 euro in May.", "This closes at nine.", "This happened in May.",
    "This often takes a week.", "That happens in May.", "That costs £5 more.", "These cost 3 euro.", "These happen in May.",
    "These run from May.", "Both cost five euro.", "Both apply to members.", "Each costs a euro.", "Neither opens on Monday.",
    "None of them is open on Monday.", "The latter costs nine euro more."])
def test_sentences_that_point_back(sentence: str) -> None:
    assert leans(sentence)


@pytest.mark.parametrize("sentence", [
    "It is possible to pay by card.", "It is not allowed to smoke.", "It was best to wait.", "It is strictly forbidden to go.",
    "It was agreed that dogs pay.", "It is true that dogs pay.", "It will be necessary to register.",
    "This address is valid.", "This business needs a licence.", "This class costs 14 euro.", "This bus on Monday costs a lot.",
    "This canvas from 1900 costs 14 euro.", "This series for children runs in May.", "This sales figure is final.",
    "This cost is refunded.", "This need for water is known.", "That boat costs 14 euro.", "These boats cost 3 euro.",
    "These last days cost 3 euro.", "Both adults and children pay.", "Each boat costs a euro.", "Those interested in it pay."])
def test_sentences_that_do_not(sentence: str) -> None:
    assert not leans(sentence)


def test_a_pronoun_with_any_verb_brings_what_it_points_to(fullest: Callable[..., str]) -> None:
    for text in ("The archive was founded in 1911. It was moved to Tarn Street in 1954.",
                 "The boat trip leaves from the pier. This costs 14 euro."):
        assert fullest(text, text[-12:]) == text


@pytest.mark.parametrize(("text", "words", "found"), [
    ("Do dogs pay? Yes, on Sundays. Cats do not.", "on Sundays", "Do dogs pay? Yes, on Sundays."),
    ("Lost a receipt? Write a short note. Sign it in ink.", "short note", "Lost a receipt? Write a short note."),
    ("Who has lost the receipt of a meal? Write a short note.", "short note", "Write a short note."),
    ("We take notes. Lost a receipt? Write a short note. Sign it in ink now.", "Sign it", "Sign it in ink now."),
    ("Mr Pettigrew wants £480. Agreed, provided that he mends the gutter.", "gutter",
     "Mr Pettigrew wants £480. Agreed, provided that he mends the gutter."),
    ("# Fares\n\n## Do dogs pay?\n\nYes, on Sundays.", "on Sundays", "## Do dogs pay?\n\nYes, on Sundays."),
    ("# Fares\n\n## Do dogs pay?\n\nDogs pay on Sundays.", "Dogs pay on", "Dogs pay on Sundays."),
    ("# Fares\n\n## Dogs\n\nYes, on Sundays.", "on Sundays", "Yes, on Sundays."),
    ("No dogs are let in. The noise is too much.", "No dogs", "No dogs are let in.")])
def test_a_reply_brings_what_was_asked(fullest: Callable[..., str], text: str, words: str, found: str) -> None:
    assert fullest(text, words) == found


TABLE = "| Ship | Wind |\n|---|---|\n| Agnes | 28 knots |\n| Solan | 35 knots |"


def test_who_asks_for_a_list_gets_the_table(fullest: Callable[..., str]) -> None:
    text = f"# Limits\n\nWhat each may bear.\n\n{TABLE}\n\n| Crew |\n|---|\n| Ann |\n"
    for words in ("28", "Solan", "Wind"):
        assert fullest(text, words, several=True) == TABLE
    assert fullest(text, "Solan", several=True, listed=False) == "| Solan | 35 knots |"
    long = text.replace("28 knots", "28 knots " * 100)
    assert fullest(long, "Solan", several=True) == "| Solan | 35 knots |"


THINGS = "- a torch\n- a map\n- a rope"


@pytest.mark.parametrize("top", ["## To bring\n\n", "## To bring\n", "You need the following things.\n\n", "**To bring**\n\n"])
def test_who_asks_for_several_things_gets_the_list_with_its_heading_or_sentence(fullest: Callable[..., str], top: str) -> None:
    text = f"# Kit\n\nAll of it. It is yours.\n\n{top}{THINGS}\n\nThe rest is ours.\n"
    assert fullest(text, "map", several=True, listed=False) == "- a map"
    assert fullest(text, "map", several=True) == fullest(text, top.strip(), several=True) == f"{top}{THINGS}"
    assert fullest(text, "map") == "- a map"


@pytest.mark.parametrize("top", [
    "You need things. Some are ours.\n\n",  # which of the sentences it hangs on is not known
    "You need things.\n\n\n", "| Kit |\n|---|\n| all |\n\n"])
def test_what_a_list_does_not_hang_on_is_not_brought(fullest: Callable[..., str], top: str) -> None:
    assert fullest(f"# Kit\n\n{top}{THINGS}\n", "map", several=True) == "- a map"


def test_a_list_of_a_web_page_comes_with_its_heading(fullest: Callable[..., str]) -> None:
    page = "<h1>House</h1><h2>Trustees</h2><ul><li>Ann Berg</li><li>Bo Holm</li></ul><h2>Staff</h2><ul><li>Cy</li></ul>"
    assert fullest(page, "Bo", several=True, source="a.html") == "Trustees\n\n- Ann Berg\n- Bo Holm"


def test_below_a_heading_a_list_of_long_items_or_too_many_is_not_brought(fullest: Callable[..., str]) -> None:
    assert fullest(f"# Kit\n\n{THINGS}\n- a hat{' and more' * 10}\n", "map", several=True) == "- a map"
    assert fullest("# Kit\n\n" + "".join(f"- thing {n}\n" for n in range(100, 190)), "thing 103", several=True) == "- thing 103"


def test_a_list_of_many_items_comes_whole_where_it_fits(fullest: Callable[..., str]) -> None:
    twelve = "Bring:\n\n" + "\n".join(f"- thing {n}" for n in range(1, 13))
    assert fullest(twelve, "thing 12", several=True) == fullest(twelve, "Bring") == twelve
    many = "Bring:\n\n" + "\n".join(f"- thing {n}" for n in range(100, 200))
    assert fullest(many, "Bring") == many[: many.index("\n- thing 174")]  # 896 characters
    assert fullest(many, "thing 174", several=True) == "- thing 174"


def test_a_list_within_a_list_comes_without_what_follows_it(fullest: Callable[..., str]) -> None:
    nested = "- Bring to the boat:\n  - a torch\n  - a map\n- Leave at home what you do not need.\n"
    assert fullest(nested, "map", several=True) == "- Bring to the boat:\n  - a torch\n  - a map"


def test_a_heading_above_a_sentence_with_a_list_brings_both(fullest: Callable[..., str]) -> None:
    assert fullest(f"# Kit\n\nBring:\n\n{THINGS}\n\nThe rest is ours.\n", "Kit") == f"# Kit\n\nBring:\n\n{THINGS}"


@pytest.mark.parametrize(("line", "source"), [
    ("**Opening hours in May**", "a.md"), ("**Opening hours in May:**", "a.md"), ("__When is it open in May?__", "a.md"),
    ("OPENING HOURS IN MAY", "a.txt")])
def test_a_line_in_bold_or_in_capitals_heads_what_is_below(fullest: Callable[..., str], line: str, source: str) -> None:
    assert fullest(f"{line}\n\nWe open at nine. Nobody comes.\n", line, source=source) == f"{line}\n\nWe open at nine."
    assert fullest(f"{line}\n\nIt opens at nine. Nobody comes.\n", "nine", source=source) == "It opens at nine."


@pytest.mark.parametrize("line", [
    "**All dogs must be kept on a leash.**", "ALL DOGS MUST BE KEPT ON A LEASH.", "**Dogs** are kept on a **leash**",
    "__Dogs__ are __free__", "- TORCH AND MAP", "IBAN DE12 3456 7890",
    "NO DOGS, NO CATS, NO BIRDS, NO FISH, NO MICE, NO BEES, NO BATS AND NOTHING ELSE THAT LIVES"])
def test_a_line_that_says_something_itself_heads_nothing(fullest: Callable[..., str], line: str) -> None:
    assert fullest(f"{line}\n\nWe open at nine. Nobody comes.\n", line) == line


def test_of_lines_in_capitals_without_a_gap_only_the_first_is_a_heading(fullest: Callable[..., str]) -> None:
    codes = "PORT CODES\nMARRICK\nPELLIN\n\nWe open at nine on all of the days of the year.\n"
    assert fullest(codes, "CODES", source="a.txt") == "PORT CODES\nMARRICK"
    assert fullest(codes, "PELLIN", source="a.txt") == "PELLIN"


def test_nothing_is_sought_far_below_a_heading(fullest: Callable[..., str]) -> None:
    signs = "".join(f"SIGN {'WITH WORDS ' * 5}{n}\n\n" for n in range(20))
    assert fullest(f"{signs}We open at nine.\n", "SIGN", source="a.txt") == signs[: signs.index("\n")]
