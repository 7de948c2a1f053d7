"""Tables made up for training, told as the reader is shown them (`rag/reader/view.py`): no set of questions has any.

A question names a row and a column, in words of its own where it can; the answer is the cell.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Value = Callable[[random.Random], str]


@dataclass(frozen=True, slots=True)
class Column:
    """What a column may be headed, how it is asked for (`{}` is the row), and what its cells hold."""

    headers: tuple[str, ...]
    questions: tuple[str, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a table; `answer` is a character span of the text, None where the table does not answer."""

    question: str
    text: str
    answer: tuple[int, int] | None


_MONTHS = ("January February March April May June July August September October November December").split()
_DAYS = ("Monday Tuesday Wednesday Thursday Friday Saturday Sunday").split()
_FIRST = ("Anna Ben Carla David Ewa Farid Grace Hugo Ines Jonas Karin Liam Maya Nils Olga Peter Rosa Samir Tara").split()
_LAST = ("Adler Brook Castell Dunn Eriksen Farrow Grant Hale Ito Jensen Keller Lowe Meyer Novak Okafor Price Reyes").split()
_PLACES = ("Room 12", "Hall B", "the annex", "Building 3", "first floor", "the main office", "Warehouse 2", "reception")

_ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Item", ("Coffee", "Sandwich", "Day ticket", "Monthly pass", "Locker", "Towel", "Parking", "Bicycle", "Tent", "Late fee",
              "Family card", "Guided tour", "Audio guide", "Student pass", "Replacement card", "Small locker")),
    ("Vehicle", ("Van", "Motorcycle", "Lorry up to 7.5 t", "Car", "Trailer", "Bus", "Electric scooter", "Camper", "Minibus")),
    ("Task", ("Test alarm", "Backup", "Filter change", "Boiler inspection", "Stock count", "Window cleaning", "Safety talk",
              "Lift inspection", "Payroll run", "Password change", "Roof check", "Pump test")),
    ("Department", ("Finance", "Human resources", "Sales", "Support", "Legal", "Engineering", "Catering", "Marketing",
                    "Purchasing", "Quality", "Research", "Facilities")),
    ("Route", ("Harbour – Castle", "North Station – Airport", "Old Town – Lake", "Mill Road – Hospital", "East Quay – Fort")),
    ("Expense", ("Breakfast", "Hotel", "Taxi", "Mileage", "Lunch", "Dinner", "Conference fee", "Train, second class",
                 "Work shoes", "Phone")),
    ("Model", ("X100", "X200 Pro", "Mini 3", "Delta S", "Terra 40", "Orion", "Nova Lite", "Compact 5", "Series 7")),
    ("Branch", ("Riverside", "City Centre", "Westfield", "Park Lane", "Hilltop", "Market Square", "Old Mill")),
)


def _price(chance: random.Random) -> str:
    sign = chance.choice("£€$")
    return f"{sign}{chance.randrange(1, 400)}" + chance.choice(("", ".00", ".50", f".{chance.randrange(10, 100)}"))


def _number(chance: random.Random) -> str:
    return f"{chance.choice((chance.randrange(2, 100), chance.randrange(100, 1000), chance.randrange(1000, 90000))):,}"


def _time(chance: random.Random) -> str:
    return f"{chance.randrange(5, 23):02}:{chance.choice(('00', '15', '30', '45'))}"


def _date(chance: random.Random) -> str:
    return f"{chance.randrange(1, 29)} {chance.choice(_MONTHS)}" + chance.choice(("", f" {chance.randrange(2015, 2031)}"))


def _person(chance: random.Random) -> str:
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}" + chance.choice(("", "", ", manager", ", ext. 214"))


def _often(chance: random.Random) -> str:
    return chance.choice(("Every week", "Every month", "Daily", "Twice a year", "Every two weeks", "Once a year", "Quarterly",
                          "Every three months", "Every " + chance.choice(_DAYS)))


def _length(chance: random.Random) -> str:
    return f"{chance.randrange(2, 300)} {chance.choice(('m', 'cm', 'km', 'days', 'minutes', 'hours', 'weeks', 'months'))}"


def _place(chance: random.Random) -> str:
    return chance.choice(_PLACES)


