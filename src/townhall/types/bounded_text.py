"""Text of a limited length."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Dialect, Text

from townhall.types.bounded import Bounded

LABEL_LENGTH = 200
"""The longest name, title, slug or category, in characters."""

LINE_LENGTH = 2_000
"""The longest URL or address, in characters."""

TEXT_LENGTH = 20_000
"""The longest text, in characters."""

# A PostgreSQL regular expression for a visible character: neither white space nor an invisible
# mark, such as that of a text's direction. It lists them, since \s depends on the collation.
_VISIBLE = (
    r"[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\ufeff]"
)


class BoundedText(Bounded[str]):
    """A ``text`` column of a limited length."""

    impl = Text
    cache_ok = True

    def __init__(self, length: int, *, must_show: bool = False) -> None:
        """Limit the text.

        Args:
            length: The largest number of characters.
            must_show: Whether the text must have a character other than blanks in a column that is
                not null and has no default.
        """
        super().__init__()
        self.length = length
        self.must_show = must_show

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a text
        """Return the text.

        Raises:
            InputError: PostgreSQL can't store one of its characters.
        """
        del dialect
        if isinstance(value, str) and (problem := unstorable(value)):
            self.refuse(problem)
        return value

    def condition(self, column: Column[Any]) -> str:
        """Return the condition on the length, and that the text is not blank."""
        length = f"char_length({column.name}) <= {self.length}"
        if not self.must_show or column.nullable or column.server_default is not None:
            return length
        return f"{length} and {column.name} ~ '{_VISIBLE}'"


def unstorable(text: str) -> str | None:
    """Return why PostgreSQL can't store a text, if it can't.

    Args:
        text: Any text.
    """
    if "\0" in text:
        return "can't hold NUL, which PostgreSQL's text does not store"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "can't hold a lone surrogate, which is half of a character"
    return None
