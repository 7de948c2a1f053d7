"""What a web page, a mail in HTML or a chapter of a book hides by itself: nobody has read it there, so nobody is to quote it.

Only what an element says of itself counts, not the rules of style sheets: these hide what is unfolded (tabs, questions and
answers), other sizes of the screen and what is printed, and what is hidden so is what people look for. For the same reason
nothing counts as hidden where there are scripts: no one can tell what they show. What may be seen is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

COMMENT = re.compile(r"/\*.*?\*/", re.S)
NOTHING = re.compile(r"[+-]?(?:0+(?:\.0*)?|\.0+)(?:%|[a-z]+)?")
CLAIMS = "//body//*[@style or @hidden]"
SCRIPTED = (
    "boolean(//script[not(contains(@type, 'json'))] | //@*[starts-with(name(), 'on')"
    " or starts-with(translate(normalize-space(), 'ACIJPRSTV', 'acijprstv'), 'javascript:')])"
)
LONGEST_LABEL = 200
# What is opened by a click: an element that something refers to, or one that stands behind what one can click on.
REFERENCES = "//@aria-controls | //@data-target | //@data-bs-target | //@href[contains(., '#')]"
CONTROL = (
    f"self::*[string-length(normalize-space()) <= {LONGEST_LABEL}]/descendant-or-self::*[self::dt or self::button"
    " or self::summary or @role = 'button' or @role = 'tab' or @aria-expanded or self::a[starts-with(@href, '#')]]"
)


def leave_out_hidden(page: Any, untold: Iterable[str]) -> int:
    """Take out what is hidden, but neither what a click opens nor a formula that is shown as a picture.

    Returns how many parts that were; those without words are not counted, nor those in elements that are `untold` anyway.
    """
    if page.xpath(SCRIPTED):
        return 0
    styles = {element: _style(element) for element in page.xpath(CLAIMS)}
    shown = _with_ancestors(element for element, style in styles.items() if style.get("visibility") == "visible")
    kept = _with_ancestors([*_referred_to(page), *page.iter("math")])
    hidden = {element: None for element, style in styles.items()
              if element not in kept and _is_hidden(element, style, shown) and not _is_opened(element)}
    outermost = [element for element in hidden if hidden.keys().isdisjoint(element.iterancestors())]
    words = f"descendant::text()[not({' or '.join(f'ancestor::{name}' for name in untold)})]"
    number = sum(any(character.isalnum() for text in element.xpath(words) for character in text) for element in outermost)
    for element in outermost:
        element.drop_tree()
    return number


def hidden_notice(number: int) -> tuple[str, ...]:
    """What is said of parts that are left out."""
    if not number:
        return ()
    return ("it has a hidden part, which is left out" if number == 1 else f"it has {number} hidden parts, which are left out",)


def _is_hidden(element: Any, style: dict[str, str], shown: set[Any]) -> bool:
    """Whether an element says of itself that it is not shown, and what is `shown` in it does not say otherwise."""
    if element.get("hidden", "until-found") != "until-found" or style.get("display") == "none":
        return True
    if any(name.startswith("animation") for name in style):  # it fades in
        return False
    if style.get("visibility") in ("hidden", "collapse"):
        return element not in shown
    if NOTHING.fullmatch(style.get("opacity", "")):
        return True
    # Style sheets may give a size to the letters of any element inside; mails close the gaps between columns so.
    return not len(element) and NOTHING.fullmatch(style.get("font-size", "")) is not None


def _style(element: Any) -> dict[str, str]:
    """What an element's own style says, by property: of several the last, but what is marked as important before all else."""
    said: dict[str, str] = {}
    important: dict[str, str] = {}
    for declaration in COMMENT.sub("", element.get("style", "").lower()).split(";"):
        name, _, value = declaration.partition(":")
        value, _, mark = value.partition("!")
        if mark.strip() in ("", "important"):  # any other mark makes it void
            (important if mark else said)[name.strip()] = value.strip()
    return said | important


def _with_ancestors(elements: Iterable[Any]) -> set[Any]:
    found: set[Any] = set()
    for element in elements:
        while element is not None and element not in found:
            found.add(element)
            element = element.getparent()
    return found


def _referred_to(page: Any) -> Iterator[Any]:
    """The elements that something on the page names: a link shows where it leads, also within what is hidden."""
    names = {unquote(name.rpartition("#")[2]) for names in page.xpath(REFERENCES) for name in names.split()}
    return (element for element in page.xpath("//*[@id]") if element.get("id") in names)


def _is_opened(element: Any) -> bool:
    before = element.getprevious()
    return element.get("role") == "tabpanel" or (before is not None and bool(before.xpath(CONTROL)))
