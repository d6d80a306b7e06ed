"""Column types: text with a fixed vocabulary, and JSONB with a known shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from sqlalchemy import ClauseElement, Dialect, Numeric, Text, TypeDecorator, event, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableBase, MutableDict
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

_log = logging.getLogger(__name__)

_Vocabulary = TypeVar("_Vocabulary", bound=StrEnum)
_Value = TypeVar("_Value", bound="JsonValue")

_OF_WHOLE_VALUES = (
    operators.eq,
    operators.ne,
    operators.is_distinct_from,
    operators.is_not_distinct_from,
    operators.in_op,
    operators.not_in_op,
)


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


class TrackedObject(MutableDict[str, Any]):
    """A JSON object of a row that is stored anew when a key of it is set or removed.

    What changes within the value of a key is not seen.
    """

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:  # noqa: ANN401 - what an attribute is set to
        """Return the object that an attribute is set to; SQL stays what it is.

        Raises:
            ValueError: It is no object.
        """
        return _Sql(value) if isinstance(value, ClauseElement) else super().coerce(key, value)


class _Sql(MutableBase):
    """SQL in the place of an object, which SQLAlchemy would take for one otherwise."""

    def __init__(self, expression: ClauseElement) -> None:
        self._expression = expression

    def __clause_element__(self) -> ClauseElement:
        return self._expression


class WholeNumber(TypeDecorator[int]):
    """A ``numeric`` without decimals that Python reads as an ``int``, such as a sum of integers."""

    impl = Numeric
    cache_ok = True

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the number, however many digits it has."""
        del dialect
        return None if value is None else int(value)


class JsonValue(BaseModel):
    """An immutable value with a known shape, stored as a JSONB object.

    Python makes it with the keys that it knows and no others. What another writer stored beside
    them is kept when it is read, and survives when it is stored again.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        validate_default=True,
    )

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return the value of a stored object, with all that is in it.

        Args:
            stored: The object, by the stored keys.

        Raises:
            pydantic.ValidationError: A known key is missing or holds something else; the error
                names the path.
        """
        return cls.model_validate(stored, extra="allow", by_alias=True, by_name=False)

    def as_stored(self) -> dict[str, Any]:
        """Return the object to store: the stored keys, without those that were never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return the value with other fields, which are validated.

        Args:
            update: The fields to change, by name.
            deep: Whether to copy the fields that stay as well.

        Raises:
            pydantic.ValidationError: A changed field does not have the shape.
        """
        copied = super().model_copy(deep=deep)
        if not update:
            return copied
        known = {name: getattr(copied, name) for name in copied.model_fields_set}
        changed = type(self).model_validate({**known, **update})
        object.__setattr__(changed, "__pydantic_extra__", copied.model_extra)
        return changed

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:  # noqa: ANN401 - any field's
        if isinstance(value, str) and "\0" in value:
            raise ValueError("PostgreSQL's jsonb can't hold NUL")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _apart_from_what_others_stored(
        cls,
        value: Any,  # noqa: ANN401 - what a value is made of
        validate: ModelWrapValidatorHandler[Self],
    ) -> Self:
        valid = validate(value)
        if valid.model_extra and valid is not value:
            # pydantic counts them as set, and a field as well that one of them has the name of.
            fields = cls.model_fields.items()
            known = {name for name, field in fields if (field.alias or name) in value}
            object.__setattr__(valid, "__pydantic_fields_set__", known)
        return valid

    @model_serializer(mode="wrap")
    def _with_what_others_stored(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**serialize(self), **(self.model_extra or {})}


class _Comparator(TypeDecorator.Comparator[Any], JSONB.Comparator):
    """The operators of ``jsonb``: what is inside a value has no shape."""

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a key or a path
        return type_coerce(self.expr, JSONB)[index]


class TypedJson(TypeDecorator[_Value], Generic[_Value]):
    """A ``jsonb`` column that Python reads and writes as a :class:`JsonValue`.

    An attribute mapped to it takes a value or a mapping of that shape, and refuses anything else
    when it is set.
    """

    impl = JSONB
    cache_ok = True

    def __init__(self, shape: type[_Value]) -> None:
        """Bind the column to the class that gives it its shape."""
        super().__init__(none_as_null=True)
        self.shape = shape

    @property
    def comparator_factory(self) -> type[_Comparator]:  # type: ignore[override]  # memoized there
        """The operators of ``jsonb``."""
        return _Comparator

    def coerce_compared_value(
        self,
        op: OperatorType | None,
        value: Any,  # noqa: ANN401 - what a column is compared with
    ) -> TypeEngine[Any]:
        """Return the type of the other side: this one for a whole value, else a key's or part's."""
        if op in _OF_WHOLE_VALUES:
            return self
        return self.impl_instance.coerce_compared_value(op, value)

    def coerce(self, value: Any) -> Any:  # noqa: ANN401 - what an attribute is set to
        """Return the typed value of what an attribute is set to; SQL and None stay as they are.

        Raises:
            pydantic.ValidationError: It does not have the shape; the error names the path of what
                is wrong.
        """
        if value is None or isinstance(value, ClauseElement):
            return value
        return self.shape.model_validate(value)

    def process_bind_param(self, value: _Value | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the object to store, of a value or of a mapping of the shape."""
        del dialect
        return None if value is None else self.shape.model_validate(value).as_stored()

    def process_result_value(self, value: Any, dialect: Dialect) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of what is stored."""
        del dialect
        return None if value is None else self.shape.from_stored(value)

    @property
    def python_type(self) -> type[_Value]:
        """The class that gives the column its shape."""
        return self.shape


class OptionalJson(TypedJson[_Value]):
    """A :class:`TypedJson` in a column that is never null: None is stored as ``{}``.

    What another writer stored without the shape reads as None too, with a warning in the log: one
    row of somebody else's must not keep anybody from reading the others.
    """

    cache_ok = True

    def process_bind_param(self, value: _Value | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the object to store, empty where there is no value."""
        return super().process_bind_param(value, dialect) or {}

    def process_result_value(self, value: Any, dialect: Dialect) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of what is stored, or None where it has not the shape."""
        if not value:
            return None
        try:
            return super().process_result_value(value, dialect)
        except ValidationError as error:
            paths = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            _log.warning("what is stored is no %s: %s", self.shape.__name__, paths)
            return None


@event.listens_for(Mapper, "mapper_configured")
def _coerce_when_set(mapper: Mapper[Any], mapped_class: type[Any]) -> None:
    for attribute in mapper.column_attrs:
        column_type = attribute.columns[0].type
        if isinstance(column_type, TypedJson):
            event.listen(
                getattr(mapped_class, attribute.key),
                "set",
                lambda _row, value, _before, _by, coerce=column_type.coerce: coerce(value),
                retval=True,
            )
