"""Column types: text with a fixed vocabulary, and JSONB with a known shape."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

_Vocabulary = TypeVar("_Vocabulary", bound=StrEnum)
_Value = TypeVar("_Value", bound="JsonValue")


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
        """Return the text to store; a text outside the vocabulary raises ``ValueError``."""
        del dialect
        return None if value is None else self.vocabulary(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> _Vocabulary | None:
        """Return the member that the stored text stands for."""
        del dialect
        return None if value is None else self.vocabulary(value)

    @property
    def python_type(self) -> type[_Vocabulary]:
        """The enum itself."""
        return self.vocabulary


class JsonValue(BaseModel):
    """An immutable value with a known shape, stored as a JSONB object.

    Keys that it does not know are kept, so that what another writer stored beside the known ones
    survives a round trip.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        populate_by_name=True,
        validate_default=True,
    )

    def as_stored(self) -> dict[str, Any]:
        """Return the object to store: the stored keys, without those that were never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class TypedJson(TypeDecorator[_Value], Generic[_Value]):
    """A ``jsonb`` column that Python reads and writes as a :class:`JsonValue`."""

    impl = JSONB
    cache_ok = True

    def __init__(self, shape: type[_Value]) -> None:
        """Bind the column to the class that gives it its shape."""
        super().__init__(none_as_null=True)
        self.shape = shape

    def process_bind_param(self, value: _Value | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the object to store.

        Raises:
            pydantic.ValidationError: A mapping was given that does not have the shape; the error
                names the path of what is wrong.
        """
        del dialect
        return None if value is None else self.shape.model_validate(value).as_stored()

    def process_result_value(self, value: Any, dialect: Dialect) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of what is stored."""
        del dialect
        return None if value is None else self.shape.model_validate(value)

    @property
    def python_type(self) -> type[_Value]:
        """The class that gives the column its shape."""
        return self.shape
