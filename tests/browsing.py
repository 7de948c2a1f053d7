"""The page in a real browser: small documents to serve, a server on them, and what a person does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

SERVE = "import sys; from pathlib import Path; from ui.app import serve; serve(Path(sys.argv[1]), port=0)"
REPOSITORY = Path(__file__).parents[2]

LEAVE = "Full-time staff have 25 days of paid annual leave in every calendar year."
HOSTILE = ("The gate code <script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 2\"> of the warehouse is"
           " ${window.pwned = 3} {{constructor}} `4711` & *not* $$secret$$.")
DOCUMENTS = {
    # Characters beyond the basic plane before the quote: JavaScript would count two for each.
    "leave.md": "# Leave 🏝️\n\n𝔸𝔹ℂ 😀😀 A note on top.\n\n"
                + "\n\n".join(f"Paragraph {n} is about nothing in particular. 😀" for n in range(60))
                + f"\n\n## Annual leave\n\n{LEAVE} Part-time staff have a share of it. 😀\n\n"
                + "Unused annual leave of up to five days may be carried over until 31 March.\n\n"
                + "\n\n".join(f"Afterword {n} is about nothing either." for n in range(60)),
    "expenses.txt": "Receipts are required for every expense above 10 euros.\n\nClaims submitted more than 60 days after the"
                    " expense was incurred are not reimbursed.\n\nThe mileage rate for your own car is 48 cents a kilometre.",
    "<img src=x onerror=window.pwned=5>.md": f"# Warehouse <b>${{window.pwned = 6}}</b>\n\n{HOSTILE}\n\nClosed on Sundays.",
}

LARGE = "\n\n".join(f"# Part {n}\n\n" + f"Rule {n} says that the number {n * 7} is not the number {n * 9}. " * 9
                    for n in range(1200))

Open = Callable[..., Page]


def serving(home: Path, serve: str = SERVE) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULLQUOTE_")}
    with subprocess.Popen([sys.executable, "-c", serve, str(home)], cwd=REPOSITORY, env=environment, text=True,
                          stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            address = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert address, "the server did not say where it is"
            yield address[0]
        finally:
            process.terminate()
            process.wait(20)


def ask(page: Page, question: str) -> Locator:
    """Ask, and give back the card of the answer when it is complete."""
    cards = page.locator(".answer:is(.done, .error)")
    before = cards.count()
    page.get_by_label("Question", exact=True).fill(question)
    page.keyboard.press("Enter")
    expect(cards).to_have_count(before + 1, timeout=30_000)
    return cards.nth(before)


def quote_of(link: Locator) -> str:
    """The quote that a citation number stands behind."""
    return str(link.evaluate("a => { const q = a.closest('.quote').cloneNode(true);"
                             " q.querySelectorAll('a').forEach(e => e.remove()); return q.textContent }"))


def marked(page: Page) -> str:
    return "".join(page.locator("#source mark").all_text_contents())


def contrast(page: Page, selector: str) -> float:
    """The contrast ratio of WCAG 2 between a text and what it stands on."""
    return float(page.locator(selector).first.evaluate("""(element) => {
      const parse = (color) => color.match(/[\\d.]+/g).map(Number);
      const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      let under = element, ground = [0, 0, 0, 0];
      for (; under && ground[3] === 0; under = under.parentElement) {
        ground = parse(getComputedStyle(under).backgroundColor);
        if (ground.length === 3) ground.push(1);
      }
      const [high, low] = [light(parse(getComputedStyle(element).color)), light(ground)].sort((a, b) => b - a);
      return (high + 0.05) / (low + 0.05);
    }"""))
