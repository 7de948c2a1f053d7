"""What a web page, a mail in HTML or a chapter of a book hides by itself: nobody has read it there, so nobody is to quote it.

Only what an element says of itself counts, not the rules of style sheets: these hide what scripts unfold (tabs, questions
and answers), other sizes of the screen and what is printed, and what is hidden so is what people look for.
"""

from __future__ import annotations

import re
from typing import Any

COMMENT = re.compile(r"/\*.*?\*/", re.S)
NOTHING = re.compile(r"[+-]?(?:0+(?:\.0*)?|\.0+)(?:%|[a-z]+)?")
CLAIMS = "//body//*[@style or @hidden]"
LONGEST_LABEL = 200
# What is opened by a click: an element that something refers to, or one that stands behind what one can click on.
CONTROLLED = ("//@aria-controls", "//@data-target", "//@data-bs-target", "//a/@href[starts-with(., '#')]")
CONTROL = (
    f"self::*[string-length(normalize-space()) <= {LONGEST_LABEL}]/descendant-or-self::*[self::dt or self::button"
    " or self::summary or @role = 'button' or @role = 'tab' or @aria-expanded or @onclick"
    " or self::a[starts-with(@href, '#') or starts-with(@href, 'javascript:')]]"
)
SCRIPTS = "//script[not(@type) or @type = 'module' or contains(@type, 'javascript')]"
# Inside letters of no size, what may give them one again.
RESIZED = "descendant::*[self::font or @class or @id or contains(@style, 'font')]"
# A script is about to show what is more than this, and so many times what is seen without it.
SHELL, TIMES = 1000, 10


def leave_out_hidden(page: Any) -> None:
    """Take out what is hidden, but neither what a click opens nor a formula that is shown as a picture."""
    scripted = bool(page.xpath(SCRIPTS))
    opened = {name.lstrip("#") for names in CONTROLLED for name in " ".join(page.xpath(names)).split()}
    closed = dict.fromkeys(element for element in page.xpath(CLAIMS) if is_hidden(element, scripted)
                           and not _is_opened(element, opened) and next(element.iter("math"), None) is None)
    outermost = [element for element in closed if closed.keys().isdisjoint(element.iterancestors())]
    if not (scripted and _is_shell(page, outermost)):
        for element in outermost:
            element.drop_tree()


def is_hidden(element: Any, scripted: bool = False) -> bool:
    """Whether an element says of itself that it is not shown; what a script may fade in (`scripted`) is."""
    if element.get("hidden", "until-found") != "until-found":
        return True
    style = _style(element)
    if style.get("display") == "none":
        return True
    if style.get("visibility") in ("hidden", "collapse"):
        faded = scripted and any(name.startswith("animation") for name in style)
        return not faded and not any(_style(inner).get("visibility") == "visible" for inner in element.xpath(".//*[@style]"))
    if NOTHING.fullmatch(style.get("font-size", "")) and not element.xpath(RESIZED):
        return True
    return not scripted and NOTHING.fullmatch(style.get("opacity", "")) is not None


def _style(element: Any) -> dict[str, str]:
    """What an element's own style says, by property; of several the last."""
    stated = COMMENT.sub("", element.get("style", "").lower())
    parts = (declaration.partition(":") for declaration in stated.split(";"))
    return {name.strip(): value.partition("!")[0].strip() for name, _, value in parts}


def _is_opened(element: Any, opened: set[str]) -> bool:
    before = element.getprevious()
    clicked = before is not None and bool(before.xpath(CONTROL))
    return clicked or element.get("id") in opened or element.get("role") == "tabpanel"


def _is_shell(page: Any, hidden: list[Any]) -> bool:
    """Whether next to nothing is seen of a page without what is hidden: then that is the page, once it has been loaded."""
    letters = sum(_letters(element) for element in hidden)
    return letters > SHELL and letters > TIMES * (sum(map(_letters, page.iter("body"))) - letters)


def _letters(element: Any) -> int:
    unseen = sum(len(text) for inner in element.iter("script", "style") for text in inner.itertext())
    return sum(map(len, element.itertext())) - unseen
