"""Names of random schemas in one style: in capitals, with a quote, as key words, 63 bytes long."""

from __future__ import annotations

from dataclasses import dataclass

from tests.autogenerate.lab import SCHEMA
from townhall.pg import sql

KEY_WORD_STYLE = "key words"
STYLES = (
    "{}",
    "{} odd name",
    "Odd{}",
    "100%{}",
    "{}:x",
    'a "{}"',
    "it's {}",
    "é{}ß",
    "{:x<63}",
    KEY_WORD_STYLE,
)
_KEY_WORDS = {
    "a": "position",
    "b": "order",
    "c": "values",
    "d": "row",
    "t0": "user",
    "t1": "table",
    "t2": "select",
    "e0": "interval",
    "d0": "precision",
    "k0": "grouping",
    "r0": "overlaps",
    "s0": "sequence",
    "f0": "coalesce",
    "f1": "extract",
    "v0": "window",
    "m0": "analyze",
    "x": "time",
    "things": "all",
    "size": "char",
    "rate": "trim",
    "seen": "both",
    "kind": "bit",
    "other": "offset",
}


@dataclass
class Names:
    """Makes names in one style, so that two schemas of a style share names.

    Attributes:
        style: One of ``STYLES``.
    """

    style: str

    def name(self, base: str) -> str:
        """Return a name."""
        if self.style == KEY_WORD_STYLE:
            return _KEY_WORDS.get(base, base)
        # "{:x<63}" is the longest name there can be.
        return self.style.format(base)

    def quoted(self, base: str) -> str:
        """Return a name as SQL."""
        return sql.quote(self.name(base))

    def literal(self, base: str) -> str:
        """Return the qualified name of an object as SQL."""
        return sql.qualified(SCHEMA, self.name(base))
