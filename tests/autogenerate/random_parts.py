"""Which objects a random schema has, by the letter of their kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

MOST = {
    "e": 2,
    "d": 2,
    "k": 1,
    "r": 1,
    "s": 2,
    "t": 3,
    "f": 3,
    "h": 2,
    "w": 2,
    "v": 3,
    "m": 2,
    "p": 3,
    "g": 3,
    "n": 1,
    "i": 1,
    "x": 1,
    "u": 1,
}
"""How many there are of each kind.

They are enums, domains, composite types, ranges, sequences, tables, functions, procedures,
functions that read, views, materialized views, policies, triggers, the access of the schema,
default privileges, extensions and grants on a table of the platform.
"""
_VALUES = 12


@dataclass(frozen=True)
class Choice:
    """A random object.

    Attributes:
        number: Which of those of its kind.
        value: A number that decides what it uses and is.
        flags: Whether it has this and that.
    """

    number: int
    value: int
    flags: tuple[bool, bool, bool]


Parts = dict[str, list[Choice]]


def _some(most: int) -> st.SearchStrategy[list[Choice]]:
    choices = st.builds(
        Choice,
        number=st.integers(0, most - 1),
        value=st.integers(0, _VALUES - 1),
        flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    )
    return st.lists(choices, max_size=most, unique_by=lambda choice: choice.number)


def parts() -> st.SearchStrategy[Parts]:
    """Return a strategy of the objects of a schema."""
    return st.fixed_dictionaries({letter: _some(most) for letter, most in MOST.items()})


def full_parts() -> list[Parts]:
    """Return parts with all objects that there can be, in some of their forms."""
    return [
        {
            letter: [Choice(number, value, (flag, flag, flag)) for number in range(most)]
            for letter, most in MOST.items()
        }
        for value, flag in product(range(_VALUES), (False, True))
    ]