def _role(chance: random.Random) -> str:
    return chance.choice(("The director", "Team leader", "Any two board members", "The manager", "The treasurer",
                          "Shift leader", "The head of department"))


_COLUMNS = (
    Column(("Price", "Cost", "Fee"), ("How much does {} cost?", "What is the price of {}?", "what do I pay for {}", "{} price",
                                      "How much is {}?", "How expensive is {}?"), _price),
    Column(("Adult", "Adults"), ("How much is {} for an adult?", "What does an adult pay for {}?", "adult price {}"), _price),
    Column(("Child", "Children"), ("How much is {} for children?", "What does a child pay for {}?", "{} for a child"), _price),
    Column(("Members",), ("What do members pay for {}?", "{} price for members", "What does {} cost a member?"), _price),
    Column(("Limit", "Maximum"), ("What is the limit for {}?", "How much may I spend on {}?", "at most for {}"), _price),
    Column(("Opens", "Open from"), ("When does {} open?", "What time does {} open?", "{} opening time"), _time),
    Column(("Closes", "Open until"), ("When does {} close?", "Until when is {} open?", "{} closing time"), _time),
    Column(("First", "First departure"), ("When is the first departure on {}?", "first {} in the morning"), _time),
    Column(("Last", "Last departure"), ("When is the last departure on {}?", "What time does the last one go on {}?"), _time),
    Column(("Due", "Deadline", "By when"), ("When is {} due?", "deadline for {}", "{} by when"), _date),
    Column(("Responsible", "Contact", "Owner"), ("Who is responsible for {}?", "Whom do I call about {}?", "contact for {}",
                                                        "Who looks after {}?", "Who is in charge of {}?"), _person),
    Column(("Approved by", "Signs"), ("Who approves {}?", "Who has to sign for {}?"), _role),
    Column(("How often", "Interval"), ("How often is {} done?", "How frequently is there a {}?", "{} how often"), _often),
    Column(("Seats", "Capacity", "Passengers"), ("How many seats does {} have?", "What is the capacity of {}?",
                                                 "How many people fit into {}?"), _number),
    Column(("Staff", "Employees"), ("How many people work in {}?", "How many staff does {} have?"), _number),
    Column(("Length", "Duration"), ("How long is {}?", "What is the length of {}?", "How long does {} take?"), _length),
    Column(("Where", "Place", "Room"), ("Where is {}?", "Where do I find {}?", "{} where"), _place),
    *(Column((str(year),), (f"What was {{}} in {year}?", f"How much was {{}} in {year}?", f"{{}} {year}",
                            f"What was the figure for {{}} in {year}?"), _number) for year in range(2018, 2027)),
)


def asked_of_table(chance: random.Random) -> tuple[Asked, Asked]:
    """A question on a table that answers it, and the same question on one like it that does not."""
    head, things = chance.choice(_ROWS)
    rows = chance.sample(things, min(len(things), chance.randrange(3, 9)))
    columns = chance.sample(_COLUMNS, chance.randrange(1, 5))
    names = [chance.choice(column.headers) for column in columns]
    wanted, column = chance.choice(rows), chance.randrange(len(columns))
    row = wanted.lower() if chance.random() < 0.5 else wanted
    row = row if not chance.random() < 0.5 or row[0].isdigit() else f"the {row}"
    question = chance.choice(columns[column].questions).format(row)
    question = question[0].upper() + question[1:] if chance.random() < 0.6 else question

    def table(some: Sequence[str], shown: Sequence[int], answering: bool) -> Asked:
        text, answer = chance.choice(("", f"| {' | '.join([head, *(names[at] for at in shown)])} |\n")), None
        for name in some:
            text += name
            for at in shown:
                value = columns[at].value(chance)
                text += f", {names[at]}: "
                if answering and name == wanted and at == column:
                    answer = (len(text), len(text) + len(value))
                text += value
            text += "\n"
        return Asked(question, text, answer)

    everything = range(len(columns))
    others = [name for name in things if name != wanted]
    other_rows = chance.sample(others, min(len(others), len(rows)))
    without_column = [at for at in everything if at != column]
    if without_column and chance.random() < 0.4:
        return table(rows, everything, True), table(rows, without_column, False)
    return table(rows, everything, True), table(other_rows, everything, False)
