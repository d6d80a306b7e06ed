"""Text with the values of an enum."""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

from sqlalchemy import Dialect, Text, TypeDecorator

_Vocabulary = TypeVar("_Vocabulary", bound=StrEnum)


class TextEnum(TypeDecorator[_Vocabulary], Generic[_Vocabulary]):
    """A ``text`` column that Python reads and writes as a member of a ``StrEnum``."""

    impl = Text
    cache_ok = True

    def __init__(self, vocabulary: type[_Vocabulary]) -> None:
        """Bind the column to the enum whose values it may hold.

        Args:
            vocabulary: The enum; it should also be in the table's check (``base.one_of``).
        """
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: _Vocabulary | str | None, dialect: Dialect) -> str | None:
        """Return the text to store.

        Raises:
            ValueError: The text is not a value of the enum.
        """
        del dialect
        return None if value is None else self.vocabulary(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> _Vocabulary | None:
        """Return the member of the enum that has the stored value."""
        del dialect
        return None if value is None else self.vocabulary(value)

    @property
    def python_type(self) -> type[_Vocabulary]:
        """The enum itself."""
        return self.vocabulary
