"""Characters of fonts that have signs in the places of letters, as Unicode has them."""

from __future__ import annotations

# From the space on, and from the second of the upper half on.
SYMBOL = {
    0x20: " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪",
    0xF1: "〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
}  # fmt: skip
# Those of the other fonts that people put into a text: hands, faces, boxes, bullets, arrows, ticks.
WINGDINGS = {
    0x28: "☎", 0x2A: "✉", 0x46: "☞", 0x4A: "☺", 0x4B: "😐", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x72: "❒",
    0x75: "◆", 0x76: "❖", 0x9F: "•", 0xA7: "▪", 0xA8: "◻", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔",
    0xEF: "⇦", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
WINGDINGS_2 = {0x4F: "✗", 0x50: "✓", 0x52: "☑", 0x53: "☒", 0xA3: "□"}
FONTS = {
    "symbol": {first + at: sign for first, signs in SYMBOL.items() for at, sign in enumerate(signs)},
    "wingdings": WINGDINGS, "wingdings 2": WINGDINGS_2,
}  # fmt: skip
PRIVATE = range(0xE000, 0xF900)  # where such fonts have their signs, from U+F000 on


def symbol(font: str, code: int) -> str:
    """The character that a font shows for a code; empty where it is not known.

    >>> symbol("Wingdings", 0xF0FC), symbol("Symbol", 0x61), symbol("MS Gothic", 0x2610), symbol("Webdings", 0xF061)
    ('✓', 'α', '☐', '')
    """
    known = FONTS.get(font.casefold())
    if known is not None:
        return known.get(code & 0xFF, "")
    return chr(code) if 0x20 <= code < 0x10FFFF and code not in PRIVATE and not 0xD800 <= code < 0xE000 else ""
