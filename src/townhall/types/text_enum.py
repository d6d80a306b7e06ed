"""Text with the values of an enum."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import Dialect, Text

from townhall.types.refusing import Refusing
from townhall.types.unreadable import Unreadable

_Vocabulary = TypeVar("_Vocabulary", bound=StrEnum)


class TextEnum(Refusing[_Vocabulary], Generic[_Vocabulary]):
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
        self._members = _Members({None: None} | {member.value: member for member in vocabulary})

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401 - a member
        """Return the text to store.

        Raises:
            InputError: The text is not a value of the enum.
        """
        del dialect
        if value is None or isinstance(value, Unreadable):
            return None if value is None else value.raw
        try:
            return self.vocabulary(value).value
        except ValueError as error:
            self.refuse(f"can't be set: {error}")

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ANN401 - a function
        """Return what finds the member of the enum that has the stored value."""
        del dialect, coltype
        return self._members.__getitem__

    @property
    def python_type(self) -> type[_Vocabulary]:
        """The enum itself."""
        return self.vocabulary


class _Members(dict[Any, Any]):
    """The members of an enum by their values; of another value, what can't be read."""

    def __missing__(self, value: str) -> Unreadable:
        return Unreadable(value)
